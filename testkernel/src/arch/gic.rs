//! GICv2: the interrupt controller.

use super::mmio::{GICC, GICD};

const D_CTLR: u32 = 0;
const D_TYPER: u32 = 4;
const D_ISENABLER: u32 = 0x100;
const D_ICENABLER: u32 = 0x180;
const D_IPRIORITYR: u32 = 0x400;
const D_ITARGETSR: u32 = 0x800;
const D_ICFGR: u32 = 0xc00;
const C_CTLR: u32 = 0;
const C_PMR: u32 = 4;
const C_IAR: u32 = 0xc;
const C_EOIR: u32 = 0x10;

/// First interrupt number that is not private to a CPU.
pub const FIRST_SPI: u32 = 32;
/// Interrupt of the virtual timer.
pub const TIMER: u32 = 27;

/// Number of interrupts of this controller.
#[must_use]
pub fn count() -> u32 {
    ((GICD.read(D_TYPER) & 0x1f) + 1) * 32
}

/// Everything masked, except what is unmasked later.
pub fn init() {
    GICD.write(D_CTLR, 0);
    for word in 0..count() / 32 {
        GICD.write(D_ICENABLER + word * 4, !0);
    }
    for pin in 0..count() {
        GICD.write_byte(D_IPRIORITYR + pin, 0xa0);
        if pin >= FIRST_SPI {
            GICD.write_byte(D_ITARGETSR + pin, 1);
        }
    }
    GICD.write(D_CTLR, 1);
    GICC.write(C_PMR, 0xf0);
    GICC.write(C_CTLR, 1);
}

/// Lets `pin` through.
pub fn unmask(pin: u32) {
    GICD.write(D_ISENABLER + pin / 32 * 4, 1 << (pin % 32));
}

/// Holds `pin` back.
pub fn mask(pin: u32) {
    GICD.write(D_ICENABLER + pin / 32 * 4, 1 << (pin % 32));
}

/// Sets whether `pin` is edge triggered.
pub fn set_edge(pin: u32, edge: bool) {
    let offset = D_ICFGR + pin / 16 * 4;
    let bit = 2 << (pin % 16 * 2);
    let old = GICD.read(offset);
    GICD.write(offset, if edge { old | bit } else { old & !bit });
}

/// Takes the interrupt that is due, if any.
#[must_use]
pub fn acknowledge() -> Option<u32> {
    let pin = GICC.read(C_IAR) & 0x3ff;
    (pin < 1020).then_some(pin)
}

/// Ends the handling of `pin`, so that it (if unmasked) and others can come again.
pub fn end(pin: u32) {
    GICC.write(C_EOIR, pin);
}
