//! virtio-blk driver of the native system, a task of its own.
//!
//! Finds the first block device among the board's virtio slots, announces a gate and the buffer that
//! data passes through, and answers [`thaw_native_abi::block`] requests one at a time. Without a disk it
//! announces itself all the same and refuses every request with `-L4_ENODEV`, so that whoever wanted to
//! store something can say why it cannot.
#![no_std]
#![no_main]

mod disk;
mod hal;
mod interrupt;
mod probe;

use disk::Disk;
use thaw_blk::server::{announce, serve};
use thaw_l4::CapIndex;
use thaw_log::say;
use thaw_native_abi::layout::{BLOCK_BUFFER_BYTES, SLOT_USER};
use thaw_rt::request;

thaw_rt::entry!(main);

/// Slot of the device's interrupt.
const IRQ: CapIndex = CapIndex(SLOT_USER + 1);

fn main() -> ! {
    thaw_log::start_from_rom("blk");
    match start() {
        Ok((badge, disk)) => serve(badge, disk),
        Err(e) => {
            say!("cannot start: root refused a buffer or a gate ({e}); raise the quota of this pd");
            request::exit(1)
        }
    }
}

/// Finds the disk and announces; the badge is that of the gate.
fn start() -> thaw_l4::Result<(u32, Option<Disk>)> {
    let (buffer, physical) = request::dma_alloc(BLOCK_BUFFER_BYTES)?;
    hal::set_buffer(physical)?;
    let disk = match probe::find().and_then(|slot| Disk::new(slot, IRQ)) {
        Ok(disk) => {
            say!("{disk}");
            Some(disk)
        }
        Err(e) => {
            say!("no disk: {e}");
            None
        }
    };
    Ok((announce(buffer)?, disk))
}
