//! QEMU `virt` with a Cortex-A15. Addresses: QEMU, hw/arm/virt.c, and its device tree.

use thaw_bootimage::kernel::Uart;
use thaw_native_abi::boot::board;

use super::{Board, ConsoleRegisters};

/// QEMU `virt`.
pub static BOARD: Board = Board {
    number: board::VIRT,
    name: "virt",
    ram_base: 0x4000_0000,
    ram_size: None,
    uart: Uart { base: 0x0900_0000, irq: 33, base_baud: 0, compatible: "arm,pl011" },
    console: ConsoleRegisters::PL011,
    timer_hz: Some(62_500_000),
};
