//! The first instructions, and what happens on a panic.
// UNSAFETY: entry is assembly.
#![expect(unsafe_code)]

use core::panic::PanicInfo;

use crate::{boot, console::say, machine};

core::arch::global_asm!(
    ".section .text.start, \"ax\", %progbits",
    ".arm",
    ".global _start",
    "_start:",
    "cpsid aif",
    "ldr sp, =__stack_top",
    "blx {start}",
    ".ltorg",
    ".text",
    start = sym start,
);

/// Boots; says why it cannot and stops.
extern "C" fn start() -> ! {
    let Err(error) = boot::boot();
    say!("refused: {error}");
    machine::halt()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    say!("panic: {info}");
    machine::halt()
}
