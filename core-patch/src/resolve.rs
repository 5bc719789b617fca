//! Bringing out everybody who is blocked in an IPC, in an order in which nothing is lost.
//!
//! A cancelled send forgets its tag, so no IPC is aborted that could be a send to a thread of the set.
//! Whoever is in the queue of a receiver that stands still is drained out of it. Only what waits is
//! aborted; and as long as more than one receiver is silent, one of them may be in the queue of another.
//! Then those are brought out without aborting anything: callers of a server that stands still by an empty
//! answer, open waits by an empty message, waits for an IRQ by triggering it, and the rest when what they wait
//! for happens. A sleep that its code shows to be one is aborted at once.

use l4_sys::{MsgTag, Op, Revision, Selector, Timeout, Timeouts, raw};
use thaw_l4::{Cap, ExRegs, Kernel, OldExRegs, Thread, ipc::check};
use thaw_protocol::{Error, ErrorKind, trace::Event};

use crate::{
    Engine, Host, ObjectKind,
    classify::{Entry, entry_before, is_sleep},
    receive::{at, step},
    set::{Named, Phase, Rest, bits},
};

/// Rounds of cancel and barrier before a thread is given up.
const ROUNDS: u32 = 4;
/// How often, and how long, silent receivers are given time to come out by themselves.
const PATIENCE: (u32, u32) = (12, 1000);
/// Tag of our answer to a caller whose server stands still: no words.
pub(crate) const ANSWER: u32 = 0x600e_0000;
/// Tag of our message to an open wait: no words.
pub(crate) const PROBE: u32 = 0x600f_0000;
const ZERO_BOTH: Timeouts = Timeouts::new(Timeout::ZERO, Timeout::ZERO);

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Brings all silent threads to rest.
    pub(crate) fn resolve(&mut self) -> Result<(), Error> {
        self.check_syscalls()?;
        self.capture_semaphores()?;
        let receivers = self.receivers();
        // Whoever sleeps is in nobody's queue.
        self.cancel(self.sleepers())?;
        if receivers != 0 {
            // Before a queue is emptied: its sender may go on to an open wait, and is known by being the only one there.
            self.probe_waits(self.set.mask(Phase::Triggered))?;
        }
        loop {
            if self.empty_queues(receivers)? {
                continue;
            }
            let silent = receivers & self.set.mask(Phase::Triggered);
            match silent.count_ones() {
                0 => break,
                // Nobody of the set is left whose queue it could be in.
                1 => self.cancel(silent)?,
                _ => self.coax(silent)?,
            }
        }
        self.cancel(self.set.mask(Phase::Triggered))
    }

    /// Started threads that a message of the set can be queued at.
    fn receivers(&self) -> u64 {
        let bound = self.set.objects.iter().filter_map(|object| match object.kind {
            ObjectKind::Gate(_) | ObjectKind::Thread => object.thread,
            ObjectKind::Irq(_) | ObjectKind::Semaphore(_) => None,
        });
        let named = self.set.slots.iter().filter_map(|filled| match filled.named {
            Named::Thread(i) => Some(i),
            Named::Object(_) | Named::Other => None,
        });
        let bound = bound.chain(named).fold(0, |mask: u64, i| mask | 1 << i);
        self.set.live().filter(|i| bound & (1 << i) != 0).fold(0, |mask, i| mask | 1 << i)
    }

    /// Empties the queues of the receivers that stand still; whether there was one to empty.
    fn empty_queues(&mut self, receivers: u64) -> Result<bool, Error> {
        let full = |engine: &Self| {
            let held = bits(receivers & engine.set.mask(Phase::Held));
            held.filter(|i| !engine.set.entries[*i].emptied).fold(0, |mask, i| mask | 1 << i)
        };
        let now = full(self);
        for receiver in bits(now) {
            // Draining makes the receiver forget whom it owes an answer; of several callers one holds the link.
            if self.set.mask(Phase::Triggered) != 0 {
                self.answer_caller(receiver)?;
            }
            self.drain(receiver)?;
            self.set.entries[receiver].emptied = true;
        }
        Ok(now != 0)
    }

    /// Makes a held server give an empty answer to whom it owes one, if anybody.
    fn answer_caller(&mut self, server: usize) -> Result<(), Error> {
        let before = self.set.mask(Phase::Held);
        self.save_utcbs(1 << server)?;
        let reply = [(0, ANSWER), (2, Selector::nobody(Op::REPLY).0), (3, ZERO_BOTH.0), (4, 0), (5, 0)];
        self.set.entries[server].utcb_stale = true;
        self.set.entries[server].answered = true;
        self.run_syscall(server, &reply)?;
        self.trace(Event::Answer.of(server));
        for caller in bits(self.set.mask(Phase::Held) & !before) {
            // Another one may have come out because its timeout expired.
            let entry = &mut self.set.entries[caller];
            if entry.frame.reg(0) == ANSWER {
                // On G the link to a caller that the server answered by its capability, not by a reply, is still
                // there: such a caller has gone on to a wait by now.
                let calls = Selector(entry.frame.reg(2)).op() == Op::CALL;
                entry.rest = if calls { Rest::Answered(server) } else { Rest::Probed };
            }
        }
        Ok(())
    }

    /// Several receivers are silent: brings out at least one, without aborting anything.
    fn coax(&mut self, silent: u64) -> Result<(), Error> {
        if self.probe_waits(silent)? != 0 || self.probe_irqs(silent)? {
            return Ok(());
        }
        for _ in 0..PATIENCE.0 {
            if silent & self.set.mask(Phase::Held) != 0 {
                return Ok(());
            }
            let before = self.set.mask(Phase::Held);
            self.wait_for_event(PATIENCE.1)?;
            self.disbelieve(before)?;
        }
        let one = silent.trailing_zeros();
        Err(ErrorKind::Undecided.with(one, silent.count_ones(), 0))
    }

    /// While an event is waited for others run, and one of them may have kept a stop gate from a stop of its own: who
    /// came to rest since and is in no exception has not.
    fn disbelieve(&mut self, before: u64) -> Result<(), Error> {
        for i in bits(self.set.mask(Phase::Held) & !before) {
            let Some(info) = self.set.entries[i].info else { continue };
            let old = info.cap.ex_regs(self.k, ExRegs::default()).map_err(at(step::EX_REGS))?;
            if !self.waits_in_exception(info.cap, old)? {
                self.drop_exception(i);
            }
        }
        Ok(())
    }

    /// Sends an empty message to those who wait openly; nobody else takes it. Returns who came out.
    pub(crate) fn probe_waits(&mut self, mask: u64) -> Result<u64, Error> {
        let before = self.set.mask(Phase::Held);
        let mut out = 0;
        for i in bits(mask & self.set.mask(Phase::Triggered)) {
            let Some(info) = self.set.entries[i].info else { continue };
            let tag = MsgTag(PROBE | raw::L4_MSGTAG_SCHEDULE);
            let send = || self.k.ipc(info.cap.select(Op::SEND), tag, ZERO_BOTH, 0).tag;
            let mut sent = send();
            if sent.has_error() && check(self.k, sent).is_err_and(|e| !e.is_timeout()) {
                // The thread is there: whatever it was has passed.
                sent = send();
            }
            self.trace(Event::Probe.of(i).with(u32::from(!sent.has_error())));
            // A send returns its own tag; only the error bit says anything.
            if !sent.has_error() {
                out |= 1 << i;
            } else if let Err(e) = check(self.k, sent)
                && !e.is_timeout()
            {
                return Err(at(step::PROBE)(e));
            }
        }
        if out != 0 {
            self.quiesce()?;
        }
        for i in bits(out & self.set.mask(Phase::Held) & !before) {
            self.set.entries[i].rest = Rest::Probed;
        }
        Ok(out)
    }

    /// Aborts the IPC of the threads in `mask`. An aborted send may swallow the cancel and go on to its
    /// receive phase, hence the rounds.
    pub(crate) fn cancel(&mut self, mask: u64) -> Result<(), Error> {
        for _ in 0..ROUNDS {
            let silent = mask & self.set.mask(Phase::Triggered);
            if silent == 0 {
                return Ok(());
            }
            for i in bits(silent) {
                if self.set.entries[i].rest != Rest::Cancelled {
                    self.set.report.cancelled += 1;
                }
                self.set.entries[i].rest = Rest::Cancelled;
                // A client that is out and its server that is not could not be put back.
                self.ex_regs_surely(i, ExRegs::CANCEL_TRIGGER)?;
                self.trace(Event::Cancel.of(i));
            }
            self.quiesce()?;
        }
        match bits(mask & self.set.mask(Phase::Triggered)).next() {
            Some(i) => Err(ErrorKind::ThreadDidNotStop.with(i as u32, 0, 0)),
            None => Ok(()),
        }
    }

    /// Silent threads whose system call can only be a sleep.
    fn sleepers(&self) -> u64 {
        let silent = bits(self.set.mask(Phase::Triggered));
        silent.filter(|i| self.set.entries[*i].sleeps).fold(0, |mask, i| mask | 1 << i)
    }

    /// Refuses threads whose system call could not be repeated, before any is aborted.
    fn check_syscalls(&mut self) -> Result<(), Error> {
        let pd = self.pd()?;
        for i in bits(self.set.mask(Phase::Triggered)) {
            let Some(info) = self.set.entries[i].info else { continue };
            let old = info.cap.ex_regs(self.k, ExRegs::default()).map_err(at(step::EX_REGS))?;
            let last = old.ip.wrapping_sub(4);
            let mut before = |n: u32| self.host.peek(pd, last.wrapping_sub(4 * n));
            let revision = self.k.revision();
            // M's system call is one instruction.
            let first = if revision == Revision::G { before(2) } else { None };
            let words = [before(1), before(0)];
            self.set.entries[i].sleeps = is_sleep(revision, [first, words[0], words[1]]);
            if entry_before(revision, words) == Entry::Unknown {
                return Err(ErrorKind::UnknownSyscall.with(i as u32, old.ip, words[1].unwrap_or(0)));
            }
            if self.waits_in_exception(info.cap, old)? {
                return Err(ErrorKind::InException.with(i as u32, old.ip, 0));
            }
        }
        Ok(())
    }

    /// Whether a silent thread waits for the answer to an exception of its own: then its registers cannot be
    /// changed, not even its stack pointer for a moment.
    fn waits_in_exception(&self, thread: Cap<Thread>, old: OldExRegs) -> Result<bool, Error> {
        let change = |sp| thread.ex_regs(self.k, ExRegs { sp: Some(sp), ..ExRegs::default() });
        change(old.sp ^ 8).map_err(at(step::EX_REGS))?;
        // It must not keep the other one: what fails is tried again.
        let moved = change(old.sp).or_else(|_| change(old.sp)).map_err(at(step::EX_REGS))?.sp;
        Ok(moved == old.sp)
    }
}
