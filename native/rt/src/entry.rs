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

/// Names the main function of a program, a `fn() -> !`.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        /// Called by the runtime when it is set up.
        #[unsafe(no_mangle)]
        extern "Rust" fn thaw_main() -> ! {
            let main: fn() -> ! = $main;
            main()
        }
    };
}

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
