//! What differs between boards. A new board is a module here, a line in [`all`] and a linker script.

use thaw_bootimage::kernel::Uart;

mod imx6;
mod imx7;
mod panda;
mod pbxa9;
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
    /// Bits of it that tell.
    pub mask: u32,
    /// What they are while none fits.
    pub full: u32,
    /// Control registers and what switches the transmitter on; written if the first of them has none of
    /// its bits set, that is, if no boot code has used the UART.
    pub enable: &'static [(u32, u32)],
}

impl ConsoleRegisters {
    /// PL011: UARTDR, UARTFR with TXFF.
    pub const PL011: Self = Self { data: 0x00, status: 0x18, mask: 1 << 5, full: 1 << 5, enable: &[] };
    /// i.MX: UTXD, UTS with TXFULL; UCR1 with UARTEN, UCR2 with IRTS, WS, TXEN, RXEN and no reset.
    pub const IMX: Self =
        Self { data: 0x40, status: 0xb4, mask: 1 << 4, full: 1 << 4, enable: &[(0x80, 1), (0x84, 0x4027)] };
    /// OMAP, like a 16550 with words for registers: THR, LSR with THRE, which is set while there is room.
    pub const OMAP: Self = Self { data: 0x00, status: 0x14, mask: 1 << 5, full: 0, enable: &[] };
}

/// The board that this loader was linked for.
pub fn this() -> Option<&'static Board> {
    let number = crate::machine::board_number();
    all().into_iter().find(|b| b.number == number)
}

fn all() -> [&'static Board; 5] {
    [&virt::BOARD, &pbxa9::BOARD, &imx6::BOARD, &imx7::BOARD, &panda::BOARD]
}
