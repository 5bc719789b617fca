//! What differs between boards. A new board is a module here, a line in [`all`] and a linker script.

use thaw_bootimage::kernel::Uart;

mod virt;

/// A board as the loader sees it.
pub struct Board {
    /// Number in boot information, set as `__board_number` by the board's linker script.
    pub number: u32,
    /// Name in messages.
    pub name: &'static str,
    /// Physical start of RAM.
    pub ram_base: u32,
    /// Bytes of RAM, or `None` where a device tree lies at the start of RAM and knows.
    pub ram_size: Option<u32>,
    /// The console, for the kernel's options.
    pub uart: Uart,
    /// The console, for the loader's own output.
    pub console: ConsoleRegisters,
    /// Frequency of the generic timer in hertz if firmware left none; `None`: there is no such timer.
    pub timer_hz: Option<u32>,
}

/// Where the loader finds the console's registers, as offsets from the UART's base.
pub struct ConsoleRegisters {
    /// Data register.
    pub data: u32,
    /// Register that tells whether another byte fits.
    pub status: u32,
    /// Bits set in it while none fits.
    pub full: u32,
}

/// The board that this loader was linked for.
pub fn this() -> Option<&'static Board> {
    let number = crate::machine::board_number();
    all().into_iter().find(|b| b.number == number)
}

fn all() -> [&'static Board; 1] {
    [&virt::BOARD]
}
