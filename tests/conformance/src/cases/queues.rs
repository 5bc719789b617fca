//! Who is served first: queues of senders, and what changes them.

use thaw_l4::{Cap, CapIndex, Message, MsgTag, Op, Selector, Timeout, Timeouts, raw};

use super::parts::{
    NO_WAITING, SLEEP, WAIT, call, operate, poke, ready, reply, reply_and_wait, request, run, send,
    show_steps,
};
use crate::{
    Runner, fact, show,
    step::Step,
    world::{CHILD, Child, FACTORY, OWN_TASK, OWN_THREAD, World},
};

const CANCEL: u32 = raw::L4_THREAD_EX_REGS_CANCEL;
const TRIGGER: u32 = raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION;

/// All cases.
pub fn run_all(r: &Runner) {
    let orders: [(&str, [u32; 4]); 4] = [
        ("equal priorities", [50, 50, 50, 50]),
        ("rising priorities", [41, 42, 43, 44]),
        ("falling priorities", [44, 43, 42, 41]),
        ("mixed priorities", [42, 44, 42, 44]),
    ];
    for (name, priorities) in orders {
        r.case(format_args!("senders to a thread, {name}"), |w| {
            at_root(w, priorities, Op::SEND);
            arrivals(w, 4);
        });
        r.case(format_args!("callers through a gate without a thread, {name}"), |w| at_gate(w, priorities));
        r.case(format_args!("waiters at a semaphore, {name}"), |w| at_semaphore(w, priorities));
    }
    r.case("priority raised while queued", |w| changed(w, 2, 60));
    r.case("priority lowered while queued", |w| changed(w, 0, 40));
    r.case("all raised in reverse order while queued", all_raised);
    r.case("all raised while queued at a gate without a thread", raised_at_gate);
    r.case("raised while waiting at a semaphore", raised_at_semaphore);
    r.case("cancelled in the middle of the queue", |w| stopped_in_queue(w, CANCEL));
    r.case("triggered in the middle of the queue", |w| stopped_in_queue(w, TRIGGER));
    r.case("cancelled and triggered in the middle of the queue", |w| stopped_in_queue(w, CANCEL | TRIGGER));
    r.case("cancelled and sent back to its call: where it queues", requeued);
    r.case("deleted in the middle of the queue", deleted_in_queue);
    r.case("timed out in the middle of the queue", timed_out);
    r.case("interrupt before threads", interrupt_first);
    r.case("two interrupts", two_interrupts);
    r.case("exceptions and faults among messages", mixed);
    r.case("closed wait takes one from the middle", from_the_middle);
    r.case("drained by receives with zero timeout", drained);
    r.case("reply_and_wait with senders queued", served);
    r.case("reply_and_wait with senders of higher priority queued", served_higher);
    r.case("client that becomes ready runs before the server goes on", preempted_server);
    for op in [Op::CALL, Op::SEND_AND_WAIT] {
        let name = if op == Op::CALL { "call" } else { "send_and_wait" };
        r.case(format_args!("{name} cancelled in its send phase: is there a receive phase"), |w| {
            cancelled_goes_on(w, op);
        });
        r.case(format_args!("{name} stopped in its send phase and sent back"), |w| sent_back(w, op));
    }
    r.case("reply_and_wait stopped in its receive phase", stopped_reply_and_wait);
    r.case("reply to a caller that is stopped", reply_to_stopped);
    r.case("cycle of calls", cycle);
}

/// Children that send to root, the first with number 1; root takes nothing yet.
fn at_root<'w, 'g>(w: &'w World<'g>, priorities: [u32; 4], op: Op) -> [Child<'w, 'g>; 4] {
    let to = w.give(OWN_THREAD);
    let mut n = 0;
    priorities.map(|priority| {
        n += 1;
        let child = ready(w, &[request(to, op, n)], priority);
        w.settle();
        child
    })
}

/// What waits for root, in its order, without letting anybody run in between.
fn arrivals(w: &World<'_>, count: u32) {
    for _ in 0..count {
        let event = w.poll_with(0, &[]);
        show::event(w, event.as_ref());
    }
}

fn at_gate(w: &World<'_>, priorities: [u32; 4]) {
    let gate = w.unbound_gate();
    let slot = w.give(gate);
    for (n, priority) in (1..).zip(priorities) {
        ready(w, &[send(slot, n)], priority);
        w.settle();
    }
    show::event(w, w.poll_with(0, &[]).as_ref());
    fact!("bound");
    gate.bind(&w.k, OWN_THREAD, 0xcc0).expect("bind");
    w.settle();
    arrivals(w, 4);
}

fn semaphore(w: &World<'_>) -> Cap<thaw_l4::Irq> {
    let slot = w.slot();
    w.create(slot, Message::new(&w.k).word(raw::L4_PROTO_SEMAPHORE as u32)).expect("semaphore");
    Cap::new(slot)
}

fn down(slot: CapIndex) -> Step {
    Step::invoke(slot.select(Op::CALL), MsgTag::new(raw::L4_PROTO_SEMAPHORE, 1, 0, 0))
}

fn at_semaphore(w: &World<'_>, priorities: [u32; 4]) {
    let semaphore = semaphore(w);
    let (slot, news) = (w.give(semaphore), w.give(w.gate(OWN_THREAD, 0xcc0)));
    for (n, priority) in (1..).zip(priorities) {
        ready(w, &[down(slot), send(news, n)], priority);
        w.settle();
    }
    for _ in 0..4 {
        semaphore.trigger(&w.k).expect("up");
        show::event(w, w.next().as_ref());
    }
}

fn changed(w: &World<'_>, which: usize, priority: u32) {
    let senders = at_root(w, [50; 4], Op::SEND);
    senders[which].priority(priority);
    w.settle();
    arrivals(w, 4);
}

/// What a stop does that lifts a set above all others.
fn all_raised(w: &World<'_>) {
    let senders = at_root(w, [50; 4], Op::CALL);
    senders.iter().rev().for_each(|s| {
        s.priority(90);
    });
    w.settle();
    fact!("raised");
    arrivals(w, 2);
    senders.iter().for_each(|s| {
        s.priority(50);
    });
    fact!("lowered");
    w.settle();
    arrivals(w, 3);
}

fn raised_at_gate(w: &World<'_>) {
    let gate = w.unbound_gate();
    let slot = w.give(gate);
    let senders = [1, 2, 3].map(|n| run(w, &[send(slot, n)]));
    senders[2].priority(90);
    senders[0].priority(80);
    w.settle();
    gate.bind(&w.k, OWN_THREAD, 0xcc0).expect("bind");
    w.settle();
    arrivals(w, 4);
}

fn raised_at_semaphore(w: &World<'_>) {
    let semaphore = semaphore(w);
    let (slot, news) = (w.give(semaphore), w.give(w.gate(OWN_THREAD, 0xcc0)));
    let waiting = [1, 2, 3].map(|n| run(w, &[down(slot), send(news, n)]));
    waiting[2].priority(90);
    w.settle();
    for _ in 0..3 {
        semaphore.trigger(&w.k).expect("up");
        show::event(w, w.next().as_ref());
    }
}

fn stopped_in_queue(w: &World<'_>, flags: u32) {
    let senders = at_root(w, [50; 4], Op::CALL);
    let result = senders[1].ex_regs(None, None, flags);
    show::old_registers(w, &result);
    w.settle();
    arrivals(w, 5);
    show_steps(w, &senders[1], 1);
}

fn requeued(w: &World<'_>) {
    let senders = at_root(w, [50; 4], Op::CALL);
    senders[0].ex_regs(None, None, CANCEL | TRIGGER).expect("stop");
    w.settle();
    let mut stopped = None;
    for _ in 0..4 {
        let event = w.poll_with(0, &[]);
        show::event(w, event.as_ref());
        stopped = stopped.or(event.filter(crate::world::Event::is_exception));
    }
    let Some(mut e) = stopped else { return };
    e.mr[raw::THAW_EXC_PC as usize] -= w.code.call_bytes;
    e.mr[raw::THAW_EXC_R0 as usize] = senders[0].word(0, 1);
    e.mr[raw::THAW_EXC_R0 as usize + 4] = senders[0].word(0, 4);
    let words = w.frame_words();
    w.set_words(&e.mr[..words as usize]);
    let tag = MsgTag::new(0, words, 0, raw::L4_MSGTAG_SCHEDULE);
    let sent = w.event(w.ipc(senders[0].cap.select(Op::SEND), tag, NO_WAITING));
    fact!("root sends the frame: error={}", show::Failure(sent.tag, sent.error));
    w.settle();
    arrivals(w, 2);
}

/// Root is not inside an IPC, so nothing is picked.
fn deleted_in_queue(w: &World<'_>) {
    let senders = at_root(w, [50; 4], Op::SEND);
    OWN_TASK.delete(&w.k, senders[1].cap.index()).expect("deletion");
    w.settle();
    arrivals(w, 4);
}

fn timed_out(w: &World<'_>) {
    let to = w.give(OWN_THREAD);
    let soon = Timeouts::new(Timeout::from_us(5000), Timeout::NEVER);
    run(w, &[send(to, 1)]);
    let late = run(w, &[send(to, 2).timeouts(soon)]);
    run(w, &[send(to, 3)]);
    w.sleep_us(10_000);
    arrivals(w, 3);
    show_steps(w, &late, 1);
}

fn interrupt_first(w: &World<'_>) {
    let irq = FACTORY.create_irq(&w.k, w.slot()).expect("irq");
    irq.bind(&w.k, OWN_THREAD, 0x1a0).expect("bind");
    let to = w.give(OWN_THREAD);
    ready(w, &[send(to, 1)], 50);
    ready(w, &[send(to, 2)], 190);
    w.settle();
    irq.trigger(&w.k).expect("trigger");
    arrivals(w, 4);
}

fn two_interrupts(w: &World<'_>) {
    let irqs = [0x1a0, 0x1b0, 0x1c0].map(|label| {
        let irq = FACTORY.create_irq(&w.k, w.slot()).expect("irq");
        irq.bind(&w.k, OWN_THREAD, label).expect("bind");
        irq
    });
    for n in [1, 0, 2] {
        irqs[n].trigger(&w.k).expect("trigger");
    }
    arrivals(w, 4);
}

fn mixed(w: &World<'_>) {
    let to = w.give(OWN_THREAD);
    let page = crate::data::page(crate::data::FIRST_FREE);
    super::take_page(w, page);
    run(w, &[send(to, 1)]);
    run(w, &[Step::UNDEFINED]);
    run(w, &[Step::load(page)]);
    run(w, &[send(to, 2)]);
    arrivals(w, 5);
}

fn from_the_middle(w: &World<'_>) {
    let senders = at_root(w, [50; 4], Op::SEND);
    let e = w.event(w.ipc(senders[2].cap.select(Op::RECEIVE), MsgTag::default(), NO_WAITING));
    show::event(w, Some(&e));
    arrivals(w, 4);
}

/// Root serves nobody; a stub drains the queue of a child.
fn drained(w: &World<'_>) {
    let s = run(w, &[SLEEP]);
    let to = w.give(w.gate(s.cap, 0xbb0));
    let a = run(w, &[call(to, 1)]);
    let b = run(w, &[send(to, 2)]);
    let c = run(w, &[operate(to, Op::SEND_AND_WAIT)]);
    let poll = WAIT.timeouts(NO_WAITING);
    s.script_from(1, &[poll, poll, poll, poll, Step::END]);
    s.wake();
    w.settle();
    show_steps(w, &s, 5);
    for t in [&a, &b, &c] {
        show_steps(w, t, 1);
    }
    fact!("a reply after the last");
    s.script_from(6, &[reply(), Step::END]);
    s.ex_regs(None, Some(s.step(6)), CANCEL).expect("wake");
    w.settle();
    show::step(w, &s, 6);
    show_steps(w, &a, 1);
}

fn served(w: &World<'_>) {
    let s = run(w, &[SLEEP, WAIT, reply_and_wait(), reply_and_wait(), reply_and_wait()]);
    let to = w.give(w.gate(s.cap, 0xbb0));
    let clients = [1, 2, 3].map(|n| run(w, &[call(to, n)]));
    s.wake();
    w.settle();
    show_steps(w, &s, 5);
    clients.iter().for_each(|c| show_steps(w, c, 1));
}

fn served_higher(w: &World<'_>) {
    let s = ready(w, &[SLEEP, WAIT, reply_and_wait(), reply_and_wait()], 30);
    w.settle();
    let (to, news) = (w.give(w.gate(s.cap, 0xbb0)), w.give(OWN_THREAD));
    for n in [1, 2] {
        ready(w, &[call(to, n), send(news, n), call(to, n + 4)], 40 + n);
        w.settle();
    }
    s.wake();
    w.settle();
    show_steps(w, &s, 4);
    arrivals(w, 3);
}

/// The order in which server and client report to root.
fn preempted_server(w: &World<'_>) {
    let news = w.give(OWN_THREAD);
    for (server, flags) in [(30, 0), (30, raw::L4_MSGTAG_SCHEDULE), (70, 0), (70, raw::L4_MSGTAG_SCHEDULE)] {
        let answer =
            Step::invoke(Selector::nobody(Op::REPLY), MsgTag::new(5, 0, 0, flags)).timeouts(NO_WAITING);
        let s = ready(w, &[WAIT, answer, send(news, 1)], server);
        w.settle();
        let to = w.give(w.gate(s.cap, 0xbb0));
        ready(w, &[call(to, 9), send(news, 2)], CHILD);
        w.settle();
        fact!("server {server}, flags {flags:#x}");
        arrivals(w, 2);
    }
}

fn cancelled_goes_on(w: &World<'_>, op: Op) {
    let busy = run(w, &[SLEEP]);
    let t = run(w, &[operate(w.give(busy.cap), op)]);
    t.wake();
    w.settle();
    fact!("cancelled: done {}", t.done(0));
    poke(w, &t);
    show_steps(w, &t, 1);
}

fn sent_back(w: &World<'_>, op: Op) {
    let s = run(w, &[SLEEP, WAIT, reply()]);
    let t = run(w, &[operate(w.give(s.cap), op)]);
    t.ex_regs(None, None, CANCEL | TRIGGER).expect("stop");
    let Some(mut e) = w.next() else { return show::event(w, None) };
    show::event(w, Some(&e));
    e.mr[raw::THAW_EXC_PC as usize] -= w.code.call_bytes;
    e.mr[raw::THAW_EXC_R0 as usize] = t.word(0, 1);
    e.mr[raw::THAW_EXC_R0 as usize + 4] = t.word(0, 4);
    show::replied(&w.reply(0, &e.mr[..w.frame_words() as usize]));
    w.settle();
    s.wake();
    w.settle();
    show_steps(w, &s, 3);
    show_steps(w, &t, 1);
    if t.done(0) == 0 {
        poke(w, &t);
        show_steps(w, &t, 1);
    }
}

fn stopped_reply_and_wait(w: &World<'_>) {
    let s = run(w, &[WAIT, reply_and_wait()]);
    let to = w.give(w.gate(s.cap, 0xbb0));
    let t = run(w, &[call(to, 1)]);
    show_steps(w, &t, 1);
    s.ex_regs(None, None, CANCEL | TRIGGER).expect("stop");
    let Some(mut e) = w.next() else { return show::event(w, None) };
    show::event(w, Some(&e));
    fact!("r2={:x}", e.mr[raw::THAW_EXC_R0 as usize + 2]);
    e.mr[raw::THAW_EXC_PC as usize] -= w.code.call_bytes;
    e.mr[raw::THAW_EXC_R0 as usize] = 0;
    e.mr[raw::THAW_EXC_R0 as usize + 2] = 0x806;
    show::replied(&w.reply(0, &e.mr[..w.frame_words() as usize]));
    w.settle();
    run(w, &[send(to, 7)]);
    show_steps(w, &s, 2);
}

/// The caller was stopped without a cancel: it takes the reply first.
fn reply_to_stopped(w: &World<'_>) {
    for flags in [TRIGGER, CANCEL | TRIGGER] {
        let s = run(w, &[WAIT, SLEEP, reply()]);
        let to = w.give(w.gate(s.cap, 0xbb0));
        let t = run(w, &[call(to, 1)]);
        t.ex_regs(None, None, flags).expect("stop");
        w.settle();
        s.wake();
        w.settle();
        show::step(w, &s, 2);
        show::event(w, w.next().as_ref());
    }
}

/// Three threads, each calling the next, nobody receiving.
fn cycle(w: &World<'_>) {
    let threads = [w.thread(), w.thread(), w.thread()];
    let slots = [0, 1, 2].map(|n: usize| w.give(threads[(n + 1) % 3].cap));
    for (t, slot) in threads.iter().zip(slots) {
        t.script(&[call(slot, 1), Step::END]).start();
    }
    w.settle();
    threads[0].ex_regs(None, None, CANCEL | TRIGGER).expect("stop");
    show::event(w, w.next().as_ref());
    for t in &threads {
        show_steps(w, t, 1);
    }
}
