//! Any bytes as an image: the reader refuses or accepts, never more.
#![no_main]

#[path = "../../tests/all/common/mod.rs"]
#[expect(dead_code, unused_imports, reason = "shared with the tests")]
mod common;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    common::judge(bytes).expect("refused by a reason or written the same");
});
