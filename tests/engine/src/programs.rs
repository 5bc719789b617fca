//! The threads that are stopped: small assembly loops that prove their own continuity.
//!
//! Each thread's stack pointer points to its block of [`BLOCK_WORDS`] words: word 0 parameter, 1 progress, 2 broken
//! checks, 3 last offending value. What is not in the block lives in registers across system calls.
// UNSAFETY: assembly, and the blocks are shared with it.
#![expect(unsafe_code)]

use core::arch::global_asm;

use thaw_l4::Revision;

/// Words of a block.
pub const BLOCK_WORDS: usize = 256;
/// Blocks.
pub const BLOCKS: usize = 16;

// `enter` is the system call of either revision: word `revision_word` tells which.
global_asm!(
    r#"
    .macro enter
        ldr lr, =et_revision
        ldr lr, [lr]
        cmp lr, #1
        bne 91f
        mov lr, pc
        mvn pc, #11
        b 92f
    91: mov r5, #0
        svc #0
    92:
    .endm
    .macro broken value
        ldr r1, [r6, #8]
        add r1, r1, #1
        str r1, [r6, #8]
        str \value, [r6, #12]
    .endm

    .section .text.et_programs, "ax"
    .arm
    .fpu vfpv3
    .balign 4096
    .global et_vfp, et_server, et_client, et_sleeper, et_waiter

    @ All d registers hold a pattern (block + 256 bytes) that is compared again and again.
    et_vfp:
        mov r6, sp
        add r0, r6, #256
        vldmia r0!, {{d0-d15}}
        vldmia r0, {{d16-d31}}
        ldr r1, =0x00c00000
        vmsr fpscr, r1
    1:  add r0, r6, #512
        vstmia r0!, {{d0-d15}}
        vstmia r0, {{d16-d31}}
        vmrs r2, fpscr
        bic r2, r2, #0xf0000000
        ldr r1, =0x00c00000
        cmp r1, r2
        beq 2f
        broken r2
    2:  add r0, r6, #256
        add r4, r6, #512
        mov r3, #64
    3:  ldr r7, [r0], #4
        ldr r8, [r4], #4
        cmp r7, r8
        beq 4f
        broken r8
    4:  subs r3, r3, #1
        bne 3b
        ldr r2, [r6, #4]
        add r2, r2, #1
        str r2, [r6, #4]
        b 1b

    @ Waits, then answers 3 * MR0 + 1 for ever; counts in r9.
    et_server:
        mov r6, sp
        mov r9, #0
        mrc p15, 0, r7, c13, c0, 2
        mov r0, #0
        ldr r2, =0x806
        mov r3, #0
        mov r4, #0
        enter
    1:  add r9, r9, #1
        str r9, [r6, #4]
        mov r10, #200
    2:  subs r10, r10, #1
        bne 2b
        ldr r1, [r7]
        add r1, r1, r1, lsl #1
        add r1, r1, #1
        str r1, [r7]
        ldr r0, =0x00220001
        ldr r2, =0x80f
        mov r3, #0
        mov r4, #0
        enter
        b 1b

    @ Calls the gate in word 0 with a number of its own and checks the answer; counts in r9.
    et_client:
        mov r6, sp
        mov r9, #1
        mrc p15, 0, r7, c13, c0, 2
    1:  str r9, [r7]
        ldr r11, =0xc11e0000
        add r11, r11, r9
        str r11, [r7, #40]
        ldr r2, [r6]
        ldr r0, =0x00110001
        mov r3, #0
        mov r4, #0
        enter
        ldr r1, [r7]
        add r8, r9, r9, lsl #1
        add r8, r8, #1
        cmp r1, r8
        beq 2f
        broken r0
    2:  ldr r1, [r7, #40]
        cmp r1, r11
        beq 3f
        broken r11
    3:  str r9, [r6, #4]
        add r9, r9, #1
        b 1b

    @ Sleeps with the timeout in word 0; a sleep must end in a timeout. Flags are set across the call.
    et_sleeper:
        mov r6, sp
        mov r9, #0
        mrc p15, 0, r7, c13, c0, 2
    1:  ldr r3, [r6]
        ldr r2, =0x802
        mov r0, #0
        mov r4, #0
        enter
        ldr r1, [r7, #0x1ec]
        and r1, r1, #31
        cmp r1, #3
        beq 2f
        broken r1
    2:  add r9, r9, #1
        str r9, [r6, #4]
        b 1b

    @ Waits for the IRQ in word 0; a wait must end with a message.
    et_waiter:
        mov r6, sp
        mov r9, #0
        mrc p15, 0, r7, c13, c0, 2
    1:  ldr r2, [r6]
        ldr r0, =0xffff0001
        mov r3, #4
        str r3, [r7]
        mov r3, #0
        mov r4, #0
        ldr r8, =0x08080808
        enter
        tst r0, #0x8000
        beq 2f
        broken r0
    2:  ldr r1, =0x08080808
        cmp r1, r8
        beq 3f
        broken r8
    3:  add r9, r9, #1
        str r9, [r6, #4]
        b 1b
    .ltorg
    .balign 4096

    .section .bss.et, "aw", %nobits
    .balign 4096
    .global et_revision, et_blocks, et_end
    et_revision: .space 4096
    et_blocks: .space 16384
    et_end:
    "#
);

unsafe extern "C" {
    safe static et_vfp: u32;
    safe static et_server: u32;
    safe static et_client: u32;
    safe static et_sleeper: u32;
    safe static et_waiter: u32;
    static et_revision: u32;
    static et_blocks: u32;
    static et_end: u32;
}

/// A loop that a thread runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Compares its VFP registers.
    Vfp,
    /// Answers calls.
    Server,
    /// Calls.
    Client,
    /// Sleeps.
    Sleeper,
    /// Waits for an IRQ.
    Waiter,
}

impl Program {
    /// Its first instruction.
    pub fn entry(self) -> u32 {
        let symbol = match self {
            Self::Vfp => &raw const et_vfp,
            Self::Server => &raw const et_server,
            Self::Client => &raw const et_client,
            Self::Sleeper => &raw const et_sleeper,
            Self::Waiter => &raw const et_waiter,
        };
        symbol as u32
    }
}

/// Address of block `i`.
pub fn block(i: usize) -> u32 {
    assert!(i < BLOCKS, "no such block");
    &raw const et_blocks as u32 + (i * BLOCK_WORDS * 4) as u32
}

fn word_ptr(i: usize, word: usize) -> *mut u32 {
    assert!(word < BLOCK_WORDS, "no such word");
    (block(i) as usize + word * 4) as *mut u32
}

/// Word `word` of block `i`.
pub fn get(i: usize, word: usize) -> u32 {
    // SAFETY: inside the blocks, which no Rust object lives in; volatile, since threads write it.
    unsafe { word_ptr(i, word).read_volatile() }
}

/// Sets word `word` of block `i`.
pub fn set(i: usize, word: usize, value: u32) {
    // SAFETY: as above.
    unsafe { word_ptr(i, word).write_volatile(value) }
}

/// Tells the programs which system call to use.
pub fn set_revision(revision: Revision) {
    // SAFETY: the word is the programs' alone.
    unsafe { (&raw const et_revision).cast_mut().write_volatile(revision.number()) }
}

/// Pages that the threads need: code first, then data; both ends page aligned.
pub fn pages() -> [(u32, u32); 2] {
    let code = &raw const et_vfp as u32 & !0xfff;
    [(code, code + 8192), (&raw const et_revision as u32, &raw const et_end as u32)]
}

/// Reads a word of the programs' memory.
pub fn peek(addr: u32) -> Option<u32> {
    let inside = pages().iter().any(|(start, end)| (*start..*end).contains(&addr)) && addr.is_multiple_of(4);
    // SAFETY: inside the pages that the threads use, aligned.
    inside.then(|| unsafe { (addr as *const u32).read_volatile() })
}
