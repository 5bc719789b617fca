//! The kernel clock and waiting for it.
//!
//! Time advances by ticks of 1 ms; timeouts end at ticks. Equal wake-up times expire in reverse
//! order of their setting.

use crate::{arch::cpu, kernel::Kernel, object::ThreadId, pure::timeout::Timeout, thread::Phase};

/// Microseconds of a tick.
pub const TICK_US: u64 = 1000;

/// The timer's state.
pub struct Ticks {
    interval: u64,
    next: u64,
    /// Microseconds per count, as a fraction of 1 << 32.
    scaler: u32,
}

impl Ticks {
    /// Starts the periodic timer.
    #[must_use]
    pub fn start() -> Self {
        let frequency = u64::from(cpu::cntfrq());
        let interval = frequency / (1_000_000 / TICK_US);
        let scaler = ((1_000_000 << 32) / frequency) as u32;
        let next = cpu::cntvct() + interval;
        cpu::set_cntv_cval(next);
        cpu::set_cntv_ctl(1);
        Self { interval, next, scaler }
    }

    /// Scalers of the clock functions: microseconds, and 32 ns, per count.
    #[must_use]
    pub fn scalers() -> (u32, u32) {
        let frequency = u64::from(cpu::cntfrq());
        (((1_000_000 << 32) / frequency) as u32, ((1_000_000_000 << 27) / frequency) as u32)
    }
}

/// What setting a timeout came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Armed {
    /// It will wake the thread, or is infinite.
    Waiting,
    /// It is over already.
    Expired,
}

impl Kernel {
    /// The time. Ticks or counter, it is read once per step and stands still in between.
    pub fn now(&mut self) -> u64 {
        if self.q.fine_clock {
            self.clock = ((u128::from(cpu::cntvct()) * u128::from(self.ticks.scaler)) >> 32) as u64;
        }
        self.clock
    }

    /// When a timeout of `thread` ends; `None`: never.
    pub fn deadline(&mut self, thread: ThreadId, timeout: Timeout) -> Option<u64> {
        match timeout {
            Timeout::Never => None,
            Timeout::Zero => Some(0),
            Timeout::Relative(us) => Some(self.now() + us),
            Timeout::Absolute(n) => {
                Some(u64::from(self.buffer(thread, n)) | u64::from(self.buffer(thread, n + 1)) << 32)
            }
        }
    }

    /// Arms the thread's timer.
    pub fn arm(&mut self, thread: ThreadId, timeout: Timeout) -> Armed {
        match self.deadline(thread, timeout) {
            None => Armed::Waiting,
            Some(end) if end <= self.now() => Armed::Expired,
            Some(end) => {
                self.timeout_insert(thread, end);
                Armed::Waiting
            }
        }
    }

    /// Arms the timer of a send phase, in which zero has been ruled out.
    pub fn arm_send(&mut self, thread: ThreadId, timeout: Timeout) -> Armed {
        match self.deadline(thread, timeout) {
            Some(end) if self.q.lazy_sender => {
                self.timeout_insert(thread, end);
                Armed::Waiting
            }
            _ => self.arm(thread, timeout),
        }
    }

    fn timeout_insert(&mut self, thread: ThreadId, end: u64) {
        self.disarm(thread);
        let mut before = None;
        let mut at = self.timeouts;
        while let Some(id) = at {
            let t = &self.threads[id];
            if t.timeout >= Some(end) {
                break;
            }
            before = Some(id);
            at = t.timeout_next;
        }
        let t = &mut self.threads[thread];
        (t.timeout, t.timeout_next) = (Some(end), at);
        match before {
            Some(before) => self.threads[before].timeout_next = Some(thread),
            None => self.timeouts = Some(thread),
        }
    }

    /// Stops the thread's timer.
    pub fn disarm(&mut self, thread: ThreadId) {
        if self.threads[thread].timeout.take().is_none() {
            return;
        }
        let next = self.threads[thread].timeout_next.take();
        let mut at = self.timeouts;
        if at == Some(thread) {
            self.timeouts = next;
            return;
        }
        while let Some(id) = at {
            at = self.threads[id].timeout_next;
            if at == Some(thread) {
                self.threads[id].timeout_next = next;
                return;
            }
        }
    }

    /// The timer interrupt: one tick. Returns whether to schedule.
    #[must_use]
    pub fn tick(&mut self) -> bool {
        self.ticks.next += self.ticks.interval;
        cpu::set_cntv_cval(self.ticks.next);
        if self.q.fine_clock {
            self.now();
        } else {
            self.clock += TICK_US;
        }
        self.kip.set_clock(self.clock);
        self.threads[self.current].sched.consumed += TICK_US;
        self.expire()
    }

    fn expire(&mut self) -> bool {
        let mut reschedule = false;
        loop {
            let thread = self.timeouts.filter(|&t| self.threads[t].timeout <= Some(self.clock));
            let slice = self.rq.slice_end.filter(|&end| end <= self.clock);
            match (thread, slice) {
                (Some(t), Some(end)) if self.threads[t].timeout > Some(end) => self.slice_expired(),
                (None, Some(_)) => self.slice_expired(),
                (Some(t), _) => {
                    self.disarm(t);
                    reschedule |= self.timed_out(t);
                    continue;
                }
                (None, None) => return reschedule,
            }
            reschedule = true;
        }
    }

    fn timed_out(&mut self, thread: ThreadId) -> bool {
        let t = &mut self.threads[thread];
        if matches!(t.phase, Phase::None | Phase::Taking) {
            return false;
        }
        t.flags.timed_out = true;
        t.flags.ready = true;
        self.deblock(thread, false)
    }
}
