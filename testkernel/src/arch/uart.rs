//! The kernel's own output.

use core::fmt;

use super::mmio::PL011;

const DR: u32 = 0;
const FR: u32 = 0x18;
const FR_TX_FULL: u32 = 1 << 5;

/// Sends one byte as it is.
pub fn put(byte: u8) {
    while PL011.read(FR) & FR_TX_FULL != 0 {}
    PL011.write(DR, u32::from(byte));
}

/// Sends one byte of text: the console wants a carriage return with each line feed.
pub fn put_text(byte: u8) {
    if byte == b'\n' {
        put(b'\r');
    }
    put(byte);
}

/// `core::fmt` on the UART.
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(put_text);
        Ok(())
    }
}

/// Prints to the console.
#[macro_export]
macro_rules! kprint {
    ($($arg:tt)*) => {{
        use core::fmt::Write as _;
        let _ = write!($crate::arch::uart::Console, $($arg)*);
    }};
}

/// A warning as Fiasco.OC prints it.
#[macro_export]
macro_rules! warning {
    ($($arg:tt)*) => {
        $crate::kprint!("\n\x1b[31mKERNEL\x1b[m: Warning: {}\n", format_args!($($arg)*))
    };
}
