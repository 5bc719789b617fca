//! The examples in C compile, and what comes out is what `docs/target-abi.md` asks of a program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use thaw_bootimage::elf::{Elf, PF_X};
use thaw_native_abi::layout;

/// The instructions that enter a kernel.
const ENTER_G: [u32; 2] = [0xe1a0_e00f, 0xe3e0_f00b];
const ENTER_M_ARM: u32 = 0xef00_0000;
const ENTER_M_THUMB: u16 = 0xdf00;

fn build(directory: &str) -> PathBuf {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(directory);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/build.sh");
    let output = Command::new(&script).arg(&out).output().expect("examples/build.sh starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

fn code(file: &[u8]) -> (u32, Vec<u8>) {
    let elf = Elf::parse(file).expect("an executable");
    for segment in elf.loads() {
        let end = segment.vaddr + segment.memory_bytes;
        assert!(segment.vaddr >= layout::USER_START && end <= layout::USER_END - layout::STACK_BYTES);
    }
    let code = elf.loads().find(|s| s.flags & PF_X != 0).expect("a code segment");
    assert!((code.vaddr..code.vaddr + code.memory_bytes).contains(&(elf.entry() & !1)));
    (elf.entry(), elf.contents(&code).to_vec())
}

fn words(code: &[u8]) -> Vec<u32> {
    code.chunks_exact(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect()
}

#[test]
fn both_states_build_and_enter_the_kernel_as_documented() {
    let out = build("examples");
    let arm = fs::read(out.join("counter.elf")).expect("built");
    let thumb = fs::read(out.join("counter_thumb.elf")).expect("built");

    let (entry, code_arm) = code(&arm);
    assert_eq!(entry & 1, 0, "counter.elf begins in ARM state");
    let arm_words = words(&code_arm);
    assert!(arm_words.contains(&ENTER_M_ARM));
    assert!(arm_words.windows(2).any(|w| w == ENTER_G), "the two instructions stay together");

    let (entry, code_thumb) = code(&thumb);
    assert_eq!(entry & 1, 1, "counter_thumb.elf begins in Thumb state");
    let thumb_words = words(&code_thumb);
    assert!(!thumb_words.contains(&ENTER_M_ARM), "M is entered in Thumb state");
    assert!(code_thumb.chunks_exact(2).any(|c| u16::from_le_bytes([c[0], c[1]]) == ENTER_M_THUMB));
    assert!(thumb_words.windows(2).any(|w| w == ENTER_G), "G is entered in ARM state");
}
