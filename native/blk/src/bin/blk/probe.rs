//! Where the disk is.
// UNSAFETY: reads device registers at the address root attached them to.
#![expect(unsafe_code)]

use core::{fmt, ptr::NonNull};

use thaw_native_abi::boot::board;
use thaw_rt::{info_page, request};
use virtio_drivers::transport::mmio::{MmioError, VirtIOHeader};

/// QEMU virt: slots of 512 bytes each, one interrupt each (GIC numbers; SPI 16 is the first).
const VIRT_SLOTS: u32 = 0x0a00_0000;
const VIRT_SLOT_BYTES: u32 = 0x200;
const VIRT_SLOT_COUNT: u32 = 32;
const VIRT_FIRST_INTERRUPT: u32 = 32 + 16;

/// Register values: "virt", and the device number of block devices.
const MAGIC: u32 = 0x7472_6976;
const DEVICE_BLOCK: u32 = 2;
/// Word of the device number among a slot's registers.
const DEVICE_WORD: usize = 2;

/// A slot with a block device.
pub struct Slot {
    /// Its registers.
    pub registers: NonNull<VirtIOHeader>,
    /// Bytes of its registers.
    pub bytes: usize,
    /// Its interrupt.
    pub interrupt: u32,
}

/// Why there is no disk.
#[derive(Debug)]
pub enum NoDisk {
    /// The board has no virtio slots that the driver knows.
    Board(u32),
    /// Root refused the registers.
    Registers(thaw_l4::Error),
    /// No slot holds a block device.
    Empty,
    /// The slot speaks a version that the driver does not.
    Transport(MmioError),
    /// The device refused the features that it offers.
    Features,
    /// The queue could not be set up.
    Queue(virtio_drivers::Error),
    /// The capacity could not be read.
    Capacity(virtio_drivers::Error),
}

impl fmt::Display for NoDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Board(board) => write!(f, "board {board} has no virtio slots known here; use board virt"),
            Self::Registers(e) => write!(f, "root refused the device registers ({e}); configure `devices`"),
            Self::Empty => write!(f, "no block device in any virtio slot; give QEMU a virtio-blk-device"),
            Self::Transport(e) => write!(f, "virtio slot: {e}; use version 1 or 2"),
            Self::Features => write!(f, "block device refused its own features; reset the machine"),
            Self::Queue(e) => write!(f, "block device queue: {e}; raise the quota or reset the machine"),
            Self::Capacity(e) => write!(f, "block device capacity: {e}; use another device"),
        }
    }
}

/// The first block device of the board.
pub fn find() -> Result<Slot, NoDisk> {
    let board = info_page().map_or(0, |info| info.board);
    if board != board::VIRT {
        return Err(NoDisk::Board(board));
    }
    let start =
        request::device_attach(VIRT_SLOTS, VIRT_SLOT_BYTES * VIRT_SLOT_COUNT).map_err(NoDisk::Registers)?;
    (0..VIRT_SLOT_COUNT).find_map(|n| slot(start, n)).ok_or(NoDisk::Empty)
}

fn slot(start: u32, n: u32) -> Option<Slot> {
    let registers = NonNull::new((start + VIRT_SLOT_BYTES * n) as *mut u32)?;
    // SAFETY: root attached all slots at `start`; reading these two registers has no effect.
    let [magic, device] = [0, DEVICE_WORD].map(|word| unsafe { registers.add(word).read_volatile() });
    (magic == MAGIC && device == DEVICE_BLOCK).then(|| Slot {
        registers: registers.cast(),
        bytes: VIRT_SLOT_BYTES as usize,
        interrupt: VIRT_FIRST_INTERRUPT + n,
    })
}
