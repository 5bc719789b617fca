//! Capabilities of another task: mapping, rights, comparison, counting, deletion, and travel in messages.

use thaw_l4::{Cap, CapIndex, Fpage, Gate, MsgTag, Op, Selector, raw};

use super::parts::{AT_ONCE, SLEEP, WAIT, ask, run, send, show_steps};
use crate::{
    Runner, fact, show,
    step::Step,
    world::{FACTORY, OWN_TASK, OWN_THREAD, UTCBS, World, code_of},
};

const R: u32 = raw::L4_CAP_FPAGE_R;
const W: u32 = raw::L4_CAP_FPAGE_W;
const S: u32 = raw::L4_CAP_FPAGE_S;
const D: u32 = raw::L4_CAP_FPAGE_D;
const SELF: u32 = raw::THAW_UNMAP_SELF_BIT;
const DELETE: u32 = raw::THAW_UNMAP_DELETE_BITS;
const WEAK: u32 = raw::THAW_ITEM_WEAK;
const SERVER: u32 = raw::THAW_ITEM_SERVER_RIGHT;
/// Buffer that takes a capability; bit 2 asks for a label instead.
const BUFFER: u32 = raw::L4_RCV_ITEM_SINGLE_CAP;
const LABEL: u32 = raw::L4_RCV_ITEM_LOCAL_ID;

/// All cases.
pub fn run_all(r: &Runner) {
    for rights in 0..16 {
        r.case(format_args!("mapped with rights {rights:#x}"), |w| mapped(w, rights));
    }
    for attr in [0, WEAK, SERVER, 0x40, 0x80, 0xf0] {
        r.case(format_args!("mapped with attributes {attr:#x}: what it equals"), |w| equality(w, attr));
    }
    r.case("equality of slots", equal_slots);
    r.case("equality of objects that are no gates", equal_objects);
    r.case("validity of special selectors", special);
    r.case("mapped from an empty slot", from_empty);
    r.case("mapped onto a slot that holds another", onto_another);
    r.case("mapped onto a slot that holds the same", onto_same);
    r.case("several at once", several);
    r.case("granted", granted);
    for (name, rights, mask) in [
        ("own mapping", R | W | S, SELF),
        ("own mapping, right D and no delete bit", R | W | S | D, SELF),
        ("others", R | W | S | D, 0),
        ("deletion without D", R | W | S, DELETE),
        ("deletion", R | W | S | D, DELETE),
        ("deletion bit alone", R | W | S | D, 0x4000_0000),
        ("only W", W, SELF),
        ("only S", S, SELF),
        ("only R", R, SELF),
    ] {
        r.case(format_args!("child's copy unmapped: {name}"), |w| unmapped(w, false, rights, mask));
        r.case(format_args!("root's own unmapped: {name}"), |w| unmapped(w, true, rights, mask));
    }
    r.case("last counted copy goes, weak ones remain", weak);
    r.case("counted copy outlives the first", counted);
    r.case("weak copy of a weak copy mapped as counted", weak_again);
    r.case("task deleted: its copies", task_deleted);
    r.case("object deleted by a child that may", deleted_by_child);
    messages(r);
}

fn messages(r: &Runner) {
    for (name, through, rights) in [
        ("all rights", R | W | S, R | W | S | D),
        ("a gate without S", R | W, R | W | S | D),
        ("a gate without W and S", R, R | W | S | D),
        ("only R in the item", R | W | S, R),
        ("no right in the item", R | W | S, 0),
    ] {
        r.case(format_args!("sent to root: {name}"), |w| sent(w, through, rights, BUFFER));
    }
    r.case("sent to root, which wants the label", |w| sent(w, R | W | S, R | W | S, BUFFER | LABEL));
    r.case("root's own gate sent back, which wants the label", own_gate_back);
    r.case("sent to root without a buffer", |w| sent(w, R | W | S, R | W | S, 0));
    r.case("two sent, one buffer", |w| two_sent(w, 1));
    r.case("two sent, two buffers", |w| two_sent(w, 2));
    r.case("two sent as a compound, one buffer", compound);
    r.case("an empty slot sent", empty_sent);
    r.case("an empty item sent", void_sent);
    r.case("memory sent to an object buffer", memory_sent);
    r.case("object sent to a buffer for all", to_everything);
    r.case("several sent into a window of slots", window);
    r.case("sent from child to child in one task", in_one_task);
    r.case("sent in a call without a buffer: the receive phase", failed_call);
    r.case("sent in a queued call without a buffer: the receive phase", failed_queued_call);
    r.case("sent by a reply", by_reply);
    r.case("buffer forwarded to another task", forwarded);
}

fn gate(w: &World<'_>) -> Cap<Gate> {
    w.gate(OWN_THREAD, 0xab0)
}

fn valid(w: &World<'_>, task: Cap<thaw_l4::Task>, slot: CapIndex) -> bool {
    task.cap_valid(&w.k, slot).expect("cap_valid")
}

/// The label that a message through a slot of the children's arrives with.
fn label_through(w: &World<'_>, slot: CapIndex) {
    let t = run(w, &[send(slot, 1)]);
    match w.poll_with(0, &[]) {
        Some(e) => fact!("message arrives with label {:#x}", e.label),
        None => show_steps(w, &t, 1),
    }
}

fn mapped(w: &World<'_>, rights: u32) {
    let gate = gate(w);
    let slot = w.child_slot();
    let result = w.task.map(&w.k, OWN_TASK, Fpage::object(gate.index(), rights), slot.word(), 0);
    fact!("map: {} valid: {}", code_of(&result), valid(w, w.task, slot));
    label_through(w, slot);
    // D shows in what an unmap with the delete bit does.
    let all = Fpage::object(slot, R | W | S | D);
    w.task.unmap(&w.k, all, DELETE).expect("unmap");
    fact!(
        "after a deletion through it the object is {}",
        if valid(w, OWN_TASK, gate.index()) { "there" } else { "gone" }
    );
}

fn own_copy(w: &World<'_>, gate: Cap<Gate>, rights: u32, attr: u32) -> CapIndex {
    let slot = w.slot();
    OWN_TASK.map(&w.k, OWN_TASK, Fpage::object(gate.index(), rights), slot.word(), attr).expect("map");
    slot
}

fn equal(w: &World<'_>, a: CapIndex, b: CapIndex) -> bool {
    OWN_TASK.cap_equal(&w.k, a, b).expect("cap_equal")
}

fn equality(w: &World<'_>, attr: u32) {
    let gate = gate(w);
    let copy = own_copy(w, gate, R | W | S, attr);
    fact!("the creator's: {}", equal(w, gate.index(), copy));
    for (name, rights, other) in [
        ("same attributes", R | W | S, attr),
        ("attributes 0", R | W | S, 0),
        ("with D", R | W | S | D, attr),
        ("without S", R | W, attr),
        ("without W", R | S, attr),
    ] {
        fact!("{name}: {}", equal(w, copy, own_copy(w, gate, rights, other)));
    }
}

fn equal_slots(w: &World<'_>) {
    let (a, b) = (gate(w), gate(w));
    fact!("itself: {}", equal(w, a.index(), a.index()));
    fact!("another gate: {}", equal(w, a.index(), b.index()));
    fact!("empty: {}", equal(w, a.index(), CapIndex(0x7f0)));
    fact!("two empty: {}", equal(w, CapIndex(0x7f1), CapIndex(0x7f0)));
    fact!("a task: {}", equal(w, a.index(), OWN_TASK.index()));
}

fn equal_objects(w: &World<'_>) {
    let objects = [
        ("task", OWN_TASK.index()),
        ("thread", OWN_THREAD.index()),
        ("factory", FACTORY.index()),
        ("log", CapIndex(raw::THAW_INDEX_LOG)),
        ("irq", FACTORY.create_irq(&w.k, w.slot()).expect("irq").index()),
    ];
    for (name, index) in objects {
        for (rights, attr) in [(R | W | S, 0), (R | W | S, 0xf0), (R | W, 0), (R, 0)] {
            let slot = w.slot();
            OWN_TASK.map(&w.k, OWN_TASK, Fpage::object(index, rights), slot.word(), attr).expect("map");
            fact!("{name}, rights {rights:#x}, attr {attr:#x}: {}", equal(w, index, slot));
        }
    }
}

fn special(w: &World<'_>) {
    let info = |what: &str, words: &[u32]| {
        ask(w, what, OWN_TASK, MsgTag::new(raw::L4_PROTO_TASK, words.len() as u32, 0, 0), words);
    };
    let op = raw::L4_TASK_CAP_INFO_OP;
    info("valid: invalid bit", &[op, raw::L4_INVALID_CAP_BIT]);
    info("valid: own task with invalid bit", &[op, OWN_TASK.index().word() | raw::L4_INVALID_CAP_BIT]);
    info("valid: all ones", &[op, !0]);
    info("equal: invalid bits", &[op, raw::L4_INVALID_CAP_BIT, raw::L4_INVALID_CAP_BIT]);
    info("equal: invalid bit and a slot", &[op, raw::L4_INVALID_CAP_BIT, OWN_TASK.index().word()]);
    info("one word", &[op]);
    info("four words", &[op, 0, 0, 0]);
    info("operation 9", &[9]);
    info("no words", &[]);
    for n in 0..12 {
        fact!("slot {n} of root: {}", valid(w, OWN_TASK, CapIndex(n)));
    }
}

fn from_empty(w: &World<'_>) {
    let slot = w.child_slot();
    let result = w.task.map(&w.k, OWN_TASK, Fpage::object(CapIndex(0x7f0), R | W | S), slot.word(), 0);
    fact!("map: {} valid: {}", code_of(&result), valid(w, w.task, slot));
}

fn onto_another(w: &World<'_>) {
    let (a, b) = (w.gate(OWN_THREAD, 0xaa0), w.gate(OWN_THREAD, 0xbb0));
    let slot = w.give(a);
    w.task.map(&w.k, OWN_TASK, Fpage::object(b.index(), R | W | S), slot.word(), 0).expect("map");
    label_through(w, slot);
    fact!("the first is there: {}", valid(w, OWN_TASK, a.index()));
}

fn onto_same(w: &World<'_>) {
    let gate = gate(w);
    let slot = w.give_with(gate, R, 0);
    w.task.map(&w.k, OWN_TASK, Fpage::object(gate.index(), R | W), slot.word(), 0).expect("map");
    label_through(w, slot);
    w.task.map(&w.k, OWN_TASK, Fpage::object(gate.index(), R), slot.word(), 0).expect("map");
    label_through(w, slot);
}

/// An object flexpage of four slots.
fn several(w: &World<'_>) {
    let first = CapIndex(0x280);
    for n in [0, 1, 3] {
        let gate = gate(w);
        OWN_TASK
            .map(&w.k, OWN_TASK, Fpage::object(gate.index(), R | W | S), first.plus(n).word(), 0)
            .expect("map");
    }
    let four = Fpage(Fpage::object(first, R | W | S).0 | 2 << 6);
    w.task.map(&w.k, OWN_TASK, four, CapIndex(0x40).word(), 0).expect("map");
    (0..5).for_each(|n| fact!("slot {n}: {}", valid(w, w.task, CapIndex(0x40 + n))));
    let two = Fpage(Fpage::object(CapIndex(0x40), R | W | S).0 | 1 << 6);
    w.task.unmap(&w.k, two, SELF).expect("unmap");
    (0..4).for_each(|n| fact!("after an unmap of two, slot {n}: {}", valid(w, w.task, CapIndex(0x40 + n))));
    OWN_TASK.unmap(&w.k, four, SELF).expect("unmap");
}

fn granted(w: &World<'_>) {
    let gate = gate(w);
    let copy = own_copy(w, gate, R | W | S, 0);
    let slot = w.child_slot();
    let words = [
        raw::L4_TASK_MAP_OP,
        slot.word() | raw::L4_ITEM_MAP | raw::L4_MAP_ITEM_GRANT,
        Fpage::object(copy, R | W | S).0,
        raw::L4_ITEM_MAP,
        Fpage::object(OWN_TASK.index(), R | W | S | D).0,
    ];
    ask(w, "grant", w.task, MsgTag::new(raw::L4_PROTO_TASK, 3, 1, 0), &words);
    fact!("source: {} target: {}", valid(w, OWN_TASK, copy), valid(w, w.task, slot));
}

fn unmapped(w: &World<'_>, own: bool, rights: u32, mask: u32) {
    let gate = gate(w);
    let second = own_copy(w, gate, R | W | S, 0);
    let slot = w.give_with(gate, R | W | S | D, 0);
    let weak = w.give_with(gate, R | W | S, WEAK);
    let (task, index) = if own { (OWN_TASK, gate.index()) } else { (w.task, slot) };
    w.set_words(&[raw::L4_TASK_UNMAP_OP, mask, Fpage::object(index, rights).0]);
    let tag = MsgTag::new(raw::L4_PROTO_TASK, 3, 0, 0);
    let e = w.event(w.ipc(task.select(Op::CALL), tag, thaw_l4::Timeouts::NEVER));
    fact!("unmap: {} flags {:x}", show::Tag(e.tag), e.mr[2] & 0xf);
    fact!(
        "root: {} second: {} child: {} weak: {}",
        valid(w, OWN_TASK, gate.index()),
        valid(w, OWN_TASK, second),
        valid(w, w.task, slot),
        valid(w, w.task, weak)
    );
    label_through(w, slot);
}

fn weak(w: &World<'_>) {
    let gate = gate(w);
    let slot = w.give_with(gate, R | W | S, WEAK);
    OWN_TASK.unmap_cap(&w.k, gate.index()).expect("unmap");
    fact!("weak copy: {}", valid(w, w.task, slot));
    label_through(w, slot);
}

fn counted(w: &World<'_>) {
    let gate = gate(w);
    let slot = w.give(gate);
    OWN_TASK.unmap_cap(&w.k, gate.index()).expect("unmap");
    fact!("copy: {}", valid(w, w.task, slot));
    label_through(w, slot);
    w.task.unmap_cap(&w.k, slot).expect("unmap");
    label_through(w, slot);
}

fn weak_again(w: &World<'_>) {
    let gate = gate(w);
    let weak = w.give_with(gate, R | W | S, WEAK);
    let slot = w.child_slot();
    w.task.map(&w.k, w.task, Fpage::object(weak, R | W | S), slot.word(), 0).expect("map");
    OWN_TASK.unmap_cap(&w.k, gate.index()).expect("unmap");
    fact!("weak: {} its copy: {}", valid(w, w.task, weak), valid(w, w.task, slot));
}

fn task_deleted(w: &World<'_>) {
    let task = FACTORY.create_task(&w.k, w.slot(), Fpage::memory(UTCBS, 12, 0)).expect("task");
    let gate = gate(w);
    let weak = w.give_with(gate, R | W | S, WEAK);
    let there = CapIndex(0x20);
    task.map(&w.k, OWN_TASK, Fpage::object(gate.index(), R | W | S), there.word(), 0).expect("map");
    OWN_TASK.unmap_cap(&w.k, gate.index()).expect("unmap");
    fact!("held by the other task: {}", valid(w, w.task, weak));
    OWN_TASK.delete(&w.k, task.index()).expect("deletion");
    w.settle();
    fact!("after its deletion: {}", valid(w, w.task, weak));
}

/// The child holds its own task and D.
fn deleted_by_child(w: &World<'_>) {
    let gate = gate(w);
    let slot = w.give_with(gate, R | W | S | D, 0);
    let own = w.give(w.task);
    let request = Step::invoke(own.select(Op::CALL), MsgTag::new(raw::L4_PROTO_TASK, 3, 0, 0));
    let t = run(w, &[request.words(&[raw::L4_TASK_UNMAP_OP, DELETE, Fpage::object(slot, R | W | S | D).0])]);
    show_steps(w, &t, 1);
    fact!("root's: {}", valid(w, OWN_TASK, gate.index()));
}

/// A message of a child's with items, through a gate of root's with these rights.
fn message(w: &World<'_>, through: u32, items: &[u32]) -> Step {
    let to = w.give_with(w.gate(OWN_THREAD, 0xcc0), through, 0);
    let tag = MsgTag::new(0x11, 1, items.len() as u32 / 2, 0);
    let mut words = [0; 8];
    words[0] = 0x1111;
    words[1..=items.len()].copy_from_slice(items);
    Step::invoke(to.select(Op::SEND), tag).words(&words)
}

fn item(slot: CapIndex, rights: u32, bits: u32) -> [u32; 2] {
    [raw::L4_ITEM_MAP | bits, Fpage::object(slot, rights).0]
}

/// Shows the message with its items, in which slots appear as what they are.
fn arrived(w: &World<'_>, buffers: &[u32]) {
    let Some(e) = w.next_with(0, buffers) else { return show::event(w, None) };
    fact!("root: {} label={:#x} error={}", show::Tag(e.tag), e.label, show::Failure(e.tag, e.error));
    let at = e.tag.words() as usize;
    if !e.tag.has_error() {
        for n in 0..e.tag.items() as usize {
            let (base, data) = (e.mr[at + 2 * n], e.mr[at + 2 * n + 1]);
            let label = base & 0x3f == raw::THAW_RETURN_LOCAL_ID;
            fact!("item {n}: {:x} {}", base & 0xfff, if label { data } else { 0 });
        }
    }
}

fn sent(w: &World<'_>, through: u32, rights: u32, buffer: u32) {
    let slot = w.give_with(gate(w), R | W | S | D, 0);
    let t = run(w, &[message(w, through, &item(slot, rights, 0))]);
    let target = w.slot();
    arrived(w, &[if buffer == 0 { 0 } else { target.word() | buffer }]);
    w.settle();
    show_steps(w, &t, 1);
    received(w, target);
}

/// What root got: validity, and the rights that a copy of it has.
fn received(w: &World<'_>, slot: CapIndex) {
    let is = valid(w, OWN_TASK, slot);
    fact!("root's slot: {is}");
    if is {
        label_through(w, w.give_with(Cap::<Gate>::new(slot), R | W | S, 0));
    }
}

fn own_gate_back(w: &World<'_>) {
    for rights in [R | W | S, R | W, R] {
        let slot = w.give_with(gate(w), rights, 0);
        run(w, &[message(w, R | W | S, &item(slot, R | W | S, 0))]);
        let target = w.slot();
        arrived(w, &[target.word() | BUFFER | LABEL]);
        fact!("rights {rights:#x}, root's slot: {}", valid(w, OWN_TASK, target));
    }
}

fn two_sent(w: &World<'_>, buffers: usize) {
    let slots = [w.give(gate(w)), w.give(gate(w))];
    let (a, b) = (item(slots[0], R | W | S, 0), item(slots[1], R | W, 0));
    let t = run(w, &[message(w, R | W | S, &[a[0], a[1], b[0], b[1]])]);
    let targets = [w.slot(), w.slot()];
    let all = targets.map(|target| target.word() | BUFFER);
    arrived(w, &all[..buffers]);
    w.settle();
    show_steps(w, &t, 1);
    targets.iter().for_each(|target| fact!("root's slot: {}", valid(w, OWN_TASK, *target)));
}

fn compound(w: &World<'_>) {
    let slots = [w.give(gate(w)), w.give(gate(w))];
    let (a, b) = (item(slots[0], R | W | S, raw::L4_ITEM_CONT), item(slots[1], R | W, 0));
    let t = run(w, &[message(w, R | W | S, &[a[0], a[1], b[0], b[1]])]);
    let target = w.slot();
    arrived(w, &[target.word() | BUFFER]);
    w.settle();
    show_steps(w, &t, 1);
    received(w, target);
}

fn empty_sent(w: &World<'_>) {
    let t = run(w, &[message(w, R | W | S, &item(CapIndex(0x7f0), R | W | S, 0))]);
    let target = w.slot();
    arrived(w, &[target.word() | BUFFER]);
    show_steps(w, &t, 1);
    fact!("root's slot: {}", valid(w, OWN_TASK, target));
}

fn void_sent(w: &World<'_>) {
    let slot = w.give(gate(w));
    let b = item(slot, R | W | S, 0);
    let t = run(w, &[message(w, R | W | S, &[0, 0, b[0], b[1]])]);
    let target = w.slot();
    arrived(w, &[target.word() | BUFFER]);
    show_steps(w, &t, 1);
    fact!("root's slot: {}", valid(w, OWN_TASK, target));
}

fn memory_sent(w: &World<'_>) {
    let page = crate::data::page(crate::data::FIRST_FREE);
    let items = [page | raw::L4_ITEM_MAP, Fpage::memory(page, 12, raw::L4_FPAGE_RO).0];
    let t = run(w, &[message(w, R | W | S, &items)]);
    let target = w.slot();
    arrived(w, &[target.word() | BUFFER]);
    show_steps(w, &t, 1);
}

/// A two-word buffer of type 0.
fn to_everything(w: &World<'_>) {
    let slot = w.give(gate(w));
    let target = w.slot();
    let [base, fpage] = item(slot, R | W | S, 0);
    let t = run(w, &[message(w, R | W | S, &[base | target.word(), fpage])]);
    arrived(w, &[raw::L4_ITEM_MAP, raw::L4_WHOLE_ADDRESS_SPACE << 6]);
    show_steps(w, &t, 1);
    received(w, target);
}

fn window(w: &World<'_>) {
    let first = CapIndex(0x40);
    for n in 0..4 {
        let gate = gate(w);
        w.task
            .map(&w.k, OWN_TASK, Fpage::object(gate.index(), R | W | S), first.plus(n).word(), 0)
            .expect("map");
    }
    let four = Fpage(Fpage::object(first, R | W | S).0 | 2 << 6);
    let t = run(w, &[message(w, R | W | S, &[raw::L4_ITEM_MAP, four.0])]);
    let target = CapIndex(0x2a0);
    let two = Fpage(Fpage::object(target, R | W | S).0 | 1 << 6);
    arrived(w, &[raw::L4_ITEM_MAP, two.0]);
    show_steps(w, &t, 1);
    (0..4).for_each(|n| fact!("root's slot {n}: {}", valid(w, OWN_TASK, target.plus(n))));
    OWN_TASK.unmap(&w.k, Fpage(Fpage::object(target, R | W | S).0 | 2 << 6), SELF).expect("unmap");
}

/// Within a task the flexpage itself is enough.
fn in_one_task(w: &World<'_>) {
    for bits in [BUFFER, BUFFER | LABEL] {
        let target = w.child_slot();
        let s = run(w, &[WAIT.buffers(0, &[target.word() | bits])]);
        let slot = w.give(gate(w));
        let [base, fpage] = item(slot, R | W | S, 0);
        let to = w.give(w.gate(s.cap, 0xdd0));
        let step = Step::invoke(to.select(Op::SEND), MsgTag::new(0x11, 0, 1, 0)).words(&[base, fpage]);
        let t = run(w, &[step]);
        show_steps(w, &t, 1);
        show_steps(w, &s, 1);
        fact!("slot: {}", valid(w, w.task, target));
    }
}

fn failed_call(w: &World<'_>) {
    let s = run(w, &[WAIT, super::parts::reply()]);
    let [base, fpage] = item(w.give(gate(w)), R | W | S, 0);
    for op in [Op::CALL, Op::SEND_AND_WAIT] {
        let to = w.give(s.cap);
        let step = Step::invoke(to.select(op), MsgTag::new(0x11, 0, 1, 0)).words(&[base, fpage]);
        let t = run(w, &[step]);
        fact!("operation {}: done {}", op.0, t.done(0));
        show_steps(w, &s, 2);
        show_steps(w, &t, 1);
        super::parts::poke(w, &t);
        show_steps(w, &t, 1);
        s.script(&[WAIT, super::parts::reply(), Step::END]);
        s.ex_regs(Some(w.code.start), Some(s.step(0)), raw::L4_THREAD_EX_REGS_CANCEL).expect("again");
        w.settle();
    }
}

/// The receiver comes later: the sender learns of the failure when it is taken out of the queue.
fn failed_queued_call(w: &World<'_>) {
    for op in [Op::CALL, Op::SEND_AND_WAIT] {
        let s = run(w, &[SLEEP, WAIT, super::parts::reply()]);
        let [base, fpage] = item(w.give(gate(w)), R | W | S, 0);
        let step = Step::invoke(w.give(s.cap).select(op), MsgTag::new(0x11, 0, 1, 0)).words(&[base, fpage]);
        let t = run(w, &[step]);
        s.wake();
        w.settle();
        fact!("operation {}: done {}", op.0, t.done(0));
        show_steps(w, &s, 3);
        super::parts::poke(w, &t);
        show_steps(w, &t, 1);
    }
}

fn by_reply(w: &World<'_>) {
    let slot = w.give(gate(w));
    let [base, fpage] = item(slot, R | W | S, 0);
    let answer = Step::invoke(Selector::nobody(Op::REPLY), MsgTag::new(5, 0, 1, 0)).words(&[base, fpage]);
    let s = run(w, &[WAIT, answer.timeouts(AT_ONCE), SLEEP]);
    let target = w.child_slot();
    let call = super::parts::call(w.give(w.gate(s.cap, 0xbb0)), 1).buffers(0, &[target.word() | BUFFER]);
    let t = run(w, &[call]);
    show_steps(w, &s, 2);
    show_steps(w, &t, 1);
    fact!("caller's slot: {}", valid(w, w.task, target));
}

/// The receiver names a task that gets the capability: bit 0, and the task in the next register.
fn forwarded(w: &World<'_>) {
    let other = FACTORY.create_task(&w.k, w.slot(), Fpage::memory(UTCBS, 12, 0)).expect("task");
    let slot = w.give(gate(w));
    let t = run(w, &[message(w, R | W | S, &item(slot, R | W | S, 0))]);
    arrived(w, &[CapIndex(0x30).word() | BUFFER | 1, other.index().word()]);
    show_steps(w, &t, 1);
    fact!(
        "the other task's slot: {} root's: {}",
        valid(w, other, CapIndex(0x30)),
        valid(w, OWN_TASK, CapIndex(0x30))
    );
}
