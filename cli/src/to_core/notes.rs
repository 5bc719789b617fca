//! Notes of a core file: one set of registers per thread, as 32-bit ARM Linux lays them out.
//!
//! Debuggers know cores by this layout whatever wrote them. What it has no place for (priorities,
//! signals, times) is zero.

use std::fmt::Write;

use object::elf;
use thaw_image::{Header, Thread};

use super::layout::Plan;

/// Owner of the general notes.
const CORE: &[u8] = b"CORE\0";
/// Owner of the notes about ARM's extensions.
const LINUX: &[u8] = b"LINUX\0";

/// Bytes of a process's status, and where its fields stand.
const PRSTATUS_BYTES: usize = 148;
const PRSTATUS_PID: usize = 24;
const PRSTATUS_REGISTERS: usize = 72;
/// Bytes of a process's description, and where its fields stand.
const PRPSINFO_BYTES: usize = 124;
const PRPSINFO_PID: usize = 12;
const PRPSINFO_NAME: std::ops::Range<usize> = 28..43;
const PRPSINFO_ARGUMENTS: std::ops::Range<usize> = 44..123;

const AT_PAGESZ: u32 = 6;
const AT_HWCAP: u32 = 16;
/// VFP, NEON, VFPv3, TLS register and 32 d-registers: without these a debugger ignores the VFP notes.
const HWCAP: u32 = 1 << 6 | 1 << 12 | 1 << 13 | 1 << 15 | 1 << 19;

/// Number under which a debugger lists thread 0; the others follow by index.
const FIRST_LWP: u32 = 1000;

/// Returns the number by which a debugger names a thread of the image.
pub fn lwp(index: u32) -> u32 {
    FIRST_LWP + index
}

/// Returns all notes. A debugger takes the first thread for the current one.
pub fn all(plan: &Plan, header: &Header) -> Vec<u8> {
    let mut out = vec![];
    note(&mut out, CORE, elf::NT_PRPSINFO, &prpsinfo(plan, header));
    let auxv: Vec<u8> =
        [AT_HWCAP, HWCAP, AT_PAGESZ, 4096, 0, 0].iter().flat_map(|w| w.to_le_bytes()).collect();
    note(&mut out, CORE, elf::NT_AUXV, &auxv);
    for (index, thread) in &plan.threads {
        note(&mut out, CORE, elf::NT_PRSTATUS, &prstatus(*index, thread));
        note(&mut out, LINUX, elf::NT_ARM_VFP, &vfp(thread));
        note(&mut out, LINUX, elf::NT_ARM_TLS, &thread.frame.tpidruro.to_le_bytes());
    }
    out
}

fn note(out: &mut Vec<u8>, owner: &[u8], kind: elf::NoteType, content: &[u8]) {
    for word in [owner.len() as u32, content.len() as u32, kind.0] {
        out.extend(word.to_le_bytes());
    }
    for part in [owner, content] {
        out.extend(part);
        out.resize(out.len().next_multiple_of(4), 0);
    }
}

fn put(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

fn put_text(bytes: &mut [u8], place: std::ops::Range<usize>, text: &str) {
    let length = text.len().min(place.len());
    bytes[place.start..place.start + length].copy_from_slice(&text.as_bytes()[..length]);
}

fn prpsinfo(plan: &Plan, header: &Header) -> Vec<u8> {
    let mut bytes = vec![0; PRPSINFO_BYTES];
    put(&mut bytes, PRPSINFO_PID, FIRST_LWP);
    put_text(&mut bytes, PRPSINFO_NAME, &plan.name);
    let what = format!("{} (checkpoint {})", plan.name, header.identity.generation);
    put_text(&mut bytes, PRPSINFO_ARGUMENTS, &what);
    bytes
}

fn prstatus(index: u32, thread: &Thread) -> Vec<u8> {
    let frame = &thread.frame;
    let mut bytes = vec![0; PRSTATUS_BYTES];
    put(&mut bytes, PRSTATUS_PID, lwp(index));
    // r0 to r15, status, and r0 once more where a kernel keeps it to repeat a system call.
    let rest = [frame.sp, frame.lr, frame.pc, frame.cpsr, frame.r[0]];
    for (i, word) in frame.r.iter().chain(&rest).enumerate() {
        put(&mut bytes, PRSTATUS_REGISTERS + 4 * i, *word);
    }
    // The VFP registers are valid.
    put(&mut bytes, PRSTATUS_BYTES - 4, 1);
    bytes
}

fn vfp(thread: &Thread) -> Vec<u8> {
    let words = thread.vfp.d.iter().chain([&thread.vfp.fpscr]);
    words.flat_map(|word| word.to_le_bytes()).collect()
}

/// Returns debugger commands that give each thread its name; a core has no place for it.
pub fn script(plan: &Plan) -> String {
    let mut out = String::new();
    for (number, (index, thread)) in (1..).zip(&plan.threads) {
        if !thread.name.is_empty() {
            // Writing to a string cannot fail. Thread numbers count from 1, without the holes.
            let _ = writeln!(out, "thread {number}\nthread name {}", thread.name);
        }
        let _ = writeln!(out, "# thread {number} is thread {index} of the image");
    }
    let _ = writeln!(out, "thread 1");
    out
}
