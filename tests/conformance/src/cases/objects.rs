//! Requests to threads, tasks, the console and the interrupt controller: answers and refusals.

use thaw_l4::{Cap, CapIndex, Fpage, Icu, Log, MsgTag, Op, Timeouts, raw};

use super::parts::{NO_WAITING, SLEEP, ask, run, send, show_arrivals, show_steps};
use crate::{
    Runner, data, fact, show,
    step::Step,
    world::{FACTORY, OWN_TASK, OWN_THREAD, UTCBS, World},
};

const LOG: Cap<Log> = Cap::new(CapIndex(raw::THAW_INDEX_LOG));
const ICU: Cap<Icu> = Cap::new(CapIndex(raw::THAW_INDEX_ICU));
const RWSD: u32 = raw::L4_CAP_FPAGE_RWSD;
const R: u32 = raw::L4_CAP_FPAGE_R;
const W: u32 = raw::L4_CAP_FPAGE_W;
const S: u32 = raw::L4_CAP_FPAGE_S;
/// An interrupt that every board has and none of its devices uses here.
const PIN: u32 = 50;

/// All cases.
pub fn run_all(r: &Runner) {
    r.case("thread control: messages that are wrong", wrong_control);
    r.case("thread control: what it returns", old_values);
    r.case("thread control: UTCB addresses", utcb_addresses);
    r.case("thread control: rights", control_rights);
    r.case("thread: requests it does not know", unknown_thread);
    r.case("thread: protocol -12 through a gate", thread_through_gate);
    r.case("labels rewritten on the way", modified_senders);
    r.case("task: requests it does not know", unknown_task);
    r.case("task: map that is wrong", wrong_map);
    r.case("task: rights", task_rights);
    r.case("task: unmap of several", several);
    r.case("console: requests", console);
    r.case("interrupt controller: requests", controller);
    r.case("interrupt controller: binding", binding);
    r.case("interrupt controller: a pin changes hands", rebinding);
    r.case("scheduler and console as interrupt controllers", one_pin);
    r.case("memory operations", memory_operations);
    r.case("kernel's words in the UTCB", kernel_words);
    r.case("objects that take a plain message", plain_messages);
    r.case("receive from objects that send nothing", receive_from_objects);
}

fn object(index: CapIndex) -> u32 {
    Fpage::object(index, RWSD).0
}

fn thread_tag(words: u32, items: u32) -> MsgTag {
    MsgTag::new(raw::L4_PROTO_THREAD, words, items, 0)
}

fn wrong_control(w: &World<'_>) {
    let t = w.bare_thread();
    let bind = raw::L4_THREAD_CONTROL_BIND_TASK;
    ask(w, "no words", t, thread_tag(0, 0), &[]);
    ask(w, "five words", t, thread_tag(5, 0), &[0, 0, 0, 0, 0]);
    ask(w, "nothing to set", t, thread_tag(6, 0), &[0, 0, 0, 0, 0, 0]);
    ask(w, "bind without item", t, thread_tag(6, 0), &[bind, 0, 0, 0, 0, UTCBS]);
    let with = |fpage: u32| [bind, 0, 0, 0, 0, UTCBS, raw::L4_ITEM_MAP, fpage];
    ask(w, "bind to a thread", t, thread_tag(6, 1), &with(object(OWN_THREAD.index())));
    ask(w, "bind to an empty slot", t, thread_tag(6, 1), &with(object(CapIndex(0x7f0))));
    ask(w, "bind to memory", t, thread_tag(6, 1), &with(Fpage::memory(0, 12, 6).0));
}

fn old_values(w: &World<'_>) {
    let t = run(w, &[SLEEP]);
    let flags = raw::L4_THREAD_CONTROL_SET_PAGER | raw::L4_THREAD_CONTROL_SET_EXC_HANDLER;
    for (pager, handler) in [(0x31, 0x32), (0x33, 0x34)] {
        let words = [flags, CapIndex(pager).word(), CapIndex(handler).word(), 0, 0, 0];
        w.set_words(&words);
        let e = w.event(w.ipc(t.cap.select(Op::CALL), thread_tag(6, 0), Timeouts::NEVER));
        fact!("{} pager {:x} handler {:x}", show::Tag(e.tag), e.mr[1], e.mr[2]);
    }
}

fn utcb_addresses(w: &World<'_>) {
    for (what, address) in [
        ("outside", UTCBS + 0x2000),
        ("not aligned", UTCBS + 4),
        ("aligned to 256", UTCBS + 0x100),
        ("last of the area", UTCBS + 0x1e00),
        ("zero", 0),
        ("memory that is no such", data::page(data::FIRST_FREE)),
    ] {
        let t = w.bare_thread();
        let words =
            [raw::L4_THREAD_CONTROL_BIND_TASK, 0, 0, 0, 0, address, raw::L4_ITEM_MAP, object(w.task.index())];
        ask(w, what, t, thread_tag(6, 1), &words);
    }
}

/// A child controls a thread through capabilities that lack rights.
fn control_rights(w: &World<'_>) {
    let victim = run(w, &[SLEEP]);
    for rights in [R, R | W, R | S, R | W | S] {
        let slot = w.give_with(victim.cap, rights, 0);
        let t = run(w, &[Step::invoke(slot.select(Op::CALL), thread_tag(6, 0)).words(&[0; 6])]);
        fact!("rights {rights:#x}");
        show_steps(w, &t, 1);
    }
}

fn unknown_thread(w: &World<'_>) {
    let t = run(w, &[SLEEP]);
    for op in [0x11, 0x3f, 0x40, 0xff] {
        w.set_words(&[op, 0, 0]);
        let e = w.event(w.ipc(t.cap.select(Op::CALL), thread_tag(3, 0), Timeouts::NEVER));
        fact!("operation {op:#x}: {}", show::Tag(e.tag));
    }
    ask(w, "TPIDRURO without a value", t.cap, thread_tag(1, 0), &[raw::THAW_THREAD_SET_TPIDRURO_OP]);
}

/// A gate passes it on as a message.
fn thread_through_gate(w: &World<'_>) {
    let gate = w.give(w.gate(OWN_THREAD, 0xab0));
    run(w, &[Step::invoke(gate.select(Op::CALL), thread_tag(3, 0)).words(&[1, 2, 3])]);
    show_arrivals(w, 1);
}

/// Thread operation 6: labels of queued senders, by rules of mask, value, bits taken and bits set.
fn modified_senders(w: &World<'_>) {
    let s = run(w, &[SLEEP, super::parts::WAIT, super::parts::WAIT]);
    for label in [0xb00, 0xc00] {
        run(w, &[send(w.give(w.gate(s.cap, label)), 1)]);
    }
    ask(w, "modify", s.cap, thread_tag(5, 0), &[6, 0xff00, 0xb00, 0xff00, 0xd00]);
    s.wake();
    w.settle();
    show_steps(w, &s, 3);
}

fn unknown_task(w: &World<'_>) {
    let request = |what: &str, protocol, words: &[u32]| {
        ask(w, what, w.task, MsgTag::new(protocol, words.len() as u32, 0, 0), words);
    };
    request("no words", raw::L4_PROTO_TASK, &[]);
    request("operation 0x50", raw::L4_PROTO_TASK, &[0x50]);
    request("protocol -12", raw::L4_PROTO_THREAD, &[0]);
    request("protocol 0", 0, &[0]);
    request("unmap of nothing", raw::L4_PROTO_TASK, &[raw::L4_TASK_UNMAP_OP, raw::THAW_UNMAP_SELF_BIT]);
    request("unmap without mask", raw::L4_PROTO_TASK, &[raw::L4_TASK_UNMAP_OP]);
}

fn wrong_map(w: &World<'_>) {
    let tag = MsgTag::new(raw::L4_PROTO_TASK, 3, 1, 0);
    let page = data::page(data::FIRST_FREE);
    let send = Fpage::memory(page, 12, raw::L4_FPAGE_RW).0;
    let words = |fpage: u32, item: u32| {
        [raw::L4_TASK_MAP_OP, page | raw::L4_ITEM_MAP, fpage, item, object(OWN_TASK.index())]
    };
    ask(w, "no item", w.task, MsgTag::new(raw::L4_PROTO_TASK, 3, 0, 0), &words(send, raw::L4_ITEM_MAP));
    ask(w, "an empty item", w.task, tag, &words(send, 0));
    let mut from = words(send, raw::L4_ITEM_MAP);
    from[4] = object(OWN_THREAD.index());
    ask(w, "from a thread", w.task, tag, &from);
    from[4] = object(CapIndex(0x7f0));
    ask(w, "from an empty slot", w.task, tag, &from);
    from[4] = send;
    ask(w, "from memory", w.task, tag, &from);
    ask(w, "a special flexpage", w.task, tag, &words(0, raw::L4_ITEM_MAP));
    ask(w, "an IO flexpage", w.task, tag, &words(raw::L4_FPAGE_IO << 4 | 12 << 6 | 7, raw::L4_ITEM_MAP));
    ask(w, "without rights", w.task, tag, &words(send & !0xf, raw::L4_ITEM_MAP));
}

/// A child maps and asks through task capabilities that lack rights.
fn task_rights(w: &World<'_>) {
    let gate = w.give(w.gate(OWN_THREAD, 0xab0));
    for rights in [R, R | W, R | S, R | W | S] {
        let own = w.give_with(w.task, rights, 0);
        let target = w.child_slot();
        let base = target.word() | raw::L4_ITEM_MAP;
        let map =
            [raw::L4_TASK_MAP_OP, base, Fpage::object(gate, R | W | S).0, raw::L4_ITEM_MAP, object(own)];
        let info = [raw::L4_TASK_CAP_INFO_OP, gate.word()];
        let t = run(
            w,
            &[
                Step::invoke(own.select(Op::CALL), MsgTag::new(raw::L4_PROTO_TASK, 3, 1, 0)).words(&map),
                Step::invoke(own.select(Op::CALL), MsgTag::new(raw::L4_PROTO_TASK, 2, 0, 0)).words(&info),
                send(target, 1).timeouts(NO_WAITING),
            ],
        );
        fact!("rights {rights:#x}");
        (0..3).for_each(|n| fact!("step{n}: {}", show::Tag(MsgTag(t.word(n, crate::step::RESULT + 1)))));
        if let Some(e) = w.poll_with(0, &[]) {
            fact!("label {:#x}", e.label);
        }
    }
}

fn several(w: &World<'_>) {
    let slots = [1, 2, 3].map(|_| w.give(w.gate(OWN_THREAD, 0xab0)));
    let [a, b, c] = slots.map(|slot| Fpage::object(slot, RWSD).0);
    let words = [raw::L4_TASK_UNMAP_OP, raw::THAW_UNMAP_SELF_BIT, a, b, c];
    w.set_words(&words);
    let e =
        w.event(w.ipc(w.task.select(Op::CALL), MsgTag::new(raw::L4_PROTO_TASK, 5, 0, 0), Timeouts::NEVER));
    fact!("{}", show::Tag(e.tag));
    slots.iter().for_each(|slot| fact!("valid: {:?}", w.task.cap_valid(&w.k, *slot).ok()));
}

fn console(w: &World<'_>) {
    let request = |what: &str, words: &[u32]| {
        ask(w, what, LOG, MsgTag::new(raw::L4_PROTO_LOG, words.len() as u32, 0, 0), words);
    };
    request("no words", &[]);
    request("get attributes", &[3, 0, 0, 0]);
    request("operation 9", &[9]);
    ask(w, "protocol -11", LOG, MsgTag::new(raw::L4_PROTO_TASK, 1, 0, 0), &[0]);
    for (what, bytes, op) in
        [("one byte", 1, Op::SEND), ("one byte, called", 1, Op::CALL), ("too much", 400, Op::SEND)]
    {
        w.set_words(&[raw::THAW_LOG_WRITE_OP, bytes, u32::from(b'\n')]);
        let e = w.event(w.ipc(LOG.select(op), MsgTag::new(raw::L4_PROTO_LOG, 3, 0, 0), NO_WAITING));
        fact!("{what}: {} error={}", show::Tag(e.tag), show::Failure(e.tag, e.error));
    }
}

fn icu_tag(words: u32, items: u32) -> MsgTag {
    MsgTag::new(raw::L4_PROTO_IRQ, words, items, 0)
}

fn controller(w: &World<'_>) {
    w.set_words(&[raw::THAW_ICU_INFO_OP]);
    let e = w.event(w.ipc(ICU.select(Op::CALL), icu_tag(1, 0), Timeouts::NEVER));
    fact!(
        "info: {} features {:x}, pins known: {}, MSIs {}",
        show::Tag(e.tag),
        e.mr[0],
        e.mr[1] > PIN,
        e.mr[2]
    );
    ask(w, "no words", ICU, icu_tag(0, 0), &[]);
    ask(w, "operation 9", ICU, icu_tag(2, 0), &[9, PIN]);
    ask(w, "protocol -11", ICU, MsgTag::new(raw::L4_PROTO_TASK, 1, 0, 0), &[0]);
    ask(w, "bind without item", ICU, icu_tag(2, 0), &[raw::THAW_ICU_BIND_OP, PIN]);
    ask(w, "bind without pin", ICU, icu_tag(1, 0), &[raw::THAW_ICU_BIND_OP]);
    ask(w, "unbind what was never bound", ICU, icu_tag(2, 0), &[raw::THAW_ICU_UNBIND_OP, PIN]);
    ask(w, "mode of a pin", ICU, icu_tag(3, 0), &[raw::THAW_ICU_SET_MODE_OP, PIN, 0]);
    ask(w, "mode without a mode", ICU, icu_tag(2, 0), &[raw::THAW_ICU_SET_MODE_OP, PIN]);
    ask(w, "mode of a pin that is not there", ICU, icu_tag(3, 0), &[raw::THAW_ICU_SET_MODE_OP, 100_000, 0]);
    for op in [raw::THAW_ICU_MASK_OP, raw::THAW_ICU_UNMASK_OP] {
        w.set_words(&[op, PIN]);
        let e = w.event(w.ipc(ICU.select(Op::SEND), icu_tag(2, 0), Timeouts::NEVER));
        fact!("operation {op}, sent: {} error={}", show::Tag(e.tag), show::Failure(e.tag, e.error));
    }
}

fn bind_words(pin: u32, index: CapIndex) -> [u32; 4] {
    [raw::THAW_ICU_BIND_OP, pin, raw::L4_ITEM_MAP, object(index)]
}

fn binding(w: &World<'_>) {
    let irq = FACTORY.create_irq(&w.k, w.slot()).expect("irq");
    ask(w, "a pin", ICU, icu_tag(2, 1), &bind_words(PIN, irq.index()));
    ask(w, "the same again", ICU, icu_tag(2, 1), &bind_words(PIN, irq.index()));
    ask(w, "a pin that is not there", ICU, icu_tag(2, 1), &bind_words(100_000, irq.index()));
    ask(w, "a task", ICU, icu_tag(2, 1), &bind_words(PIN, OWN_TASK.index()));
    ask(w, "an empty slot", ICU, icu_tag(2, 1), &bind_words(PIN, CapIndex(0x7f0)));
    ask(w, "unbind without item", ICU, icu_tag(2, 0), &[raw::THAW_ICU_UNBIND_OP, PIN]);
    let mut words = bind_words(PIN, irq.index());
    words[0] = raw::THAW_ICU_UNBIND_OP;
    ask(w, "unbind", ICU, icu_tag(2, 1), &words);
    ask(w, "unbind again", ICU, icu_tag(2, 1), &words);
}

fn rebinding(w: &World<'_>) {
    let (a, b) =
        (FACTORY.create_irq(&w.k, w.slot()).expect("irq"), FACTORY.create_irq(&w.k, w.slot()).expect("irq"));
    ask(w, "first", ICU, icu_tag(2, 1), &bind_words(PIN, a.index()));
    ask(w, "second", ICU, icu_tag(2, 1), &bind_words(PIN, b.index()));
    ask(w, "first to another pin", ICU, icu_tag(2, 1), &bind_words(PIN + 1, a.index()));
    ask(w, "second again", ICU, icu_tag(2, 1), &bind_words(PIN, b.index()));
    OWN_TASK.delete(&w.k, b.index()).expect("deletion");
    ask(w, "first after the second's deletion", ICU, icu_tag(2, 1), &bind_words(PIN, a.index()));
}

fn one_pin(w: &World<'_>) {
    ask(w, "console: info", LOG, icu_tag(1, 0), &[raw::THAW_ICU_INFO_OP]);
    ask(w, "console: no words", LOG, icu_tag(0, 0), &[]);
    ask(w, "console: operation 9", LOG, icu_tag(1, 0), &[9]);
    ask(w, "scheduler: info", crate::world::SCHEDULER, icu_tag(1, 0), &[raw::THAW_ICU_INFO_OP]);
}

/// The second system call: clean, flush, invalidate, coherence, on memory that is there.
fn memory_operations(w: &World<'_>) {
    let page = data::page(data::FIRST_FREE);
    for operation in [0, 1, 2, 3, 4, 9] {
        let t =
            run(w, &[Step::store(0x1234, page), Step::memory(operation, page, page + 64), Step::load(page)]);
        fact!("operation {operation}: done {}, value {:x}", t.done(1), t.word(2, crate::step::RESULT + 1));
    }
}

/// The page of the UTCB: own address and free marker of a thread that runs and of one that never was.
fn kernel_words(w: &World<'_>) {
    let page = data::page(data::FIRST_FREE);
    let t = run(w, &[Step::utcb_publish(page)]);
    let own = data::read(page + 4 * raw::THAW_UTCB_SELF_WORD);
    fact!("own address: {}", own == UTCBS + 512 * t.n);
    if !w.is_g() {
        fact!("marker: {:x}", data::read(page + 4 * raw::THAW_UTCB_FREE_MARKER_WORD));
    }
    let user =
        (0..raw::THAW_UTCB_USER_WORDS).filter(|i| data::read(page + 4 * (raw::THAW_UTCB_USER_WORD + i)) != 0);
    fact!("user words that are not zero: {}", user.count());
}

/// Plain messages to objects that are no partners.
fn plain_messages(w: &World<'_>) {
    let irq = FACTORY.create_irq(&w.k, w.slot()).expect("irq");
    let plain = |what: &str, index: CapIndex| {
        ask(w, what, Cap::<thaw_l4::KernelObject>::new(index), MsgTag::new(5, 1, 0, 0), &[1]);
    };
    plain("task", w.task.index());
    plain("factory", FACTORY.index());
    plain("console", LOG.index());
    plain("controller", ICU.index());
    plain("irq", irq.index());
}

fn receive_from_objects(w: &World<'_>) {
    for (what, index) in [("task", w.task.index()), ("factory", FACTORY.index()), ("console", LOG.index())] {
        let e = w.event(w.ipc(index.select(Op::RECEIVE), MsgTag::default(), NO_WAITING));
        fact!("{what}: {} error={}", show::Tag(e.tag), show::Failure(e.tag, e.error));
    }
}
