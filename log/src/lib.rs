//! The one facade for logs of the native system's programs.
//!
//! [`info!`], [`warn!`], [`error!`] and [`say!`] print a line of text, always, and record it in the program's
//! defmt stream, where there is one: a file of the host that runs QEMU. Libraries know nothing of
//! this crate; they speak through a trait of their own, whose implementation in the program hands the text
//! to [`record`](fn@record). On the host, where tests run, all of it does nothing.
//!
//! docs/tracing.md says when there is a stream, and why never for a foreign target.
#![cfg_attr(not(test), no_std)]

#[cfg(any(target_os = "none", test))]
mod owner;
#[cfg(target_os = "none")]
mod semihosting;
#[cfg(target_os = "none")]
mod stream;

#[cfg(target_os = "none")]
#[doc(hidden)]
pub use defmt;

#[cfg(target_os = "none")]
pub use stream::{is_on, record, start, start_from_rom};

/// Prints and records a line. Arguments are evaluated twice: name values.
#[macro_export]
macro_rules! info {
    ($($text:tt)*) => { $crate::both!(info, $($text)*) };
}

/// As [`info!`], of something that was not expected.
#[macro_export]
macro_rules! warn {
    ($($text:tt)*) => { $crate::both!(warn, $($text)*) };
}

/// As [`info!`], of something that failed.
#[macro_export]
macro_rules! error {
    ($($text:tt)*) => { $crate::both!(error, $($text)*) };
}

/// Prints and records a line of anything that can be displayed; the others take what defmt can format.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::say(::core::format_args!($($text)*)) };
}

/// Prints and records a line, with the place of the caller.
#[track_caller]
pub fn say(line: core::fmt::Arguments<'_>) {
    #[cfg(target_os = "none")]
    text(line);
    record(line);
}

/// Text, then a record of that level.
#[doc(hidden)]
#[cfg(target_os = "none")]
#[macro_export]
macro_rules! both {
    ($level:ident, $format:literal $(, $value:expr)* $(,)?) => {{
        $crate::text(::core::format_args!($format $(, $value)*));
        if $crate::is_on() {
            use $crate::defmt;
            defmt::$level!($format $(, $value)*);
        }
    }};
}

/// On the host nothing is printed; the format is still checked.
#[doc(hidden)]
#[cfg(not(target_os = "none"))]
#[macro_export]
macro_rules! both {
    ($level:ident, $($text:tt)*) => { $crate::record(::core::format_args!($($text)*)) };
}

/// Prints a line.
#[cfg(target_os = "none")]
pub fn text(line: core::fmt::Arguments<'_>) {
    thaw_rt::log::print_line(line);
}

/// Drops the line: there is no stream on the host.
#[cfg(not(target_os = "none"))]
pub fn record(_line: core::fmt::Arguments<'_>) {}
