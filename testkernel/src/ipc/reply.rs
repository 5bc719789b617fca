//! Reply links: whom a receiver may answer.
//!
//! A link is remembered at both ends: the receiver's slot names the caller, the caller names the
//! slot. Revision G has one slot per thread and only the receiver's end.

use super::Receive;
use crate::{
    ipc::Sender,
    kernel::Kernel,
    mem::{
        frames::Frame,
        table::{REPLY_FRAMES, ROOT_REPLY},
    },
    object::{TaskId, ThreadId},
    pure::tag::Selector,
};

/// A place for a reply link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// The receiver's own.
    Implicit,
    /// The implicit slot of this receiver, seen from a caller.
    Of(ThreadId),
    /// A slot of a task (revision M).
    Explicit(TaskId, u32),
}

/// Reply slots in a frame: caller and rights.
const PER_FRAME: u32 = 512;

impl Kernel {
    fn reply_frame(&self, task: TaskId, index: u32) -> Option<(Frame, u32)> {
        let root = self.tasks.get(task)?.tables.root;
        let frame = Frame::from_word(self.frames.get(root, ROOT_REPLY + index / PER_FRAME))?;
        Some((frame, index % PER_FRAME * 2))
    }

    /// Makes an explicit slot usable. `false`: there is no such slot.
    pub fn reply_slot_prepare(&mut self, task: TaskId, index: u32) -> bool {
        if index >= REPLY_FRAMES * PER_FRAME {
            return false;
        }
        if self.reply_frame(task, index).is_some() {
            return true;
        }
        let Some(frame) = self.frames.alloc() else { return false };
        let root = self.tasks[task].tables.root;
        self.frames.set(root, ROOT_REPLY + index / PER_FRAME, frame.word());
        true
    }

    fn slot_get(&self, slot: Slot) -> Option<(ThreadId, u8)> {
        match slot {
            Slot::Implicit => None,
            Slot::Of(thread) => self.threads.get(thread)?.reply,
            Slot::Explicit(task, index) => {
                if index >= REPLY_FRAMES * PER_FRAME {
                    return None;
                }
                let (frame, at) = self.reply_frame(task, index)?;
                let word = self.frames.get(frame, at);
                (word != 0).then(|| (ThreadId::from_word(word), self.frames.get(frame, at + 1) as u8))
            }
        }
    }

    fn slot_set(&mut self, slot: Slot, value: Option<(ThreadId, u8)>) {
        match slot {
            Slot::Implicit => {}
            Slot::Of(thread) => {
                if let Some(t) = self.threads.get_mut(thread) {
                    t.reply = value;
                }
            }
            Slot::Explicit(task, index) => {
                if let Some((frame, at)) = self.reply_frame(task, index) {
                    self.frames.set(frame, at, value.map_or(0, |v| v.0.word()));
                    self.frames.set(frame, at + 1, value.map_or(0, |v| u32::from(v.1)));
                }
            }
        }
    }

    /// Empties a slot and returns what it held.
    pub fn reply_take(&mut self, slot: Slot) -> Option<(ThreadId, u8)> {
        let link = self.slot_get(slot)?;
        self.slot_set(slot, None);
        if let Some(caller) = self.threads.get_mut(link.0)
            && caller.remembered_in == Some(slot)
        {
            caller.remembered_in = None;
        }
        Some(link)
    }

    /// The slot a reply of `thread` uses.
    #[must_use]
    pub fn reply_slot_of(&self, thread: ThreadId, selector: Selector) -> Slot {
        match self.threads[thread].task {
            Some(task) if self.q.reply_slots && selector.explicit_reply() => {
                Slot::Explicit(task, selector.index())
            }
            _ => Slot::Of(thread),
        }
    }

    /// `caller`'s call has reached `receiver`.
    pub fn reply_link(&mut self, receiver: ThreadId, caller: ThreadId, rights: u8) {
        let slot = match self.threads[receiver].reply_slot {
            Slot::Implicit => Slot::Of(receiver),
            slot => slot,
        };
        if self.reply_take(slot).is_some() && self.q.reply_slots {
            let who = 0xf180_0000 + (receiver.index() << 12);
            crate::warning!("{who:#x}: Application bug: reply capability overwritten!");
        }
        self.slot_set(slot, Some((caller, rights)));
        self.threads[caller].remembered_in = Some(slot);
    }

    /// `caller` no longer waits for an answer.
    pub fn reply_unlink(&mut self, caller: ThreadId) {
        let Some(slot) = self.threads[caller].remembered_in.take() else { return };
        if self.slot_get(slot).is_some_and(|link| link.0 == caller) {
            self.slot_set(slot, None);
        }
    }

    /// `sender` is about to send to `partner` directly; if that is its caller, the link goes.
    pub fn reply_bypassed(&mut self, sender: ThreadId, partner: ThreadId) {
        if self.q.reply_slots && self.threads[partner].partner == Some(Sender::Thread(sender)) {
            self.reply_unlink(partner);
        }
    }

    /// Whether a message of `sender`, just delivered, makes a link.
    #[must_use]
    pub fn makes_link(&self, sender: ThreadId, receiver: ThreadId) -> bool {
        let open = self.threads[receiver].op.receive == Receive::Open || !self.q.reply_slots;
        open && self.threads[sender].partner == Some(Sender::Thread(receiver))
    }

    /// Frees the tables of a task's reply slots.
    pub fn free_reply_slots(&mut self, root: Frame) {
        for at in ROOT_REPLY..ROOT_REPLY + REPLY_FRAMES {
            if let Some(frame) = Frame::from_word(self.frames.get(root, at)) {
                self.frames.free(frame);
            }
        }
    }
}
