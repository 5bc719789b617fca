//! What happens when a program panics: one line, then the end of the program.

use core::{
    panic::PanicInfo,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use thaw_l4::{Timeouts, ipc};

use crate::{Role, kernel, println, request, role};

/// Exit code of a program that panicked.
pub const EXIT_CODE: u32 = 101;

static PANICS: AtomicU32 = AtomicU32::new(0);

/// Says what and where, then ends the program; a first task stops for good instead, and whoever watches
/// the console ends the run. A panic while panicking is not reported.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if PANICS.fetch_add(1, Relaxed) == 0 {
        match info.location() {
            Some(at) => println!("panic: {} ({}:{})", info.message(), at.file(), at.line()),
            None => println!("panic: {}", info.message()),
        }
    }
    if role() == Role::Program {
        request::exit(EXIT_CODE);
    }
    loop {
        ipc::sleep(&kernel(), Timeouts::NEVER);
    }
}
