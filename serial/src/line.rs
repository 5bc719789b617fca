//! Frames between text: a frame is `~~`, its bytes in base64 without padding, `~` and a newline.
//!
//! Nothing in it is a control character, so it neither ends a kernel's patience nor enters its debugger.
//! Text of others may fall into the middle of a frame; the frame is then damaged, and what follows is
//! read as text again.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use crate::frame::{FRAME_MAX, FRAME_MIN, Frame};

const MARK: u8 = b'~';
/// Characters of `bytes` bytes in base64.
const fn characters(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}
/// Characters between the marks at most and at least.
const INSIDE_MAX: usize = characters(FRAME_MAX);
const INSIDE_MIN: usize = characters(FRAME_MIN);
/// Bytes of a frame on the line at most.
pub const LINE_MAX: usize = INSIDE_MAX + 4;

/// A frame as it goes over the line.
pub struct Line {
    bytes: [u8; LINE_MAX],
    len: usize,
}

impl Line {
    /// Encodes a frame.
    #[must_use]
    pub fn new(frame: &Frame<'_>) -> Self {
        let mut raw = [0; FRAME_MAX];
        let len = frame.encode(&mut raw);
        let mut bytes = [MARK; LINE_MAX];
        // The room is what the longest frame needs.
        let inside = STANDARD_NO_PAD.encode_slice(&raw[..len], &mut bytes[2..]).unwrap_or(0);
        bytes[2 + inside] = MARK;
        bytes[3 + inside] = b'\n';
        Self { bytes, len: inside + 4 }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// What a byte completed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Found {
    /// A frame; [`Scanner::frame`] has it.
    Frame,
    /// Something that began like a frame and is none any more.
    Damaged,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// One mark was seen.
    Mark,
    /// This many characters of a frame were seen.
    Inside(usize),
    /// A frame is complete but for its newline.
    After,
}

/// Finds frames in what comes over a line.
pub struct Scanner {
    state: State,
    inside: [u8; INSIDE_MAX],
    raw: [u8; FRAME_MAX],
    len: usize,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    /// Has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Text, inside: [0; INSIDE_MAX], raw: [0; FRAME_MAX], len: 0 }
    }

    /// Takes a byte; those that belong to no frame go to `text`.
    pub fn push(&mut self, byte: u8, mut text: impl FnMut(u8)) -> Option<Found> {
        match self.state {
            State::Text | State::After if byte == MARK => self.state = State::Mark,
            // Some consoles send a carriage return with each newline.
            State::After if byte == b'\r' => {}
            State::After if byte == b'\n' => self.state = State::Text,
            State::Text | State::After => {
                self.state = State::Text;
                text(byte);
            }
            State::Mark if byte == MARK => self.state = State::Inside(0),
            State::Mark => {
                self.state = State::Text;
                text(MARK);
                text(byte);
            }
            // A third mark: the frame begins one later.
            State::Inside(0) if byte == MARK => text(MARK),
            State::Inside(count) => return self.inside(count, byte, text),
        }
        None
    }

    fn inside(&mut self, count: usize, byte: u8, text: impl FnMut(u8)) -> Option<Found> {
        let is_inside = byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
        if is_inside && count < INSIDE_MAX {
            self.inside[count] = byte;
            self.state = State::Inside(count + 1);
            return None;
        }
        if byte == MARK && self.decode(count) {
            self.state = State::After;
            return Some(Found::Frame);
        }
        // The mark that ended what is no frame may begin one.
        self.state = if byte == MARK { State::Mark } else { State::Text };
        self.give_back(count, byte, text)
    }

    /// What is too short to be a frame was text; anything else is a damaged frame and dropped.
    fn give_back(&mut self, count: usize, byte: u8, mut text: impl FnMut(u8)) -> Option<Found> {
        let is_frame = count >= INSIDE_MIN;
        if !is_frame {
            [MARK, MARK].iter().chain(&self.inside[..count]).for_each(|b| text(*b));
        }
        if byte != MARK {
            text(byte);
        }
        is_frame.then_some(Found::Damaged)
    }

    fn decode(&mut self, count: usize) -> bool {
        let decoded = STANDARD_NO_PAD.decode_slice(&self.inside[..count], &mut self.raw);
        self.len = decoded.unwrap_or(0);
        Frame::decode(&self.raw[..self.len]).is_some()
    }

    /// The frame that was found last.
    #[must_use]
    pub fn frame(&self) -> Option<Frame<'_>> {
        Frame::decode(&self.raw[..self.len])
    }
}
