//! A program that collects capabilities nobody made for it, so that it cannot be saved.
//!
//! Its second thread passes the first one the capability of their log, into one slot after the other. Whoever
//! saves a program knows the log in the slot where root put it, and nothing of the copies.
#![no_std]
#![no_main]

use thaw_l4::{
    Cap, CapIndex, Gate, Message, MsgTag, RecvBuffer, Result, SendItem, Timeout, Timeouts,
    ipc::{self, reply_and_wait, set_buffers, wait},
    raw,
};
use thaw_native_abi::layout::{SLOT_LOG, SLOT_USER, priority};
use thaw_rt::{kernel, println, request, thread};

/// Where the gate is made.
const GATE: CapIndex = CapIndex(SLOT_USER);
/// First slot for a copy.
const NEST: CapIndex = CapIndex(SLOT_USER + 0x100);
/// Copies that are collected.
const COPIES: u32 = 2;
const STACK_BYTES: u32 = 0x2000;
/// Memory that it takes, so that it can be too large for a small machine.
const HOARD_BYTES: u32 = 2 << 20;

thaw_rt::entry!(main);

fn main() -> ! {
    match collect() {
        Ok(()) => println!("holds {COPIES} capabilities that are not its own"),
        Err(e) => println!("FAIL collecting: error {}", e.number()),
    }
    loop {
        ipc::sleep(&kernel(), Timeouts::NEVER);
    }
}

fn collect() -> Result<()> {
    let k = kernel();
    request::memory_alloc(HOARD_BYTES, None)?;
    request::gate_create(GATE, 0)?;
    thread::spawn("giver", priority::TARGET_DEFAULT, STACK_BYTES, give, 0)?;
    set_buffers(&k, &[RecvBuffer::capability(NEST)], false);
    wait(&k, Timeouts::NEVER)?;
    for n in 1..COPIES {
        set_buffers(&k, &[RecvBuffer::capability(NEST.plus(n))], false);
        reply_and_wait(&k, MsgTag::default(), Timeouts::new(Timeout::ZERO, Timeout::NEVER))?;
    }
    set_buffers(&k, &[], false);
    Ok(())
}

/// Passes the log until nobody answers any more.
extern "C" fn give(_: u32) -> ! {
    let k = kernel();
    let item = SendItem::capability(CapIndex(SLOT_LOG), raw::L4_CAP_FPAGE_RWS, 0);
    loop {
        let passed = Message::new(&k).item(item).call(Cap::<Gate>::new(GATE), raw::L4_PROTO_NONE);
        if let Err(e) = passed {
            println!("FAIL giving: error {}", e.number());
        }
    }
}
