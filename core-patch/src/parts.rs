//! A thread's state in the parts of the wire protocol.

use l4_sys::{CapIndex, raw};
use thaw_l4::Kernel;
use thaw_protocol::{Activity, Error, ErrorKind, THREAD_LIVE, THREADS_MAX, activity_kind, part};

use crate::{
    Engine, Host, Reply,
    set::{Entry, Phase, State},
};

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    fn entry(&mut self, index: u32) -> Result<&mut Entry, Error> {
        let none = ErrorKind::NoSuchThread.with(index, 0, 0);
        let entry = self.set.entries.get_mut(index as usize).filter(|entry| entry.info.is_some());
        debug_assert!(THREADS_MAX <= u32::MAX as usize);
        entry.ok_or(none)
    }

    /// Part `number` of thread `index`.
    pub(crate) fn get_part(&mut self, index: u32, number: u32) -> Result<Reply, Error> {
        let entry = self.entry(index)?;
        let mut reply = Reply::default();
        match number {
            part::ACTIVITY => {
                let live = entry.info.is_some_and(|info| info.started);
                reply.push(&[if live { THREAD_LIVE } else { 0 }]);
                reply.push(&entry.activity.to_words());
            }
            part::FRAME => reply.push(&entry.frame.0),
            part::VFP_LOW => {
                reply.push(&[entry.vfp.fpscr]);
                reply.push(&entry.vfp.d[..32]);
            }
            part::VFP_HIGH => reply.push(&entry.vfp.d[32..]),
            part::UTCB_0..=part::UTCB_2 => {
                let n = (number - part::UTCB_0) as usize;
                reply.push(&entry.utcb[part::UTCB_BOUNDS[n]..part::UTCB_BOUNDS[n + 1]]);
            }
            _ => return Err(ErrorKind::BadRequest.with(number, 0, 0)),
        }
        Ok(reply)
    }

    /// Stages part `number` of thread `index`; `words` are exactly as many as the part has.
    pub(crate) fn set_part(&mut self, index: u32, number: u32, words: &[u32]) -> Result<(), Error> {
        if part::words(number) != Some(words.len()) {
            return Err(ErrorKind::BadRequest.with(number, words.len() as u32, 0));
        }
        let entry = self.entry(index)?;
        match number {
            part::ACTIVITY => {
                let mut wire = [0; 8];
                wire.copy_from_slice(&words[1..9]);
                entry.activity = known_kind(index, Activity::from_words(wire))?;
                // A thread that never ran is let go of and stays as it was made.
                if words[0] & THREAD_LIVE == 0 {
                    return Err(ErrorKind::BadState.with(index, number, words[0]));
                }
            }
            part::FRAME => entry.frame.0.copy_from_slice(words),
            part::VFP_LOW => {
                entry.vfp.fpscr = words[0];
                entry.vfp.d[..32].copy_from_slice(&words[1..]);
            }
            part::VFP_HIGH => entry.vfp.d[32..].copy_from_slice(words),
            _ => {
                let n = (number - part::UTCB_0) as usize;
                entry.utcb[part::UTCB_BOUNDS[n]..part::UTCB_BOUNDS[n + 1]].copy_from_slice(words);
            }
        }
        Ok(())
    }

    /// Checks the staged state of a prepared PD before its first thread runs.
    pub(crate) fn check_staged(&self) -> Result<(), Error> {
        for (i, entry) in self.set.entries.iter().enumerate().filter(|(_, entry)| entry.phase == Phase::Held)
        {
            let bad = |word| Err(ErrorKind::BadState.with(i as u32, part::FRAME, word));
            if !entry.frame.is_user_mode() {
                return bad(entry.frame.cpsr());
            }
            if self.set.state == State::Prepared && self.leaves_the_set(entry) {
                return bad(entry.frame.reg(2));
            }
        }
        Ok(())
    }

    /// Whether a thread that makes its system call in the window reaches somebody outside: the core, or us by one of
    /// the stop gates. Nobody of the set is ever found in such a call.
    fn leaves_the_set(&self, entry: &Entry) -> bool {
        use activity_kind::{CALL_DELIVERED, PAGE_FAULT, SEND_QUEUED, USER};
        let slot = CapIndex(entry.frame.reg(2) >> raw::L4_CAP_SHIFT);
        // What a thread waits for, a semaphore say, may well be in a slot that the core fills in every PD.
        let sends = [CALL_DELIVERED, SEND_QUEUED].contains(&entry.activity.kind);
        let makes_it = ![USER, PAGE_FAULT].contains(&entry.activity.kind);
        let is_ours = (0..THREADS_MAX).any(|i| slot == self.env.stop_slot_of(i));
        makes_it && is_ours || sends && self.host.is_fixed_slot(slot)
    }
}

fn known_kind(index: u32, activity: Activity) -> Result<Activity, Error> {
    match activity.kind {
        activity_kind::USER..=activity_kind::PAGE_FAULT | activity_kind::SEMAPHORE_WAIT => Ok(activity),
        kind => Err(ErrorKind::BadState.with(index, part::ACTIVITY, kind)),
    }
}
