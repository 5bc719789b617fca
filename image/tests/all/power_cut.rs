//! A power cut at any moment leaves the old image or the new one, whole.

use crate::common::{Crash, Disk, Model, NoPower, sheep, tiny};
use thaw_image::store::Store;
use thaw_image::*;

/// Sectors for two areas of 64 KiB.
const SECTORS: usize = 16 + 2 * 128;
const CRASHES: [Crash; 10] = [
    Crash::Nothing,
    Crash::Everything,
    Crash::Some(1),
    Crash::Some(2),
    Crash::Some(3),
    Crash::Some(4),
    Crash::Some(5),
    Crash::Some(6),
    Crash::Some(7),
    Crash::Some(8),
];

fn generation(n: u64) -> Model {
    let mut model = if n.is_multiple_of(2) { tiny() } else { sheep() };
    model.identity.generation = n;
    model.dataspaces[0].1[PAGE_SIZE - 1] = n as u8;
    model
}

fn commit(disk: &mut Disk, model: &Model) -> Result<(), Error<NoPower>> {
    let mut store = Store::open(disk)?;
    let mut commit = store.begin(0)?;
    let finished = model.write(&mut commit, 64).map_err(Error::flatten)?;
    commit.finish(&finished)
}

/// Returns the newest model of the disk after verification.
fn newest(disk: &mut Disk) -> Option<Model> {
    let mut store = Store::open(disk).expect("a cut never makes a disk unreadable");
    let mut source = match store.image() {
        Ok(source) => source,
        Err(Refusal::DiskEmpty) => return None,
        Err(refusal) => panic!("{refusal}"),
    };
    let verified = verify(&mut source, &Expect::ANY, &mut [0; 8192]).expect("the newest image is whole");
    Some(Model::read(&verified, &mut source))
}

/// Returns a disk after `n` commits.
fn disk_with(n: u64) -> Disk {
    let mut disk = Disk::new(SECTORS);
    (1..=n).for_each(|n| commit(&mut disk, &generation(n)).expect("power is on"));
    disk
}

#[test]
fn every_cut_leaves_the_old_image_or_the_new_one() {
    for commits in 0..4 {
        let before = disk_with(commits);
        let old = (commits > 0).then(|| generation(commits));
        let new = generation(commits + 1);
        let mut whole = Disk::of(before.bytes.clone());
        commit(&mut whole, &new).expect("power is on");
        assert_eq!(newest(&mut whole).as_ref(), Some(&new));
        for power in 0..whole.operations {
            let mut disk = Disk::of(before.bytes.clone());
            disk.power = power;
            assert_eq!(commit(&mut disk, &new), Err(Error::Io(NoPower)), "cut after {power} operations");
            for crash in CRASHES {
                let mut found = disk.clone().after(crash);
                let model = newest(&mut found);
                let is_one_of_both = model == old || model.as_ref() == Some(&new);
                assert!(is_one_of_both, "{commits} commits, cut after {power}, {crash:?}");
                // Whatever was left, the next checkpoint finds its place.
                commit(&mut found, &generation(9)).expect("power is on");
                assert_eq!(newest(&mut found), Some(generation(9)));
            }
        }
    }
}

#[test]
fn before_the_last_write_it_is_the_old_one() {
    let before = disk_with(2);
    let mut whole = Disk::of(before.bytes.clone());
    commit(&mut whole, &generation(3)).expect("power is on");
    // Label write and flush are the last two operations.
    for power in 0..whole.operations - 2 {
        let mut disk = Disk::of(before.bytes.clone());
        disk.power = power;
        commit(&mut disk, &generation(3)).expect_err("cut");
        for crash in CRASHES {
            assert_eq!(newest(&mut disk.clone().after(crash)), Some(generation(2)));
        }
    }
}

#[test]
fn a_dropped_commit_never_was() {
    let mut disk = disk_with(2);
    let mut store = Store::open(&mut disk).expect("opens");
    let mut dropped = store.begin(0).expect("fits");
    dropped.write(&[1; 5000]).expect("fits");
    let _ = dropped;
    assert_eq!(newest(&mut disk), Some(generation(2)));
}

#[test]
fn a_full_area_leaves_the_old_image() {
    let mut disk = disk_with(1);
    let mut large = generation(2);
    large.dataspaces[0] =
        (Dataspace { size_bytes: 40 * PAGE_SIZE as u64, content: Content::Ram }, vec![0xee; 40 * PAGE_SIZE]);
    let refused = commit(&mut disk, &large);
    let available = 4096 + 128 * 512;
    assert!(
        matches!(refused, Err(Error::Refused(Refusal::DiskFull { available: a, needed })) if a == available && needed > a),
        "{refused:?}"
    );
    assert_eq!(newest(&mut disk), Some(generation(1)));
    let mut store = Store::open(&mut disk).expect("opens");
    let refused = store.begin(available + 1).err();
    assert_eq!(refused, Some(Refusal::DiskFull { needed: available + 1, available }));
}

#[test]
fn a_body_of_another_image_is_not_committed() {
    let mut disk = disk_with(1);
    let mut store = Store::open(&mut disk).expect("opens");
    let finished = generation(2).write(crate::common::Body::default(), 64).expect("valid");
    let mut commit = store.begin(0).expect("fits");
    commit.write(&[0; 4096]).expect("fits");
    let needed = finished.header.total_length;
    assert_eq!(commit.finish(&finished), Err(Error::Refused(Refusal::Truncated { needed, available: 8192 })));
    assert_eq!(newest(&mut disk), Some(generation(1)));
}
