//! Threads that are ended while their set stands still, where the core cannot keep that from happening: their parent
//! does it. Whoever had to do with one goes on as if that had happened without a stop.

use l4_sys::{Op, Selector, raw};
use thaw_l4::Kernel;
use thaw_protocol::{Activity, Error, activity_kind};

use crate::{
    Engine, Host,
    receive::{at, step},
    set::{Phase, State, bits},
};

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Drops the threads whose capability the core has no more, and tells whether there was one. Before anybody goes on:
    /// later would be too late, as senders make their calls again. The capabilities tell, so the core is not asked.
    pub(crate) fn forget_ended(&mut self) -> Result<bool, Error> {
        if self.set.state != State::Stopped {
            return Ok(false);
        }
        let mut gone = 0;
        for i in bits(self.set.mask(Phase::Held)) {
            let Some(info) = self.set.entries[i].info else { continue };
            let slot = info.cap.index();
            if !self.env.core_task.cap_valid(self.k, slot).map_err(at(step::HOST))? {
                gone |= 1 << i;
            }
        }
        for i in bits(gone) {
            self.drop_entry(i, None);
        }
        for i in bits(self.set.mask(Phase::Held)) {
            let entry = &self.set.entries[i];
            // Who stands where it stood is in the kernel's hands.
            if entry.staged
                || entry.ended.is_some()
                || !bits(gone).any(|peer| peer as u32 == entry.activity.peer)
            {
                continue;
            }
            match entry.activity.kind {
                activity_kind::CALL_DELIVERED | activity_kind::RECEIVE => self.wait_in_vain(i),
                activity_kind::SEND_QUEUED => self.fail_to_send(i),
                _ => {}
            }
        }
        Ok(gone != 0)
    }

    /// Thread `i` waits for one that is gone: the kernel lets it do so until its timeout is over. Nobody else will
    /// answer it, so it waits for nobody.
    fn wait_in_vain(&mut self, i: usize) {
        let entry = &mut self.set.entries[i];
        let selector = Selector::nobody(Op::RECEIVE).0;
        entry.frame.set_reg(2, selector);
        let timeouts = entry.activity.timeouts;
        entry.activity =
            Activity { kind: activity_kind::RECEIVE, selector, timeouts, tag: 0, ..Activity::USER };
    }

    /// Thread `i` was in the queue of one that is gone: the kernel ends its system call with an error.
    fn fail_to_send(&mut self, i: usize) {
        let revision = self.k.revision();
        let entry = &mut self.set.entries[i];
        let thumb = revision.thumb_syscall_bytes().filter(|_| entry.frame.is_thumb());
        let bytes = thumb.unwrap_or(revision.syscall_bytes());
        entry.frame.set_pc(entry.frame.pc() + bytes);
        entry.frame.set_reg(0, raw::L4_MSGTAG_ERROR);
        entry.utcb[raw::THAW_UTCB_ERROR_WORD as usize] = raw::L4_IPC_SECANCELED;
        entry.utcb_stale = true;
        entry.activity = Activity::USER;
    }
}
