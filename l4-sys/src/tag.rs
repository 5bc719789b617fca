//! Message tags.

use bit_field::BitField;

use crate::raw;

/// A message tag: words (bits 0-5), typed items (6-11), flags (12-15), protocol or result (16-31, signed).
///
/// Corresponds to `l4_msgtag_t`.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct MsgTag(pub u32);

impl MsgTag {
    /// Makes a tag. `words` (at most 63) and `items` (at most 63) are truncated to their fields.
    ///
    /// Corresponds to `l4_msgtag`.
    #[must_use]
    pub const fn new(protocol: i32, words: u32, items: u32, flags: u32) -> Self {
        Self(((protocol as u32) << 16) | (words & 63) | ((items & 63) << 6) | (flags & 0xf000))
    }

    /// Untyped words in the message.
    #[must_use]
    pub fn words(self) -> u32 {
        self.0.get_bits(0..6)
    }

    /// Typed items in the message; each takes two words.
    #[must_use]
    pub fn items(self) -> u32 {
        self.0.get_bits(6..12)
    }

    /// Protocol of a request, result of a reply. Corresponds to `l4_msgtag_label`.
    #[must_use]
    pub const fn label(self) -> i32 {
        (self.0 as i32) >> 16
    }

    /// Whether the IPC itself failed; the UTCB's error word says how.
    ///
    /// Corresponds to `l4_msgtag_has_error`. A kernel object's refusal is *not* seen here but in a
    /// negative [`label`](Self::label): callers want both.
    #[must_use]
    pub const fn has_error(self) -> bool {
        self.0 & raw::L4_MSGTAG_ERROR != 0
    }

    /// The same tag without the error bit, which is how an aborted receive returns its caller's tag.
    #[must_use]
    pub const fn without_error(self) -> Self {
        Self(self.0 & !raw::L4_MSGTAG_ERROR)
    }

    /// The same tag with `flags` (bits 12-15) added.
    #[must_use]
    pub const fn with_flags(self, flags: u32) -> Self {
        Self(self.0 | (flags & 0xf000))
    }
}

impl core::fmt::Debug for MsgTag {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "MsgTag({:#010x})", self.0)
    }
}
