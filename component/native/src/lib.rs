//! The native system as the checkpointer's world: requests to root and the block driver, and loading the
//! target. What touches memory or the processor is behind [`Platform`], so that everything here is tested
//! on the host.
#![cfg_attr(not(test), no_std)]

pub mod authority;
pub mod disk;
pub mod error;
pub mod forged;
pub mod host;
pub mod load;
mod request;

use core::fmt;

use thaw_component::host::{CopyRoutine, Span};

use thaw_l4::faults::Faults;

pub use error::NativeError;
pub use host::NativeHost;

/// What only a program on the machine can do. Spans are memory that root attached to it.
pub trait Platform {
    /// Copies `from`, whole pages, to the start of `to`.
    fn copy(&self, to: Span, from: Span, routine: CopyRoutine);
    /// Reads the start of `from`.
    fn read(&self, from: Span, to: &mut [u8]);
    /// Writes the start of `to`.
    fn write(&self, to: Span, from: &[u8]);
    /// Has every page of `span` mapped.
    fn touch(&self, span: Span);
    /// Makes code in `span` executable for every thread.
    fn make_coherent(&self, span: Span);
    /// The counter, where there is one.
    fn ticks(&self) -> Option<u64>;
    /// Its frequency in hertz, 0 where there is none.
    fn counter_hz(&self) -> u32;
    /// Sleeps.
    fn sleep_ms(&self, ms: u32);
    /// Keeps the processor for that many ticks of the counter and a few turns of a loop, then sleeps.
    fn pause(&self, ticks: u64, turns: u32, us: u32);
    /// Orders for failures of the checkpointer's own steps, where tests can give any.
    fn faults(&self) -> Option<&Faults> {
        None
    }
    /// Prints a line.
    #[track_caller]
    fn say(&self, line: fmt::Arguments<'_>);
}

/// Name of a board.
#[must_use]
pub const fn board_name(number: u32) -> &'static str {
    use thaw_native_abi::boot::board;
    match number {
        board::VIRT => "virt",
        board::PBXA9 => "pbxa9",
        board::IMX6 => "imx6",
        board::IMX7 => "imx7",
        board::PANDA => "panda",
        _ => "unknown",
    }
}
