//! Typed Fiasco.OC kernel objects over a [`Kernel`] trait.
//!
//! Object kinds are types: a [`Cap<Thread>`](Cap) has the thread's operations and nothing else. Every
//! wrapper names the C function of L4Re it corresponds to. Both the error bit of a tag and a negative
//! label are errors here.
//!
//! The trait has two implementations: [`Real`] (32-bit ARM) enters the kernel, [`fake::Fake`] answers
//! from a script, so that everything built on it is tested on the host.
#![no_std]

mod cap;
mod error;
pub mod fake;
pub mod faults;
pub mod ipc;
mod kernel;
mod objects;
#[cfg(target_arch = "arm")]
mod real;

pub use cap::{Cap, Gate, Icu, Irq, KernelObject, Log, Scheduler, Task, Thread};
pub use error::{Error, IpcError, ObjectError, Result};
pub use ipc::{Incoming, Message};
pub use kernel::{Answer, Kernel};
pub use l4_sys::{
    CapIndex, Fpage, Frame, MsgTag, Op, RecvBuffer, ReturnItem, Revision, Selector, SendItem, Timeout,
    Timeouts, UTCB_WORDS, UtcbImage, Vfp, raw,
};
pub use objects::{ExRegs, Factory, OldExRegs, ThreadControl};
#[cfg(target_arch = "arm")]
pub use real::Real;
