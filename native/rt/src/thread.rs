//! Threads with stacks of their own.
// UNSAFETY: writes the first words of a new stack and enters a thread by assembly.
#![expect(unsafe_code)]

use thaw_l4::Result;

use crate::request::{self, NewThread};

// A new thread has its argument and its function on the stack.
core::arch::global_asm!(
    ".section .text.thaw_thread_start, \"ax\", %progbits",
    ".arm",
    ".global thaw_thread_start",
    "thaw_thread_start:",
    "pop {{r0, r1}}",
    "blx r1",
    ".text",
);

unsafe extern "C" {
    /// Entered by the kernel with sp at the two words pushed by `spawn`.
    safe static thaw_thread_start: u8;
}

/// What a new thread runs, with the argument given to [`spawn`]. It ends by `request::thread_exit`.
pub type Entry = extern "C" fn(argument: u32) -> !;

/// Allocates a stack and starts a thread on it; returns its index.
///
/// The stack is never freed: a thread that ends leaves it to the PD.
pub fn spawn(name: &str, priority: u32, stack_bytes: u32, entry: Entry, argument: u32) -> Result<u32> {
    let stack = request::memory_alloc(stack_bytes, None)?;
    // Root rounds up to whole pages, so at least one page is there.
    let top = stack + stack_bytes.max(4096) / 4096 * 4096;
    let first = top - 8;
    // SAFETY: the page below `top` was just allocated for this purpose and nobody else knows it.
    unsafe { (first as *mut [u32; 2]).write_volatile([argument, entry as usize as u32]) };
    let ip = &raw const thaw_thread_start as u32;
    let new = NewThread { ip, sp: first, priority, tpidruro: 0, name };
    request::thread_create(&new).inspect_err(|_| {
        request::memory_free(stack).ok();
    })
}
