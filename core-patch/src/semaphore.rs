//! Semaphores of a stopped set: how high each is, and who waits for it in which order.
//!
//! The kernel tells neither. Taking one with a timeout of zero until nothing is left counts it. If there was nothing,
//! somebody may wait: raised by one, it wakes its first waiter, which is held by its trigger and can be told by what
//! r2 names; raised once more than there are waiters, what nobody took is taken back. Nothing is aborted. Waiters
//! take their places again, in the same order, when the set goes on.

use l4_sys::{MsgTag, Selector, Timeout};
use thaw_l4::Kernel;
use thaw_protocol::{Error, ErrorKind, THREADS_MAX, trace::Event};

use crate::{
    Engine, Host, ObjectKind,
    receive::{at, step},
    set::{Named, Phase, Rest, bits},
};

/// How high a semaphore may be, and how often an IRQ object may be triggered again.
pub(crate) const COUNT_MAX: u32 = 4096;

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Counts all semaphores of the set down, and brings out who waits for one.
    pub(crate) fn capture_semaphores(&mut self) -> Result<(), Error> {
        for n in 0..self.set.irqs.len() {
            if !self.set.irqs[n].counts {
                continue;
            }
            self.count_down(n)?;
            // Where something was left nobody waits.
            if self.set.irqs[n].pending == 0 {
                self.bring_out_waiters(n)?;
            }
            self.trace(Event::IrqCapture.of_all().with(self.set.irqs[n].slot.0));
        }
        Ok(())
    }

    fn count_down(&mut self, n: usize) -> Result<(), Error> {
        while self.take_one(n)? {
            self.set.irqs[n].pending += 1;
            if self.set.irqs[n].pending > COUNT_MAX {
                return Err(ErrorKind::SemaphoreTooHigh.with(self.set.irqs[n].slot.0, COUNT_MAX, 0));
            }
        }
        Ok(())
    }

    /// Takes one from a semaphore, if there is one.
    fn take_one(&self, n: usize) -> Result<bool, Error> {
        match self.set.irqs[n].cap.down(self.k, Timeout::ZERO) {
            Ok(()) => Ok(true),
            Err(e) if e.is_timeout() => Ok(false),
            Err(e) => Err(at(step::IRQ)(e)),
        }
    }

    /// Wakes the waiters of a semaphore one by one.
    fn bring_out_waiters(&mut self, n: usize) -> Result<(), Error> {
        let semaphore = self.set.irqs[n];
        let mut position = 0;
        // One whose timeout is over may take one and not tell, on G.
        for _ in 0..2 * THREADS_MAX {
            if self.set.mask(Phase::Triggered) == 0 {
                return Ok(());
            }
            let before = self.set.mask(Phase::Held);
            semaphore.cap.trigger(self.k).map_err(at(step::IRQ))?;
            // Who took it must be known, or it must be taken back: what fails is tried again.
            let passed = self.quiesce().or_else(|_| self.quiesce());
            let woken = bits(self.set.mask(Phase::Held) & !before).find(|i| self.took_one(*i, n));
            if let Some(i) = woken {
                self.set.entries[i].rest = Rest::Down { semaphore: semaphore.slot, position };
                self.set.report.drained += 1;
                self.trace(Event::Drain.of(i).with(semaphore.slot.0));
                position += 1;
            } else if self.take_one(n).or_else(|_| self.take_one(n))? {
                return passed;
            }
            passed?;
        }
        Err(ErrorKind::TooMany.with(THREADS_MAX as u32, 0, 0))
    }

    /// Whether a thread that has just come to rest did so by taking one from a semaphore.
    fn took_one(&self, i: usize, n: usize) -> bool {
        let entry = &self.set.entries[i];
        let selector = Selector(entry.frame.reg(2));
        let Some(slot) = selector.cap().filter(|_| selector.op().sends()) else { return false };
        let Named::Object(object) = self.set.named(slot) else { return false };
        let is_it = self.set.objects.get(object).is_some_and(|object| {
            matches!(object.kind, ObjectKind::Semaphore(_)) && object.slot == self.set.irqs[n].slot
        });
        is_it && !MsgTag(entry.frame.reg(0)).has_error()
    }
}
