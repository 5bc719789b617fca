//! The files that rules look at: what git tracks or would track.

use std::process::Command;

use crate::{
    failure::{Failure, Kind, Result},
    paths,
};

/// A text file of the repository.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path from the root, with `/`.
    pub path: String,
    /// Contents.
    pub text: String,
}

impl Source {
    /// Whether the path ends in `.EXTENSION` for one of these.
    pub fn is(&self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, e)| extensions.contains(&e))
    }

    /// Lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }
}

/// Reads all text files; others are left out.
pub fn sources() -> Result<Vec<Source>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(paths::root())
        .output()
        .map_err(|e| Failure::new(Kind::Tool, format!("git: {e}; install git")))?;
    if !output.status.success() {
        return Err(Failure::new(Kind::Tool, "git ls-files failed: tidy needs a clone, not an export"));
    }
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    let sources = names.split('\0').filter(|n| !n.is_empty()).filter_map(|name| {
        // A tracked file that was deleted and a file that is no text are not looked at.
        let text = std::fs::read_to_string(paths::root().join(name)).ok()?;
        Some(Source { path: name.into(), text })
    });
    Ok(sources.collect())
}

#[cfg(test)]
pub(super) fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_this_file() {
        let all = sources().expect("a clone");
        assert!(
            all.iter().any(|s| s.path == "xtask/src/tidy/files.rs" && s.text.contains("finds_this_file"))
        );
    }
}
