//! QEMU `realview-pbx-a9`. Addresses: QEMU, hw/arm/realview.c.

use thaw_bootimage::kernel::Uart;
use thaw_native_abi::boot::board;

use super::{Board, ConsoleRegisters};

/// RealView PBX with a Cortex-A9.
pub static BOARD: Board = Board {
    number: board::PBXA9,
    name: "pbxa9",
    ram_base: 0,
    // What is seen at address 0; the rest of the memory lies elsewhere.
    ram_size: Some(0x1000_0000),
    uart: Uart { base: 0x1000_9000, irq: 44, base_baud: 24_019_200, compatible: "arm,pl011" },
    console: ConsoleRegisters::PL011,
    timer_hz: None,
};
