//! Pages and stacks in the test's image.
// UNSAFETY: a page is shared with threads of another task, so it is reached by volatile accesses only.
#![expect(unsafe_code)]

use core::cell::UnsafeCell;

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
