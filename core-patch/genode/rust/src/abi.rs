// SPDX-License-Identifier: AGPL-3.0-only
//! What C++ and Rust share, as in `thaw_core_abi.h`.
// UNSAFETY: declares the functions of the C++ part; they take plain words and references, and have no conditions.
#![expect(unsafe_code)]

/// Facts that the C++ part settles before the threads start.
#[repr(C)]
pub struct Wiring {
    pub task: u32,
    pub scheduler: u32,
    pub handler: u32,
    pub barrier: u32,
    pub pager_slot_in_area: u32,
    pub stop_gates: u32,
    pub barrier_gate: u32,
    pub command_gate: u32,
    pub window_code: u32,
    pub window_data: u32,
    pub pd_window: u32,
    pub stop_slot: u32,
    pub stop_slot_stride: u32,
    pub scratch_slots: u32,
    pub first_slot: u32,
    pub end_slot: u32,
    pub lift: u32,
}

/// A thread of the open PD.
#[repr(C)]
#[derive(Default)]
pub struct RawThread {
    pub cap: u32,
    pub utcb: u32,
    pub priority: u32,
    pub exc_handler: u32,
    pub started: u32,
    pub serial: u32,
}

/// An object of the open PD.
#[repr(C)]
#[derive(Default)]
pub struct RawObject {
    pub slot: u32,
    pub kind: u32,
    pub cap: u32,
    pub badge: u32,
    pub thread: u32,
}

/// Answers of [`thaw_core_thread`].
pub const THREAD: u32 = 0;
/// No thread has that index, but there may be higher ones.
pub const HOLE: u32 = 1;

/// Answer of [`thaw_core_object`]: a thread waits until a fault in a nested region map is resolved.
pub const FAULTING: u32 = 2;

/// Answer of [`thaw_core_maybe_filled`]: all from there on are empty.
pub const NO_SLOT: u32 = !0;

/// In [`RawObject::thread`]: none.
pub const NO_THREAD: u32 = !0;

unsafe extern "C" {
    pub safe fn thaw_core_task() -> u32;
    pub safe fn thaw_core_has(task: u32) -> u32;
    pub safe fn thaw_core_thread(index: u32, out: &mut RawThread) -> u32;
    pub safe fn thaw_core_object(n: u32, out: &mut RawObject) -> u32;
    pub safe fn thaw_core_forget_slots();
    pub safe fn thaw_core_maybe_filled(from: u32) -> u32;
    pub safe fn thaw_core_slot(slot: u32, badge: &mut u32) -> u32;
    pub safe fn thaw_core_peek(addr: u32, value: &mut u32) -> u32;
    pub safe fn thaw_core_bind(index: u32) -> u32;
    pub safe fn thaw_core_started(index: u32);
    pub safe fn thaw_core_late(index: u32) -> u32;
    pub safe fn thaw_core_panic(line: u32) -> !;
}
