//! Initial pager of the native system: gives root all RAM but the kernel's, and device memory on request.
//!
//! sigma0's own memory needs no pager; the kernel resolves its faults and lets it send any physical
//! address. Protocol: [`thaw_native_abi::sigma0`].
#![no_std]
#![no_main]

mod memory;
mod serve;

thaw_rt::entry!(serve::run);
