//! What is told of a checkpoint's and a restore's steps.

use thaw_component::config::After;
use thaw_component::trace;

use crate::disk::Disk;
use crate::setup::{DISK_BYTES, checkpoint, disk_with_image, restore, target};
use crate::world::World;

/// Events of one side as told, in order.
fn told(world: &World, side: &str) -> Vec<String> {
    let start = format!("say {} side={side} n=", trace::PREFIX);
    let event = |line: &String| {
        let from = line.strip_prefix(&start)?.split_once("event=")?.1;
        from.split(' ').next().map(String::from)
    };
    world.log.borrow().iter().filter_map(event).collect()
}

fn without_repeats(mut events: Vec<String>) -> Vec<String> {
    events.dedup();
    events
}

#[test]
fn every_phase_of_a_checkpoint_is_told_in_order() {
    let world = World::new();
    let pd = target(&world);
    let mut disk = Disk { world: &world, bytes: vec![0; DISK_BYTES] };
    trace::switch(&world, &world, true).expect("no request");
    checkpoint(&world, &mut disk, pd, After::Resume).expect("nothing in the way");
    trace::tell(&world, &world).expect("no request");
    let told_once = told(&world, "checkpointer");
    assert_eq!(told_once.iter().filter(|e| *e == "read").count(), 7, "one per live thread");
    let expected = [
        "begin", "scan", "check", "ready", "stop", "scan", "copy", "resume", "read", "check", "write",
        "hash", "flush", "header", "flush",
    ];
    assert_eq!(without_repeats(told_once), expected);
    assert_eq!(told(&world, "service"), ["trigger"]);
    let lost = format!("say {} side=service lost=1", trace::PREFIX);
    assert!(world.log.borrow().contains(&lost), "an overwritten record is owned up to");
    world.log.borrow_mut().clear();
    trace::tell(&world, &world).expect("no request");
    assert_eq!(told(&world, "checkpointer"), [""; 0], "nothing is told twice");
}

#[test]
fn every_phase_of_a_restore_is_told_in_order() {
    let world = World::new();
    crate::setup::rom(&world, crate::setup::ROM);
    let mut disk = Disk { world: &world, bytes: disk_with_image() };
    trace::switch(&world, &world, true).expect("no request");
    restore(&world, &mut disk, None).expect("nothing in the way");
    trace::tell(&world, &world).expect("no request");
    let expected = [
        "begin",
        "load",
        "verify",
        "check",
        "create",
        "memory",
        "objects",
        "prepare-all",
        "set-thread",
        "commit",
    ];
    assert_eq!(without_repeats(told(&world, "checkpointer")), expected);
}

#[test]
fn nothing_is_told_or_measured_when_it_is_off() {
    let ticks = |on: bool| {
        let world = World::new();
        let pd = target(&world);
        let mut disk = Disk { world: &world, bytes: vec![0; DISK_BYTES] };
        trace::switch(&world, &world, on).expect("no request");
        let done = checkpoint(&world, &mut disk, pd, After::Resume).expect("nothing in the way");
        trace::tell(&world, &world).expect("no request");
        let told = told(&world, "checkpointer").len() + told(&world, "service").len();
        (done.times.resumed.zip(done.times.begin).map(|(end, begin)| end - begin), told)
    };
    let (off, none) = ticks(false);
    assert_eq!(none, 0);
    // This world's counter goes on by 10 with each reading: begin, stopped, copied, read, resumed.
    assert_eq!(off, Some(40));
    // One more each for stop, scan and copy.
    assert_eq!(ticks(true).0, Some(40 + 30));
}
