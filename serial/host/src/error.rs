//! Why an image cannot be kept or given out.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why the host's end cannot do its work.
#[derive(Debug)]
pub enum HostError {
    /// A file cannot be read or written.
    File(PathBuf, io::Error),
    /// The image is none, or damaged.
    Image(PathBuf, thaw_image::Refusal),
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "{}: {error}: check path, rights and room", path.display()),
            Self::Image(path, refusal) => write!(f, "{}: {refusal}", path.display()),
        }
    }
}

impl std::error::Error for HostError {}

/// Names the file in an error.
pub fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> HostError {
    let path = path.into();
    |error| HostError::File(path, error)
}

/// Names the file in an error of the image library.
pub fn image(path: impl Into<PathBuf>) -> impl FnOnce(thaw_image::Error<io::Error>) -> HostError {
    let path = path.into();
    |error| match error {
        thaw_image::Error::Io(error) => HostError::File(path, error),
        thaw_image::Error::Refused(refusal) => HostError::Image(path, refusal),
    }
}
