//! Stopping a prepared PD once more, before any of its threads runs.
//!
//! What a stop finds of a restored PD is then what was restored: everybody stands where it stood, in the kernel
//! too, and nobody has gone on.

use thaw_l4::{ExRegs, Kernel};
use thaw_protocol::{Error, StopReport};

use crate::{
    Engine, Host,
    resume::Waits,
    set::{Phase, State, bits},
};

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Continues all threads of a prepared PD up to where they stand, and stops them there.
    ///
    /// Who is in user code stays in its exception and runs no instruction. Who is in a system call enters it, and
    /// is found in it, or behind it if its timeout is over by then.
    pub(crate) fn stop_again(&mut self) -> Result<StopReport, Error> {
        self.check_staged()?;
        self.set.report = StopReport::default();
        self.set.slots.clear();
        match self.try_stop_again() {
            Ok(()) => {
                self.set.state = State::Stopped;
                self.set.snapshot = true;
                Ok(self.set.report)
            }
            Err(error) => {
                // Some stand in the kernel already, so they cannot be staged again.
                if let Some(pd) = self.set.pd {
                    self.host.abandoned(pd);
                }
                self.give_up();
                Err(error)
            }
        }
    }

    fn try_stop_again(&mut self) -> Result<(), Error> {
        let pd = self.pd()?;
        self.put_back(Waits::Made)?;
        let held = self.set.mask(Phase::Held);
        let staged = bits(held).filter(|i| self.set.entries[*i].staged).fold(0, |mask, i| mask | 1 << i);
        for i in bits(held) {
            if let Some(ended) = self.set.entries[i].ended {
                self.set.entries[i].frame = ended;
            }
        }
        // At once: they have left the window, and must not come out without an exception.
        for i in bits(staged) {
            self.stands(i, Phase::Triggered);
            self.ex_regs(i, ExRegs::TRIGGER)?;
        }
        for i in bits(held & !staged) {
            self.stands(i, Phase::Held);
        }
        self.quiesce()?;
        for i in bits(held) {
            self.host.started(pd, i);
        }
        self.hold(pd)?;
        self.book_objects()?;
        self.map_window()?;
        self.look()
    }

    /// Forgets what was staged of thread `i`, but its registers.
    fn stands(&mut self, i: usize, phase: Phase) {
        let entry = &mut self.set.entries[i];
        entry.begin(entry.info);
        entry.phase = phase;
    }
}
