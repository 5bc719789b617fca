//! What a target is, between its own system and the image: bounded tables, no allocation.

use heapless::Vec;
use thaw_image::{Digest, MAX_DATASPACES, MAX_PAGES, MAX_REGIONS, MAX_THREADS, Name, PAGE_SIZE};
use thaw_l4::raw;

use crate::error::{Error, Result, Table};
use crate::host::{OBJECTS_MAX, Object, Region, ThreadInfo};
use crate::service::{SlotEntry, ThreadState};

/// Filled slots of a target at most: its objects, four for each thread, the fixed ones.
pub const SLOTS_MAX: usize = OBJECTS_MAX + 4 * MAX_THREADS as usize + 32;
/// Bytes of a page.
pub const PAGE_BYTES: u32 = PAGE_SIZE as u32;

/// Memory of the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BookedDataspace {
    /// The world's number for it.
    pub id: u32,
    /// Bytes.
    pub bytes: u32,
    /// Where its content is.
    pub content: Content,
}

/// Where the content of a dataspace is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// In RAM, and from this offset on in the copy of all RAM.
    Ram {
        /// The offset; whole pages.
        offset: u32,
    },
    /// In a ROM module.
    Rom {
        /// Its name.
        name: Name,
        /// Hash of its bytes, once computed.
        hash: Digest,
    },
}

impl BookedDataspace {
    /// Bytes up to the end of the last page.
    #[must_use]
    pub const fn page_bytes(&self) -> u32 {
        self.bytes.div_ceil(PAGE_BYTES) * PAGE_BYTES
    }

    /// Whether it is RAM.
    #[must_use]
    pub const fn is_ram(&self) -> bool {
        matches!(self.content, Content::Ram { .. })
    }
}

/// A thread, or a hole in their order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BookedThread {
    /// What the world knows of it; nothing for a hole.
    pub info: Option<ThreadInfo>,
    /// All that it is; nothing if it was never started.
    pub state: ThreadState,
    /// Of a system call that lasts until a time of the kernel's clock: microseconds left.
    pub left_us: Option<u64>,
}

/// A gate or IRQ object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BookedObject {
    /// What the world knows of it.
    pub object: Object,
    /// Pending triggers of an IRQ object, count of a semaphore.
    pub pending: u32,
}

/// All of a target. About 100 KiB: kept in static memory.
#[derive(PartialEq, Eq, Debug)]
pub struct Books {
    /// Name of its PD.
    pub name: Name,
    /// Badge of its PD.
    pub badge: u32,
    /// Its quota in pages.
    pub quota_pages: u32,
    /// How often what it has had been changed when it was looked at, where the world counts that.
    pub changes: Option<u32>,
    /// Its clock at the stop in microseconds.
    pub clock_us: u64,
    /// The kernel's clock at the stop in microseconds, where the world tells.
    pub kernel_us: Option<u64>,
    /// How many times it was restored.
    pub clones: u32,
    /// Its memory.
    pub dataspaces: Vec<BookedDataspace, { MAX_DATASPACES as usize }>,
    /// Its memory map in order of address; `dataspace` is an index of [`dataspaces`](Self::dataspaces).
    pub regions: Vec<Region, { MAX_REGIONS as usize }>,
    /// Its threads by index.
    pub threads: Vec<BookedThread, { MAX_THREADS as usize }>,
    /// Its gates and IRQ objects.
    pub objects: Vec<BookedObject, OBJECTS_MAX>,
    /// Its filled slots in order.
    pub slots: Vec<SlotEntry, SLOTS_MAX>,
}

impl Books {
    /// Of no target.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            name: Name::EMPTY,
            badge: 0,
            quota_pages: 0,
            changes: None,
            clock_us: 0,
            kernel_us: None,
            clones: 0,
            dataspaces: Vec::new(),
            regions: Vec::new(),
            threads: Vec::new(),
            objects: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.dataspaces.clear();
        self.regions.clear();
        self.threads.clear();
        self.objects.clear();
        self.slots.clear();
        (self.name, self.badge, self.quota_pages) = (Name::EMPTY, 0, 0);
        (self.changes, self.clock_us, self.kernel_us, self.clones) = (None, 0, None, 0);
    }

    /// Adds a dataspace; RAM gets its place behind the RAM before it.
    pub fn add_dataspace(&mut self, id: u32, bytes: u32, rom: Option<(Name, Digest)>) -> Result<()> {
        let content = match rom {
            Some((name, hash)) => Content::Rom { name, hash },
            None => Content::Ram { offset: self.ram_bytes() },
        };
        let booked = BookedDataspace { id, bytes, content };
        let most = Error::TooMany(Table::Pages, MAX_PAGES);
        if booked.is_ram() {
            let pages = u64::from(self.ram_bytes() / PAGE_BYTES) + u64::from(bytes.div_ceil(PAGE_BYTES));
            if pages > u64::from(MAX_PAGES) {
                return Err(most);
            }
        }
        self.dataspaces.push(booked).map_err(|_| Error::TooMany(Table::Dataspaces, MAX_DATASPACES))
    }

    /// Adds a region.
    pub fn add_region(&mut self, region: Region) -> Result<()> {
        self.regions.push(region).map_err(|_| Error::TooMany(Table::Regions, MAX_REGIONS))
    }

    /// Adds a thread or a hole at the next index.
    pub fn add_thread(&mut self, info: Option<ThreadInfo>) -> Result<()> {
        let thread = BookedThread { info, state: ThreadState::ZERO, left_us: None };
        self.threads.push(thread).map_err(|_| Error::TooMany(Table::Threads, MAX_THREADS))
    }

    /// Adds a gate or IRQ object.
    pub fn add_object(&mut self, object: Object, pending: u32) -> Result<()> {
        let booked = BookedObject { object, pending };
        self.objects.push(booked).map_err(|_| Error::TooMany(Table::Objects, OBJECTS_MAX as u32))
    }

    /// Adds a filled slot.
    pub fn add_slot(&mut self, entry: SlotEntry) -> Result<()> {
        self.slots.push(entry).map_err(|_| Error::TooMany(Table::Slots, SLOTS_MAX as u32))
    }

    /// Bytes of all RAM, whole pages.
    #[must_use]
    pub fn ram_bytes(&self) -> u32 {
        self.ram().map(|(_, d)| d.page_bytes()).sum()
    }

    /// All RAM with its index.
    pub fn ram(&self) -> impl Iterator<Item = (usize, &BookedDataspace)> {
        self.dataspaces.iter().enumerate().filter(|(_, d)| d.is_ram())
    }

    /// Threads that live, by index.
    pub fn live(&self) -> impl Iterator<Item = (u32, &BookedThread)> {
        (0..).zip(&self.threads).filter(|(_, t)| t.info.is_some_and(|info| info.started))
    }

    /// One bit per live thread.
    #[must_use]
    pub fn live_mask(&self) -> u64 {
        self.live().fold(0, |mask, (i, _)| mask | 1 << i)
    }

    /// Whether code runs in a dataspace.
    #[must_use]
    pub fn is_executable(&self, dataspace: usize) -> bool {
        self.regions.iter().any(|r| r.dataspace as usize == dataspace && r.rights & raw::L4_FPAGE_X != 0)
    }
}

impl Default for Books {
    fn default() -> Self {
        Self::new()
    }
}
