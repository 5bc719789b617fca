//! Checks the block driver: every refusal, then patterns written, flushed and read back; a second run on
//! the same disk finds what the first one left.
//!
//! Prints `blk-check generation <n>`, `FAIL <what> expected <x> got <y>`, and at the end
//! `blk-check passed <sectors> sectors` or, without a disk, `blk-check no disk`. It overwrites the disk.
#![no_std]
#![no_main]

mod buffer;

use thaw_l4::{Cap, CapIndex, Error, Gate, Kernel, Message, ObjectError, raw};
use thaw_native_abi::{
    block::{FLUSH, INFO, READ, SECTOR_BYTES, WRITE},
    layout::{BLOCK_BUFFER_BYTES, SLOT_BLOCK},
};
use thaw_rt::{kernel, println, request};
use thaw_targets::mix::mix;

thaw_rt::entry!(main);

/// First word of sector 0 when a run completed; the second is its generation.
const MAGIC: u32 = 0x434b_4c42;
const SECTOR_WORDS: u32 = SECTOR_BYTES / 4;
const BUFFER_SECTORS: u32 = BLOCK_BUFFER_BYTES / SECTOR_BYTES;
/// Sizes of the transfers in sectors.
const COUNTS: [u32; 6] = [1, 2, 7, 8, 64, BUFFER_SECTORS];

fn main() -> ! {
    let code = match run() {
        Ok(()) => 0,
        Err(Failed) => 1,
    };
    request::exit(code)
}

/// A check failed and was reported.
struct Failed;

fn call(words: &[u32]) -> Result<[u32; 3], Error> {
    let k = kernel();
    Message::new(&k).slice(words).call(Cap::<Gate>::new(CapIndex(SLOT_BLOCK)), raw::L4_PROTO_NONE)?;
    Ok([0, 1, 2].map(|i| k.mr(i)))
}

fn done(what: &str, words: &[u32]) -> Result<[u32; 3], Failed> {
    call(words).map_err(|e| {
        println!("FAIL {what} expected 0 got {e}");
        Failed
    })
}

fn refused(what: &str, words: &[u32], code: u32) -> Result<(), Failed> {
    match call(words) {
        Err(Error::Object(ObjectError(got))) if got == code => Ok(()),
        other => {
            println!("FAIL {what} expected -{code} got {other:?}");
            Err(Failed)
        }
    }
}

fn run() -> Result<(), Failed> {
    if call(&[INFO]) == Err(Error::Object(ObjectError(raw::L4_ENODEV))) {
        refused("read without disk", &[READ, 0, 0, 1], raw::L4_ENODEV)?;
        println!("blk-check no disk");
        return Ok(());
    }
    let [low, high, read_only] = done("info", &[INFO])?;
    println!("blk-check disk of {low} sectors (high {high}), read-only {read_only}");
    refusals(low, high)?;
    if read_only != 0 {
        refused("write to read-only", &[WRITE, 0, 0, 1], raw::L4_EPERM)?;
        done("read", &[READ, 0, 0, 1])?;
        println!("blk-check passed read-only");
        return Ok(());
    }
    done("read", &[READ, 0, 0, 1])?;
    let before = if buffer::word(0) == MAGIC { buffer::word(1) } else { 0 };
    if before != 0 {
        transfers(low, before, verify)?;
    }
    let generation = before + 1;
    println!("blk-check generation {generation}");
    transfers(low, generation, fill)?;
    done("flush", &[FLUSH])?;
    let sectors = transfers(low, generation, verify)?;
    header(generation)?;
    println!("blk-check passed {sectors} sectors");
    Ok(())
}

fn refusals(low: u32, high: u32) -> Result<(), Failed> {
    refused("beyond end", &[READ, low, high, 1], raw::L4_ERANGE)?;
    refused("far beyond end", &[READ, !0, !0, 1], raw::L4_ERANGE)?;
    refused("no sectors", &[READ, 0, 0, 0], raw::L4_EINVAL)?;
    refused("too many sectors", &[READ, 0, 0, BUFFER_SECTORS + 1], raw::L4_EINVAL)?;
    refused("operation", &[99], raw::L4_ENOSYS)?;
    refused("no words", &[], raw::L4_EMSGTOOSHORT)?;
    refused("few words", &[READ, 0], raw::L4_EMSGTOOSHORT)
}

/// Sector 0, written and flushed last.
fn header(generation: u32) -> Result<(), Failed> {
    for i in 0..SECTOR_WORDS {
        buffer::set_word(i, [MAGIC, generation].get(i as usize).copied().unwrap_or(0));
    }
    done("write header", &[WRITE, 0, 0, 1])?;
    done("flush header", &[FLUSH]).map(|_| ())
}

/// Walks over the disk behind sector 0 in transfers of all sizes; returns the sectors covered.
fn transfers(
    sectors: u32,
    generation: u32,
    transfer: fn(u32, u32, u32) -> Result<(), Failed>,
) -> Result<u32, Failed> {
    let mut sector = 1;
    for count in COUNTS.into_iter().cycle() {
        if sector + count > sectors || sector > 4096 {
            break;
        }
        transfer(sector, count, generation)?;
        sector += count;
    }
    // The very end, too.
    transfer(sectors - 1, 1, generation)?;
    Ok(sector)
}

fn fill(sector: u32, count: u32, generation: u32) -> Result<(), Failed> {
    for i in 0..count * SECTOR_WORDS {
        buffer::set_word(i, mix(sector, i, generation));
    }
    done("write", &[WRITE, sector, 0, count]).map(|_| ())
}

fn verify(sector: u32, count: u32, generation: u32) -> Result<(), Failed> {
    for i in 0..count * SECTOR_WORDS {
        buffer::set_word(i, !mix(sector, i, generation));
    }
    done("read", &[READ, sector, 0, count])?;
    for i in 0..count * SECTOR_WORDS {
        let (expected, got) = (mix(sector, i, generation), buffer::word(i));
        if expected != got {
            println!("FAIL sector {sector} word {i} expected {expected:#x} got {got:#x}");
            return Err(Failed);
        }
    }
    Ok(())
}
