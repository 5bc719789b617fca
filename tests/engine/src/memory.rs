//! Pages and stacks in the test's image.
// UNSAFETY: a page is shared with threads of another task, so it is reached by volatile accesses only.
#![expect(unsafe_code)]

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// A page that another task may write.
#[repr(C, align(4096))]
pub struct Page(UnsafeCell<[u32; 1024]>);

// SAFETY: no reference to the contents is ever made.
unsafe impl Sync for Page {}

impl Page {
    /// Zeroes.
    pub const fn new() -> Self {
        Self(UnsafeCell::new([0; 1024]))
    }

    /// Its address.
    pub fn addr(&self) -> u32 {
        self.0.get() as u32
    }

    /// Word `i`.
    pub fn get(&self, i: usize) -> u32 {
        assert!(i < 1024, "word outside the page");
        // SAFETY: inside the page, aligned.
        unsafe { self.0.get().cast::<u32>().add(i).read_volatile() }
    }

    /// Sets word `i`.
    pub fn set(&self, i: usize, value: u32) {
        assert!(i < 1024, "word outside the page");
        // SAFETY: inside the page, aligned.
        unsafe { self.0.get().cast::<u32>().add(i).write_volatile(value) }
    }
}

/// A value too large for the stack, that one caller may have for ever.
pub struct Once<T> {
    value: UnsafeCell<T>,
    taken: AtomicBool,
}

// SAFETY: `take` gives the value to one caller only.
unsafe impl<T> Sync for Once<T> {}

impl<T> Once<T> {
    /// Holds `value` until it is taken.
    pub const fn new(value: T) -> Self {
        Self { value: UnsafeCell::new(value), taken: AtomicBool::new(false) }
    }

    /// The value, for the first caller.
    #[expect(clippy::mut_from_ref, reason = "the swap lets one caller through")]
    pub fn take(&'static self) -> Option<&'static mut T> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: the swap lets one caller through, so this is the only reference there will ever be.
        Some(unsafe { &mut *self.value.get() })
    }
}
