//! Whole log lines: text of a PD is kept until its line ends.

use core::fmt::{self, Write};

use heapless::Vec;

/// Bytes of a line at most, without prefix; longer ones are broken.
pub const LINE_BYTES: usize = 200;
/// Bytes of a prefix at most: brackets, a name, a space.
pub const PREFIX_BYTES: usize = 19;

/// The unfinished line of a PD.
pub struct Line {
    text: Vec<u8, LINE_BYTES>,
}

impl Line {
    /// Empty.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: Vec::new() }
    }

    /// Appends text and gives each finished line to `out`, without its newline.
    pub fn append(&mut self, text: impl Iterator<Item = u8>, mut out: impl FnMut(&[u8])) {
        for byte in text {
            if byte == b'\n' {
                out(&self.text);
                self.text.clear();
            } else if byte != b'\r' {
                if self.text.is_full() {
                    out(&self.text);
                    self.text.clear();
                }
                // There is room: a full line was given out.
                let _ = self.text.push(byte);
            }
        }
    }

    /// Gives out what is left of a line that never ended.
    pub fn finish(&mut self, out: impl FnOnce(&[u8])) {
        if !self.text.is_empty() {
            out(&self.text);
            self.text.clear();
        }
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

/// A line of root's own; what does not fit is cut.
#[derive(Default)]
pub struct Text {
    bytes: Vec<u8, { LINE_BYTES + PREFIX_BYTES + 1 }>,
}

impl Text {
    /// An empty line.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new() }
    }

    /// Appends bytes as they are.
    pub fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.bytes.push(*byte).is_err() {
                return;
            }
        }
    }

    /// What was written so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The finished line, newline included.
    pub fn finish(&mut self) -> &[u8] {
        if self.bytes.is_full() {
            self.bytes.pop();
        }
        let _ = self.bytes.push(b'\n');
        &self.bytes
    }
}

impl Write for Text {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        self.push(s.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(line: &mut Line, text: &str) -> std::vec::Vec<String> {
        let mut out = std::vec::Vec::new();
        line.append(text.bytes(), |l| out.push(String::from_utf8_lossy(l).into_owned()));
        out
    }

    #[test]
    fn lines_come_out_whole() {
        let mut line = Line::new();
        assert!(lines(&mut line, "one ").is_empty());
        assert_eq!(lines(&mut line, "line\r\n\ntwo"), ["one line", ""]);
        let mut rest = std::vec::Vec::new();
        line.finish(|l| rest.extend_from_slice(l));
        assert_eq!(rest, b"two");
        line.finish(|_| panic!("nothing is left"));
    }

    #[test]
    fn endless_lines_are_broken_not_lost() {
        let mut line = Line::new();
        let long = "x".repeat(LINE_BYTES + 5);
        let out = lines(&mut line, &format!("{long}\n"));
        assert_eq!(out.iter().map(String::len).collect::<std::vec::Vec<_>>(), [LINE_BYTES, 5]);
    }

    #[test]
    fn a_cut_line_still_ends() {
        let mut text = Text::new();
        write!(text, "{}", "y".repeat(1000)).expect("never fails");
        let bytes = text.finish();
        assert_eq!(bytes.len(), LINE_BYTES + PREFIX_BYTES + 1);
        assert_eq!(bytes.last(), Some(&b'\n'));
    }
}
