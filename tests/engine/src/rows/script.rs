//! What the threads do: short scripts of steps, read by an interpreter in assembly.
//!
//! A thread's stack pointer points to its current step. A step fills message and buffer registers and all other
//! registers, makes a system call, and stores what all of them hold afterwards.
// UNSAFETY: assembly, and the scripts are shared with it.
#![expect(unsafe_code)]

use core::arch::global_asm;

use thaw_l4::{CapIndex, Fpage, MsgTag, Op, Revision, Selector, Timeout, Timeouts, raw};

/// Words of a step.
pub const STEP_WORDS: usize = 32;
/// Steps of a thread.
pub const STEPS: usize = 8;
/// Threads that have a script.
pub const THREADS: usize = 64;
/// First word of a step's results.
pub const RESULT: usize = 16;

global_asm!(
    r#"
    .macro rs_enter how
        mov r5, #0
        ldr lr, =rs_words
        ldr lr, [lr]
        cmp lr, #1
        bne 91f
        .ifc \how, nap
        movw r2, #0x802
        .endif
        mov lr, pc
        mvn pc, #11
        b 93f
    91:
        .ifc \how, thumb
        blx rs_thumb
        .else
        .ifc \how, nap
        movw r2, #0x802
        .endif
        svc #0
        .endif
    93:
    .endm
    .macro rs_step how
        ldr r6, [sp, #4*5]
        mrc p15, 0, r7, c13, c0, 2
        str r6, [r7]
        ldr r6, [sp, #4*6]
        str r6, [r7, #4]
        ldr r6, [sp, #4*7]
        str r6, [r7, #8]
        ldr r6, [sp, #4*8]
        str r6, [r7, #12]
        ldr r6, [sp, #4*9]
        str r6, [r7, #0x100]
        ldr r6, [sp, #4*10]
        str r6, [r7, #0x104]
        ldr r6, [sp, #4*11]
        str r6, [r7, #0x108]
        ldr r0, [sp, #4*1]
        ldr r1, =0x01010101
        ldr r2, [sp, #4*2]
        ldr r3, [sp, #4*3]
        ldr r4, [sp, #4*4]
        ldr r6, =0x06060606
        ldr r7, =0x07070707
        ldr r8, =0x08080808
        ldr r9, =0x09090909
        ldr r10, =0x0a0a0a0a
        ldr r11, =0x0b0b0b0b
        ldr r12, =0x0c0c0c0c
        rs_enter \how
        b rs_done
    .endm

    .section .text.rs_programs, "ax"
    .arm
    .balign 4096
    .global rs_code, rs_missing
    rs_code:
        ldr r0, [sp]
        cmp r0, #1
        beq 10f
        cmp r0, #2
        beq 20f
        cmp r0, #3
        beq 30f
        cmp r0, #4
        beq 40f
        cmp r0, #5
        beq 50f
        cmp r0, #6
        beq 60f
        @ 0: sleeps for ever.
    1:  ldr r2, =0x802
        mov r0, #0
        mov r3, #0
        mov r4, #0
        rs_enter
        b 1b
        @ 1: system call.
    10: rs_step
        @ 2: waits, awake, for the word at the address in word 1 to be set.
    20: ldr r1, [sp, #4]
        ldr r2, [r1]
        cmp r2, #0
        beq 20b
        b rs_done
        @ 3: loads from the address in word 1.
    30: ldr r1, [sp, #4]
        ldr r0, [r1]
        b rs_done
        @ 4: system call in Thumb state, where there is one.
    40: rs_step thumb
        @ 5: sleep that shows to be one.
    50: rs_step nap
        @ 6: an instruction that does not exist.
    60: udf #0
        b rs_done

    rs_done:
        add lr, sp, #4*17
        stmia lr!, {{r0-r4}}
        stmia lr!, {{r6-r12}}
        mrc p15, 0, r7, c13, c0, 2
        ldr r8, [r7, #0x1ec]
        ldr r9, [r7]
        ldr r10, [r7, #4]
        stmia lr!, {{r8-r10}}
        ldr r0, [sp, #4*16]
        add r0, r0, #1
        str r0, [sp, #4*16]
        mov r8, #0
        mov r9, #0
        mov r10, #0
        add sp, sp, #128
        b rs_code
        .thumb
        .thumb_func
    rs_thumb:
        svc #0
        bx lr
        .arm
    .ltorg
    .balign 4096

    .section .bss.rs, "aw", %nobits
    .balign 4096
    .global rs_words, rs_scripts, rs_end
    rs_words: .space 4096
    rs_scripts: .space 65536
    rs_end:
    "#
);

unsafe extern "C" {
    safe static rs_code: u32;
    static rs_words: u32;
    static rs_scripts: u32;
    static rs_end: u32;
}

/// One step.
#[derive(Clone, Copy)]
pub struct Step([u32; RESULT]);

impl Step {
    const fn of(kind: u32, first: u32) -> Self {
        let mut words = [0; RESULT];
        words[0] = kind;
        words[1] = first;
        Self(words)
    }

    /// A system call.
    pub const fn ipc(to: Selector, tag: MsgTag) -> Self {
        let mut step = Self::of(1, tag.0);
        step.0[2] = to.0;
        step
    }

    /// A call through `slot` with one word.
    pub const fn call(slot: u32, word: u32) -> Self {
        Self::ipc(CapIndex(slot).select(Op::CALL), MsgTag::new(0x11, 1, 0, 0)).word(word)
    }

    /// An open wait.
    pub const WAIT: Self = Self::ipc(Selector::nobody(Op::WAIT), MsgTag(0));

    /// Answers the last caller with one word and waits.
    pub const fn reply(word: u32) -> Self {
        Self::ipc(Selector::nobody(Op::REPLY_AND_WAIT), MsgTag::new(0x22, 1, 0, 0)).word(word)
    }

    /// Answers the last caller with one word.
    pub const fn answer(word: u32) -> Self {
        Self::ipc(Selector::nobody(Op::REPLY), MsgTag::new(0x22, 1, 0, 0)).word(word)
    }

    /// Waits, awake, until [`raise`] of `flag`.
    pub const fn until(flag: u32) -> Self {
        Self::of(2, flag)
    }

    /// Loads from `address`.
    pub const fn load(address: u32) -> Self {
        Self::of(3, address)
    }

    /// An instruction that does not exist.
    pub const UNDEFINED: Self = Self::of(6, 0);

    /// Sleeps.
    pub const fn sleep(us: u32) -> Self {
        Self::ipc(Selector::nobody(Op::RECEIVE), MsgTag(0)).receive(Timeout::from_us(us))
    }

    /// Sleeps by the sequence that shows it.
    pub const fn nap(us: u32) -> Self {
        let mut step = Self::sleep(us);
        step.0[0] = 5;
        step
    }

    /// Waits for the IRQ in `slot`.
    pub const fn irq(slot: u32) -> Self {
        let tag = MsgTag::new(raw::L4_PROTO_IRQ, 1, 0, 0);
        Self::ipc(CapIndex(slot).select(Op::CALL), tag).word(raw::THAW_IRQ_EOI_OP)
    }

    /// Takes one from the kernel semaphore in `slot`.
    pub const fn semaphore_down(slot: u32) -> Self {
        let tag = MsgTag::new(raw::L4_PROTO_SEMAPHORE, 1, 0, 0);
        Self::ipc(CapIndex(slot).select(Op::CALL), tag).word(0)
    }

    /// With that first message register.
    pub const fn word(mut self, word: u32) -> Self {
        self.0[5] = word;
        self
    }

    /// With a typed item behind the first word.
    pub const fn item(mut self, slot: u32) -> Self {
        let item = thaw_l4::SendItem::capability(CapIndex(slot), raw::L4_CAP_FPAGE_RWS, 0);
        self.0[6] = item.base;
        self.0[7] = item.fpage.0;
        self
    }

    /// With a typed item behind the first word, whose capability its sender has no more then.
    pub const fn grant(self, slot: u32) -> Self {
        let mut step = self.item(slot);
        step.0[6] |= raw::L4_MAP_ITEM_GRANT;
        step
    }

    /// With the page at that address behind the first word.
    pub const fn page(mut self, address: u32) -> Self {
        self.0[6] = address | raw::L4_ITEM_MAP;
        self.0[7] = Fpage::memory(address, 12, raw::L4_FPAGE_RO).0;
        self
    }

    /// With that first buffer register.
    pub const fn buffer(mut self, buffer: u32) -> Self {
        self.0[10] = buffer;
        self
    }

    /// With a buffer for the page at that address.
    pub const fn page_buffer(mut self, address: u32) -> Self {
        self.0[10] = raw::L4_ITEM_MAP;
        self.0[11] = Fpage::memory(address, 12, raw::L4_FPAGE_RWX).0;
        self
    }

    /// Until a time of the kernel's clock, in microseconds.
    pub const fn until_time(mut self, us: u32) -> Self {
        self.0[3] = 0x8000;
        self.0[10] = us;
        self
    }

    /// With a label for a bare thread capability.
    pub const fn label(mut self, label: u32) -> Self {
        self.0[4] = label;
        self
    }

    /// With a receive timeout.
    pub const fn receive(mut self, timeout: Timeout) -> Self {
        self.0[3] = Timeouts::new(Timeouts(self.0[3]).send(), timeout).0;
        self
    }

    /// With a send timeout.
    pub const fn send(mut self, timeout: Timeout) -> Self {
        self.0[3] = Timeouts::new(timeout, Timeouts(self.0[3]).receive()).0;
        self
    }

    /// In Thumb state.
    pub const fn thumb(mut self) -> Self {
        self.0[0] = 4;
        self
    }
}

fn word_address(i: usize) -> u32 {
    &raw const rs_words as u32 + 4 * i as u32
}

/// Where thread `i` begins: stack pointer.
pub fn script(i: usize) -> u32 {
    assert!(i < THREADS, "no such script");
    &raw const rs_scripts as u32 + (i * STEPS * STEP_WORDS * 4) as u32
}

/// First instruction of every thread.
pub fn entry() -> u32 {
    &raw const rs_code as u32
}

/// Writes the script of thread `i`; what is not used sleeps for ever.
pub fn write(i: usize, steps: &[Step]) {
    assert!(steps.len() < STEPS, "script is too long");
    let in_memory = |step: &Step, word: usize| match (step.0[0], word) {
        (2, 1) => Some(word_address(step.0[1] as usize)),
        _ => step.0.get(word).copied(),
    };
    for step in 0..STEPS {
        for word in 0..STEP_WORDS {
            let value = steps.get(step).and_then(|step| in_memory(step, word)).unwrap_or(0);
            store(script(i) + ((step * STEP_WORDS + word) * 4) as u32, value);
        }
    }
}

/// Word `word` of step `step` of thread `i`.
pub fn result(i: usize, step: usize, word: usize) -> u32 {
    peek(script(i) + ((step * STEP_WORDS + word) * 4) as u32).unwrap_or(0)
}

/// Takes all flags down and tells the programs which system call to use.
pub fn reset(revision: Revision) {
    store(word_address(0), revision.number());
    (1..8).for_each(|flag| store(word_address(flag), 0));
}

/// Raises a flag, from 1.
pub fn raise(flag: usize) {
    assert!((1..8).contains(&flag), "no such flag");
    store(word_address(flag), 1);
}

fn store(address: u32, value: u32) {
    // SAFETY: callers compute addresses inside the words and scripts, which no Rust object lives in.
    unsafe { (address as *mut u32).write_volatile(value) }
}

/// Pages that the threads need: code first, then data; both ends page aligned.
pub fn pages() -> [(u32, u32); 2] {
    let code = &raw const rs_code as u32 & !0xfff;
    [(code, code + 8192), (&raw const rs_words as u32, &raw const rs_end as u32)]
}

/// Reads a word of the programs' memory.
pub fn peek(addr: u32) -> Option<u32> {
    let inside = pages().iter().any(|(start, end)| (*start..*end).contains(&addr)) && addr.is_multiple_of(4);
    // SAFETY: inside the pages that the threads use, aligned.
    inside.then(|| unsafe { (addr as *const u32).read_volatile() })
}
