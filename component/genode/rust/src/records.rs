//! What a target is, between core and the image: bounded tables, no allocation.

use heapless::Vec;
use thaw_component::service::ThreadState;
use thaw_image::{Digest, Hasher, MAX_DATASPACES, MAX_REGIONS, MAX_THREADS, Name, PAGE_SIZE};

use crate::error::{Error, Result};
use crate::world::{Handlers, Nested, Region, SessionInfo, Slot, ThreadInfo};

/// Filled slots at most.
pub const SLOTS_MAX: usize = 1024;
/// Region maps of RM sessions at most.
pub const MAPS_MAX: usize = 32;
/// Sessions at most.
pub const SESSIONS_MAX: usize = 64;
/// Bytes of a page.
pub const PAGE: u32 = PAGE_SIZE as u32;

/// Memory of the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dataspace {
    /// Its badge.
    pub badge: u32,
    /// Its bytes.
    pub bytes: u32,
    /// Where its content is.
    pub content: Content,
}

/// Where the content of a dataspace is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    /// In RAM, and from this offset on in the copy of all RAM.
    Ram(u32),
    /// In the module of a session: name, and hash of its bytes.
    Rom(Name, Digest),
    /// In what is attached in a region map.
    Managed,
}

impl Dataspace {
    /// Bytes up to the end of the last page.
    pub const fn page_bytes(&self) -> u32 {
        self.bytes.div_ceil(PAGE) * PAGE
    }
}

/// A thread, or a hole in their order.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Thread {
    /// What core knows of it; nothing for a hole.
    pub info: Option<ThreadInfo>,
    /// All that it is; nothing if it was never started.
    pub state: ThreadState,
}

/// A region map of an RM session, and by which number the target names that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Map {
    /// Of the session.
    pub client_id: u32,
    /// All but what is attached in it.
    pub info: Nested,
}

/// All of a target; kept in static memory.
#[derive(PartialEq, Debug)]
pub struct Records {
    pub(crate) name: Name,
    pub(crate) parent: u32,
    pub(crate) quota: (u32, u32),
    pub(crate) clock_us: u64,
    pub(crate) clones: u32,
    pub(crate) sessions: Vec<SessionInfo, SESSIONS_MAX>,
    pub(crate) dataspaces: Vec<Dataspace, { MAX_DATASPACES as usize }>,
    pub(crate) regions: Vec<Region, { MAX_REGIONS as usize }>,
    pub(crate) maps: Vec<Map, MAPS_MAX>,
    /// What is attached in [`maps`](Self::maps).
    pub(crate) nested: Vec<Region, { MAX_REGIONS as usize }>,
    /// What [`handlers`](crate::World::handlers) tells.
    pub(crate) handlers: Handlers,
    pub(crate) threads: Vec<Thread, { MAX_THREADS as usize }>,
    pub(crate) irqs: Vec<(u32, u32), { MAX_THREADS as usize + 1 }>,
    pub(crate) slots: Vec<Slot, SLOTS_MAX>,
}

impl Records {
    /// Of no target.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            name: Name::EMPTY,
            parent: 0,
            quota: (0, 0),
            clock_us: 0,
            clones: 0,
            sessions: Vec::new(),
            dataspaces: Vec::new(),
            regions: Vec::new(),
            maps: Vec::new(),
            nested: Vec::new(),
            handlers: [0; 7],
            threads: Vec::new(),
            irqs: Vec::new(),
            slots: Vec::new(),
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        (self.name, self.parent, self.quota) = (Name::EMPTY, 0, (0, 0));
        (self.clock_us, self.clones) = (0, 0);
        self.sessions.clear();
        self.dataspaces.clear();
        self.regions.clear();
        self.maps.clear();
        self.nested.clear();
        self.handlers = [0; 7];
        self.threads.clear();
        self.irqs.clear();
        self.slots.clear();
    }

    /// Bytes of all RAM, whole pages.
    pub(crate) fn ram_bytes(&self) -> u32 {
        self.ram().map(|(_, d, _)| d.page_bytes()).sum()
    }

    /// All RAM: index, dataspace, offset in the copy.
    pub(crate) fn ram(&self) -> impl Iterator<Item = (usize, &Dataspace, u32)> {
        self.dataspaces.iter().enumerate().filter_map(|(i, d)| match d.content {
            Content::Ram(offset) => Some((i, d, offset)),
            Content::Rom(..) | Content::Managed => None,
        })
    }

    /// Index of a dataspace.
    pub(crate) fn dataspace(&self, badge: u32) -> Option<usize> {
        self.dataspaces.iter().position(|d| d.badge == badge)
    }

    /// Adds a dataspace that is not there yet; RAM, without content, gets its place behind the RAM before it.
    pub(crate) fn add_dataspace(&mut self, badge: u32, bytes: u32, content: Option<Content>) -> Result<()> {
        if self.dataspace(badge).is_some() {
            return Ok(());
        }
        let content = content.unwrap_or(Content::Ram(self.ram_bytes()));
        push(&mut self.dataspaces, Dataspace { badge, bytes, content }, "dataspaces")
    }

    /// Threads that live, by index.
    pub(crate) fn live(&self) -> impl Iterator<Item = (u32, &Thread)> {
        (0..).zip(&self.threads).filter(|(_, t)| t.info.is_some_and(|info| info.started != 0))
    }

    /// First bytes of a hash of what the target consists of, without what its threads and memory hold: equal as
    /// long as it makes and destroys nothing.
    pub(crate) fn shape(&self) -> u32 {
        let mut hasher = Hasher::new();
        let mut put = |words: &[u32]| words.iter().for_each(|word| hasher.update(&word.to_le_bytes()));
        put(&[self.parent, self.quota.0, self.quota.1]);
        self.sessions.iter().for_each(|s| put(&[s.client_id, s.badge, s.ram, s.caps, s.ds_badge]));
        self.dataspaces.iter().for_each(|d| put(&[d.badge, d.bytes]));
        put(&self.handlers);
        self.maps.iter().for_each(|m| put(&[m.client_id, m.info.badge, m.info.ds_badge, m.info.handler]));
        for r in self.regions.iter().chain(&self.nested) {
            put(&[r.addr, r.size, r.offset, r.ds_badge, r.writeable, r.executable, r.map]);
        }
        // Operand b of a signal context is how many signals are pending.
        self.slots.iter().for_each(|s| put(&[s.slot, s.badge, s.kind, s.a]));
        for info in self.threads.iter().map(|t| t.info.unwrap_or_default()) {
            put(&[info.started, info.priority, info.utcb]);
            put(&info.badges[..4]);
        }
        let [a, b, c, d, ..] = hasher.take().0;
        u32::from_be_bytes([a, b, c, d])
    }

    /// Place of the region map with that badge.
    pub(crate) fn map(&self, badge: u32) -> Option<usize> {
        self.maps.iter().position(|map| map.info.badge == badge)
    }

    /// The session whose dataspace has that badge.
    pub(crate) fn session_of(&self, ds_badge: u32) -> Option<&SessionInfo> {
        self.sessions.iter().find(|s| s.ds_badge != 0 && s.ds_badge == ds_badge)
    }
}

impl Default for Records {
    fn default() -> Self {
        Self::new()
    }
}

/// Adds to a table that may be full.
pub fn push<T, const N: usize>(table: &mut Vec<T, N>, entry: T, what: &'static str) -> Result<()> {
    table.push(entry).map_err(|_| Error::TooMany(what, N as u32))
}
