//! The end of threads and tasks, in every state.

use thaw_l4::{Cap, CapIndex, ExRegs, Factory, Fpage, Message, MsgTag, Op, ThreadControl, raw};

use super::parts::{NO_WAITING, SLEEP, WAIT, call, ready, reply, run, send, show_arrivals, show_steps};
use crate::{
    Runner, data, fact, show,
    step::{COUNTER, Step},
    world::{BACKGROUND, CHILD, Child, FACTORY, OWN_TASK, OWN_THREAD, SCHEDULER, UTCBS, World, code_of},
};

const TRIGGER: u32 = raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION;
const RWSD: u32 = raw::L4_CAP_FPAGE_RWSD;

/// All cases.
pub fn run_all(r: &Runner) {
    r.case("thread that sleeps", |w| in_ipc(w, &[SLEEP]));
    r.case("thread that waits openly", |w| in_ipc(w, &[WAIT]));
    r.case("thread that waits with a timeout", |w| {
        let soon = thaw_l4::Timeout::from_us(5000);
        in_ipc(w, &[SLEEP.timeouts(thaw_l4::Timeouts::new(soon, soon))]);
        w.sleep_us(10_000);
        fact!("its time is over");
    });
    r.case("thread that is queued at root", queued);
    r.case("thread that calls a server", calling);
    r.case("thread that counts", counting);
    r.case("thread that was never started", |w| {
        let t = w.thread();
        delete(w, t.cap);
        gone(w, t.cap);
    });
    r.case("thread that was never bound", |w| {
        let t = w.bare_thread();
        delete(w, t);
        gone(w, t);
    });
    r.case("thread in its exception, received", |w| in_exception(w, true));
    r.case("thread in its exception, queued", |w| in_exception(w, false));
    r.case("thread in a page fault, received", |w| in_fault(w, true));
    r.case("thread in a page fault, queued", |w| in_fault(w, false));
    r.case("thread with a pending trigger", pending_trigger);
    r.case("thread triggered, then deleted before it runs", triggered);
    r.case("thread that deletes itself", by_itself);
    r.case("last counted capability goes", last_capability);
    r.case("capability without D", without_d);
    r.case("deleted twice", twice);
    r.case("UTCB of a deleted thread taken by another", utcb_again);
    r.case("task with a thread that counts", |w| task(w, true));
    r.case("task with a thread that waits", |w| task(w, false));
    r.case("task whose thread's capability goes first", thread_first);
    r.case("task without threads", |w| {
        let task = FACTORY.create_task(&w.k, w.slot(), Fpage::memory(UTCBS, 12, 0)).expect("task");
        fact!("delete: {}", code_of(&OWN_TASK.delete(&w.k, task.index())));
        fact!("valid: {:?}", OWN_TASK.cap_valid(&w.k, task.index()).ok());
    });
    for (name, came) in [
        ("never bound", Came::Unbound),
        ("bound only", Came::Bound),
        ("bound and scheduled", Came::Scheduled),
        ("given registers and not scheduled", Came::Given),
        ("deleted before it runs", Came::Ready),
        ("triggered before its first instruction", Came::Triggered),
    ] {
        r.case(format_args!("quota of a task whose thread was {name}"), |w| task_comes_back(w, came));
    }
    r.case("handler gate deleted while an exception waits", handler_gone);
    r.case("partner of a closed wait deleted", partner_gone);
    r.case("receiver deleted while senders are queued", receiver_gone);
    r.case("thread bound twice", bound_twice);
}

/// How far a thread came before it was deleted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    Unbound,
    Bound,
    Scheduled,
    Given,
    Ready,
    Triggered,
}

/// Tasks with a thread come and go, one after the other: far more than fit at once.
fn task_comes_back(w: &World<'_>, came: Came) {
    const ROUNDS: u32 = 100;
    const QUOTA: u32 = 1 << 18;
    let [factory, task, thread] = [w.slot(), w.slot(), w.slot()];
    let sub = Message::new(&w.k).word(raw::L4_PROTO_FACTORY as u32).word(1).word(QUOTA);
    w.create(factory, sub).expect("factory");
    let gate = w.gate(OWN_THREAD, 0xe00);
    for n in 0..ROUNDS {
        let area = Fpage::memory(UTCBS, 12, 0);
        let task = match Cap::<Factory>::new(factory).create_task(&w.k, task, area) {
            Ok(task) => task,
            // How many fit is the kernel's business.
            Err(e) => {
                return fact!(
                    "refused after {}: {}",
                    if n == 0 { "none" } else { "some" },
                    code_of::<()>(&Err(e))
                );
            }
        };
        let rws = raw::L4_CAP_FPAGE_RWS;
        task.map(&w.k, OWN_TASK, Fpage::object(gate.index(), rws), HANDLER.word(), 0).expect("gate");
        let thread = FACTORY.create_thread(&w.k, thread).expect("thread");
        come(w, thread, task, came);
        OWN_TASK.delete(&w.k, thread.index()).expect("deletion");
        w.let_run();
        OWN_TASK.delete(&w.k, task.index()).expect("deletion");
        w.let_run();
        while w.next().is_some() {}
    }
    fact!("{ROUNDS} tasks came and went");
}

/// Slot of the handler gate in a second task.
const HANDLER: CapIndex = CapIndex(0x10);

fn come(w: &World<'_>, thread: Cap<thaw_l4::Thread>, task: Cap<thaw_l4::Task>, came: Came) {
    if came == Came::Unbound {
        return;
    }
    let set = ThreadControl { bind: Some((task, UTCBS)), pager: Some(HANDLER), exc_handler: Some(HANDLER) };
    thread.control(&w.k, set).expect("control");
    if came >= Came::Given {
        let flags = if came == Came::Triggered { TRIGGER } else { 0 };
        thread.ex_regs(&w.k, ExRegs { ip: Some(0), sp: Some(0), flags }).expect("ex_regs");
    }
    if matches!(came, Came::Scheduled | Came::Ready | Came::Triggered) {
        SCHEDULER.run_thread(&w.k, thread, CHILD).expect("run_thread");
    }
    if came == Came::Triggered {
        w.settle();
    }
}

fn delete(w: &World<'_>, thread: Cap<thaw_l4::Thread>) {
    fact!("delete: {}", code_of(&OWN_TASK.delete(&w.k, thread.index())));
    w.settle();
}

fn gone(w: &World<'_>, thread: Cap<thaw_l4::Thread>) {
    fact!("valid: {:?}", OWN_TASK.cap_valid(&w.k, thread.index()).ok());
    let result = thread.ex_regs(&w.k, ExRegs::default());
    show::old_registers(w, &result);
}

fn in_ipc(w: &World<'_>, steps: &[Step]) {
    let t = run(w, steps);
    delete(w, t.cap);
    show_steps(w, &t, 1);
    gone(w, t.cap);
}

fn queued(w: &World<'_>) {
    let t = run(w, &[send(w.give(OWN_THREAD), 1)]);
    let other = run(w, &[send(w.give(OWN_THREAD), 2)]);
    delete(w, t.cap);
    show_arrivals(w, 2);
    show_steps(w, &other, 1);
}

fn calling(w: &World<'_>) {
    let s = run(w, &[WAIT, SLEEP, reply()]);
    let t = run(w, &[call(w.give(w.gate(s.cap, 0xbb0)), 1)]);
    delete(w, t.cap);
    s.wake();
    w.settle();
    show_steps(w, &s, 3);
}

fn counting(w: &World<'_>) {
    let t = ready(w, &[Step::SPIN], BACKGROUND);
    w.let_run();
    fact!("delete: {}", code_of(&OWN_TASK.delete(&w.k, t.cap.index())));
    w.let_run();
    let before = t.word(0, COUNTER);
    w.let_run();
    fact!("counts: {}", t.word(0, COUNTER) != before);
    show_arrivals(w, 2);
}

fn in_exception(w: &World<'_>, received: bool) {
    let t = run(w, &[Step::UNDEFINED]);
    let event = if received { w.next() } else { None };
    if received {
        show::event(w, event.as_ref());
    }
    delete(w, t.cap);
    show_arrivals(w, 2);
    if received {
        show::replied(&w.reply(0, &[]));
    }
}

fn in_fault(w: &World<'_>, received: bool) {
    let page = data::page(data::FIRST_FREE);
    super::take_page(w, page);
    let t = run(w, &[Step::load(page)]);
    if received {
        show::event(w, w.next().as_ref());
    }
    delete(w, t.cap);
    show_arrivals(w, 2);
    if received {
        show::replied(&w.reply(0, &[]));
    }
}

/// The exception would come when its sleep ends.
fn pending_trigger(w: &World<'_>) {
    let t = run(w, &[SLEEP]);
    t.ex_regs(None, None, TRIGGER).expect("trigger");
    delete(w, t.cap);
    show_arrivals(w, 2);
}

/// It may deliver one more exception, from inside the kernel.
fn triggered(w: &World<'_>) {
    let t = ready(w, &[Step::SPIN], BACKGROUND);
    w.let_run();
    t.ex_regs(None, None, TRIGGER).expect("trigger");
    fact!("delete: {}", code_of(&OWN_TASK.delete(&w.k, t.cap.index())));
    w.let_run();
    for _ in 0..2 {
        show::event(w, w.poll_with(0, &[]).as_ref());
    }
}

fn by_itself(w: &World<'_>) {
    let t = w.thread();
    let slot = w.give_with(t.cap, RWSD, 0);
    let own = w.give(w.task);
    let request = Step::invoke(own.select(Op::CALL), MsgTag::new(raw::L4_PROTO_TASK, 3, 0, 0));
    let words = [raw::L4_TASK_UNMAP_OP, raw::THAW_UNMAP_DELETE_BITS, Fpage::object(slot, RWSD).0];
    t.script(&[request.words(&words), Step::END]).start();
    w.settle();
    show_steps(w, &t, 1);
    fact!("valid: {:?}", OWN_TASK.cap_valid(&w.k, t.cap.index()).ok());
    show_arrivals(w, 1);
}

fn last_capability(w: &World<'_>) {
    let t = ready(w, &[Step::SPIN], BACKGROUND);
    let weak = w.give_with(t.cap, raw::L4_CAP_FPAGE_RWS, raw::THAW_ITEM_WEAK);
    w.let_run();
    fact!("unmap: {}", code_of(&OWN_TASK.unmap_cap(&w.k, t.cap.index())));
    fact!("weak copy: {:?}", w.task.cap_valid(&w.k, weak).ok());
    w.let_run();
    let before = t.word(0, COUNTER);
    w.let_run();
    fact!("counts: {}", t.word(0, COUNTER) != before);
}

fn without_d(w: &World<'_>) {
    let t = ready(w, &[SLEEP, send(w.give(OWN_THREAD), 1)], CHILD);
    w.settle();
    let copy = w.slot();
    let rws = raw::L4_CAP_FPAGE_RWS;
    OWN_TASK.map(&w.k, OWN_TASK, Fpage::object(t.cap.index(), rws), copy.word(), 0).expect("map");
    let result = OWN_TASK.unmap(&w.k, Fpage::object(copy, RWSD), raw::THAW_UNMAP_DELETE_BITS);
    fact!("unmap: {} valid: {:?}", code_of(&result), OWN_TASK.cap_valid(&w.k, t.cap.index()).ok());
    t.wake();
    show_arrivals(w, 2);
}

fn twice(w: &World<'_>) {
    let t = run(w, &[SLEEP]);
    delete(w, t.cap);
    delete(w, t.cap);
}

fn utcb_again(w: &World<'_>) {
    let t = run(w, &[Step::utcb_fill(0x100), SLEEP]);
    let address = UTCBS + 512 * t.n;
    delete(w, t.cap);
    let other = w.bare_thread();
    let bind = Some((w.task, address));
    let set = ThreadControl { bind, pager: Some(HANDLER), exc_handler: Some(HANDLER) };
    fact!("control: {}", code_of(&other.control(&w.k, set)));
    let page = data::page(data::FIRST_FREE);
    t.script(&[Step::utcb_publish(page), Step::END]);
    other.ex_regs(&w.k, ExRegs { ip: Some(w.code.start), sp: Some(t.step(0)), flags: 0 }).expect("ex_regs");
    SCHEDULER.run_thread(&w.k, other, CHILD).expect("run_thread");
    w.settle();
    let old = (0..63).filter(|i| data::read(page + 4 * i) == 0x100 + i).count();
    fact!(
        "{old} message registers of the first are still there; own address: {}",
        data::read(page + 4 * 63) == address
    );
}

/// A second task of one thread, which has root's handler gate in slot 0x10.
fn second<'w, 'g>(w: &'w World<'g>, steps: &[Step]) -> (Cap<thaw_l4::Task>, Child<'w, 'g>) {
    let task = FACTORY.create_task(&w.k, w.slot(), Fpage::memory(UTCBS, 13, 0)).expect("task");
    crate::world::map_program(&w.k, task).expect("program");
    let gate = w.gate(OWN_THREAD, 0xe00);
    let slot = HANDLER;
    let rws = raw::L4_CAP_FPAGE_RWS;
    task.map(&w.k, OWN_TASK, Fpage::object(gate.index(), rws), slot.word(), 0).expect("gate");
    let t = w.thread_with(task, Some(slot));
    t.script(steps).script_from(steps.len() as u32, &[Step::END]);
    (task, t)
}

fn task(w: &World<'_>, counts: bool) {
    let (task, t) = second(w, &[if counts { Step::SPIN } else { WAIT }]);
    t.start_at(BACKGROUND);
    w.let_run();
    fact!("delete: {}", code_of(&OWN_TASK.delete(&w.k, task.index())));
    w.let_run();
    let before = t.word(0, COUNTER);
    w.let_run();
    fact!("thread valid: {:?}", OWN_TASK.cap_valid(&w.k, t.cap.index()).ok());
    fact!("counts: {}", t.word(0, COUNTER) != before);
    for _ in 0..2 {
        show::event(w, w.poll_with(0, &[]).as_ref());
    }
    if !counts {
        super::parts::poke(w, &t);
    }
}

fn thread_first(w: &World<'_>) {
    let (task, t) = second(w, &[WAIT]);
    t.start();
    w.settle();
    delete(w, t.cap);
    fact!("delete task: {}", code_of(&OWN_TASK.delete(&w.k, task.index())));
    show_arrivals(w, 1);
}

fn handler_gone(w: &World<'_>) {
    let gate = w.gate(OWN_THREAD, 0xdd0);
    let slot = w.give(gate);
    let t = w.thread_with(w.task, Some(slot));
    t.script(&[Step::UNDEFINED, Step::END]).start();
    w.settle();
    OWN_TASK.delete(&w.k, gate.index()).expect("deletion");
    show_arrivals(w, 1);
    show::replied(&w.reply(0, &[]));
    w.settle();
    let result = t.ex_regs(None, None, 0);
    fact!("then: {}", code_of(&result));
}

fn partner_gone(w: &World<'_>) {
    let friend = run(w, &[SLEEP]);
    let from = w.give(friend.cap);
    let t = run(w, &[Step::invoke(from.select(Op::RECEIVE), MsgTag(0))]);
    delete(w, friend.cap);
    show_steps(w, &t, 1);
    t.wake();
    w.settle();
    show_steps(w, &t, 1);
}

fn receiver_gone(w: &World<'_>) {
    let s = run(w, &[SLEEP]);
    let to = w.give(s.cap);
    let a = run(w, &[send(to, 1)]);
    let b = run(w, &[call(to, 2)]);
    delete(w, s.cap);
    show_steps(w, &a, 1);
    show_steps(w, &b, 1);
    let again = run(w, &[send(to, 3).timeouts(NO_WAITING)]);
    show_steps(w, &again, 1);
}

fn bound_twice(w: &World<'_>) {
    let t = run(w, &[SLEEP]);
    let set = ThreadControl { bind: Some((w.task, UTCBS + 512 * 9)), ..ThreadControl::default() };
    fact!("control: {}", code_of(&t.cap.control(&w.k, set)));
}
