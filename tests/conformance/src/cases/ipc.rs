//! Every operation of a system call, against a partner that waits and one that does not.

use thaw_l4::{Cap, CapIndex, MsgTag, Op, Selector, Timeout, Timeouts, raw};

use super::parts::{
    AT_ONCE, NO_WAITING, SLEEP, WAIT, call, operate, poke, ready, reply, reply_and_wait, run, send,
    show_steps,
};
use crate::{
    Runner, fact, show,
    step::Step,
    world::{CHILD, Child, OWN_THREAD, World},
};

const SENDING: [(&str, Op); 3] =
    [("send", Op::SEND), ("call", Op::CALL), ("send_and_wait", Op::SEND_AND_WAIT)];
const REPLYING: [(&str, Op); 3] =
    [("reply", Op::REPLY), ("reply and receive", Op(0xb)), ("reply_and_wait", Op::REPLY_AND_WAIT)];

/// All cases.
pub fn run_all(r: &Runner) {
    for gate in [true, false] {
        let through = if gate { "through a gate" } else { "to a thread" };
        for (name, op) in SENDING {
            r.case(format_args!("{name} {through}, partner waits"), |w| partner_waits(w, gate, op));
            r.case(format_args!("{name} {through}, partner comes later"), |w| partner_later(w, gate, op));
            r.case(format_args!("{name} {through}, cancelled before the partner comes"), |w| {
                cancelled_sending(w, gate, op);
            });
            r.case(format_args!("{name} {through}, zero timeout"), |w| not_waiting(w, gate, op));
        }
    }
    for (name, op) in REPLYING {
        r.case(format_args!("{name} to a caller"), |w| replying(w, op, true));
        r.case(format_args!("{name} without a caller"), |w| replying(w, op, false));
        r.case(format_args!("{name} to a caller that was cancelled"), |w| caller_lost(w, op));
        r.case(format_args!("{name} with a capability beside the reply bit"), |w| reply_with_cap(w, op));
    }
    for n in [0, 4, 5, 8, 10, 12, 13, 14] {
        r.case(format_args!("operation {n} to a thread that waits"), |w| odd_operation(w, Op(n)));
    }
    r.case("closed wait: another sender comes first", closed_wait);
    r.case("closed wait through a gate", closed_wait_at_gate);
    r.case("open wait with a capability", |w| waiting(w, Op::WAIT));
    r.case("send to oneself", |w| to_oneself(w, Op::SEND));
    r.case("call to oneself", |w| to_oneself(w, Op::CALL));
    r.case("message lengths", lengths);
    r.case("label of the sender", labels);
    r.case("slots that hold no partner", nobody_there);
    r.case("call answered with an error tag", error_reply);
    r.case("two callers, two replies", two_callers);
}

/// Gives the children access to a thread, bare or through a gate.
fn door(w: &World<'_>, to: &Child<'_, '_>, gate: bool) -> CapIndex {
    if gate { w.give(w.gate(to.cap, 0xbb0)) } else { w.give(to.cap) }
}

fn partner_waits(w: &World<'_>, gate: bool, op: Op) {
    let s = run(w, &[WAIT, reply()]);
    let t = run(w, &[operate(door(w, &s, gate), op)]);
    show_steps(w, &s, 2);
    show_steps(w, &t, 1);
    still_waiting(w, &t);
}

/// If the first step is not done: whom does the child receive from?
fn still_waiting(w: &World<'_>, t: &Child<'_, '_>) {
    if t.done(0) == 0 {
        poke(w, t);
        show_steps(w, t, 1);
    }
}

fn partner_later(w: &World<'_>, gate: bool, op: Op) {
    let s = run(w, &[SLEEP, WAIT, reply()]);
    let t = run(w, &[operate(door(w, &s, gate), op)]);
    show_steps(w, &t, 1);
    s.wake();
    w.settle();
    show_steps(w, &s, 3);
    show_steps(w, &t, 1);
    still_waiting(w, &t);
}

fn cancelled_sending(w: &World<'_>, gate: bool, op: Op) {
    let s = run(w, &[SLEEP, WAIT]);
    let t = run(w, &[operate(door(w, &s, gate), op)]);
    t.wake();
    w.settle();
    show_steps(w, &t, 1);
    still_waiting(w, &t);
    s.wake();
    w.settle();
    show_steps(w, &s, 2);
}

fn not_waiting(w: &World<'_>, gate: bool, op: Op) {
    let s = run(w, &[SLEEP, WAIT]);
    let t = run(w, &[operate(door(w, &s, gate), op).timeouts(AT_ONCE)]);
    show_steps(w, &t, 1);
    still_waiting(w, &t);
    s.wake();
    w.settle();
    show_steps(w, &s, 2);
}

fn replying(w: &World<'_>, op: Op, caller: bool) {
    let answer = Step::invoke(Selector::nobody(op), MsgTag::new(5, 2, 0, 0)).words(&[0xcafe, 0xcaff]);
    let s = run(w, &[WAIT, answer.timeouts(AT_ONCE)]);
    let gate = door(w, &s, true);
    let t = run(w, &[if caller { call(gate, 1) } else { send(gate, 1) }]);
    show_steps(w, &t, 1);
    show_steps(w, &s, 2);
    if s.done(1) == 0 {
        poke(w, &s);
        show_steps(w, &s, 2);
    }
}

fn caller_lost(w: &World<'_>, op: Op) {
    let answer = Step::invoke(Selector::nobody(op), MsgTag::new(5, 2, 0, 0)).words(&[0xcafe, 0xcaff]);
    let s = run(w, &[WAIT, SLEEP, answer.timeouts(AT_ONCE)]);
    let t = run(w, &[call(door(w, &s, true), 1)]);
    t.wake();
    w.settle();
    s.wake();
    w.settle();
    show_steps(w, &t, 1);
    show::step(w, &s, 2);
    if s.done(2) == 0 {
        poke(w, &s);
        show::step(w, &s, 2);
    }
}

/// The operation says "reply", the selector names another thread that waits.
fn reply_with_cap(w: &World<'_>, op: Op) {
    let other = run(w, &[WAIT]);
    let answer = Step::invoke(w.give(other.cap).select(op), MsgTag::new(5, 2, 0, 0)).words(&[0xcafe, 0xcaff]);
    let s = run(w, &[WAIT, answer.timeouts(NO_WAITING)]);
    let t = run(w, &[call(door(w, &s, true), 1)]);
    show_steps(w, &t, 1);
    show_steps(w, &s, 2);
    show_steps(w, &other, 1);
}

fn odd_operation(w: &World<'_>, op: Op) {
    let s = run(w, &[WAIT, reply()]);
    let t = run(w, &[operate(door(w, &s, false), op).timeouts(NO_WAITING)]);
    show_steps(w, &t, 1);
    show_steps(w, &s, 2);
    poke(w, &t);
}

fn closed_wait(w: &World<'_>) {
    let friend = run(w, &[SLEEP, SLEEP]);
    let s = w.thread();
    let from = w.give(friend.cap);
    s.script(&[Step::invoke(from.select(Op::RECEIVE), MsgTag::default()), WAIT, Step::END]).start();
    w.settle();
    let slot = w.give(s.cap);
    let other = run(w, &[send(slot, 2)]);
    show_steps(w, &s, 2);
    friend.script_from(1, &[send(slot, 3), Step::END]);
    friend.wake();
    w.settle();
    show_steps(w, &s, 2);
    show_steps(w, &other, 1);
    show_steps(w, &friend, 2);
}

fn closed_wait_at_gate(w: &World<'_>) {
    let friend = run(w, &[SLEEP, SLEEP]);
    let gate = w.give(w.gate(friend.cap, 0xbb0));
    let s = run(w, &[Step::invoke(gate.select(Op::RECEIVE), MsgTag::default())]);
    poke(w, &s);
    show_steps(w, &s, 1);
    friend.script_from(1, &[send(w.give(s.cap), 3), Step::END]);
    friend.wake();
    w.settle();
    show_steps(w, &s, 1);
}

fn waiting(w: &World<'_>, op: Op) {
    let friend = run(w, &[SLEEP]);
    let s = run(w, &[Step::invoke(w.give(friend.cap).select(op), MsgTag::default())]);
    poke(w, &s);
    show_steps(w, &s, 1);
}

fn to_oneself(w: &World<'_>, op: Op) {
    let t = w.thread();
    let own = w.give(t.cap);
    let step = operate(own, op);
    t.script(&[step.timeouts(NO_WAITING), step, Step::END]).start();
    w.settle();
    show_steps(w, &t, 2);
    t.wake();
    w.settle();
    show_steps(w, &t, 2);
}

fn lengths(w: &World<'_>) {
    for words in [0, 1, 3, 8, 62, 63] {
        let t = w.thread();
        let to = w.give(w.gate(OWN_THREAD, 0xcc0));
        let message = Step::invoke(to.select(Op::SEND), MsgTag::new(0x11, words, 0, 0)).keep(1);
        t.script(&[Step::utcb_fill(0x100), message, Step::END]).start();
        w.set_words(&[0; 63]);
        let Some(e) = w.next() else { return show::event(w, None) };
        let changed = e.mr.iter().zip(0x100..).filter(|(word, i)| *word == i).count();
        fact!("{words} words sent: {} and {changed} words arrived", show::Tag(e.tag));
    }
}

fn labels(w: &World<'_>) {
    for gate in [false, true] {
        let to = if gate { w.give(w.gate(OWN_THREAD, 0xcc0)) } else { w.give(OWN_THREAD) };
        let t = run(w, &[send(to, 1).label(0x1234_5678)]);
        show::event(w, w.next().as_ref());
        show_steps(w, &t, 1);
    }
}

fn nobody_there(w: &World<'_>) {
    let fresh = w.bare_thread();
    let stopped = w.thread();
    stopped.prepare();
    let slots = [("empty slot", CapIndex(0x700)), ("thread that was never started", w.give(fresh))];
    for (what, slot) in slots {
        for (name, op) in SENDING {
            let t = run(w, &[operate(slot, op).timeouts(NO_WAITING)]);
            fact!("{what}: {name}");
            show_steps(w, &t, 1);
        }
        let t = run(w, &[Step::invoke(slot.select(Op::RECEIVE), MsgTag(0)).timeouts(NO_WAITING)]);
        fact!("{what}: receive");
        show_steps(w, &t, 1);
    }
    fact!("thread with registers that was never scheduled");
    let t = run(w, &[send(w.give(stopped.cap), 1).timeouts(NO_WAITING)]);
    show_steps(w, &t, 1);
}

fn error_reply(w: &World<'_>) {
    let answer = Step::invoke(Selector::nobody(Op::REPLY), MsgTag::new(-22, 0, 0, raw::L4_MSGTAG_ERROR));
    let s = run(w, &[WAIT, answer.timeouts(AT_ONCE)]);
    let t = run(w, &[call(door(w, &s, true), 1)]);
    show_steps(w, &s, 2);
    show_steps(w, &t, 1);
}

fn two_callers(w: &World<'_>) {
    let s = run(w, &[WAIT, reply_and_wait(), reply_and_wait()]);
    let gate = door(w, &s, true);
    let a = ready(w, &[call(gate, 1)], CHILD);
    let b = ready(w, &[call(gate, 2)], CHILD);
    w.settle();
    show_steps(w, &s, 3);
    show_steps(w, &a, 1);
    show_steps(w, &b, 1);
    let never = Timeouts::new(Timeout::ZERO, Timeout::ZERO);
    let e = w.event(w.ipc(Cap::<thaw_l4::Thread>::new(CapIndex(0x7f0)).select(Op::SEND), MsgTag(0), never));
    fact!("root sends to an empty slot: error={}", show::Failure(e.tag, e.error));
}
