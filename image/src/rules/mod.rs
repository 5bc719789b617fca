//! What must hold between the records of an image.
//!
//! The same rules run before a record is written and after one is read. They see the records in
//! table order and keep a bounded amount of state, below 2 KiB.

mod memory;
mod threads;

use crate::record::{At, External, Kind, Object, Rights, Role, Slot, SlotObject, Target};
use crate::{
    Abi, Bound, MAX_DATASPACES, MAX_EXTENTS, MAX_EXTERNALS, MAX_GATES, MAX_IRQS, MAX_OBJECTS, MAX_REGIONS,
    MAX_SLOT_INDEX, MAX_SLOTS, MAX_TARGETS, MAX_THREADS, Refusal,
};

use memory::Memory;
use threads::Threads;

/// How much there is of everything in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Summary {
    counts: [u32; Kind::Extent as usize + 1],
    /// There is a semaphore of the native system, a thread that waits for one, or a capability that a program put
    /// into another slot or took from one.
    held: bool,
    /// There is a region map of an RM session, or a handler that a Genode component gave to its parent.
    nested: bool,
    /// There is a handler of faults in a region map of the target itself.
    faults: bool,
    /// Pages of all RAM dataspaces.
    pub pages: u32,
    /// Of these, pages that are stored.
    pub stored_pages: u32,
    /// Bytes in which they are stored.
    pub stored_bytes: u64,
}

impl Summary {
    /// Returns the number of records of a kind.
    pub const fn count(&self, kind: Kind) -> u32 {
        self.counts[kind as usize]
    }

    /// Returns the oldest minor version of the format that has these records.
    pub const fn minor(&self) -> u16 {
        match self.count(Kind::Object) {
            _ if self.faults => 4,
            _ if self.nested => 3,
            _ if self.held => 2,
            0 => 0,
            _ => 1,
        }
    }
}

/// The state of the check: what the records so far said.
pub struct Rules {
    abi: Abi,
    last: Option<(Kind, At)>,
    summary: Summary,
    memory: Memory,
    threads: Threads,
}

/// Returns the highest number of records of a kind.
pub const fn limit(kind: Kind) -> u32 {
    match kind {
        Kind::Target => MAX_TARGETS,
        Kind::External => MAX_EXTERNALS,
        Kind::Dataspace => MAX_DATASPACES,
        Kind::Region => MAX_REGIONS,
        // At most one link and one place in a queue per thread.
        Kind::Thread | Kind::Link | Kind::Queued => MAX_THREADS,
        Kind::Gate => MAX_GATES,
        Kind::Irq => MAX_IRQS,
        Kind::Object => MAX_OBJECTS,
        Kind::Slot => MAX_SLOTS,
        Kind::Extent => MAX_EXTENTS,
    }
}

/// Kinds that belong to the set as a whole and carry no protection domain.
const fn is_shared(kind: Kind) -> bool {
    matches!(kind, Kind::External | Kind::Dataspace | Kind::Link | Kind::Queued | Kind::Extent)
}

impl Rules {
    /// Starts the check of an image whose header states `abi`.
    pub fn new(abi: Abi) -> Self {
        Self { abi, last: None, summary: Summary::default(), memory: Memory::new(), threads: Threads::new() }
    }

    /// Returns the index that the next record of `kind` must have, slots excepted.
    pub fn next_index(&self, kind: Kind) -> u32 {
        self.summary.count(kind)
    }

    /// Checks place and number of a record; comes before the rules of its kind.
    pub fn enter(&mut self, kind: Kind, at: At) -> Result<(), Refusal> {
        self.check_order(kind, at)?;
        let count = self.summary.count(kind);
        if count >= limit(kind) {
            let (found, limit) = (u64::from(count) + 1, limit(kind).into());
            return Err(Refusal::Limit { bound: Bound::Records(kind), found, limit });
        }
        let pds = self.summary.count(Kind::Target);
        let known = match kind {
            Kind::Target => at.pd == at.index,
            _ if is_shared(kind) => at.pd == 0,
            _ => at.pd < pds,
        };
        if !known {
            return Err(Refusal::Reference { kind, index: at.index, to: Kind::Target, target: at.pd });
        }
        self.summary.counts[kind as usize] += 1;
        self.last = Some((kind, at));
        Ok(())
    }

    /// Kinds ascend. Slots ascend by protection domain and index; all others are numbered densely,
    /// so that an index is valid exactly if it is below the count.
    fn check_order(&self, kind: Kind, at: At) -> Result<(), Refusal> {
        let index = at.index;
        if self.last.is_some_and(|(last, _)| kind < last) {
            return Err(Refusal::Order { kind, index });
        }
        if kind != Kind::Slot {
            let next = self.next_index(kind);
            return match index {
                _ if index == next => Ok(()),
                _ if index < next => Err(Refusal::Duplicate { kind, index }),
                _ => Err(Refusal::Order { kind, index }),
            };
        }
        match self.last {
            Some((Kind::Slot, last)) if last == at => Err(Refusal::Duplicate { kind, index }),
            Some((Kind::Slot, last)) if (last.pd, last.index) > (at.pd, index) => {
                Err(Refusal::Order { kind, index })
            }
            _ => Ok(()),
        }
    }

    /// Checks what only the end of the table shows; `table_offset` is where the pages end.
    pub fn finish(&self, table_offset: u64) -> Result<Summary, Refusal> {
        if self.summary.count(Kind::Target) == 0 {
            return Err(Refusal::Missing { kind: Kind::Target, index: 0 });
        }
        self.threads.finish(&self.summary)?;
        let end = self.memory.finish(&self.summary)?;
        if end != table_offset {
            return Err(Refusal::HeaderField { field: "table_offset", value: table_offset });
        }
        Ok(self.summary)
    }

    pub(crate) fn target(&self, at: At, target: &Target) -> Result<(), Refusal> {
        if target.abi != self.abi {
            return contradiction(Kind::Target, at, "abi-equal");
        }
        if target.name.is_empty() {
            return contradiction(Kind::Target, at, "target-named");
        }
        Ok(())
    }

    pub(crate) fn external(&self, at: At, external: &External) -> Result<(), Refusal> {
        if external.service.is_empty() {
            return contradiction(Kind::External, at, "service-named");
        }
        Ok(())
    }

    /// Checks the thread that a gate or IRQ is bound to.
    pub(crate) fn receiver(&self, kind: Kind, at: At, thread: Option<u32>) -> Result<(), Refusal> {
        thread.map_or(Ok(()), |thread| self.reference(kind, at, Kind::Thread, thread))
    }

    pub(crate) fn object(&mut self, at: At, object: &Object) -> Result<(), Refusal> {
        if !object.badge.is_multiple_of(4) {
            return at.field(Kind::Object, "badge", object.badge);
        }
        self.summary.held |= matches!(object.role, Role::NativeSemaphore { .. });
        if matches!(object.role, Role::Quota { .. }) && object.badge != 0 {
            return contradiction(Kind::Object, at, "quota-unbadged");
        }
        self.nested(at, object.role)?;
        object.role.names().map_or(Ok(()), |(to, index)| self.reference(Kind::Object, at, to, index))
    }

    pub(crate) fn slot(&mut self, at: At, slot: &Slot) -> Result<(), Refusal> {
        if slot.slot >= MAX_SLOT_INDEX {
            return at.field(Kind::Slot, "index", slot.slot);
        }
        if slot.rights.has(Rights::SERVER) && !matches!(slot.object, SlotObject::Gate(_)) {
            return contradiction(Kind::Slot, at, "server-right-of-gate");
        }
        let copy = slot.rights.has(Rights::COPY);
        if copy && !matches!(slot.object, SlotObject::Gate(_) | SlotObject::Irq(_) | SlotObject::Object(_)) {
            return contradiction(Kind::Slot, at, "copy-of-object");
        }
        self.summary.held |= copy || !slot.rights.has(Rights::R);
        match slot.object {
            SlotObject::Gate(gate) => self.reference(Kind::Slot, at, Kind::Gate, gate),
            SlotObject::Irq(irq) => self.reference(Kind::Slot, at, Kind::Irq, irq),
            SlotObject::Thread(thread) => self.reference(Kind::Slot, at, Kind::Thread, thread),
            SlotObject::Object(object) => self.reference(Kind::Slot, at, Kind::Object, object),
            SlotObject::External(external) => self.reference(Kind::Slot, at, Kind::External, external),
            SlotObject::PagerGate | SlotObject::Service(_) | SlotObject::Task | SlotObject::Log => Ok(()),
        }
    }

    fn reference(&self, kind: Kind, at: At, to: Kind, target: u32) -> Result<(), Refusal> {
        if target < self.summary.count(to) {
            return Ok(());
        }
        Err(Refusal::Reference { kind, index: at.index, to, target })
    }
}

fn contradiction<T>(kind: Kind, at: At, rule: &'static str) -> Result<T, Refusal> {
    Err(Refusal::Contradiction { kind, index: at.index, rule })
}
