//! Steps and children that many cases are made of.

use thaw_l4::{Cap, CapIndex, MsgTag, Op, Selector, Timeout, Timeouts, raw};

use crate::{
    show,
    step::Step,
    world::{Child, World},
};

/// Send timeout zero, receive timeout never: what a server replies with.
pub const AT_ONCE: Timeouts = Timeouts::new(Timeout::ZERO, Timeout::NEVER);
/// Both timeouts zero.
pub const NO_WAITING: Timeouts = Timeouts::new(Timeout::ZERO, Timeout::ZERO);
/// Receive from anybody.
pub const WAIT: Step = Step::invoke(Selector::nobody(Op::WAIT), MsgTag(0));
/// Sleep until woken.
pub const SLEEP: Step = Step::invoke(Selector::nobody(Op::RECEIVE), MsgTag(0));

/// Answer to the caller: protocol 5, two words.
pub fn reply() -> Step {
    Step::invoke(Selector::nobody(Op::REPLY), MsgTag::new(5, 2, 0, 0))
        .words(&[0xcafe, 0xcaff])
        .timeouts(AT_ONCE)
}

/// As [`reply`], then receive from anybody.
pub fn reply_and_wait() -> Step {
    let to = Selector::nobody(Op::REPLY_AND_WAIT);
    Step::invoke(to, MsgTag::new(5, 2, 0, 0)).words(&[0xcafe, 0xcaff]).timeouts(AT_ONCE)
}

/// Any operation with a message of protocol 17 and two words.
pub fn operate(to: CapIndex, op: Op) -> Step {
    request(to, op, 1)
}

/// As [`operate`], with a number that tells requests apart.
pub fn request(to: CapIndex, op: Op, n: u32) -> Step {
    Step::invoke(to.select(op), MsgTag::new(0x11, 2, 0, 0)).words(&[0x1111 * n, 0x2222])
}

/// Call with a number.
pub fn call(to: CapIndex, n: u32) -> Step {
    request(to, Op::CALL, n)
}

/// Send with a number.
pub fn send(to: CapIndex, n: u32) -> Step {
    request(to, Op::SEND, n)
}

/// Makes a child that runs these steps, then sleeps; lets it run until nobody is ready.
pub fn run<'w, 'g>(w: &'w World<'g>, steps: &[Step]) -> Child<'w, 'g> {
    let child = ready(w, steps, crate::world::CHILD);
    w.settle();
    child
}

/// Makes a child that runs these steps with a priority; it does not run before root waits.
pub fn ready<'w, 'g>(w: &'w World<'g>, steps: &[Step], priority: u32) -> Child<'w, 'g> {
    let child = w.thread();
    child.script(steps).script_from(steps.len() as u32, &[Step::END]).start_at(priority);
    child
}

/// Shows the first `steps` steps of a child.
pub fn show_steps(w: &World<'_>, child: &Child<'_, '_>, steps: u32) {
    (0..steps).for_each(|n| show::step(w, child, n));
}

/// Lets children run and shows all that arrives at root, at most `most` messages; nothing is answered.
pub fn show_arrivals(w: &World<'_>, most: u32) {
    for _ in 0..most {
        let event = w.next();
        show::event(w, event.as_ref());
        if event.is_none() {
            return;
        }
    }
}

/// Sends a message of root's to a thread, without waiting for it to receive; shows what became of it.
pub fn poke(w: &World<'_>, child: &Child<'_, '_>) {
    w.set_words(&[0x9999, 0x8888]);
    let tag = MsgTag::new(0x66, 2, 0, raw::L4_MSGTAG_SCHEDULE);
    let e = w.event(w.ipc(child.cap.select(Op::SEND), tag, NO_WAITING));
    crate::fact!("root sends to t{}: error={}", child.n, show::Failure(e.tag, e.error));
    w.settle();
}

/// Asks an object of root's and shows tag, error and the first words of the answer; one that does not
/// answer is not waited for.
pub fn ask<T>(w: &World<'_>, what: &str, cap: Cap<T>, tag: MsgTag, words: &[u32]) {
    w.set_words(words);
    let e = w.event(w.ipc(cap.select(Op::CALL), tag, NO_WAITING));
    let shown = (e.tag.words() + 2 * e.tag.items()).min(8) as usize;
    crate::fact!(
        "{what}: {} error={} {}",
        show::Tag(e.tag),
        show::Failure(e.tag, e.error),
        show::Words(&e.mr[..if e.tag.has_error() { 0 } else { shown }])
    );
}
