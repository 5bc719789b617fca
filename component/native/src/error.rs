//! Refusals of this program: those of the checkpointer, and what can be wrong with its modules.

use core::fmt;

use thaw_bootimage::program::ProgramError;
use thaw_component::Error;
use thaw_component::config::ConfigError;

/// Why a run was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NativeError<'a> {
    /// By the checkpointer.
    Thaw(Error),
    /// A setting is wrong.
    Config(ConfigError<'a>),
    /// A module of the archive is missing.
    NoModule(&'static str),
    /// A module is no text.
    NoText(&'static str),
    /// The target's file is no program.
    Program(ProgramError),
}

impl NativeError<'_> {
    /// The name that tools look for.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Thaw(error) => error.name(),
            Self::Config(_) => "config",
            Self::NoModule(_) => "module-missing",
            Self::NoText(_) => "config",
            Self::Program(_) => "no-program",
        }
    }

    /// The exit code, see docs/errors.md.
    #[must_use]
    pub const fn exit(&self) -> u8 {
        match self {
            Self::Thaw(error) => error.exit(),
            Self::Config(_) | Self::NoText(_) => 40,
            Self::Program(_) => 41,
            Self::NoModule(_) => 42,
        }
    }
}

impl fmt::Display for NativeError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thaw(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::NoModule(name) => write!(f, "module `{name}`: not in the archive: pack it"),
            Self::NoText(name) => write!(f, "module `{name}`: no utf-8 text: write it as text"),
            Self::Program(error) => {
                write!(f, "module `target`: no program: {error}: link it for 32-bit arm, static")
            }
        }
    }
}

impl From<Error> for NativeError<'_> {
    fn from(error: Error) -> Self {
        Self::Thaw(error)
    }
}
