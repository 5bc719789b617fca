//! i.MX6 SabreLite. Addresses: QEMU, hw/arm/fsl-imx6.c and hw/char/imx_serial.c.

use thaw_bootimage::kernel::Uart;
use thaw_native_abi::boot::board;

use super::{Board, ConsoleRegisters};

/// SabreLite, and QEMU `sabrelite`.
pub static BOARD: Board = Board {
    number: board::IMX6,
    name: "imx6",
    ram_base: 0x1000_0000,
    ram_size: Some(0x4000_0000),
    uart: Uart { base: 0x0202_0000, irq: 58, base_baud: 0, compatible: "fsl,imx6q-uart" },
    console: ConsoleRegisters::IMX,
    timer_hz: None,
};
