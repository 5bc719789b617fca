//! What the service needs from the core it lives in.

use l4_sys::CapIndex;
use thaw_l4::{Cap, Gate, Irq, Scheduler, Task, Thread};

/// A host's answer; the error is a number as in `thaw_l4::Error::number`.
pub type HostResult<T> = Result<T, u32>;

/// Fixed facts of the world that the engine lives in. Capabilities are the core's own.
#[derive(Clone, Copy)]
pub struct Env {
    /// The core's task.
    pub core_task: Cap<Task>,
    /// The scheduler.
    pub scheduler: Cap<Scheduler>,
    /// The thread that runs the engine.
    pub handler: Cap<Thread>,
    /// The barrier thread: calls the barrier gate for ever.
    pub barrier: Cap<Thread>,
    /// Gates bound to the handler, one per thread index, label [`Env::stop_label`].
    pub stop_gates: CapIndex,
    /// Slot, in a PD, of the stop gate of thread `i`: `stop_slot + i * stop_slot_stride`.
    pub stop_slot: CapIndex,
    /// See [`stop_slot`](Self::stop_slot).
    pub stop_slot_stride: u32,
    /// Address of the stop window's code page in the core.
    pub window_code: u32,
    /// Address of the stop window's data page in the core.
    pub window_data: u32,
    /// Address of the stop window in a PD: code page, then data page.
    pub pd_window: u32,
    /// [`REPLY_SLOTS`](Self::REPLY_SLOTS) empty slots of the core, used on revision M: each message that
    /// waits for its answer keeps its reply capability there. With the one implicit reply capability the
    /// kernel would complain of each exception that stays unanswered.
    pub reply_slots: CapIndex,
    /// Empty slots of a PD for capabilities that arrive while a queue is drained, two of them.
    pub scratch_slots: CapIndex,
    /// What a thread's priority is raised by during a stop; the barrier thread runs below every raised one.
    pub lift: u32,
    /// Slots of a PD that may be probed and filled: first, and end (exclusive).
    pub slots: (u32, u32),
    /// How long a pass of the barrier may take, in microseconds of the kernel's clock.
    pub barrier_us: u32,
}

impl Env {
    /// Length of [`reply_slots`](Self::reply_slots): one per thread, one for the barrier, some for strays.
    pub const REPLY_SLOTS: u32 = 80;
    /// Label of the barrier gate.
    pub const BARRIER_LABEL: u32 = 0x400;
    /// Label through which the front thread hands over a request.
    pub const COMMAND_LABEL: u32 = 0x500;
    /// Label of the stop gate of thread 0.
    pub const STOP_LABEL: u32 = 0x1000;
    /// Label under which IRQ object 0 of a stopped PD is polled.
    pub const IRQ_LABEL: u32 = 0x2000;

    /// Label of the stop gate of thread `i`.
    #[must_use]
    pub const fn stop_label(i: usize) -> u32 {
        Self::STOP_LABEL + 16 * i as u32
    }

    /// Slot of the stop gate of thread `i` in a PD.
    #[must_use]
    pub const fn stop_slot_of(&self, i: usize) -> CapIndex {
        CapIndex(self.stop_slot.0 + i as u32 * self.stop_slot_stride)
    }
}

/// A PD as the core knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PdInfo {
    /// The host's number for it.
    pub id: u32,
    /// Its task.
    pub task: Cap<Task>,
}

/// A thread as the core made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadInfo {
    /// The thread. When it has ended its slot stays empty for a while: a stop may trigger it once more before it
    /// reads the books again, and a trigger would start a thread that never ran.
    pub cap: Cap<Thread>,
    /// Address of its UTCB in the PD.
    pub utcb: u32,
    /// Its priority.
    pub priority: u32,
    /// Slot, in the PD, of its ordinary exception handler.
    pub exc_handler: CapIndex,
    /// Whether it was started. Triggering an exception on a thread that was not would start it.
    pub started: bool,
    /// Differs from that of any thread that had the index or the capability before.
    pub serial: u32,
    /// It may be that it begins in Thumb state, has not begun yet, and that the core would see to that at its first
    /// exception. See [`Host::enter_thumb`].
    pub enters_thumb: bool,
}

/// Answer to a question for thread `i`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ThreadLookup {
    /// No thread has that index or a higher one.
    End,
    /// No thread has that index.
    Hole,
    /// It exists.
    Thread(ThreadInfo),
}

/// An object that the core made for a PD.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectInfo {
    /// Its slot in the PD.
    pub slot: CapIndex,
    /// What it is.
    pub kind: ObjectKind,
    /// Badge of a gate, label of an IRQ.
    pub badge: u32,
    /// Index of the thread it is bound to, if any.
    pub thread: Option<usize>,
}

/// Kinds of objects, with the core's capability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ObjectKind {
    /// An IPC gate.
    Gate(Cap<Gate>),
    /// An IRQ object.
    Irq(Cap<Irq>),
    /// A semaphore, which is bound to no thread.
    Semaphore(Cap<Irq>),
    /// A thread of the PD itself, [`ObjectInfo::thread`], to which messages can be sent through this slot.
    Thread,
}

/// The core that the service extends.
///
/// All methods are bounded and never wait for a target or the component.
pub trait Host {
    /// Facts that do not change.
    fn env(&self) -> Env;

    /// The PD behind label `pd`, if the client behind label `client` is its parent.
    fn pd(&mut self, client: u32, pd: u32) -> Option<PdInfo>;

    /// Whether the PD is still there. If not, its capability in the core may lead to something else by now.
    fn is_there(&mut self, _pd: PdInfo) -> bool {
        true
    }

    /// Thread `i` of a PD, from the core's own books.
    fn thread(&mut self, pd: PdInfo, i: usize) -> HostResult<ThreadLookup>;

    /// Object number `n` that the core made for the PD, `None` past the last.
    fn object(&mut self, pd: PdInfo, n: usize) -> HostResult<Option<ObjectInfo>>;

    /// Whether [`object`](Self::object) has looked into the slots. Else it tells what the core put there, and the
    /// engine looks whether that is still so, and what else there is.
    fn looks_into_slots(&self) -> bool {
        false
    }

    /// The first slot from `from` on that may be filled, `None` past the last. A host that
    /// [looks into the slots](Self::looks_into_slots) knows since its last look which are empty.
    fn maybe_filled(&mut self, _pd: PdInfo, from: CapIndex) -> HostResult<Option<CapIndex>> {
        Ok(Some(from))
    }

    /// From now on nothing of the PD is made or ended until [`thaw`](Self::thaw). A request that the core had begun
    /// is finished first; its threads make no new one, as they stand still by now. What [`object`](Self::object) tells next
    /// is not older than this; before, it may be what the PD's parent was told last.
    fn freeze(&mut self, pd: PdInfo) -> HostResult<()>;

    /// Ends [`freeze`](Self::freeze).
    fn thaw(&mut self, pd: PdInfo);

    /// Slot, in the PD, of the handler that thread `i` is left with when a stop failed while its IPC went on: it
    /// answers the triggered exception that comes when the IPC ends at once, with an empty message.
    fn late_handler(&mut self, pd: PdInfo, i: usize, info: &ThreadInfo) -> CapIndex {
        let _ = (pd, i);
        info.exc_handler
    }

    /// Notes that the PD's threads were given up in their exceptions and never run again: should its parent go
    /// before it has destroyed the PD, the core does it.
    fn abandoned(&mut self, _pd: PdInfo) {}

    /// Binds thread `i`, which was never started and is about to be, to its PD, if the core leaves that until then: the
    /// kernel keeps the task of a thread that was bound and never ran.
    fn bind(&mut self, _pd: PdInfo, _i: usize) -> HostResult<()> {
        Ok(())
    }

    /// Takes over to let thread `i`, which stands in an exception, begin in Thumb state; whether that was still to come.
    fn enter_thumb(&mut self, _pd: PdInfo, _i: usize) -> bool {
        false
    }

    /// Notes that thread `i` was started.
    fn started(&mut self, pd: PdInfo, i: usize);

    /// Reads a word of the PD's memory, `None` where none is attached.
    fn peek(&mut self, pd: PdInfo, addr: u32) -> Option<u32>;

    /// Whether every PD has a capability of the core's in that slot, to a server that answers promptly.
    fn is_fixed_slot(&self, slot: CapIndex) -> bool;

    /// Reads word `i` of the stop window's data page.
    fn window_word(&self, i: usize) -> u32;

    /// Writes word `i` of the stop window's data page.
    fn set_window_word(&self, i: usize, value: u32);

    /// Microseconds of a clock that never goes back, where there is one. Without one a sleep that is stopped
    /// starts anew each time.
    fn now_us(&self) -> Option<u64> {
        None
    }

    /// The counter by which traced steps are measured, where there is one.
    fn ticks(&self) -> Option<u64> {
        None
    }
}
