//! Large values in static memory, handed out once.
// UNSAFETY: a static that is borrowed mutably, by one caller.
#![expect(unsafe_code)]

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// A value that one caller may have for ever.
pub struct Once<T> {
    value: UnsafeCell<T>,
    taken: AtomicBool,
}

// SAFETY: `take` moves the value to one caller only, whichever thread that is.
unsafe impl<T: Send> Sync for Once<T> {}

impl<T> Once<T> {
    /// Holds `value` until it is taken.
    pub const fn new(value: T) -> Self {
        Self { value: UnsafeCell::new(value), taken: AtomicBool::new(false) }
    }

    /// The value, for the first caller.
    #[expect(clippy::mut_from_ref, reason = "the flag lets one caller through, for good")]
    pub fn take(&'static self) -> Option<&'static mut T> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: the swap lets one caller through, so this is the only reference there will ever be.
        Some(unsafe { &mut *self.value.get() })
    }
}
