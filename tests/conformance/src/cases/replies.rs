//! Reply links: who may answer whom, how a link is lost, taken or late; explicit slots of revision M.

use thaw_l4::{CapIndex, MsgTag, Op, Selector, raw};

use super::parts::{
    AT_ONCE, NO_WAITING, SLEEP, WAIT, call, operate, poke, reply, reply_and_wait, run, send, show_steps,
};
use crate::{
    Runner, fact, show,
    step::Step,
    world::{Child, OWN_TASK, World},
};

const CANCEL: u32 = raw::L4_THREAD_EX_REGS_CANCEL;
const EXPLICIT: u32 = raw::THAW_EXPLICIT_REPLY_BIT;

/// All cases.
pub fn run_all(r: &Runner) {
    r.case("replied twice", |w| served(w, &[WAIT, reply(), reply()]));
    r.case("reply, then wait for another", |w| {
        served(w, &[WAIT, reply(), WAIT.timeouts(NO_WAITING), reply()])
    });
    r.case("sleep between wait and reply", |w| served(w, &[WAIT, SLEEP.timeouts(NO_WAITING), reply()]));
    r.case("empty open wait between wait and reply", |w| {
        served(w, &[WAIT, WAIT.timeouts(NO_WAITING), reply()])
    });
    r.case("call to another between wait and reply", call_between);
    r.case("call that fails between wait and reply", |w| {
        served(w, &[WAIT, call(CapIndex(0x700), 1), reply()]);
    });
    r.case("send taken by an open wait between wait and reply", send_between);
    r.case("second caller taken: whom the reply reaches", second_caller);
    r.case("closed wait takes a call: is there a link", |w| closed(w, false));
    r.case("closed wait on another while a link is held", |w| closed(w, true));
    r.case("answered by a send to the caller, then replied", |w| by_send(w, false));
    r.case("answered by a send to the caller, which has not run, then replied", |w| by_send(w, true));
    r.case("answered by a call to the caller", by_call);
    r.case("answered by a third thread's send", by_third);
    r.case("caller cancelled before the reply", |w| lost(w, Lost::Cancelled));
    r.case("caller deleted before the reply", |w| lost(w, Lost::Deleted));
    r.case("caller calls again before the reply to its first", |w| lost(w, Lost::Again));
    r.case("server cancelled while it holds a link", |w| server_stopped(w, CANCEL));
    r.case("server triggered while it holds a link", |w| {
        server_stopped(w, CANCEL | raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION);
    });
    r.case("server deleted while it holds a link", server_deleted);
    r.case("link of a send_and_wait", |w| sender_without_link(w, Op::SEND_AND_WAIT));
    r.case("link of a send", |w| sender_without_link(w, Op::SEND));
    r.case("chain of two servers", chain);
    r.case("reply with a map item the caller has no buffer for", reply_item);
    r.case("explicit slot: wait and reply", |w| served(w, &[wait_in(0x40), reply_from(0x40)]));
    r.case("explicit slot: implicit reply", |w| served(w, &[wait_in(0x40), reply()]));
    r.case("explicit slot: reply from another slot", |w| {
        served(w, &[wait_in(0x40), reply_from(0x41), reply_from(0x40)])
    });
    r.case("implicit link: reply from an explicit slot", |w| served(w, &[WAIT, reply_from(0x40), reply()]));
    r.case("explicit slot: replied twice", |w| {
        served(w, &[wait_in(0x40), reply_from(0x40), reply_from(0x40)])
    });
    r.case("explicit slots: two callers, the second answered first", two_slots);
    r.case("explicit slot: overwritten by a second caller", overwritten);
    r.case("explicit slot: reply and wait in the same slot", |w| {
        served(w, &[wait_in(0x40), reply_and_wait_in(0x40).timeouts(NO_WAITING)]);
    });
    r.case("explicit slot: another thread of the task replies", another_replies);
    r.case("explicit slot: is it a capability slot", slot_spaces);
    r.case("explicit slot with a large number", |w| {
        served(w, &[wait_in(0x7fff).timeouts(NO_WAITING), WAIT, reply()])
    });
    r.case("explicit bit in a call", |w| {
        served(w, &[WAIT, reply()]);
        let s = run(w, &[WAIT, reply()]);
        let to = w.give(s.cap);
        let t = run(w, &[Step::invoke(Selector(to.word() | EXPLICIT | 3), MsgTag(0)).timeouts(NO_WAITING)]);
        show_steps(w, &t, 1);
        show_steps(w, &s, 2);
    });
    r.case("explicit slot: caller cancelled", explicit_lost);
}

/// A server with these steps and one caller.
fn served(w: &World<'_>, steps: &[Step]) {
    let s = run(w, steps);
    let t = run(w, &[call(w.give(w.gate(s.cap, 0xbb0)), 1)]);
    show_steps(w, &s, steps.len() as u32);
    show_steps(w, &t, 1);
}

fn wait_in(slot: u32) -> Step {
    Step::invoke(Selector(slot << 12 | EXPLICIT | raw::L4_SYSF_WAIT), MsgTag(0))
}

fn reply_from(slot: u32) -> Step {
    let to = Selector(slot << 12 | EXPLICIT | raw::L4_SYSF_SEND | raw::L4_SYSF_REPLY);
    Step::invoke(to, MsgTag::new(5, 2, 0, 0)).words(&[0xcafe, 0xcaff]).timeouts(AT_ONCE)
}

fn reply_and_wait_in(slot: u32) -> Step {
    let to = Selector(slot << 12 | EXPLICIT | raw::L4_SYSF_REPLY_AND_WAIT);
    Step::invoke(to, MsgTag::new(5, 2, 0, 0)).words(&[0xcafe, 0xcaff]).timeouts(AT_ONCE)
}

fn call_between(w: &World<'_>) {
    let other = run(w, &[WAIT, reply()]);
    let to = w.give(w.gate(other.cap, 0xdd0));
    served(w, &[WAIT, call(to, 5), reply()]);
    show_steps(w, &other, 2);
}

fn send_between(w: &World<'_>) {
    let s = run(w, &[WAIT, WAIT, reply()]);
    let to = w.give(w.gate(s.cap, 0xbb0));
    let t = run(w, &[call(to, 1)]);
    let other = run(w, &[send(to, 2)]);
    show_steps(w, &s, 3);
    show_steps(w, &t, 1);
    show_steps(w, &other, 1);
}

fn second_caller(w: &World<'_>) {
    let s = run(w, &[WAIT, WAIT, reply(), reply()]);
    let to = w.give(w.gate(s.cap, 0xbb0));
    let first = run(w, &[call(to, 1)]);
    let second = run(w, &[call(to, 2)]);
    show_steps(w, &s, 4);
    show_steps(w, &first, 1);
    show_steps(w, &second, 1);
}

/// A caller taken by a closed wait, with or without an older link.
fn closed(w: &World<'_>, held: bool) {
    let friend = run(w, &[SLEEP, SLEEP]);
    let from = w.give(friend.cap);
    let s = w.thread();
    let first = if held { WAIT } else { SLEEP.timeouts(NO_WAITING) };
    s.script(&[first, Step::invoke(from.select(Op::RECEIVE), MsgTag(0)), reply(), reply(), Step::END])
        .start();
    w.settle();
    let to = w.give(w.gate(s.cap, 0xbb0));
    let older = held.then(|| run(w, &[call(to, 1)]));
    friend.script_from(1, &[call(to, 2), Step::END]);
    friend.wake();
    w.settle();
    show_steps(w, &s, 4);
    show::step(w, &friend, 1);
    if let Some(older) = older {
        show_steps(w, &older, 1);
    }
}

/// A server that sends to its caller's capability instead of replying.
fn by_send(w: &World<'_>, outranked: bool) {
    let s = w.thread();
    let t = w.thread();
    let (to_s, to_t) = (w.give(w.gate(s.cap, 0xbb0)), w.give(t.cap));
    let plain = Step::invoke(to_t.select(Op::SEND), MsgTag::new(6, 1, 0, raw::L4_MSGTAG_SCHEDULE));
    s.script(&[WAIT, plain.words(&[0x5e4d]).timeouts(NO_WAITING), reply(), Step::END]);
    s.start_at(if outranked { 70 } else { 30 });
    w.settle();
    t.script(&[call(to_s, 1), WAIT.timeouts(NO_WAITING), Step::END]).start();
    w.settle();
    show_steps(w, &s, 3);
    show_steps(w, &t, 2);
}

fn by_call(w: &World<'_>) {
    let s = w.thread();
    let t = w.thread();
    let (to_s, to_t) = (w.give(w.gate(s.cap, 0xbb0)), w.give(t.cap));
    s.script(&[WAIT, operate(to_t, Op::CALL), reply(), Step::END]).start();
    w.settle();
    t.script(&[call(to_s, 1), reply(), Step::END]).start();
    w.settle();
    show_steps(w, &s, 3);
    show_steps(w, &t, 2);
}

/// Somebody else cannot answer: the caller waits for its server only.
fn by_third(w: &World<'_>) {
    let s = run(w, &[WAIT, SLEEP, reply()]);
    let t = run(w, &[call(w.give(w.gate(s.cap, 0xbb0)), 1)]);
    poke(w, &t);
    show_steps(w, &t, 1);
    s.wake();
    w.settle();
    show_steps(w, &t, 1);
}

/// What has become of the caller.
enum Lost {
    Cancelled,
    Deleted,
    Again,
}

fn lost(w: &World<'_>, how: Lost) {
    let s = run(w, &[WAIT, SLEEP, reply(), WAIT, reply()]);
    let to = w.give(w.gate(s.cap, 0xbb0));
    let t = run(w, &[call(to, 1), SLEEP]);
    match how {
        Lost::Cancelled => t.wake(),
        Lost::Deleted => OWN_TASK.delete(&w.k, t.cap.index()).expect("deletion"),
        Lost::Again => {
            t.script_from(1, &[call(to, 2), Step::END]);
            t.wake();
        }
    }
    w.settle();
    s.wake();
    w.settle();
    show_steps(w, &s, 5);
    show_steps(w, &t, 2);
}

fn server_stopped(w: &World<'_>, flags: u32) {
    let s = run(w, &[WAIT, SLEEP, reply()]);
    let t = run(w, &[call(w.give(w.gate(s.cap, 0xbb0)), 1)]);
    s.ex_regs(None, None, flags).expect("stop");
    let event = w.next();
    show::event(w, event.as_ref());
    if let Some(e) = event {
        show::replied(&w.reply(0, &e.mr[..w.frame_words() as usize]));
        w.settle();
    }
    show::step(w, &s, 2);
    show_steps(w, &t, 1);
}

fn server_deleted(w: &World<'_>) {
    let s = run(w, &[WAIT, SLEEP]);
    let t = run(w, &[call(w.give(w.gate(s.cap, 0xbb0)), 1)]);
    OWN_TASK.delete(&w.k, s.cap.index()).expect("deletion");
    w.settle();
    show_steps(w, &t, 1);
    t.wake();
    w.settle();
    show_steps(w, &t, 1);
}

fn sender_without_link(w: &World<'_>, op: Op) {
    let s = run(w, &[WAIT, reply()]);
    let t = run(w, &[operate(w.give(w.gate(s.cap, 0xbb0)), op)]);
    show_steps(w, &s, 2);
    show_steps(w, &t, 1);
}

fn chain(w: &World<'_>) {
    let last = run(w, &[WAIT, SLEEP, reply()]);
    let to_last = w.give(w.gate(last.cap, 0xdd0));
    let s = run(w, &[WAIT, call(to_last, 3), reply_and_wait()]);
    let t = run(w, &[call(w.give(w.gate(s.cap, 0xbb0)), 1)]);
    last.wake();
    w.settle();
    show_steps(w, &last, 3);
    show_steps(w, &s, 3);
    show_steps(w, &t, 1);
}

/// The link is used up although the answer did not go through.
fn reply_item(w: &World<'_>) {
    let gate = w.give(w.unbound_gate());
    let item = [gate.word() | raw::L4_ITEM_MAP, thaw_l4::Fpage::object(gate, raw::L4_CAP_FPAGE_RWS).0];
    let bad =
        Step::invoke(Selector::nobody(Op::REPLY), MsgTag::new(5, 0, 1, 0)).words(&item).timeouts(AT_ONCE);
    served(w, &[WAIT, bad, reply()]);
}

fn two_slots(w: &World<'_>) {
    let s = run(w, &[wait_in(0x40), wait_in(0x41), reply_from(0x41), reply_from(0x40)]);
    let to = w.give(w.gate(s.cap, 0xbb0));
    let clients = [1, 2].map(|n| run(w, &[call(to, n)]));
    show_steps(w, &s, 4);
    clients.iter().for_each(|c| show_steps(w, c, 1));
}

fn overwritten(w: &World<'_>) {
    let s = run(w, &[wait_in(0x40), wait_in(0x40), reply_from(0x40), reply_from(0x40)]);
    let to = w.give(w.gate(s.cap, 0xbb0));
    let clients = [1, 2].map(|n| run(w, &[call(to, n)]));
    show_steps(w, &s, 4);
    clients.iter().for_each(|c| show_steps(w, c, 1));
}

fn another_replies(w: &World<'_>) {
    let s = run(w, &[wait_in(0x40)]);
    let t = run(w, &[call(w.give(w.gate(s.cap, 0xbb0)), 1)]);
    let other = run(w, &[reply_from(0x40)]);
    show_steps(w, &s, 1);
    show_steps(w, &other, 1);
    show_steps(w, &t, 1);
}

fn slot_spaces(w: &World<'_>) {
    let s = run(w, &[wait_in(0x40), SLEEP, reply_from(0x40)]);
    let t = run(w, &[call(w.give(w.gate(s.cap, 0xbb0)), 1)]);
    fact!("slot valid: {:?}", w.task.cap_valid(&w.k, CapIndex(0x40)).ok());
    fact!("emptied: {}", crate::world::code_of(&w.task.unmap_cap(&w.k, CapIndex(0x40))));
    s.wake();
    w.settle();
    show_steps(w, &s, 3);
    show_steps(w, &t, 1);
}

fn explicit_lost(w: &World<'_>) {
    let s: Child<'_, '_> = run(w, &[wait_in(0x40), SLEEP, reply_from(0x40)]);
    let t = run(w, &[call(w.give(w.gate(s.cap, 0xbb0)), 1)]);
    t.wake();
    w.settle();
    s.wake();
    w.settle();
    show_steps(w, &s, 3);
    show_steps(w, &t, 1);
}
