//! Any bytes as a disk, as they are and with the hashes of both labels made right.
#![no_main]

#[path = "../../tests/all/common/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the tests")]
mod common;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut disk = bytes.to_vec();
    disk.truncate(bytes.len() / 512 * 512);
    common::judge_disk(disk.clone()).expect("refused by a reason or whole");
    common::seal_labels(&mut disk);
    common::judge_disk(disk).expect("refused by a reason or whole");
});
