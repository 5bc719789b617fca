//! Requests on the manager session, slot [`SLOT_MANAGER`](crate::layout::SLOT_MANAGER): what a PD may
//! do that creates PDs. Same message form as [`crate::target`].

/// Makes an empty PD: no memory, no thread. MR1 quota in pages, MR2-5 name. The PD's capability arrives
/// in the caller's receive buffer; the caller is the PD's parent. Result: the PD's badge.
pub const PD_CREATE: u32 = 1;
/// Opens a ROM module. MR1-4 name. Result: dataspace id, bytes.
pub const ROM_OPEN: u32 = 2;
/// Attaches a dataspace to the caller's own PD, all of it and mapped at once: a ROM, or RAM of a PD
/// whose parent the caller is. MR1 dataspace id, MR2 address or 0, MR3 rights (`L4_FPAGE_*`).
/// Result: address, bytes.
pub const ATTACH: u32 = 3;
/// Undoes [`ATTACH`]. MR1 address.
pub const DETACH: u32 = 4;
/// Memory of the system. Result: free pages, total pages, pages left in the caller's own quota.
pub const MEMORY_INFO: u32 = 5;
/// Ends the run: root prints [`POWER_OFF_LINE`](crate::boot::POWER_OFF_LINE) when its output is out.
pub const POWER_OFF: u32 = 6;
/// Counts what root holds, to prove that nothing was left behind. Result: PDs, threads, gates, IRQ
/// objects, dataspaces, regions, used capability slots of root, free pages.
pub const COUNTS: u32 = 7;
/// Orders a failure, in PDs that may: **for tests only**. MR1 whose ([`MAIN`], [`SERVICE`]), MR2 number of a
/// `thaw_l4::faults::FaultKind`, MR3 which of that kind from now on, or 0 to take an order back. Result: what
/// was left of the order before, 0 if it was carried out.
pub const FAULT: u32 = 8;
/// In [`FAULT`]: a system call or allocation of root's main thread.
pub const MAIN: u32 = 1;
/// In [`FAULT`]: a system call of the checkpoint service's handler.
pub const SERVICE: u32 = 2;
/// What the project's test kernel holds, in PDs that may order failures. Result: living kernel objects, then of
/// these tasks, threads, gates, IRQ objects, semaphores, factories. `-L4_ENOSYS`: another kernel, which does
/// not tell.
pub const KERNEL_COUNTS: u32 = 9;
/// In [`FAULT`]: the caller's own life. The `n`-th request from now on, to root or to the checkpoint service, ends
/// it; with 0 the order is taken back.
pub const LIFE: u32 = 3;
/// How many lives of the caller were ended by [`LIFE`], in PDs that may order failures. Result: their number.
pub const LIVES: u32 = 10;
/// Takes over a PD that lost its parent and runs on. MR1-4 name. Its capability arrives in the caller's receive
/// buffer, its quota is taken from the caller's. Result: the PD's badge. `-L4_ENOENT`: none has that name.
pub const PD_ADOPT: u32 = 11;
/// Makes the first PD that the caller made one that it may not touch, in PDs that may order failures. MR1 slot of
/// that PD, MR2 what is done.
pub const PLANT: u32 = 12;
/// In [`PLANT`]: the slot is emptied.
pub const PLANT_NOTHING: u32 = 0;
/// In [`PLANT`]: the caller's first thread is put into the slot.
pub const PLANT_THREAD: u32 = 1;
/// In [`PLANT`]: the caller is its parent no longer.
pub const PLANT_AWAY: u32 = 2;
/// In [`PLANT`]: the caller is its parent again.
pub const PLANT_BACK: u32 = 3;
