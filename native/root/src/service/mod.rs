//! The checkpoint service's place in root: two threads of its own and the barrier thread.
//!
//! The *handler* runs the engine and is the exception handler of stopped threads, so it always waits
//! openly and cannot keep a caller waiting for its reply. The *front* receives the requests, hands each
//! over in the [`mailbox`], and replies when the handler is done. Everything that is root's books the
//! handler asks root's main thread for.

mod front;
mod handler;
mod host;
mod mailbox;

use thaw_l4::{Cap, CapIndex, Kernel, Thread};
use thaw_native_abi::layout::priority;
use thaw_root::books::Root;
use thaw_root::error::Result;
use thaw_root::machine::{FACTORY, Machine};
use thaw_root::orphans::GONE_LABEL;

use crate::real::Stack;
use mailbox::WIRING;

/// Bytes of each thread's stack.
const STACK_BYTES: usize = 0x8000;

static FRONT_STACK: Stack<STACK_BYTES> = Stack::new();
static HANDLER_STACK: Stack<STACK_BYTES> = Stack::new();

/// Starts front and handler; they take up work when the main thread serves its first request.
pub fn start(root: &mut Root, m: &impl Machine) -> Result<()> {
    WIRING.internal_gate.set(root.internal_gate(m)?.0);
    // Before the front waits for the first time: a message with an item needs a buffer.
    let arrival = root.slots.alloc().ok_or(thaw_root::error::Error::TableFull)?;
    WIRING.arrival.set(arrival.0);
    let front = spawn(root, m, front::main, &FRONT_STACK)?;
    WIRING.front.set(front.index().0);
    root.front = Some(front);
    let gone = root.fill_slot(|slot| FACTORY.create_irq(m, slot))?;
    gone.bind(m, front, GONE_LABEL)?;
    root.gone_irq = Some(gone);
    let handler = spawn(root, m, handler::main, &HANDLER_STACK)?;
    WIRING.handler.set(handler.index().0);
    Ok(())
}

fn spawn(
    root: &mut Root,
    m: &impl Machine,
    entry: extern "C" fn() -> !,
    stack: &'static Stack<STACK_BYTES>,
) -> Result<Cap<Thread>> {
    root.spawn(m, entry as *const () as u32, stack.end(), priority::HANDLER)
}

/// A capability of root noted in the wiring.
fn cap<T>(index: u32) -> Cap<T> {
    Cap::new(CapIndex(index))
}

/// Sleeps for ever: what a service thread does that cannot go on.
fn park(k: &impl Kernel) -> ! {
    loop {
        thaw_l4::ipc::sleep(k, thaw_l4::Timeouts::NEVER);
    }
}
