//! Pending triggers of IRQ objects.
//!
//! The kernel keeps them and tells nobody. So each IRQ object of the set is bound to the handler while
//! the set stands still, and what was pending arrives there. Nothing is lost meanwhile: a later trigger
//! arrives at the handler too and counts.

use thaw_l4::Kernel;
use thaw_protocol::{Error, ErrorKind, IRQS_MAX, trace::Event};

use crate::{
    Engine, Env, Host, ObjectKind,
    receive::{at, step},
    set::{IrqEntry, Phase, Rest},
};

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Books the IRQ objects and semaphores among the set's objects.
    pub(crate) fn book_irqs(&mut self) -> Result<(), Error> {
        self.set.irqs.clear();
        for object in &self.set.objects {
            let (cap, counts) = match object.kind {
                ObjectKind::Irq(cap) => (cap, false),
                ObjectKind::Semaphore(cap) => (cap, true),
                ObjectKind::Gate(_) | ObjectKind::Thread => continue,
            };
            let entry = IrqEntry {
                counts,
                cap,
                slot: object.slot,
                label: object.badge,
                thread: object.thread,
                pending: 0,
                returned: 0,
                captured: false,
            };
            self.set.irqs.push(entry).map_err(|_| ErrorKind::TooMany.with(IRQS_MAX as u32, 0, 0))?;
        }
        Ok(())
    }

    /// Binds all IRQ objects of the set to the handler and counts what was pending.
    pub(crate) fn capture_irqs(&mut self) -> Result<(), Error> {
        for n in 0..self.set.irqs.len() {
            let irq = self.set.irqs[n];
            if irq.thread.is_none() {
                continue;
            }
            let label = Env::IRQ_LABEL + 4 * n as u32;
            irq.cap.bind(self.k, self.env.handler, label).map_err(at(step::IRQ))?;
            self.set.irqs[n].captured = true;
            self.trace(Event::IrqCapture.of_all().with(irq.slot.0));
        }
        if self.set.irqs.iter().any(|irq| irq.captured) { self.poll() } else { Ok(()) }
    }

    /// Triggers the IRQs of threads in `silent` one by one: who waits for one comes out. A trigger that nobody
    /// took is back with us before anybody else runs. Whether somebody came out.
    pub(crate) fn probe_irqs(&mut self, silent: u64) -> Result<bool, Error> {
        let mut out = false;
        for n in 0..self.set.irqs.len() {
            let irq = self.set.irqs[n];
            let Some(i) = irq.thread.filter(|i| silent & (1 << i) != 0) else { continue };
            let entry = &self.set.entries[i];
            let Some(info) = entry.info.filter(|_| entry.phase == Phase::Triggered) else { continue };
            // With one pending it would not wait for it.
            if !irq.captured || irq.pending != 0 {
                continue;
            }
            let label = Env::IRQ_LABEL + 4 * n as u32;
            irq.cap.bind(self.k, info.cap, irq.label).map_err(at(step::IRQ))?;
            let triggered = irq.cap.trigger(self.k);
            // Our trigger must not stay there: what fails is tried again.
            let back = || irq.cap.bind(self.k, self.env.handler, label);
            back().or_else(|_| back()).map_err(at(step::IRQ))?;
            triggered.map_err(at(step::IRQ))?;
            self.poll().or_else(|_| self.poll())?;
            if self.set.irqs[n].pending != 0 {
                self.set.irqs[n].pending -= 1;
                continue;
            }
            self.quiesce()?;
            if self.set.entries[i].phase == Phase::Held {
                self.set.entries[i].rest = Rest::Fired;
                self.trace(Event::Probe.of(i).with(irq.slot.0));
                out = true;
            }
        }
        Ok(out)
    }

    /// A trigger arrived under an IRQ label.
    pub(crate) fn irq_arrived(&mut self, label: u32) {
        let n = (label.wrapping_sub(Env::IRQ_LABEL) / 4) as usize;
        if let Some(irq) = self.set.irqs.get_mut(n) {
            irq.pending = irq.pending.saturating_add(1);
        }
    }

    /// Gives all captured IRQ objects back to their threads, with their pending triggers, and semaphores their counts.
    pub(crate) fn return_irqs(&mut self) -> Result<(), Error> {
        for n in 0..self.set.irqs.len() {
            let irq = self.set.irqs[n];
            let thread = irq.thread.and_then(|t| self.set.entries[t].info);
            if thread.is_none() && !irq.counts {
                continue;
            }
            if let Some(thread) = thread.filter(|_| irq.captured) {
                irq.cap.bind(self.k, thread.cap, irq.label).map_err(at(step::IRQ))?;
                self.set.irqs[n].captured = false;
            }
            // The books keep what was pending: the snapshot is read after the threads go on.
            while self.set.irqs[n].returned < self.set.irqs[n].pending {
                irq.cap.trigger(self.k).map_err(at(step::IRQ))?;
                self.set.irqs[n].returned += 1;
            }
            self.trace(Event::IrqReturn.of_all().with(irq.slot.0));
        }
        Ok(())
    }
}
