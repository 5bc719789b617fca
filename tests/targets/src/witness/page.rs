//! A page that threads give each other in messages: memory that may be there at two addresses.
// UNSAFETY: reads and writes memory that root attached.
#![expect(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::Result;
use thaw_rt::request;

/// Words of a page.
pub const WORDS: usize = 1024;

/// A page of this program's, for good.
#[derive(Clone, Copy)]
pub struct Page(u32);

/// How many there can be.
const PAGES: usize = 4;
/// Addresses of all of them; 0 is none yet.
static MADE: [AtomicU32; PAGES] = [const { AtomicU32::new(0) }; PAGES];

impl Page {
    /// Allocates page `n`, unless it is there already.
    pub fn new(n: usize) -> Result<Self> {
        if MADE[n].load(Ordering::Acquire) == 0 {
            MADE[n].store(request::memory_alloc(4096, None)?, Ordering::Release);
        }
        Ok(Self::of(n))
    }

    /// Page `n`, which was allocated.
    #[must_use]
    pub fn of(n: usize) -> Self {
        let address = MADE[n].load(Ordering::Acquire);
        assert!(address != 0, "page was allocated");
        Self(address)
    }

    /// Its address.
    #[must_use]
    pub const fn address(self) -> u32 {
        self.0
    }

    /// Reads word `i`.
    #[must_use]
    pub fn word(self, i: usize) -> u32 {
        assert!(i < WORDS, "word of a page");
        // SAFETY: root attached a page there that is never freed; `i` is in it; no reference to it is ever made.
        unsafe { (self.0 as *const u32).add(i).read_volatile() }
    }

    /// Writes word `i`.
    pub fn set(self, i: usize, value: u32) {
        assert!(i < WORDS, "word of a page");
        // SAFETY: as above.
        unsafe { (self.0 as *mut u32).add(i).write_volatile(value) }
    }
}
