//! Restores: an image brings everything back, a refused one leaves nothing behind.

use thaw_component::host::{Host, ObjectKind};
use thaw_component::mutate::Mutation;
use thaw_component::{Error, Machine};
use thaw_image::Abi;

use crate::disk::Disk;
use crate::setup::{ROM, disk_with_image, is_running, machine, name, restore, restore_on, rom, target};
use crate::world::{FakePd, Run, World};

/// Everything of a PD that must come back, memory as the PD sees it.
fn image_of(world: &World, pd: u32) -> (FakePd, Vec<Vec<u8>>) {
    let mut pd = world.pd(pd, |pd| pd.clone());
    let all = world.dataspaces.borrow();
    let memory = pd.regions.iter().map(|r| {
        let data = all[&r.dataspace].data.borrow();
        data[r.offset as usize..(r.offset + r.bytes) as usize].to_vec()
    });
    let memory = memory.collect();
    pd.regions.iter_mut().for_each(|r| r.dataspace = 0);
    (pd, memory)
}

#[test]
fn everything_comes_back() {
    let old = World::new();
    let old_pd = target(&old);
    let (before, memory) = image_of(&old, old_pd);
    let world = World::new();
    rom(&world, ROM);
    let mut disk = Disk { world: &world, bytes: disk_with_image() };
    let restored = restore(&world, &mut disk, None).expect("a good image");
    assert_eq!((restored.generation, restored.bytes, restored.threads), (1, 21 * 4096, 7));
    let (after, restored_memory) = image_of(&world, restored.pd);
    assert!(restored_memory == memory, "memory");
    assert!(after.states.keys().eq(before.states.keys()));
    for (i, state) in &after.states {
        assert!(*state == before.states[i], "state of thread {i}, which did {:?}", before.states[i].activity);
    }
    assert_eq!(after.threads, before.threads);
    assert_eq!((after.regions, after.objects), (before.regions, before.objects));
    assert_eq!((after.name, after.quota, after.clock), (before.name, before.quota, before.clock));
    assert_eq!(after.pending, before.pending);
    assert!(is_running(&world, restored.pd));
    assert!(world.log.borrow().contains(&"make_coherent".into()), "code was written");
}

#[test]
fn all_is_verified_before_anything_is_made_and_committed_once() {
    let world = World::new();
    rom(&world, ROM);
    let mut disk = Disk { world: &world, bytes: disk_with_image() };
    restore(&world, &mut disk, None).expect("a good image");
    let order = world.order();
    let at = |name: &str| order.iter().position(|n| n == name).unwrap_or_else(|| panic!("no {name}"));
    let last = |name: &str| order.iter().rposition(|n| n == name).expect("called");
    assert!(last("disk_read") < at("pd_create"));
    let steps = [
        "pd_create",
        "ram_blank",
        "ram_fill",
        "attach",
        "thread_create",
        "gate_create",
        "irq_create",
        "prepare",
    ];
    assert!(steps.is_sorted_by_key(|name| at(name)), "{order:?}");
    assert!(at("prepare") < at("set_clock_us") && at("set_clock_us") < at("irq_set"));
    assert!(at("set_clock_us") < at("commit"));
    assert_eq!(order.iter().filter(|n| *n == "commit").count(), 1);
}

#[test]
fn any_failing_request_leaves_nothing_behind() {
    let image = disk_with_image();
    let calls = {
        let world = World::new();
        rom(&world, ROM);
        restore(&world, &mut Disk { world: &world, bytes: image.clone() }, None).expect("a good image");
        world.calls.get()
    };
    for n in 0..calls {
        let world = World::new();
        rom(&world, ROM);
        let before = world.counts();
        world.fail_at.set(Some(n));
        let refused = restore(&world, &mut Disk { world: &world, bytes: image.clone() }, None);
        let error = refused.expect_err("a failed request");
        assert_eq!(world.counts(), before, "request {n} of {calls}: {error}");
        assert!(!matches!(error, Error::Leak(..)), "request {n} of {calls}");
        assert!(world.pds.borrow().is_empty());
    }
}

#[test]
fn a_damaged_image_makes_nothing() {
    let image = disk_with_image();
    // One byte of label, pages, table in turn.
    for at in [0, 100, 4096 * 2, 4096 * 3 + 5, 4096 * 7 + 1] {
        let mut bytes = image.clone();
        bytes[at] ^= 0x10;
        let world = World::new();
        rom(&world, ROM);
        let refused = restore(&world, &mut Disk { world: &world, bytes }, None);
        let error = refused.expect_err("damaged");
        assert!(matches!(error, Error::Image(_)), "byte {at}: {error}");
        assert!(!world.order().contains(&"pd_create".into()), "byte {at}");
    }
}

#[test]
fn another_place_is_refused_by_name() {
    type Spoil = fn(&World);
    let cases: [(Spoil, Machine, u8); 7] = [
        (|_| (), Machine { abi: Abi::G, ..machine() }, 13),
        (|_| (), Machine { board_id: 2, ..machine() }, 14),
        (|world| world.dataspaces.borrow_mut().clear(), machine(), 53),
        (
            |world| {
                world.dataspaces.borrow_mut().clear();
                rom(world, b"heap_mib=2\n");
            },
            machine(),
            54,
        ),
        (|world| world.own_pages.set(100), machine(), 55),
        (|world| world.own_pages.set(3), machine(), 55),
        (
            |world| {
                let pd = world.add_pd(name("other"), 1);
                let kind = ObjectKind::Gate;
                let object = thaw_component::host::Object { slot: 0x200, kind, badge: 0x1004, thread: 0 };
                world.pd(pd, |pd| pd.objects.push(object));
            },
            machine(),
            56,
        ),
    ];
    for (spoil, machine, exit) in cases {
        let world = World::new();
        rom(&world, ROM);
        spoil(&world);
        let before = world.counts();
        let mut disk = Disk { world: &world, bytes: disk_with_image() };
        let error = restore_on(&world, &mut disk, None, machine).expect_err("another place");
        assert_eq!(error.exit(), exit, "{error}");
        assert_eq!(world.counts(), before);
    }
}

#[test]
fn an_empty_disk_holds_no_checkpoint() {
    let world = World::new();
    let refused = restore(&world, &mut Disk { world: &world, bytes: vec![0; 1 << 20] }, None);
    assert_eq!(refused.expect_err("empty").exit(), 30);
}

#[test]
fn mutations_damage_what_they_name() {
    let good = {
        let world = World::new();
        let pd = target(&world);
        image_of(&world, pd)
    };
    for mutation in ["entry", "callee", "vfp", "utcb", "tls", "page"] {
        let world = World::new();
        rom(&world, ROM);
        let mut disk = Disk { world: &world, bytes: disk_with_image() };
        let damage = Mutation::from_name(mutation).map(|m| (m, (0x100_0000, 0x9000_0000)));
        let restored = restore(&world, &mut disk, damage).expect("restores all the same");
        let (pd, memory) = image_of(&world, restored.pd);
        assert_eq!(pd.run, Run::Runs);
        assert_eq!(memory == good.1, mutation != "page", "{mutation}");
        assert_eq!(pd.states == good.0.states, mutation == "page", "{mutation}");
    }
}
