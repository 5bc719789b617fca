//! Checkpoints: a failed one leaves the target running and the disk as it was.

use thaw_component::Error;
use thaw_component::config::After;
use thaw_component::error::{DiskError, Table};
use thaw_component::host::{DataspaceKind, Host, Life, Object, ObjectKind, Region, ThreadInfo};
use thaw_component::service::SlotEntry;
use thaw_image::Refusal;
use thaw_image::store::Store;
use thaw_l4::raw;
use thaw_protocol::slot_kind;

use crate::disk::Disk;
use crate::setup::{DISK_BYTES, ROM, checkpoint, is_running, name, restore, rom, target};
use crate::world::World;

fn empty_disk(world: &World) -> Disk<'_> {
    Disk { world, bytes: vec![0; DISK_BYTES] }
}

fn generation(world: &World, disk: &mut Disk<'_>) -> u64 {
    world.fail_at.set(None);
    Store::open(disk).expect("a good store").header().map_or(0, |h| h.identity.generation)
}

#[test]
fn the_target_is_stopped_only_for_copying() {
    let world = World::new();
    let pd = target(&world);
    let mut disk = empty_disk(&world);
    let done = checkpoint(&world, &mut disk, pd, After::Resume).expect("nothing in the way");
    assert_eq!((done.generation, done.bytes, done.threads), (1, 21 * 4096, 7));
    assert!(is_running(&world, pd));
    let order = world.order();
    let at = |name: &str| order.iter().position(|n| n == name).unwrap_or_else(|| panic!("no {name}"));
    let last = |name: &str| order.iter().rposition(|n| n == name).expect("called");
    assert!(at("show") < at("stop") && last("take_spare") < at("stop"));
    let within: Vec<&str> = order[at("stop") + 1..at("commit")].iter().map(String::as_str).collect();
    assert_eq!(within, ["pd_info", "clock_us"], "in the stop");
    assert!(at("commit") < at("disk_write"), "written after the target runs on");
    assert_eq!(order[last("disk_write") + 1..][0], "disk_flush");
}

#[test]
fn a_target_that_is_to_go_stands_until_its_image_is_safe() {
    let world = World::new();
    let pd = target(&world);
    let mut disk = empty_disk(&world);
    checkpoint(&world, &mut disk, pd, After::Destroy).expect("nothing in the way");
    let order = world.order();
    let last = |name: &str| order.iter().rposition(|n| n == name).expect("called");
    assert!(!order.contains(&"commit".into()), "never ran again");
    assert!(last("disk_flush") < last("abandon") && last("abandon") < last("pd_destroy"));
    assert!(world.pds.borrow().is_empty());
}

#[test]
fn any_failing_request_leaves_the_target_running_and_nothing_behind() {
    for after in [After::Resume, After::Destroy] {
        let calls = {
            let world = World::new();
            let pd = target(&world);
            checkpoint(&world, &mut empty_disk(&world), pd, after).expect("nothing in the way");
            world.calls.get()
        };
        assert!(calls > 100, "{calls} requests");
        for n in 0..calls {
            let world = World::new();
            let pd = target(&world);
            let before = world.counts().expect("counts");
            world.fail_at.set(Some(n));
            let mut disk = empty_disk(&world);
            let result = checkpoint(&world, &mut disk, pd, after);
            let failed = world.failed.borrow().clone();
            let saved = generation(&world, &mut disk) == 1;
            match result {
                // A stop is tried again, and giving threads up has a second way.
                Ok(_) => assert!(saved, "request {n} ({failed})"),
                Err(_) if failed == "pd_destroy" => assert!(saved && after == After::Destroy),
                Err(error) => {
                    assert!(is_running(&world, pd), "request {n} ({failed}): {error}");
                    assert_eq!(world.counts(), Ok(before), "request {n} ({failed}): {error}");
                    // The very last flush may or may not have reached the disk.
                    assert!(!saved || failed == "disk_flush", "request {n} ({failed})");
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_saved_is_refused_before_the_stop() {
    type Spoil = fn(&World, u32);
    let cases: [(Spoil, Error); 8] = [
        (|w, pd| w.pd(pd, |p| p.life = Life::Exited(3)), Error::Exited(3)),
        (|w, pd| w.pd(pd, |p| p.life = Life::Faulted), Error::Faulted),
        (
            |w, pd| {
                let entry = SlotEntry::given(0x300, slot_kind::UNKNOWN, 0);
                w.pd(pd, |p| p.foreign.push(entry));
            },
            Error::UnknownCapability { slot: 0x300, kind: slot_kind::UNKNOWN },
        ),
        (
            |w, pd| {
                w.add_dataspace(Some(pd), DataspaceKind::Other, vec![0; 4096]);
            },
            Error::Unsaveable(0x104),
        ),
        (|w, _| w.own_pages.set(41), Error::TargetTooLarge { target_kib: 84, spare_kib: 164 }),
        (
            |w, pd| {
                let info = ThreadInfo { started: false, priority: 1, name: name("x") };
                w.pd(pd, |p| p.threads.insert(64, info));
            },
            Error::TooMany(Table::Threads, 64),
        ),
        (
            |w, pd| {
                let object = w.pd(pd, |p| p.objects[0]);
                w.pd(pd, |p| p.objects.extend([object; 125]));
            },
            Error::TooMany(Table::Objects, 128),
        ),
        (
            |w, pd| {
                let region = w.pd(pd, |p| p.regions[0]);
                w.pd(pd, |p| p.regions.extend([region; 253]));
            },
            Error::TooMany(Table::Regions, 256),
        ),
    ];
    for (spoil, expected) in cases {
        let world = World::new();
        let pd = target(&world);
        spoil(&world, pd);
        let refused = checkpoint(&world, &mut empty_disk(&world), pd, After::Destroy);
        assert_eq!(refused, Err(expected));
        assert!(!world.order().contains(&"stop".into()), "{expected}");
    }
}

#[test]
fn a_disk_that_is_no_store_or_too_small_is_refused_before_the_stop() {
    let cases: [(Vec<u8>, u8); 3] = [(Vec::new(), 32), (vec![0; 128 * 1024], 33), (vec![7; DISK_BYTES], 10)];
    for (bytes, exit) in cases {
        let world = World::new();
        let pd = target(&world);
        let refused = checkpoint(&world, &mut Disk { world: &world, bytes }, pd, After::Destroy);
        assert_eq!(refused.expect_err("refused").exit(), exit);
        assert!(!world.order().contains(&"stop".into()));
        assert!(is_running(&world, pd));
    }
}

fn stops(world: &World) -> usize {
    world.log.borrow().iter().filter(|n| *n == "stop").count()
}

#[test]
fn what_a_target_made_and_gave_back_on_its_way_to_the_stop_costs_no_second_one() {
    let world = World::new();
    let pd = target(&world);
    let given_back = world.add_dataspace(Some(pd), DataspaceKind::Ram, vec![2; 8192]);
    world.at_stop.borrow_mut().push_back(|world| {
        let (pd, _) = world.pds.borrow().first_key_value().map(|(pd, p)| (*pd, p.quota)).expect("the target");
        let last = world.dataspaces.borrow().last_key_value().map(|(id, _)| *id).expect("given back");
        world.free_dataspace(last);
        let made = world.add_dataspace(Some(pd), DataspaceKind::Ram, vec![0x5a; 3 * 4096]);
        let region = Region {
            addr: 0x500_0000,
            bytes: 3 * 4096,
            dataspace: made,
            offset: 0,
            rights: raw::L4_FPAGE_RW,
        };
        world.pd(pd, |pd| pd.regions.push(region));
    });
    let mut disk = empty_disk(&world);
    let done = checkpoint(&world, &mut disk, pd, After::Destroy).expect("nothing in the way");
    assert!(!world.dataspaces.borrow().contains_key(&given_back));
    assert_eq!((done.bytes, stops(&world)), (24 * 4096, 1));
    let fresh = World::new();
    rom(&fresh, ROM);
    let mut disk = Disk { world: &fresh, bytes: disk.bytes.clone() };
    let restored = restore(&fresh, &mut disk, None).expect("nothing in the way");
    let region = fresh.pd(restored.pd, |pd| pd.regions.iter().find(|r| r.addr == 0x500_0000).copied());
    let made = region.map(|region| fresh.dataspaces.borrow()[&region.dataspace].data.borrow().clone());
    assert_eq!(made, Some(vec![0x5a; 3 * 4096]));
}

/// A target that has more memory at each stop than there is room for.
fn grows(world: &World) {
    let pd = *world.pds.borrow().keys().next().expect("the target");
    let bytes = world.dataspaces.borrow().values().map(|d| d.bytes.next_multiple_of(4096)).sum::<u32>();
    world.add_dataspace(Some(pd), DataspaceKind::Ram, vec![1; bytes as usize]);
}

#[test]
fn a_target_that_takes_much_memory_is_stopped_again() {
    let world = World::new();
    let pd = target(&world);
    world.at_stop.borrow_mut().push_back(grows);
    let done =
        checkpoint(&world, &mut Disk { world: &world, bytes: vec![0; 2 * DISK_BYTES] }, pd, After::Resume);
    assert_eq!(done.map(|done| done.bytes), Ok((21 + 22) * 4096));
    assert_eq!(stops(&world), 2);
}

#[test]
fn a_target_that_always_takes_more_is_given_up_with_the_number_of_attempts() {
    let world = World::new();
    let pd = target(&world);
    world.at_stop.borrow_mut().extend([grows as fn(&World); 4]);
    let mut disk = Disk { world: &world, bytes: vec![0; 4 * DISK_BYTES] };
    let refused = checkpoint(&world, &mut disk, pd, After::Destroy).expect_err("grows");
    assert_eq!(refused, Error::Changed("memory", 3));
    let text = "target: its memory changed while it was being stopped, at each of 3 attempts: try again";
    assert_eq!(refused.to_string(), text);
    assert_eq!(stops(&world), 3);
    assert!(is_running(&world, pd));
}

#[test]
fn a_capability_made_since_the_scan_is_no_foreign_one() {
    let world = World::new();
    let pd = target(&world);
    world.counts_changes.set(true);
    *world.at_open.borrow_mut() = Some(|world| {
        let pd = *world.pds.borrow().keys().next().expect("the target");
        let made = Object { slot: 0x202, kind: ObjectKind::Gate, badge: 0x1008, thread: 1 };
        world.pd(pd, |pd| pd.objects.push(made));
    });
    checkpoint(&world, &mut empty_disk(&world), pd, After::Resume).expect("nothing in the way");
    assert_eq!(stops(&world), 1);
}

#[test]
fn generations_count_and_the_older_image_survives_a_failure() {
    let world = World::new();
    let pd = target(&world);
    let mut disk = empty_disk(&world);
    for n in 1..=3 {
        let done = checkpoint(&world, &mut disk, pd, After::Resume).expect("nothing in the way");
        assert_eq!(done.generation, n);
    }
    // One of the writes in the middle of the fourth.
    world.writes_left.set(2);
    let refused = checkpoint(&world, &mut disk, pd, After::Resume).expect_err("the disk fails");
    assert_eq!(refused, Error::Disk(DiskError::Failed(99)));
    assert!(is_running(&world, pd));
    assert_eq!(generation(&world, &mut disk), 3);
    let empty = Store::open(&mut Disk { world: &world, bytes: vec![0; DISK_BYTES] })
        .expect("empty")
        .header()
        .copied();
    assert_eq!(empty, Err(Refusal::DiskEmpty));
}
