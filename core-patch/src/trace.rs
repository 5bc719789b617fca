//! Recording the service's steps, for whoever asked for it.
//!
//! A ring in the service, read out when the target runs again: a line of text for each step would cost more
//! than the step. Switched off, a step costs one test of a flag.

use thaw_l4::Kernel;
use thaw_protocol::{
    Error, ErrorKind, GATES_MAX, IRQS_MAX, THREADS_MAX, TRACE_RECORDS, VERSION, ability,
    trace::{Event, Ring, Step},
    verb,
};

use crate::{Engine, Host, Reply};

/// Records that are kept: a stop of 64 threads has about 700.
const RECORDS: usize = 1024;

/// The trace of the one client that asked for it.
pub(crate) struct Trace {
    ring: Ring<RECORDS>,
    /// Label of the client, without rights bits.
    client: Option<u32>,
}

impl Trace {
    pub(crate) const fn new() -> Self {
        Self { ring: Ring::new(), client: None }
    }
}

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Notes that a step has ended.
    #[inline]
    pub(crate) fn trace(&mut self, step: Step) {
        if self.set.trace.ring.is_on() {
            self.note(step);
        }
    }

    #[inline(never)]
    fn note(&mut self, step: Step) {
        let now = self.host.ticks().unwrap_or(0);
        self.set.trace.ring.note(step, now);
    }

    /// A verb of `client` begins: only the steps of its own sessions are its to see. Verbs that read or
    /// stage one piece are left out, or they would push out the steps of the stop; their caller counts them.
    pub(crate) fn trace_begin(&mut self, client: u32, number: u32) {
        let whole = verb::name(number).is_some();
        let trace = &mut self.set.trace;
        trace.ring.switch(whole && trace.client == Some(client));
        self.trace(Event::Begin.of_all().with(number));
    }

    /// The verb ended.
    pub(crate) fn trace_end<T>(&mut self, result: &Result<T, Error>) {
        let number = result.as_ref().err().map_or(0, |e| e.kind.number());
        self.trace(Event::End.of_all().with(number));
        self.set.trace.ring.switch(false);
    }

    /// Switches the trace of `client` on, emptied, or off. Another client's ends with it.
    pub(crate) fn trace_switch(&mut self, client: u32, on: bool) {
        let trace = &mut self.set.trace;
        trace.ring.clear();
        trace.ring.switch(false);
        trace.client = on.then_some(client);
    }

    /// Records from number `from` on.
    pub(crate) fn trace_get(&self, client: u32, from: u32) -> Result<Reply, Error> {
        let Trace { ring, client: owner } = &self.set.trace;
        if *owner != Some(client) {
            return Err(ErrorKind::NotTraced.into());
        }
        let first = ring.first(from);
        let records = (first..).map_while(|n| ring.words(n)).take(TRACE_RECORDS);
        let mut reply = Reply::default();
        reply.push(&[first, records.clone().count() as u32]);
        records.for_each(|words| reply.push(&words));
        Ok(reply)
    }

    /// What this service can do.
    pub(crate) fn abilities(&mut self) -> Reply {
        let mut bits = ability::RESUME
            | ability::RESTORE
            | ability::SLOTS
            | ability::INSTALL
            | ability::IRQS
            | ability::TRACE;
        if self.host.ticks().is_some() {
            bits |= ability::COUNTER;
        }
        let (first, end) = self.env.slots;
        let numbers = [THREADS_MAX, GATES_MAX, IRQS_MAX].map(|n| n as u32);
        let mut reply = Reply::default();
        reply.push(&[VERSION]);
        reply.push(&numbers);
        reply.push(&[bits, first, end]);
        reply
    }
}
