//! Why a command fails: one exit code per kind, listed in docs/errors.md.

use std::{fmt, io, path::Path, process::ExitCode};

/// Result of a command.
pub type Result<T> = std::result::Result<T, Failure>;

/// Kinds of failure; the number is the exit code. 2 is taken by wrong usage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A check or a test did not hold.
    Check = 1,
    /// A file named as kernel is none that can be booted.
    Kernel = 3,
    /// A file named as program is none that can be started.
    Program = 4,
    /// Something did not build.
    Build = 5,
    /// A tool is missing or does not work.
    Tool = 6,
    /// The machine did not finish in time.
    Timeout = 7,
    /// The machine stopped with a panic, a hazard or by itself.
    Machine = 8,
    /// A file could not be read or written.
    File = 9,
    /// A configuration or an option makes no sense.
    Config = 70,
    /// A program on the machine refused what it was asked for; it states an exit code of its own.
    Refused = 255,
}

/// A failure with its message: object, reason, remedy.
#[derive(Debug)]
pub struct Failure {
    /// What kind.
    pub kind: Kind,
    /// Exit code that a refusal on the machine states (docs/errors.md).
    stated: Option<u8>,
    message: String,
}

impl Failure {
    /// Makes a failure.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, stated: None, message: message.into() }
    }

    /// A refusal by a program on the machine, with the exit code that it states.
    pub fn refused(exit: u8, message: impl Into<String>) -> Self {
        Self { kind: Kind::Refused, stated: Some(exit), message: message.into() }
    }

    /// A file that could not be read or written.
    pub fn file(path: &Path, error: &io::Error) -> Self {
        Self::new(Kind::File, format!("{}: {error}", path.display()))
    }

    /// The process's exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.stated.unwrap_or(self.kind as u8))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Reads a whole file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Failure::file(path, &e))
}

/// Writes a whole file, making its directory.
pub fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(|e| Failure::file(parent, &e))?;
    }
    std::fs::write(path, bytes).map_err(|e| Failure::file(path, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What docs/errors.md says of each kind; 0 and 2 are not ours to choose.
    const ROWS: [(u8, &str); 11] = [
        (0, "done"),
        (Kind::Check as u8, "a check or test did not hold"),
        (2, "wrong arguments"),
        (Kind::Kernel as u8, "the file named as kernel cannot be booted"),
        (Kind::Program as u8, "the file named as program cannot be started"),
        (Kind::Build as u8, "something did not build"),
        (Kind::Tool as u8, "a tool is missing or does not work"),
        (Kind::Timeout as u8, "the machine did not finish in time"),
        (Kind::Machine as u8, "the machine stopped with a panic, a hazard or by itself"),
        (Kind::File as u8, "a file could not be read or written"),
        (Kind::Config as u8, "a configuration or an option makes no sense"),
    ];

    #[test]
    fn the_document_has_the_same_table() {
        let document = include_str!("../../docs/errors.md");
        let (_, own) = document.split_once("## `cargo xtask`").expect("a chapter about xtask");
        let rows: Vec<&str> = own.lines().filter(|l| l.starts_with("| ") && !l.contains("code |")).collect();
        let expected: Vec<String> = ROWS.iter().map(|(code, text)| format!("| {code} | {text} |")).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_refusal_ends_with_the_code_that_it_states() {
        assert_eq!(Failure::refused(45, "x").exit_code(), ExitCode::from(45));
    }
}
