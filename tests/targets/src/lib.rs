//! What the programs to be checkpointed compute, apart from how they run: state that proves its own
//! continuity. Pure, so that it is tested on the host.
#![no_std]

pub mod chain;
pub mod config;
pub mod mix;
pub mod product;
pub mod script;
#[cfg(target_os = "none")]
pub mod witness;
