//! Errors of system calls: who refused, and how.

use core::fmt;

use l4_sys::{MsgTag, raw};

/// Result of a system call.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a system call did not do what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The IPC failed; the object never saw the request or its answer was lost.
    Ipc(IpcError),
    /// The object answered with a negative label.
    Object(ObjectError),
}

/// The UTCB's error word after an IPC with the error bit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IpcError(pub u32);

/// A kernel object's (or a server's) result: a positive `L4_E*` number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ObjectError(pub u32);

impl Error {
    /// The error in an answer, if any: the error bit first, then a negative label.
    pub fn check(tag: MsgTag, utcb_error: u32) -> Result<MsgTag> {
        if tag.has_error() {
            return Err(Self::Ipc(IpcError(utcb_error & raw::L4_IPC_ERROR_MASK)));
        }
        if tag.label() < 0 {
            return Err(Self::Object(ObjectError(tag.label().unsigned_abs())));
        }
        Ok(tag)
    }

    /// Whether an IPC ran into its timeout.
    #[must_use]
    pub const fn is_timeout(self) -> bool {
        matches!(self, Self::Ipc(IpcError(raw::L4_IPC_SETIMEOUT | raw::L4_IPC_RETIMEOUT)))
    }

    /// One number for wire messages: IPC errors above 2000, as L4Re does.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Ipc(e) => 2000 + e.0,
            Self::Object(e) => e.0,
        }
    }
}

impl IpcError {
    /// The number's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            raw::L4_IPC_SETIMEOUT => "send timeout",
            raw::L4_IPC_RETIMEOUT => "receive timeout",
            raw::L4_IPC_ENOT_EXISTENT => "partner does not exist",
            raw::L4_IPC_SECANCELED => "send cancelled",
            raw::L4_IPC_RECANCELED => "receive cancelled",
            raw::L4_IPC_SEMSGCUT | raw::L4_IPC_REMSGCUT => "item without receive buffer",
            raw::L4_IPC_SEABORTED | raw::L4_IPC_REABORTED => "aborted",
            raw::L4_IPC_SEMAPFAILED | raw::L4_IPC_REMAPFAILED => "mapping failed",
            raw::THAW_IPC_NO_REPLY_CAP => "no reply capability",
            _ => "unnamed",
        }
    }
}

impl ObjectError {
    /// The number's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            raw::L4_EPERM => "no permission",
            raw::L4_ENOENT => "no such object",
            raw::L4_ENOMEM => "out of memory or quota",
            raw::L4_EFAULT => "bad address",
            raw::L4_EBUSY => "busy",
            raw::L4_EEXIST => "exists already",
            raw::L4_ENODEV => "no such device",
            raw::L4_EINVAL => "invalid argument",
            raw::L4_ERANGE => "out of range",
            raw::L4_ENOSYS => "not implemented",
            raw::L4_EBADPROTO => "wrong protocol",
            raw::L4_EMSGTOOSHORT => "message too short",
            raw::L4_EMSGTOOLONG => "message too long",
            _ => "unnamed",
        }
    }
}

impl fmt::Debug for IpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

impl fmt::Debug for ObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (-{})", self.name(), self.0)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ipc(e) => write!(f, "ipc failed: {e:?}"),
            Self::Object(e) => write!(f, "object refused: {e:?}"),
        }
    }
}
