//! Delivering one message.

use super::{Kind, Receive, Sender};
use crate::{
    kernel::Kernel,
    object::ThreadId,
    pure::{rights::CAP_S, tag::Tag},
    thread::{Phase, USER_PSR},
};
use l4_sys::raw as abi;

/// Kernel pc and status that the exception of a dying thread shows, as observed on the real ones.
const DYING_PC: u32 = 0xf000_1d1e & !3;
const DYING_PSR: u32 = 0x1d3;

impl Kernel {
    /// Delivers `sender`'s message; `false` if items could not be transferred.
    pub fn deliver(&mut self, sender: ThreadId, receiver: ThreadId) -> bool {
        let (tag, label, rights) = {
            let op = &self.threads[sender].op;
            (op.tag, op.label, op.rights)
        };
        let from_frame = matches!(self.threads[sender].op.kind, Kind::Exception(_));
        let to_frame = matches!(self.threads[receiver].op.kind, Kind::Exception(_));
        let ok = match (from_frame, to_frame) {
            (true, _) => self.frame_to_message(sender, receiver, rights),
            (false, true) => self.message_to_frame(tag, sender, receiver, rights),
            (false, false) => self.message_to_message(tag, sender, receiver, rights),
        };
        self.set_result(receiver, tag.set_error(!ok));
        self.set_result_label(receiver, label);
        if ok && self.makes_link(sender, receiver) {
            self.reply_link(receiver, sender, rights);
        }
        ok
    }

    fn accepts_vfp(&self, thread: ThreadId) -> bool {
        self.utcb(thread, abi::THAW_UTCB_BDR_WORD) & abi::L4_UTCB_INHERIT_FPU != 0
    }

    fn message_to_message(&mut self, tag: Tag, sender: ThreadId, receiver: ThreadId, rights: u8) -> bool {
        for i in 0..tag.words().min(abi::L4_UTCB_GENERIC_DATA_SIZE) {
            let word = self.utcb(sender, i);
            self.set_utcb(receiver, i, word);
        }
        if tag.items() > 0 && !self.transfer_items(tag, sender, receiver, rights) {
            return false;
        }
        if tag.transfers_vfp() && self.accepts_vfp(receiver) && rights & CAP_S != 0 {
            self.vfp_move(sender, receiver);
        }
        true
    }

    /// An exception: the frame of the faulting thread becomes the message.
    fn frame_to_message(&mut self, sender: ThreadId, receiver: ThreadId, rights: u8) -> bool {
        let t = &self.threads[sender];
        let mut words = [0; 21];
        words[0] = t.fault.addr;
        words[1] = t.fault.err;
        words[2..15].copy_from_slice(&t.regs.r);
        words[15] = t.regs.sp;
        words[16] = t.regs.lr;
        words[17] = t.kernel_lr;
        (words[18], words[19]) = if t.flags.dying { (DYING_PC, DYING_PSR) } else { (t.regs.pc, t.regs.psr) };
        words[20] = t.tpidruro;
        for (i, word) in words.into_iter().enumerate() {
            self.set_utcb(receiver, i as u32, word);
        }
        if self.accepts_vfp(receiver) && rights & CAP_S != 0 {
            self.vfp_move(sender, receiver);
        }
        true
    }

    /// The answer to an exception: the message becomes the frame, unless it is too short.
    fn message_to_frame(&mut self, tag: Tag, sender: ThreadId, receiver: ThreadId, rights: u8) -> bool {
        if tag.words() < self.q.exception_words {
            return true;
        }
        let word = |i| self.utcb(sender, i);
        let mut r = [0; 13];
        for (i, r) in r.iter_mut().enumerate() {
            *r = word(abi::THAW_EXC_R0 + i as u32);
        }
        let (sp, lr, pc, psr, tls) = (
            word(abi::THAW_EXC_SP),
            word(abi::THAW_EXC_LR),
            word(abi::THAW_EXC_PC),
            word(abi::THAW_EXC_CPSR),
            word(abi::THAW_EXC_TPIDRURO),
        );
        let t = &mut self.threads[receiver];
        (t.regs.r, t.regs.sp, t.regs.lr, t.regs.pc, t.tpidruro) = (r, sp, lr, pc, tls);
        t.set_psr(psr);
        debug_assert!(t.regs.psr & USER_PSR == USER_PSR);
        if tag.transfers_vfp() && rights & CAP_S != 0 {
            self.vfp_move(sender, receiver);
        }
        tag.items() == 0 || self.transfer_items(tag, sender, receiver, rights)
    }

    /// Whether `receiver` would take a message of `sender` right now.
    #[must_use]
    pub fn would_take(&self, receiver: ThreadId, sender: Sender) -> bool {
        let r = &self.threads[receiver];
        if r.phase != Phase::Waiting {
            return false;
        }
        match r.partner {
            Some(partner) => partner == sender,
            None => r.senders.is_none() || r.senders == Some(sender),
        }
    }

    /// The queued sender that a receiver would serve now.
    pub fn next_sender(&mut self, receiver: ThreadId) -> Option<Sender> {
        let r = &self.threads[receiver];
        match r.op.receive {
            Receive::No => None,
            Receive::Only(sender) => {
                (self.queued_at(sender) == Some(super::Queue::Thread(receiver))).then_some(sender)
            }
            Receive::Open => {
                let next = r.senders?;
                self.threads[receiver].partner = Some(next);
                Some(next)
            }
        }
    }
}
