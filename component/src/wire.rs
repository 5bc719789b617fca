//! The service behind its gate: one message per verb.

use thaw_l4::{Cap, CapIndex, Error, Gate, Kernel, Message, SendItem, raw};
use thaw_protocol::{ErrorKind, StopReport, part, trace::Record, verb};

use crate::service::{Abilities, Probe, Service, ServiceError, ServiceResult, SlotEntry, Traced};

/// The client's end of the protocol.
pub struct Wire<'k, K: Kernel> {
    kernel: &'k K,
    gate: Cap<Gate>,
}

impl<'k, K: Kernel> Wire<'k, K> {
    /// Reaches the service through `gate`.
    pub const fn new(kernel: &'k K, gate: Cap<Gate>) -> Self {
        Self { kernel, gate }
    }

    /// Calls with `message`; the answer has at least `words` words.
    fn call(&self, message: Message<'_, K>, words: usize) -> ServiceResult<()> {
        match message.call(self.gate, raw::L4_PROTO_NONE) {
            Ok(tag) if (tag.words() as usize) < words => Err(ServiceError::Short),
            Ok(_) => Ok(()),
            Err(error) => Err(self.refusal(error)),
        }
    }

    fn refusal(&self, error: Error) -> ServiceError {
        let kind = match error {
            Error::Object(e) => ErrorKind::from_number(e.0),
            Error::Ipc(_) => None,
        };
        let operand = |i| self.kernel.mr(i);
        match kind {
            Some(kind) => ServiceError::Refused(kind.with(operand(0), operand(1), operand(2))),
            None => ServiceError::Lost(error.number()),
        }
    }

    fn request(&self, verb: u32, session: u32) -> Message<'_, K> {
        Message::new(self.kernel).word(verb).word(session)
    }

    fn words(&self, from: usize, out: &mut [u32]) {
        out.iter_mut().enumerate().for_each(|(i, word)| *word = self.kernel.mr(from + i));
    }
}

impl<K: Kernel> Service for Wire<'_, K> {
    type Pd = CapIndex;

    fn open(&self, pd: CapIndex) -> ServiceResult<u32> {
        let item = SendItem::capability(pd, raw::L4_CAP_FPAGE_RWS, 0);
        self.call(Message::new(self.kernel).word(verb::OPEN).item(item), 1)?;
        Ok(self.kernel.mr(0))
    }

    fn close(&self, session: u32) -> ServiceResult<()> {
        self.call(self.request(verb::CLOSE, session), 0)
    }

    fn abandon(&self, session: u32) -> ServiceResult<()> {
        self.call(self.request(verb::ABANDON, session), 0)
    }

    fn stop(&self, session: u32) -> ServiceResult<StopReport> {
        self.call(self.request(verb::STOP, session), StopReport::WORDS)?;
        let mut words = [0; StopReport::WORDS];
        self.words(0, &mut words);
        Ok(StopReport::from_words(words))
    }

    fn prepare(&self, session: u32, threads: u64) -> ServiceResult<()> {
        let (low, high) = (threads as u32, (threads >> 32) as u32);
        self.call(self.request(verb::PREPARE, session).word(low).word(high), 0)
    }

    fn commit(&self, session: u32) -> ServiceResult<()> {
        self.call(self.request(verb::COMMIT, session), 0)
    }

    fn thread_get(&self, session: u32, index: u32, part: u32, words: &mut [u32]) -> ServiceResult<()> {
        debug_assert_eq!(part::words(part), Some(words.len()));
        self.call(self.request(verb::THREAD_GET, session).word(index).word(part), words.len())?;
        self.words(0, words);
        Ok(())
    }

    fn thread_set(&self, session: u32, index: u32, part: u32, words: &[u32]) -> ServiceResult<()> {
        self.call(self.request(verb::THREAD_SET, session).word(index).word(part).slice(words), 0)
    }

    fn irq_get(&self, session: u32, n: u32) -> ServiceResult<(u32, u32)> {
        self.call(self.request(verb::IRQ_GET, session).word(n), 2)?;
        Ok((self.kernel.mr(0), self.kernel.mr(1)))
    }

    fn irq_set(&self, session: u32, slot: u32, pending: u32) -> ServiceResult<()> {
        self.call(self.request(verb::IRQ_SET, session).word(slot).word(pending), 0)
    }

    fn slot_probe(&self, session: u32, first: u32) -> ServiceResult<Probe> {
        self.call(self.request(verb::SLOT_PROBE, session).word(first), 2)?;
        let mut probe = Probe { looked: self.kernel.mr(0), ..Probe::default() };
        for n in 0..self.kernel.mr(1) as usize {
            let mut words = [0; 3];
            self.words(2 + 3 * n, &mut words);
            // More entries than the protocol admits are an answer of another version.
            probe.entries.push(SlotEntry::from_words(words)).map_err(|_| ServiceError::Short)?;
        }
        Ok(probe)
    }

    fn trace(&self, on: bool) -> ServiceResult<()> {
        self.call(self.request(verb::TRACE, on.into()), 0)
    }

    fn trace_get(&self, from: u32) -> ServiceResult<Traced> {
        self.call(self.request(verb::TRACE_GET, from), 2)?;
        let mut traced = Traced { first: self.kernel.mr(0), ..Traced::default() };
        for n in 0..self.kernel.mr(1) as usize {
            let mut words = [0; Record::WORDS];
            self.words(2 + Record::WORDS * n, &mut words);
            traced.records.push(words).map_err(|_| ServiceError::Short)?;
        }
        Ok(traced)
    }

    fn abilities(&self) -> ServiceResult<Abilities> {
        self.call(self.request(verb::ABILITIES, 0), 7)?;
        let mut words = [0; 7];
        self.words(0, &mut words);
        let [version, threads, gates, irqs, bits, first, end] = words;
        Ok(Abilities { version, limits: [threads, gates, irqs], bits, slots: (first, end) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Session, ThreadState};
    use thaw_l4::Revision;
    use thaw_l4::fake::{Fake, Scripted};

    const GATE: Cap<Gate> = Cap::new(CapIndex(0x13));

    #[test]
    fn verbs_are_words_of_one_message() {
        let k = Fake::new(Revision::G);
        let wire = Wire::new(&k, GATE);
        k.then(Scripted::ok(&[7])).then(Scripted::ok(&[3, 2, 1, 0, 5]));
        assert_eq!(wire.open(CapIndex(0x200)), Ok(7));
        let report = wire.stop(7).expect("scripted");
        assert_eq!((report.threads, report.cancelled, report.barriers), (3, 2, 5));
        let open = k.call(0).expect("made");
        assert_eq!((open.tag.words(), open.tag.items(), open.mr[0]), (1, 1, verb::OPEN));
        assert_eq!(open.mr[2] >> 12, 0x200);
        let stop = k.call(1).expect("made");
        assert_eq!((stop.mr[0], stop.mr[1], stop.to.0), (verb::STOP, 7, 0x13003));
    }

    #[test]
    fn refusals_carry_their_operands() {
        let k = Fake::new(Revision::M);
        let wire = Wire::new(&k, GATE);
        let error = ErrorKind::OutsideCall.with(4, 0x14, 0);
        let label = -(error.kind.number() as i32);
        k.then(Scripted::message(thaw_l4::MsgTag::new(label, 3, 0, 0), 0, &error.operands));
        k.then(Scripted::ipc_error(raw::L4_IPC_ENOT_EXISTENT)).then(Scripted::ok(&[1]));
        assert_eq!(wire.stop(1), Err(ServiceError::Refused(error)));
        assert!(matches!(wire.close(1), Err(ServiceError::Lost(_))));
        assert_eq!(wire.stop(1), Err(ServiceError::Short));
    }

    #[test]
    fn a_probe_reads_its_entries() {
        let k = Fake::new(Revision::M);
        k.then(Scripted::ok(&[64, 2, 0x200, 0x701, 0x1000, 0x201, 2]));
        let probe = Wire::new(&k, GATE).slot_probe(1, 0x1c0).expect("scripted");
        assert_eq!(probe.looked, 64);
        assert_eq!(probe.entries[0], SlotEntry::given(0x200, 1, 0x1000));
        assert_eq!(probe.entries.len(), 2);
    }

    #[test]
    fn records_come_in_pieces() {
        let k = Fake::new(Revision::M);
        k.then(Scripted::ok(&[7, 1, 5, 6, 7, 8])).then(Scripted::ok(&[8, 0]));
        k.then(Scripted::ok(&[1, 64, 64, 64, 0x7f, 0x200, 0x400]));
        let wire = Wire::new(&k, GATE);
        let traced = wire.trace_get(0).expect("scripted");
        assert_eq!((traced.first, &traced.records[..]), (7, &[[5, 6, 7, 8]][..]));
        assert!(wire.trace_get(8).expect("scripted").records.is_empty());
        assert_eq!(wire.abilities().map(|a| a.slots), Ok((0x200, 0x400)));
        let get = k.call(1).expect("made");
        assert_eq!((get.mr[0], get.mr[1]), (verb::TRACE_GET, 8));
    }

    #[test]
    fn a_dropped_session_is_closed() {
        let k = Fake::new(Revision::M);
        let wire = Wire::new(&k, GATE);
        k.then(Scripted::ok(&[5])).then(Scripted::ok(&[1; 5])).then(Scripted::refusal(1));
        let (stopped, _) = Session::open(&wire, CapIndex(0x200)).and_then(Session::stop).expect("scripted");
        let mut state = ThreadState::ZERO;
        assert!(stopped.thread(0, &mut state).is_err());
        drop(stopped);
        let last = k.call(k.count() - 1).expect("made");
        assert_eq!((last.mr[0], last.mr[1]), (verb::CLOSE, 5));
    }
}
