//! Threads: what is stored of one, and the small things done with it.

use crate::{
    arch::{entry::Regs, vfp},
    caps::Cap,
    ipc::{Op, Sender, SenderLink, Slot},
    kernel::Kernel,
    mem::frames::Frame,
    object::{Head, IrqId, Obj, TaskId, ThreadId},
    pure::tag::Tag,
};
use l4_sys::raw as abi;

/// No handler capability.
pub const NO_HANDLER: u32 = !0;
/// Initial program status: user mode, asynchronous aborts masked (bit 8), as the real kernels do.
pub const USER_PSR: u32 = 0x110;
/// Default time slice in microseconds.
pub const TIME_SLICE_US: u64 = 10_000;

/// Where a thread's UTCB is in kernel memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Utcb {
    /// The frame,
    pub frame: Frame,
    /// and the first word in it.
    pub word: u32,
}

/// Phase of an IPC operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Not in IPC, or done with it.
    None,
    /// Queued at a receiver or a gate.
    Sending,
    /// Ready to be given a message.
    Waiting,
    /// Has taken a queued message and not run since.
    Taking,
}

/// What a thread does when it is next chosen to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// Goes (back) to user mode.
    User,
    /// Looks whether its send has been taken or is over.
    Send,
    /// Looks whether its gate has got a thread.
    Gate,
    /// Starts an operation that only receives.
    Listen,
    /// Enters the receive phase: its partner has been let go.
    Receive,
    /// Is done with receiving, one way or the other.
    Finish,
    /// Looks whether the semaphore came up.
    Semaphore,
    /// The idle thread
    Idle,
}

/// Conditions that end or accompany waiting.
#[derive(Clone, Copy, Default, Debug)]
pub struct Flags {
    /// May run.
    pub ready: bool,
    /// `ex_regs` wants the current operation aborted.
    pub cancel: bool,
    /// The operation's timeout has passed.
    pub timed_out: bool,
    /// The receiver could not take the message.
    pub transfer_failed: bool,
    /// In its exception IPC.
    pub in_exception: bool,
    /// Raises an exception before it next enters user mode.
    pub trigger: bool,
    /// Never started.
    pub fresh: bool,
    /// Kills itself before it next enters user mode.
    pub dying: bool,
    /// Has killed itself; only capabilities keep it.
    pub dead: bool,
}

/// Pending fault of a thread: words 0 and 1 of its exception message.
#[derive(Clone, Copy, Default, Debug)]
pub struct Fault {
    /// Fault address
    pub addr: u32,
    /// Fault status with its class
    pub err: u32,
}

/// Place in the ready list and time slice.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Priority
    pub prio: u32,
    /// Time slice
    pub quantum: u64,
    /// What is left of it
    pub left: u64,
    /// Whether it has been given to the scheduler.
    pub placed: bool,
    /// In the ready list.
    pub listed: bool,
    /// Neighbours there.
    pub next: Option<ThreadId>,
    /// Neighbours there.
    pub prev: Option<ThreadId>,
    /// Consumed time
    pub consumed: u64,
}

/// A thread.
pub struct Thread {
    /// Common part
    pub head: Head,
    /// User registers
    pub regs: Regs,
    /// Word 17 of its exception message.
    pub kernel_lr: u32,
    /// Its task, once bound.
    pub task: Option<TaskId>,
    /// Its UTCB in kernel memory.
    pub utcb: Option<Utcb>,
    /// User read-only thread register
    pub tpidruro: u32,
    /// User thread register: the UTCB pointer
    pub tpidrurw: u32,
    /// Slot of the pager in its own task.
    pub pager: u32,
    /// Slot of the exception handler in its own task.
    pub handler: u32,
    /// Conditions
    pub flags: Flags,
    /// Phase of its IPC
    pub phase: Phase,
    /// What it does next
    pub next: Next,
    /// The IPC operation it is in
    pub op: Op,
    /// Its fault, if the operation tells of one
    pub fault: Fault,
    /// Who it takes messages from: `None` anyone.
    pub partner: Option<Sender>,
    /// First of those who queue to send to it.
    pub senders: Option<Sender>,
    /// Its own place in such a queue.
    pub link: SenderLink,
    /// Whom it may answer, without naming a slot.
    pub reply: Option<(ThreadId, u8)>,
    /// Slot that the next caller is remembered in.
    pub reply_slot: Slot,
    /// The slot in which it is remembered itself.
    pub remembered_in: Option<Slot>,
    /// Scheduling
    pub sched: Schedule,
    /// When its wait ends
    pub timeout: Option<u64>,
    /// Next in the list of timeouts
    pub timeout_next: Option<ThreadId>,
    /// VFP state, unless it is in the unit or there is none.
    pub vfp: Option<vfp::State>,
    /// Told when a gate to this thread goes.
    pub deletion_irq: Option<IrqId>,
}

impl Thread {
    /// A thread that has never run.
    #[must_use]
    pub fn new(head: Head) -> Self {
        Self {
            head,
            regs: Regs { psr: USER_PSR, ..Regs::default() },
            kernel_lr: 0,
            task: None,
            utcb: None,
            tpidruro: 0,
            tpidrurw: 0,
            pager: NO_HANDLER,
            handler: NO_HANDLER,
            flags: Flags { fresh: true, ..Flags::default() },
            phase: Phase::None,
            next: Next::User,
            op: Op::default(),
            fault: Fault::default(),
            partner: None,
            senders: None,
            link: SenderLink::default(),
            reply: None,
            reply_slot: Slot::Implicit,
            remembered_in: None,
            sched: Schedule {
                prio: 1,
                quantum: TIME_SLICE_US,
                left: TIME_SLICE_US,
                placed: false,
                listed: false,
                next: None,
                prev: None,
                consumed: 0,
            },
            timeout: None,
            timeout_next: None,
            vfp: None,
            deletion_irq: None,
        }
    }

    /// Takes a program status from user mode: flags and instruction set are its own, mode and
    /// interrupt masks are not.
    pub fn set_psr(&mut self, psr: u32) {
        self.regs.psr = psr & !0x1df | USER_PSR;
    }

    /// User pc as `ex_regs` shows it: bit 0 tells Thumb.
    #[must_use]
    pub const fn user_pc(&self) -> u32 {
        self.regs.pc | self.regs.psr >> 5 & 1
    }

    /// Sets the user pc; bit 0 chooses Thumb.
    pub fn set_user_pc(&mut self, pc: u32) {
        self.regs.pc = pc & !1;
        self.regs.psr = self.regs.psr & !0x20 | (pc & 1) << 5;
    }
}

impl Kernel {
    /// A word of a thread's UTCB.
    #[must_use]
    pub fn utcb(&self, thread: ThreadId, word: u32) -> u32 {
        match self.threads.get(thread).and_then(|t| t.utcb) {
            Some(utcb) => self.frames.get(utcb.frame, utcb.word + word),
            None => 0,
        }
    }

    /// Writes a word of a thread's UTCB.
    pub fn set_utcb(&mut self, thread: ThreadId, word: u32, value: u32) {
        assert!(word < 128, "UTCB word {word}");
        if let Some(utcb) = self.threads.get(thread).and_then(|t| t.utcb) {
            self.frames.set(utcb.frame, utcb.word + word, value);
        }
    }

    /// Buffer register `n` of a thread.
    #[must_use]
    pub fn buffer(&self, thread: ThreadId, n: u32) -> u32 {
        self.utcb(thread, abi::THAW_UTCB_BR_WORD + n)
    }

    /// Sets the IPC error word.
    pub fn set_ipc_error(&mut self, thread: ThreadId, error: u32) {
        self.set_utcb(thread, abi::THAW_UTCB_ERROR_WORD, error);
    }

    /// The capability at `index` of the thread's own task.
    #[must_use]
    pub fn own_cap(&self, thread: ThreadId, index: u32) -> Option<Cap> {
        self.cap(self.threads.get(thread)?.task?, index)
    }

    /// The thread behind item `n` of a message to a kernel object.
    #[must_use]
    pub fn item_object(&self, thread: ThreadId, tag: Tag, n: u32) -> ItemObject {
        let at = tag.words() + n * 2;
        if n >= tag.items() || at + 1 >= abi::L4_UTCB_GENERIC_DATA_SIZE || self.utcb(thread, at) == 0 {
            return ItemObject::Void;
        }
        let fpage = crate::pure::flexpage::Flexpage(self.utcb(thread, at + 1));
        if fpage.0 >> 4 & 3 != abi::L4_FPAGE_OBJ {
            return ItemObject::NotACap;
        }
        match self.own_cap(thread, fpage.index()) {
            Some(cap) => ItemObject::Cap(cap),
            None => ItemObject::Missing,
        }
    }

    /// VFP state: spills the unit if it holds this thread's.
    pub fn vfp_spill(&mut self, thread: ThreadId) {
        if self.vfp_owner == Some(thread) {
            vfp::enable(true);
            let mut state = vfp::State::ZERO;
            vfp::save(&mut state);
            vfp::enable(false);
            self.vfp_owner = None;
            if let Some(t) = self.threads.get_mut(thread) {
                t.vfp = Some(state);
            }
        }
    }

    /// The running thread used the VFP unit without having it.
    pub fn vfp_claim(&mut self, thread: ThreadId) {
        if let Some(owner) = self.vfp_owner {
            self.vfp_spill(owner);
        }
        vfp::enable(true);
        vfp::load(self.threads[thread].vfp.as_ref().unwrap_or(&vfp::State::ZERO));
        self.vfp_owner = Some(thread);
    }

    /// The VFP state moves with a message: the sender has none afterwards.
    pub fn vfp_move(&mut self, from: ThreadId, to: ThreadId) {
        self.vfp_spill(from);
        self.vfp_spill(to);
        let state = self.threads[from].vfp.take();
        self.threads[to].vfp = state;
    }

    /// Whether the object is this thread's own task's business: a gate bound to a thread of it.
    #[must_use]
    pub fn is_local_gate(&self, obj: Obj, task: Option<TaskId>) -> bool {
        let Obj::Gate(gate) = obj else { return false };
        let thread = self.gates.get(gate).and_then(|g| g.thread);
        task.is_some() && thread.and_then(|t| self.threads.get(t)).is_some_and(|t| t.task == task)
    }
}

/// What an item of a message to a kernel object names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ItemObject {
    /// A capability.
    Cap(Cap),
    /// No item, or an empty one.
    Void,
    /// An empty slot.
    Missing,
    /// Something that is not an object flexpage.
    NotACap,
}
