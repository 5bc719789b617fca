//! What a thread takes along through system calls and stops, and the checks that it got all of it back.
//! For programs on the machine; nothing here knows of checkpoints.

pub mod carried;
pub mod depth;
pub mod page;
pub mod pattern;
pub mod requests;
pub mod tls;
pub mod vfp;

use core::fmt;

use thaw_l4::Real;

/// A thread that vouches for its own state.
pub trait Witness {
    /// The kernel as this thread enters it.
    fn kernel(&self) -> &Real;

    /// Its name in messages.
    fn name(&self) -> &str;

    /// Reports a broken check and never returns.
    fn fail(&self, what: fmt::Arguments<'_>) -> !;

    /// Fails unless both are the same.
    fn expect(&self, what: &str, expected: u32, got: u32) {
        if expected != got {
            self.fail(format_args!("{}.{what} expected {expected:#x} got {got:#x}", self.name()));
        }
    }
}
