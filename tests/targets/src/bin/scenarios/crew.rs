//! The threads of a scenario: started together, waited for together, then ended.
// UNSAFETY: provides the stacks and the entry, and turns a word back into the function it was.
#![expect(unsafe_code)]

use core::{
    cell::UnsafeCell,
    mem::MaybeUninit,
    sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
};

use thaw_rt::{
    kernel,
    request::{self, NewThread},
};
use thaw_targets::{
    mix::mix,
    witness::{Witness, tls::tls},
};

use crate::me::Me;

/// Places at most; place 0 is the first thread's.
pub const PLACES: usize = 16;
/// Bytes of a stack.
const STACK_BYTES: usize = 16 * 1024;
/// Highest priority that a thread may have.
pub const PRIORITY_MAX: u32 = 10;
/// Index of a thread that is not there.
const NOBODY: u32 = !0;

/// What a thread does; its argument is free.
pub type Job = fn(&Me, u32);

const NAMES: [&str; PLACES] =
    ["first", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11", "t12", "t13", "t14", "t15"];

#[repr(align(4096))]
struct Stack(UnsafeCell<MaybeUninit<[u8; STACK_BYTES]>>);

// SAFETY: only the thread that runs on it touches a stack.
unsafe impl Sync for Stack {}

/// Thread-local storage: its address is in TPIDRURO.
#[repr(align(64))]
struct Local {
    index: AtomicU32,
    job: AtomicUsize,
    argument: AtomicU32,
    digest: AtomicU32,
    done: AtomicBool,
}

static STACKS: [Stack; PLACES] = [const { Stack(UnsafeCell::new(MaybeUninit::uninit())) }; PLACES];
static LOCALS: [Local; PLACES] = [const {
    Local {
        index: AtomicU32::new(NOBODY),
        job: AtomicUsize::new(0),
        argument: AtomicU32::new(0),
        digest: AtomicU32::new(0),
        done: AtomicBool::new(false),
    }
}; PLACES];
static RUN: AtomicBool = AtomicBool::new(false);

/// The first thread; its stack is root's.
pub fn first() -> Me {
    Me::new(kernel(), 0, NAMES[0])
}

fn local(place: usize) -> u32 {
    (&raw const LOCALS[place]).addr() as u32
}

/// Makes a thread, which waits for [`run`].
pub fn start(me: &Me, place: usize, priority: u32, job: Job, argument: u32) {
    let here = &LOCALS[place];
    here.job.store(job as usize, Ordering::Release);
    here.argument.store(argument, Ordering::Release);
    here.done.store(false, Ordering::Release);
    let entry: extern "C" fn() -> ! = worker;
    let made = request::thread_create(&NewThread {
        ip: entry as usize as u32,
        sp: (STACKS[place].0.get().addr() + STACK_BYTES) as u32,
        priority,
        tpidruro: local(place),
        name: NAMES[place],
    });
    here.index.store(me.granted("thread", made), Ordering::Release);
}

/// Index of a started thread in the PD.
pub fn index(place: usize) -> u32 {
    LOCALS[place].index.load(Ordering::Acquire)
}

/// Lets the threads begin.
pub fn run() {
    RUN.store(true, Ordering::Release);
}

/// Whether the thread has done its job.
pub fn is_done(place: usize) -> bool {
    LOCALS[place].done.load(Ordering::Acquire)
}

/// Waits until all started threads have done their jobs and ends them; a hash of what they saw.
pub fn join(me: &Me) -> u32 {
    let mut value = 0;
    let mut hash = 0;
    for place in 1..PLACES {
        if index(place) == NOBODY {
            continue;
        }
        while !is_done(place) {
            value = me.sleep(thaw_l4::Timeout::from_us(1_000), value) + 1;
        }
        hash = mix(hash, end(me, place), place as u32);
    }
    RUN.store(false, Ordering::Release);
    hash
}

/// Ends a thread that has done its job; what it saw.
pub fn end(me: &Me, place: usize) -> u32 {
    let index = LOCALS[place].index.swap(NOBODY, Ordering::AcqRel);
    me.granted("thread_exit", request::thread_exit(index));
    LOCALS[place].digest.load(Ordering::Acquire)
}

/// Forgets a thread that ends by itself.
pub fn forget(place: usize) {
    LOCALS[place].index.store(NOBODY, Ordering::Release);
}

/// Entry of all but the first thread.
extern "C" fn worker() -> ! {
    let tls = tls();
    let place = (1..PLACES).find(|place| local(*place) == tls);
    let me = Me::new(kernel(), place.unwrap_or(0), NAMES[place.unwrap_or(0)]);
    if place.is_none() {
        me.fail(format_args!("tls expected a thread of the table got {tls:#x}"));
    }
    me.nap_until(|| RUN.load(Ordering::Acquire));
    let here = &LOCALS[me.place];
    // SAFETY: `start` stored a job there before it made this thread, and nobody has stored since.
    let job: Job = unsafe { core::mem::transmute(here.job.load(Ordering::Acquire)) };
    job(&me, here.argument.load(Ordering::Acquire));
    me.expect("tls", local(me.place), thaw_targets::witness::tls::tls());
    here.digest.store(me.digest(), Ordering::Release);
    here.done.store(true, Ordering::Release);
    loop {
        me.nap(1_000_000);
    }
}
