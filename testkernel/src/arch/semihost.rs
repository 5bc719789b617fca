//! Ends QEMU with a failure, where semihosting is available.
// UNSAFETY: the semihosting trap.
#![expect(unsafe_code)]

use core::{
    arch::asm,
    sync::atomic::{AtomicBool, Ordering},
};

const SYS_EXIT_EXTENDED: u32 = 0x20;
const APPLICATION_EXIT: u32 = 0x20026;

static TRIED: AtomicBool = AtomicBool::new(false);

/// Whether the kernel has stopped already.
#[must_use]
pub fn stopped() -> bool {
    TRIED.load(Ordering::Relaxed)
}

/// Stops the machine with `status`. Without semihosting the trap is an exception of the kernel
/// itself, and the second time round we just stay here.
pub fn exit(status: u32) -> ! {
    if !TRIED.swap(true, Ordering::Relaxed) {
        let block = [APPLICATION_EXIT, status];
        // SAFETY: the host reads two words; it does not come back. Without a host the instruction
        // goes to our own SVC vector, which ends in `kernel_fault_report` and so here again.
        unsafe {
            asm!("svc #0x123456", in("r0") SYS_EXIT_EXTENDED, in("r1") block.as_ptr(), out("lr") _, options(nostack))
        };
    }
    loop {
        core::hint::spin_loop();
    }
}
