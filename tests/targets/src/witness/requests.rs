//! Requests to root that need memory of this program, or a message of their own.
// UNSAFETY: turns addresses that root returned into memory.
#![expect(unsafe_code)]

use core::fmt::{self, Write};

use thaw_l4::{Cap, CapIndex, Error, Gate, Kernel, Message, ObjectError, Result, raw};
use thaw_native_abi::{layout, target};
use thaw_rt::request;

/// Bytes of a log message at most.
pub const LOG_BYTES: usize = target::LOG_BYTES_MAX as usize;

struct Line {
    bytes: [u8; LOG_BYTES],
    len: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = LOG_BYTES - self.len;
        let taken = text.len().min(room);
        self.bytes[self.len..self.len + taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.len += taken;
        Ok(())
    }
}

/// Prints a line; a longer one than a message holds is cut.
pub fn print(kernel: &impl Kernel, text: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; LOG_BYTES], len: 0 };
    // `write_str` never fails.
    let _ = writeln!(line, "{text}");
    log(kernel, &line.bytes[..line.len]);
}

/// Prints; errors have nowhere to go.
fn log(kernel: &impl Kernel, text: &[u8]) {
    let mut message = Message::new(kernel).word(text.len() as u32);
    for chunk in text.chunks(4) {
        let mut bytes = [0; 4];
        bytes[..chunk.len()].copy_from_slice(chunk);
        message = message.word(u32::from_le_bytes(bytes));
    }
    message.call(Cap::<Gate>::new(CapIndex(layout::SLOT_LOG)), raw::L4_PROTO_NONE).ok();
}

/// Allocates memory for good.
pub fn heap(bytes: u32) -> Result<&'static mut [u32]> {
    let start = request::memory_alloc(bytes, None)? as *mut u32;
    // SAFETY: root attached `bytes` zeroed bytes there for this PD alone; nothing else here knows them,
    // and they are never freed.
    Ok(unsafe { core::slice::from_raw_parts_mut(start, bytes as usize / 4) })
}

/// Allocates memory, hands it to `user`, frees it.
pub fn with_heap<T>(bytes: u32, user: impl FnOnce(&mut [u32]) -> T) -> Result<T> {
    let start = request::memory_alloc(bytes, None)?;
    // SAFETY: as above; the borrow ends before the memory is freed.
    let words = unsafe { core::slice::from_raw_parts_mut(start as *mut u32, bytes as usize / 4) };
    let result = user(words);
    request::memory_free(start)?;
    Ok(result)
}

/// Copies the start of a ROM module; returns the bytes copied, or `None` if there is no such module.
pub fn rom_read(name: &str, to: &mut [u8]) -> Result<Option<usize>> {
    let (address, bytes) = match request::rom_attach(name) {
        Err(Error::Object(ObjectError(raw::L4_ENOENT))) => return Ok(None),
        other => other?,
    };
    let bytes = to.len().min(bytes as usize);
    for (i, byte) in to[..bytes].iter_mut().enumerate() {
        // SAFETY: root attached at least `bytes` readable bytes there.
        *byte = unsafe { (address as *const u8).add(i).read_volatile() };
    }
    Ok(Some(bytes))
}
