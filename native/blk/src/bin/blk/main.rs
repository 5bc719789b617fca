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
use thaw_blk::{Refusal, Request, decode};
use thaw_l4::{CapIndex, Kernel, MsgTag, Timeout, Timeouts, ipc};
use thaw_native_abi::layout::{BLOCK_BUFFER_BYTES, SLOT_USER};
use thaw_rt::{kernel, println, request};

thaw_rt::entry!(main);

/// Slot of the gate that is announced.
const GATE: CapIndex = CapIndex(SLOT_USER);
/// Slot of the device's interrupt.
const IRQ: CapIndex = CapIndex(SLOT_USER + 1);
/// The first thread serves the gate and takes the interrupt.
const THREAD: u32 = 0;
/// Words of a request at most.
const REQUEST_WORDS: usize = 4;

fn main() -> ! {
    match start() {
        Ok((badge, disk)) => serve(badge, disk),
        Err(e) => {
            println!("cannot start: root refused a buffer or a gate ({e}); raise the quota of this pd");
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
            println!("{disk}");
            Some(disk)
        }
        Err(e) => {
            println!("no disk: {e}");
            None
        }
    };
    let badge = request::gate_create(GATE, THREAD)?;
    request::announce(GATE, Some(buffer))?;
    Ok((badge, disk))
}

/// Serves for ever. A message of another origin than the gate is the interrupt of a request that is over.
fn serve(badge: u32, mut disk: Option<Disk>) -> ! {
    let k = kernel();
    ipc::set_buffers(&k, &[], false);
    // A client that does not wait for its answer must not hold up the others.
    let timeouts = Timeouts::new(Timeout::ZERO, Timeout::NEVER);
    let mut incoming = ipc::wait(&k, timeouts);
    loop {
        incoming = match incoming {
            Ok(message) if message.label & !3 == badge => {
                let mut words = [0; REQUEST_WORDS];
                let count = (message.tag.words() as usize).min(REQUEST_WORDS);
                for (i, word) in words[..count].iter_mut().enumerate() {
                    *word = k.mr(i);
                }
                let reply = match carry_out(&words[..count], &mut disk) {
                    Ok(results) => {
                        for (i, result) in results.into_iter().enumerate() {
                            k.set_mr(i, result);
                        }
                        MsgTag::new(0, results.len() as u32, 0, 0)
                    }
                    Err(refusal) => MsgTag::new(-(refusal.code() as i32), 0, 0, 0),
                };
                ipc::reply_and_wait(&k, reply, timeouts)
            }
            _ => ipc::wait(&k, timeouts),
        };
    }
}

/// The results of a request: of INFO sectors (low, high word) and read-only flag, of others nothing.
fn carry_out(words: &[u32], disk: &mut Option<Disk>) -> Result<[u32; 3], Refusal> {
    let request = decode(words, disk.as_ref().map(Disk::geometry))?;
    let Some(device) = disk else { return Err(Refusal::NoDisk) };
    let result = match request {
        Request::Info(g) => return Ok([g.sectors as u32, (g.sectors >> 32) as u32, g.read_only.into()]),
        Request::Read(extent) => device.read(extent),
        Request::Write(extent) => device.write(extent),
        Request::Flush => device.flush(),
    };
    if let Err(refusal) = result {
        println!("{request:?} failed: {refusal:?}");
        if refusal == Refusal::Timeout {
            // Dropping it resets the device, which so forgets the buffers.
            *disk = None;
        }
    }
    result.map(|()| [0; 3])
}
