//! The error of everything that also touches a sink, source or device.

use core::fmt;

use crate::Refusal;

/// An image could not be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error<E> {
    /// The sink, source or device failed.
    Io(E),
    /// The content was refused.
    Refused(Refusal),
}

impl<E> From<Refusal> for Error<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl<E> Error<Error<E>> {
    /// Joins the two layers of a writer whose sink is itself a [`Commit`](crate::store::Commit).
    pub fn flatten(self) -> Error<E> {
        match self {
            Self::Io(inner) => inner,
            Self::Refused(refusal) => Error::Refused(refusal),
        }
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for Error<E> {}
