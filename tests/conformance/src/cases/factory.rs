//! Factories: what they make, what they refuse, and quotas.

use thaw_l4::{Cap, CapIndex, Factory, Fpage, Message, MsgTag, Op, raw};

use super::parts::{ask, run, show_steps};
use crate::{
    Runner, fact,
    step::Step,
    world::{FACTORY, OWN_TASK, OWN_THREAD, UTCBS, World, code_of},
};

const RWS: u32 = raw::L4_CAP_FPAGE_RWS;
const TASK: u32 = raw::L4_PROTO_TASK as u32;
const THREAD: u32 = raw::L4_PROTO_THREAD as u32;
const SUB: u32 = raw::L4_PROTO_FACTORY as u32;
const IRQ: u32 = raw::L4_PROTO_IRQ_SENDER as u32;
const SEMAPHORE: u32 = raw::L4_PROTO_SEMAPHORE as u32;
/// A quota that everything fits in.
const ROOMY: u32 = 1 << 20;

/// All cases.
pub fn run_all(r: &Runner) {
    for kind in [-1, -2, -10, -13, -14, -18, -20, 1, 2, 100, -100] {
        r.case(format_args!("object of type {kind}"), |w| {
            w.set_buffers(0, &[w.slot().word() | raw::L4_RCV_ITEM_SINGLE_CAP]);
            create(w, &[kind as u32]);
        });
    }
    r.case("answers of all that it makes", answers);
    r.case("no words", |w| {
        w.set_buffers(0, &[w.slot().word() | raw::L4_RCV_ITEM_SINGLE_CAP]);
        ask(w, "create", FACTORY, factory_tag(0), &[THREAD]);
    });
    r.case("no buffer", |w| {
        w.set_buffers(0, &[]);
        ask(w, "create", FACTORY, factory_tag(1), &[THREAD]);
    });
    r.case("another protocol", |w| {
        w.set_buffers(0, &[w.slot().word() | raw::L4_RCV_ITEM_SINGLE_CAP]);
        ask(w, "create", FACTORY, MsgTag::new(raw::L4_PROTO_TASK, 1, 0, 0), &[THREAD]);
    });
    r.case("send only", |w| {
        let slot = w.slot();
        w.set_buffers(0, &[slot.word() | raw::L4_RCV_ITEM_SINGLE_CAP]);
        w.set_words(&[THREAD]);
        let e = w.event(w.ipc(FACTORY.select(Op::SEND), factory_tag(1), thaw_l4::Timeouts::NEVER));
        fact!("{} valid: {}", crate::show::Tag(e.tag), valid(w, slot));
    });
    r.case("into a slot that holds an object", onto_object);
    r.case("by a child, with rights", by_child);
    for (name, area) in [
        ("none", 0),
        ("too large", Fpage::memory(UTCBS, 18, 0).0),
        ("smaller than a page", Fpage::memory(UTCBS, 9, 0).0),
        ("not aligned", Fpage::memory(UTCBS + 0x1000, 13, 0).0),
        ("in the kernel's half", Fpage::memory(0xf000_0000, 13, 0).0),
        ("an object flexpage", Fpage::object(CapIndex(1), 7).0),
        ("with rights", Fpage::memory(UTCBS, 13, raw::L4_FPAGE_RW).0),
    ] {
        r.case(format_args!("task with a UTCB area: {name}"), |w| {
            w.set_buffers(0, &[w.slot().word() | raw::L4_RCV_ITEM_SINGLE_CAP]);
            create(w, &[TASK, 4, area]);
        });
    }
    r.case("task without its arguments", |w| {
        w.set_buffers(0, &[w.slot().word() | raw::L4_RCV_ITEM_SINGLE_CAP]);
        ask(w, "one word", FACTORY, factory_tag(1), &[TASK]);
        ask(w, "two words", FACTORY, factory_tag(2), &[TASK, 4]);
    });
    r.case("quota of one byte", |w| quota(w, 1));
    r.case("quota that is enough for all", |w| quota(w, ROOMY));
    r.case("quota larger than the parent's", larger);
    r.case("quota comes back with the objects", comes_back);
    r.case("quota comes back with the factory", parent_gets_back);
    r.case("factory deleted before its objects", deleted_first);
    r.case("factory without its quota word", |w| {
        w.set_buffers(0, &[w.slot().word() | raw::L4_RCV_ITEM_SINGLE_CAP]);
        w.set_words(&[0; 4]);
        ask(w, "one word", FACTORY, factory_tag(1), &[SUB]);
    });
    r.case("kernel-user memory added", ku_memory);
}

fn factory_tag(words: u32) -> MsgTag {
    MsgTag::new(raw::L4_PROTO_FACTORY, words, 0, 0)
}

fn valid(w: &World<'_>, slot: CapIndex) -> bool {
    OWN_TASK.cap_valid(&w.k, slot).expect("cap_valid")
}

/// Shows tag and error; what the item's second word holds is nobody's.
fn create(w: &World<'_>, words: &[u32]) {
    w.set_words(words);
    let tag = factory_tag(words.len() as u32);
    let e = w.event(w.ipc(FACTORY.select(Op::CALL), tag, thaw_l4::Timeouts::NEVER));
    fact!("create: {} error={}", crate::show::Tag(e.tag), crate::show::Failure(e.tag, e.error));
    if e.tag.words() == 1 {
        fact!("returned: {:x}", e.mr[0]);
    }
}

fn answers(w: &World<'_>) {
    let area = Fpage::memory(UTCBS, 12, 0).0;
    for (name, words) in [
        ("gate", &[0][..]),
        ("task", &[TASK, 4, area]),
        ("thread", &[THREAD]),
        ("factory", &[SUB, 1, ROOMY]),
        ("irq", &[IRQ]),
        ("semaphore", &[SEMAPHORE]),
    ] {
        w.set_buffers(0, &[w.slot().word() | raw::L4_RCV_ITEM_SINGLE_CAP]);
        w.set_words(words);
        let e = w.event(w.ipc(
            FACTORY.select(Op::CALL),
            factory_tag(words.len() as u32),
            thaw_l4::Timeouts::NEVER,
        ));
        let used = e.tag.words() as usize;
        fact!("{name}: {} words {}", crate::show::Tag(e.tag), crate::show::Words(&e.mr[..used]));
        if !w.is_g() {
            fact!("item {:x}", e.mr[used]);
        }
    }
}

fn onto_object(w: &World<'_>) {
    let gate = w.gate(OWN_THREAD, 0xaa0);
    let copy = w.give(gate);
    let result = w.create(gate.index(), Message::new(&w.k).word(IRQ));
    fact!("create: {}", code_of(&result));
    fact!("the old object: {}", w.task.cap_valid(&w.k, copy).expect("cap_valid"));
}

fn by_child(w: &World<'_>) {
    for rights in [raw::L4_CAP_FPAGE_R, raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W, RWS] {
        let slot = w.give_with(FACTORY, rights, 0);
        let target = w.child_slot();
        let step = Step::invoke(slot.select(Op::CALL), factory_tag(1)).words(&[THREAD]);
        let t = run(w, &[step.buffers(0, &[target.word() | raw::L4_RCV_ITEM_SINGLE_CAP])]);
        fact!("rights {rights:#x}");
        show_steps(w, &t, 1);
        fact!("slot: {}", w.task.cap_valid(&w.k, target).expect("cap_valid"));
    }
}

fn sub_factory(w: &World<'_>, parent: Cap<Factory>, bytes: u32) -> Result<Cap<Factory>, i32> {
    let slot = w.slot();
    let message = Message::new(&w.k).word(SUB).word(1).word(bytes);
    let result = make(w, parent, slot, message);
    if result == 0 { Ok(Cap::new(slot)) } else { Err(result) }
}

fn make(w: &World<'_>, factory: Cap<Factory>, slot: CapIndex, message: Message<'_, thaw_l4::Real>) -> i32 {
    thaw_l4::ipc::set_buffers(&w.k, &[thaw_l4::RecvBuffer::capability(slot)], false);
    code_of(&message.call(factory, raw::L4_PROTO_FACTORY))
}

fn quota(w: &World<'_>, bytes: u32) {
    let factory = match sub_factory(w, FACTORY, bytes) {
        Ok(factory) => factory,
        Err(e) => return fact!("factory: {e}"),
    };
    let area = Fpage::memory(UTCBS, 12, 0).0;
    for (name, words) in
        [("task", &[TASK, 4, area][..]), ("thread", &[THREAD]), ("factory", &[SUB, 1, 4096]), ("gate", &[0])]
    {
        fact!("{name}: {}", make(w, factory, w.slot(), Message::new(&w.k).slice(words)));
    }
}

fn larger(w: &World<'_>) {
    let Ok(factory) = sub_factory(w, FACTORY, ROOMY) else { return fact!("no factory") };
    fact!("four times as much: {:?}", sub_factory(w, factory, 4 * ROOMY).err());
    fact!("half of it: {:?}", sub_factory(w, factory, ROOMY / 2).err());
    fact!("again half of it: {:?}", sub_factory(w, factory, ROOMY / 2).err());
    fact!("an eighth: {:?}", sub_factory(w, factory, ROOMY / 8).err());
}

/// Far more threads, one after the other, than fit at once.
fn comes_back(w: &World<'_>) {
    let Ok(factory) = sub_factory(w, FACTORY, 0x1_0000) else { return fact!("no factory") };
    let slot = w.slot();
    for n in 0..100 {
        let made = make(w, factory, slot, Message::new(&w.k).word(THREAD));
        if made != 0 {
            return fact!("thread {n}: {made}");
        }
        OWN_TASK.delete(&w.k, slot).expect("deletion");
        w.settle();
    }
    fact!("100 threads came and went");
}

fn parent_gets_back(w: &World<'_>) {
    let Ok(parent) = sub_factory(w, FACTORY, ROOMY) else { return fact!("no factory") };
    for _ in 0..4 {
        match sub_factory(w, parent, ROOMY / 2 + ROOMY / 4) {
            Ok(child) => {
                OWN_TASK.delete(&w.k, child.index()).expect("deletion");
                w.settle();
                fact!("made and deleted");
            }
            Err(e) => fact!("refused: {e}"),
        }
    }
}

fn deleted_first(w: &World<'_>) {
    let Ok(parent) = sub_factory(w, FACTORY, ROOMY) else { return fact!("no factory") };
    let Ok(child) = sub_factory(w, parent, ROOMY / 2 + ROOMY / 4) else { return fact!("no factory") };
    let slot = w.slot();
    fact!("thread: {}", make(w, child, slot, Message::new(&w.k).word(THREAD)));
    OWN_TASK.delete(&w.k, child.index()).expect("deletion");
    w.settle();
    fact!("thread valid: {}", valid(w, slot));
    fact!("the quota again: {:?}", sub_factory(w, parent, ROOMY / 2 + ROOMY / 4).err());
    OWN_TASK.delete(&w.k, slot).expect("deletion");
    w.settle();
    fact!("after the thread's end: {:?}", sub_factory(w, parent, ROOMY / 2 + ROOMY / 4).err());
}

fn ku_memory(w: &World<'_>) {
    let add = |what: &str, fpage: Fpage| {
        let words = [raw::L4_TASK_ADD_KU_MEM_OP, fpage.0];
        ask(w, what, w.task, MsgTag::new(raw::L4_PROTO_TASK, 2, 0, 0), &words);
    };
    add("one page", Fpage::memory(UTCBS + 0x10_0000, 12, 0));
    add("the same again", Fpage::memory(UTCBS + 0x10_0000, 12, 0));
    add("over the UTCBs", Fpage::memory(UTCBS, 12, 0));
    add("in the kernel's half", Fpage::memory(0xf000_0000, 12, 0));
    add("too large", Fpage::memory(0xa000_0000, 20, 0));
    ask(w, "no flexpage", w.task, MsgTag::new(raw::L4_PROTO_TASK, 1, 0, 0), &[raw::L4_TASK_ADD_KU_MEM_OP]);
}
