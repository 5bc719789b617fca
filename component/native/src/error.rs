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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use thaw_component::error::{DiskError, Request, Table};
    use thaw_component::host::{Counts, HostError};
    use thaw_component::service::ServiceError;
    use thaw_image::{Name, Refusal};

    use super::*;

    /// One error of each kind. A new kind makes `is_listed` incomplete: add it there and here.
    fn samples() -> Vec<NativeError<'static>> {
        let name = Name::new("x").expect("short");
        let lost = ServiceError::Lost(7);
        let thaw = [
            Error::Exited(0),
            Error::Faulted,
            Error::TooMany(Table::Threads, 64),
            Error::TargetTooLarge { target_kib: 1, spare_kib: 1 },
            Error::Unsaveable(1),
            Error::UnknownCapability { slot: 1, kind: 1 },
            Error::Stop(lost, 1),
            Error::Changed("memory", 3),
            Error::Disk(DiskError::Absent),
            Error::Disk(DiskError::ReadOnly),
            Error::Disk(DiskError::Failed(1)),
            Error::RomMissing(name),
            Error::RomDiffers(name),
            Error::MemoryShort { needed_kib: 2, free_kib: 1 },
            Error::BadgeTaken(1),
            Error::Unsupported("pd", 1),
            Error::Host(Request::Rom, HostError(1)),
            Error::Of(Request::Attach, 1, HostError(1)),
            Error::Service(lost),
            Error::Resume(lost),
            Error::Leak(Counts::default(), Counts::default()),
        ];
        let own = [
            NativeError::NoText("config"),
            NativeError::Config(ConfigError::Missing("mode")),
            NativeError::Program(ProgramError::TooManySegments),
            NativeError::NoModule("config"),
        ];
        own.into_iter().chain(thaw.map(NativeError::Thaw)).collect()
    }

    /// Whether `samples` has that kind, or it has the code of an image's refusal.
    const fn is_listed(error: &NativeError<'_>) -> bool {
        match error {
            NativeError::Config(_) | NativeError::NoModule(_) | NativeError::NoText(_) => true,
            NativeError::Program(_) => true,
            NativeError::Thaw(error) => match error {
                Error::Image(_) => false,
                Error::Disk(DiskError::Absent | DiskError::ReadOnly | DiskError::Failed(_)) => true,
                Error::Host(..) | Error::Of(..) | Error::Stop(..) | Error::Service(_) | Error::Resume(_) => {
                    true
                }
                Error::Exited(_) | Error::Faulted | Error::TooMany(..) | Error::TargetTooLarge { .. } => true,
                Error::MemoryShort { .. } | Error::Unsaveable(_) | Error::UnknownCapability { .. } => true,
                Error::Changed(..) | Error::RomMissing(_) | Error::RomDiffers(_) | Error::BadgeTaken(_) => {
                    true
                }
                Error::Unsupported(..) | Error::Leak(..) => true,
            },
        }
    }

    #[test]
    fn the_document_has_the_same_table() {
        let document = include_str!("../../../docs/errors.md");
        let (_, table) = document.split_once("## The checkpointer").expect("a chapter about it");
        let (table, _) = table.split_once("\n## ").expect("a chapter behind it");
        let mut told = BTreeMap::new();
        for row in table.lines() {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            if let [_, code, name, _, _] = cells[..]
                && let Ok(code) = code.parse::<u8>()
            {
                assert_eq!(told.insert(code, name), None, "{row}");
            }
        }
        let samples = samples();
        assert!(samples.iter().all(is_listed));
        let known: BTreeMap<u8, &str> = samples.iter().map(|e| (e.exit(), e.name())).collect();
        assert_eq!(told, known);
    }

    #[test]
    fn a_refused_image_keeps_its_code() {
        let refusal = Refusal::NotAnImage { found: [0; 8] };
        let refused = NativeError::Thaw(Error::Image(refusal));
        assert!(!is_listed(&refused));
        assert_eq!((refused.name(), refused.exit()), ("image", refusal.code()));
    }
}
