//! PandaBoard (OMAP4). Addresses: Linux, arch/arm/boot/dts/ti/omap/omap4.dtsi.
//! No machine was there to run it on.

use thaw_bootimage::kernel::Uart;
use thaw_native_abi::boot::board;

use super::{Board, ConsoleRegisters};

/// PandaBoard.
pub static BOARD: Board = Board {
    number: board::PANDA,
    name: "panda",
    ram_base: 0x8000_0000,
    ram_size: Some(0x4000_0000),
    // The name is one by which M finds the driver of this kind of UART; it knows none of the OMAP4 itself.
    uart: Uart { base: 0x4802_0000, irq: 106, base_baud: 0, compatible: "ti,am654-uart" },
    console: ConsoleRegisters::OMAP,
    timer_hz: None,
};
