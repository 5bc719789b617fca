//! Protection domains: the books of root.

use heapless::Vec;
use thaw_l4::{Cap, CapIndex, Gate, Irq, Task, Thread};
use thaw_native_abi::layout;

use crate::clock::PdClock;
use crate::error::{Error, Result};
use crate::label::{GENERATIONS, PDS_MAX, PdId};
use crate::line::Line;
use crate::regions::RegionMap;
use crate::start::Waiting;

/// Gates and IRQ objects of a PD at most.
pub const OBJECTS_MAX: usize = 128;
/// Sessions of a PD at most: own, log, manager, checkpoint, block.
pub const SESSIONS_MAX: usize = 5;

/// Up to 16 bytes, zero padded.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Name(pub [u32; 4]);

impl Name {
    /// The name of that text, cut after 16 bytes.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(thaw_native_abi::name_words(text))
    }
}

impl core::fmt::Display for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (bytes, len) = thaw_native_abi::name_bytes(self.0);
        for byte in &bytes[..len] {
            let shown = if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '?' };
            core::fmt::Write::write_char(f, shown)?;
        }
        Ok(())
    }
}

/// A thread that root made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadRecord {
    /// The thread.
    pub cap: Cap<Thread>,
    /// Its pager gate, bound to root's main thread.
    pub gate: CapIndex,
    /// Its priority.
    pub priority: u32,
    /// Whether it ever ran or may run at any time.
    pub started: bool,
    /// Entry in Thumb state: set until the first exception, which loads it.
    pub thumb_entry: Option<u32>,
    /// Number among all threads ever made: slots and indices are used again.
    pub serial: u32,
    /// Its name.
    pub name: Name,
}

/// A kernel object in a slot of the PD.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectKind {
    /// An IPC gate.
    Gate(Cap<Gate>),
    /// An IRQ object.
    Irq(Cap<Irq>),
    /// A semaphore.
    Semaphore(Cap<Irq>),
}

/// In [`Object::thread`]: none.
pub const NO_THREAD: u8 = u8::MAX;

impl ObjectKind {
    /// Root's slot.
    #[must_use]
    pub const fn index(self) -> CapIndex {
        match self {
            Self::Gate(cap) => cap.index(),
            Self::Irq(cap) | Self::Semaphore(cap) => cap.index(),
        }
    }
}

/// A gate or an IRQ object that root made for a PD.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Object {
    /// The PD's slot.
    pub slot: u32,
    /// What it is.
    pub kind: ObjectKind,
    /// Badge of a gate, label of an IRQ.
    pub label: u32,
    /// Index of the thread it is bound to, or [`NO_THREAD`].
    pub thread: u8,
}

impl Object {
    /// Kind and thread as they are told: [`thaw_native_abi::pd::OBJECT_GET`].
    #[must_use]
    pub const fn told(&self) -> (u32, u32) {
        use thaw_native_abi::pd;
        let kind = match self.kind {
            ObjectKind::Gate(_) => pd::object::GATE,
            ObjectKind::Irq(_) => pd::object::IRQ,
            ObjectKind::Semaphore(_) => pd::object::SEMAPHORE,
        };
        (kind, if self.thread == NO_THREAD { pd::INDEX_ANY } else { self.thread as u32 })
    }
}

/// A gate through which a PD reaches root or a service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Session {
    /// The PD's slot.
    pub slot: u32,
    /// Root's slot.
    pub gate: CapIndex,
    /// Whether root made the gate for this PD and deletes it with it.
    pub own: bool,
}

/// How far a PD is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It runs.
    Running,
    /// It asked to end, with that code.
    Exited(u32),
    /// It is being destroyed: nothing more is made for it.
    Ending,
}

/// Memory that a PD may use, in pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// What it was given.
    pub limit: u32,
    /// Its own RAM and what it gave to PDs that it made.
    pub used: u32,
}

impl Quota {
    /// Pages left.
    #[must_use]
    pub const fn left(self) -> u32 {
        self.limit.saturating_sub(self.used)
    }

    /// Takes `pages`.
    pub const fn take(&mut self, pages: u32) -> Result<()> {
        if pages > self.left() {
            return Err(Error::OverQuota);
        }
        self.used += pages;
        Ok(())
    }

    /// Gives `pages` back.
    pub const fn give(&mut self, pages: u32) {
        self.used = self.used.saturating_sub(pages);
    }
}

/// A protection domain.
pub struct Pd {
    /// Entry and generation.
    pub id: PdId,
    /// Its name.
    pub name: Name,
    /// Who made it; none for PDs of the `system` module.
    pub parent: Option<PdId>,
    /// Its task.
    pub task: Cap<Task>,
    /// Gate behind the PD's capability, in PDs that have a parent.
    pub parent_gate: Option<CapIndex>,
    /// Its sessions.
    pub sessions: Vec<Session, SESSIONS_MAX>,
    /// Highest priority of its threads.
    pub priority: u32,
    /// Its memory.
    pub quota: Quota,
    /// Its threads by index.
    pub threads: [Option<ThreadRecord>; layout::THREADS_MAX as usize],
    /// What root made for it, in order of making.
    pub objects: Vec<Object, OBJECTS_MAX>,
    /// Its memory map.
    pub regions: RegionMap,
    /// How far it is.
    pub state: State,
    /// One of its threads ended in an exception.
    pub faulted: bool,
    /// Requests that may have changed what it has.
    pub changes: u32,
    /// The checkpoint service works on it.
    pub frozen: bool,
    /// It may attach device memory and take interrupts.
    pub devices: bool,
    /// It lost its parent and runs on.
    pub orphan: bool,
    /// The checkpoint service gave its threads up: they never run again.
    pub abandoned: bool,
    /// With what it is started again when it has ended.
    pub restart: Option<Waiting>,
    /// It may order failures: for tests only.
    pub faults: bool,
    /// It announces the block service.
    pub provides_block: bool,
    /// Its clock.
    pub clock: PdClock,
    /// Its unfinished log line.
    pub line: Line,
}

/// What a new PD is made with.
#[derive(Clone, Copy, Debug)]
pub struct PdSpec {
    /// Its name.
    pub name: Name,
    /// Who makes it.
    pub parent: Option<PdId>,
    /// Its quota in pages.
    pub quota_pages: u32,
    /// Highest priority of its threads.
    pub priority: u32,
}

impl Pd {
    /// A PD with a task and nothing else.
    #[must_use]
    pub const fn new(id: PdId, spec: &PdSpec, task: Cap<Task>) -> Self {
        Self {
            id,
            name: spec.name,
            parent: spec.parent,
            task,
            parent_gate: None,
            sessions: Vec::new(),
            priority: spec.priority,
            quota: Quota { limit: spec.quota_pages, used: 0 },
            threads: [None; layout::THREADS_MAX as usize],
            objects: Vec::new(),
            regions: RegionMap::new(),
            state: State::Running,
            faulted: false,
            changes: 0,
            frozen: false,
            devices: false,
            orphan: false,
            abandoned: false,
            restart: None,
            faults: false,
            provides_block: false,
            clock: PdClock::ZERO,
            line: Line::new(),
        }
    }

    /// The thread with that index.
    pub fn thread(&self, index: u32) -> Result<&ThreadRecord> {
        self.threads.get(index as usize).and_then(Option::as_ref).ok_or(Error::NoSuchObject)
    }

    /// Highest thread index in use plus one.
    #[must_use]
    pub fn threads_end(&self) -> u32 {
        self.threads.iter().rposition(Option::is_some).map_or(0, |i| i as u32 + 1)
    }

    /// The object in that slot of the PD.
    #[must_use]
    pub fn object_at(&self, slot: u32) -> Option<&Object> {
        self.objects.iter().find(|o| o.slot == slot)
    }

    /// Refuses a change of a PD that is frozen or ends; counts it otherwise.
    pub const fn change(&mut self) -> Result<()> {
        self.changes = self.changes.wrapping_add(1);
        self.check_changeable()
    }

    /// Refuses changes of a PD that is frozen or ends.
    pub const fn check_changeable(&self) -> Result<()> {
        if self.frozen {
            return Err(Error::Frozen);
        }
        match self.state {
            State::Running => Ok(()),
            State::Exited(_) | State::Ending => Err(Error::Ending),
        }
    }
}

/// All PDs.
pub struct Pds {
    entries: [Option<Pd>; PDS_MAX],
    /// Last generation of each entry.
    generations: [u16; PDS_MAX],
}

impl Pds {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: [const { None }; PDS_MAX], generations: [0; PDS_MAX] }
    }

    /// Entry and generation for a new PD; the entry stays free until [`insert`](Self::insert).
    pub fn next_id(&mut self) -> Result<PdId> {
        let index = self.entries.iter().position(Option::is_none).ok_or(Error::TableFull)?;
        let generation = self.generations[index] % GENERATIONS + 1;
        self.generations[index] = generation;
        Ok(PdId { index: index as u8, generation })
    }

    /// Puts a PD into the entry that its id names.
    pub fn insert(&mut self, pd: Pd) {
        let index = usize::from(pd.id.index);
        self.entries[index] = Some(pd);
    }

    /// The PD with that id, if it is still there.
    pub fn get(&self, id: PdId) -> Result<&Pd> {
        let found = self.entries.get(usize::from(id.index)).and_then(Option::as_ref);
        found.filter(|pd| pd.id == id).ok_or(Error::StaleCapability)
    }

    /// As [`get`](Self::get), to change it.
    pub fn get_mut(&mut self, id: PdId) -> Result<&mut Pd> {
        let found = self.entries.get_mut(usize::from(id.index)).and_then(Option::as_mut);
        found.filter(|pd| pd.id == id).ok_or(Error::StaleCapability)
    }

    /// Takes a PD out.
    pub fn remove(&mut self, id: PdId) -> Result<()> {
        self.get(id)?;
        self.entries[usize::from(id.index)] = None;
        Ok(())
    }

    /// All PDs in order of entry.
    pub fn iter(&self) -> impl Iterator<Item = &Pd> {
        self.entries.iter().flatten()
    }

    /// All PDs in order of entry, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Pd> {
        self.entries.iter_mut().flatten()
    }
}

impl Default for Pds {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> PdSpec {
        PdSpec { name: Name::new("x"), parent: None, quota_pages: 10, priority: 10 }
    }

    #[test]
    fn a_stale_id_finds_nothing_when_the_entry_is_used_again() {
        let mut pds = Pds::new();
        let first = pds.next_id().expect("room");
        pds.insert(Pd::new(first, &spec(), Cap::new(CapIndex(0x100))));
        assert!(pds.get(first).is_ok());
        pds.remove(first).expect("there");
        assert!(pds.get(first).is_err());
        let second = pds.next_id().expect("room");
        pds.insert(Pd::new(second, &spec(), Cap::new(CapIndex(0x100))));
        assert_eq!(second.index, first.index);
        assert!(pds.get(first).is_err() && pds.get(second).is_ok());
        assert_eq!(pds.remove(first), Err(Error::StaleCapability));
    }

    #[test]
    fn the_table_has_an_end_and_generations_go_round() {
        let mut pds = Pds::new();
        for _ in 0..PDS_MAX {
            let id = pds.next_id().expect("room");
            pds.insert(Pd::new(id, &spec(), Cap::new(CapIndex(0x100))));
        }
        assert_eq!(pds.next_id(), Err(Error::TableFull));
        pds.generations[3] = GENERATIONS;
        let id = pds.iter().nth(3).expect("there").id;
        pds.remove(id).expect("there");
        assert_eq!(pds.next_id(), Ok(PdId { index: 3, generation: 1 }));
    }

    #[test]
    fn a_quota_is_never_overdrawn() {
        let mut quota = Quota { limit: 10, used: 0 };
        assert_eq!(quota.take(11), Err(Error::OverQuota));
        assert_eq!(quota.take(10), Ok(()));
        assert_eq!(quota.take(1), Err(Error::OverQuota));
        assert_eq!(quota.take(0), Ok(()));
        quota.give(3);
        assert_eq!(quota.left(), 3);
        assert_eq!(quota.take(u32::MAX), Err(Error::OverQuota));
    }

    #[test]
    fn names_show_no_control_bytes() {
        assert_eq!(std::format!("{}", Name::new("a\nb")), "a?b");
        assert_eq!(std::format!("{}", Name::new("0123456789abcdefXYZ")), "0123456789abcdef");
    }
}
