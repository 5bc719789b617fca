//! Wire protocol of the privileged checkpoint service, used by both sides.
//!
//! Every request is a call through the service's gate. MR0 is the [verb], MR1 the session (except for
//! [`verb::OPEN`]), arguments follow. The reply's label is 0, or the negative number of an [`Error`]
//! whose operands are in MR0-MR2. A message has at most 63 words, so what a thread is comes in
//! [parts](part).
//!
//! A session stands for one PD. It is in one of three states: *open*, *stopped* (after
//! [`verb::STOP`]) or *prepared* (after [`verb::PREPARE`], for a fresh PD whose threads never ran).
//! [`verb::COMMIT`] continues all threads of a stopped or prepared session and leads back to *open*:
//! a resume is a restore without writing memory.
#![cfg_attr(not(test), no_std)]

mod activity;
mod error;
pub mod trace;

pub use activity::{Activity, CALL_FORGOTTEN, NO_THREAD, activity_kind};
pub use error::{Error, ErrorKind, step};

/// Threads of a PD at most.
pub const THREADS_MAX: usize = 64;
/// IRQ objects of a PD at most.
pub const IRQS_MAX: usize = 64;
/// Gates of a PD at most.
pub const GATES_MAX: usize = 64;

/// Operations of the service.
pub mod verb {
    /// Opens a session. One item: the PD's capability; the caller must be the PD's parent.
    /// Result: session.
    pub const OPEN: u32 = 1;
    /// Closes a session. A stopped target is resumed first; a prepared PD is given up as by [`ABANDON`].
    pub const CLOSE: u32 = 2;
    /// Stops all threads and learns what each was doing. Either all threads are stopped, or none and the
    /// target runs on. Result: [`StopReport`](crate::StopReport) words.
    ///
    /// In a prepared session the threads first go on to where they stand, in the kernel too; none runs in user code.
    /// If that fails the session ends and the PD can only be destroyed.
    pub const STOP: u32 = 3;
    /// Takes hold of threads of a fresh PD before their first instruction: those whose bit is set in MR2
    /// (threads 0-31) and MR3 (32-63). The others stay as they were made, never started. Every thread taken
    /// has a zero state that must be set with [`THREAD_SET`] before [`COMMIT`].
    pub const PREPARE: u32 = 4;
    /// Reads a part of a thread as it was at the last stop, also after [`COMMIT`], until the session ends or
    /// stops again. MR2 thread index, MR3 [`part`](crate::part). Result: the part.
    pub const THREAD_GET: u32 = 5;
    /// Stages a part of a thread of a prepared PD. MR2 thread index, MR3 part, then its words.
    pub const THREAD_SET: u32 = 6;
    /// Continues all threads. Everything staged is checked before the first thread runs; on an error no
    /// thread of a prepared PD has run.
    pub const COMMIT: u32 = 7;
    /// Pending triggers of IRQ object number MR2 (in the order of root's books) of a stopped PD.
    /// Result: slot, pending count. [`ErrorKind::NoSuchObject`](crate::ErrorKind) past the last.
    pub const IRQ_GET: u32 = 8;
    /// Stages the pending triggers of the IRQ object in slot MR2 of a prepared PD. MR3 count.
    pub const IRQ_SET: u32 = 9;
    /// Identities of filled slots from MR2 on, after a stop as they were then; before one, at most [`PROBE_SLOTS`](crate::PROBE_SLOTS) looked at.
    /// Result: number of slots looked at, number of entries, then per entry slot, kind, badge.
    pub const SLOT_PROBE: u32 = 10;
    /// Installs a capability that the caller holds and passes (one item) into slot MR2 of a prepared PD
    /// with the rights in MR3. The slot must be empty.
    pub const SLOT_INSTALL: u32 = 11;
    /// Gives up a stopped or prepared session and closes it: its threads stay in their exceptions and never
    /// run again. For a parent that destroys the PD next.
    pub const ABANDON: u32 = 12;
    /// Switches the caller's trace: MR1 1 on and empty, 0 off. No session is needed; steps are recorded while
    /// a session of the caller is open.
    pub const TRACE: u32 = 32;
    /// Reads the caller's trace. MR1 number of a record, from 0. Result: number of the first record that
    /// follows, how many follow (at most [`TRACE_RECORDS`](crate::TRACE_RECORDS)), and the records.
    /// Older ones than that were overwritten.
    pub const TRACE_GET: u32 = 33;
    /// What the service can do. Result: [`VERSION`](crate::VERSION), threads, gates and IRQ objects of a PD
    /// at most, [`abilities`](crate::ability), first slot and end of the slots that can be filled.
    pub const ABILITIES: u32 = 34;

    /// Name of a verb whose steps are traced: those that do something to the set as a whole.
    #[must_use]
    pub const fn name(number: u32) -> Option<&'static str> {
        match number {
            OPEN => Some("open"),
            CLOSE => Some("close"),
            STOP => Some("stop"),
            PREPARE => Some("prepare"),
            COMMIT => Some("commit"),
            ABANDON => Some("abandon"),
            _ => None,
        }
    }
}

/// Version of this protocol.
pub const VERSION: u32 = 1;
/// Records in one answer to [`verb::TRACE_GET`], at most.
pub const TRACE_RECORDS: usize = 15;

/// Bits of the answer to [`verb::ABILITIES`].
pub mod ability {
    /// A stopped target goes on by itself.
    pub const RESUME: u32 = 1 << 0;
    /// Threads of a fresh PD can be given a state.
    pub const RESTORE: u32 = 1 << 1;
    /// Capability slots can be identified.
    pub const SLOTS: u32 = 1 << 2;
    /// Capabilities can be installed.
    pub const INSTALL: u32 = 1 << 3;
    /// Pending triggers of IRQ objects are saved.
    pub const IRQS: u32 = 1 << 4;
    /// Steps can be traced.
    pub const TRACE: u32 = 1 << 5;
    /// Traced steps have costs: there is a counter.
    pub const COUNTER: u32 = 1 << 6;
    /// All bits with what they mean, for tools.
    pub const NAMES: [(u32, &str); 7] = [
        (RESUME, "resume"),
        (RESTORE, "restore"),
        (SLOTS, "slots"),
        (INSTALL, "install"),
        (IRQS, "irqs"),
        (TRACE, "trace"),
        (COUNTER, "counter"),
    ];
}

/// Parts of a thread's state in [`verb::THREAD_GET`] and [`verb::THREAD_SET`].
pub mod part {
    /// Flags ([`THREAD_LIVE`](super::THREAD_LIVE)), then the eight words of an
    /// [`Activity`](crate::Activity).
    pub const ACTIVITY: u32 = 0;
    /// The 22 words of the exception frame with which the thread continues (`l4_sys::Frame`).
    pub const FRAME: u32 = 1;
    /// FPSCR, then d0-d15 (32 words, low half first).
    pub const VFP_LOW: u32 = 2;
    /// d16-d31 (32 words).
    pub const VFP_HIGH: u32 = 3;
    /// UTCB words 0-42.
    pub const UTCB_0: u32 = 4;
    /// UTCB words 43-85.
    pub const UTCB_1: u32 = 5;
    /// UTCB words 86-127.
    pub const UTCB_2: u32 = 6;
    /// First UTCB word of each UTCB part, and the end.
    pub const UTCB_BOUNDS: [usize; 4] = [0, 43, 86, 128];

    /// Words of part `part`, `None` if there is no such part.
    #[must_use]
    pub const fn words(part: u32) -> Option<usize> {
        match part {
            ACTIVITY => Some(9),
            FRAME => Some(22),
            VFP_LOW => Some(33),
            VFP_HIGH => Some(32),
            UTCB_0 | UTCB_1 => Some(43),
            UTCB_2 => Some(42),
            _ => None,
        }
    }
}

/// Flag in [`part::ACTIVITY`]: the thread was started; without it the thread never ran and has no state.
pub const THREAD_LIVE: u32 = 1;

/// Slots that one [`verb::SLOT_PROBE`] looks at, at most.
pub const PROBE_SLOTS: u32 = 64;
/// Entries in one answer to [`verb::SLOT_PROBE`], at most; fewer slots are looked at if they do not fit.
pub const PROBE_ENTRIES: usize = 20;

/// What a slot holds, as far as the service knows the object.
pub mod slot_kind {
    /// A gate made for the PD. Badge: its label.
    pub const GATE: u32 = 1;
    /// An IRQ object made for the PD. Badge: its label.
    pub const IRQ: u32 = 2;
    /// A capability that every PD is given at that slot (PD session, log, pager gates).
    pub const FIXED: u32 = 3;
    /// A capability that the service does not know: received from another PD.
    pub const UNKNOWN: u32 = 4;
    /// A thread of the PD itself. Badge: its index.
    pub const THREAD: u32 = 5;
    /// A semaphore made for the PD. Badge: 0.
    pub const SEMAPHORE: u32 = 6;

    /// Bits of the word that hold one of the above.
    pub const KIND: u32 = 0xff;
    /// Bits above: W (1), S (2), R (4) of the capability. Without R the object was moved away by the program and
    /// the slot is empty: the core's books still have the object there.
    pub const RIGHTS_SHIFT: u32 = 8;
    /// The program put the capability there. Badge: slot in which the core's books have the object.
    pub const COPY: u32 = 1 << 16;
}

/// What a stop did, the result of [`verb::STOP`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopReport {
    /// Threads that are stopped.
    pub threads: u32,
    /// Of these, threads whose system call was aborted and will be repeated or linked again.
    pub cancelled: u32,
    /// Messages taken out of a receiver's queue, to be sent again in the same order.
    pub drained: u32,
    /// Calls whose request a server of the set has and has not answered.
    pub links: u32,
    /// Passes of the barrier.
    pub barriers: u32,
}

impl StopReport {
    /// Words of the wire form.
    pub const WORDS: usize = 5;

    /// The wire form.
    #[must_use]
    pub const fn to_words(self) -> [u32; Self::WORDS] {
        [self.threads, self.cancelled, self.drained, self.links, self.barriers]
    }

    /// Reads the wire form.
    #[must_use]
    pub const fn from_words(w: [u32; Self::WORDS]) -> Self {
        Self { threads: w[0], cancelled: w[1], drained: w[2], links: w[3], barriers: w[4] }
    }
}
