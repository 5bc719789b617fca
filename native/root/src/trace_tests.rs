//! Tests across modules: a refused request leaves no trace, stale capabilities find nothing, and what one
//! PD may do to another.

use thaw_l4::fake::Scripted;
use thaw_l4::raw;
use thaw_native_abi::{layout, manager, pd as parent_op, target};

use crate::books::Root;
use crate::error::{Error, Result};
use crate::fake::{FakeMachine, RAM, books, pages, spec};
use crate::label::{Kind, Label, PdId};
use crate::memory::AttachSpec;
use crate::objects::ObjectSpec;
use crate::pd::Name;
use crate::threads::ThreadSpec;

const SLOT: u32 = layout::SLOT_USER;

fn thread(start: bool) -> ThreadSpec {
    ThreadSpec { index: None, ip: 0x100_0000, sp: 0, priority: 5, tpidruro: 0, start, name: Name::new("t") }
}

/// Books with one PD that has one thread.
fn one_pd() -> (Box<Root>, PdId) {
    let (mut root, m) = (books(), FakeMachine::new());
    let id = root.pd_create(&m, &spec(None)).expect("room");
    root.thread_create(&m, id, &thread(true)).expect("room");
    (root, id)
}

/// Refuses each kernel call of `request` in turn; the books must look as before.
fn leaves_no_trace(what: &str, request: impl Fn(&mut Root, &FakeMachine, PdId) -> Result<()>) {
    for n in 0.. {
        let (mut root, id) = one_pd();
        let before = (root.counts(), root.pds.get(id).expect("there").quota);
        let m = FakeMachine::refusing(n);
        let result = request(&mut root, &m, id);
        if m.kernel.count() <= n {
            assert_eq!(result, Ok(()), "{what}: nothing was refused");
            assert!(n > 0, "{what}: no kernel call");
            return;
        }
        let after = (root.counts(), root.pds.get(id).expect("there").quota);
        if result.is_err() {
            assert_eq!(before, after, "{what}: call {n} refused");
        }
    }
}

#[test]
fn a_refusal_of_the_kernel_leaves_no_trace() {
    for start in [true, false] {
        leaves_no_trace("thread", |root, m, id| root.thread_create(m, id, &thread(start)).map(|_| ()));
    }
    let object = ObjectSpec { slot: SLOT, thread: 0, label: 0 };
    leaves_no_trace("gate", |root, m, id| root.gate_create(m, id, object).map(|_| ()));
    leaves_no_trace("irq", |root, m, id| root.irq_create(m, id, object, Some(79)));
    leaves_no_trace("pd", |root, m, id| root.pd_create(m, &spec(Some(id))).map(|_| ()));
    leaves_no_trace("device", |root, m, id| root.device_attach(m, id, 0x0a00_0000, 4096).map(|_| ()));
}

#[test]
fn a_manager_gets_a_capability_or_nothing() {
    let (root, id) = one_pd();
    let before = root.counts();
    let calls = 40;
    for n in 0..calls {
        let (mut root, _) = one_pd();
        let m = FakeMachine::refusing(n);
        let label = Label::session(Kind::Manager, id).encode();
        let (result, words) =
            m.send(&mut root, label, &[manager::PD_CREATE, 10, 1, 2, 3, 4]).expect("a reply");
        match result {
            0 => assert_eq!((words.len(), root.counts()[0]), (1, 2)),
            _ => assert_eq!(root.counts(), before, "call {n} refused"),
        }
    }
}

#[test]
fn destroying_gives_everything_back() {
    let (mut root, parent) = one_pd();
    let m = FakeMachine::new();
    let before = (root.counts(), root.pds.get(parent).expect("there").quota);
    let id = root.pd_create(&m, &spec(Some(parent))).expect("room");
    root.parent_capability(&m, id).expect("room");
    for start in [true, false] {
        root.thread_create(&m, id, &thread(start)).expect("room");
    }
    let grandchild =
        root.pd_create(&m, &crate::pd::PdSpec { quota_pages: 4, ..spec(Some(id)) }).expect("room");
    root.thread_create(&m, grandchild, &thread(true)).expect("room");
    let object = |slot| ObjectSpec { slot, thread: 1, label: 0 };
    root.gate_create(&m, id, object(SLOT)).expect("room");
    root.irq_create(&m, id, object(SLOT + 1), None).expect("room");
    let dataspace = root.allocate(&m, id, pages(3), 0, raw::L4_FPAGE_RW).expect("room").dataspace;
    root.attach_mapped(&m, parent, dataspace, 0, raw::L4_FPAGE_RW).expect("allowed");
    assert_eq!(m.zeroed.get(), pages(3));
    root.pd_destroy(&m, id).expect("possible");
    assert_eq!(before, (root.counts(), root.pds.get(parent).expect("there").quota));
}

#[test]
fn a_thread_takes_its_objects_along() {
    let (mut root, id) = one_pd();
    let m = FakeMachine::new();
    let before = root.counts();
    let index = root.thread_create(&m, id, &thread(true)).expect("room");
    root.gate_create(&m, id, ObjectSpec { slot: SLOT, thread: index, label: 0 }).expect("room");
    root.thread_end(&m, id, index).expect("possible");
    assert_eq!(root.counts(), before);
}

#[test]
fn badges_are_one_space_for_all() {
    let (mut root, a) = one_pd();
    let m = FakeMachine::new();
    let b = root.pd_create(&m, &spec(None)).expect("room");
    root.thread_create(&m, b, &thread(true)).expect("room");
    let gate = |slot, label| ObjectSpec { slot, thread: 0, label };
    assert_eq!(root.gate_create(&m, a, gate(SLOT, 0x1004)), Ok(0x1004));
    assert_eq!(root.gate_create(&m, b, gate(SLOT, 0x1004)), Err(Error::InUse));
    assert_eq!(root.gate_create(&m, b, gate(SLOT, 0)), Ok(0x1000));
    assert_eq!(root.gate_create(&m, b, gate(SLOT + 1, 0)), Ok(0x1008), "the chosen one is skipped");
    assert_eq!(root.gate_create(&m, b, gate(SLOT + 2, 0x1002)), Err(Error::BadBadge));
    assert_eq!(root.gate_create(&m, b, gate(SLOT + 2, 1 << 31)), Err(Error::BadBadge));
    root.next_badge = (1 << 31) - 4;
    assert_eq!(root.gate_create(&m, b, gate(SLOT + 2, 0)), Ok((1 << 31) - 4));
    assert_eq!(root.gate_create(&m, b, gate(SLOT + 3, 0)), Ok(0x100c), "round the end, past the taken");
}

#[test]
fn memory_of_others_is_refused() {
    let (mut root, a) = one_pd();
    let m = FakeMachine::new();
    let b = root.pd_create(&m, &spec(None)).expect("room");
    let dataspace = root.ram_create(&m, a, pages(1)).expect("room");
    assert_eq!(root.dataspace_of(b, dataspace), Err(Error::NotOwner));
    let manage = |root: &mut Root, pd| {
        let label = Label::session(Kind::Manager, pd).encode();
        m.send(root, label, &[manager::ATTACH, dataspace, 0, raw::L4_FPAGE_RW]).map(|(result, _)| result)
    };
    assert_eq!(manage(&mut root, b), Some(-(raw::L4_EPERM as i32)));
}

#[test]
fn nobody_sees_what_another_left_in_memory() {
    let (mut root, id) = one_pd();
    let m = FakeMachine::new();
    let child = root.pd_create(&m, &crate::pd::PdSpec { quota_pages: 8, ..spec(Some(id)) }).expect("room");
    let source = root.allocate(&m, id, pages(2), 0, raw::L4_FPAGE_RW).expect("room");
    let blank = root.ram_blank(child, pages(3)).expect("room");
    let zeroed = m.zeroed.get();
    let rights = raw::L4_FPAGE_RW;
    let at = AttachSpec { dataspace: blank, addr: 0, offset: 0, bytes: None, rights };
    let fill = |root: &mut Root, pd, bytes, from| root.ram_fill(&m, pd, blank, bytes, from);
    assert_eq!(root.attach(child, at).err(), Some(Error::Blank));
    assert_eq!(fill(&mut root, id, pages(1), None), Err(Error::NotOwner));
    assert_eq!(fill(&mut root, child, 100, None), Err(Error::BadSize));
    assert_eq!(fill(&mut root, child, pages(2), Some((id, source.addr + pages(1)))), Err(Error::BadAddress));
    assert_eq!(fill(&mut root, child, pages(1), Some((child, source.addr))), Err(Error::BadAddress));
    assert_eq!(fill(&mut root, child, pages(2), Some((id, source.addr))), Ok(()));
    assert_eq!(root.attach(child, at).err(), Some(Error::Blank), "a page is missing");
    assert_eq!(root.attach_mapped(&m, id, blank, 0, rights).err(), Some(Error::Blank), "for its parent, too");
    assert_eq!(fill(&mut root, child, pages(2), None), Err(Error::BadSize));
    assert_eq!(fill(&mut root, child, pages(1), None), Ok(()));
    let phys = |root: &Root, id| root.dataspaces.get(id).expect("there").phys;
    let copied = vec![(phys(&root, blank), phys(&root, source.dataspace), pages(2))];
    assert_eq!((m.copied.borrow().clone(), m.zeroed.get() - zeroed), (copied, pages(1)));
    root.attach(child, at).expect("complete");
}

#[test]
fn a_quota_is_given_whole_or_not_at_all() {
    let (mut root, parent) = one_pd();
    let m = FakeMachine::new();
    let child = root.pd_create(&m, &spec(Some(parent))).expect("64 of 64 pages");
    assert_eq!(root.pd_create(&m, &spec(Some(parent))), Err(Error::OverQuota));
    assert_eq!(root.ram_create(&m, parent, pages(1)), Err(Error::OverQuota));
    root.pd_destroy(&m, child).expect("possible");
    assert!(root.ram_create(&m, parent, pages(1)).is_ok());
}

#[test]
fn a_frozen_pd_is_changed_by_nobody() {
    let (mut root, id) = one_pd();
    let m = FakeMachine::new();
    root.pds.get_mut(id).expect("there").frozen = true;
    let busy = Some(-(raw::L4_EBUSY as i32));
    let mut send = |kind, words: &[u32]| {
        m.send(&mut root, Label::session(kind, id).encode(), words).map(|(result, _)| result)
    };
    assert_eq!(send(Kind::Program, &[target::MEMORY_ALLOC, 4096, 0]), busy);
    for operation in
        [parent_op::DESTROY, parent_op::RAM_CREATE, parent_op::THREAD_CREATE, parent_op::GATE_CREATE]
    {
        assert_eq!(send(Kind::Parent, &[operation, 4096, 0, 0, 0, 0, 0, 0, 0, 0, 0]), busy, "{operation}");
    }
    assert_eq!(send(Kind::Program, &[target::CLOCK]), Some(0), "reading is allowed");
    assert_eq!(send(Kind::Parent, &[parent_op::INFO]), Some(0));
}

#[test]
fn stale_and_foreign_labels_are_refused() {
    let (mut root, id) = one_pd();
    let m = FakeMachine::new();
    let stale = PdId { generation: id.generation + 1, ..id };
    for kind in [Kind::Program, Kind::Log, Kind::Manager, Kind::Parent] {
        let label = Label::session(kind, stale).encode() | 3;
        assert_eq!(m.send(&mut root, label, &[1]).map(|r| r.0), Some(-(raw::L4_ENOENT as i32)), "{kind:?}");
    }
    assert_eq!(m.send(&mut root, 0x1234, &[1]).map(|r| r.0), Some(-(raw::L4_ENOENT as i32)));
    let own = Label::session(Kind::Program, id).encode();
    assert_eq!(m.send(&mut root, own, &[]).map(|r| r.0), Some(-(raw::L4_EMSGTOOSHORT as i32)));
    assert_eq!(m.send(&mut root, own, &[999]).map(|r| r.0), Some(-(raw::L4_ENOSYS as i32)));
    assert_eq!(
        m.send(&mut root, own, &[target::DMA_ALLOC, 4096]).map(|r| r.0),
        Some(-(raw::L4_EPERM as i32))
    );
}

#[test]
fn the_service_finds_only_its_clients_children() {
    let (mut root, parent) = one_pd();
    let m = FakeMachine::new();
    let other = root.pd_create(&m, &spec(None)).expect("room");
    let child = root.pd_create(&m, &spec(Some(parent))).expect("room");
    let internal = Label::session(Kind::Internal, PdId { index: 0, generation: 0 }).encode();
    let badge = Label::session(Kind::Parent, child).encode();
    let client = |pd| Label::session(Kind::Checkpoint, pd).encode();
    let mut ask =
        |client, pd| m.send(&mut root, internal, &[crate::internal::op::PD, client, pd]).expect("a reply");
    let (result, words) = ask(client(parent) | 3, badge | 1);
    assert_eq!((result, words[0], words[2]), (0, crate::internal::id_word(child), badge));
    assert_eq!(ask(client(other), badge).0, -(raw::L4_EPERM as i32));
    assert_eq!(ask(badge, badge).0, -(raw::L4_EPERM as i32), "no label of the service");
    assert_eq!(ask(client(parent), client(child)).0, -(raw::L4_ENOENT as i32), "no PD capability");
}

#[test]
fn peeking_translates_through_regions() {
    let (mut root, id) = one_pd();
    let m = FakeMachine::new();
    let dataspace = root.ram_create(&m, id, pages(4)).expect("room");
    let at = AttachSpec {
        dataspace,
        addr: 0x40_0000,
        offset: pages(1),
        bytes: Some(pages(2)),
        rights: raw::L4_FPAGE_RW,
    };
    root.attach(id, at).expect("free");
    let phys = root.dataspaces.get(dataspace).expect("there").phys;
    assert!(phys >= RAM);
    assert_eq!(root.translate(id, 0x40_1004), Some(phys + pages(2) + 4));
    assert_eq!(root.translate(id, 0x40_2000), None);
    assert_eq!(root.translate(id, 0x3f_fffc), None);
}

#[test]
fn nothing_is_deleted_while_a_thread_stays_ready() {
    let (mut root, id) = one_pd();
    root.helper = Some(thaw_l4::Cap::new(thaw_l4::CapIndex(0x1ff)));
    let before = root.counts();
    let m = FakeMachine::new();
    // Each attempt lifts the thread, triggers it and calls the helper, which does not answer in time.
    for attempt in 0..4 {
        m.kernel.at(3 * attempt + 2, Scripted::ipc_error(raw::L4_IPC_RETIMEOUT));
    }
    assert_eq!(root.pd_destroy(&m, id), Err(Error::Ending));
    assert_eq!(root.counts(), before);
    let refused = root.pds.get(id).expect("there").check_changeable();
    assert_eq!(refused, Err(Error::Ending), "nothing more is made for it");
    // A trigger that was lost the first time is repeated.
    let m = FakeMachine::new();
    m.kernel.at(2, Scripted::ipc_error(raw::L4_IPC_RETIMEOUT));
    assert_eq!(root.pd_destroy(&m, id), Ok(()));
    assert_eq!(root.counts()[..2], [0, 0]);
}
