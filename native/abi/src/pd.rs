//! Requests of a parent on a PD's capability. Same message form as [`crate::target`].

/// Destroys the PD and everything made for it. Fails with `-L4_EBUSY` while it is being checkpointed.
pub const DESTROY: u32 = 1;
/// Result: badge, quota in pages, used pages, threads (highest index + 1), flags [`FLAG_EXITED`],
/// [`FLAG_FAULTED`], exit code, name (4 words), number of requests so far that may have changed what it has.
pub const INFO: u32 = 2;
/// The PD has exited.
pub const FLAG_EXITED: u32 = 1;
/// A thread of the PD ended in an exception that nobody handles.
pub const FLAG_FAULTED: u32 = 2;

/// Makes RAM charged to the PD's quota, zeroed, physically contiguous. MR1 bytes. Result: dataspace id.
pub const RAM_CREATE: u32 = 3;
/// Attaches a dataspace of the PD, or a ROM, in the PD. MR1 dataspace id, MR2 address or 0, MR3 offset,
/// MR4 bytes, MR5 rights (`L4_FPAGE_*`). Result: address. Pages are mapped on their first fault.
pub const ATTACH: u32 = 4;
/// Makes a thread. MR1 index or [`INDEX_ANY`], MR2 instruction pointer (bit 0: Thumb), MR3 stack pointer,
/// MR4 priority, MR5 TPIDRURO, MR6 flags [`THREAD_START`], MR7-10 name. Result: its index.
/// A thread made without [`THREAD_START`] is bound and scheduled but has never run: the checkpoint
/// service gives it its registers.
pub const THREAD_CREATE: u32 = 5;
/// Lets the first free index be taken.
pub const INDEX_ANY: u32 = !0;
/// Starts the thread at once.
pub const THREAD_START: u32 = 1;
/// Makes a gate. MR1 slot, MR2 thread index, MR3 badge (multiple of 4) or 0 for any.
/// Result: badge. `-L4_EEXIST`: the badge is taken.
pub const GATE_CREATE: u32 = 6;
/// Makes an IRQ object. MR1 slot, MR2 thread index, MR3 label.
pub const IRQ_CREATE: u32 = 7;
/// Region `MR1`, in order of address. Result: address, bytes, dataspace id, offset, rights.
/// `-L4_ENOENT` past the last; the info page, the stop window and the UTCB area are no regions.
pub const REGION_GET: u32 = 8;
/// Dataspace `MR1`, in order of id, of those attached in the PD or charged to it. Result: id, bytes,
/// kind, name (4 words, ROM only). `-L4_ENOENT` past the last.
pub const DATASPACE_GET: u32 = 9;
/// Kinds of dataspaces.
pub mod dataspace {
    /// RAM of the PD.
    pub const RAM: u32 = 1;
    /// A ROM module.
    pub const ROM: u32 = 2;
    /// Registers of a device.
    pub const DEVICE: u32 = 3;
}
/// Object `MR1` that root made for the PD in its slots. Result: slot, kind, badge or label, thread index.
/// `-L4_ENOENT` past the last.
pub const OBJECT_GET: u32 = 10;
/// Kinds of objects.
pub mod object {
    /// An IPC gate.
    pub const GATE: u32 = 1;
    /// An IRQ object.
    pub const IRQ: u32 = 2;
    /// A semaphore; its thread index is [`INDEX_ANY`](super::INDEX_ANY).
    pub const SEMAPHORE: u32 = 3;
}
/// Thread `MR1`. Result: flags [`THREAD_STARTED`], priority, name (4 words). `-L4_ENOENT`: no thread has
/// that index; `-L4_ERANGE`: past the last.
pub const THREAD_GET: u32 = 11;
/// In the result of [`THREAD_GET`]: the thread was started.
pub const THREAD_STARTED: u32 = 1;
/// Reads the PD's clock. Result: microseconds, low word, high word; the kernel's clock at the same moment, the same way.
pub const CLOCK_GET: u32 = 12;
/// Sets the PD's clock; once a thread of the PD was started, forwards only. MR1 low word, MR2 high word of
/// the microseconds.
pub const CLOCK_SET: u32 = 13;
/// Makes a semaphore. MR1 slot.
pub const SEMAPHORE_CREATE: u32 = 14;
/// Fills an empty slot of the PD with what it has already, or empties one. MR1 slot, MR2 rights (`L4_CAP_FPAGE_*`),
/// 0 to empty it, MR3 what: [`HELD_OBJECT`], [`HELD_THREAD`], MR4 slot of the object, index of the thread.
pub const SLOT_SET: u32 = 15;
/// For [`SLOT_SET`]: an object that root made for the PD.
pub const HELD_OBJECT: u32 = 1;
/// For [`SLOT_SET`]: a thread of the PD.
pub const HELD_THREAD: u32 = 2;
/// Hash of a ROM is the checkpointer's business; this gives the bytes: see [`crate::manager::ATTACH`].
pub const ROM_NAME_WORDS: usize = 4;
/// Makes RAM like [`RAM_CREATE`] that cannot be attached, and by nobody, until [`RAM_FILL`] has filled all of it.
/// MR1 bytes. Result: dataspace id.
pub const RAM_BLANK: u32 = 16;
/// Fills the next bytes of blank RAM of the PD. MR1 dataspace id, MR2 bytes, whole pages, MR3 address of their
/// content in the parent's memory, attached in one piece, or 0 for zeros.
pub const RAM_FILL: u32 = 17;
