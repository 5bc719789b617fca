// SPDX-License-Identifier: AGPL-3.0-only
//! Handing a request of the session's entrypoint to the handler, and its answer back.
//!
//! Exactly one of the two writes at a time: the entrypoint waits while the handler works.
// UNSAFETY: reads and writes the words that the C++ part passes.
#![expect(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::{CapIndex, Kernel, MsgTag, Op, Real, Timeouts, raw};

use crate::abi::Wiring;

/// Message registers.
const WORDS: usize = raw::L4_UTCB_GENERIC_DATA_SIZE as usize;

/// One shared word.
pub(crate) struct Word(AtomicU32);

impl Word {
    const fn new() -> Self {
        Self(AtomicU32::new(0))
    }

    pub(crate) fn get(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, value: u32) {
        self.0.store(value, Ordering::Release);
    }
}

/// A request on its way to the handler, then its answer on the way back.
pub(crate) struct Mailbox {
    /// The thread that waits for the answer.
    pub(crate) front: Word,
    /// The caller's session.
    pub(crate) client: Word,
    /// Whether the request names a PD.
    pub(crate) has_pd: Word,
    /// Tag of the answer.
    pub(crate) tag: Word,
    count: Word,
    words: [Word; WORDS],
}

pub(crate) static MAILBOX: Mailbox = Mailbox {
    front: Word::new(),
    client: Word::new(),
    has_pd: Word::new(),
    tag: Word::new(),
    count: Word::new(),
    words: [const { Word::new() }; WORDS],
};

impl Mailbox {
    /// Puts words in; more than a message has are cut.
    pub(crate) fn put(&self, words: impl Iterator<Item = u32>) {
        let mut count = 0;
        for (place, value) in self.words.iter().zip(words) {
            place.set(value);
            count += 1;
        }
        self.count.set(count);
    }

    /// The words.
    pub(crate) fn words(&self) -> heapless::Vec<u32, WORDS> {
        self.words.iter().take(self.count.get() as usize).map(Word::get).collect()
    }
}

/// Hands `*count` words to the handler; the answer takes their place. Returns its label.
///
/// # Safety
///
/// `words` points to `capacity` words of which `*count` are set.
#[unsafe(no_mangle)]
unsafe extern "C" fn thaw_serve(
    wiring: &Wiring,
    front: u32,
    client: u32,
    has_pd: u32,
    words: *mut u32,
    count: &mut u32,
    capacity: u32,
) -> u32 {
    // SAFETY: as promised; nobody else has the words while the caller waits.
    let words = unsafe { core::slice::from_raw_parts_mut(words, capacity as usize) };
    MAILBOX.front.set(front);
    MAILBOX.client.set(client);
    MAILBOX.has_pd.set(has_pd);
    MAILBOX.put(words.iter().copied().take(*count as usize));
    // SAFETY: as in `handler::kernel`.
    let k = unsafe { Real::new(l4_sys::Revision::G) };
    hand_over(&k, wiring);
    let answer = MAILBOX.words();
    *count = answer.len().min(words.len()) as u32;
    for (place, word) in words.iter_mut().zip(&answer) {
        *place = *word;
    }
    MsgTag(MAILBOX.tag.get()).label() as u32
}

fn hand_over(k: &Real, wiring: &Wiring) {
    let gate = CapIndex(wiring.command_gate);
    k.ipc(gate.select(Op::SEND), MsgTag::new(0, 0, 0, raw::L4_MSGTAG_SCHEDULE), Timeouts::NEVER, 0);
    let handler = CapIndex(wiring.handler);
    k.ipc(handler.select(Op::RECEIVE), MsgTag::default(), Timeouts::NEVER, 0);
}
