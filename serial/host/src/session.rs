//! One target behind one line: bytes in, text and answers out.

use thaw_serial::{Disk, Found, Frame, Kind, Line, Scanner, Server};

/// What went over the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Requests that were carried out.
    pub requests: u64,
    /// Bytes of the image that were written or read, repeated ones included.
    pub bytes: u64,
    /// Frames that arrived damaged.
    pub damaged: u64,
    /// Requests that came too late and were left alone.
    pub late: u64,
}

/// The host's end of a line.
#[derive(Default)]
pub struct Session {
    scanner: Scanner,
    server: Server,
    counts: Counts,
}

impl Session {
    /// Takes what came over the line: text that is no part of a frame is appended to `text`, what has to
    /// be sent is returned.
    pub fn push<D: Disk + ?Sized>(&mut self, bytes: &[u8], disk: &mut D, text: &mut Vec<u8>) -> Vec<u8> {
        let mut answers = Vec::new();
        for byte in bytes {
            match self.scanner.push(*byte, |b| text.push(b)) {
                None => {}
                Some(Found::Damaged) => {
                    self.counts.damaged += 1;
                    answers.extend(Line::new(&Frame::DAMAGED).as_bytes());
                }
                Some(Found::Frame) => {
                    let Some(request) = self.scanner.frame() else { continue };
                    let Some(answer) = self.server.answer(&request, disk) else {
                        self.counts.late += 1;
                        continue;
                    };
                    self.counts.requests += 1;
                    self.counts.bytes += match request.kind {
                        Kind::Write => request.data.len() as u64,
                        Kind::Read => answer.data.len() as u64,
                        _ => 0,
                    };
                    answers.extend(Line::new(&answer).as_bytes());
                }
            }
        }
        answers
    }

    /// What went over the line so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}
