//! Words that front, handler, barrier and main thread share. Exactly one of them writes at a time:
//! the front waits while the handler works.

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::raw;

/// Message registers.
const WORDS: usize = raw::L4_UTCB_GENERIC_DATA_SIZE as usize;

/// One shared word.
pub(super) struct Word(AtomicU32);

impl Word {
    const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    pub(super) fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    pub(super) fn set(&self, value: u32) {
        self.0.store(value, Ordering::Release);
    }
}

/// Capabilities that the threads need of each other, set once before they are used.
pub(super) struct Wiring {
    pub(super) internal_gate: Word,
    pub(super) front: Word,
    pub(super) handler: Word,
    pub(super) command_gate: Word,
    pub(super) barrier_gate: Word,
    /// Where the front receives a capability that a caller passes.
    pub(super) arrival: Word,
}

pub(super) static WIRING: Wiring = Wiring {
    internal_gate: Word::new(),
    front: Word::new(),
    handler: Word::new(),
    command_gate: Word::new(),
    barrier_gate: Word::new(),
    arrival: Word::new(),
};

/// A request on its way to the handler, then its answer on the way back.
pub(super) struct Mailbox {
    /// Label of the caller's session.
    pub(super) client: Word,
    /// Label that was passed, 0 if none.
    pub(super) label: Word,
    /// Slot in which a capability arrived, 0 if none.
    pub(super) cap: Word,
    /// The client is gone; 0 or 1.
    pub(super) gone: Word,
    /// Tag of the answer.
    pub(super) tag: Word,
    count: Word,
    words: [Word; WORDS],
}

pub(super) static MAILBOX: Mailbox = Mailbox {
    client: Word::new(),
    label: Word::new(),
    cap: Word::new(),
    gone: Word::new(),
    tag: Word::new(),
    count: Word::new(),
    words: [const { Word::new() }; WORDS],
};

impl Mailbox {
    /// Puts words in; more than a message has are cut.
    pub(super) fn put(&self, words: impl Iterator<Item = u32>) {
        let mut count = 0;
        for (place, value) in self.words.iter().zip(words) {
            place.set(value);
            count += 1;
        }
        self.count.set(count);
    }

    /// The words.
    pub(super) fn words(&self) -> heapless::Vec<u32, WORDS> {
        self.words.iter().take(self.count.get() as usize).map(Word::get).collect()
    }
}
