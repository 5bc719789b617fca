//! Interrupt objects and semaphores: counts, binding, rebinding, what stays pending.

use thaw_l4::{Cap, CapIndex, Fpage, Irq, Message, MsgTag, Op, Timeout, Timeouts, raw};

use super::parts::{NO_WAITING, SLEEP, WAIT, ask, run, show_steps};
use crate::{
    Runner, fact, show,
    step::Step,
    world::{Child, FACTORY, OWN_TASK, OWN_THREAD, World, code_of},
};

const R: u32 = raw::L4_CAP_FPAGE_R;
const W: u32 = raw::L4_CAP_FPAGE_W;
const S: u32 = raw::L4_CAP_FPAGE_S;

/// All cases.
pub fn run_all(r: &Runner) {
    for count in 0..4 {
        r.case(format_args!("{count} triggers before a wait"), |w| counted(w, count));
        r.case(format_args!("{count} triggers before it is bound"), |w| before_binding(w, count));
        r.case(format_args!("{count} pending, bound to another thread"), |w| rebound(w, count));
        r.case(format_args!("{count} pending, bound to the same thread again"), |w| bound_again(w, count));
        r.case(format_args!("{count} pending, detached and bound again"), |w| detached(w, count));
        r.case(format_args!("{count} pending, its thread deleted, bound to another"), |w| {
            thread_deleted(w, count)
        });
    }
    r.case("trigger while a thread waits openly", |w| waiting(w, |_| WAIT));
    r.case("trigger while a thread waits for it", |w| waiting(w, |irq| receive(irq, Op::RECEIVE)));
    r.case("trigger while a thread calls it", |w| waiting(w, |irq| receive(irq, Op::CALL)));
    r.case("trigger while a thread waits for it, operation 6", |w| waiting(w, |irq| receive(irq, Op::WAIT)));
    r.case("two triggers before a waiting thread runs", two_triggers);
    r.case("wait for an interrupt of another thread", foreign);
    r.case("wait for one while another is pending", other_pending);
    r.case("wait for it stopped and sent back", stopped_wait);
    r.case("wait for it cancelled, then triggered", cancelled_wait);
    r.case("call on it with an unmask", unmask_and_wait);
    r.case("message as it arrives", arrival);
    r.case("labels with low bits", low_bits);
    r.case("bound with an item that is no thread", bad_binding);
    r.case("bound without rights", rights);
    r.case("attached by the old operation", attached);
    r.case("detached without a thread", detached_twice);
    r.case("trigger through rights", trigger_rights);
    r.case("requests it does not know", unknown);
    r.case("deleted while pending", |w| deleted(w, true));
    r.case("deleted while a thread waits for it", |w| deleted(w, false));
    r.case("pending count read by binding to a fresh thread", read_count);
    for count in 0..4 {
        r.case(format_args!("semaphore: {count} ups, then downs"), |w| ups(w, count));
    }
    r.case("semaphore: down waits, then up", up_later);
    r.case("semaphore: down cancelled", |w| down_stopped(w, raw::L4_THREAD_EX_REGS_CANCEL));
    r.case("semaphore: down triggered", |w| down_stopped(w, raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION));
    r.case("semaphore: down cancelled and triggered", |w| {
        down_stopped(w, raw::L4_THREAD_EX_REGS_CANCEL | raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION);
    });
    r.case("semaphore: deleted while a thread waits", semaphore_deleted);
    r.case("semaphore: rights", semaphore_rights);
    r.case("semaphore: requests it does not know", semaphore_unknown);
    r.case("semaphore: down by other operations", down_operations);
    r.case("deletion interrupt of a thread", deletion_irq);
}

fn irq(w: &World<'_>) -> Cap<Irq> {
    FACTORY.create_irq(&w.k, w.slot()).expect("irq")
}

fn bound(w: &World<'_>, to: &Child<'_, '_>) -> Cap<Irq> {
    let irq = irq(w);
    irq.bind(&w.k, to.cap, 0x1a0).expect("bind");
    irq
}

fn trigger(w: &World<'_>, irq: Cap<Irq>, count: u32) {
    (0..count).for_each(|_| irq.trigger(&w.k).expect("trigger"));
}

/// Sleeps until woken, then takes what is there in `count` receives without waiting.
fn taker<'w, 'g>(w: &'w World<'g>, count: usize) -> Child<'w, 'g> {
    let t = run(w, &[SLEEP]);
    t.script_from(1, &[WAIT.timeouts(NO_WAITING); 5][..count]).script_from(1 + count as u32, &[Step::END]);
    t
}

/// Wakes a taker and tells how many messages it got.
fn taken(w: &World<'_>, t: &Child<'_, '_>, count: u32) {
    t.wake();
    w.settle();
    let results = (1..=count).map(|n| t.word(n, crate::step::RESULT + 1));
    let got = results.filter(|tag| *tag & raw::L4_MSGTAG_ERROR == 0).count();
    fact!("t{} took {got} in {count} receives", t.n);
    show::step(w, t, 1);
}

fn counted(w: &World<'_>, count: u32) {
    let t = taker(w, 5);
    let irq = bound(w, &t);
    trigger(w, irq, count);
    taken(w, &t, 5);
}

fn before_binding(w: &World<'_>, count: u32) {
    let t = taker(w, 4);
    let irq = irq(w);
    trigger(w, irq, count);
    fact!("bind: {}", code_of(&irq.bind(&w.k, t.cap, 0x1a0)));
    taken(w, &t, 4);
}

fn rebound(w: &World<'_>, count: u32) {
    let (t, other) = (taker(w, 4), taker(w, 4));
    let irq = bound(w, &t);
    trigger(w, irq, count);
    fact!("bind: {}", code_of(&irq.bind(&w.k, other.cap, 0x1b0)));
    taken(w, &t, 4);
    taken(w, &other, 4);
}

fn bound_again(w: &World<'_>, count: u32) {
    let t = taker(w, 4);
    let irq = bound(w, &t);
    trigger(w, irq, count);
    fact!("bind: {}", code_of(&irq.bind(&w.k, t.cap, 0x1b0)));
    taken(w, &t, 4);
}

fn detached(w: &World<'_>, count: u32) {
    let t = taker(w, 4);
    let irq = bound(w, &t);
    trigger(w, irq, count);
    ask(w, "detach", irq, MsgTag::new(raw::L4_PROTO_IRQ_SENDER, 1, 0, 0), &[raw::THAW_IRQ_DETACH_OP]);
    trigger(w, irq, 1);
    fact!("bind: {}", code_of(&irq.bind(&w.k, t.cap, 0x1b0)));
    taken(w, &t, 4);
}

fn thread_deleted(w: &World<'_>, count: u32) {
    let (t, other) = (taker(w, 4), taker(w, 4));
    let irq = bound(w, &t);
    trigger(w, irq, count);
    OWN_TASK.delete(&w.k, t.cap.index()).expect("deletion");
    w.settle();
    fact!("bind: {}", code_of(&irq.bind(&w.k, other.cap, 0x1b0)));
    taken(w, &other, 4);
}

fn receive(irq: CapIndex, op: Op) -> Step {
    Step::invoke(irq.select(op), MsgTag::new(raw::L4_PROTO_IRQ, 1, 0, 0)).words(&[raw::THAW_IRQ_EOI_OP])
}

fn waiting(w: &World<'_>, step: fn(CapIndex) -> Step) {
    let t = w.thread();
    let irq = irq(w);
    let slot = w.give(irq);
    t.script(&[step(slot), WAIT.timeouts(NO_WAITING), Step::END]).start();
    irq.bind(&w.k, t.cap, 0x1a0).expect("bind");
    w.settle();
    show_steps(w, &t, 1);
    trigger(w, irq, 1);
    w.settle();
    show_steps(w, &t, 2);
}

fn two_triggers(w: &World<'_>) {
    let t = run(w, &[WAIT, WAIT.timeouts(NO_WAITING), WAIT.timeouts(NO_WAITING)]);
    let irq = bound(w, &t);
    trigger(w, irq, 3);
    w.settle();
    show_steps(w, &t, 3);
}

fn foreign(w: &World<'_>) {
    let owner = run(w, &[SLEEP]);
    let irq = bound(w, &owner);
    let t = run(w, &[receive(w.give(irq), Op::RECEIVE)]);
    trigger(w, irq, 1);
    w.settle();
    show_steps(w, &t, 1);
    t.wake();
    w.settle();
    show_steps(w, &t, 1);
}

fn other_pending(w: &World<'_>) {
    let t = run(w, &[SLEEP]);
    let (a, b) = (bound(w, &t), irq(w));
    b.bind(&w.k, t.cap, 0x1b0).expect("bind");
    t.script_from(1, &[receive(w.give(b), Op::RECEIVE), WAIT.timeouts(NO_WAITING), Step::END]);
    trigger(w, a, 1);
    t.wake();
    w.settle();
    show_steps(w, &t, 2);
    trigger(w, b, 1);
    w.settle();
    show_steps(w, &t, 3);
}

fn stopped_wait(w: &World<'_>) {
    let t = w.thread();
    let irq = irq(w);
    t.script(&[receive(w.give(irq), Op::RECEIVE), WAIT.timeouts(NO_WAITING), Step::END]).start();
    irq.bind(&w.k, t.cap, 0x1a0).expect("bind");
    w.settle();
    t.ex_regs(None, None, raw::L4_THREAD_EX_REGS_CANCEL | raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION)
        .expect("stop");
    let Some(mut e) = w.next() else { return show::event(w, None) };
    show::event(w, Some(&e));
    trigger(w, irq, 2);
    w.settle();
    e.mr[raw::THAW_EXC_PC as usize] -= w.code.call_bytes;
    e.mr[raw::THAW_EXC_R0 as usize] &= !raw::L4_MSGTAG_ERROR;
    show::replied(&w.reply(0, &e.mr[..w.frame_words() as usize]));
    w.settle();
    show_steps(w, &t, 2);
}

fn cancelled_wait(w: &World<'_>) {
    let t = w.thread();
    let irq = irq(w);
    t.script(&[receive(w.give(irq), Op::RECEIVE), SLEEP, WAIT.timeouts(NO_WAITING), Step::END]).start();
    irq.bind(&w.k, t.cap, 0x1a0).expect("bind");
    w.settle();
    t.wake();
    w.settle();
    trigger(w, irq, 1);
    show_steps(w, &t, 1);
    t.wake();
    w.settle();
    show_steps(w, &t, 3);
}

/// End of interrupt and wait in one operation, with one pending already.
fn unmask_and_wait(w: &World<'_>) {
    let t = run(w, &[SLEEP]);
    let irq = bound(w, &t);
    let step = receive(w.give(irq), Op::CALL).timeouts(NO_WAITING);
    t.script_from(1, &[step, step, Step::END]);
    trigger(w, irq, 1);
    t.wake();
    w.settle();
    show_steps(w, &t, 3);
}

fn arrival(w: &World<'_>) {
    let irq = irq(w);
    irq.bind(&w.k, OWN_THREAD, 0x1a0).expect("bind");
    w.set_words(&[0x77; 8]);
    trigger(w, irq, 1);
    let Some(e) = w.poll_with(0, &[]) else { return show::event(w, None) };
    show::event(w, Some(&e));
    fact!("a reply to it");
    show::replied(&w.reply(0, &[]));
}

fn low_bits(w: &World<'_>) {
    for label in [0, 1, 0x1a3, !0] {
        let irq = irq(w);
        fact!("bind with {label:#x}: {}", code_of(&irq.bind(&w.k, OWN_THREAD, label)));
        trigger(w, irq, 1);
        show::event(w, w.poll_with(0, &[]).as_ref());
    }
}

fn bad_binding(w: &World<'_>) {
    let irq = irq(w);
    let tag = |items| MsgTag::new(raw::L4_PROTO_KOBJECT, 2, items, 0);
    let item = |fpage: u32| [raw::THAW_BIND_OP, 0x1a0, raw::L4_ITEM_MAP, fpage];
    let object = |index| Fpage::object(index, raw::L4_CAP_FPAGE_RWSD).0;
    ask(w, "a task", irq, tag(1), &item(object(OWN_TASK.index())));
    ask(w, "an empty slot", irq, tag(1), &item(object(CapIndex(0x7f0))));
    ask(w, "memory", irq, tag(1), &item(Fpage::memory(0, 12, raw::L4_FPAGE_RW).0));
    ask(w, "itself", irq, tag(1), &item(object(irq.index())));
    ask(w, "no label", irq, MsgTag::new(raw::L4_PROTO_KOBJECT, 1, 0, 0), &[raw::THAW_BIND_OP]);
    ask(w, "no item", irq, tag(0), &[raw::THAW_BIND_OP, 0x1a0]);
    trigger(w, irq, 1);
    show::event(w, w.poll_with(0, &[]).as_ref());
}

/// A child binds through capabilities that lack rights.
fn rights(w: &World<'_>) {
    let irq = irq(w);
    let s = run(w, &[SLEEP]);
    for (irq_rights, thread_rights) in [(R | W, R | W | S), (R | W | S, R | W), (R | S, R | S)] {
        let slot = w.give_with(irq, irq_rights, 0);
        let thread = w.give_with(s.cap, thread_rights, 0);
        let step = Step::invoke(slot.select(Op::CALL), MsgTag::new(raw::L4_PROTO_KOBJECT, 2, 1, 0));
        let fpage = Fpage::object(thread, raw::L4_CAP_FPAGE_RWSD).0;
        let t = run(w, &[step.words(&[raw::THAW_BIND_OP, 0x1a0, raw::L4_ITEM_MAP, fpage])]);
        fact!("irq {irq_rights:#x}, thread {thread_rights:#x}");
        show_steps(w, &t, 1);
    }
}

fn attached(w: &World<'_>) {
    let irq = irq(w);
    let item = Fpage::object(OWN_THREAD.index(), raw::L4_CAP_FPAGE_RWSD).0;
    let words = [raw::THAW_IRQ_ATTACH_G_OP, 0x1a0, raw::L4_ITEM_MAP, item];
    ask(w, "attach", irq, MsgTag::new(raw::L4_PROTO_IRQ_SENDER, 2, 1, 0), &words);
    trigger(w, irq, 1);
    show::event(w, w.poll_with(0, &[]).as_ref());
}

fn detached_twice(w: &World<'_>) {
    let irq = irq(w);
    let tag = MsgTag::new(raw::L4_PROTO_IRQ_SENDER, 1, 0, 0);
    ask(w, "never bound", irq, tag, &[raw::THAW_IRQ_DETACH_OP]);
    irq.bind(&w.k, OWN_THREAD, 0x1a0).expect("bind");
    ask(w, "bound", irq, tag, &[raw::THAW_IRQ_DETACH_OP]);
    ask(w, "again", irq, tag, &[raw::THAW_IRQ_DETACH_OP]);
}

fn trigger_rights(w: &World<'_>) {
    let irq = irq(w);
    irq.bind(&w.k, OWN_THREAD, 0x1a0).expect("bind");
    for rights in [R, R | W, R | S] {
        let slot = w.give_with(irq, rights, 0);
        let step = Step::invoke(slot.select(Op::SEND), MsgTag::new(raw::L4_PROTO_IRQ, 1, 0, 0));
        let t = run(w, &[step.words(&[raw::THAW_IRQ_TRIGGER_OP])]);
        fact!("rights {rights:#x}");
        show_steps(w, &t, 1);
        show::event(w, w.poll_with(0, &[]).as_ref());
    }
}

fn unknown(w: &World<'_>) {
    let irq = irq(w);
    irq.bind(&w.k, OWN_THREAD, 0x1a0).expect("bind");
    let request = |what: &str, protocol, words: &[u32]| {
        ask(w, what, irq, MsgTag::new(protocol, words.len() as u32, 0, 0), words);
    };
    request("protocol -18, no words", raw::L4_PROTO_IRQ_SENDER, &[]);
    request("protocol -18, operation 9", raw::L4_PROTO_IRQ_SENDER, &[9]);
    request("protocol -10, no words", raw::L4_PROTO_KOBJECT, &[]);
    request("protocol -10, operation 9", raw::L4_PROTO_KOBJECT, &[9]);
    request("protocol -11", raw::L4_PROTO_TASK, &[0]);
    request("protocol 5", 5, &[1, 2]);
    // Operations of protocol -1 have no answer: a call waits for the interrupt.
    for word in [0, 1, 3, 9] {
        w.set_words(&[word]);
        let tag = MsgTag::new(raw::L4_PROTO_IRQ, 1, 0, 0);
        let e = w.event(w.ipc(irq.select(Op::CALL), tag, NO_WAITING));
        fact!("protocol -1, operation {word}: {} error={}", show::Tag(e.tag), show::Failure(e.tag, e.error));
    }
}

fn deleted(w: &World<'_>, pending: bool) {
    let t = run(w, &[SLEEP]);
    let irq = bound(w, &t);
    let wait = if pending { WAIT.timeouts(NO_WAITING) } else { receive(w.give(irq), Op::RECEIVE) };
    t.script_from(1, &[wait, Step::END]);
    if pending {
        trigger(w, irq, 2);
    } else {
        t.wake();
        w.settle();
    }
    OWN_TASK.delete(&w.k, irq.index()).expect("deletion");
    w.settle();
    if pending {
        t.wake();
        w.settle();
    }
    show_steps(w, &t, 2);
    if t.done(1) == 0 {
        t.wake();
        w.settle();
        show_steps(w, &t, 2);
    }
}

/// How a stop learns what is pending: binds to a thread of its own, takes, binds back, triggers again.
fn read_count(w: &World<'_>) {
    for count in 0..4 {
        let t = taker(w, 4);
        let irq = bound(w, &t);
        trigger(w, irq, count);
        fact!("{count} pending; bind: {}", code_of(&irq.bind(&w.k, OWN_THREAD, 0x1c0)));
        let mut taken_by_root = 0;
        while let Some(e) = w.poll_with(0, &[]) {
            assert!(e.label == 0x1c0, "the interrupt's new label");
            taken_by_root += 1;
        }
        fact!("root took {taken_by_root}; back: {}", code_of(&irq.bind(&w.k, t.cap, 0x1a0)));
        trigger(w, irq, taken_by_root);
        taken(w, &t, 4);
    }
}

fn semaphore(w: &World<'_>) -> Cap<Irq> {
    let slot = w.slot();
    w.create(slot, Message::new(&w.k).word(raw::L4_PROTO_SEMAPHORE as u32)).expect("semaphore");
    Cap::new(slot)
}

fn down(slot: CapIndex) -> Step {
    Step::invoke(slot.select(Op::CALL), MsgTag::new(raw::L4_PROTO_SEMAPHORE, 1, 0, 0))
}

fn ups(w: &World<'_>, count: u32) {
    let semaphore = semaphore(w);
    trigger(w, semaphore, count);
    let step = down(w.give(semaphore)).timeouts(Timeouts::new(Timeout::NEVER, Timeout::ZERO));
    let t = run(w, &[step; 4]);
    show_steps(w, &t, 4);
}

fn up_later(w: &World<'_>) {
    let semaphore = semaphore(w);
    let t = run(w, &[down(w.give(semaphore))]);
    show_steps(w, &t, 1);
    trigger(w, semaphore, 1);
    w.settle();
    show_steps(w, &t, 1);
}

fn down_stopped(w: &World<'_>, flags: u32) {
    let semaphore = semaphore(w);
    let t = run(w, &[down(w.give(semaphore))]);
    t.ex_regs(None, None, flags).expect("stop");
    let event = w.next();
    show::event(w, event.as_ref());
    show_steps(w, &t, 1);
    fact!("up");
    trigger(w, semaphore, 1);
    show::event(w, w.next().as_ref());
    if event.is_some() {
        show::replied(&w.reply(0, &[]));
        w.settle();
    }
    show_steps(w, &t, 1);
    let other = run(w, &[down(w.give(semaphore)).timeouts(NO_WAITING)]);
    fact!("another down");
    show_steps(w, &other, 1);
}

fn semaphore_deleted(w: &World<'_>) {
    let semaphore = semaphore(w);
    let t = run(w, &[down(w.give(semaphore))]);
    OWN_TASK.delete(&w.k, semaphore.index()).expect("deletion");
    w.settle();
    show_steps(w, &t, 1);
    t.wake();
    w.settle();
    show_steps(w, &t, 1);
}

fn semaphore_rights(w: &World<'_>) {
    let semaphore = semaphore(w);
    trigger(w, semaphore, 3);
    for rights in [R, R | W, R | S] {
        let t = run(w, &[down(w.give_with(semaphore, rights, 0)).timeouts(NO_WAITING)]);
        fact!("rights {rights:#x}");
        show_steps(w, &t, 1);
    }
}

fn semaphore_unknown(w: &World<'_>) {
    let semaphore = semaphore(w);
    let request = |what: &str, protocol, words: &[u32]| {
        ask(w, what, semaphore, MsgTag::new(protocol, words.len() as u32, 0, 0), words);
    };
    request("protocol -20, no words", raw::L4_PROTO_SEMAPHORE, &[]);
    request("protocol -20, operation 7", raw::L4_PROTO_SEMAPHORE, &[7]);
    request("protocol -18, detach", raw::L4_PROTO_IRQ_SENDER, &[raw::THAW_IRQ_DETACH_OP]);
    request("protocol -10, bind", raw::L4_PROTO_KOBJECT, &[raw::THAW_BIND_OP, 0]);
    request("protocol 5", 5, &[1]);
}

fn down_operations(w: &World<'_>) {
    for op in [Op::SEND, Op::RECEIVE, Op::WAIT, Op::SEND_AND_WAIT] {
        let semaphore = semaphore(w);
        trigger(w, semaphore, 1);
        let slot = w.give(semaphore);
        let step = Step::invoke(slot.select(op), MsgTag::new(raw::L4_PROTO_SEMAPHORE, 1, 0, 0));
        let t = run(w, &[step.timeouts(NO_WAITING), down(slot).timeouts(NO_WAITING)]);
        fact!("operation {}", op.0);
        show_steps(w, &t, 2);
    }
}

/// Thread operation 5: an interrupt when the thread goes.
fn deletion_irq(w: &World<'_>) {
    let t = run(w, &[SLEEP]);
    let irq = irq(w);
    irq.bind(&w.k, OWN_THREAD, 0x1d0).expect("bind");
    let words = [5, raw::L4_ITEM_MAP, Fpage::object(irq.index(), raw::L4_CAP_FPAGE_RWSD).0];
    ask(w, "register", t.cap, MsgTag::new(raw::L4_PROTO_THREAD, 1, 1, 0), &words);
    show::event(w, w.next().as_ref());
    OWN_TASK.delete(&w.k, t.cap.index()).expect("deletion");
    show::event(w, w.next().as_ref());
    show::event(w, w.next().as_ref());
}
