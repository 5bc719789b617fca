//! The host's end of the serial store: image files behind a line.
//!
//! [`Session`] is fed with what comes over the line; it answers the target's requests from an
//! [`Incoming`] image (`thaw receive`) or an [`Outgoing`] one (`thaw send`) and hands on the text.
#![forbid(unsafe_code)]

mod error;
pub mod faults;
mod file;
mod incoming;
mod outgoing;
mod session;

pub use error::HostError;
pub use incoming::{Accepted, Incoming};
pub use outgoing::Outgoing;
pub use session::{Counts, Session};
