//! A check tells every reason at once and leaves everything as it was.

use thaw_component::host::{DataspaceKind, Host, Region, ThreadInfo};
use thaw_component::service::SlotEntry;
use thaw_component::{Checkpointer, examine};
use thaw_protocol::slot_kind;

use crate::disk::Disk;
use crate::setup::{DISK_BYTES, is_running, machine, name, tables, target};
use crate::world::World;

/// Runs a check; its reasons by name, and the last line.
fn check(world: &World, pd: u32, disk_bytes: usize) -> (Vec<String>, String) {
    let mut disk = Disk { world, bytes: vec![0; disk_bytes] };
    let mut tables = tables();
    let count = {
        let mut checkpointer = Checkpointer {
            host: world,
            service: world,
            disk: &mut disk,
            machine: machine(),
            tables: &mut tables,
            quiet: false,
            pause: None,
        };
        checkpointer.examine(pd).expect("requests are answered")
    };
    assert!(disk.bytes.iter().all(|byte| *byte == 0), "nothing is written");
    let start = format!("say {} ", examine::PREFIX);
    let log = world.log.borrow();
    let lines: Vec<&str> = log.iter().filter_map(|line| line.strip_prefix(&start)).collect();
    let reason = |line: &&str| Some(line.strip_prefix("reason=")?.split(' ').next()?.to_owned());
    let reasons: Vec<String> = lines.iter().filter_map(reason).collect();
    assert_eq!(reasons.len(), count as usize);
    (reasons, lines.last().expect("lines").to_string())
}

#[test]
fn a_good_target_is_stopped_once_and_runs_on() {
    let world = World::new();
    let pd = target(&world);
    let before = world.counts();
    assert_eq!(check(&world, pd, DISK_BYTES), (vec![], "saveable=yes reasons=0".into()));
    assert!(is_running(&world, pd));
    assert_eq!(world.counts(), before);
    let order = world.order();
    let count = |name: &str| order.iter().filter(|n| *n == name).count();
    assert_eq!((count("stop"), count("commit"), count("disk_write")), (1, 1, 0));
}

#[test]
fn every_reason_is_told_at_once() {
    let world = World::new();
    let pd = target(&world);
    for slot in [0x300, 0x301] {
        let entry = SlotEntry::given(slot, slot_kind::UNKNOWN, 0);
        world.pd(pd, |p| p.foreign.push(entry));
    }
    let device = world.add_dataspace(Some(pd), DataspaceKind::Other, vec![0; 8192]);
    let region = Region { addr: 0x400_0000, bytes: 8192, dataspace: device, offset: 0, rights: 7 };
    world.pd(pd, |p| p.regions.push(region));
    world.own_pages.set(41);
    let info = ThreadInfo { started: false, priority: 1, name: name("x") };
    world.pd(pd, |p| p.threads.extend((64..67).map(|i| (i, info))));
    let (reasons, verdict) = check(&world, pd, 128 * 1024);
    let expected = [
        "unsaveable-memory",
        "too-many",
        "target-too-large",
        "image",
        "unknown-capability",
        "unknown-capability",
    ];
    assert_eq!(reasons, expected);
    assert_eq!(verdict, "saveable=no reasons=6");
    assert!(is_running(&world, pd));
    let line = format!("say {} region=0x4000000 bytes=8192", examine::PREFIX);
    assert!(world.log.borrow().contains(&line), "the region of the dataspace is named");
}

#[test]
fn a_stop_that_is_refused_is_a_reason_of_its_own() {
    let world = World::new();
    let pd = target(&world);
    let calls = {
        check(&world, pd, DISK_BYTES);
        world.log.borrow().iter().filter(|n| !n.starts_with("say ") && *n != "close").count() as u32
    };
    let mut seen = Vec::new();
    for n in 0..calls {
        let world = World::new();
        let pd = target(&world);
        world.fail_at.set(Some(n));
        let mut disk = Disk { world: &world, bytes: vec![0; DISK_BYTES] };
        let mut tables = tables();
        let mut checkpointer = Checkpointer {
            host: &world,
            service: &world,
            disk: &mut disk,
            machine: machine(),
            tables: &mut tables,
            quiet: false,
            pause: None,
        };
        let result = checkpointer.examine(pd);
        assert!(is_running(&world, pd), "request {n} ({})", world.failed.borrow());
        let told = world.log.borrow().iter().any(|line| line.contains("reason="));
        // A stop is tried again and its second attempt goes well.
        let is_retried = *world.failed.borrow() == "stop";
        assert!(told || result.is_err() || is_retried, "request {n} ({})", world.failed.borrow());
        seen.push(world.failed.borrow().clone());
    }
    assert!(seen.iter().any(|name| name == "commit") && seen.iter().any(|name| name == "stop"), "{seen:?}");
}
