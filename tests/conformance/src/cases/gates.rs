//! Gates: labels and rights, binding, gates without a thread, deletion.

use thaw_l4::{Cap, Gate, Message, MsgTag, Op, SendItem, Thread, raw};

use super::parts::{SLEEP, WAIT, ask, call, poke, reply, run, send, show_arrivals, show_steps};
use crate::{
    Runner, fact, show,
    step::Step,
    world::{OWN_TASK, OWN_THREAD, World, code_of},
};

const R: u32 = raw::L4_CAP_FPAGE_R;
const W: u32 = raw::L4_CAP_FPAGE_W;
const S: u32 = raw::L4_CAP_FPAGE_S;
const SERVER: u32 = raw::THAW_ITEM_SERVER_RIGHT;

/// All cases.
pub fn run_all(r: &Runner) {
    for rights in [R, R | W, R | S, R | W | S] {
        r.case(format_args!("label through rights {rights:#x}"), |w| {
            let gate = w.give_with(w.gate(OWN_THREAD, 0xabc0), rights, 0);
            run(w, &[send(gate, 1)]);
            show_arrivals(w, 1);
        });
    }
    for label in [0, 1, 2, 3, 4, 0xffff_fffc, !0] {
        r.case(format_args!("created with label {label:#x}"), |w| labelled(w, label));
        r.case(format_args!("bound with label {label:#x}"), |w| bound(w, label));
    }
    r.case("label asked for", asked);
    r.case("control without the server right is a message", control_is_message);
    r.case("control messages that are too short or unknown", bad_control);
    r.case("bound with an item that is no thread", bad_items);
    r.case("bound without the right S on gate or thread", without_rights);
    r.case("label of a gate without a thread", unbound_label);
    r.case("bound while callers wait", bound_while_waiting);
    r.case("bound to another thread while callers are queued", rebound);
    r.case("bound again with another label while callers are queued", relabelled);
    r.case("send at a gate without a thread, zero timeout", |w| unbound(w, Op::SEND));
    r.case("receive at a gate without a thread", |w| unbound(w, Op::RECEIVE));
    r.case("open wait at a gate without a thread", |w| unbound(w, Op::WAIT));
    r.case("trigger at a gate without a thread", triggered_unbound);
    r.case("deleted while callers wait without a thread", deleted_unbound);
    r.case("deleted while callers are queued at its thread", deleted_queued);
    r.case("deleted while a call is being served", deleted_served);
    r.case("thread behind a gate deleted", thread_deleted);
    r.case("thread behind a gate deleted while callers are queued", thread_deleted_queued);
    r.case("thread behind a gate deleted, gate bound to another", thread_replaced);
    r.case("two gates of one thread", two_gates);
    r.case("created with a thread that is not there", created_badly);
}

fn labelled(w: &World<'_>, label: u32) {
    let slot = w.slot();
    let message = Message::new(&w.k).word(raw::THAW_FACTORY_GATE).word(1).word(label);
    let result = w.create(slot, message.item(SendItem::object(OWN_THREAD.index())));
    fact!("create: {}", code_of(&result));
    if result.is_ok() {
        through(w, Cap::new(slot));
    }
}

fn bound(w: &World<'_>, label: u32) {
    let gate = w.unbound_gate();
    fact!("bind: {}", code_of(&gate.bind(&w.k, OWN_THREAD, label)));
    fact!("label: {:x?}", gate.label(&w.k).ok().filter(|_| w.is_g() || label & 3 == 0));
    if w.is_g() || label & 3 == 0 {
        through(w, gate);
    }
}

fn through(w: &World<'_>, gate: Cap<Gate>) {
    run(w, &[send(w.give_with(gate, R | W | S, 0), 1)]);
    run(w, &[send(w.give_with(gate, R, 0), 2)]);
    show_arrivals(w, 3);
}

fn asked(w: &World<'_>) {
    let gate = w.gate(OWN_THREAD, 0xab0);
    ask(
        w,
        "own capability",
        gate,
        MsgTag::new(raw::L4_PROTO_KOBJECT, 1, 0, 0),
        &[raw::THAW_GATE_GET_LABEL_OP],
    );
    for (attr, rights) in [(SERVER, R), (0xf0, R | W | S), (0x40, R | W | S), (0x80, R | W | S)] {
        let slot = w.give_with(gate, rights, attr);
        let step = Step::invoke(slot.select(Op::CALL), MsgTag::new(raw::L4_PROTO_KOBJECT, 1, 0, 0));
        let t = run(w, &[step.words(&[raw::THAW_GATE_GET_LABEL_OP])]);
        fact!("attr {attr:#x}, rights {rights:#x}");
        show_steps(w, &t, 1);
        show_arrivals(w, 1);
    }
}

fn control_is_message(w: &World<'_>) {
    let gate = w.give_with(w.gate(OWN_THREAD, 0xab0), R | W | S, 0);
    let step = Step::invoke(gate.select(Op::CALL), MsgTag::new(raw::L4_PROTO_KOBJECT, 1, 0, 0));
    let t = run(w, &[step.words(&[raw::THAW_GATE_GET_LABEL_OP])]);
    show_arrivals(w, 1);
    show::replied(&w.reply(3, &[7]));
    w.settle();
    show_steps(w, &t, 1);
}

fn bad_control(w: &World<'_>) {
    let gate = w.gate(OWN_THREAD, 0xab0);
    let tag = |words| MsgTag::new(raw::L4_PROTO_KOBJECT, words, 0, 0);
    ask(w, "no words", gate, tag(0), &[]);
    ask(w, "bind without label", gate, tag(1), &[raw::THAW_BIND_OP]);
    ask(w, "bind without item", gate, tag(2), &[raw::THAW_BIND_OP, 0xac0]);
    ask(w, "operation 0x12", gate, tag(1), &[0x12]);
    ask(w, "operation 0x55", gate, tag(1), &[0x55]);
    fact!("label: {:x?}", gate.label(&w.k).ok());
}

fn bad_items(w: &World<'_>) {
    let gate = w.gate(OWN_THREAD, 0xab0);
    let tag = MsgTag::new(raw::L4_PROTO_KOBJECT, 2, 1, 0);
    let item = |fpage: u32| [raw::THAW_BIND_OP, 0xac0, raw::L4_ITEM_MAP, fpage];
    let object = |index| thaw_l4::Fpage::object(index, raw::L4_CAP_FPAGE_RWSD).0;
    ask(w, "a task", gate, tag, &item(object(OWN_TASK.index())));
    ask(w, "an empty slot", gate, tag, &item(object(thaw_l4::CapIndex(0x7f0))));
    ask(w, "memory", gate, tag, &item(thaw_l4::Fpage::memory(0, 12, raw::L4_FPAGE_RW).0));
    ask(w, "no map item", gate, tag, &[raw::THAW_BIND_OP, 0xac0, 0, object(OWN_THREAD.index())]);
    fact!("label: {:x?}", gate.label(&w.k).ok());
}

/// A child binds a gate through capabilities that lack rights.
fn without_rights(w: &World<'_>) {
    let gate = w.gate(OWN_THREAD, 0xab0);
    let s = run(w, &[SLEEP]);
    for (gate_rights, thread_rights) in
        [(R | W, R | W | S), (R | W | S, R | W), (R | S, R | S), (R | W | S, R | W | S)]
    {
        let slot = w.give_with(gate, gate_rights, SERVER);
        let thread = w.give_with(s.cap, thread_rights, 0);
        let step = Step::invoke(slot.select(Op::CALL), MsgTag::new(raw::L4_PROTO_KOBJECT, 2, 1, 0));
        let fpage = thaw_l4::Fpage::object(thread, raw::L4_CAP_FPAGE_RWSD).0;
        let t = run(w, &[step.words(&[raw::THAW_BIND_OP, 0xac0, raw::L4_ITEM_MAP, fpage])]);
        fact!("gate {gate_rights:#x}, thread {thread_rights:#x}");
        show_steps(w, &t, 1);
    }
}

fn unbound_label(w: &World<'_>) {
    let gate = w.unbound_gate();
    let result = gate.label(&w.k);
    fact!("label: {}", code_of(&result));
    if !w.is_g() {
        fact!("value: {:x?}", result.ok());
    }
}

fn bound_while_waiting(w: &World<'_>) {
    let gate = w.unbound_gate();
    let slot = w.give(gate);
    let a = run(w, &[call(slot, 1)]);
    let b = run(w, &[call(slot, 2)]);
    let s = run(w, &[WAIT, super::parts::reply_and_wait(), super::parts::reply_and_wait()]);
    gate.bind(&w.k, s.cap, 0xbb0).expect("bind");
    w.settle();
    show_steps(w, &s, 3);
    show_steps(w, &a, 1);
    show_steps(w, &b, 1);
}

fn rebound(w: &World<'_>) {
    let busy = run(w, &[SLEEP, WAIT, reply()]);
    let other = run(w, &[WAIT, reply()]);
    let gate = w.gate(busy.cap, 0xbb0);
    let t = run(w, &[call(w.give(gate), 1)]);
    fact!("bind: {}", code_of(&gate.bind(&w.k, other.cap, 0xcc0)));
    w.settle();
    show_steps(w, &other, 2);
    busy.wake();
    w.settle();
    show_steps(w, &busy, 3);
    show_steps(w, &t, 1);
}

fn relabelled(w: &World<'_>) {
    let busy = run(w, &[SLEEP, WAIT, reply()]);
    let gate = w.gate(busy.cap, 0xbb0);
    run(w, &[call(w.give(gate), 1)]);
    fact!("bind: {}", code_of(&gate.bind(&w.k, busy.cap, 0xcc0)));
    busy.wake();
    w.settle();
    show_steps(w, &busy, 3);
}

fn unbound(w: &World<'_>, op: Op) {
    let gate = w.give(w.unbound_gate());
    let t = run(
        w,
        &[Step::invoke(gate.select(op), MsgTag::new(0x11, 0, 0, 0)).timeouts(super::parts::NO_WAITING)],
    );
    show_steps(w, &t, 1);
}

fn triggered_unbound(w: &World<'_>) {
    let gate = w.unbound_gate();
    let t = run(w, &[send(w.give(gate), 1)]);
    t.ex_regs(None, None, raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION).expect("trigger");
    show::event(w, w.next().as_ref());
    gate.bind(&w.k, OWN_THREAD, 0xcc0).expect("bind");
    show_arrivals(w, 3);
}

fn deleted_unbound(w: &World<'_>) {
    let gate = w.unbound_gate();
    let slot = w.give(gate);
    let a = run(w, &[call(slot, 1)]);
    let b = run(w, &[send(slot, 2)]);
    OWN_TASK.delete(&w.k, gate.index()).expect("deletion");
    w.settle();
    show_steps(w, &a, 1);
    show_steps(w, &b, 1);
}

fn deleted_queued(w: &World<'_>) {
    let busy = run(w, &[SLEEP, WAIT, reply()]);
    let gate = w.gate(busy.cap, 0xbb0);
    let t = run(w, &[call(w.give(gate), 1)]);
    OWN_TASK.delete(&w.k, gate.index()).expect("deletion");
    w.settle();
    show_steps(w, &t, 1);
    busy.wake();
    w.settle();
    show_steps(w, &busy, 3);
    show_steps(w, &t, 1);
}

fn deleted_served(w: &World<'_>) {
    let s = run(w, &[WAIT, SLEEP, reply()]);
    let gate = w.gate(s.cap, 0xbb0);
    let t = run(w, &[call(w.give(gate), 1)]);
    OWN_TASK.delete(&w.k, gate.index()).expect("deletion");
    w.settle();
    s.wake();
    w.settle();
    show_steps(w, &s, 3);
    show_steps(w, &t, 1);
}

fn delete_thread(w: &World<'_>, thread: Cap<Thread>) {
    OWN_TASK.delete(&w.k, thread.index()).expect("deletion");
    w.settle();
}

fn thread_deleted(w: &World<'_>) {
    let s = run(w, &[WAIT]);
    let gate = w.gate(s.cap, 0xbb0);
    let slot = w.give(gate);
    delete_thread(w, s.cap);
    fact!("label: {:x?}", gate.label(&w.k).ok());
    let t = run(w, &[call(slot, 1).timeouts(super::parts::NO_WAITING)]);
    show_steps(w, &t, 1);
    fact!("gate valid: {:?}", OWN_TASK.cap_valid(&w.k, gate.index()).ok());
}

fn thread_deleted_queued(w: &World<'_>) {
    let s = run(w, &[SLEEP]);
    let gate = w.gate(s.cap, 0xbb0);
    let t = run(w, &[call(w.give(gate), 1)]);
    let u = run(w, &[send(w.give(s.cap), 2)]);
    delete_thread(w, s.cap);
    show_steps(w, &t, 1);
    show_steps(w, &u, 1);
}

fn thread_replaced(w: &World<'_>) {
    let s = run(w, &[WAIT]);
    let gate = w.gate(s.cap, 0xbb0);
    let t = run(w, &[SLEEP, call(w.give(gate), 1)]);
    delete_thread(w, s.cap);
    t.wake();
    w.settle();
    show_steps(w, &t, 2);
    let other = run(w, &[WAIT, reply()]);
    fact!("bind: {}", code_of(&gate.bind(&w.k, other.cap, 0xcc0)));
    w.settle();
    show_steps(w, &other, 2);
    show_steps(w, &t, 2);
}

fn two_gates(w: &World<'_>) {
    let (a, b) = (w.give(w.gate(OWN_THREAD, 0xaa0)), w.give(w.gate(OWN_THREAD, 0xbb0)));
    run(w, &[send(a, 1)]);
    run(w, &[send(b, 2)]);
    let s = run(w, &[WAIT]);
    show_arrivals(w, 3);
    poke(w, &s);
}

fn created_badly(w: &World<'_>) {
    let create = |what: &str, item: SendItem| {
        let message = Message::new(&w.k).word(raw::THAW_FACTORY_GATE).word(1).word(0xab0);
        fact!("{what}: {}", code_of(&w.create(w.slot(), message.item(item))));
    };
    create("empty slot", SendItem::object(thaw_l4::CapIndex(0x7f0)));
    create("a task", SendItem::object(OWN_TASK.index()));
    create("no map item", SendItem { base: 0, ..SendItem::object(OWN_THREAD.index()) });
    create("a thread that was never bound", SendItem::object(w.bare_thread().index()));
    let message = Message::new(&w.k).word(raw::THAW_FACTORY_GATE).item(SendItem::object(OWN_THREAD.index()));
    fact!("no label: {}", code_of(&w.create(w.slot(), message)));
    let message = Message::new(&w.k).word(raw::L4_PROTO_KOBJECT as u32);
    fact!("type -10: {}", code_of(&w.create(w.slot(), message)));
}
