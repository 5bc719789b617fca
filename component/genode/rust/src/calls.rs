//! The engine behind the session at core: one message per verb.

use thaw_component::service::{Abilities, Probe, Service, ServiceError, ServiceResult, Traced};
use thaw_protocol::{ErrorKind, StopReport, verb};

use crate::world::{MESSAGE_WORDS, Message, World};

/// The client's end of the protocol.
pub struct Calls<'w, W: World> {
    world: &'w W,
    /// Number of the engine's session, which came with the opening of the PD.
    session: u32,
}

impl<'w, W: World> Calls<'w, W> {
    /// Speaks for the PD that is open.
    pub fn new(world: &'w W, session: u32) -> Self {
        Self { world, session }
    }

    fn call(&self, request: &[u32], data: &[u32], words: usize) -> ServiceResult<Message> {
        let mut message = Message { count: 0, label: 0, words: [0; MESSAGE_WORDS] };
        let all = request.iter().chain(data);
        for (to, from) in message.words.iter_mut().zip(all) {
            *to = *from;
            message.count += 1;
        }
        self.world.call(&mut message);
        match message.label {
            0 if (message.count as usize) < words => Err(ServiceError::Short),
            0 => Ok(message),
            label => Err(refusal(label, &message)),
        }
    }
}

fn refusal(label: i32, message: &Message) -> ServiceError {
    let number = label.unsigned_abs();
    let [a, b, c] = [message.words[0], message.words[1], message.words[2]];
    match ErrorKind::from_number(number) {
        Some(kind) => ServiceError::Refused(kind.with(a, b, c)),
        None => ServiceError::Lost(number),
    }
}

impl<W: World> Service for Calls<'_, W> {
    type Pd = ();

    fn open(&self, (): ()) -> ServiceResult<u32> {
        Ok(self.session)
    }

    fn close(&self, session: u32) -> ServiceResult<()> {
        self.call(&[verb::CLOSE, session], &[], 0).map(|_| ())
    }

    fn abandon(&self, session: u32) -> ServiceResult<()> {
        self.call(&[verb::ABANDON, session], &[], 0).map(|_| ())
    }

    fn stop(&self, session: u32) -> ServiceResult<StopReport> {
        let answer = self.call(&[verb::STOP, session], &[], StopReport::WORDS)?;
        Ok(StopReport::from_words(core::array::from_fn(|i| answer.words[i])))
    }

    fn prepare(&self, session: u32, threads: u64) -> ServiceResult<()> {
        let (low, high) = (threads as u32, (threads >> 32) as u32);
        self.call(&[verb::PREPARE, session, low, high], &[], 0).map(|_| ())
    }

    fn commit(&self, session: u32) -> ServiceResult<()> {
        self.call(&[verb::COMMIT, session], &[], 0).map(|_| ())
    }

    fn thread_get(&self, session: u32, index: u32, part: u32, words: &mut [u32]) -> ServiceResult<()> {
        let answer = self.call(&[verb::THREAD_GET, session, index, part], &[], words.len())?;
        let length = words.len();
        words.copy_from_slice(&answer.words[..length]);
        Ok(())
    }

    fn thread_set(&self, session: u32, index: u32, part: u32, words: &[u32]) -> ServiceResult<()> {
        self.call(&[verb::THREAD_SET, session, index, part], words, 0).map(|_| ())
    }

    fn irq_get(&self, session: u32, n: u32) -> ServiceResult<(u32, u32)> {
        let answer = self.call(&[verb::IRQ_GET, session, n], &[], 2)?;
        Ok((answer.words[0], answer.words[1]))
    }

    fn irq_set(&self, session: u32, slot: u32, pending: u32) -> ServiceResult<()> {
        self.call(&[verb::IRQ_SET, session, slot, pending], &[], 0).map(|_| ())
    }

    // Core lists slots by its own verb, and traces are for the native system.

    fn slot_probe(&self, _: u32, _: u32) -> ServiceResult<Probe> {
        Ok(Probe::default())
    }

    fn trace(&self, _: bool) -> ServiceResult<()> {
        Err(ServiceError::Short)
    }

    fn trace_get(&self, _: u32) -> ServiceResult<Traced> {
        Err(ServiceError::Short)
    }

    fn abilities(&self) -> ServiceResult<Abilities> {
        let answer = self.call(&[verb::ABILITIES, 0], &[], 7)?;
        let [version, threads, gates, irqs, bits, first, end] = core::array::from_fn(|i| answer.words[i]);
        Ok(Abilities { version, limits: [threads, gates, irqs], bits, slots: (first, end) })
    }
}
