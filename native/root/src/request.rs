//! Requests as words in, words out.

use heapless::Vec;
use thaw_l4::{Kernel, Message, MsgTag, SendItem};

use crate::error::{Error, Result};

/// Words of a request that are looked at: the longest is a log request.
pub const WORDS_MAX: usize = 1 + thaw_native_abi::target::LOG_BYTES_MAX as usize / 4;
/// Words of an answer at most.
pub const ANSWER_MAX: usize = 12;

/// The words of a request; word 0 is the operation.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a>(pub &'a [u32]);

impl Args<'_> {
    /// Word `n`.
    pub fn get(self, n: usize) -> Result<u32> {
        self.0.get(n).copied().ok_or(Error::MessageTooShort)
    }

    /// The name in four words from `n`.
    pub fn name(self, n: usize) -> Result<[u32; 4]> {
        Ok([self.get(n)?, self.get(n + 1)?, self.get(n + 2)?, self.get(n + 3)?])
    }
}

/// A 64-bit number as words, low first.
#[must_use]
pub const fn low_high(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

/// What a request came to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Words, and a capability.
    Answer {
        /// From MR0.
        words: Vec<u32, ANSWER_MAX>,
        /// What is mapped to the caller.
        item: Option<SendItem>,
    },
    /// The caller stays waiting.
    NoReply,
}

impl Outcome {
    /// Success without result.
    pub const EMPTY: Self = Self::Answer { words: Vec::new(), item: None };

    /// Success with results; words beyond [`ANSWER_MAX`] would be a mistake in this crate.
    #[must_use]
    pub fn words(words: &[u32]) -> Self {
        debug_assert!(words.len() <= ANSWER_MAX, "answer too long");
        Self::Answer { words: Vec::from_slice(words).unwrap_or_default(), item: None }
    }

    /// Puts the answer into the message registers and makes its tag.
    pub fn reply(&self, k: &impl Kernel) -> Option<MsgTag> {
        match self {
            Self::NoReply => None,
            Self::Answer { words, item } => {
                let message = Message::new(k).slice(words);
                let message = match item {
                    Some(item) => message.item(*item),
                    None => message,
                };
                // Twelve words and an item always fit.
                message.tag(0, 0).ok()
            }
        }
    }
}

/// The tag of a refusal.
#[must_use]
pub fn refusal(error: Error) -> MsgTag {
    MsgTag::new(-(error.number() as i32), 0, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use thaw_l4::{CapIndex, Revision, fake::Fake};

    #[test]
    fn missing_words_are_noticed() {
        let args = Args(&[1, 2, 3, 4, 5]);
        assert_eq!(args.get(4), Ok(5));
        assert_eq!(args.get(5), Err(Error::MessageTooShort));
        assert_eq!(args.name(1), Ok([2, 3, 4, 5]));
        assert_eq!(args.name(2), Err(Error::MessageTooShort));
    }

    #[test]
    fn an_answer_is_words_then_item() {
        let k = Fake::new(Revision::M);
        let mut outcome = Outcome::words(&[7, 8]);
        assert_eq!(outcome.reply(&k), Some(MsgTag::new(0, 2, 0, 0)));
        if let Outcome::Answer { item, .. } = &mut outcome {
            *item = Some(SendItem::capability(CapIndex(0x123), 7, 0));
        }
        assert_eq!(outcome.reply(&k), Some(MsgTag::new(0, 2, 1, 0)));
        assert_eq!((k.mr(0), k.mr(1), k.mr(3) >> 12), (7, 8, 0x123));
        assert_eq!(Outcome::NoReply.reply(&k), None);
        assert_eq!(refusal(Error::InUse).label(), -17);
    }
}
