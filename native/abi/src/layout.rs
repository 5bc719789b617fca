//! Addresses and capability slots of a PD of the native system.

/// Threads of a PD at most.
pub const THREADS_MAX: u32 = 64;

/// Page with [`InfoPage`], readable by every PD.
pub const INFO_PAGE: u32 = 0x0010_0000;
/// First address that a region may have.
pub const USER_START: u32 = 0x0020_0000;
/// Programs are linked here by our linker scripts; any address from [`USER_START`] works.
pub const PROGRAM_BASE: u32 = 0x0100_0000;
/// End of the addresses that a region may have, exclusive.
pub const USER_END: u32 = 0xa000_0000;
/// Stack of the first thread: this many bytes below [`USER_END`].
pub const STACK_BYTES: u32 = 0x1_0000;
/// Where the block driver's buffer lies in a PD that uses it.
pub const BLOCK_BUFFER: u32 = 0xa100_0000;
/// Bytes of the block driver's buffer.
pub const BLOCK_BUFFER_BYTES: u32 = 0x1_0000;
/// Window of two pages, mapped only while all threads of a PD are stopped: code, then data.
pub const STOP_WINDOW: u32 = 0xafff_e000;
/// UTCB area: thread `i` has its UTCB at `UTCB_AREA + 512 * i`.
pub const UTCB_AREA: u32 = 0xb000_0000;
/// Log2 of the UTCB area's bytes.
pub const UTCB_AREA_ORDER: u32 = 15;

/// Slot of the PD's own session at root, see [`crate::target`].
pub const SLOT_PD: u32 = 0x10;
/// Slot of the log session.
pub const SLOT_LOG: u32 = 0x11;
/// Slot of the manager session, in PDs that may create PDs, see [`crate::manager`].
pub const SLOT_MANAGER: u32 = 0x12;
/// Slot of the checkpoint service, in PDs it is routed to.
pub const SLOT_CHECKPOINT: u32 = 0x13;
/// Slot of the block driver, in PDs it is routed to.
pub const SLOT_BLOCK: u32 = 0x14;
/// Two slots kept empty for capabilities that arrive while the checkpoint service drains a queue.
pub const SLOT_SCRATCH: u32 = 0x18;
/// First slot of the thread areas: thread `i` has the four slots from `SLOT_THREADS + 4 * i`.
pub const SLOT_THREADS: u32 = 0x40;
/// In a thread area: the gate for page faults and exceptions.
pub const AREA_PAGER: u32 = 0;
/// In a thread area: kept free for the checkpoint service's exception gate.
pub const AREA_STOP: u32 = 1;
/// First slot that a program may name in requests, exclusive of the thread areas.
pub const SLOT_USER: u32 = 0x200;
/// End of the slots that a program may name, exclusive.
pub const SLOT_END: u32 = 0x400;

/// First word of [`InfoPage`]: "Info".
pub const INFO_MAGIC: u32 = 0x6f66_6e49;
/// Version of [`InfoPage`] and of the whole target interface.
pub const INFO_VERSION: u32 = 1;

/// What every PD can read at [`INFO_PAGE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct InfoPage {
    /// [`INFO_MAGIC`].
    pub magic: u32,
    /// [`INFO_VERSION`].
    pub version: u32,
    /// Kernel revision (1 G, 2 M): decides the system-call sequence.
    pub revision: u32,
    /// Board number.
    pub board: u32,
    /// Frequency of the virtual counter in hertz, 0 where user mode cannot read one.
    pub counter_hz: u32,
}

/// Kernel priorities, higher runs first.
pub mod priority {
    /// The checkpoint service's handler and its front.
    pub const HANDLER: u32 = 200;
    /// Root: pager and server.
    pub const ROOT: u32 = 190;
    /// Drivers.
    pub const DRIVER: u32 = 180;
    /// The checkpointer.
    pub const CHECKPOINTER: u32 = 170;
    /// What a target's priority is raised by while it is being stopped.
    pub const LIFT: u32 = 100;
    /// Threads of a PD that are being ended: above the helper.
    pub const ENDING: u32 = 100;
    /// Root's helper, which waits until nothing of a PD that ends is ready: above the barrier, so that root is
    /// not in the middle of a request when the barrier passes.
    pub const HELPER: u32 = 99;
    /// The barrier thread: below every lifted target, above everything else.
    pub const BARRIER: u32 = 98;
    /// Highest priority of a target's threads.
    pub const TARGET_MAX: u32 = 60;
    /// Priority of a target's first thread.
    pub const TARGET_DEFAULT: u32 = 10;
}
