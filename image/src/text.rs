//! Names of bounded length.

use core::fmt;

use crate::{MAX_KERNEL_NAME, MAX_NAME, Refusal};

/// Printable ASCII text of at most `N` bytes, zero-padded.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
}

/// The name of a thread, target, module, board or service.
pub type Name = Text<MAX_NAME>;
/// The version string of a kernel.
pub type KernelName = Text<MAX_KERNEL_NAME>;

impl<const N: usize> Text<N> {
    /// The text without any character.
    pub const EMPTY: Self = Self { bytes: [0; N] };

    /// Returns `text` as a bounded name.
    ///
    /// Fails with [`Refusal::NameTooLong`] beyond `N` bytes and with [`Refusal::NameByte`] for a
    /// byte that is not printable ASCII.
    pub const fn new(text: &str) -> Result<Self, Refusal> {
        let text = text.as_bytes();
        if text.len() > N {
            return Err(Refusal::NameTooLong { length: text.len() as u32, limit: N as u32 });
        }
        let mut bytes = [0; N];
        let mut i = 0;
        while i < text.len() {
            if !is_printable(text[i]) {
                return Err(Refusal::NameByte { byte: text[i], position: i as u32 });
            }
            bytes[i] = text[i];
            i += 1;
        }
        Ok(Self { bytes })
    }

    /// Returns the text behind the zero-padded `bytes` of an image, or where they are none.
    pub fn from_padded(bytes: [u8; N]) -> Result<Self, Refusal> {
        let length = bytes.iter().position(|&b| b == 0).unwrap_or(N);
        let wrong = |(i, &b): (usize, &u8)| if i < length { !is_printable(b) } else { b != 0 };
        match bytes.iter().enumerate().find(|&x| wrong(x)) {
            Some((i, &byte)) => Err(Refusal::NameByte { byte, position: i as u32 }),
            None => Ok(Self { bytes }),
        }
    }

    /// Returns the text without its padding.
    pub fn as_str(&self) -> &str {
        let length = self.bytes.iter().position(|&b| b == 0).unwrap_or(N);
        // Both constructors admit ASCII only, so the fallback is never taken.
        core::str::from_utf8(&self.bytes[..length]).unwrap_or("")
    }

    /// Returns the zero-padded bytes as they stand in an image.
    pub const fn as_padded(&self) -> &[u8; N] {
        &self.bytes
    }

    /// Tells whether the text has no character.
    pub const fn is_empty(&self) -> bool {
        N == 0 || self.bytes[0] == 0
    }
}

const fn is_printable(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e)
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_has_32_bytes_at_most() {
        let longest = "abcdefghijklmnopqrstuvwxyz012345";
        assert_eq!(Name::new(longest).unwrap().as_str(), longest);
        let refused = Name::new("abcdefghijklmnopqrstuvwxyz0123456");
        assert_eq!(refused, Err(Refusal::NameTooLong { length: 33, limit: 32 }));
    }

    #[test]
    fn bytes_after_the_padding_began_are_refused() {
        let mut bytes = [0; 32];
        bytes[0] = b'a';
        bytes[5] = b'b';
        assert_eq!(Name::from_padded(bytes), Err(Refusal::NameByte { byte: b'b', position: 5 }));
    }

    #[test]
    fn control_characters_are_refused() {
        assert_eq!(Name::new("a\nb"), Err(Refusal::NameByte { byte: 10, position: 1 }));
    }
}
