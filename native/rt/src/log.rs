//! The one way out for text. First tasks write to the kernel's log, programs call root's log session.

use core::fmt::{self, Write};

use thaw_l4::{Cap, CapIndex, Gate, Kernel, Log, Message, Op, Timeouts, raw};
use thaw_native_abi::{layout::SLOT_LOG, target::LOG_BYTES_MAX};

use crate::{Role, kernel, role};

/// Bytes sent at once; a longer line arrives in pieces.
pub const LINE_BYTES: usize = LOG_BYTES_MAX as usize;

/// Collects text and sends it when the buffer is full.
struct Line {
    bytes: [u8; LINE_BYTES],
    len: usize,
}

impl Line {
    fn flush(&mut self) {
        if self.len != 0 {
            send(&self.bytes[..self.len]);
            self.len = 0;
        }
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.len == LINE_BYTES {
                self.flush();
            }
            self.bytes[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}

/// Prints formatted text. A `Display` that fails cuts its text short: there is nowhere to report it.
pub fn print(text: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; LINE_BYTES], len: 0 };
    line.write_fmt(text).ok();
    line.flush();
}

/// Prints formatted text and ends the line.
pub fn print_line(text: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; LINE_BYTES], len: 0 };
    line.write_fmt(text).ok();
    line.write_str("\n").ok();
    line.flush();
}

/// Sends at most [`LINE_BYTES`]. An error has nowhere to go.
fn send(text: &[u8]) {
    let k = kernel();
    let first = match role() {
        Role::FirstTask => Message::new(&k).word(raw::THAW_LOG_WRITE_OP),
        Role::Program => Message::new(&k),
    };
    let mut message = first.word(text.len() as u32);
    for chunk in text.chunks(4) {
        let mut word = [0; 4];
        word[..chunk.len()].copy_from_slice(chunk);
        message = message.word(u32::from_le_bytes(word));
    }
    match role() {
        Role::FirstTask => {
            if let Ok(tag) = message.tag(raw::L4_PROTO_LOG, 0) {
                k.ipc(
                    Cap::<Log>::new(CapIndex(raw::THAW_INDEX_LOG)).select(Op::SEND),
                    tag,
                    Timeouts::NEVER,
                    0,
                );
            }
        }
        Role::Program => {
            message.call(Cap::<Gate>::new(CapIndex(SLOT_LOG)), raw::L4_PROTO_NONE).ok();
        }
    }
}
