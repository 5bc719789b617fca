//! Taking the messages out of a stopped server's queue.
//!
//! A cancelled send forgets its tag. So the receiver takes the message, in a stub, which tells tag and
//! label. Its sender then comes out: at once if it only sends, by an answer of ours if it called, by an
//! empty message if it now waits openly. It is sent again later, in the order in which it came out.

use l4_sys::{MsgTag, Op, RecvBuffer, Selector, Timeout, Timeouts, raw};
use thaw_l4::Kernel;
use thaw_protocol::{Error, ErrorKind, THREADS_MAX, trace::Event};

use crate::{
    Engine, Host,
    receive::{at, step},
    set::{Drained, Phase, Rest, bits},
};

/// Tag of our reply to a drained call: no words, a label that no server uses by accident.
const DRAIN_REPLY: u32 = 0x600d_0000;
/// r0 of a wait that ran into its timeout: its own empty tag with the error bit.
const NOTHING: u32 = raw::L4_MSGTAG_ERROR;
const ZERO_BOTH: Timeouts = Timeouts::new(Timeout::ZERO, Timeout::ZERO);

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Empties the queue of held thread `server`.
    pub(crate) fn drain(&mut self, server: usize) -> Result<(), Error> {
        self.save_utcbs(1 << server)?;
        self.load_drain_buffers(server)?;
        for position in 0..THREADS_MAX as u32 {
            let before = self.set.mask(Phase::Held);
            let wait = [
                (0, 0),
                (2, Selector::nobody(Op::WAIT).0),
                (3, Timeouts::new(Timeout::NEVER, Timeout::ZERO).0),
                (4, 0),
                (5, 0),
            ];
            let got = self.run_syscall(server, &wait)?;
            let tag = MsgTag(got.reg(0));
            if tag.0 == NOTHING {
                return Ok(());
            }
            let drained =
                Drained { receiver: server, position, tag: tag.without_error().0, label: got.reg(4) };
            self.bring_out(drained, before, tag.has_error())?;
        }
        Err(ErrorKind::TooMany.with(THREADS_MAX as u32, 0, 0))
    }

    /// The server's UTCB with two buffers for capabilities on slots of ours.
    fn load_drain_buffers(&mut self, server: usize) -> Result<(), Error> {
        let mut image = self.set.entries[server].utcb;
        image[raw::THAW_UTCB_BDR_WORD as usize] = 0;
        let first = raw::THAW_UTCB_BR_WORD as usize;
        for n in 0..2 {
            image[first + n] = RecvBuffer::capability(self.env.scratch_slots.plus(n as u32)).0;
        }
        image[first + 2] = 0;
        self.load_other_utcb(server, &image)
    }

    /// Brings out the sender of a drained message; `before` are those who stood still already. Of a message
    /// with more items than we have buffers `failed` says that the sender got an error.
    fn bring_out(&mut self, drained: Drained, before: u64, failed: bool) -> Result<(), Error> {
        if MsgTag(drained.tag).items() > 0 {
            self.empty_scratch()?;
            self.refill_slots()?;
        }
        let mut sender = self.only_sender(before, failed);
        if sender.is_none() {
            let reply =
                [(0, DRAIN_REPLY), (2, Selector::nobody(Op::REPLY).0), (3, ZERO_BOTH.0), (4, 0), (5, 0)];
            self.run_syscall(drained.receiver, &reply)?;
            sender = self.only_sender(before, failed);
        }
        if sender.is_none() {
            // Sent, and now waiting openly like perhaps others.
            self.probe_waits(self.set.mask(Phase::Triggered))?;
            sender = self.only_sender(before, failed);
        }
        let lost = ErrorKind::UnknownOperation.with(drained.receiver as u32, drained.tag, drained.label);
        let sender = sender.ok_or(lost)?;
        self.set.entries[sender].rest = Rest::Drained(drained);
        self.set.report.drained += 1;
        self.trace(Event::Drain.of(drained.receiver).with(drained.tag));
        Ok(())
    }

    /// Of those who have come to rest, the one that sent something. Others may have come to rest because their
    /// timeout expired, or because they were probed.
    fn only_sender(&self, before: u64, failed: bool) -> Option<usize> {
        let sends = |i: &usize| {
            let entry = &self.set.entries[*i];
            let op = Selector(entry.frame.reg(2)).op();
            let waits_now = entry.rest == Rest::Probed && op != Op::SEND_AND_WAIT;
            op.sends() && !waits_now && MsgTag(entry.frame.reg(0)).has_error() == failed
        };
        let mut new = bits(self.set.mask(Phase::Held) & !before).filter(sends);
        match (new.next(), new.next()) {
            (Some(sender), None) => Some(sender),
            _ => None,
        }
    }

    fn empty_scratch(&mut self) -> Result<(), Error> {
        let Some(pd) = self.set.pd else { return Ok(()) };
        for n in 0..2 {
            pd.task.unmap_cap(self.k, self.env.scratch_slots.plus(n)).map_err(at(step::SLOT))?;
        }
        Ok(())
    }
}
