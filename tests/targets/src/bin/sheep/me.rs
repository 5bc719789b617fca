//! What every thread has: its name, the kernel, the log, and a way to stop when a check breaks.

use core::{
    fmt,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use thaw_l4::{Kernel, MsgTag, Op, Real, Selector, Timeout, Timeouts, raw};
use thaw_targets::{
    mix::mix,
    witness::{Witness, carried::Carried, depth, pattern, requests},
};

/// The threads, in the order of their indices in tables here (not in the PD).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Counts.
    Counter,
    /// Hash chain.
    Memory,
    /// Running product.
    Vfp,
    /// One side of the lock.
    LockA,
    /// The other side.
    LockB,
    /// Answers.
    Server,
    /// Calls.
    Client,
}

/// Number of roles.
pub const ROLES: usize = 7;

static STARTED: [AtomicBool; ROLES] = [const { AtomicBool::new(false) }; ROLES];
static PROGRESS: [AtomicU64; ROLES] = [const { AtomicU64::new(0) }; ROLES];

impl Role {
    /// All roles, in order.
    pub const ALL: [Self; ROLES] =
        [Self::Counter, Self::Memory, Self::Vfp, Self::LockA, Self::LockB, Self::Server, Self::Client];

    /// Name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Memory => "memory",
            Self::Vfp => "vfp",
            Self::LockA => "lock-a",
            Self::LockB => "lock-b",
            Self::Server => "server",
            Self::Client => "client",
        }
    }

    /// Kernel priority; the counter has the PD's.
    pub const fn priority(self) -> u32 {
        match self {
            Self::Counter | Self::Server => 9,
            Self::LockA | Self::LockB => 8,
            Self::Client => 7,
            Self::Memory | Self::Vfp => 5,
        }
    }

    /// Whether the thread has begun its work.
    pub fn has_started(self) -> bool {
        STARTED[self as usize].load(Ordering::Acquire)
    }

    /// How far the thread has come.
    pub fn progress(self) -> u64 {
        PROGRESS[self as usize].load(Ordering::Relaxed)
    }
}

/// The calling thread.
pub struct Me {
    /// The kernel as this thread enters it.
    pub kernel: Real,
    /// Who it is.
    pub role: Role,
}

impl Me {
    /// Says so, once in the thread's life; a second time is a failure.
    pub fn started(&self) {
        self.print(format_args!("started {}", self.role.name()));
        if STARTED[self.role as usize].swap(true, Ordering::AcqRel) {
            self.fail(format_args!("{}.started expected once got twice", self.role.name()));
        }
    }

    /// Publishes how far the thread has come.
    pub fn reached(&self, progress: u64) {
        PROGRESS[self.role as usize].store(progress, Ordering::Relaxed);
    }

    /// Prints a line.
    pub fn print(&self, text: fmt::Arguments<'_>) {
        requests::print(&self.kernel, text);
    }

    /// Reports a broken check and never returns.
    pub fn fail(&self, what: fmt::Arguments<'_>) -> ! {
        self.print(format_args!("FAIL {what}"));
        loop {
            self.kernel.ipc(Selector::nobody(Op::RECEIVE), MsgTag::default(), Timeouts::NEVER, 0);
        }
    }

    /// Fails unless both are the same.
    pub fn expect(&self, what: &str, expected: u32, got: u32) {
        if expected != got {
            self.fail(format_args!("{}.{what} expected {expected:#x} got {got:#x}", self.role.name()));
        }
    }

    /// Sleeps without taking anything along, for waits before the work begins.
    pub fn nap(&self, us: u32) {
        let timeouts = Timeouts::new(Timeout::NEVER, Timeout::from_us(us));
        self.kernel.ipc(Selector::nobody(Op::RECEIVE), MsgTag::default(), timeouts, 0);
    }

    /// Sleeps; `value` travels through the system call in registers only, and the UTCB is full.
    pub fn sleep(&self, us: u32, value: u32) -> u32 {
        let salt = mix(self.role as u32, us, value);
        pattern::fill(&self.kernel, salt);
        // A tag that sends nothing comes back as it is, with the error bit.
        let tag = MsgTag::new((salt & 0x7ff) as i32, 0, 0, 0);
        let timeouts = Timeouts::new(Timeout::NEVER, Timeout::from_us(us));
        let back = Carried::new(value, salt).enter(self, Selector::nobody(Op::RECEIVE), tag, timeouts);
        self.expect("sleep.tag", tag.0 | raw::L4_MSGTAG_ERROR, back.tag.0);
        let error = self.kernel.utcb_word(raw::THAW_UTCB_ERROR_WORD as usize);
        self.expect("sleep.error", raw::L4_IPC_RETIMEOUT, error & raw::L4_IPC_ERROR_MASK);
        pattern::check(self, salt, 0);
        back.value
    }

    /// Sleeps below `levels` frames of the stack that are checked on the way back.
    pub fn sleep_at_depth(&self, levels: u32, us: u32, value: u32) -> u32 {
        depth::at_depth(self, levels, mix(us, value, 5), &mut || self.sleep(us, value))
    }

    /// Ends this thread's part in the work because root refused something it needs.
    pub fn refused(&self, what: &str, error: thaw_l4::Error) -> ! {
        self.fail(format_args!("{}.{what} expected 0 got {error}", self.role.name()))
    }
}

impl Witness for Me {
    fn kernel(&self) -> &Real {
        &self.kernel
    }

    fn name(&self) -> &str {
        self.role.name()
    }

    fn fail(&self, what: fmt::Arguments<'_>) -> ! {
        Self::fail(self, what)
    }
}
