//! The loader's own output.

use core::fmt::{self, Write};

use crate::{board, machine};

struct Console(&'static board::Board);

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let (base, registers) = (self.0.uart.base, &self.0.console);
        for byte in text.bytes() {
            if byte == b'\n' {
                self.write_str("\r")?;
            }
            while machine::read_word(base + registers.status) & registers.mask == registers.full {}
            machine::write_word(base + registers.data, u32::from(byte));
        }
        Ok(())
    }
}

/// Switches the console on where no boot code has.
pub fn enable(board: &board::Board) {
    let registers = board.console.enable;
    let is_on = |(at, on): &(u32, u32)| machine::read_word(board.uart.base + at) & on != 0;
    if registers.first().is_some_and(|first| !is_on(first)) {
        for (at, on) in registers {
            machine::write_word(board.uart.base + at, *on);
        }
    }
}

/// Prints a line that begins with the loader's name.
pub fn line(text: fmt::Arguments<'_>) {
    if let Some(board) = board::this() {
        // The console never fails.
        Console(board).write_fmt(format_args!("loader: {text}\n")).ok();
    }
}

/// Prints a formatted line.
macro_rules! say {
    ($($arg:tt)*) => { $crate::console::line(core::format_args!($($arg)*)) };
}
pub(crate) use say;
