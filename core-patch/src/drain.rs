//! Taking the messages out of a stopped server's queue.
//!
//! A cancelled send forgets its tag. So the receiver takes the message, in a stub, which tells tag and
//! label; a reply of ours completes the sender's call, and its pending trigger then stops it. It is sent
//! again later, in the order in which it came out.

use l4_sys::{MsgTag, Op, RecvBuffer, Selector, Timeout, Timeouts, raw};
use thaw_l4::Kernel;
use thaw_protocol::{Error, ErrorKind, THREADS_MAX, trace::Event};

use crate::{
    Engine, Host,
    receive::{at, step},
    set::{Drained, Phase, bits},
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
            if tag.has_error() {
                // More items than buffers: the message is damaged and nobody can send it again.
                return Err(ErrorKind::UnknownOperation.with(server as u32, tag.0, got.reg(4)));
            }
            self.bounce(Drained { receiver: server, position, tag: tag.0, label: got.reg(4) })?;
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

    /// Answers the sender of a drained message; it must be the one thread that stops thereby.
    fn bounce(&mut self, drained: Drained) -> Result<(), Error> {
        let before = self.set.mask(Phase::Held);
        let reply = [(0, DRAIN_REPLY), (2, Selector::nobody(Op::REPLY).0), (3, ZERO_BOTH.0), (4, 0), (5, 0)];
        self.run_syscall(drained.receiver, &reply)?;
        if MsgTag(drained.tag).items() > 0 {
            self.empty_scratch()?;
        }
        let mut new = bits(self.set.mask(Phase::Held) & !before);
        match (new.next(), new.next()) {
            (Some(sender), None) => {
                self.set.entries[sender].drained = Some(drained);
                self.set.report.drained += 1;
                self.trace(Event::Drain.of(drained.receiver).with(drained.tag));
                Ok(())
            }
            _ => Err(ErrorKind::UnknownOperation.with(drained.receiver as u32, drained.tag, drained.label)),
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
