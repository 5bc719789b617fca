//! A small microkernel with the ABI of Fiasco.OC on 32-bit ARM, for QEMU virt.
//!
//! It stands in for the real kernels in demos and in CI, in two revisions: G (2019) and M (2026).
//! What they do differently is in [`quirks`]; what it knows of them was measured on the real ones.
//! Where those corrupt their own state it stops with a line `HAZARD <name>`; what it does not do it
//! refuses with a line `testkernel: unsupported`.
#![cfg_attr(target_os = "none", no_std)]

pub mod mem;
pub mod pure;
pub mod quirks;

#[cfg(target_os = "none")]
pub mod arch;
#[cfg(target_os = "none")]
mod bootstrap;
#[cfg(target_os = "none")]
mod builtin;
#[cfg(target_os = "none")]
mod caps;
#[cfg(target_os = "none")]
mod clock;
#[cfg(target_os = "none")]
mod control;
#[cfg(target_os = "none")]
mod debug;
#[cfg(target_os = "none")]
mod factory;
#[cfg(target_os = "none")]
mod fault;
#[cfg(target_os = "none")]
mod gate;
#[cfg(target_os = "none")]
mod hazard;
#[cfg(target_os = "none")]
mod invoke;
#[cfg(target_os = "none")]
mod ipc;
#[cfg(target_os = "none")]
mod irq;
#[cfg(target_os = "none")]
mod kernel;
#[cfg(target_os = "none")]
pub mod kip;
#[cfg(target_os = "none")]
mod lifecycle;
#[cfg(target_os = "none")]
mod object;
#[cfg(target_os = "none")]
mod sched;
#[cfg(target_os = "none")]
mod semaphore;
#[cfg(target_os = "none")]
mod task;
#[cfg(target_os = "none")]
mod thread;

#[cfg(target_os = "none")]
pub use bootstrap::start;
