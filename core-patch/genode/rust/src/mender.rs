// SPDX-License-Identifier: AGPL-3.0-only
//! The thread that takes exceptions which a failed stop has left behind.
//!
//! A thread that was in a long IPC when a stop failed keeps its trigger. When the IPC ends the exception comes here: the
//! thread gets its ordinary handler back and an empty answer, which changes nothing. If the exception is another one, its
//! instruction is run again and raises it at the ordinary handler.
// UNSAFETY: makes the thread's access to the kernel.
#![expect(unsafe_code)]

use l4_sys::{Op, Revision, Selector};
use thaw_l4::{Cap, CapIndex, Kernel, MsgTag, Real, ThreadControl, Timeouts, raw};

use crate::abi::Wiring;

/// Bits of a label that name the thread's area; the thread's capability in core is above them. The lowest two are the
/// kernel's.
const AREA_BITS: u32 = 7;
const AREA_SHIFT: u32 = 2;

/// Label of the mender's gate for a thread.
#[unsafe(no_mangle)]
extern "C" fn thaw_late_label(thread: u32, area: u32) -> u32 {
    thread << (AREA_SHIFT + AREA_BITS) | area << AREA_SHIFT
}

/// Entry of the mender.
#[unsafe(no_mangle)]
extern "C" fn thaw_mender(wiring: &Wiring) -> ! {
    // SAFETY: as in `handler::kernel`.
    let k = unsafe { Real::new(Revision::G) };
    loop {
        let got = k.ipc(Selector::nobody(Op::WAIT), MsgTag::default(), Timeouts::NEVER, 0);
        if got.tag.has_error() || got.tag.label() != raw::L4_PROTO_EXCEPTION {
            continue;
        }
        let thread = Cap::new(CapIndex(got.label >> (AREA_SHIFT + AREA_BITS)));
        let area = got.label >> AREA_SHIFT & ((1 << AREA_BITS) - 1);
        let handler = wiring.stop_slot - 3 + area * wiring.stop_slot_stride + wiring.pager_slot_in_area;
        let set = ThreadControl { exc_handler: Some(CapIndex(handler)), ..ThreadControl::default() };
        // If that is refused the thread is gone, and so is whoever waits for the answer.
        let _ = thread.control(&k, set);
        k.ipc(Selector::nobody(Op::REPLY), MsgTag::new(0, 0, 0, raw::L4_MSGTAG_SCHEDULE), Timeouts::NEVER, 0);
    }
}
