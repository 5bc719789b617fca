//! Capability selectors and the operation of a system call.

use crate::raw;

/// Index of a slot in a task's capability space.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Hash)]
#[repr(transparent)]
pub struct CapIndex(pub u32);

impl CapIndex {
    /// The capability word: index shifted as flexpages, items and thread control want it.
    #[must_use]
    pub const fn word(self) -> u32 {
        self.0 << raw::L4_CAP_SHIFT
    }

    /// Selector for an operation on this capability.
    #[must_use]
    pub const fn select(self, op: Op) -> Selector {
        Selector(self.word() | op.0)
    }

    /// The index `n` slots further.
    #[must_use]
    pub const fn plus(self, n: u32) -> Self {
        Self(self.0 + n)
    }
}

/// Operation bits of a system call: send 1, receive 2, open wait 4, reply 8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Op(pub u32);

impl Op {
    /// Send only.
    pub const SEND: Self = Self(raw::L4_SYSF_SEND);
    /// Receive from one partner (or from nobody: a sleep).
    pub const RECEIVE: Self = Self(raw::L4_SYSF_RECV);
    /// Send, then receive from the same partner.
    pub const CALL: Self = Self(raw::L4_SYSF_CALL);
    /// Receive from anybody.
    pub const WAIT: Self = Self(raw::L4_SYSF_WAIT);
    /// Send, then receive from anybody.
    pub const SEND_AND_WAIT: Self = Self(raw::L4_SYSF_SEND_AND_WAIT);
    /// Reply to the caller.
    pub const REPLY: Self = Self(raw::L4_SYSF_SEND | raw::L4_SYSF_REPLY);
    /// Reply to the caller, then receive from anybody.
    pub const REPLY_AND_WAIT: Self = Self(raw::L4_SYSF_REPLY_AND_WAIT);

    /// Whether the operation has a send phase.
    #[must_use]
    pub const fn sends(self) -> bool {
        self.0 & raw::L4_SYSF_SEND != 0
    }

    /// Whether the operation has a receive phase.
    #[must_use]
    pub const fn receives(self) -> bool {
        self.0 & raw::L4_SYSF_RECV != 0
    }
}

/// The word in r2 of a system call: capability, special bits, operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub struct Selector(pub u32);

impl Selector {
    /// A receive from nobody: a sleep.
    pub const SLEEP: Self = Self::nobody(Op::RECEIVE);
    /// `movw r2, #0x802`, the instruction before the system call of a sleep that can be told from others.
    pub const SLEEP_MARK: u32 = 0xe300_2802;

    /// Nobody in particular: open waits, replies to the implicit caller, sleeps.
    #[must_use]
    pub const fn nobody(op: Op) -> Self {
        Self(raw::L4_INVALID_CAP_BIT | op.0)
    }

    /// The operation bits.
    #[must_use]
    pub const fn op(self) -> Op {
        Op(self.0 & 15)
    }

    /// The same selector with another operation.
    #[must_use]
    pub const fn with_op(self, op: Op) -> Self {
        Self((self.0 & !15) | op.0)
    }

    /// The capability, or `None` for [`nobody`](Self::nobody).
    #[must_use]
    pub const fn cap(self) -> Option<CapIndex> {
        if self.0 & raw::L4_INVALID_CAP_BIT != 0 {
            return None;
        }
        Some(CapIndex(self.0 >> raw::L4_CAP_SHIFT))
    }

    /// Whether the index names an explicit reply slot (revision M only).
    #[must_use]
    pub const fn is_explicit_reply(self) -> bool {
        self.0 & raw::THAW_EXPLICIT_REPLY_BIT != 0
    }
}
