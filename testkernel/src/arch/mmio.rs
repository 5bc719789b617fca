//! Registers of the devices the kernel itself uses: GICv2 and PL011 of QEMU virt.
// UNSAFETY: volatile access to device registers at addresses mapped by the boot tables.
#![expect(unsafe_code)]

/// A device's registers.
#[derive(Clone, Copy)]
pub struct Mmio {
    base: u32,
    bytes: u32,
}

/// GIC distributor (physical 0x08000000)
pub const GICD: Mmio = Mmio { base: 0xe000_0000, bytes: 0x1_0000 };
/// GIC CPU interface (physical 0x08010000)
pub const GICC: Mmio = Mmio { base: 0xe001_0000, bytes: 0x1_0000 };
/// UART (physical 0x09000000)
pub const PL011: Mmio = Mmio { base: 0xe020_0000, bytes: 0x1000 };

impl Mmio {
    fn register(self, offset: u32) -> *mut u32 {
        assert!(offset < self.bytes && offset.is_multiple_of(4), "register {offset:#x}");
        (self.base + offset) as *mut u32
    }

    /// Reads the register at byte `offset`.
    #[must_use]
    pub fn read(self, offset: u32) -> u32 {
        // SAFETY: inside a device mapping made at boot and never removed.
        unsafe { self.register(offset).read_volatile() }
    }

    /// Writes the register at byte `offset`.
    pub fn write(self, offset: u32, value: u32) {
        // SAFETY: as above; these devices do no DMA.
        unsafe { self.register(offset).write_volatile(value) }
    }

    /// Writes the byte at `offset`.
    pub fn write_byte(self, offset: u32, value: u8) {
        let p = (self.register(offset & !3) as *mut u8).wrapping_add((offset & 3) as usize);
        // SAFETY: as above.
        unsafe { p.write_volatile(value) }
    }
}
