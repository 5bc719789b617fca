//! What the checkpointer needs from the world it runs in.

use core::fmt;

use thaw_image::Name;
use thaw_l4::faults::FaultKind;
use thaw_l4::raw;
use thaw_protocol::{GATES_MAX, IRQS_MAX};

use crate::trace::Tracer;

/// Gates and IRQ objects of a target at most.
pub const OBJECTS_MAX: usize = GATES_MAX + IRQS_MAX;

/// A refusal of the world: `thaw_l4::Error::number`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HostError(pub u32);

/// Result of a request.
pub type HostResult<T> = Result<T, HostError>;

/// What the last request of an enumeration returned.
pub type Listed<T> = HostResult<Option<T>>;

/// Memory that the checkpointer sees at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// First address.
    pub addr: u32,
    /// Bytes.
    pub bytes: u32,
}

impl Span {
    /// `bytes` bytes from `offset` on, or nothing if they are not all inside.
    #[must_use]
    pub fn part(self, offset: u32, bytes: u32) -> Option<Self> {
        let end = offset.checked_add(bytes)?;
        (end <= self.bytes).then_some(Self { addr: self.addr + offset, bytes })
    }
}

/// A PD as its parent sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PdInfo {
    /// Badge of the PD at its services.
    pub badge: u32,
    /// Pages it may use.
    pub quota_pages: u32,
    /// Whether it runs.
    pub life: Life,
    /// Its name.
    pub name: Name,
}

/// Whether a PD runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Life {
    /// It does.
    Running,
    /// It asked to end, with that code.
    Exited(u32),
    /// A thread ended in an exception that nobody handled.
    Faulted,
}

/// Something attached in a PD.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    /// First address.
    pub addr: u32,
    /// Bytes, whole pages.
    pub bytes: u32,
    /// What is attached.
    pub dataspace: u32,
    /// From where on.
    pub offset: u32,
    /// `L4_FPAGE_*`.
    pub rights: u32,
}

/// Memory that can be attached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dataspace {
    /// The world's number for it.
    pub id: u32,
    /// Bytes.
    pub bytes: u32,
    /// What it is.
    pub kind: DataspaceKind,
}

/// Kinds of dataspaces.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataspaceKind {
    /// RAM of the PD.
    Ram,
    /// A ROM module.
    Rom(Name),
    /// Anything that cannot be saved.
    Other,
}

/// A gate or an IRQ object of a PD, made by the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Object {
    /// Slot in the PD.
    pub slot: u32,
    /// What it is.
    pub kind: ObjectKind,
    /// Badge of a gate, label of an IRQ.
    pub badge: u32,
    /// Index of the thread it is bound to, [`NO_THREAD`] for a semaphore.
    pub thread: u32,
}

/// In [`Object::thread`]: none.
pub const NO_THREAD: u32 = !0;

/// Kinds of objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectKind {
    /// An IPC gate.
    Gate,
    /// An IRQ object.
    Irq,
    /// A semaphore, which is bound to no thread.
    Semaphore,
}

/// What a PD holds a further capability of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Held {
    /// The object that was made in that slot.
    Object(u32),
    /// The thread with that index.
    Thread(u32),
}

/// A thread of a PD.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadInfo {
    /// Whether it has ever been started.
    pub started: bool,
    /// Its priority.
    pub priority: u32,
    /// Its name.
    pub name: Name,
}

/// What is at a thread index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ThreadAt {
    /// A thread.
    Thread(ThreadInfo),
    /// None, but there are higher ones.
    Hole,
    /// None, and none after it.
    End,
}

/// A thread to be made, without being started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewThread {
    /// Its index.
    pub index: u32,
    /// Its priority.
    pub priority: u32,
    /// Its name.
    pub name: Name,
}

/// A capability that every PD has in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FixedSlot {
    /// A service of the world, by number.
    Service(u32),
    /// The log.
    Log,
    /// The gate to which a thread faults.
    Pager,
}

/// Free memory in pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Memory {
    /// Of the system.
    pub free_pages: u32,
    /// Left in the checkpointer's own quota.
    pub own_pages: u32,
}

/// How much of everything the world holds, to prove that nothing was left behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts(pub [u32; 8]);

impl Counts {
    /// What is counted, in order.
    pub const NAMES: [&str; 8] =
        ["pds", "threads", "gates", "irqs", "dataspaces", "regions", "slots", "free_pages"];
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, count)) in Self::NAMES.iter().zip(self.0).enumerate() {
            write!(f, "{}{name}={count}", if i == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// Routines that copy memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CopyRoutine {
    /// The one that the stop uses: the fastest known.
    Stop,
    /// The same registers, without unrolling: the fastest of the experiments.
    Loop,
    /// Eight core registers at a time, where there is no VFP.
    Core,
}

/// Whose steps fail in a test.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The part of the world that makes and destroys.
    Main,
    /// The checkpoint service.
    Service,
    /// The checkpointer itself.
    Own,
    /// The checkpointer's life: a request of it is its last.
    Life,
}

/// The world. Requests are bounded and answered without waiting for the target.
pub trait Host {
    /// Names a PD whose parent the checkpointer is.
    type Pd: Copy;

    /// Makes an empty PD.
    fn pd_create(&self, name: Name, quota_pages: u32) -> HostResult<Self::Pd>;
    /// Takes over the PD of that name whose checkpointer ended, if there is one.
    fn pd_adopt(&self, _name: Name) -> Listed<Self::Pd> {
        Ok(None)
    }
    /// Destroys a PD with everything made for it.
    fn pd_destroy(&self, pd: Self::Pd) -> HostResult<()>;
    /// Describes a PD.
    fn pd_info(&self, pd: Self::Pd) -> HostResult<PdInfo>;
    /// A number that changes whenever something of the PD is made or ended, where the world has one.
    fn changes(&self, _pd: Self::Pd) -> Option<u32> {
        None
    }
    /// Makes RAM charged to the PD; returns its id. Nobody can see any of it before all of it is filled.
    fn ram_blank(&self, pd: Self::Pd, bytes: u32) -> HostResult<u32>;
    /// Fills the next bytes of blank RAM, with what the caller has at `from` or with zeros.
    fn ram_fill(&self, pd: Self::Pd, dataspace: u32, bytes: u32, from: Option<Span>) -> HostResult<()>;
    /// Attaches a dataspace in the PD.
    fn attach(&self, pd: Self::Pd, region: &Region) -> HostResult<()>;
    /// Makes a thread that has not run.
    fn thread_create(&self, pd: Self::Pd, thread: &NewThread) -> HostResult<()>;
    /// Makes a gate with that badge.
    fn gate_create(&self, pd: Self::Pd, slot: u32, thread: u32, badge: u32) -> HostResult<()>;
    /// Makes an IRQ object with that label.
    fn irq_create(&self, pd: Self::Pd, slot: u32, thread: u32, label: u32) -> HostResult<()>;
    /// Makes a semaphore with nothing in it, in worlds that have them.
    fn semaphore_create(&self, _pd: Self::Pd, _slot: u32) -> HostResult<()> {
        Err(HostError(raw::L4_ENOSYS))
    }
    /// Fills an empty slot with what the PD has already, or with no rights empties the slot of an object.
    fn slot_set(&self, _pd: Self::Pd, _slot: u32, _rights: u32, _what: Held) -> HostResult<()> {
        Err(HostError(raw::L4_ENOSYS))
    }
    /// Region number `n` in order of address.
    fn region(&self, pd: Self::Pd, n: u32) -> Listed<Region>;
    /// Dataspace number `n` in order of id.
    fn dataspace(&self, pd: Self::Pd, n: u32) -> Listed<Dataspace>;
    /// Object number `n` made for the PD.
    fn object(&self, pd: Self::Pd, n: u32) -> Listed<Object>;
    /// The thread with that index.
    fn thread(&self, pd: Self::Pd, index: u32) -> HostResult<ThreadAt>;
    /// The PD's clock in microseconds.
    fn clock_us(&self, pd: Self::Pd) -> HostResult<u64>;
    /// The kernel's clock in microseconds, which ends absolute timeouts, where the world tells.
    fn kernel_us(&self, _pd: Self::Pd) -> Listed<u64> {
        Ok(None)
    }
    /// Sets the PD's clock.
    fn set_clock_us(&self, pd: Self::Pd, us: u64) -> HostResult<()>;

    /// Address of the UTCB of the thread with that index.
    fn utcb_addr(&self, index: u32) -> u32;
    /// What every PD has in that slot.
    fn fixed_slot(&self, slot: u32) -> Option<FixedSlot>;
    /// End of the slots that are looked at.
    fn slot_end(&self) -> u32;

    /// The ROM module of that name: id and bytes; `None` if there is none.
    fn rom(&self, name: Name) -> Listed<(u32, u32)>;
    /// Makes a dataspace visible to the checkpointer, mapped at once; `writable` if it is to be filled. When it is freed
    /// nobody sees it any more.
    fn show(&self, dataspace: u32, writable: bool) -> HostResult<Span>;
    /// Ends [`show`](Self::show).
    fn hide(&self, span: Span) -> HostResult<()>;
    /// Takes RAM for the checkpointer itself, all of it mapped.
    fn take_spare(&self, bytes: u32) -> HostResult<Span>;
    /// Gives it back.
    fn give_spare(&self, span: Span) -> HostResult<()>;
    /// How much memory is free.
    fn memory(&self) -> HostResult<Memory>;
    /// What the world holds.
    fn counts(&self) -> HostResult<Counts>;

    /// Copies `from` to the start of `to`; both are visible, page-aligned and as long as `from`.
    fn copy(&self, to: Span, from: Span, routine: CopyRoutine);
    /// Reads the start of `from`.
    fn read(&self, from: Span, to: &mut [u8]);
    /// Writes the start of `to`.
    fn write(&self, to: Span, from: &[u8]);
    /// Makes code in `span` executable for every thread.
    fn make_coherent(&self, span: Span);

    /// The counter, where there is one.
    fn ticks(&self) -> Option<u64>;
    /// The counter's frequency in hertz, 0 where there is none.
    fn counter_hz(&self) -> u32;
    /// Sleeps.
    fn sleep_ms(&self, ms: u32);
    /// Keeps the processor for that many ticks of the counter and a few turns of a loop, then sleeps.
    fn pause(&self, ticks: u64, turns: u32, us: u32);
    /// Prints a line; the caller's place is told with it where lines are recorded.
    #[track_caller]
    fn say(&self, line: fmt::Arguments<'_>);

    /// Orders that the `n`-th step from now on of that kind fails, in worlds where tests can; 0 takes an order
    /// back. Returns what was left of the order before, 0 if it was carried out.
    fn order_fault(&self, _whose: Whose, _kind: FaultKind, _n: u32) -> HostResult<u32> {
        Err(HostError(raw::L4_ENOSYS))
    }

    /// How many lives of the checkpointer were ended by order.
    fn lives(&self) -> HostResult<u32> {
        Err(HostError(raw::L4_ENOSYS))
    }

    /// Kernel objects that live, all and by kind, where the kernel tells.
    fn kernel_counts(&self) -> Listed<[u32; 7]> {
        Ok(None)
    }

    /// Where steps are recorded, in worlds that do.
    fn tracer(&self) -> Option<&Tracer> {
        None
    }
}
