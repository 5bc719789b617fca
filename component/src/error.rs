//! Why a checkpoint or restore was refused: one kind, one name, one exit code, listed in docs/errors.md.

use core::fmt;

use thaw_image::{Name, Refusal};

use crate::host::{Counts, HostError};
use crate::service::ServiceError;

/// Result of a step.
pub type Result<T> = core::result::Result<T, Error>;

/// A request to the world that was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// Making a PD.
    PdCreate,
    /// Taking a PD over.
    PdAdopt,
    /// Destroying a PD.
    PdDestroy,
    /// Describing a PD.
    PdInfo,
    /// Making RAM.
    RamCreate,
    /// Filling RAM.
    RamFill,
    /// Attaching memory.
    Attach,
    /// Making a thread.
    ThreadCreate,
    /// Making a gate.
    GateCreate,
    /// Making an IRQ object.
    IrqCreate,
    /// Making a semaphore.
    SemaphoreCreate,
    /// Filling or emptying a slot.
    SlotSet,
    /// Listing what a PD has.
    Enumerate,
    /// Reading or setting a clock.
    Clock,
    /// Opening a ROM module.
    Rom,
    /// Seeing a dataspace.
    Show,
    /// Taking or giving back spare RAM.
    Spare,
    /// Asking how much memory there is.
    Memory,
    /// Counting.
    Counts,
    /// Ordering a failure.
    Fault,
}

impl Request {
    const fn name(self) -> &'static str {
        match self {
            Self::PdCreate => "creating a pd",
            Self::PdAdopt => "taking a pd over",
            Self::PdDestroy => "destroying a pd",
            Self::PdInfo => "describing a pd",
            Self::RamCreate => "creating a dataspace",
            Self::RamFill => "filling a dataspace",
            Self::Attach => "attaching a region",
            Self::ThreadCreate => "creating a thread",
            Self::GateCreate => "creating a gate",
            Self::IrqCreate => "creating an irq object",
            Self::SemaphoreCreate => "creating a semaphore",
            Self::SlotSet => "filling a slot",
            Self::Enumerate => "listing the target's objects",
            Self::Clock => "the target's clock",
            Self::Rom => "opening a rom module",
            Self::Show => "attaching a dataspace to the checkpointer",
            Self::Spare => "spare memory",
            Self::Memory => "asking for free memory",
            Self::Counts => "counting objects",
            Self::Fault => "ordering a failure",
        }
    }
}

/// Things of which a target can have too many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Table {
    /// Threads.
    Threads,
    /// Gates and IRQ objects.
    Objects,
    /// Filled capability slots.
    Slots,
    /// Attached regions.
    Regions,
    /// Dataspaces.
    Dataspaces,
    /// Runs of pages of the image.
    Extents,
    /// Pages.
    Pages,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Objects => "gates and irq objects",
            Self::Slots => "capabilities",
            Self::Regions => "regions",
            Self::Dataspaces => "dataspaces",
            Self::Extents => "runs of pages",
            Self::Pages => "pages",
        }
    }
}

/// What is wrong with the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DiskError {
    /// There is none.
    Absent,
    /// It cannot be written.
    ReadOnly,
    /// The driver refused with that number.
    Failed(u32),
}

/// Why it was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The world refused a request.
    Host(Request, HostError),
    /// The world refused a request for something of the image: address of a region, slot of an object, number of
    /// anything else.
    Of(Request, u32, HostError),
    /// The target could not be stopped at so many attempts; it runs on.
    Stop(ServiceError, u32),
    /// The service refused anything else.
    Service(ServiceError),
    /// The target's threads could not be continued after a stop.
    Resume(ServiceError),
    /// The image or the layout of the disk was refused.
    Image(Refusal),
    /// The disk failed.
    Disk(DiskError),
    /// The target has ended by itself with that code.
    Exited(u32),
    /// The target has a thread that ended in an exception.
    Faulted,
    /// More than the tables hold.
    TooMany(Table, u32),
    /// Spare RAM is less than twice the target, in KiB.
    TargetTooLarge {
        /// Bytes of the target.
        target_kib: u32,
        /// Spare RAM.
        spare_kib: u32,
    },
    /// Less free RAM than the restored target needs, in KiB.
    MemoryShort {
        /// What is needed.
        needed_kib: u32,
        /// What there is.
        free_kib: u32,
    },
    /// A dataspace that is neither RAM of the target nor a ROM module.
    Unsaveable(u32),
    /// A slot with a capability that nobody here made.
    UnknownCapability {
        /// The slot.
        slot: u32,
        /// Its kind as the service told.
        kind: u32,
    },
    /// The target's memory changed while it was looked at or being stopped, at so many attempts.
    Changed(&'static str, u32),
    /// A ROM module that the image needs is not there.
    RomMissing(Name),
    /// A ROM module has another content than at the checkpoint.
    RomDiffers(Name),
    /// A badge of the image is in use.
    BadgeTaken(u32),
    /// The image holds more than one PD, or a thing that this system has no place for.
    Unsupported(&'static str, u32),
    /// Something was left behind after a refusal: before and after.
    Leak(Counts, Counts),
}

impl Error {
    /// The target could not be stopped.
    pub(crate) const fn stop(error: ServiceError) -> Self {
        Self::Stop(error, 1)
    }

    /// The target changed.
    pub(crate) const fn changed(what: &'static str) -> Self {
        Self::Changed(what, 1)
    }

    /// The same, at the last of so many attempts.
    pub(crate) const fn at_attempt(self, attempt: u32) -> Self {
        match self {
            Self::Stop(error, _) => Self::Stop(error, attempt),
            Self::Changed(what, _) => Self::Changed(what, attempt),
            other => other,
        }
    }

    /// The name that tools look for.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Host(..) | Self::Of(..) => "host",
            Self::Stop(..) => "stop",
            Self::Service(_) => "service",
            Self::Resume(_) => "resume",
            Self::Image(_) => "image",
            Self::Disk(DiskError::Absent) => "disk-absent",
            Self::Disk(DiskError::ReadOnly) => "disk-read-only",
            Self::Disk(DiskError::Failed(_)) => "disk-failed",
            Self::Exited(_) | Self::Faulted => "target-ended",
            Self::TooMany(..) => "too-many",
            Self::TargetTooLarge { .. } => "target-too-large",
            Self::MemoryShort { .. } => "memory-short",
            Self::Unsaveable(_) => "unsaveable-memory",
            Self::UnknownCapability { .. } => "unknown-capability",
            Self::Changed(..) => "target-changed",
            Self::RomMissing(_) => "rom-missing",
            Self::RomDiffers(_) => "rom-differs",
            Self::BadgeTaken(_) => "badge-taken",
            Self::Unsupported(..) => "unsupported-image",
            Self::Leak(..) => "leak",
        }
    }

    /// The exit code for whoever runs the machine. Below 40 they are those of `thaw_image::Refusal`.
    #[must_use]
    pub const fn exit(&self) -> u8 {
        match self {
            Self::Image(refusal) => refusal.code(),
            Self::Exited(_) | Self::Faulted => 43,
            Self::TooMany(..) => 44,
            Self::TargetTooLarge { .. } => 45,
            Self::Unsaveable(_) => 46,
            Self::UnknownCapability { .. } => 47,
            Self::Stop(..) => 48,
            Self::Changed(..) => 49,
            Self::Disk(DiskError::Absent) => 50,
            Self::Disk(DiskError::ReadOnly) => 51,
            Self::Disk(DiskError::Failed(_)) => 52,
            Self::RomMissing(_) => 53,
            Self::RomDiffers(_) => 54,
            Self::MemoryShort { .. } => 55,
            Self::BadgeTaken(_) => 56,
            Self::Unsupported(..) => 57,
            Self::Host(..) | Self::Of(..) => 60,
            Self::Service(_) => 61,
            Self::Resume(_) => 62,
            Self::Leak(..) => 63,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(request, HostError(number)) => {
                write!(f, "{}: refused with {number}: see the line of root above", request.name())
            }
            Self::Of(request, what, HostError(number)) => write!(
                f,
                "{}: {what:#x} of the image is refused with {number}: see the line of root above",
                request.name()
            ),
            Self::Stop(error, times) => {
                write!(f, "target: not stopped{}, runs on: {error}", Attempts(*times))
            }
            Self::Service(error) => write!(f, "checkpoint service: {error}"),
            Self::Resume(error) => write!(
                f,
                "target: not continued: {error}: closing the session continues it; if it stays stopped, restore \
                 the last image"
            ),
            Self::Image(refusal) => refusal.fmt(f),
            Self::Disk(error) => error.fmt(f),
            Self::Exited(code) => write!(f, "target: exited with code {code}: start it anew"),
            Self::Faulted => write!(f, "target: a thread ended in an exception: see root's line above"),
            Self::TooMany(table, limit) => {
                write!(f, "target: more than {limit} {}, the most that an image holds", table.name())
            }
            Self::TargetTooLarge { target_kib, spare_kib } => write!(
                f,
                "target: {target_kib} KiB are more than half of {spare_kib} KiB spare memory: give the \
                 checkpointer a larger quota or the machine more memory"
            ),
            Self::MemoryShort { needed_kib, free_kib } => write!(
                f,
                "memory: {needed_kib} KiB are needed and {free_kib} KiB free: give the checkpointer a larger \
                 quota or the machine more memory"
            ),
            _ => self.fmt_target(f),
        }
    }
}

impl Error {
    fn fmt_target(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsaveable(id) => {
                write!(f, "dataspace {id}: neither memory of the target nor a rom module: detach it first")
            }
            Self::UnknownCapability { slot, kind } => write!(
                f,
                "slot {slot:#x}: capability of kind {kind} that was not made for the target: delete it first"
            ),
            Self::Changed(what, times) => {
                let attempts = Attempts(*times);
                write!(f, "target: its {what} changed while it was being stopped{attempts}: try again")
            }
            Self::RomMissing(name) => write!(f, "rom module `{name}`: not there: boot with it"),
            Self::RomDiffers(name) => {
                write!(
                    f,
                    "rom module `{name}`: another content than at the checkpoint: boot with the old one"
                )
            }
            Self::BadgeTaken(badge) => {
                write!(f, "badge {badge:#x}: in use by another gate: end the program that has it")
            }
            Self::Unsupported(what, index) => {
                write!(f, "image: {what} {index} has no place in this system: restore it where it was made")
            }
            Self::Leak(before, after) => {
                write!(f, "refused restore left something behind: before {before}, after {after}")
            }
            _ => Ok(()),
        }
    }
}

/// How often something was tried in vain, if more than once.
struct Attempts(u32);

impl fmt::Display for Attempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 1 { write!(f, ", at each of {} attempts", self.0) } else { Ok(()) }
    }
}

impl fmt::Display for DiskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("disk: there is none: attach one"),
            Self::ReadOnly => f.write_str("disk: read-only: attach it writable"),
            Self::Failed(number) => write!(f, "disk: driver refused with {number}: check the disk"),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Image(refusal)
    }
}

impl From<DiskError> for Error {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

impl From<ServiceError> for Error {
    fn from(error: ServiceError) -> Self {
        Self::Service(error)
    }
}

impl<E: Into<Error>> From<thaw_image::Error<E>> for Error {
    fn from(error: thaw_image::Error<E>) -> Self {
        match error {
            thaw_image::Error::Io(error) => error.into(),
            thaw_image::Error::Refused(refusal) => Self::Image(refusal),
        }
    }
}

impl From<core::convert::Infallible> for Error {
    fn from(never: core::convert::Infallible) -> Self {
        match never {}
    }
}

/// Adds what was asked for to a refusal of the world.
pub(crate) trait Asked<T> {
    /// Names the request.
    fn asked(self, request: Request) -> Result<T>;
    /// Names the request, and for what of an image it was made.
    fn asked_of(self, request: Request, what: u32) -> Result<T>;
}

impl<T> Asked<T> for crate::host::HostResult<T> {
    fn asked(self, request: Request) -> Result<T> {
        self.map_err(|error| Error::Host(request, error))
    }

    fn asked_of(self, request: Request, what: u32) -> Result<T> {
        self.map_err(|error| Error::Of(request, what, error))
    }
}

/// Gives something back or lets somebody go. Nobody else will, so what fails is tried once more.
pub fn surely<T, E>(mut give: impl FnMut() -> core::result::Result<T, E>) -> core::result::Result<T, E> {
    give().or_else(|_| give())
}
