//! The user-level thread control block.
// UNSAFETY: the kernel writes the UTCB behind the compiler's back, so it is a volatile window made from a raw pointer.
#![expect(unsafe_code)]

use core::{marker::PhantomData, ptr::NonNull};

use volatile::VolatilePtr;

use crate::raw;

/// Words of a UTCB (512 bytes).
pub const UTCB_WORDS: usize = raw::THAW_UTCB_BYTES as usize / 4;

/// A copy of a whole UTCB.
pub type UtcbImage = [u32; UTCB_WORDS];

/// The calling thread's window onto its own UTCB.
///
/// Neither `Send` nor `Sync`: another thread's UTCB would show the kernel's values for a thread
/// that waits in an exception.
#[derive(Clone, Copy)]
pub struct Utcb {
    base: NonNull<[u32; UTCB_WORDS]>,
    not_send: PhantomData<*const ()>,
}

impl Utcb {
    /// Wraps the UTCB at `base`.
    ///
    /// # Safety
    ///
    /// 1. `base` points to a mapped, word-aligned UTCB for as long as the value or a copy lives.
    /// 2. Only the thread that owns the UTCB uses it.
    #[must_use]
    pub const unsafe fn from_ptr(base: NonNull<[u32; UTCB_WORDS]>) -> Self {
        Self { base, not_send: PhantomData }
    }

    fn window(&self) -> VolatilePtr<'_, [u32; UTCB_WORDS]> {
        // SAFETY: `from_ptr` was promised a mapped and aligned UTCB that outlives `self`.
        unsafe { VolatilePtr::new(self.base) }
    }

    /// Reads word `i` of the UTCB.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`UTCB_WORDS`].
    #[must_use]
    pub fn word(&self, i: usize) -> u32 {
        assert!(i < UTCB_WORDS, "utcb word out of range");
        // SAFETY: the index was checked; the element stays inside the window.
        unsafe { self.window().map(|p| p.cast::<u32>().add(i)) }.read()
    }

    /// Writes word `i` of the UTCB.
    ///
    /// # Panics
    ///
    /// If `i` is not below [`UTCB_WORDS`].
    pub fn set_word(&self, i: usize, value: u32) {
        assert!(i < UTCB_WORDS, "utcb word out of range");
        // SAFETY: the index was checked; the element stays inside the window.
        unsafe { self.window().map(|p| p.cast::<u32>().add(i)) }.write(value);
    }

    /// Message register `i` (0-62).
    #[must_use]
    pub fn mr(&self, i: usize) -> u32 {
        self.word(i)
    }

    /// Sets message register `i` (0-62).
    pub fn set_mr(&self, i: usize, value: u32) {
        self.set_word(i, value);
    }

    /// Sets buffer register `i` (0-57).
    pub fn set_br(&self, i: usize, value: u32) {
        self.set_word(raw::THAW_UTCB_BR_WORD as usize + i, value);
    }

    /// Sets the buffer descriptor.
    pub fn set_bdr(&self, value: u32) {
        self.set_word(raw::THAW_UTCB_BDR_WORD as usize, value);
    }

    /// The error of the last IPC; stale unless its tag had the error bit.
    #[must_use]
    pub fn error(&self) -> u32 {
        self.word(raw::THAW_UTCB_ERROR_WORD as usize)
    }
}
