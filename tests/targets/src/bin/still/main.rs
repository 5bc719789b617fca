//! A program that comes to rest: after a while no instruction of it changes anything any more.
//!
//! Its threads are blocked for good, each in another kind of system call, or run one instruction for ever with
//! a pattern in every register. So two checkpoints of it differ in nothing, and neither does one that was made
//! after a restore.
#![no_std]
#![no_main]

mod spin;

use core::sync::atomic::{AtomicU32, Ordering};

use spin::{State, spin};
use thaw_l4::{
    Cap, CapIndex, Gate, Irq, Kernel, Message, MsgTag, Op, Result, Timeout, Timeouts,
    ipc::{self, reply_and_wait, wait},
    raw,
};
use thaw_native_abi::layout::SLOT_USER;
use thaw_rt::{kernel, println, request, thread};

const STACK_BYTES: u32 = 0x2000;
/// Priority of those who block for good, and of those who compute, who share what is left.
const PRIORITY: u32 = 9;
const COMPUTING: u32 = 8;
/// Twenty minutes: nobody wakes up by itself.
const LONG: Timeouts = Timeouts::new(Timeout::NEVER, Timeout::from_us(1_200_000_000));

/// Gates, by what their threads do.
const ASLEEP: CapIndex = CapIndex(SLOT_USER);
const OPEN: CapIndex = CapIndex(SLOT_USER + 1);
const FIRST: CapIndex = CapIndex(SLOT_USER + 2);
const LAST: CapIndex = CapIndex(SLOT_USER + 3);
/// IRQ objects: one that somebody waits for, one that is pending.
const AWAITED: CapIndex = CapIndex(SLOT_USER + 0x20);
const PENDING: CapIndex = CapIndex(SLOT_USER + 0x21);

/// Memory that is written once, the largest dataspace.
const HOARD_BYTES: u32 = 256 * 1024;
const HOARD: u32 = 0x3000_0000;

/// How often somebody went on who should not have: in memory, so that it shows.
static EVENTS: AtomicU32 = AtomicU32::new(0);

thaw_rt::entry!(main);

fn main() -> ! {
    if let Err(e) = start() {
        println!("FAIL starting: error {}", e.number());
    }
    println!("comes to rest");
    let k = kernel();
    pattern(&k, 0);
    loop {
        ipc::sleep(&k, Timeouts::NEVER);
    }
}

fn start() -> Result<()> {
    spin::fill(request::memory_alloc(HOARD_BYTES, Some(HOARD))?, HOARD_BYTES);
    let spawn = |name, entry, argument| thread::spawn(name, PRIORITY, STACK_BYTES, entry, argument);
    // Servers first: each is made with its gate before anybody knows of it.
    for (name, entry, gate, priority) in [
        ("asleep", asleep as Job, ASLEEP, PRIORITY),
        ("open", open, OPEN, PRIORITY),
        ("first", first, FIRST, PRIORITY),
        ("last", last, LAST, COMPUTING),
    ] {
        let index = thread::spawn(name, priority, STACK_BYTES, entry, gate.0)?;
        request::gate_create(gate, index)?;
    }
    let waiter = spawn("irq", irq, AWAITED.0)?;
    request::irq_create(AWAITED, waiter, 0x4000)?;
    request::irq_create(PENDING, waiter, 0x4010)?;
    Cap::<Irq>::new(PENDING).trigger(&kernel())?;
    spawn("sleeper", sleeper, 0x77)?;
    // All servers wait before the first client calls.
    settle();
    spawn("answered", answered, OPEN.0)?;
    spawn("poster", post, OPEN.0)?;
    spawn("chain", call, FIRST.0)?;
    settle();
    spawn("delivered", call, ASLEEP.0)?;
    settle();
    spawn("queued", call, ASLEEP.0)?;
    settle();
    spawn("queued-2", call, ASLEEP.0)?;
    settle();
    spawn("sender", send, ASLEEP.0)?;
    settle();
    spin::start("spin", COMPUTING, State::Arm, 0x1357_9bd0)?;
    spin::start("spin-t", COMPUTING, State::Thumb, 0x2468_ace0)?;
    Ok(())
}

type Job = extern "C" fn(u32) -> !;

/// Lets those who were made come to rest: they run above.
fn settle() {
    ipc::sleep(&kernel(), Timeouts::new(Timeout::NEVER, Timeout::from_us(2_000)));
}

/// Fills the message registers that are not part of a message, so that all of the UTCB means something.
fn pattern(k: &impl Kernel, salt: u32) {
    for i in 8..raw::L4_UTCB_GENERIC_DATA_SIZE {
        k.set_mr(i as usize, salt.wrapping_mul(0x9e37_79b9) ^ i << 16 ^ i);
    }
}

fn rest(k: &impl Kernel, timeouts: Timeouts) -> ! {
    loop {
        ipc::sleep(k, timeouts);
        EVENTS.fetch_add(1, Ordering::Relaxed);
    }
}

extern "C" fn sleeper(salt: u32) -> ! {
    let k = kernel();
    pattern(&k, salt);
    rest(&k, LONG)
}

/// Has a request, owes the answer, and sleeps.
extern "C" fn asleep(salt: u32) -> ! {
    let k = kernel();
    let _ = wait(&k, Timeouts::NEVER);
    pattern(&k, salt);
    rest(&k, LONG)
}

/// Answers once and waits openly.
extern "C" fn open(salt: u32) -> ! {
    let k = kernel();
    let mut next = wait(&k, Timeouts::NEVER);
    loop {
        EVENTS.fetch_add(0x1_0000, Ordering::Relaxed);
        pattern(&k, salt);
        next = match next {
            Ok(_) => {
                reply_and_wait(&k, MsgTag::new(1, 2, 0, 0), Timeouts::new(Timeout::ZERO, Timeout::NEVER))
            }
            Err(_) => wait(&k, Timeouts::NEVER),
        };
    }
}

/// Passes its request on and waits for the answer, which never comes.
extern "C" fn first(salt: u32) -> ! {
    let k = kernel();
    let _ = wait(&k, Timeouts::NEVER);
    call(LAST.0 | salt << 16)
}

/// Has a request and computes for ever.
extern "C" fn last(_: u32) -> ! {
    let k = kernel();
    let _ = wait(&k, Timeouts::NEVER);
    request::thread_create(&request::NewThread {
        ip: parked as Job as usize as u32,
        sp: 0,
        priority: 1,
        tpidruro: 0,
        name: "unused",
    })
    .ok();
    spin(State::Arm, 0x0f1e_2d3c)
}

/// Never gets so far: its priority is below all that compute.
extern "C" fn parked(_: u32) -> ! {
    spin(State::Arm, 0)
}

/// Calls the gate in a slot, the low half of `slot`.
extern "C" fn call(slot: u32) -> ! {
    let k = kernel();
    pattern(&k, slot);
    let gate = Cap::<Gate>::new(CapIndex(slot & 0xffff));
    let _ = Message::new(&k).word(slot).word(!slot).word(7).call(gate, 5);
    rest(&k, LONG)
}

/// Calls once, then sleeps with the answer in its registers.
extern "C" fn answered(slot: u32) -> ! {
    call(slot)
}

/// Sends without waiting for an answer.
extern "C" fn send(slot: u32) -> ! {
    let k = kernel();
    pattern(&k, slot);
    k.ipc(CapIndex(slot).select(Op::SEND), MsgTag::new(3, 4, 0, 0), Timeouts::NEVER, 0);
    rest(&k, LONG)
}

/// Sends once and then waits for anybody.
extern "C" fn post(slot: u32) -> ! {
    let k = kernel();
    pattern(&k, slot);
    k.ipc(CapIndex(slot).select(Op::SEND_AND_WAIT), MsgTag::new(4, 2, 0, 0), Timeouts::NEVER, 0);
    rest(&k, LONG)
}

/// Waits for an IRQ.
extern "C" fn irq(slot: u32) -> ! {
    let k = kernel();
    settle();
    pattern(&k, slot);
    loop {
        k.ipc(CapIndex(slot).select(Op::RECEIVE), MsgTag::default(), Timeouts::NEVER, 0);
    }
}
