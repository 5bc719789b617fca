//! Any bytes as an image with all its hashes made right, which leads behind the checks of integrity.
#![no_main]

#[path = "../../tests/all/common/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the tests")]
mod common;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut image = bytes.to_vec();
    common::seal(&mut image);
    common::judge(&image).expect("refused by a reason or written the same");
});
