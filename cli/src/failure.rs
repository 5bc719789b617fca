//! Why the tool stops.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use thaw_image::{Error, Refusal};

use crate::codes::own;

/// Why the tool stops.
#[derive(Debug)]
pub enum Failure {
    /// The input cannot be opened or read.
    Input(PathBuf, io::Error),
    /// The output cannot be written.
    Output(PathBuf, io::Error),
    /// The output is one of the inputs.
    Replaces(PathBuf),
    /// Standard output is closed.
    Pipe,
    /// An image where a disk is wanted.
    NotADisk(PathBuf),
    /// A log without a trace.
    NoTrace(PathBuf),
    /// A log without the result of a check.
    NoCheck(PathBuf),
    /// A log without a whole image.
    NoImage(PathBuf),
    /// The checked target cannot be saved, for that many reasons.
    NotSaveable(PathBuf, usize),
    /// The machine that was to check did not run to its end.
    Boot(String),
    /// The line to a target cannot be opened or used.
    Line(String, io::Error),
    /// The other end of the line was closed before an image was complete.
    Unfinished(String),
    /// The content is refused.
    Refused(PathBuf, Refusal),
    /// A ROM module file of another content than at the checkpoint.
    OtherModule(PathBuf, String),
    /// A ROM module that the image does not know.
    NoSuchModule(PathBuf, String),
    /// A protection domain that the image does not have; those that it has.
    NoSuchPd(PathBuf, String, Vec<String>),
    /// Several protection domains, and none was named.
    ManyPds(PathBuf, Vec<String>),
    /// The two images compared differ; that was said already.
    Differ,
}

impl Failure {
    /// Returns the exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Input(..) => own::INPUT,
            Self::Output(..) | Self::Replaces(_) => own::OUTPUT,
            Self::Pipe => 0,
            Self::NotADisk(_) => own::NOT_A_DISK,
            Self::NoTrace(_) => own::NO_TRACE,
            Self::NoCheck(_) => own::NO_CHECK,
            Self::NoImage(_) => own::NO_IMAGE,
            Self::NotSaveable(..) => own::NOT_SAVEABLE,
            Self::Boot(_) => own::NOT_BOOTED,
            Self::Line(..) => own::LINE,
            Self::Unfinished(_) => own::UNFINISHED,
            Self::Refused(_, refusal) => refusal.code(),
            Self::OtherModule(..) => own::OTHER_MODULE,
            Self::NoSuchModule(..) => own::NO_SUCH_MODULE,
            Self::NoSuchPd(..) => own::NO_SUCH_PD,
            Self::ManyPds(..) => own::MANY_PDS,
            Self::Differ => own::DIFFER,
        }
    }

    /// Returns what an error of the image means for the file at `path`.
    pub fn of(path: &Path, error: Error<io::Error>) -> Self {
        match error {
            Error::Io(error) => Self::Input(path.into(), error),
            Error::Refused(refusal) => Self::Refused(path.into(), refusal),
        }
    }

    /// Returns what an error of standard output means.
    pub fn stdout(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Pipe,
            _ => Self::Output("standard output".into(), error),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(path, error) => {
                write!(f, "{}: cannot be read: {error}; name a readable image or disk", path.display())
            }
            Self::Output(path, error) => {
                write!(f, "{}: cannot be written: {error}; name another place", path.display())
            }
            Self::Replaces(path) => {
                write!(f, "{}: is an input and would be replaced; name another place", path.display())
            }
            Self::Pipe => f.write_str("standard output is closed"),
            Self::NotADisk(path) => {
                write!(f, "{}: is an image already, not a disk; use it as it is", path.display())
            }
            Self::NoTrace(path) => {
                write!(f, "{}: no traced steps in it; run with trace=1 (`run/demo --trace`)", path.display())
            }
            Self::NoCheck(path) => {
                write!(f, "{}: no result of a check in it; run with mode=check", path.display())
            }
            Self::NoImage(path) => {
                write!(f, "{}: no whole image in it; run thaw with print=yes to its end", path.display())
            }
            Self::NotSaveable(path, count) => {
                write!(f, "{}: target cannot be saved for {count} reasons; see above", path.display())
            }
            Self::Boot(why) => write!(f, "boot: {why}; see above"),
            Self::Line(line, error) => {
                write!(f, "line {line}: {error}; name a serial device, a socket or HOST:PORT that is free")
            }
            Self::Unfinished(line) => write!(
                f,
                "line {line}: closed before an image was complete; start again to go on while the target waits"
            ),
            Self::Refused(path, refusal) => write!(f, "{}: {refusal}", path.display()),
            Self::OtherModule(path, module) => write!(
                f,
                "{}: is not the module {module} of the image: its bytes have another hash; give the file that the \
                 system was packed with",
                path.display()
            ),
            Self::NoSuchModule(path, module) => write!(
                f,
                "{}: has no ROM module {module}; `thaw show` lists the modules under dataspaces",
                path.display()
            ),
            Self::NoSuchPd(path, pd, all) => {
                write!(f, "{}: has no protection domain {pd}; name one of {}", path.display(), all.join(", "))
            }
            Self::ManyPds(path, all) => write!(
                f,
                "{}: has several protection domains; name one with --pd: {}",
                path.display(),
                all.join(", ")
            ),
            Self::Differ => f.write_str("the images differ"),
        }
    }
}
