//! What a thread was doing when it was stopped, with the operands needed to continue it.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{At, Kind, optional, present};
use crate::Refusal;

/// What a live thread was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// Ran in user mode: its frame is all there is to it.
    User,
    /// Slept: a receive from nobody until its timeout.
    Asleep {
        /// The interrupted operation.
        wait: Wait,
    },
    /// Waited for a message of one sender, which had not come.
    Receive {
        /// Slot of the capability it waited on.
        slot: u32,
        /// The interrupted operation.
        wait: Wait,
    },
    /// Waited for a message of anybody.
    OpenWait {
        /// The interrupted operation.
        wait: Wait,
    },
    /// Waited for an IRQ.
    IrqWait {
        /// Slot of the IRQ's capability.
        slot: u32,
        /// The IRQ, if it is one of the image.
        irq: Option<u32>,
        /// The interrupted operation.
        wait: Wait,
    },
    /// Waited for a semaphore.
    SemaphoreWait {
        /// Slot of the capability used.
        slot: u32,
        /// Slot in which the platform put the semaphore.
        semaphore: u32,
        /// Place among those who wait, from 0.
        position: u32,
        /// The interrupted operation.
        wait: Wait,
    },
    /// Was in a call whose request had been delivered; a [`Link`](super::Link) goes with it.
    Call {
        /// Slot of the capability called.
        slot: u32,
        /// Label of the gate, or 0 for a call to a thread.
        badge: u32,
        /// Thread that received the request.
        server: u32,
        /// Message tag of the request, 0 where it is not known.
        tag: u32,
        /// The server owes the reply; else it has forgotten the call for a later one.
        owed: bool,
        /// The interrupted operation.
        wait: Wait,
    },
    /// Was waiting for a receiver; a [`Queued`](super::Queued) goes with it.
    Send {
        /// Slot of the capability used.
        slot: u32,
        /// Label of the gate, or 0 for a send to a thread.
        badge: u32,
        /// Thread in whose queue it stood.
        receiver: u32,
        /// Place in that queue, from 0.
        position: u32,
        /// Message tag.
        tag: u32,
        /// Label that the receiver will see.
        label: u32,
        /// The interrupted operation.
        wait: Wait,
    },
    /// Was waiting for its pager; the access faults again.
    PageFault {
        /// Address accessed.
        addr: u32,
        /// Low three bits of the page-fault message: 1 not mapped, 2 write, 4 instruction fetch.
        access: u32,
    },
    /// Was waiting for its exception handler.
    Exception {
        /// Error word of the exception, class in bits 26 to 31.
        code: u32,
        /// Address in question, or `0xffff_ffff`.
        addr: u32,
    },
}

impl Activity {
    /// The interrupted operation, if it is a system call.
    pub fn wait(mut self) -> Option<Wait> {
        self.wait_mut().copied()
    }

    /// The same, to be changed.
    pub const fn wait_mut(&mut self) -> Option<&mut Wait> {
        match self {
            Self::Asleep { wait }
            | Self::Receive { wait, .. }
            | Self::OpenWait { wait }
            | Self::IrqWait { wait, .. }
            | Self::SemaphoreWait { wait, .. }
            | Self::Call { wait, .. }
            | Self::Send { wait, .. } => Some(wait),
            Self::User | Self::PageFault { .. } | Self::Exception { .. } => None,
        }
    }
}

/// The registers of an interrupted IPC and what is left of its timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// r2: capability and operation.
    pub selector: u32,
    /// r3 as given: receive timeout below, send timeout above.
    pub timeout: u32,
    /// At most so many microseconds were left; nothing for one that waits for ever.
    pub remaining_us: Option<u64>,
}

impl Wait {
    /// Returns the operation bits of the selector.
    pub const fn operation(&self) -> u32 {
        self.selector & 0xf
    }
}

/// The activity as it stands in a thread record. Operands that a kind does not use are zero.
#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned, Default)]
#[repr(C)]
pub struct Raw {
    kind: U32,
    selector: U32,
    timeout: U32,
    slot: U32,
    badge: U32,
    peer: U32,
    tag: U32,
    label: U32,
    position: U32,
    addr: U32,
    code: U32,
    reserved: U32,
    remaining_us: U64,
}

const NONE: u32 = 0;
const USER: u32 = 1;
const ASLEEP: u32 = 2;
const RECEIVE: u32 = 3;
const OPEN_WAIT: u32 = 4;
const IRQ_WAIT: u32 = 5;
const CALL: u32 = 6;
const SEND: u32 = 7;
const PAGE_FAULT: u32 = 8;
const EXCEPTION: u32 = 9;
const SEMAPHORE_WAIT: u32 = 10;
/// A remaining time of "for ever".
const FOREVER: u64 = u64::MAX;

impl Raw {
    /// Returns the raw form; a thread that is not live does nothing.
    pub fn encode(activity: Option<Activity>) -> Self {
        match activity {
            None => Self::of(NONE),
            Some(Activity::User) => Self::of(USER),
            Some(Activity::PageFault { addr, access }) => {
                Self { addr: addr.into(), code: access.into(), ..Self::of(PAGE_FAULT) }
            }
            Some(Activity::Exception { code, addr }) => {
                Self { addr: addr.into(), code: code.into(), ..Self::of(EXCEPTION) }
            }
            Some(waiting) => Self::waiting(waiting),
        }
    }

    fn waiting(activity: Activity) -> Self {
        match activity {
            Activity::Asleep { wait } => Self::with(ASLEEP, wait),
            Activity::Receive { slot, wait } => Self { slot: slot.into(), ..Self::with(RECEIVE, wait) },
            Activity::OpenWait { wait } => Self::with(OPEN_WAIT, wait),
            Activity::IrqWait { slot, irq, wait } => {
                Self { slot: slot.into(), peer: optional(irq), ..Self::with(IRQ_WAIT, wait) }
            }
            Activity::SemaphoreWait { slot, semaphore, position, wait } => Self {
                slot: slot.into(),
                badge: semaphore.into(),
                position: position.into(),
                ..Self::with(SEMAPHORE_WAIT, wait)
            },
            Activity::Call { slot, badge, server, tag, owed, wait } => Self {
                slot: slot.into(),
                badge: badge.into(),
                peer: server.into(),
                tag: tag.into(),
                position: u32::from(!owed).into(),
                ..Self::with(CALL, wait)
            },
            Activity::Send { slot, badge, receiver, position, tag, label, wait } => Self {
                slot: slot.into(),
                badge: badge.into(),
                peer: receiver.into(),
                position: position.into(),
                tag: tag.into(),
                label: label.into(),
                ..Self::with(SEND, wait)
            },
            Activity::User | Activity::PageFault { .. } | Activity::Exception { .. } => Self::of(NONE),
        }
    }

    fn of(kind: u32) -> Self {
        Self { kind: kind.into(), ..Self::default() }
    }

    fn with(kind: u32, wait: Wait) -> Self {
        Self {
            kind: kind.into(),
            selector: wait.selector.into(),
            timeout: wait.timeout.into(),
            remaining_us: wait.remaining_us.unwrap_or(FOREVER).into(),
            ..Self::default()
        }
    }

    fn wait(&self) -> Wait {
        Wait {
            selector: self.selector.get(),
            timeout: self.timeout.get(),
            remaining_us: Some(self.remaining_us.get()).filter(|&us| us != FOREVER),
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(&self, at: At) -> Result<Option<Activity>, Refusal> {
        let slot = self.slot.get();
        let badge = self.badge.get();
        let tag = self.tag.get();
        let wait = self.wait();
        Ok(Some(match self.kind.get() {
            NONE => return Ok(None),
            USER => Activity::User,
            ASLEEP => Activity::Asleep { wait },
            RECEIVE => Activity::Receive { slot, wait },
            OPEN_WAIT => Activity::OpenWait { wait },
            IRQ_WAIT => Activity::IrqWait { slot, irq: present(self.peer), wait },
            SEMAPHORE_WAIT => {
                Activity::SemaphoreWait { slot, semaphore: badge, position: self.position.get(), wait }
            }
            CALL => {
                let owed = match self.position.get() {
                    0 => true,
                    1 => false,
                    other => return at.field(Kind::Thread, "position", other),
                };
                Activity::Call { slot, badge, server: self.peer.get(), tag, owed, wait }
            }
            SEND => Activity::Send {
                slot,
                badge,
                receiver: self.peer.get(),
                position: self.position.get(),
                tag,
                label: self.label.get(),
                wait,
            },
            PAGE_FAULT => Activity::PageFault { addr: self.addr.get(), access: self.code.get() },
            EXCEPTION => Activity::Exception { code: self.code.get(), addr: self.addr.get() },
            other => return at.field(Kind::Thread, "activity", other),
        }))
    }
}
