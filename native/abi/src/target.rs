//! Requests of a program to root, calls on [`SLOT_PD`](crate::layout::SLOT_PD).
//!
//! MR0 is the operation, arguments follow; the protocol is 0. The reply's label is 0 or a negative
//! `L4_E*` number, results start at MR0.

/// Makes and starts a thread. MR1 instruction pointer (bit 0: Thumb), MR2 stack pointer, MR3 priority
/// (at most the PD's), MR4 TPIDRURO, MR5-8 name. Result: its index.
pub const THREAD_CREATE: u32 = 1;
/// Ends a thread of this PD. MR1 index. Does not return if it is the caller.
pub const THREAD_EXIT: u32 = 2;
/// Makes a gate in an empty slot. MR1 slot, MR2 index of the thread it is bound to. Result: its badge,
/// the label that messages through it carry (with the sender's W and S rights in the low two bits).
pub const GATE_CREATE: u32 = 3;
/// Makes an IRQ object in an empty slot. MR1 slot, MR2 index of the thread it is bound to, MR3 label.
pub const IRQ_CREATE: u32 = 4;
/// Allocates zeroed memory and attaches it. MR1 bytes (rounded up to pages), MR2 address or 0.
/// Result: its address.
pub const MEMORY_ALLOC: u32 = 5;
/// Detaches and frees memory. MR1 address as returned by [`MEMORY_ALLOC`].
pub const MEMORY_FREE: u32 = 6;
/// The PD's clock. Result: microseconds, low word, high word. Never runs backwards, also across a restore.
pub const CLOCK: u32 = 7;
/// Attaches a ROM module read-only. MR1-4 name. Result: address, bytes.
pub const ROM_ATTACH: u32 = 8;
/// Ends the PD. MR1 exit code. Does not return.
pub const EXIT: u32 = 9;
/// Deletes a gate, an IRQ object or a semaphore that this PD made. MR1 slot, the one it was made in.
pub const OBJECT_DELETE: u32 = 10;
/// Announces a service, in PDs configured to provide one. MR1 slot of a gate, MR2 address of the buffer
/// to be shared with users, or 0.
pub const ANNOUNCE: u32 = 11;
/// Allocates memory for devices, in PDs that may use devices. MR1 bytes. Result: address, physical address.
pub const DMA_ALLOC: u32 = 12;
/// Attaches device memory uncached, in PDs that may use devices. MR1 physical address, MR2 bytes.
/// Result: address.
pub const DEVICE_ATTACH: u32 = 13;
/// Makes an IRQ object for a device's interrupt line, in PDs that may use devices. MR1 slot, MR2 index
/// of the thread, MR3 label, MR4 interrupt number.
pub const DEVICE_IRQ: u32 = 14;

/// Makes a semaphore in an empty slot, with nothing in it. MR1 slot.
pub const SEMAPHORE_CREATE: u32 = 15;
/// Puts the capability of a thread of this PD into an empty slot, with the rights R and W. MR1 slot, MR2 index.
pub const THREAD_CAP: u32 = 16;
/// Empties a slot that [`THREAD_CAP`] or a message has filled. MR1 slot.
pub const SLOT_CLEAR: u32 = 17;

/// The kernel's clock, which ends absolute timeouts, and the PD's at the same moment. Result: microseconds, low word,
/// high word, of each.
pub const KERNEL_CLOCK: u32 = 18;

/// Log request, a call on [`SLOT_LOG`](crate::layout::SLOT_LOG): MR0 bytes (at most
/// [`LOG_BYTES_MAX`]), text from MR1. Root prints whole lines behind the PD's name.
pub const LOG_BYTES_MAX: u32 = 200;
