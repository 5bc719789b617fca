//! Why root refuses a request.

use core::fmt;

use thaw_bootimage::program::ProgramError;
use thaw_l4::{Error as KernelError, raw};

/// Result of a request.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a request was refused; each has an `L4_E*` number for the reply and a remedy for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The operation's number is none of the session's.
    UnknownRequest,
    /// The message has fewer words than the request needs.
    MessageTooShort,
    /// The capability belongs to a PD that is gone.
    StaleCapability,
    /// The PD may not do that: see its line in the `system` module.
    NotConfigured,
    /// The caller is not the PD's parent, or the object is another PD's.
    NotOwner,
    /// No object has that index, id, name or slot.
    NoSuchObject,
    /// An enumeration ended.
    EndOfList,
    /// A thread index is beyond the highest in use.
    EndOfThreads,
    /// The PD's quota in pages is used up.
    OverQuota,
    /// RAM has no contiguous run that long.
    NoMemory,
    /// One of root's tables is full.
    TableFull,
    /// An address, slot, index or badge is in use.
    InUse,
    /// An address is not page aligned or not in the range of regions.
    BadAddress,
    /// RAM that was made blank and is not filled yet.
    Blank,
    /// A size is zero or beyond the object.
    BadSize,
    /// A slot is outside `SLOT_USER..SLOT_END`.
    BadSlot,
    /// A priority is zero or above the PD's.
    BadPriority,
    /// A label or badge is no multiple of four, or a badge is in root's range.
    BadBadge,
    /// Rights other than R, W, X, without R, W on a read-only object, or S on a thread.
    BadRights,
    /// The clock would run backwards.
    ClockBackwards,
    /// The PD is being checkpointed.
    Frozen,
    /// The PD is being destroyed or has exited.
    Ending,
    /// The file is no program for a PD.
    Program(ProgramError),
    /// The kernel refused.
    Kernel(KernelError),
}

impl Error {
    /// The positive `L4_E*` number for the reply's label.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::UnknownRequest => raw::L4_ENOSYS,
            Self::MessageTooShort => raw::L4_EMSGTOOSHORT,
            Self::NotConfigured | Self::NotOwner => raw::L4_EPERM,
            Self::StaleCapability | Self::NoSuchObject | Self::EndOfList => raw::L4_ENOENT,
            Self::OverQuota | Self::NoMemory | Self::TableFull => raw::L4_ENOMEM,
            Self::InUse => raw::L4_EEXIST,
            Self::BadAddress => raw::L4_EFAULT,
            Self::BadSize | Self::BadSlot | Self::BadPriority | Self::ClockBackwards | Self::EndOfThreads => {
                raw::L4_ERANGE
            }
            Self::BadBadge | Self::BadRights | Self::Blank | Self::Program(_) => raw::L4_EINVAL,
            Self::Frozen | Self::Ending => raw::L4_EBUSY,
            Self::Kernel(KernelError::Object(e)) => e.0,
            Self::Kernel(KernelError::Ipc(_)) => raw::L4_EINVAL,
        }
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::UnknownRequest => ("no such request", "see native/abi"),
            Self::MessageTooShort => ("message too short", "send all arguments"),
            Self::StaleCapability => ("the PD is gone", "drop the capability"),
            Self::NotConfigured => ("not allowed for this PD", "change its line in the `system` module"),
            Self::NotOwner => ("not the caller's", "ask the parent"),
            Self::NoSuchObject => ("no such object", "name one that exists"),
            Self::EndOfList | Self::EndOfThreads => ("past the last", "stop the enumeration"),
            Self::OverQuota => ("quota used up", "give the PD a larger quota"),
            Self::NoMemory => ("no contiguous run of free memory", "free memory or start with more"),
            Self::TableFull => ("a table of root is full", "free objects or raise the limit in native/root"),
            Self::InUse => ("in use already", "choose another or let root choose"),
            Self::BadAddress => ("bad address", "use page-aligned addresses of the region range"),
            Self::BadSize => ("bad size", "stay inside the object, above zero"),
            Self::BadSlot => ("bad slot", "use SLOT_USER to SLOT_END"),
            Self::BadPriority => ("bad priority", "use 1 to the PD's priority"),
            Self::BadBadge => ("bad badge or label", "use a multiple of four below 2^31"),
            Self::BadRights => {
                ("bad rights", "use R, RW, RX or RWX; modules are read-only, and threads are R or RW")
            }
            Self::ClockBackwards => ("the clock would run backwards", "set it forwards only"),
            Self::Blank => ("its content is not complete", "fill all of it first"),
            Self::Frozen => ("the PD is being checkpointed", "try again when it runs"),
            Self::Ending => ("the PD has ended", "destroy it"),
            Self::Program(_) => {
                ("no program for a PD", "link it for 32-bit ARM, static, in the region range")
            }
            Self::Kernel(_) => ("the kernel refused", "see the number"),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reason, remedy) = self.words();
        match self {
            Self::Program(e) => write!(f, "{reason}: {e}; {remedy}"),
            Self::Kernel(e) => write!(f, "{reason}: {e}; {remedy}"),
            _ => write!(f, "{reason}; {remedy}"),
        }
    }
}

impl From<KernelError> for Error {
    fn from(error: KernelError) -> Self {
        Self::Kernel(error)
    }
}
