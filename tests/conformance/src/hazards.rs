//! What no kernel survives. The test kernel stops at each with the hazard's name; on the real kernels
//! these are described (docs/hazards.md), not run.

use thaw_l4::{CapIndex, Fpage, MsgTag, Op, Revision, Selector, Timeout, Timeouts, raw};

use crate::{
    Runner, data,
    step::Step,
    world::{Child, OWN_TASK, OWN_THREAD, World},
};

/// A way to ruin.
pub struct Hazard {
    /// Name that the test kernel stops with.
    pub name: &'static str,
    only: Option<Revision>,
    body: fn(&World<'_>),
}

impl Hazard {
    /// Whether it exists on a revision.
    pub fn on(&self, revision: Revision) -> bool {
        self.only.is_none_or(|r| r == revision)
    }
}

/// All hazards.
pub const HAZARDS: [Hazard; 7] = [
    Hazard { name: "cancel-queued-sender", only: None, body: cancel_queued },
    Hazard { name: "delete-queued-sender", only: None, body: delete_queued },
    Hazard { name: "dequeue-while-picked", only: None, body: time_out_queued },
    Hazard { name: "cancel-at-unbound-gate", only: Some(Revision::G), body: cancel_unbound },
    Hazard { name: "ex_regs-never-started", only: None, body: never_started },
    Hazard { name: "ex_regs-dead-thread", only: None, body: dead_thread },
    Hazard { name: "map-over-delete-right", only: None, body: map_over },
];

/// Runs one; there is no way back.
pub fn run(name: &str, r: &Runner) {
    let hazard = HAZARDS.iter().find(|h| h.name == name);
    let hazard = hazard.unwrap_or_else(|| panic!("no hazard is called \"{name}\""));
    r.case(name, hazard.body);
}

/// Priority of a server that its clients preempt.
const SERVER: u32 = 30;
/// Rounds that take some milliseconds.
const LONG: u32 = 2_000_000;

/// Leaves a server preempted between its reply to one client and its next receive, for which it has
/// picked another; returns that other one.
fn picked<'w, 'g>(w: &'w World<'g>, timeouts: Timeouts) -> Child<'w, 'g> {
    let server = w.thread();
    let forever = MsgTag::default();
    let again = Step::invoke(Selector::nobody(Op::REPLY_AND_WAIT), forever);
    server.script(&[Step::invoke(Selector::nobody(Op::WAIT), forever), again, again, Step::END]);
    server.start_at(SERVER);
    w.settle();
    let gate = w.give(w.gate(server.cap, 0xbb0));
    let news = w.give(w.gate(OWN_THREAD, 0xcc0));
    let tag = MsgTag::new(0, 0, 0, raw::L4_MSGTAG_SCHEDULE);
    let first = w.thread();
    let call = Step::invoke(gate.select(Op::CALL), tag);
    first.script(&[call, Step::invoke(news.select(Op::SEND), tag), Step::burn(LONG), Step::END]).start();
    let second = w.thread();
    second.script(&[call.timeouts(timeouts), Step::END]).start_at(40);
    let answer = w.ipc(Selector::nobody(Op::WAIT), MsgTag::default(), Timeouts::NEVER);
    assert!(answer.label & !3 == 0xcc0, "the first client is back");
    second
}

fn cancel_queued(w: &World<'_>) {
    picked(w, Timeouts::NEVER).wake();
    w.settle();
}

fn delete_queued(w: &World<'_>) {
    let victim = picked(w, Timeouts::NEVER);
    OWN_TASK.delete(&w.k, victim.cap.index()).ok();
    w.settle();
}

fn time_out_queued(w: &World<'_>) {
    picked(w, Timeouts::new(Timeout::from_us(2000), Timeout::NEVER));
    w.settle();
}

fn cancel_unbound(w: &World<'_>) {
    let gate = w.give(w.unbound_gate());
    let t = w.thread();
    t.script(&[Step::invoke(gate.select(Op::CALL), MsgTag::default()), Step::END]).start();
    w.settle();
    t.wake();
}

fn never_started(w: &World<'_>) {
    let t = w.thread();
    t.ex_regs(None, None, 0).ok();
}

/// A fault without a pager ends the thread, although its capability stays.
fn dead_thread(w: &World<'_>) {
    let page = data::page(data::FIRST_FREE);
    crate::cases::take_page(w, page);
    let t = w.thread_with(w.task, None);
    t.script(&[Step::load(page), Step::END]).start();
    w.settle();
    t.ex_regs(Some(w.code.start), Some(t.step(0)), 0).ok();
}

fn map_over(w: &World<'_>) {
    let (old, new) = (w.gate(OWN_THREAD, 0xd0), w.gate(OWN_THREAD, 0xe0));
    let slot = CapIndex(0x30);
    for gate in [old, new] {
        let fpage = Fpage::object(gate.index(), raw::L4_CAP_FPAGE_RWSD);
        w.task.map(&w.k, OWN_TASK, fpage, slot.word(), 0).ok();
    }
}
