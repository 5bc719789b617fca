//! Requests of a program to root, one function per request of [`thaw_native_abi::target`].

use thaw_l4::{Cap, CapIndex, Gate, Kernel, Message, Result, Timeouts, ipc, raw};
use thaw_native_abi::{layout::SLOT_PD, name_words, target};

use crate::kernel;

fn request(operation: u32, arguments: &[u32]) -> Result<()> {
    let k = kernel();
    let message = Message::new(&k).word(operation).slice(arguments);
    message.call(Cap::<Gate>::new(CapIndex(SLOT_PD)), raw::L4_PROTO_NONE).map(|_| ())
}

/// What a thread is made with.
#[derive(Clone, Copy, Debug)]
pub struct NewThread<'a> {
    /// First instruction; bit 0: Thumb.
    pub ip: u32,
    /// Stack pointer.
    pub sp: u32,
    /// Priority, at most the PD's.
    pub priority: u32,
    /// The thread's TPIDRURO.
    pub tpidruro: u32,
    /// Name, at most 16 bytes.
    pub name: &'a str,
}

/// Makes and starts a thread; returns its index. [`crate::thread::spawn`] is the safe way.
pub fn thread_create(new: &NewThread<'_>) -> Result<u32> {
    let name = name_words(new.name);
    let numbers = [new.ip, new.sp, new.priority, new.tpidruro, name[0], name[1], name[2], name[3]];
    request(target::THREAD_CREATE, &numbers)?;
    Ok(kernel().mr(0))
}

/// Ends the thread with that index.
pub fn thread_exit(index: u32) -> Result<()> {
    request(target::THREAD_EXIT, &[index])
}

/// Makes a gate in `slot`, bound to the thread with that index; returns the badge.
pub fn gate_create(slot: CapIndex, thread: u32) -> Result<u32> {
    request(target::GATE_CREATE, &[slot.0, thread])?;
    Ok(kernel().mr(0))
}

/// Makes an IRQ object in `slot`, bound to the thread with that index.
pub fn irq_create(slot: CapIndex, thread: u32, label: u32) -> Result<()> {
    request(target::IRQ_CREATE, &[slot.0, thread, label])
}

/// Allocates zeroed memory at `address`, or anywhere; returns where.
pub fn memory_alloc(bytes: u32, address: Option<u32>) -> Result<u32> {
    request(target::MEMORY_ALLOC, &[bytes, address.unwrap_or(0)])?;
    Ok(kernel().mr(0))
}

/// Frees what [`memory_alloc`] returned. Nothing of the program may live there any more.
pub fn memory_free(address: u32) -> Result<()> {
    request(target::MEMORY_FREE, &[address])
}

/// The PD's clock in microseconds.
pub fn clock_us() -> Result<u64> {
    request(target::CLOCK, &[])?;
    let k = kernel();
    Ok(u64::from(k.mr(1)) << 32 | u64::from(k.mr(0)))
}

/// The kernel's clock, by which absolute timeouts end, and the PD's at the same moment, in microseconds.
pub fn kernel_clock_us() -> Result<(u64, u64)> {
    request(target::KERNEL_CLOCK, &[])?;
    let k = kernel();
    let us = |n| u64::from(k.mr(n + 1)) << 32 | u64::from(k.mr(n));
    Ok((us(0), us(2)))
}

/// Attaches a ROM module; returns address and bytes.
pub fn rom_attach(name: &str) -> Result<(u32, u32)> {
    request(target::ROM_ATTACH, &name_words(name))?;
    let k = kernel();
    Ok((k.mr(0), k.mr(1)))
}

/// Ends the program.
pub fn exit(code: u32) -> ! {
    request(target::EXIT, &[code]).ok();
    // Root does not answer; should it refuse, this thread at least runs no further.
    loop {
        ipc::sleep(&kernel(), Timeouts::NEVER);
    }
}

/// Makes a semaphore in `slot`, with nothing in it.
pub fn semaphore_create(slot: CapIndex) -> Result<()> {
    request(target::SEMAPHORE_CREATE, &[slot.0])
}

/// Puts the capability of the thread with that index into `slot`.
pub fn thread_cap(slot: CapIndex, thread: u32) -> Result<()> {
    request(target::THREAD_CAP, &[slot.0, thread])
}

/// Empties a slot that [`thread_cap`] or a message has filled.
pub fn slot_clear(slot: CapIndex) -> Result<()> {
    request(target::SLOT_CLEAR, &[slot.0])
}

/// Deletes the gate, IRQ object or semaphore made in `slot`.
pub fn object_delete(slot: CapIndex) -> Result<()> {
    request(target::OBJECT_DELETE, &[slot.0])
}

/// Announces the service behind the gate in `slot`, with a buffer to share if it needs one.
pub fn announce(slot: CapIndex, buffer: Option<u32>) -> Result<()> {
    request(target::ANNOUNCE, &[slot.0, buffer.unwrap_or(0)])
}

/// Allocates memory for devices; returns address and physical address.
pub fn dma_alloc(bytes: u32) -> Result<(u32, u32)> {
    request(target::DMA_ALLOC, &[bytes])?;
    let k = kernel();
    Ok((k.mr(0), k.mr(1)))
}

/// Attaches device memory uncached; returns its address.
pub fn device_attach(physical: u32, bytes: u32) -> Result<u32> {
    request(target::DEVICE_ATTACH, &[physical, bytes])?;
    Ok(kernel().mr(0))
}

/// Makes an IRQ object in `slot` for a device's interrupt, bound to the thread with that index.
pub fn device_irq(slot: CapIndex, thread: u32, label: u32, interrupt: u32) -> Result<()> {
    request(target::DEVICE_IRQ, &[slot.0, thread, label, interrupt])
}
