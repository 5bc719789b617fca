//! Memory and processor, for the library.
// UNSAFETY: reaches memory at addresses that root attached; others may write it, so it is never a reference.
#![expect(unsafe_code)]

use core::fmt;

use l4_sys::syscall;
use thaw_component::host::{CopyRoutine, Span};
use thaw_l4::faults::Faults;
use thaw_l4::{Timeout, Timeouts, ipc};
use thaw_native::Platform;
use thaw_rt::kernel;

use crate::copy;

const PAGE_BYTES: u32 = 4096;
/// Longest single sleep.
const SLEEP_MS: u32 = 1_000_000;

/// Failures of the checkpointer's own steps; nothing is ordered but in a run with `mode=faults`.
pub static FAULTS: Faults = Faults::new();

/// The machine that this program runs on.
pub struct RealPlatform {
    counter_hz: u32,
}

impl RealPlatform {
    /// Knows the counter from the info page.
    pub fn new(counter_hz: u32) -> Self {
        Self { counter_hz }
    }
}

/// Contents of a module. ROM is attached read-only and never changes.
pub fn module(span: Span) -> &'static [u8] {
    // SAFETY: root attached the module for good, all of it mapped, and nobody can write it.
    unsafe { core::slice::from_raw_parts(span.addr as usize as *const u8, span.bytes as usize) }
}

fn check(span: Span, bytes: usize) {
    assert!(bytes <= span.bytes as usize, "access within its span");
}

impl Platform for RealPlatform {
    fn copy(&self, to: Span, from: Span, routine: CopyRoutine) {
        // SAFETY: spans come from root's answers only: attached dataspaces and memory taken as spare, which
        // no Rust object lives in; parts were checked against the whole.
        unsafe { copy::copy(to, from, routine) };
    }

    fn read(&self, from: Span, to: &mut [u8]) {
        check(from, to.len());
        let words = from.addr as usize as *const u32;
        let mut chunks = to.chunks_exact_mut(4);
        let mut n = 0;
        for chunk in &mut chunks {
            // SAFETY: as for `copy`; the span is page-aligned or a page-aligned part, so its words are, too.
            let word = unsafe { words.add(n).read_volatile() };
            chunk.copy_from_slice(&word.to_le_bytes());
            n += 1;
        }
        for (i, byte) in chunks.into_remainder().iter_mut().enumerate() {
            // SAFETY: as above.
            *byte = unsafe { words.add(n).cast::<u8>().add(i).read_volatile() };
        }
    }

    fn write(&self, to: Span, from: &[u8]) {
        check(to, from.len());
        let bytes = to.addr as usize as *mut u8;
        let head = (to.addr.wrapping_neg() as usize % 4).min(from.len());
        let (head, rest) = from.split_at(head);
        for (i, byte) in head.iter().enumerate() {
            // SAFETY: as for `copy`.
            unsafe { bytes.add(i).write_volatile(*byte) };
        }
        // SAFETY: the head is shorter than the span.
        let words = unsafe { bytes.add(head.len()) }.cast::<u32>();
        let chunks = rest.chunks_exact(4);
        let tail = chunks.remainder();
        for (n, chunk) in chunks.enumerate() {
            let word = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
            // SAFETY: as above; the head led to a word boundary.
            unsafe { words.add(n).write_volatile(word) };
        }
        for (i, byte) in tail.iter().enumerate() {
            // SAFETY: as above.
            unsafe { words.add(rest.len() / 4).cast::<u8>().add(i).write_volatile(*byte) };
        }
    }

    fn touch(&self, span: Span) {
        for offset in (0..span.bytes).step_by(PAGE_BYTES as usize) {
            // SAFETY: as for `copy`; the memory is new and its contents do not matter.
            unsafe { ((span.addr + offset) as usize as *mut u32).write_volatile(0) };
        }
    }

    fn make_coherent(&self, span: Span) {
        kernel().make_coherent(span.addr, span.addr + span.bytes);
    }

    fn ticks(&self) -> Option<u64> {
        (self.counter_hz != 0).then(syscall::cntvct)
    }

    fn counter_hz(&self) -> u32 {
        self.counter_hz
    }

    fn sleep_ms(&self, ms: u32) {
        let mut left = ms;
        while left != 0 {
            let part = left.min(SLEEP_MS);
            ipc::sleep(&kernel(), Timeouts::new(Timeout::NEVER, Timeout::from_us(part * 1000)));
            left -= part;
        }
    }

    fn pause(&self, ticks: u64, turns: u32, us: u32) {
        if self.counter_hz != 0 {
            let begin = syscall::cntvct();
            while syscall::cntvct().wrapping_sub(begin) < ticks {}
        }
        (0..turns).for_each(|turn| {
            core::hint::black_box(turn);
        });
        ipc::sleep(&kernel(), Timeouts::new(Timeout::NEVER, Timeout::from_us(us)));
    }

    fn faults(&self) -> Option<&Faults> {
        Some(&FAULTS)
    }

    fn say(&self, line: fmt::Arguments<'_>) {
        thaw_log::say(line);
    }
}
