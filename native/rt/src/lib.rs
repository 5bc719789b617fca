//! Runtime of the native system's programs: entry, log, panic, threads, requests to root.
//!
//! A program is `#![no_std] #![no_main]` and names its main function by [`entry!`]. The same code serves
//! the first tasks (sigma0 and root, which find the loader's boot information and log to the kernel) and
//! programs in PDs (which find the info page and log to root): the linker script says where to look.
//!
//! Every request and every line of output overwrites message registers of the calling thread.
#![no_std]

mod entry;
mod info;
pub mod log;
mod once;
pub mod pages;
mod panic;
pub mod request;
pub mod thread;

pub use info::{Role, boot_info, info_page, kernel, role};
pub use once::Once;

#[doc(hidden)]
pub use entry::start;

/// Prints text, at most [`log::LINE_BYTES`] at once, without ending the line.
#[macro_export]
macro_rules! print {
    ($($arg:tt)*) => { $crate::log::print(::core::format_args!($($arg)*)) };
}

/// Prints a line.
#[macro_export]
macro_rules! println {
    () => { $crate::log::print(::core::format_args!("\n")) };
    ($($arg:tt)*) => { $crate::log::print_line(::core::format_args!($($arg)*)) };
}
