//! Receiving: the barrier, exceptions, and commands.
//!
//! The barrier thread has the lowest priority of the set and sits in a call to our gate. Let go, it is
//! back in the next call only when nothing above it was ready any more. No window of time is guessed.

use l4_sys::{Frame, MsgTag, Op, Revision, Selector, Timeout, Timeouts, raw};
use thaw_l4::{
    Cap, Error as KernelError, Kernel, Thread,
    ipc::{check, set_buffers},
};
pub(crate) use thaw_protocol::step;
use thaw_protocol::{Error, ErrorKind, THREADS_MAX, trace::Event as Step};

use crate::{Engine, Env, Host, set::Phase};

/// Makes a kernel's refusal an error of the service.
pub(crate) fn at(step: u32) -> impl Fn(KernelError) -> Error {
    move |e| ErrorKind::Kernel.with(e.number(), step, 0)
}

/// What the handler received.
enum Event {
    Barrier,
    Command,
    Timeout,
    /// An exception was put into the books, or something of no interest was dropped.
    Other,
}

const ZERO_BOTH: Timeouts = Timeouts::new(Timeout::ZERO, Timeout::ZERO);

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Lets the barrier thread go and takes exceptions until it is back. `Ok(false)`: it did not come
    /// back within `us` microseconds, something of the set or above is still ready.
    pub(crate) fn pass_barrier(&mut self, us: u32) -> Result<bool, Error> {
        self.set.report.barriers += 1;
        // A call that it made before we let it go proves nothing about now.
        if !self.set.barrier_waits && !self.barrier_arrives(us)? {
            return Ok(false);
        }
        let tag = MsgTag::new(0, 0, 0, raw::L4_MSGTAG_SCHEDULE);
        self.answer(self.env.barrier, self.set.barrier_reply, tag).map_err(at(step::BARRIER))?;
        self.set.barrier_reply = None;
        self.set.barrier_waits = false;
        self.barrier_arrives(us)
    }

    fn barrier_arrives(&mut self, us: u32) -> Result<bool, Error> {
        loop {
            let passed = match self.receive(Timeout::from_us(us))? {
                Event::Barrier => true,
                Event::Timeout => false,
                // The front thread waits for its answer, so a command now is forged or stray.
                Event::Command | Event::Other => continue,
            };
            self.trace(Step::Barrier.of_all().with(passed.into()));
            return Ok(passed);
        }
    }

    /// Waits for the next command.
    pub fn wait_command(&mut self) {
        // An error of the receive itself (a cancelled wait) leaves nothing to do but to wait again.
        while !matches!(self.receive(Timeout::NEVER), Ok(Event::Command)) {}
    }

    fn receive(&mut self, timeout: Timeout) -> Result<Event, Error> {
        set_buffers(self.k, &[], true);
        let timeouts = Timeouts::new(Timeout::NEVER, timeout);
        let slot = (!self.set.replies).trailing_zeros().min(Env::REPLY_SLOTS - 1);
        let answer = self.k.ipc(self.wait_selector(slot), MsgTag::default(), timeouts, 0);
        if answer.tag.has_error() {
            return match check(self.k, answer.tag) {
                Err(e) if e.is_timeout() => Ok(Event::Timeout),
                Err(e) => Err(at(step::RECEIVE)(e)),
                Ok(_) => Ok(Event::Other),
            };
        }
        Ok(self.sort(answer.tag, answer.label & !3, slot))
    }

    fn wait_selector(&self, slot: u32) -> Selector {
        match self.k.revision() {
            Revision::G => Selector::nobody(Op::WAIT),
            Revision::M => self.reply_selector(slot, Op::WAIT),
        }
    }

    fn reply_selector(&self, slot: u32, op: Op) -> Selector {
        Selector(self.env.reply_slots.plus(slot).word() | raw::THAW_EXPLICIT_REPLY_BIT | op.0)
    }

    /// Keeps a reply slot until its message is answered; on G there is none.
    fn keep_reply(&mut self, slot: u32) -> Option<u32> {
        if self.k.revision() == Revision::G {
            return None;
        }
        self.set.replies |= 1 << slot;
        Some(slot)
    }

    /// Answers a thread that waits for us: by its reply slot, or on G, where only the last one could be
    /// answered implicitly, by sending to the thread itself.
    ///
    /// It waits for nobody else, so what fails is tried again: a message taken out of a queue, say, must not
    /// be lost because the barrier could not be let go.
    fn answer(&mut self, thread: Cap<Thread>, reply: Option<u32>, tag: MsgTag) -> Result<(), KernelError> {
        let to = match reply {
            Some(slot) => self.reply_selector(slot, Op::REPLY),
            None => thread.select(Op::SEND),
        };
        let send = || check(self.k, self.k.ipc(to, tag, ZERO_BOTH, 0).tag);
        send().or_else(|_| send())?;
        if let Some(slot) = reply {
            self.set.replies &= !(1 << slot);
        }
        Ok(())
    }

    fn sort(&mut self, tag: MsgTag, label: u32, slot: u32) -> Event {
        match label {
            Env::BARRIER_LABEL => {
                self.set.barrier_reply = self.keep_reply(slot);
                self.set.barrier_waits = true;
                Event::Barrier
            }
            Env::COMMAND_LABEL => Event::Command,
            _ if label >= Env::IRQ_LABEL => {
                self.irq_arrived(label);
                Event::Other
            }
            _ => {
                self.exception_arrived(tag, label, slot);
                Event::Other
            }
        }
    }

    fn exception_arrived(&mut self, tag: MsgTag, label: u32, slot: u32) {
        let index = (label.wrapping_sub(Env::STOP_LABEL) / 16) as usize;
        let whole =
            tag.label() == raw::L4_PROTO_EXCEPTION && tag.words() >= self.k.revision().exception_words();
        if index >= THREADS_MAX || !whole {
            return;
        }
        let mut frame = Frame::ZERO;
        for (i, word) in frame.0.iter_mut().enumerate().take(self.k.revision().exception_words() as usize) {
            *word = self.k.mr(i);
        }
        // The kernel's own; what it holds depends on where the thread came from.
        frame.0[raw::THAW_EXC_KERNEL_LR as usize] = 0;
        // A thread that is being deleted may deliver one last exception with the kernel's pc.
        if !frame.is_user_mode() {
            return;
        }
        // Not one that we asked for: the thread called our gate itself and waits for ever, by its own doing.
        // Nor did a thread that waits in its exception already raise another one.
        let entry = &self.set.entries[index];
        if entry.phase == Phase::Free || entry.reply.is_some() {
            return;
        }
        self.trace(Step::Exception.of(index).with(frame.pc()));
        self.set.entries[index].reply = self.keep_reply(slot);
        self.take(index, frame);
    }

    fn take(&mut self, index: usize, frame: Frame) {
        let entry = &mut self.set.entries[index];
        entry.last = frame;
        match entry.phase {
            Phase::Triggered => {
                self.k.vfp_save(&mut entry.vfp);
                entry.frame = frame;
                entry.phase = Phase::Held;
            }
            // The end of a stub: the state of the thread itself stays in `frame` and `vfp`.
            Phase::Held => {}
            Phase::Free => {}
        }
    }

    /// Forgets an exception that thread `i` did not raise; who sent it waits for ever.
    pub(crate) fn drop_exception(&mut self, i: usize) {
        let entry = &mut self.set.entries[i];
        entry.phase = Phase::Triggered;
        if let Some(slot) = entry.reply.take() {
            self.set.replies &= !(1 << slot);
        }
    }

    /// Waits at most `us` microseconds for something to happen.
    pub(crate) fn wait_for_event(&mut self, us: u32) -> Result<(), Error> {
        self.receive(Timeout::from_us(us)).map(|_| ())
    }

    /// Takes what has arrived by now, without waiting.
    pub(crate) fn poll(&mut self) -> Result<(), Error> {
        while !matches!(self.receive(Timeout::ZERO)?, Event::Timeout) {}
        Ok(())
    }

    /// Sends a frame to a held thread: all registers, and the VFP state if given.
    pub(crate) fn send_frame(&mut self, index: usize, frame: &Frame, with_vfp: bool) -> Result<(), Error> {
        let Some(info) = self.set.entries[index].info else {
            return Err(ErrorKind::NoSuchThread.with(index as u32, 0, 0));
        };
        let words = self.k.revision().exception_words();
        for i in 0..words as usize {
            self.k.set_mr(i, frame.0[i]);
        }
        let mut flags = raw::L4_MSGTAG_SCHEDULE;
        if with_vfp {
            self.k.vfp_load(&self.set.entries[index].vfp);
            flags |= raw::L4_MSGTAG_TRANSFER_FPU;
        }
        let reply = self.set.entries[index].reply;
        self.answer(info.cap, reply, MsgTag::new(0, words, 0, flags)).map_err(at(step::SEND_FRAME))?;
        self.set.entries[index].reply = None;
        Ok(())
    }
}
