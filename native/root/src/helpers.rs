//! Threads of root's own, besides the main one.

use thaw_l4::{Cap, ExRegs, Thread, ThreadControl, raw};

use crate::books::Root;
use crate::error::{Error, Result};
use crate::frames::PAGE_BYTES;
use crate::machine::{FACTORY, Machine, SCHEDULER, SIGMA0, TASK};

/// Where the kernel puts the UTCB of root's main thread; the rest of its page is free (both revisions
/// map at least one page there).
const MAIN_UTCB: u32 = 0xbfff_0000;
/// Threads that fit.
const THREADS_MAX: u32 = PAGE_BYTES / raw::THAW_UTCB_BYTES - 1;

impl Root {
    /// Makes and starts a thread in root's task. `stack` is the end of memory that is its alone; its
    /// faults go to sigma0, as the main thread's do.
    pub fn spawn(&mut self, m: &impl Machine, entry: u32, stack: u32, priority: u32) -> Result<Cap<Thread>> {
        if self.own_threads >= THREADS_MAX {
            return Err(Error::TableFull);
        }
        let thread = self.fill_slot(|slot| FACTORY.create_thread(m, slot))?;
        let utcb = MAIN_UTCB + (self.own_threads + 1) * raw::THAW_UTCB_BYTES;
        let pager = Some(SIGMA0.index());
        let set = ThreadControl { pager, exc_handler: pager, bind: Some((TASK, utcb)) };
        let started = thread
            .control(m, set)
            .and_then(|_| thread.ex_regs(m, ExRegs { ip: Some(entry), sp: Some(stack), flags: 0 }))
            .and_then(|_| SCHEDULER.run_thread(m, thread, priority));
        if let Err(e) = started {
            self.delete_object(m, thread.index());
            return Err(e.into());
        }
        self.own_threads += 1;
        Ok(thread)
    }
}
