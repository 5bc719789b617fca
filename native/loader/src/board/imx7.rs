//! i.MX7 Sabre. Addresses: QEMU, hw/arm/fsl-imx7.c.

use thaw_bootimage::kernel::Uart;
use thaw_native_abi::boot::board;

use super::{Board, ConsoleRegisters};

/// MCIMX7SABRE, and QEMU `mcimx7d-sabre`.
pub static BOARD: Board = Board {
    number: board::IMX7,
    name: "imx7",
    ram_base: 0x8000_0000,
    ram_size: Some(0x4000_0000),
    uart: Uart { base: 0x3086_0000, irq: 58, base_baud: 0, compatible: "fsl,imx7d-uart" },
    console: ConsoleRegisters::IMX,
    // The system counter runs at 8 MHz; boot code says so in CNTFRQ.
    timer_hz: Some(8_000_000),
};
