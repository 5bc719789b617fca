//! Reading a machine's console: bytes to lines, lines to verdicts.

use thaw_native_abi::boot::POWER_OFF_LINE;

/// What a line of the console means for the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// Nothing.
    Text,
    /// The run ended as it should.
    PowerOff,
    /// The run cannot go on.
    Fatal,
}

/// Beginnings of lines (behind a PD's name in brackets) and parts of lines that end a run.
const FATAL_STARTS: [&str; 5] =
    ["panic:", "loader: refused", "loader: panic", "HAZARD ", "KERNEL: Warning: No page-fault handler"];
const FATAL_PARTS: [&str; 4] = ["ASSERTION FAILED", "Assertion failed", "Entering kernel debugger", "--JDB"];

/// Classifies a line.
pub fn meaning(line: &str) -> Meaning {
    let line = line.trim();
    if line.ends_with(POWER_OFF_LINE) {
        return Meaning::PowerOff;
    }
    let text = without_name(line);
    let fatal =
        FATAL_STARTS.iter().any(|s| text.starts_with(s)) || FATAL_PARTS.iter().any(|s| line.contains(s));
    if fatal { Meaning::Fatal } else { Meaning::Text }
}

/// The line without the name of the PD that printed it.
pub fn without_name(line: &str) -> &str {
    split_name(line).1
}

/// Name of the PD that printed a line (empty: nobody in particular) and what it printed.
pub fn split_name(line: &str) -> (&str, &str) {
    let line = line.trim();
    match line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) {
        Some((name, text)) if !name.contains(' ') => (name, text),
        _ => ("", line),
    }
}

/// Joins bytes to lines.
#[derive(Default)]
pub struct Lines {
    open: Vec<u8>,
}

impl Lines {
    /// Adds what was read; returns the lines that are complete now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut complete = Vec::new();
        for &byte in bytes {
            match byte {
                b'\n' => complete.push(self.take()),
                b'\r' => {}
                _ => self.open.push(byte),
            }
        }
        complete
    }

    /// The line that nobody ended.
    pub fn take(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.open)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_survive_any_cut() {
        let mut lines = Lines::default();
        assert!(lines.push(b"[root] he").is_empty());
        assert_eq!(lines.push(b"llo\r\n\nopen"), ["[root] hello", ""]);
        assert_eq!(lines.take(), "open");
    }

    #[test]
    fn verdicts() {
        assert_eq!(meaning("thaw: power off\r"), Meaning::PowerOff);
        assert_eq!(meaning("[sheep] panic: lost (a.rs:1)"), Meaning::Fatal);
        assert_eq!(meaning("panic: no boot information (b.rs:2)"), Meaning::Fatal);
        assert_eq!(meaning("HAZARD cancel-at-unbound-gate"), Meaning::Fatal);
        assert_eq!(meaning("[sheep] do not panic: all is well"), Meaning::Text);
        assert_eq!(meaning("[blk] ready"), Meaning::Text);
    }

    #[test]
    fn names() {
        assert_eq!(split_name("[sheep] count 4"), ("sheep", "count 4"));
        assert_eq!(split_name("[not a name] x"), ("", "[not a name] x"));
        assert_eq!(split_name("plain"), ("", "plain"));
    }
}
