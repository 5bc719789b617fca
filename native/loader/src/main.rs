//! Boot loader for any Fiasco.OC kernel ELF.
//!
//! Entered in a privileged mode with MMU and caches off. Behind the loader lies the payload
//! ([`thaw_bootimage::payload`]): kernel, sigma0, root and the module archive. The loader recognises the
//! kernel's revision from its own marks, fills its tables, leaves boot information for the first tasks
//! and jumps.
#![no_std]
#![no_main]

mod board;
mod boot;
mod console;
mod entry;
mod machine;
mod place;
