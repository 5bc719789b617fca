//! Errors of the service.

use core::fmt;

/// What went wrong. The number is `BASE` + the discriminant, negated, in the reply's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ErrorKind {
    /// The verb does not exist or its message is malformed. Operand 0: verb.
    BadRequest = 1,
    /// The session number is not one of the caller's. Operand 0: number.
    NoSuchSession,
    /// The session is not in the state that the verb needs. Operand 0: state (0 open, 1 stopped, 2 prepared).
    WrongState,
    /// The item is no capability of a PD whose parent the caller is.
    NotYourPd,
    /// All sessions are in use, or another PD is stopped. Operand 0: how many there are.
    NoFreeSession,
    /// A table is full. Operand 0: capacity.
    TooMany,
    /// No thread has that index. Operand 0: index.
    NoSuchThread,
    /// No object at that place. Operand 0: number or slot.
    NoSuchObject,
    /// The kernel or the core refused. Operand 0: number (`l4::Error::number`), operand 1: a number of [`step`].
    Kernel,
    /// A thread did not come to rest in the time given. Operand 0: thread index, operand 1: its pc.
    ThreadDidNotStop,
    /// The set did not come to rest: something at a higher priority runs all the time. Operand 0: passes
    /// that were tried.
    BarrierTimeout,
    /// A thread is in a call to a server outside the PD. Operand 0: thread index, operand 1: slot, operand 2:
    /// 1 if the server had the request; it gets it a second time then.
    OutsideCall,
    /// Threads wait for each other in a circle. Operand 0: a thread of it.
    Cycle,
    /// Two callers wait for an answer of the same server, and only one can hold its reply. Operand 0:
    /// server, operand 1: one of the callers.
    AmbiguousLink,
    /// A thread was stopped in a system call whose instructions are none that can be repeated. Operand 0:
    /// thread index, operand 1: pc, operand 2: instruction word.
    UnknownSyscall,
    /// A thread uses an operation that cannot be continued. Operand 0: thread index, operand 1: selector.
    UnknownOperation,
    /// A gate has no thread, or one that was never started. Operand 0: a thread blocked there if known,
    /// operand 1: slot.
    UnboundGate,
    /// What was staged contradicts itself or the PD. Operand 0: thread index, operand 1: part, operand 2:
    /// offending word.
    BadState,
    /// A thread came back from a stub in a way it should not. Operand 0: thread index, operand 1: pc.
    StubFailed,
    /// The slot is outside the range that may be filled, or full. Operand 0: slot.
    BadSlot,
    /// The caller's steps are not traced.
    NotTraced,
    /// The PD holds a capability to something outside that is not known to answer promptly. Operand 0: slot.
    UnknownPeer,
    /// Several servers wait for something, and it cannot be told whether one is in another's queue.
    /// Operand 0: one of them, operand 1: how many.
    Undecided,
    /// A thread waits for its exception handler, which would see another exception. Operand 0: thread, operand 1:
    /// its pc.
    InException,
    /// The core cannot hold the PD still: it is ending.
    Ending,
    /// A semaphore or IRQ object was raised more often than is counted. Operand 0: slot, operand 1: how often is counted.
    SemaphoreTooHigh,
}

/// Where the kernel or the core refused.
pub mod step {
    /// Passing the barrier.
    pub const BARRIER: u32 = 1;
    /// Receiving an exception.
    pub const RECEIVE: u32 = 2;
    /// Answering an exception.
    pub const SEND_FRAME: u32 = 3;
    /// Changing a thread's exception handler.
    pub const HANDLER: u32 = 4;
    /// Putting a gate in a slot, or binding it.
    pub const GATE: u32 = 5;
    /// Changing a priority.
    pub const LIFT: u32 = 6;
    /// Triggering a thread, or aborting its IPC.
    pub const EX_REGS: u32 = 7;
    /// Mapping the stop window.
    pub const WINDOW: u32 = 8;
    /// Binding or reading an IRQ object.
    pub const IRQ: u32 = 9;
    /// Asking the core for what it knows.
    pub const HOST: u32 = 10;
    /// Filling a slot.
    pub const SLOT: u32 = 11;
    /// Looking into a slot.
    pub const PROBE: u32 = 12;

    /// What was being done.
    #[must_use]
    pub const fn name(step: u32) -> &'static str {
        match step {
            BARRIER => "passing the barrier",
            RECEIVE => "receiving an exception",
            SEND_FRAME => "answering an exception",
            HANDLER => "changing an exception handler",
            GATE => "binding a gate",
            LIFT => "changing a priority",
            EX_REGS => "triggering a thread",
            WINDOW => "mapping the stop window",
            IRQ => "binding an irq object",
            HOST => "asking the core",
            SLOT => "filling a slot",
            PROBE => "looking into a slot",
            _ => "an unknown step",
        }
    }
}

/// An error with its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Meaning depends on the kind; 0 where it has none.
    pub operands: [u32; 3],
}

impl ErrorKind {
    /// Added to the discriminant so that the service's errors are not taken for the kernel's.
    pub const BASE: u32 = 3000;

    const ALL: [Self; 26] = [
        Self::BadRequest,
        Self::NoSuchSession,
        Self::WrongState,
        Self::NotYourPd,
        Self::NoFreeSession,
        Self::TooMany,
        Self::NoSuchThread,
        Self::NoSuchObject,
        Self::Kernel,
        Self::ThreadDidNotStop,
        Self::BarrierTimeout,
        Self::OutsideCall,
        Self::Cycle,
        Self::AmbiguousLink,
        Self::UnknownSyscall,
        Self::UnknownOperation,
        Self::UnboundGate,
        Self::BadState,
        Self::StubFailed,
        Self::BadSlot,
        Self::NotTraced,
        Self::UnknownPeer,
        Self::Undecided,
        Self::InException,
        Self::Ending,
        Self::SemaphoreTooHigh,
    ];

    /// The number on the wire, positive.
    #[must_use]
    pub const fn number(self) -> u32 {
        Self::BASE + self as u32
    }

    /// The kind with that number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// An error of this kind.
    #[must_use]
    pub const fn with(self, a: u32, b: u32, c: u32) -> Error {
        Error { kind: self, operands: [a, b, c] }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        kind.with(0, 0, 0)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.operands;
        match self.kind {
            ErrorKind::BadRequest => {
                write!(f, "request {a} is malformed: component and service differ in version")
            }
            ErrorKind::NoSuchSession => write!(f, "session {a} is not open: open the pd first"),
            ErrorKind::WrongState => write!(f, "session is in state {a}: stop or prepare the pd first"),
            ErrorKind::NotYourPd => {
                write!(
                    f,
                    "capability names no pd whose parent the caller is: pass the one that pd_create gave"
                )
            }
            ErrorKind::NoFreeSession => write!(f, "all {a} sessions are in use: close one first"),
            ErrorKind::TooMany => {
                write!(f, "target has more objects of a kind than the {a} that can be kept")
            }
            ErrorKind::NoSuchThread => write!(f, "target has no thread {a}"),
            ErrorKind::NoSuchObject => write!(f, "target has no object {a}"),
            ErrorKind::Kernel => write!(f, "kernel or core refused with {a} while {}", step::name(b)),
            ErrorKind::Ending => f.write_str("the core cannot hold the target still: it is ending"),
            ErrorKind::ThreadDidNotStop => write!(f, "thread {a} at pc {b:#x} did not stop: try again later"),
            ErrorKind::BarrierTimeout => {
                write!(f, "target did not come to rest in {a} passes: something above it runs all the time")
            }
            ErrorKind::OutsideCall => write!(
                f,
                "thread {a} is in a call through slot {b:#x} that a server outside the target has not answered{}: \
                 route the session to a prompt server",
                if c == 0 { "" } else { "; the server gets the request again" }
            ),
            ErrorKind::Cycle => write!(f, "threads call each other in a circle with thread {a}"),
            ErrorKind::AmbiguousLink => {
                write!(f, "server thread {a} owes more than one answer, among others to thread {b}")
            }
            ErrorKind::UnknownSyscall => {
                write!(
                    f,
                    "thread {a} entered the kernel before pc {b:#x} by instruction {c:#010x}, which cannot be repeated"
                )
            }
            ErrorKind::UnknownOperation => {
                write!(f, "thread {a} uses selector {b:#x}, which cannot be continued")
            }
            ErrorKind::UnboundGate => {
                write!(f, "the gate in slot {b:#x} has no thread that runs: bind it to one or delete it")
            }
            ErrorKind::BadState => write!(f, "state of thread {a} is not valid in part {b}, word {c:#x}"),
            ErrorKind::StubFailed => write!(f, "thread {a} left the stop window at pc {b:#x}"),
            ErrorKind::UnknownPeer => write!(
                f,
                "slot {a:#x} holds a capability to a server that is not known to answer promptly: take it away"
            ),
            ErrorKind::Undecided => write!(
                f,
                "thread {a} is one of {b} servers that wait, perhaps in each other's queues: try again later"
            ),
            ErrorKind::InException => write!(
                f,
                "thread {a} waits at pc {b:#x} for its exception handler: let that answer, or end the thread"
            ),
            ErrorKind::SemaphoreTooHigh => {
                write!(f, "what is in slot {a:#x} was raised more than {b} times: wait for it more often")
            }
            ErrorKind::BadSlot => write!(f, "slot {a:#x} cannot be filled: it is outside the range or full"),
            ErrorKind::NotTraced => {
                f.write_str("nothing is traced for the caller: switch its trace on first")
            }
        }
    }
}
