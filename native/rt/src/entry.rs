//! The first instructions of a program.
// UNSAFETY: entry is assembly and calls a function that another crate defines.
#![expect(unsafe_code)]

use crate::info;

// The kernel starts sigma0 and root with sp = 0; root gives every other program a stack.
core::arch::global_asm!(
    ".section .text.start, \"ax\", %progbits",
    ".arm",
    ".global _start",
    "_start:",
    "cmp sp, #0",
    "ldreq sp, =__stack_top",
    "bic sp, sp, #7",
    "blx {start}",
    ".ltorg",
    ".text",
    start = sym start,
);

unsafe extern "Rust" {
    /// Defined by `entry!` in the program.
    fn thaw_main() -> !;
}

/// Finds out what runs and calls the program's main function.
#[doc(hidden)]
pub extern "C" fn start() -> ! {
    info::init();
    // SAFETY: `entry!` defines the function with this signature; a program without it does not link.
    unsafe { thaw_main() }
}
