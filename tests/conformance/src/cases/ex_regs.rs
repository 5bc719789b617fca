//! ex_regs on a thread in each state a thread can be in.

use core::fmt;

use thaw_l4::{Cap, CapIndex, MsgTag, Op, Selector, Timeout, Timeouts, raw};

use crate::{
    Runner, fact, show,
    step::{COUNTER, Step},
    world::{BACKGROUND, Child, Event, OWN_THREAD, World},
};

const CANCEL: u32 = raw::L4_THREAD_EX_REGS_CANCEL;
const TRIGGER: u32 = raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION;

/// What ex_regs is asked for.
#[derive(Clone, Copy)]
struct Row {
    ip: bool,
    sp: bool,
    flags: u32,
}

const ROWS: [Row; 8] = [
    Row { ip: false, sp: false, flags: 0 },
    Row { ip: true, sp: true, flags: 0 },
    Row { ip: false, sp: false, flags: CANCEL },
    Row { ip: true, sp: true, flags: CANCEL },
    Row { ip: false, sp: false, flags: TRIGGER },
    Row { ip: true, sp: true, flags: TRIGGER },
    Row { ip: false, sp: false, flags: CANCEL | TRIGGER },
    Row { ip: true, sp: true, flags: CANCEL | TRIGGER },
];

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.ip { "new" } else { "keep" })?;
        if self.ip != self.sp {
            f.write_str(if self.sp { " (sp only)" } else { " (ip only)" })?;
        }
        f.write_str(if self.flags & CANCEL != 0 { " cancel" } else { "" })?;
        f.write_str(if self.flags & TRIGGER != 0 { " trigger" } else { "" })
    }
}

/// Step that the thread goes on with at a new sp.
const NEW_STEP: u32 = 8;

/// All cases.
pub fn run(r: &Runner) {
    for row in ROWS {
        r.case(format_args!("fresh thread, {row}"), |w| fresh(w, row));
    }
    for row in ROWS {
        r.case(format_args!("in a call, answered later, {row}"), |w| in_call(w, row));
    }
    for part in [Row { ip: true, sp: false, flags: CANCEL }, Row { ip: false, sp: true, flags: CANCEL }] {
        r.case(format_args!("in a call, answered later, {part}"), |w| in_call(w, part));
    }
    for row in ROWS {
        r.case(format_args!("sending through a gate, {row}"), |w| {
            let gate = w.give(w.gate(OWN_THREAD, 0xbb0));
            sending(w, gate, row);
        });
    }
    for row in ROWS {
        r.case(format_args!("sending to a thread, {row}"), |w| sending(w, w.give(OWN_THREAD), row));
    }
    for row in ROWS {
        r.case(format_args!("in an open wait, {row}"), |w| waiting(w, Selector::nobody(Op::WAIT), row));
    }
    for row in ROWS {
        r.case(format_args!("asleep, {row}"), |w| waiting(w, Selector::nobody(Op::RECEIVE), row));
    }
    for row in ROWS {
        r.case(format_args!("in a page fault, {row}"), |w| in_fault(w, row));
    }
    for row in ROWS {
        r.case(format_args!("in an exception, {row}"), |w| in_exception(w, row));
    }
    for row in ROWS {
        r.case(format_args!("counting, {row}"), |w| counting(w, row));
    }
    r.case("counting, two triggers", two_triggers);
    r.case("cancelled call repeated by its frame", repeated_call);
    r.case("fresh thread, all registers by a frame", loaded);
    r.case("message with two words", |w| wrong_length(w, 2));
    r.case("message with four words", |w| wrong_length(w, 4));
    r.case("through a capability without rights", no_rights);
}

fn exchange(w: &World<'_>, t: &Child<'_, '_>, row: Row) {
    let ip = row.ip.then_some(w.code.new);
    let sp = row.sp.then_some(t.step(NEW_STEP));
    let old = t.ex_regs(ip, sp, row.flags);
    show::old_registers(w, &old);
}

/// Takes and shows what arrives at root; exceptions are answered unchanged, at most four messages.
fn drain(w: &World<'_>) {
    for _ in 0..4 {
        let event = w.next();
        show::event(w, event.as_ref());
        match event {
            None => return,
            Some(e) if e.is_exception() => show::replied(&unchanged(w, &e)),
            Some(_) => {}
        }
    }
}

fn unchanged(w: &World<'_>, e: &Event) -> Event {
    w.reply(0, &e.mr[..w.frame_words() as usize])
}

fn after(w: &World<'_>, t: &Child<'_, '_>) {
    show::step(w, t, 0);
    show::step(w, t, NEW_STEP);
}

fn fresh(w: &World<'_>, row: Row) {
    let t = w.thread();
    t.script(&[Step::REGISTERS, Step::END]);
    if !row.ip {
        // It needs somewhere to begin; what counts is the second exchange.
        t.prepare();
    }
    exchange(w, &t, row);
    t.priority(crate::world::CHILD);
    drain(w);
    fact!("t0 step0: done {}, step8: done {}", t.done(0), t.done(NEW_STEP));
}

/// A server that takes a message, sleeps, and answers when it is woken.
fn server<'w, 'g>(w: &'w World<'g>) -> (Child<'w, 'g>, CapIndex) {
    let s = w.thread();
    s.script(&[
        Step::invoke(Selector::nobody(Op::WAIT), MsgTag::default()),
        Step::invoke(Selector::nobody(Op::RECEIVE), MsgTag::default()),
        Step::invoke(Selector::nobody(Op::REPLY), MsgTag::new(5, 2, 0, 0))
            .words(&[0xcafe, 0xcaff])
            .timeouts(Timeouts::new(Timeout::ZERO, Timeout::NEVER)),
        Step::END,
    ]);
    s.start();
    w.settle();
    let gate = w.give(w.gate(s.cap, 0xbb0));
    (s, gate)
}

fn in_call(w: &World<'_>, row: Row) {
    let (s, gate) = server(w);
    let t = w.thread();
    t.script(&[call(gate), Step::END]).start();
    w.settle();
    exchange(w, &t, row);
    drain(w);
    after(w, &t);
    fact!("the server answers");
    s.wake();
    drain(w);
    show::step(w, &s, 0);
    show::step(w, &s, 2);
    after(w, &t);
}

fn call(gate: CapIndex) -> Step {
    Step::invoke(gate.select(Op::CALL), MsgTag::new(0x11, 2, 0, 0)).words(&[0x1111, 0x2222])
}

fn sending(w: &World<'_>, to: CapIndex, row: Row) {
    let t = w.thread();
    t.script(&[call(to), Step::END]).start();
    w.settle();
    exchange(w, &t, row);
    w.settle();
    fact!("root receives");
    for _ in 0..4 {
        let event = w.next();
        show::event(w, event.as_ref());
        match event {
            None => break,
            Some(e) if e.is_exception() => show::replied(&unchanged(w, &e)),
            Some(_) => show::replied(&w.reply(9, &[0x99])),
        }
    }
    after(w, &t);
}

fn waiting(w: &World<'_>, to: Selector, row: Row) {
    let t = w.thread();
    t.script(&[Step::invoke(to, MsgTag::new(0x11, 2, 1, 0)).words(&[0x1111, 0x2222]), Step::END]).start();
    w.settle();
    exchange(w, &t, row);
    drain(w);
    after(w, &t);
}

fn in_fault(w: &World<'_>, row: Row) {
    let t = w.thread();
    let page = crate::data::page(crate::data::FIRST_FREE);
    crate::cases::take_page(w, page);
    t.script(&[Step::store(0x5707_e000, page), Step::END]).start();
    let fault = w.next();
    show::event(w, fault.as_ref());
    exchange(w, &t, row);
    w.settle();
    let event = w.poll_with(0, &[]);
    show::event(w, event.as_ref());
    match event {
        Some(e) if e.is_exception() => {
            show::replied(&unchanged(w, &e));
            show::event(w, w.next().as_ref());
        }
        _ => {}
    }
    fact!("the pager answers");
    crate::cases::give_page(w, page, raw::L4_FPAGE_RW);
    show::replied(&w.reply(0, &[]));
    drain(w);
    fact!(
        "t0 step0: done {}, step8: done {}, value {:#x}",
        t.done(0),
        t.done(NEW_STEP),
        crate::data::read(page)
    );
}

fn in_exception(w: &World<'_>, row: Row) {
    let t = w.thread();
    t.script(&[Step::REGISTERS, Step::END]);
    t.ex_regs(Some(w.code.start), Some(t.step(0)), TRIGGER).expect("first ex_regs");
    t.priority(crate::world::CHILD);
    let Some(first) = w.next() else { return show::event(w, None) };
    show::event(w, Some(&first));
    exchange(w, &t, row);
    w.settle();
    fact!("t0 step0: done {}, step8: done {}", t.done(0), t.done(NEW_STEP));
    fact!("the handler answers the first exception");
    // A new exception has replaced the link to the caller by the time it is received, not before.
    show::replied(&unchanged(w, &first));
    drain(w);
    fact!("t0 step0: done {}, step8: done {}", t.done(0), t.done(NEW_STEP));
}

fn counting(w: &World<'_>, row: Row) {
    let t = w.thread();
    t.script(&[Step::SPIN]).script_from(NEW_STEP + 1, &[Step::SPIN]).start_at(BACKGROUND);
    w.let_run();
    exchange(w, &t, row);
    w.let_run();
    let before = (t.word(0, COUNTER), t.word(NEW_STEP + 1, COUNTER));
    let event = w.poll_with(0, &[]);
    show::event(w, event.as_ref());
    w.let_run();
    let moves = |n, old| if t.word(n, COUNTER) == old { "stands" } else { "counts" };
    fact!("before an answer: old {}, new {}", moves(0, before.0), moves(NEW_STEP + 1, before.1));
    if let Some(e) = event {
        show::replied(&unchanged(w, &e));
        w.let_run();
        fact!("after the answer: old {}, new {}", moves(0, before.0), moves(NEW_STEP + 1, before.1));
    }
    fact!("step8: done {}", t.done(NEW_STEP));
}

fn two_triggers(w: &World<'_>) {
    let t = w.thread();
    t.script(&[Step::SPIN]).script_from(NEW_STEP + 1, &[Step::END]).start_at(BACKGROUND);
    w.let_run();
    let first = t.ex_regs(Some(w.code.start), Some(t.step(5)), TRIGGER);
    show::old_registers(w, &first);
    exchange(w, &t, Row { ip: true, sp: true, flags: TRIGGER });
    w.let_run();
    drain(w);
    fact!("step8: done {}", t.done(NEW_STEP));
}

/// Reply with the pc on the call and the old tag.
fn repeated_call(w: &World<'_>) {
    let (s, gate) = server(w);
    let t = w.thread();
    t.script(&[call(gate), Step::END]).start();
    w.settle();
    exchange(w, &t, Row { ip: false, sp: false, flags: CANCEL | TRIGGER });
    let Some(mut e) = w.next() else { return show::event(w, None) };
    show::event(w, Some(&e));
    s.script_from(3, &[Step::invoke(Selector::nobody(Op::WAIT), MsgTag::default()), Step::END]);
    s.wake();
    w.settle();
    e.mr[raw::THAW_EXC_PC as usize] -= w.code.call_bytes;
    e.mr[2] = t.word(0, 1);
    e.mr[6] = t.word(0, 4);
    show::replied(&unchanged(w, &e));
    w.settle();
    show::step(w, &s, 2);
    show::step(w, &s, 3);
    fact!("t1 step0: done {}", t.done(0));
}

/// A fresh thread that gets every register from the answer to its first exception.
fn loaded(w: &World<'_>) {
    let t = w.thread();
    t.ex_regs(Some(w.code.start), Some(t.step(0)), TRIGGER).expect("first ex_regs");
    t.priority(crate::world::CHILD);
    let Some(mut e) = w.next() else { return show::event(w, None) };
    fact!("first frame: {}", show::Words(&e.mr[2..15]));
    for (i, word) in e.mr[2..15].iter_mut().enumerate() {
        *word = 0xa000_0000 + i as u32;
    }
    e.mr[raw::THAW_EXC_LR as usize] = 0xa000_000e;
    e.mr[raw::THAW_EXC_SP as usize] = t.step(0);
    e.mr[raw::THAW_EXC_PC as usize] = w.code.new;
    e.mr[raw::THAW_EXC_CPSR as usize] = 0xf000_00df;
    e.mr[raw::THAW_EXC_TPIDRURO as usize] = 0x7157_0001;
    t.script(&[Step::END, Step::REGISTERS, Step::END]);
    show::replied(&unchanged(w, &e));
    w.settle();
    let mut registers = [0; 15];
    registers.iter_mut().zip(0..).for_each(|(r, i)| *r = t.word(0, crate::step::RESULT + 1 + i));
    fact!("r0-r12: {}", show::Words(&registers[..13]));
    fact!("sp={} lr={:x}", show::Stack(registers[13]), registers[14]);
    let (tls, cpsr) = (t.word(1, crate::step::RESULT + 1), t.word(1, crate::step::RESULT + 3));
    fact!("tpidruro={tls:x} mode={:x}", cpsr & 0x1ff);
}

fn wrong_length(w: &World<'_>, words: u32) {
    let t = w.thread();
    t.script(&[Step::END]).start();
    w.settle();
    w.set_words(&[raw::L4_THREAD_EX_REGS_OP, !0, !0, 0]);
    let tag = MsgTag::new(raw::L4_PROTO_THREAD, words, 0, 0);
    let e = w.event(w.ipc(t.cap.select(Op::CALL), tag, Timeouts::NEVER));
    fact!("answer {} error={}", show::Tag(e.tag), show::Failure(e.tag, e.error));
}

/// A child that holds a thread capability with nothing but the right to read.
fn no_rights(w: &World<'_>) {
    let victim = w.thread();
    victim.script(&[Step::END]).start();
    w.settle();
    for rights in [raw::L4_CAP_FPAGE_R, raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W, raw::L4_CAP_FPAGE_RWS] {
        let slot = w.give_with(Cap::<thaw_l4::Thread>::new(victim.cap.index()), rights, 0);
        let t = w.thread();
        let tag = MsgTag::new(raw::L4_PROTO_THREAD, 3, 0, 0);
        let step = Step::invoke(slot.select(Op::CALL), tag).words(&[raw::L4_THREAD_EX_REGS_OP, !0, !0]);
        t.script(&[step, Step::END]).start();
        w.settle();
        fact!("rights {rights:#x}");
        let answer = MsgTag(t.word(0, crate::step::RESULT + 1));
        fact!("answer {}", show::Tag(answer));
    }
}
