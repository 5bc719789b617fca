//! The thread that runs the engine, and the barrier thread below everything of a stopped set.
// UNSAFETY: makes windows onto frames that the service was given.
#![expect(unsafe_code)]

use thaw_core_patch::{Engine, Env, Request, Set, stub_code};
use thaw_l4::faults::Faulty;
use thaw_l4::{CapIndex, Kernel, MsgTag, Op, Real, Result, Timeouts};
use thaw_native_abi::layout::{self, priority};

use super::{
    cap, front,
    host::{RootHost, Window},
    mailbox::{MAILBOX, WIRING},
    park,
};
use thaw_root::client::InternalClient;
use thaw_root::faults;
use thaw_root::machine::{SCHEDULER, TASK};
use thaw_rt::Once;

/// Longest time that a pass of the barrier may take, in microseconds. A target's system calls end far
/// sooner; what does not end is blocked and does not count.
const BARRIER_US: u32 = 300_000;

static TABLES: Once<Set> = Once::new(Set::new());

/// Entry of the handler thread.
pub(super) extern "C" fn main() -> ! {
    let k = thaw_rt::kernel();
    let gate = CapIndex(WIRING.internal_gate.get());
    let steady = InternalClient::new(&k, gate);
    let (Some(set), Ok((env, window))) = (TABLES.take(), set_up(&k, &steady)) else {
        steady.say(format_args!("checkpoint service: root has no slots or memory for it; it is off"));
        park(&k);
    };
    let counter_hz = thaw_rt::boot_info().map_or(0, |info| info.counter_hz);
    // Only what the engine does for a target may be made to fail, not what root does for itself.
    let faulty = Faulty::new(k, &faults::SERVICE);
    let client = InternalClient::new(&faulty, gate);
    let mut engine = Engine::new(&faulty, RootHost { client, steady, env, window, counter_hz }, set);
    loop {
        engine.wait_command();
        if MAILBOX.gone.get() != 0 {
            engine.client_gone(MAILBOX.client.get());
            front::answer(&k, MsgTag::default(), &[]);
            continue;
        }
        let words = MAILBOX.words();
        let (label, passed) = (MAILBOX.label.get(), MAILBOX.cap.get());
        let request = Request {
            client: MAILBOX.client.get(),
            words: &words,
            label: (label != 0).then_some(label),
            cap: (passed != 0).then_some(CapIndex(passed)),
        };
        let (tag, reply) = engine.serve(&request);
        front::answer(&k, tag, reply.words());
    }
}

fn set_up(k: &Real, client: &InternalClient<'_, Real>) -> Result<(Env, Window)> {
    let threads = layout::THREADS_MAX;
    // This first request also waits until the main thread has noted who the handler is.
    let stop_gates = client.slots_alloc(threads)?;
    let handler = cap(WIRING.handler.get());
    for i in 0..threads {
        client.gate_create(stop_gates.plus(i), handler, Env::stop_label(i as usize))?;
    }
    let reply_slots = client.slots_alloc(Env::REPLY_SLOTS)?;
    let gates = client.slots_alloc(2)?;
    client.gate_create(gates, handler, Env::BARRIER_LABEL)?;
    client.gate_create(gates.plus(1), handler, Env::COMMAND_LABEL)?;
    WIRING.barrier_gate.set(gates.0);
    let pages = client.frames_alloc(2 + 1)?;
    let barrier = client.spawn(barrier_main, pages + 3 * 4096, priority::BARRIER)?;
    fill_code(k, pages);
    // SAFETY: the frame was just given to the service, root sees it at its physical address, and it is
    // never given back.
    let window = unsafe { Window::new(pages + 4096) };
    let window = window.ok_or(thaw_l4::Error::Object(thaw_l4::ObjectError(thaw_l4::raw::L4_EFAULT)))?;
    // Last: from now on the front hands requests over.
    WIRING.command_gate.set(gates.plus(1).0);
    let env = Env {
        core_task: TASK,
        scheduler: SCHEDULER,
        handler,
        barrier,
        stop_gates,
        stop_slot: CapIndex(layout::SLOT_THREADS + layout::AREA_STOP),
        stop_slot_stride: 4,
        window_code: pages,
        window_data: pages + 4096,
        pd_window: layout::STOP_WINDOW,
        reply_slots,
        scratch_slots: CapIndex(layout::SLOT_SCRATCH),
        lift: priority::LIFT,
        slots: (layout::SLOT_USER, layout::SLOT_END),
        barrier_us: BARRIER_US,
    };
    Ok((env, window))
}

/// Writes the stubs into the window's code page.
fn fill_code(k: &Real, page: u32) {
    // SAFETY: the frame was just given to the service and is never given back.
    let Some(code) = (unsafe { Window::new(page) }) else { return };
    for (i, word) in stub_code(k.revision()).iter().enumerate() {
        code.set(i, *word);
    }
    k.make_coherent(page, page + 4096);
}

/// Entry of the barrier thread.
extern "C" fn barrier_main() -> ! {
    let k = thaw_rt::kernel();
    let gate = CapIndex(WIRING.barrier_gate.get());
    loop {
        k.ipc(gate.select(Op::CALL), MsgTag::default(), Timeouts::NEVER, 0);
    }
}
