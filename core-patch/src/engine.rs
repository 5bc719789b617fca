//! The verbs of the service.

use l4_sys::{CapIndex, MsgTag, raw};
use thaw_l4::Kernel;
use thaw_protocol::{Error, ErrorKind, verb};

use crate::{
    Env, Host, PdInfo, Set,
    semaphore::COUNT_MAX,
    set::{Phase, State},
};

/// A request as the front thread received it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Label of the caller's session gate, without rights bits.
    pub client: u32,
    /// Untyped words.
    pub words: &'a [u32],
    /// Label of the gate that was passed, if it is one of the core's.
    pub label: Option<u32>,
    /// Slot of the core in which a passed capability arrived.
    pub cap: Option<CapIndex>,
}

/// Words of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    words: heapless::Vec<u32, { raw::L4_UTCB_GENERIC_DATA_SIZE as usize }>,
}

impl Reply {
    /// Appends words; what does not fit into a message is a mistake of this crate.
    pub(crate) fn push(&mut self, words: &[u32]) {
        let fits = self.words.extend_from_slice(words).is_ok();
        debug_assert!(fits, "a reply has at most 63 words");
    }

    /// The words.
    #[must_use]
    pub fn words(&self) -> &[u32] {
        &self.words
    }

    fn of(words: &[u32]) -> Self {
        let mut reply = Self::default();
        reply.push(words);
        reply
    }
}

/// The service: one PD at a time.
pub struct Engine<'a, K: Kernel, H: Host> {
    pub(crate) k: &'a K,
    pub(crate) host: H,
    pub(crate) env: Env,
    pub(crate) set: &'a mut Set,
}

impl<'a, K: Kernel, H: Host> Engine<'a, K, H> {
    /// Makes the service; the calling thread is `host.env().handler`.
    pub fn new(k: &'a K, host: H, set: &'a mut Set) -> Self {
        let env = host.env();
        Self { k, host, env, set }
    }

    /// The PD of the session.
    pub(crate) fn pd(&self) -> Result<PdInfo, Error> {
        self.set.pd.ok_or(ErrorKind::NoSuchSession.with(self.set.session, 0, 0))
    }

    /// Serves one request; the tag and the words of the reply.
    pub fn serve(&mut self, request: &Request<'_>) -> (MsgTag, Reply) {
        let verb = request.words.first().copied().unwrap_or(0);
        let answer = match verb {
            // The trace itself is not traced: reading it would overwrite it.
            verb::TRACE | verb::TRACE_GET | verb::ABILITIES => self.dispatch_any(request),
            _ => {
                self.trace_begin(request.client, verb);
                let answer = self.dispatch(request);
                self.trace_end(&answer);
                answer
            }
        };
        match answer {
            Ok(reply) => (MsgTag::new(0, reply.words.len() as u32, 0, 0), reply),
            Err(e) => (MsgTag::new(-(e.kind.number() as i32), 3, 0, 0), Reply::of(&e.operands)),
        }
    }

    /// Verbs that need no session.
    fn dispatch_any(&mut self, request: &Request<'_>) -> Result<Reply, Error> {
        let argument = request.words.get(1).copied();
        match (request.words.first().copied(), argument) {
            (Some(verb::TRACE), Some(on @ 0..=1)) => {
                self.trace_switch(request.client, on == 1);
                Ok(Reply::default())
            }
            (Some(verb::TRACE_GET), Some(from)) => self.trace_get(request.client, from),
            (Some(verb::ABILITIES), _) => Ok(self.abilities()),
            (number, _) => Err(ErrorKind::BadRequest.with(number.unwrap_or(0), argument.unwrap_or(0), 0)),
        }
    }

    fn dispatch(&mut self, request: &Request<'_>) -> Result<Reply, Error> {
        let word = |i: usize| request.words.get(i).copied().ok_or(ErrorKind::BadRequest.with(0, i as u32, 0));
        let number = word(0)?;
        if number == verb::OPEN {
            return self.open(request);
        }
        self.check_session(request.client, word(1)?)?;
        if self.forget_if_gone(number) {
            let done = matches!(number, verb::CLOSE | verb::ABANDON);
            return if done {
                Ok(Reply::default())
            } else {
                Err(ErrorKind::NoSuchSession.with(word(1)?, 0, 0))
            };
        }
        match number {
            verb::CLOSE => self.close().map(|()| Reply::default()),
            verb::ABANDON => {
                self.need_held()?;
                if let Some(pd) = self.set.pd {
                    self.host.abandoned(pd);
                }
                self.give_up();
                Ok(Reply::default())
            }
            verb::STOP if self.set.state == State::Prepared => {
                self.stop_again().map(|report| Reply::of(&report.to_words()))
            }
            verb::STOP => {
                self.need(State::Open)?;
                Ok(Reply::of(&self.stop()?.to_words()))
            }
            verb::PREPARE => {
                self.need(State::Open)?;
                let mask = u64::from(word(2)?) | u64::from(word(3)?) << 32;
                self.prepare(mask).map(|()| Reply::default())
            }
            verb::THREAD_GET => {
                self.need_snapshot()?;
                self.get_part(word(2)?, word(3)?)
            }
            verb::THREAD_SET => {
                self.need(State::Prepared)?;
                self.set_part(word(2)?, word(3)?, &request.words[4..]).map(|()| Reply::default())
            }
            verb::COMMIT => self.commit().map(|()| Reply::default()),
            verb::IRQ_GET => {
                self.need_snapshot()?;
                self.irq_get(word(2)?)
            }
            verb::IRQ_SET => {
                self.need(State::Prepared)?;
                self.irq_set(word(2)?, word(3)?).map(|()| Reply::default())
            }
            verb::SLOT_PROBE => self.probe_any_time(word(2)?),
            verb::SLOT_INSTALL => {
                self.need(State::Prepared)?;
                let held = request.cap.ok_or(ErrorKind::BadRequest.with(number, 0, 0))?;
                self.install(word(2)?, word(3)?, held).map(|()| Reply::default())
            }
            _ => Err(ErrorKind::BadRequest.with(number, 0, 0)),
        }
    }

    fn open(&mut self, request: &Request<'_>) -> Result<Reply, Error> {
        if self.set.state != State::Closed {
            return Err(ErrorKind::NoFreeSession.with(1, 0, 0));
        }
        let label = request.label.ok_or(ErrorKind::NotYourPd)?;
        let pd = self.host.pd(request.client, label).ok_or(ErrorKind::NotYourPd)?;
        self.set.session = self.set.session.wrapping_add(1);
        self.set.owner = request.client;
        self.set.pd = Some(pd);
        self.set.state = State::Open;
        Ok(Reply::of(&[self.set.session]))
    }

    /// The client is gone: its session ends as if it had closed it.
    pub fn client_gone(&mut self, client: u32) {
        if self.set.state != State::Closed && self.set.owner == client && !self.forget_if_gone(verb::CLOSE) {
            // There is nobody to tell; a thread that could not be let go stays where it is.
            let _ = self.close();
        }
    }

    /// Ends the session of a PD that was destroyed: nothing may be done with the capabilities that the books hold.
    /// Requests that only read the books do not look.
    fn forget_if_gone(&mut self, verb: u32) -> bool {
        let reads = matches!(verb, verb::THREAD_GET | verb::THREAD_SET | verb::IRQ_GET | verb::IRQ_SET);
        let gone = !reads && self.set.pd.is_some_and(|pd| !self.host.is_there(pd));
        if gone {
            self.forget();
        }
        gone
    }

    fn close(&mut self) -> Result<(), Error> {
        let result = if self.set.state == State::Stopped { self.commit() } else { Ok(()) };
        self.give_up();
        result
    }

    /// Ends a session; threads that are still held stay in their exceptions.
    pub(crate) fn give_up(&mut self) {
        if let (State::Stopped | State::Prepared, Some(pd)) = (self.set.state, self.set.pd) {
            self.host.thaw(pd);
        }
        self.unmap_gates();
        self.forget();
    }

    /// Ends the books of a session; the PD may be gone by now.
    fn forget(&mut self) {
        self.set.state = State::Closed;
        self.set.snapshot = false;
        self.set.window_mapped = false;
        for entry in &mut self.set.entries {
            entry.info = None;
            entry.phase = Phase::Free;
            entry.gate_mapped = false;
            // On M the reply slot of a thread that stays held is emptied by the kernel with the thread.
            if let Some(slot) = entry.reply.take() {
                self.set.replies &= !(1 << slot);
            }
        }
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.need_held()?;
        self.check_staged()?;
        let pd = self.pd()?;
        if !self.set.letting_go {
            self.forget_ended()?;
        }
        let mut result = self.continue_all();
        // If that cannot be told either, the first error is the one that is told.
        if result.is_err() && self.forget_ended().unwrap_or(false) {
            result = self.continue_all();
        }
        match result {
            Ok(()) => self.set.state = State::Open,
            // It can be tried again; until then the books must not change. Fails only if the PD is gone.
            Err(_) => drop(self.host.freeze(pd)),
        }
        result
    }

    fn probe_any_time(&mut self, first: u32) -> Result<Reply, Error> {
        if self.set.snapshot {
            return Ok(self.probe_snapshot(first));
        }
        if self.set.state == State::Open {
            self.book_threads()?;
            self.book_objects()?;
        }
        self.probe(first)
    }

    fn irq_get(&self, n: u32) -> Result<Reply, Error> {
        let irq = self.set.irqs.get(n as usize).ok_or(ErrorKind::NoSuchObject.with(n, 0, 0))?;
        Ok(Reply::of(&[irq.slot.0, irq.pending]))
    }

    fn irq_set(&mut self, slot: u32, pending: u32) -> Result<(), Error> {
        // Each is a system call of the commit, which nothing interrupts.
        if pending > COUNT_MAX {
            return Err(ErrorKind::SemaphoreTooHigh.with(slot, COUNT_MAX, 0));
        }
        let irq = self.set.irqs.iter_mut().find(|irq| irq.slot.0 == slot);
        irq.ok_or(ErrorKind::NoSuchObject.with(slot, 0, 0))?.pending = pending;
        Ok(())
    }

    fn check_session(&self, client: u32, session: u32) -> Result<(), Error> {
        let yours =
            self.set.state != State::Closed && self.set.owner == client && self.set.session == session;
        if yours { Ok(()) } else { Err(ErrorKind::NoSuchSession.with(session, 0, 0)) }
    }

    fn need(&self, state: State) -> Result<(), Error> {
        if self.set.state == state {
            Ok(())
        } else {
            Err(ErrorKind::WrongState.with(self.set.state.number(), 0, 0))
        }
    }

    /// What a stop found can be read until the next one.
    fn need_snapshot(&self) -> Result<(), Error> {
        if self.set.snapshot { Ok(()) } else { self.need_held() }
    }

    fn need_held(&self) -> Result<(), Error> {
        match self.set.state {
            State::Stopped | State::Prepared => Ok(()),
            other => Err(ErrorKind::WrongState.with(other.number(), 0, 0)),
        }
    }
}
