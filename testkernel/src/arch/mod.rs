//! The privileged half: CPU, devices, entry and exit.

pub mod boot;
pub mod cpu;
pub mod entry;
pub mod gic;
mod mmio;
pub mod semihost;
pub mod uart;
pub mod vfp;
