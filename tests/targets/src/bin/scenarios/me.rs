//! What every thread has: its name, the kernel, a digest of what it saw, and a way to stop when a check
//! breaks.

use core::{cell::Cell, fmt};

use thaw_l4::{Error, Kernel, MsgTag, Op, Real, Selector, Timeout, Timeouts, raw};
use thaw_rt::request;
use thaw_targets::{
    mix::mix,
    witness::{
        Witness,
        carried::{Carried, Returned},
        pattern, requests,
    },
};

/// Exit code after a broken check.
const BROKEN: u32 = 99;

/// The calling thread.
pub struct Me {
    /// The kernel as this thread enters it.
    pub kernel: Real,
    /// Its place in the crew.
    pub place: usize,
    /// Its name in messages.
    pub name: &'static str,
    digest: Cell<u32>,
}

impl Witness for Me {
    fn kernel(&self) -> &Real {
        &self.kernel
    }

    fn name(&self) -> &str {
        self.name
    }

    fn fail(&self, what: fmt::Arguments<'_>) -> ! {
        self.print(format_args!("FAIL {what}"));
        request::exit(BROKEN)
    }
}

impl Me {
    /// A thread that has seen nothing yet.
    pub const fn new(kernel: Real, place: usize, name: &'static str) -> Self {
        Self { kernel, place, name, digest: Cell::new(0) }
    }

    /// Prints a line.
    pub fn print(&self, text: fmt::Arguments<'_>) {
        requests::print(&self.kernel, text);
    }

    /// Adds a word to what it saw; the order counts.
    pub fn note(&self, word: u32) {
        self.digest.set(mix(self.digest.get(), word, 0x2076));
    }

    /// Adds a word to what it saw; the order does not count.
    pub fn note_unordered(&self, word: u32) {
        self.digest.set(self.digest.get().wrapping_add(mix(word, 1, 0x5a)));
    }

    /// What it saw.
    pub fn digest(&self) -> u32 {
        self.digest.get()
    }

    /// The value of a request to root.
    pub fn granted<T>(&self, what: &str, result: Result<T, Error>) -> T {
        match result {
            Ok(value) => value,
            Err(e) => self.fail(format_args!("{}.{what} expected 0 got {e}", self.name)),
        }
    }

    /// Makes a system call through which `value` travels in registers only.
    pub fn enter(&self, value: u32, salt: u32, to: Selector, tag: MsgTag, timeouts: Timeouts) -> Returned {
        Carried::new(value, salt).enter(self, to, tag, timeouts)
    }

    /// Sleeps; `value` travels through the system call in registers only, and the UTCB is full.
    pub fn sleep(&self, timeout: Timeout, value: u32) -> u32 {
        let salt = mix(self.place as u32, timeout.0.into(), value);
        pattern::fill(&self.kernel, salt);
        let tag = MsgTag::new((salt & 0x7ff) as i32, 0, 0, 0);
        let timeouts = Timeouts::new(Timeout::NEVER, timeout);
        let back = self.enter(value, salt, Selector::nobody(Op::RECEIVE), tag, timeouts);
        self.expect_error("sleep", &back, raw::L4_IPC_RETIMEOUT);
        self.expect("sleep.tag", tag.0 | raw::L4_MSGTAG_ERROR, back.tag.0);
        pattern::check(self, salt, 0);
        back.value
    }

    /// Sleeps for `us` microseconds without taking anything along.
    pub fn nap(&self, us: u32) {
        let timeouts = Timeouts::new(Timeout::NEVER, Timeout::from_us(us));
        self.kernel.ipc(Selector::nobody(Op::RECEIVE), MsgTag::default(), timeouts, 0);
    }

    /// Naps until `holds`.
    pub fn nap_until(&self, holds: impl Fn() -> bool) {
        while !holds() {
            self.nap(1_000);
        }
    }

    /// Fails unless the system call ended in that error.
    pub fn expect_error(&self, what: &str, back: &Returned, error: u32) {
        let got = self.kernel.utcb_word(raw::THAW_UTCB_ERROR_WORD as usize) & raw::L4_IPC_ERROR_MASK;
        if !back.tag.has_error() || got != error {
            self.fail(format_args!(
                "{}.{what} expected error {error} got tag {:#x} error {got}",
                self.name, back.tag.0
            ));
        }
    }

    /// Fails if the system call ended in an error.
    pub fn expect_success(&self, what: &str, back: &Returned) {
        if back.tag.has_error() {
            let got = self.kernel.utcb_word(raw::THAW_UTCB_ERROR_WORD as usize) & raw::L4_IPC_ERROR_MASK;
            self.fail(format_args!("{}.{what} expected success got error {got}", self.name));
        }
    }
}
