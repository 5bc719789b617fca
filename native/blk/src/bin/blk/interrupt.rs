//! Waiting for the device.

use thaw_l4::{Cap, CapIndex, Irq, Kernel, Message, Op, Timeout, Timeouts, ipc, raw};
use thaw_rt::{kernel, println, request};

use thaw_blk::server::THREAD;

/// Label of the interrupt's messages.
const LABEL: u32 = 0x10;
/// How long a wait lasts at most: an interrupt that got lost costs this much. Virtual time of an
/// emulator may run ahead of its disk, so many such waits must pass before the device counts as dead.
const WAIT_US: u32 = 2_000;
/// Without an interrupt the device is looked at this often.
const POLL_US: u32 = 500;

/// How to wait.
pub enum Interrupt {
    /// For the interrupt, or a while.
    Bound(Cap<Irq>),
    /// A short while.
    Polled,
}

impl Interrupt {
    /// Takes the interrupt; if root refuses, the driver polls and says so.
    pub fn new(slot: CapIndex, number: u32) -> Self {
        match request::device_irq(slot, THREAD, LABEL, number) {
            Ok(()) => Self::Bound(Cap::new(slot)),
            Err(e) => {
                println!("interrupt {number} refused ({e}): polling every {POLL_US} us");
                Self::Polled
            }
        }
    }

    /// Unmasks the interrupt and waits for it, or for a while.
    pub fn wait(&self) {
        let k = kernel();
        match self {
            Self::Bound(irq) => {
                let timeouts = Timeouts::new(Timeout::NEVER, Timeout::from_us(WAIT_US));
                let unmask = Message::new(&k).word(raw::THAW_IRQ_EOI_OP).tag(raw::L4_PROTO_IRQ, 0);
                if let Ok(tag) = unmask {
                    k.ipc(irq.select(Op::CALL), tag, timeouts, 0);
                }
            }
            Self::Polled => ipc::sleep(&k, Timeouts::new(Timeout::NEVER, Timeout::from_us(POLL_US))),
        }
    }
}
