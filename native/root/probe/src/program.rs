//! A program that makes every request of [`thaw_native_abi::target`] that needs no device, good and
//! bad, and checks the answers. Its last line is `probe: N checks passed`, or the first that failed.
#![no_std]
#![no_main]

use thaw_l4::{Cap, CapIndex, Gate, Irq, Kernel, Message, MsgTag, Timeout, Timeouts, ipc, raw};
use thaw_native_abi::layout::{SLOT_END, SLOT_USER, USER_END, USER_START};
use thaw_root_probe::{
    check::{check, refused, summary},
    words::{read, write},
};
use thaw_rt::request::{self, NewThread};
use thaw_rt::{info_page, kernel, print, println, thread};

thaw_rt::entry!(main);

const PRIORITY: u32 = 5;
const STACK: u32 = 8192;
const GATE: CapIndex = CapIndex(SLOT_USER);
const IRQ: CapIndex = CapIndex(SLOT_USER + 1);
const IRQ_LABEL: u32 = 0x77_0000;

fn main() -> ! {
    info();
    memory();
    rom();
    gates();
    irqs();
    threads();
    thumb();
    faults();
    summary("program");
    request::exit(42)
}

fn info() {
    let page = info_page();
    check("info page", page.is_some_and(|p| p.revision == kernel().revision().number()));
    print!("probe: a line in ");
    println!("two pieces");
    let (a, b) = (request::clock_us(), request::clock_us());
    check("clock", matches!((a, b), (Ok(a), Ok(b)) if a <= b && b > 0));
}

fn memory() {
    let a = request::memory_alloc(10_000, None).unwrap_or(0);
    check("allocate", a >= USER_START && a.is_multiple_of(4096));
    check("zeroed", (0..3072).all(|i| read(a + 4 * i) == 0));
    (0..3072).for_each(|i| write(a + 4 * i, i ^ 0x5555));
    check("kept", (0..3072).all(|i| read(a + 4 * i) == i ^ 0x5555));
    let fixed = request::memory_alloc(4096, Some(0x3000_0000));
    check("chosen address", fixed == Ok(0x3000_0000));
    refused("occupied", request::memory_alloc(4096, Some(0x3000_0000)), raw::L4_EEXIST);
    refused("unaligned", request::memory_alloc(4096, Some(0x3100_0004)), raw::L4_EFAULT);
    refused("below", request::memory_alloc(4096, Some(0x1000)), raw::L4_EFAULT);
    refused("above", request::memory_alloc(8192, Some(USER_END - 4096)), raw::L4_EFAULT);
    refused("nothing", request::memory_alloc(0, None), raw::L4_ERANGE);
    refused("over quota", request::memory_alloc(0x7000_0000, None), raw::L4_ENOMEM);
    refused("all", request::memory_alloc(u32::MAX, None), raw::L4_ERANGE);
    refused("free inside", request::memory_free(a + 4096), raw::L4_ENOENT);
    check("free", request::memory_free(a) == Ok(()));
    refused("free twice", request::memory_free(a), raw::L4_ENOENT);
    let again = request::memory_alloc(10_000, None).unwrap_or(0);
    check("zeroed again", again != 0 && (0..3072).all(|i| read(again + 4 * i) == 0));
    let large = request::memory_alloc(4 << 20, None).unwrap_or(0);
    check("large is aligned", large != 0 && large.is_multiple_of(2 << 20));
    (0..1024).for_each(|page| write(large + 4096 * page, page));
    check("large is kept", (0..1024).all(|page| read(large + 4096 * page) == page));
    check("free large", request::memory_free(large) == Ok(()));
}

fn rom() {
    match request::rom_attach("system") {
        Ok((at, bytes)) => check("rom", bytes > 3 && (read(at) & 0xff_ffff) != 0),
        Err(e) => refused("rom", Err::<(), _>(e), 0),
    }
    refused("unknown rom", request::rom_attach("no such module"), raw::L4_ENOENT);
}

/// Doubles numbers for ever; the argument is the address where it leaves the labels it saw.
extern "C" fn server(labels: u32) -> ! {
    let k = kernel();
    let mut next = ipc::wait(&k, Timeouts::NEVER);
    loop {
        next = match next {
            Ok(message) => {
                write(labels, message.label);
                k.set_mr(0, k.mr(0) * 2);
                ipc::reply_and_wait(&k, MsgTag::new(0, 1, 0, 0), Timeouts::NEVER)
            }
            Err(_) => ipc::wait(&k, Timeouts::NEVER),
        };
    }
}

fn gates() {
    let labels = request::memory_alloc(4096, None).unwrap_or(0);
    let index = thread::spawn("server", PRIORITY, STACK, server, labels).unwrap_or(99);
    check("thread index", index == 1);
    let badge = request::gate_create(GATE, index).unwrap_or(0);
    check("badge", badge != 0 && badge.is_multiple_of(4));
    refused("slot in use", request::gate_create(GATE, index), raw::L4_EEXIST);
    refused("slot too low", request::gate_create(CapIndex(SLOT_USER - 1), index), raw::L4_ERANGE);
    refused("slot too high", request::gate_create(CapIndex(SLOT_END), index), raw::L4_ERANGE);
    refused("no thread", request::gate_create(IRQ, 63), raw::L4_ENOENT);
    refused("thread past the end", request::gate_create(IRQ, 64), raw::L4_ENOENT);
    let k = kernel();
    for i in 0..100 {
        let called = Message::new(&k).word(i).call(Cap::<Gate>::new(GATE), 0);
        if called.is_err() || k.mr(0) != 2 * i {
            check("call", false);
        }
    }
    check("calls", true);
    check("label", read(labels) == badge | 3);
    check("delete gate", request::object_delete(GATE) == Ok(()));
    refused("delete twice", request::object_delete(GATE), raw::L4_ENOENT);
    let dead = Message::new(&k).word(1).call(Cap::<Gate>::new(GATE), 0);
    check("deleted gate is empty", dead.is_err());
    let second = request::gate_create(GATE, index).unwrap_or(0);
    check("another badge", second != 0 && second != badge);
    check("end server", request::thread_exit(index) == Ok(()));
    let dead = Message::new(&k).word(1).call(Cap::<Gate>::new(GATE), 0);
    check("its gate is gone too", dead.is_err());
    refused("end twice", request::thread_exit(index), raw::L4_ENOENT);
}

/// Triggers the IRQ three times, then ends.
extern "C" fn trigger(index: u32) -> ! {
    let k = kernel();
    for _ in 0..3 {
        ipc::sleep(&k, Timeouts::new(Timeout::NEVER, Timeout::from_us(2000)));
        Cap::<Irq>::new(IRQ).trigger(&k).ok();
    }
    request::thread_exit(index).ok();
    unreachable!()
}

fn irqs() {
    check("irq", request::irq_create(IRQ, 0, IRQ_LABEL) == Ok(()));
    refused("irq label", request::irq_create(CapIndex(IRQ.0 + 1), 0, 3), raw::L4_EINVAL);
    let index = thread::spawn("trigger", PRIORITY, STACK, trigger, 1).unwrap_or(99);
    check("index used again", index == 1);
    let k = kernel();
    let patience = Timeouts::new(Timeout::NEVER, Timeout::from_us(1_000_000));
    for _ in 0..3 {
        let got = ipc::wait(&k, patience);
        check("irq message", got.is_ok_and(|m| m.label == IRQ_LABEL));
    }
    ipc::sleep(&k, Timeouts::new(Timeout::NEVER, Timeout::from_us(5000)));
    refused("it ended itself", request::thread_exit(1), raw::L4_ENOENT);
    check("delete irq", request::object_delete(IRQ) == Ok(()));
}

extern "C" fn sleeper(_: u32) -> ! {
    let k = kernel();
    loop {
        ipc::sleep(&k, Timeouts::NEVER);
    }
}

fn threads() {
    let new = NewThread { ip: USER_START, sp: 0, priority: 0, tpidruro: 0, name: "never" };
    refused("priority 0", request::thread_create(&new), raw::L4_ERANGE);
    refused("priority", request::thread_create(&NewThread { priority: 255, ..new }), raw::L4_ERANGE);
    let mut count = 0;
    while let Ok(index) = thread::spawn("sleeper", PRIORITY, 4096, sleeper, 0) {
        count += 1;
        if index != count {
            check("index in order", false);
        }
    }
    check("63 more threads", count == 63);
    check("end them", (1..64).all(|i| request::thread_exit(i) == Ok(())));
}

/// `mov r0, sp; 1: ldr r1, [r0]; adds r1, #1; str r1, [r0]; b 1b`, in Thumb. Constants are in the
/// executable segment.
static COUNTER: [u32; 3] = [0x6801_4668, 0x6001_3101, 0x0000_e7fb];
/// `udf #0`
static UNDEFINED: u32 = 0xe7f0_00f0;

fn thumb() {
    let cell = request::memory_alloc(4096, None).unwrap_or(0);
    let ip = COUNTER.as_ptr() as u32 | 1;
    let new = NewThread { ip, sp: cell, priority: 1, tpidruro: 0, name: "thumb" };
    let index = request::thread_create(&new).unwrap_or(0);
    ipc::sleep(&kernel(), Timeouts::new(Timeout::NEVER, Timeout::from_us(3000)));
    check("thumb thread counts", read(cell) > 100);
    check("end a running thread", request::thread_exit(index) == Ok(()));
    let stopped = read(cell);
    ipc::sleep(&kernel(), Timeouts::new(Timeout::NEVER, Timeout::from_us(3000)));
    check("it runs no further", read(cell) == stopped);
}

extern "C" fn write_to(addr: u32) -> ! {
    write(addr, 1);
    unreachable!()
}

/// Each of these threads is stopped by root, with a line in the log.
fn faults() {
    let rom = request::rom_attach("system").map_or(0, |r| r.0);
    for (name, addr) in
        [("nowhere", 0x7000_0000), ("read-only", rom), ("info", thaw_native_abi::layout::INFO_PAGE)]
    {
        check("fault thread", thread::spawn(name, PRIORITY, STACK, write_to, addr).is_ok());
    }
    let code = NewThread { ip: 0x7000_0000, sp: 0, priority: PRIORITY, tpidruro: 0, name: "no code" };
    check("fault thread", request::thread_create(&code).is_ok());
    let undefined = NewThread {
        ip: &raw const UNDEFINED as u32,
        sp: 0,
        priority: PRIORITY,
        tpidruro: 0,
        name: "undefined",
    };
    check("fault thread", request::thread_create(&undefined).is_ok());
    ipc::sleep(&kernel(), Timeouts::new(Timeout::NEVER, Timeout::from_us(5000)));
    check("end a faulted thread", request::thread_exit(1) == Ok(()));
}
