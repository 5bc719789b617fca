// SPDX-License-Identifier: AGPL-3.0-only
//! The thread that runs the engine, and the barrier thread below everything of a stopped set.
// UNSAFETY: wraps pages and threads that the C++ part made for the service.
#![expect(unsafe_code)]

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use l4_sys::Revision;
use thaw_core_patch::{Engine, Env, Request, Set, stub_code};
use thaw_l4::{Cap, CapIndex, Kernel, MsgTag, Op, Real, Timeouts, raw};

use crate::{
    abi::Wiring,
    front::MAILBOX,
    host::{CoreHost, Page},
};

/// Longest time that a pass of the barrier may take, in microseconds.
const BARRIER_US: u32 = 300_000;

/// The kernel that Genode 26.02 uses.
const REVISION: Revision = Revision::G;

/// The engine's tables, lent out once.
struct Tables {
    set: UnsafeCell<Set>,
    taken: AtomicBool,
}

// SAFETY: `take` lends the set to one caller only.
unsafe impl Sync for Tables {}

static TABLES: Tables = Tables { set: UnsafeCell::new(Set::new()), taken: AtomicBool::new(false) };

impl Tables {
    #[expect(clippy::mut_from_ref, reason = "it is handed out once")]
    fn take(&'static self) -> Option<&'static mut Set> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: the flag lets exactly one caller through, so the reference is unique for good.
        Some(unsafe { &mut *self.set.get() })
    }
}

fn kernel() -> Real {
    // SAFETY: Genode's base library for this kernel is of that revision, core's threads leave TPIDRURW alone, and the
    // engine maps only the pages and slots that the C++ part gave to it.
    unsafe { Real::new(REVISION) }
}

/// Writes the stubs into the window's code page.
#[unsafe(no_mangle)]
extern "C" fn thaw_fill_code(page: u32) {
    // SAFETY: the C++ part allocated the page for this.
    let Some(code) = (unsafe { Page::new(page) }) else { return };
    for (i, word) in stub_code(REVISION).iter().enumerate() {
        code.set(i, *word);
    }
    kernel().make_coherent(page, page + 4096);
}

/// Entry of the handler thread.
#[unsafe(no_mangle)]
extern "C" fn thaw_handler(wiring: &Wiring) -> ! {
    let k = kernel();
    // SAFETY: as in `thaw_fill_code`.
    let window = unsafe { Page::new(wiring.window_data) };
    let (Some(set), Some(window)) = (TABLES.take(), window) else { park(&k) };
    let mut engine = Engine::new(&k, CoreHost { env: env(wiring), window }, set);
    loop {
        engine.wait_command();
        let words = MAILBOX.words();
        let has_pd = MAILBOX.has_pd.get() != 0;
        let request =
            Request { client: MAILBOX.client.get(), words: &words, label: has_pd.then_some(0), cap: None };
        let (tag, reply) = engine.serve(&request);
        MAILBOX.tag.set(tag.0);
        MAILBOX.put(reply.words().iter().copied());
        let front = CapIndex(MAILBOX.front.get());
        k.ipc(front.select(Op::SEND), MsgTag::new(0, 0, 0, raw::L4_MSGTAG_SCHEDULE), Timeouts::NEVER, 0);
    }
}

/// Entry of the barrier thread.
#[unsafe(no_mangle)]
extern "C" fn thaw_barrier(wiring: &Wiring) -> ! {
    let k = kernel();
    let gate = CapIndex(wiring.barrier_gate);
    loop {
        k.ipc(gate.select(Op::CALL), MsgTag::default(), Timeouts::NEVER, 0);
    }
}

fn env(wiring: &Wiring) -> Env {
    Env {
        core_task: Cap::new(CapIndex(wiring.task)),
        scheduler: Cap::new(CapIndex(wiring.scheduler)),
        handler: Cap::new(CapIndex(wiring.handler)),
        barrier: Cap::new(CapIndex(wiring.barrier)),
        stop_gates: CapIndex(wiring.stop_gates),
        stop_slot: CapIndex(wiring.stop_slot),
        stop_slot_stride: wiring.stop_slot_stride,
        window_code: wiring.window_code,
        window_data: wiring.window_data,
        pd_window: wiring.pd_window,
        // Used on revision M only.
        reply_slots: CapIndex(0),
        scratch_slots: CapIndex(wiring.scratch_slots),
        lift: wiring.lift,
        slots: (wiring.first_slot, wiring.end_slot),
        barrier_us: BARRIER_US,
    }
}

fn park(k: &Real) -> ! {
    loop {
        thaw_l4::ipc::sleep(k, Timeouts::NEVER);
    }
}
