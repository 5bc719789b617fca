//! The named steps of a run, in order.

use core::fmt;

/// Where a checkpoint or restore is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Phase {
    /// Learning what the target has; it runs.
    Scan,
    /// Refusing what cannot be saved, taking spare RAM; it runs.
    Check,
    /// All threads stand still; memory, threads, IRQs and slots are read.
    Stop,
    /// All threads continue.
    Resume,
    /// The image goes to the disk.
    Write,
    /// The target is destroyed because its image is on the disk.
    Destroy,
    /// The image comes from the disk and is checked as a whole.
    Verify,
    /// The new PD gets memory, threads, gates and IRQs.
    Build,
    /// The threads get their state; none has run.
    Stage,
    /// All threads start at once.
    Commit,
    /// Everything made so far goes away.
    Rollback,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Scan => "scan",
            Self::Check => "check",
            Self::Stop => "stop",
            Self::Resume => "resume",
            Self::Write => "write",
            Self::Destroy => "destroy",
            Self::Verify => "verify",
            Self::Build => "build",
            Self::Stage => "stage",
            Self::Commit => "commit",
            Self::Rollback => "rollback",
        })
    }
}
