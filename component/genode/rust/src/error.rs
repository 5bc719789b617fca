//! Why a checkpoint or restore was refused.

use core::convert::Infallible;
use core::fmt;

use thaw_component::service::ServiceError;
use thaw_image::{KernelName, Name, Refusal};

use crate::store::File;
use crate::world::{CoreResult, kind, memory};

/// Result of a step.
pub type Result<T> = core::result::Result<T, Error>;

/// Why a checkpoint or restore was refused.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Error {
    /// Core or our own parent did not do something: what, for which object, and why.
    World(&'static str, u32, CoreResult),
    /// The engine did not stop the target.
    Stop(ServiceError),
    /// The engine refused something else: what.
    Engine(&'static str, ServiceError),
    /// The image is not usable.
    Image(Refusal),
    /// The target has too many of something: what, and how many are possible.
    TooMany(&'static str, u32),
    /// A slot holds what cannot be saved: slot, kind, badge.
    Slot(u32, u32, u32),
    /// A region is of memory that cannot be saved: address and number of the kind of memory.
    Memory(u32, u32),
    /// A thread waits for a fault in a region map to be resolved: badge of the map, 0 if it is not told.
    Faulting(u32),
    /// The dynamic linker has not loaded the target's program yet.
    Starting,
    /// Another component serves a session of the target: the service.
    Session(Name),
    /// The server of a forwarded session got a capability of the target: the service.
    Holding(Name),
    /// A forwarded session was opened with arguments that an image does not keep: the service.
    Arguments(Name),
    /// The server of a forwarded session has not answered a request for long: the service.
    Busy(Name),
    /// The target has another session of a service than that of its environment: the service.
    Second(Name),
    /// The target has exited.
    Exited,
    /// The target serves others: the service.
    Announces(Name),
    /// A session of the image could not be opened: the service, and why.
    NoSession(Name, CoreResult),
    /// A name does not fit into an image: what it is of.
    Unnamed(&'static str),
    /// The target changed while it was stopped: what.
    Changed(&'static str),
    /// A ROM module has not the content that the image names.
    Rom(Name),
    /// There is no such ROM module.
    NoRom(Name),
    /// The image is of another version of the system: of which.
    System(KernelName),
    /// The image is of another target.
    Other(Name),
    /// A file of the store could not be used: for what, which, and why.
    Store(&'static str, File, CoreResult),
    /// There is no image to restore.
    NoImage,
    /// The image has something of which this component knows nothing: what, and its number.
    Unsupported(&'static str, u32),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Image(refusal)
    }
}

impl From<thaw_image::Error<Infallible>> for Error {
    fn from(error: thaw_image::Error<Infallible>) -> Self {
        match error {
            thaw_image::Error::Refused(refusal) => Self::Image(refusal),
            thaw_image::Error::Io(never) => match never {},
        }
    }
}

const fn kind_name(number: u32) -> &'static str {
    match number {
        kind::UNKNOWN => "an object that core does not know",
        kind::OUTSIDE => "an object of another component",
        kind::CALLER => "an object of this component that is no session",
        _ => "an object of core",
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::World(what, which, why) => write!(f, "{what} {which:#x}: {why}"),
            Self::Stop(error) => write!(f, "the target could not be stopped and runs on: {error}"),
            Self::Engine(what, error) => write!(f, "{what}: {error}"),
            Self::Image(refusal) => write!(f, "image: {refusal}"),
            Self::TooMany(what, limit) => {
                write!(f, "the target has more than {limit} {what}: only smaller ones can be saved")
            }
            Self::Slot(slot, kind, badge) => write!(
                f,
                "slot {slot:#x} of the target holds {} (badge {badge:#x}), which cannot be saved: close it first",
                kind_name(*kind)
            ),
            Self::Memory(0, memory::DEVICE) => {
                f.write_str("the target holds device memory: targets with devices cannot be saved")
            }
            Self::Memory(addr, memory::DEVICE) => {
                write!(f, "device memory is attached at {addr:#x}: targets with devices cannot be saved")
            }
            Self::Memory(0, memory::FOREIGN) => {
                f.write_str("the target holds RAM of another component, which that one would not share again")
            }
            Self::Memory(addr, memory::FOREIGN) => {
                write!(
                    f,
                    "RAM of another component is attached at {addr:#x}: close the session that it is of"
                )
            }
            Self::Memory(addr, _) => write!(
                f,
                "memory that is neither RAM nor a ROM module of a session is attached at {addr:#x}: detach it first"
            ),
            Self::Faulting(map) => write!(
                f,
                "a thread waits until its fault in a region map (badge {map:#x}) is resolved: try again later"
            ),
            Self::Starting => {
                f.write_str("the target is starting, its program is not loaded yet: try again later")
            }
            Self::Session(service) => write!(
                f,
                "the target has a session of {service}, which cannot be saved: let it close the session first, or \
                 route {service} with `reopen: yes` if a new session does as well"
            ),
            Self::Holding(service) => write!(
                f,
                "the target gave its session of {service} a capability, which the server would not get again: a \
                 target that does so cannot be saved"
            ),
            Self::Arguments(service) => write!(
                f,
                "the target opened its session of {service} with arguments besides label and quota, which an image \
                 does not keep: let it close the session first"
            ),
            Self::Busy(service) => {
                write!(f, "{service} does not answer a request of the target: try again when it has")
            }
            Self::Second(service) => write!(
                f,
                "the target opened a session of {service} beside that of its environment, which cannot be saved: let \
                 it close the session first"
            ),
            Self::Exited => f.write_str("the target has exited: there is nothing left to save"),
            Self::Announces(service) => {
                write!(f, "the target announces {service}: one that serves other components cannot be saved")
            }
            Self::NoSession(service, CoreResult(CoreResult::NOT_FOUND)) => {
                write!(f, "no session of {service} as at the checkpoint: route that service as it was then")
            }
            Self::NoSession(service, why) => write!(f, "session of {service}: {why}"),
            Self::Unnamed(what) => {
                write!(f, "the name of a {what} is longer than 32 printable characters: shorten it")
            }
            Self::Changed(what) => write!(f, "{what} changed while the target was stopped: try again"),
            Self::Rom(name) => {
                write!(f, "ROM module {name} has other content than at the checkpoint: boot the same modules")
            }
            Self::NoRom(name) => write!(f, "ROM module {name} is missing: add it to the boot image"),
            Self::System(image) => {
                write!(f, "the image was made by {image}, which this is not: boot that one")
            }
            Self::Other(name) => write!(f, "image is of target {name}: configure that one"),
            Self::Store(what, file, why) => {
                write!(f, "{what} stored image {}: {why}", file.letter())
            }
            Self::NoImage => f.write_str("there is no whole image in the store: make a checkpoint first"),
            Self::Unsupported(what, index) => {
                write!(f, "image has {what} {index}, which this component cannot restore: use a newer one")
            }
        }
    }
}
