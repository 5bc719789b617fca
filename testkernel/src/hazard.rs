//! How the kernel stops.

use core::panic::PanicInfo;

use crate::arch::semihost;

/// Exit status after a hazard.
const HAZARD_STATUS: u32 = 3;
/// Exit status after a panic.
const PANIC_STATUS: u32 = 101;

/// The real kernels corrupt themselves here.
pub fn stop() -> ! {
    semihost::exit(HAZARD_STATUS)
}

/// Stops the machine with a line `HAZARD`, name first.
#[macro_export]
macro_rules! hazard {
    ($($arg:tt)*) => {{
        $crate::kprint!("\nHAZARD {}\n", format_args!($($arg)*));
        $crate::hazard::stop()
    }};
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    crate::kprint!("\nPANIC {info}\n");
    semihost::exit(PANIC_STATUS)
}
