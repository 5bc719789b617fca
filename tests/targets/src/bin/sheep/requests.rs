//! Requests to root: calls on the PD's own session and on the log.
// UNSAFETY: turns addresses that root returned into memory.
#![expect(unsafe_code)]

use thaw_l4::{Cap, CapIndex, Error, Gate, Kernel, Message, ObjectError, Real, Result, Revision, raw};
use thaw_native_abi::{layout, name_words, target};

use crate::me::Me;

/// Bytes of a log message at most.
pub const LOG_BYTES: usize = target::LOG_BYTES_MAX as usize;

const PD: Cap<Gate> = Cap::new(CapIndex(layout::SLOT_PD));
const LOG: Cap<Gate> = Cap::new(CapIndex(layout::SLOT_LOG));

/// The kernel as the calling thread enters it, or `None` if the info page is not one.
pub fn kernel() -> Option<Real> {
    let page = layout::INFO_PAGE as *const u32;
    // SAFETY: every PD has the info page, mapped and readable; its words are read where it documents them.
    let words = [0, 1, 2].map(|i| unsafe { page.add(i).read_volatile() });
    if words[0] != layout::INFO_MAGIC || words[1] != layout::INFO_VERSION {
        return None;
    }
    // SAFETY: root names the running revision; no thread here changes TPIDRURW or maps anything itself.
    Some(unsafe { Real::new(Revision::from_number(words[2])?) })
}

fn call(me: &Me, words: &[u32]) -> Result<()> {
    Message::new(&me.kernel).slice(words).call(PD, raw::L4_PROTO_NONE).map(|_| ())
}

/// Prints; errors have nowhere to go.
pub fn log(me: &Me, text: &[u8]) {
    let mut message = Message::new(&me.kernel).word(text.len() as u32);
    for chunk in text.chunks(4) {
        let mut bytes = [0; 4];
        bytes[..chunk.len()].copy_from_slice(chunk);
        message = message.word(u32::from_le_bytes(bytes));
    }
    let _ = message.call(LOG, raw::L4_PROTO_NONE);
}

/// Makes and starts a thread; returns its index.
pub fn thread_create(me: &Me, ip: u32, sp: u32, priority: u32, tpidruro: u32, name: &str) -> Result<u32> {
    let [a, b, c, d] = name_words(name);
    call(me, &[target::THREAD_CREATE, ip, sp, priority, tpidruro, a, b, c, d])?;
    Ok(me.kernel.mr(0))
}

/// Makes a gate for thread `thread`; returns its badge.
pub fn gate_create(me: &Me, slot: CapIndex, thread: u32) -> Result<u32> {
    call(me, &[target::GATE_CREATE, slot.0, thread])?;
    Ok(me.kernel.mr(0))
}

/// Makes an IRQ object for thread `thread`.
pub fn irq_create(me: &Me, slot: CapIndex, thread: u32, label: u32) -> Result<()> {
    call(me, &[target::IRQ_CREATE, slot.0, thread, label])
}

/// Allocates the heap of the memory worker.
pub fn heap(me: &Me, bytes: u32) -> &'static mut [u32] {
    if let Err(e) = call(me, &[target::MEMORY_ALLOC, bytes, 0]) {
        me.refused("heap", e);
    }
    let start = me.kernel.mr(0) as *mut u32;
    // SAFETY: root attached `bytes` zeroed bytes there for this PD alone; nothing else here knows them,
    // and this program never frees them.
    unsafe { core::slice::from_raw_parts_mut(start, bytes as usize / 4) }
}

/// Copies the start of a ROM module; returns the bytes copied, or `None` if there is no such module.
pub fn rom_read(me: &Me, name: &str, to: &mut [u8]) -> Option<usize> {
    let [a, b, c, d] = name_words(name);
    match call(me, &[target::ROM_ATTACH, a, b, c, d]) {
        Err(Error::Object(ObjectError(raw::L4_ENOENT))) => return None,
        Err(e) => me.refused("rom", e),
        Ok(()) => {}
    }
    let (address, bytes) = (me.kernel.mr(0) as *const u8, me.kernel.mr(1) as usize);
    let bytes = bytes.min(to.len());
    for (i, byte) in to[..bytes].iter_mut().enumerate() {
        // SAFETY: root attached at least `bytes` readable bytes there.
        *byte = unsafe { address.add(i).read_volatile() };
    }
    Some(bytes)
}
