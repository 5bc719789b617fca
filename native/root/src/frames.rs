//! Page frames: which pages of RAM are free.
//!
//! One bit per page, searched first fit. Runs are physically contiguous and naturally aligned up to
//! 2 MiB, but not rounded up to a power of two: a 65 MiB dataspace takes 65 MiB. Small runs grow from
//! the bottom of RAM and large ones from the top, so that the small ones do not split the large.

/// Bytes of a page.
pub const PAGE_BYTES: u32 = 4096;
/// Most pages that can be managed: 1 GiB.
pub const PAGES_MAX: u32 = 1 << 18;
/// Largest alignment, in pages: 2 MiB, the largest mapping the kernel makes on these boards.
pub const LARGE_PAGES: u32 = 512;

const WORDS: usize = (PAGES_MAX / 32) as usize;

/// Rounds up to whole pages; `None` past the end of the address space.
#[must_use]
pub const fn pages_of(bytes: u32) -> Option<u32> {
    if bytes > u32::MAX - (PAGE_BYTES - 1) { None } else { Some(bytes.div_ceil(PAGE_BYTES)) }
}

/// The words that hold the bits of a run of pages, and which bits of them.
fn words(first: u32, pages: u32) -> impl DoubleEndedIterator<Item = (usize, u32)> {
    let end = first + pages;
    (first / 32..end.div_ceil(32)).map(move |word| {
        let (from, to) = (first.max(word * 32) % 32, (end - word * 32).min(32));
        (word as usize, (!0 >> (32 - (to - from))) << from)
    })
}

/// The free page frames of one range of RAM.
pub struct Frames {
    /// Bit set: free.
    free: [u32; WORDS],
    base: u32,
    pages: u32,
    free_pages: u32,
    total_pages: u32,
}

impl Frames {
    /// No RAM at all.
    #[must_use]
    pub const fn new() -> Self {
        Self { free: [0; WORDS], base: 0, pages: 0, free_pages: 0, total_pages: 0 }
    }

    /// Sets the range that is managed, nothing of it free yet; what lies past [`PAGES_MAX`] stays unused.
    pub fn set_range(&mut self, base: u32, bytes: u32) {
        self.base = base & !(PAGE_BYTES - 1);
        self.pages = (bytes / PAGE_BYTES).min(PAGES_MAX);
    }

    /// Adds the whole pages inside `start..=last` to the free ones.
    pub fn add(&mut self, start: u32, last: u32) {
        self.each_page(start.checked_next_multiple_of(PAGE_BYTES), last.checked_add(1), true);
    }

    /// Takes every page that `start..=last` touches out of the free ones, before anything is allocated.
    pub fn reserve(&mut self, start: u32, last: u32) {
        let end = (last | (PAGE_BYTES - 1)).checked_add(1);
        self.each_page(Some(start & !(PAGE_BYTES - 1)), end, false);
    }

    fn each_page(&mut self, start: Option<u32>, end: Option<u32>, free: bool) {
        let Some(start) = start else { return };
        let first = start.max(self.base) - self.base;
        let last = end.unwrap_or(u32::MAX).saturating_sub(self.base);
        for page in first / PAGE_BYTES..(last / PAGE_BYTES).min(self.pages) {
            if self.is_free(page) != free {
                self.set(page, 1, free);
                self.total_pages = if free { self.total_pages + 1 } else { self.total_pages - 1 };
            }
        }
    }

    fn is_free(&self, page: u32) -> bool {
        self.free[(page / 32) as usize] & (1 << (page % 32)) != 0
    }

    fn set(&mut self, first: u32, pages: u32, free: bool) {
        for (word, mask) in words(first, pages) {
            let word = &mut self.free[word];
            *word = if free { *word | mask } else { *word & !mask };
        }
        self.free_pages = if free { self.free_pages + pages } else { self.free_pages - pages };
    }

    /// Pages that are free now.
    #[must_use]
    pub fn free_pages(&self) -> u32 {
        self.free_pages
    }

    /// Pages that were free at the start.
    #[must_use]
    pub fn total_pages(&self) -> u32 {
        self.total_pages
    }

    /// Addresses of all free pages.
    pub fn free_pages_list(&self) -> impl Iterator<Item = u32> {
        (0..self.pages).filter(|page| self.is_free(*page)).map(|page| self.base + page * PAGE_BYTES)
    }

    /// Takes `pages` contiguous pages, naturally aligned up to 2 MiB; returns their address.
    pub fn alloc(&mut self, pages: u32) -> Option<u32> {
        if pages == 0 || pages > self.free_pages {
            return None;
        }
        let align = pages.checked_next_power_of_two()?.min(LARGE_PAGES);
        let first =
            if pages < LARGE_PAGES { self.find_up(pages, align) } else { self.find_down(pages, align) }?;
        self.set(first, pages, false);
        Some(self.base + first * PAGE_BYTES)
    }

    /// Alignment is of the physical address, so the first candidate depends on where RAM starts.
    fn skew(&self, align: u32) -> u32 {
        (align - (self.base / PAGE_BYTES) % align) % align
    }

    fn find_up(&self, pages: u32, align: u32) -> Option<u32> {
        let mut at = self.skew(align);
        while at + pages <= self.pages {
            if at.is_multiple_of(32) && self.free[(at / 32) as usize] == 0 {
                at += align.max(32);
                continue;
            }
            match self.first_taken(at, pages) {
                None => return Some(at),
                Some(taken) => at += (taken + 1 - at).next_multiple_of(align),
            }
        }
        None
    }

    fn find_down(&self, pages: u32, align: u32) -> Option<u32> {
        let skew = self.skew(align);
        let highest = self.pages.checked_sub(pages)?.checked_sub(skew)?;
        let mut at = skew + highest / align * align;
        loop {
            let Some(taken) = self.last_taken(at, pages) else { return Some(at) };
            // The next candidate ends at or before the page that is taken.
            let back = (at + pages - taken).next_multiple_of(align);
            at = at.checked_sub(back).filter(|next| *next >= skew)?;
        }
    }

    fn first_taken(&self, at: u32, pages: u32) -> Option<u32> {
        let taken = |(word, mask): (usize, u32)| (word, !self.free[word] & mask);
        let (word, taken) = words(at, pages).map(taken).find(|(_, taken)| *taken != 0)?;
        Some(word as u32 * 32 + taken.trailing_zeros())
    }

    fn last_taken(&self, at: u32, pages: u32) -> Option<u32> {
        let taken = |(word, mask): (usize, u32)| (word, !self.free[word] & mask);
        let (word, taken) = words(at, pages).rev().map(taken).find(|(_, taken)| *taken != 0)?;
        Some(word as u32 * 32 + taken.ilog2())
    }

    /// Gives back what [`alloc`](Self::alloc) returned.
    ///
    /// # Panics
    ///
    /// If a page of the run is not managed or free already: root's books are wrong then.
    pub fn free(&mut self, addr: u32, pages: u32) {
        let first = addr.checked_sub(self.base).expect("frame below RAM freed") / PAGE_BYTES;
        assert!(first + pages <= self.pages, "frame beyond RAM freed");
        assert!(words(first, pages).all(|(word, mask)| self.free[word] & mask == 0), "frame freed twice");
        self.set(first, pages, true);
    }
}

impl Default for Frames {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: u32 = 0x4000_0000;

    fn ram(mib: u32) -> Frames {
        let mut frames = Frames::new();
        frames.set_range(BASE, mib << 20);
        frames.add(BASE, BASE + (mib << 20) - 1);
        frames
    }

    #[test]
    fn reserved_ranges_are_rounded_outwards_and_free_ones_inwards() {
        let mut frames = Frames::new();
        frames.set_range(BASE, 16 << 12);
        frames.add(BASE + 1, BASE + 0xefff);
        assert_eq!(frames.total_pages(), 14);
        frames.reserve(BASE + 0x2fff, BASE + 0x3000);
        assert_eq!((frames.total_pages(), frames.free_pages()), (12, 12));
        frames.reserve(0, BASE - 1);
        assert_eq!(frames.free_pages(), 12);
        frames.reserve(BASE + 0xf000, u32::MAX);
        assert_eq!(frames.free_pages(), 12);
    }

    #[test]
    fn small_runs_from_below_large_from_above_all_aligned() {
        let mut frames = ram(16);
        assert_eq!(frames.alloc(1), Some(BASE));
        assert_eq!(frames.alloc(3), Some(BASE + 0x4000));
        assert_eq!(frames.alloc(1), Some(BASE + 0x1000));
        let large = frames.alloc(513).expect("there is room");
        assert_eq!(large % (2 << 20), 0);
        assert_eq!(large, BASE + (12 << 20));
        assert_eq!(frames.alloc(512), Some(BASE + (10 << 20)));
    }

    #[test]
    fn a_run_that_is_no_power_of_two_takes_only_its_pages() {
        let mut frames = ram(256);
        assert!(frames.alloc(130 << 8).is_some());
        assert_eq!(frames.free_pages(), 126 << 8);
        assert!(frames.alloc(126 << 8).is_some(), "the rest is one run");
        assert_eq!(frames.free_pages(), 0);
        assert_eq!(frames.alloc(1), None);
    }

    #[test]
    fn ram_that_starts_unaligned_still_gives_aligned_runs() {
        let mut frames = Frames::new();
        frames.set_range(BASE + 0x3000, 8 << 20);
        frames.add(BASE, BASE + (9 << 20));
        for pages in [512, 8, 1024] {
            let addr = frames.alloc(pages).expect("room");
            assert_eq!(addr % (pages.next_power_of_two().min(512) << 12), 0, "{pages} pages at {addr:#x}");
        }
    }

    #[test]
    fn everything_comes_back() {
        let mut frames = ram(8);
        let total = frames.free_pages();
        let mut taken = Vec::new();
        for pages in (1..40).cycle() {
            match frames.alloc(pages) {
                Some(addr) => taken.push((addr, pages)),
                None => break,
            }
        }
        taken.sort_unstable();
        for pair in taken.windows(2) {
            assert!(pair[0].0 + pair[0].1 * PAGE_BYTES <= pair[1].0, "runs overlap");
        }
        for (addr, pages) in taken {
            frames.free(addr, pages);
        }
        assert_eq!(frames.free_pages(), total);
        assert_eq!(frames.alloc(total), Some(BASE));
    }

    #[test]
    #[should_panic(expected = "freed twice")]
    fn a_double_free_is_noticed() {
        let mut frames = ram(1);
        let addr = frames.alloc(2).expect("room");
        frames.free(addr, 2);
        frames.free(addr, 1);
    }

    #[test]
    fn absurd_sizes_are_refused() {
        let mut frames = ram(1);
        for pages in [0, 257, u32::MAX, 1 << 31] {
            assert_eq!(frames.alloc(pages), None);
        }
        assert_eq!(pages_of(u32::MAX), None);
        assert_eq!(pages_of(1), Some(1));
        assert_eq!(pages_of(0), Some(0));
    }
}
