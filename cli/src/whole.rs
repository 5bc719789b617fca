//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Refuses an output that would replace one of the `inputs`.
pub fn apart(out: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let place = |path: &Path| std::fs::canonicalize(path).ok();
    match place(out) {
        Some(there) if inputs.iter().any(|input| place(input).as_ref() == Some(&there)) => {
            Err(Failure::Replaces(out.into()))
        }
        _ => Ok(()),
    }
}

/// Lets `write` make a file beside `out` and moves it there once it is complete.
pub fn whole(out: &Path, write: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let part = part_of(out);
    let written = write(&part)
        .and_then(|()| std::fs::rename(&part, out).map_err(|error| Failure::Output(out.into(), error)));
    if written.is_err() {
        // The failure to tell is the first one; the part may not even exist.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Returns the name under which a file grows until it is complete.
fn part_of(out: &Path) -> PathBuf {
    let mut name: OsString = out.as_os_str().into();
    name.push(".part");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_fails_leaves_the_old_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        std::fs::write(&path, "old").expect("made");
        let failed = whole(&path, |part| {
            std::fs::write(part, "half").expect("made");
            Err(Failure::Pipe)
        });
        assert!(matches!(failed, Err(Failure::Pipe)));
        assert_eq!(std::fs::read(&path).expect("there"), b"old");
        assert_eq!(std::fs::read_dir(directory.path()).expect("there").count(), 1);
    }
}
