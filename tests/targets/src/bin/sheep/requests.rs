//! Requests to root that need memory of this program, or a message of their own.
// UNSAFETY: turns addresses that root returned into memory.
#![expect(unsafe_code)]

use thaw_l4::{Cap, CapIndex, Error, Gate, Message, ObjectError, raw};
use thaw_native_abi::{layout, target};
use thaw_rt::request;

use crate::me::Me;

/// Bytes of a log message at most.
pub const LOG_BYTES: usize = target::LOG_BYTES_MAX as usize;

/// Prints; errors have nowhere to go.
pub fn log(me: &Me, text: &[u8]) {
    let mut message = Message::new(&me.kernel).word(text.len() as u32);
    for chunk in text.chunks(4) {
        let mut bytes = [0; 4];
        bytes[..chunk.len()].copy_from_slice(chunk);
        message = message.word(u32::from_le_bytes(bytes));
    }
    message.call(Cap::<Gate>::new(CapIndex(layout::SLOT_LOG)), raw::L4_PROTO_NONE).ok();
}

/// Allocates the heap of the memory worker.
pub fn heap(me: &Me, bytes: u32) -> &'static mut [u32] {
    let start = match request::memory_alloc(bytes, None) {
        Ok(start) => start as *mut u32,
        Err(e) => me.refused("heap", e),
    };
    // SAFETY: root attached `bytes` zeroed bytes there for this PD alone; nothing else here knows them,
    // and this program never frees them.
    unsafe { core::slice::from_raw_parts_mut(start, bytes as usize / 4) }
}

/// Copies the start of a ROM module; returns the bytes copied, or `None` if there is no such module.
pub fn rom_read(me: &Me, name: &str, to: &mut [u8]) -> Option<usize> {
    let (address, bytes) = match request::rom_attach(name) {
        Err(Error::Object(ObjectError(raw::L4_ENOENT))) => return None,
        Err(e) => me.refused("rom", e),
        Ok(module) => module,
    };
    let bytes = to.len().min(bytes as usize);
    for (i, byte) in to[..bytes].iter_mut().enumerate() {
        // SAFETY: root attached at least `bytes` readable bytes there.
        *byte = unsafe { (address as *const u8).add(i).read_volatile() };
    }
    Some(bytes)
}
