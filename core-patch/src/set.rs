//! The books of a stopped or prepared PD.

use heapless::Vec;
use l4_sys::{CapIndex, Frame, UTCB_WORDS, UtcbImage, Vfp};
use thaw_l4::{Cap, Irq};
use thaw_protocol::{Activity, IRQS_MAX, StopReport, THREADS_MAX};

use crate::host::{ObjectInfo, PdInfo, ThreadInfo};
use crate::naps::Naps;
use crate::trace::Trace;

/// Where a session is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// No session.
    Closed,
    /// The target runs.
    Open,
    /// All threads are in our hands; COMMIT resumes them.
    Stopped,
    /// All threads of a fresh PD are in our hands; COMMIT starts them.
    Prepared,
}

impl State {
    /// Operand 0 of `ErrorKind::WrongState`.
    pub(crate) const fn number(self) -> u32 {
        match self {
            Self::Closed | Self::Open => 0,
            Self::Stopped => 1,
            Self::Prepared => 2,
        }
    }
}

/// Where a thread is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phase {
    /// Runs or is blocked, our handler is not its handler.
    Free,
    /// Our handler is its handler and a trigger is out, but no exception came yet.
    Triggered,
    /// Waits in an exception that we hold.
    Held,
}

/// A message that was taken out of a receiver's queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Drained {
    pub(crate) receiver: usize,
    pub(crate) position: u32,
    pub(crate) tag: u32,
    pub(crate) label: u32,
}

/// How a thread came to rest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rest {
    /// By the trigger alone: in user code, or when its system call had ended.
    Trap,
    /// We aborted its IPC, so r0 and the UTCB's error tell where it was.
    Cancelled,
    /// Its message was taken out of a queue; r0 and r4 are not the thread's own any more.
    Drained(Drained),
    /// It waited openly and was sent an empty message; r0 and r4 are not its own any more.
    Probed,
    /// It waited for the answer of that thread and was given an empty one; r0 is not its own any more.
    Answered(usize),
    /// It waited for an IRQ that we triggered; r0 and r4 are not its own any more.
    Fired,
    /// It waited, at that place, for that semaphore of the set, and took what we raised it by; r0 is not its own any
    /// more.
    Down {
        /// Slot of the semaphore in the core's books.
        semaphore: CapIndex,
        /// Its place in the queue.
        position: u32,
    },
}

/// One thread of the set.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) info: Option<ThreadInfo>,
    pub(crate) phase: Phase,
    /// How it came to rest.
    pub(crate) rest: Rest,
    /// As a receiver: its queue was emptied.
    pub(crate) emptied: bool,
    /// As a server: it was made to answer whom it owed an answer, if anybody.
    pub(crate) answered: bool,
    /// Blocked in a system call that can only be a sleep.
    pub(crate) sleeps: bool,
    /// Stop gate mapped into the PD.
    pub(crate) gate_mapped: bool,
    /// The UTCB in our books is the thread's at the stop.
    pub(crate) utcb_saved: bool,
    /// The thread's UTCB differs from the one in our books and must be loaded.
    pub(crate) utcb_stale: bool,
    /// Blocked, in a stub, in the system call that its frame is about to make.
    pub(crate) staged: bool,
    /// Registers after a staged system call that ended before the commit.
    pub(crate) ended: Option<Frame>,
    /// Reply slot that holds its exception, on revision M.
    pub(crate) reply: Option<u32>,
    /// Registers with which the thread continues.
    pub(crate) frame: Frame,
    /// Registers at the last exception: those of a stub while one runs.
    pub(crate) last: Frame,
    pub(crate) vfp: Vfp,
    pub(crate) utcb: UtcbImage,
    pub(crate) activity: Activity,
}

impl Entry {
    const EMPTY: Self = Self {
        info: None,
        phase: Phase::Free,
        rest: Rest::Trap,
        emptied: false,
        answered: false,
        sleeps: false,
        gate_mapped: false,
        utcb_saved: false,
        utcb_stale: false,
        staged: false,
        ended: None,
        reply: None,
        frame: Frame::ZERO,
        last: Frame::ZERO,
        vfp: Vfp::ZERO,
        utcb: [0; UTCB_WORDS],
        activity: Activity::USER,
    };

    /// A thread of which nothing is known but that it exists. What belongs to the place stays.
    pub(crate) fn begin(&mut self, info: Option<ThreadInfo>) {
        self.info = info;
        self.phase = Phase::Free;
        self.rest = Rest::Trap;
        self.emptied = false;
        self.answered = false;
        self.sleeps = false;
        self.staged = false;
        self.ended = None;
        self.utcb_saved = false;
        self.utcb_stale = false;
        self.activity = Activity::USER;
    }

    /// The thread, if it has ever been started or is to be.
    pub(crate) fn live(&self) -> Option<ThreadInfo> {
        self.info.filter(|info| info.started)
    }
}

/// Pending triggers of an IRQ object, or the count of a semaphore.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct IrqEntry {
    pub(crate) cap: Cap<Irq>,
    pub(crate) slot: CapIndex,
    pub(crate) label: u32,
    pub(crate) thread: Option<usize>,
    pub(crate) pending: u32,
    /// How many of these were triggered again.
    pub(crate) returned: u32,
    /// Bound to the handler for polling.
    pub(crate) captured: bool,
    /// It is a semaphore: bound to nobody, and `pending` is its count.
    pub(crate) counts: bool,
}

/// What a filled slot of a PD leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Named {
    /// Nothing of the set.
    Other,
    /// An object, by its number in the books.
    Object(usize),
    /// A thread.
    Thread(usize),
}

/// A slot of a PD.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Filled {
    pub(crate) slot: u32,
    /// One of `slot_kind` with its bits.
    pub(crate) kind: u32,
    pub(crate) badge: u32,
    pub(crate) named: Named,
}

/// Objects of a PD that are remembered during a stop.
pub(crate) const OBJECTS_MAX: usize = thaw_protocol::GATES_MAX + IRQS_MAX;

/// Filled slots of a PD that are remembered: its objects, four for each thread, the fixed ones.
pub(crate) const SLOTS_MAX: usize = OBJECTS_MAX + 4 * THREADS_MAX + 32;

/// The one PD that can be stopped or prepared at a time, with all its threads.
///
/// About 90 KiB: the host keeps it in static memory.
pub struct Set {
    pub(crate) state: State,
    pub(crate) owner: u32,
    pub(crate) session: u32,
    pub(crate) pd: Option<PdInfo>,
    pub(crate) window_mapped: bool,
    /// Reply slots in use, one bit each.
    pub(crate) replies: u128,
    /// Reply slot that holds the barrier thread's call.
    pub(crate) barrier_reply: Option<u32>,
    /// The barrier thread waits for our answer.
    pub(crate) barrier_waits: bool,
    pub(crate) entries: [Entry; THREADS_MAX],
    pub(crate) irqs: Vec<IrqEntry, IRQS_MAX>,
    pub(crate) objects: Vec<ObjectInfo, OBJECTS_MAX>,
    /// The books hold what was found at a stop, also after the threads went on.
    pub(crate) snapshot: bool,
    /// Everybody stands as before the stop and some may run already: only letting go is left to do.
    pub(crate) letting_go: bool,
    /// Filled slots at the last stop, in order.
    pub(crate) slots: Vec<Filled, SLOTS_MAX>,
    pub(crate) naps: Naps,
    pub(crate) report: StopReport,
    pub(crate) trace: Trace,
}

impl Set {
    /// No PD.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: State::Closed,
            owner: 0,
            session: 0,
            pd: None,
            window_mapped: false,
            replies: 0,
            barrier_reply: None,
            barrier_waits: false,
            entries: [const { Entry::EMPTY }; THREADS_MAX],
            irqs: Vec::new(),
            objects: Vec::new(),
            snapshot: false,
            letting_go: false,
            slots: Vec::new(),
            report: StopReport { threads: 0, cancelled: 0, drained: 0, links: 0, barriers: 0 },
            naps: Naps::new(),
            trace: Trace::new(),
        }
    }

    /// Indices of all started threads.
    pub(crate) fn live(&self) -> impl Iterator<Item = usize> + use<'_> {
        (0..THREADS_MAX).filter(|i| self.entries[*i].live().is_some())
    }

    /// Started threads in that phase, as a bit mask.
    pub(crate) fn mask(&self, phase: Phase) -> u64 {
        self.live().filter(|i| self.entries[*i].phase == phase).fold(0, |mask, i| mask | 1 << i)
    }

    /// Number of the object that the core put into a slot of the PD.
    pub(crate) fn booked_at(&self, slot: CapIndex) -> Option<usize> {
        self.objects.iter().position(|object| object.slot == slot)
    }

    /// What a slot of the PD was found to lead to, else what the core put there.
    pub(crate) fn named(&self, slot: CapIndex) -> Named {
        let found = self.slots.iter().find(|filled| filled.slot == slot.0).map(|filled| filled.named);
        found.or_else(|| self.booked_at(slot).map(Named::Object)).unwrap_or(Named::Other)
    }
}

impl Default for Set {
    fn default() -> Self {
        Self::new()
    }
}

/// Indices of the bits set in `mask`.
pub(crate) fn bits(mask: u64) -> impl Iterator<Item = usize> {
    (0..64).filter(move |i| mask & (1 << i) != 0)
}
