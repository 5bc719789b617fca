//! Timeouts: zero, relative, absolute, expired, in every phase in which a thread can wait.

use thaw_l4::{CapIndex, Message, MsgTag, Op, Selector, Timeout, Timeouts, raw};

use super::parts::{SLEEP, WAIT, call, operate, ready, request, run, send, show_steps};
use crate::{
    Runner, fact, show,
    step::Step,
    world::{CHILD, OWN_THREAD, World},
};

/// How a timeout is given.
#[derive(Clone, Copy)]
enum Given {
    Zero,
    Relative,
    /// A point of time that is over.
    Past,
    /// A point of time to come.
    Future,
}

const GIVEN: [(&str, Given); 4] = [
    ("zero", Given::Zero),
    ("relative", Given::Relative),
    ("absolute and over", Given::Past),
    ("absolute", Given::Future),
];

/// Microseconds until timeouts that are to be seen running.
const SOON_US: u32 = 20_000;
/// Longer than those.
const LATER_US: u32 = 30_000;
/// Absolute timeouts: number of the buffer register.
const RECEIVE_AT: u16 = 3;
const SEND_AT: u16 = 1;

impl Given {
    fn timeout(self, register: u16) -> Timeout {
        match self {
            Self::Zero => Timeout::ZERO,
            Self::Relative => Timeout::from_us(SOON_US),
            Self::Past | Self::Future => Timeout(0x8000 | register),
        }
    }

    fn end_us(self, now: u64) -> u64 {
        match self {
            Self::Past => now.saturating_sub(1000),
            _ => now + u64::from(SOON_US),
        }
    }
}

/// Gives a step a send and a receive timeout.
fn limited(w: &World<'_>, step: Step, send: Option<Given>, receive: Option<Given>) -> Step {
    let now = w.clock_us();
    let mut registers = [0; 6];
    for (given, register) in [(send, SEND_AT), (receive, RECEIVE_AT)] {
        let end = given.map_or(0, |g| g.end_us(now));
        (registers[register as usize], registers[register as usize + 1]) = (end as u32, (end >> 32) as u32);
    }
    let of = |given: Option<Given>, register| given.map_or(Timeout::NEVER, |g| g.timeout(register));
    step.timeouts(Timeouts::new(of(send, SEND_AT), of(receive, RECEIVE_AT))).buffers(0, &registers)
}

/// All cases.
pub fn run_all(r: &Runner) {
    for (name, given) in GIVEN {
        for (what, op) in [("send", Op::SEND), ("call", Op::CALL), ("send_and_wait", Op::SEND_AND_WAIT)] {
            r.case(format_args!("{what}, send phase, {name}"), |w| {
                let busy = w.give(run(w, &[SLEEP]).cap);
                show_expiry(w, limited(w, operate(busy, op), Some(given), None));
            });
        }
        r.case(format_args!("call at a gate without a thread, {name}"), |w| {
            let gate = w.give(w.unbound_gate());
            show_expiry(w, limited(w, operate(gate, Op::CALL), Some(given), None));
        });
        r.case(format_args!("call, receive phase, {name}"), |w| {
            let silent = w.give(run(w, &[WAIT]).cap);
            show_expiry(w, limited(w, operate(silent, Op::CALL), None, Some(given)));
        });
        r.case(format_args!("open wait, {name}"), |w| show_expiry(w, limited(w, WAIT, None, Some(given))));
        r.case(format_args!("sleep, {name}"), |w| show_expiry(w, limited(w, SLEEP, None, Some(given))));
        r.case(format_args!("closed wait, {name}"), |w| {
            let silent = w.give(run(w, &[WAIT]).cap);
            let step = Step::invoke(silent.select(Op::RECEIVE), MsgTag::default());
            show_expiry(w, limited(w, step, None, Some(given)));
        });
        r.case(format_args!("semaphore, {name}"), |w| {
            let down =
                Step::invoke(semaphore(w).select(Op::CALL), MsgTag::new(raw::L4_PROTO_SEMAPHORE, 1, 0, 0));
            show_expiry(w, limited(w, down, None, Some(given)));
        });
        r.case(format_args!("reply_and_wait, {name}"), |w| {
            let again = Step::invoke(Selector::nobody(Op::REPLY_AND_WAIT), MsgTag::new(5, 0, 0, 0));
            show_expiry(w, limited(w, again, Some(Given::Zero), Some(given)));
        });
    }
    r.case("send and receive timeouts one after the other", both_phases);
    r.case("message that is there already, open wait with zero timeout", |w| message_there(w, Given::Zero));
    r.case("message that is there already, open wait that is over", |w| message_there(w, Given::Past));
    r.case("partner that waits already, send that is over", partner_there);
    r.case("equal points of time", |w| order(w, [10_000, 10_000, 10_000]));
    r.case("points of time in reverse order", |w| order(w, [14_000, 12_000, 10_000]));
    r.case("mantissa zero with an exponent", |w| show_expiry(w, SLEEP.timeouts(Timeouts(0x2800))));
    r.case("longest relative timeout", |w| show_expiry(w, SLEEP.timeouts(Timeouts(0x7fff))));
    r.case("absolute point of time that is zero", |w| show_expiry(w, SLEEP.timeouts(Timeouts(0x8003))));
    r.case("cancelled, then the next sleep runs its own time", cancelled);
    r.case("late caller: reply after the receive timeout", late_reply);
    r.case("timeout runs on through a cancelled send", send_time_then_receive);
    r.case("relative timeout starts again after a restart", restarted);
}

fn semaphore(w: &World<'_>) -> CapIndex {
    let slot = w.slot();
    w.create(slot, Message::new(&w.k).word(raw::L4_PROTO_SEMAPHORE as u32)).expect("semaphore");
    w.give(thaw_l4::Cap::<thaw_l4::Irq>::new(slot))
}

/// Runs the step, shows it at once and when its time is over.
fn show_expiry(w: &World<'_>, step: Step) {
    let t = run(w, &[step]);
    let at_once = t.done(0) != 0;
    fact!("at once: {}", if at_once { "over" } else { "waiting" });
    if !at_once {
        w.sleep_us(LATER_US);
    }
    show_steps(w, &t, 1);
}

fn both_phases(w: &World<'_>) {
    let s = run(w, &[SLEEP, WAIT]);
    let to = w.give(s.cap);
    let t = run(w, &[limited(w, operate(to, Op::CALL), Some(Given::Relative), Some(Given::Relative))]);
    s.wake();
    w.settle();
    show_steps(w, &s, 2);
    fact!("delivered; t1 step0: done {}", t.done(0));
    w.sleep_us(LATER_US);
    show_steps(w, &t, 1);
}

fn message_there(w: &World<'_>, given: Given) {
    let s = run(w, &[SLEEP]);
    let t = run(w, &[send(w.give(s.cap), 1)]);
    s.script_from(1, &[limited(w, WAIT, None, Some(given)), Step::END]);
    s.wake();
    w.settle();
    show_steps(w, &s, 2);
    show_steps(w, &t, 1);
}

fn partner_there(w: &World<'_>) {
    for given in [Given::Zero, Given::Past] {
        let s = run(w, &[WAIT]);
        let t = run(w, &[limited(w, send(w.give(s.cap), 1), Some(given), None)]);
        show_steps(w, &s, 1);
        show_steps(w, &t, 1);
    }
}

/// Three sleepers that tell root when they are back.
fn order(w: &World<'_>, ends_us: [u64; 3]) {
    let news = w.give(w.gate(OWN_THREAD, 0xcc0));
    let now = w.clock_us();
    for (n, end) in (1..).zip(ends_us) {
        let end = now + 10_000 + end;
        let sleep = SLEEP.timeouts(Timeouts(0x8000)).buffers(0, &[end as u32, (end >> 32) as u32]);
        ready(w, &[sleep, request(news, Op::SEND, n)], CHILD);
    }
    w.sleep_us(40_000);
    for _ in 0..3 {
        show::event(w, w.next().as_ref());
    }
}

fn cancelled(w: &World<'_>) {
    let soon = Timeouts::new(Timeout::NEVER, Timeout::from_us(SOON_US));
    let t = run(w, &[SLEEP.timeouts(soon), SLEEP.timeouts(soon)]);
    w.sleep_us(SOON_US / 2);
    t.wake();
    w.settle();
    show_steps(w, &t, 2);
    w.sleep_us(SOON_US * 3 / 4);
    fact!("when the first would have ended: step1 done {}", t.done(1));
    w.sleep_us(SOON_US);
    show_steps(w, &t, 2);
}

fn late_reply(w: &World<'_>) {
    let s = run(w, &[WAIT, SLEEP, super::parts::reply()]);
    let gate = w.give(w.gate(s.cap, 0xbb0));
    let t = run(w, &[limited(w, call(gate, 1), None, Some(Given::Relative))]);
    w.sleep_us(LATER_US);
    show_steps(w, &t, 1);
    s.wake();
    w.settle();
    show::step(w, &s, 2);
}

/// A send_and_wait whose send phase times out: is there a receive phase?
fn send_time_then_receive(w: &World<'_>) {
    let busy = run(w, &[SLEEP]);
    let step = limited(
        w,
        operate(w.give(busy.cap), Op::SEND_AND_WAIT),
        Some(Given::Relative),
        Some(Given::Relative),
    );
    let t = run(w, &[step]);
    w.sleep_us(LATER_US);
    show_steps(w, &t, 1);
    w.sleep_us(LATER_US);
    show_steps(w, &t, 1);
}

/// Stopped in a sleep and sent back to its system call: the whole time again.
fn restarted(w: &World<'_>) {
    let soon = Timeouts::new(Timeout::NEVER, Timeout::from_us(SOON_US));
    let t = run(w, &[SLEEP.timeouts(soon)]);
    w.sleep_us(SOON_US * 3 / 4);
    t.ex_regs(None, None, raw::L4_THREAD_EX_REGS_CANCEL | raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION)
        .expect("stop");
    let Some(mut e) = w.next() else { return show::event(w, None) };
    show::event(w, Some(&e));
    e.mr[raw::THAW_EXC_PC as usize] -= w.code.call_bytes;
    e.mr[raw::THAW_EXC_R0 as usize] &= !raw::L4_MSGTAG_ERROR;
    show::replied(&w.reply(0, &e.mr[..w.frame_words() as usize]));
    w.sleep_us(SOON_US * 3 / 4);
    fact!("when the first time is over: done {}", t.done(0));
    w.sleep_us(SOON_US / 2);
    show_steps(w, &t, 1);
}
