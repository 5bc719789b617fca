//! Ending threads and PDs.
//!
//! Both kernels corrupt or panic if a queued sender is deleted while the thread that is to receive its
//! message is preempted inside `reply_and_wait`. So nothing is deleted while a thread of the PD is ready:
//!
//! 1. Every thread is lifted above the helper and gets a triggered exception: a running one traps into its pager
//!    gate, which is not answered any more; one inside an IPC stays there; one that was never started is, and
//!    traps before its first instruction. Deleted without that, it would keep its task for ever (docs/hazards.md).
//! 2. Root's main thread calls the helper, a thread of root with a priority above all targets. It
//!    answers when nothing above it is ready, so by then every thread of the PD waits. The call has a
//!    timeout; if it runs out time after time nothing is deleted and the request fails with `-L4_EBUSY`.
//! 3. Threads are deleted, then once more the helper is called: a deleted thread must run once
//!    more in the kernel before its memory and its task are given back. Then gates, IRQ objects, memory
//!    and the task.
//!
//! The kernel gives a deleted thread's memory back after a grace period of some timer ticks, and only when
//! nothing above the dying thread runs: who makes and destroys PDs without a pause can exhaust it.
//!
//! Receivers in other PDs (the block driver, the checkpointer) run above the helper, so they wait too.

use thaw_l4::{Cap, ExRegs, Message, Op, Thread, Timeout, Timeouts};
use thaw_native_abi::layout::{THREADS_MAX, priority};

use crate::books::{Root, say, write_line};
use crate::error::{Error, Result};
use crate::label::PdId;
use crate::line::Text;
use crate::machine::{Machine, SCHEDULER};
use crate::pd::State;

/// Priority of the helper: above targets and the checkpoint service's barrier, below threads that are lifted.
pub const HELPER_PRIORITY: u32 = priority::HELPER;
/// Starts a thread that raises an exception before its first instruction.
const STILLBORN: ExRegs = ExRegs { ip: Some(0), sp: Some(0), flags: ExRegs::TRIGGER.flags };
/// What the threads of a PD that ends are lifted to.
const LIFTED: u32 = priority::ENDING;
/// How long nothing but higher threads may run before an end is given up.
const PATIENCE_US: u32 = 500_000;
/// How often an end is tried.
const ATTEMPTS: u32 = 4;

const _: () = assert!(priority::BARRIER > priority::TARGET_MAX && HELPER_PRIORITY > priority::BARRIER);
const _: () = assert!(LIFTED > HELPER_PRIORITY && LIFTED <= priority::LIFT && LIFTED < priority::ROOT);

impl Root {
    /// Waits until no thread above the helper is ready.
    fn pass_helper(&self, m: &impl Machine) -> Result<()> {
        let Some(helper) = self.helper else { return Ok(()) };
        let patience = Timeout::from_us(PATIENCE_US);
        let passed = Message::new(m).perform(helper.select(Op::CALL), 0, Timeouts::new(patience, patience));
        passed.map(|_| ()).map_err(|_| Error::Ending)
    }

    /// Makes started threads leave user mode for good; they trap into their pager gates or stay blocked.
    fn halt(&self, m: &impl Machine, pd: PdId) -> Result<()> {
        for thread in self.pds.get(pd)?.threads.iter().flatten().filter(|t| t.started) {
            // Nothing is cancelled: who waits goes on waiting.
            thread.cap.ex_regs(m, ExRegs::TRIGGER)?;
        }
        Ok(())
    }

    /// Halts threads that are to be deleted, before anything below the helper runs; `only` one or all.
    fn halt_lifted(&self, m: &impl Machine, pd: PdId, only: Option<u32>) -> Result<()> {
        for (index, thread) in (0..).zip(&self.pds.get(pd)?.threads) {
            let Some(thread) = thread.filter(|_| only.is_none_or(|only| only == index)) else { continue };
            if thread.priority < LIFTED {
                SCHEDULER.run_thread(m, thread.cap, LIFTED)?;
            }
            if thread.started {
                thread.cap.ex_regs(m, ExRegs::TRIGGER)?;
            } else {
                // Changes nothing if the checkpoint service holds it.
                thread.cap.ex_regs(m, STILLBORN)?;
            }
        }
        Ok(())
    }

    /// Lets a thread that is bound and not in the books come to where it can be deleted.
    pub(crate) fn halt_bound(&self, m: &impl Machine, thread: Cap<Thread>) {
        let halted = SCHEDULER.run_thread(m, thread, LIFTED).and_then(|()| thread.ex_regs(m, STILLBORN));
        if halted.is_ok() {
            // It traps at once, as nothing above it is busy.
            let _ = self.pass_helper(m);
        }
    }

    /// Halts threads for their deletion and waits until none of them is ready.
    fn quiesce(&self, m: &impl Machine, pd: PdId, only: Option<u32>) -> Result<()> {
        // A trigger is lost on a thread that was resumed from an exception and has not run yet.
        for _ in 0..ATTEMPTS {
            self.halt_lifted(m, pd, only)?;
            if self.pass_helper(m).is_ok() {
                return Ok(());
            }
        }
        say(
            m,
            format_args!("pd `{}`: a thread above the helper stays ready; end that one first", self.name(pd)),
        );
        Err(Error::Ending)
    }

    /// Lets deleted threads run their last in the kernel. If somebody above is busy they do it later.
    fn let_die(&self, m: &impl Machine) {
        let _ = self.pass_helper(m);
    }

    /// Ends one thread of a PD and what is bound to it.
    pub fn thread_end(&mut self, m: &impl Machine, pd: PdId, index: u32) -> Result<()> {
        self.pds.get(pd)?.thread(index)?;
        self.quiesce(m, pd, Some(index))?;
        self.objects_delete(m, pd, Some(index))?;
        self.thread_delete(m, pd, index)?;
        self.let_die(m);
        Ok(())
    }

    /// Notes that a PD ended by itself; its threads run no further.
    pub fn pd_exit(&mut self, m: &impl Machine, id: PdId, code: u32) -> Result<()> {
        let pd = self.pds.get_mut(id)?;
        pd.state = State::Exited(code);
        self.finish_line(m, id);
        if self.pds.get(id)?.parent.is_none() {
            say(m, format_args!("pd `{}` exited with code {code}", self.name(id)));
            if self.checkpointer_end(m, id)? {
                return Ok(());
            }
            return self.pd_destroy(m, id);
        }
        self.halt(m, id)
    }

    /// Prints what is left of a PD's last line.
    pub fn finish_line(&mut self, m: &impl Machine, id: PdId) {
        let Ok(pd) = self.pds.get_mut(id) else { return };
        let name = pd.name;
        pd.line.finish(|text| write_line(m, &mut prefixed(name, text)));
    }

    /// Destroys a PD, the PDs it made, and everything made for them.
    pub fn pd_destroy(&mut self, m: &impl Machine, id: PdId) -> Result<()> {
        while let Some(child) = self.child_of(id) {
            self.pd_destroy(m, child)?;
        }
        let pd = self.pds.get_mut(id)?;
        pd.state = State::Ending;
        self.finish_line(m, id);
        self.quiesce(m, id, None)?;
        for index in 0..THREADS_MAX {
            // Unused indices are no error.
            let _ = self.thread_delete(m, id, index);
        }
        self.let_die(m);
        self.objects_delete(m, id, None)?;
        self.sessions_delete(m, id)?;
        while let Some(own) = self.dataspaces.owned_by(id) {
            self.dataspace_free(m, own);
        }
        self.pd_forget(m, id)
    }

    fn child_of(&self, id: PdId) -> Option<PdId> {
        self.pds.iter().find(|pd| pd.parent == Some(id)).map(|pd| pd.id)
    }

    fn sessions_delete(&mut self, m: &impl Machine, id: PdId) -> Result<()> {
        let pd = self.pds.get_mut(id)?;
        let (sessions, parent_gate) = (core::mem::take(&mut pd.sessions), pd.parent_gate.take());
        for session in sessions.iter().filter(|s| s.own) {
            self.delete_object(m, session.gate);
        }
        if let Some(gate) = parent_gate {
            self.delete_object(m, gate);
        }
        Ok(())
    }

    fn pd_forget(&mut self, m: &impl Machine, id: PdId) -> Result<()> {
        let pd = self.pds.get(id)?;
        let (task, parent, limit) = (pd.task, pd.parent, pd.quota.limit);
        self.delete_object(m, task.index());
        self.pds.remove(id)?;
        if let Some(parent) = parent {
            self.pds.get_mut(parent)?.quota.give(limit);
        }
        Ok(())
    }
}

/// A line of a PD behind its name.
#[must_use]
pub fn prefixed(name: crate::pd::Name, text: &[u8]) -> Text {
    let mut line = Text::new();
    // Text never fails, it is cut.
    let _ = core::fmt::Write::write_fmt(&mut line, format_args!("[{name}] "));
    line.push(text);
    line
}
