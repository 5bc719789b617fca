//! BLAKE3, the one hash of the format.

use core::fmt;

/// A 32-byte BLAKE3 hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The value of an unused hash field. No content is known that hashes to it.
    pub const NONE: Self = Self([0; 32]);

    /// Returns the hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Tells whether the field is unused.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A hash in the making, so that bytes are touched once, on their way to the sink. About 2 KiB.
pub struct Hasher(blake3::Hasher);

impl Hasher {
    /// Starts the hash of nothing.
    pub fn new() -> Self {
        Self(blake3::Hasher::new())
    }

    /// Adds `bytes` to what is hashed.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the hash of all bytes added since the last call and starts anew.
    pub fn take(&mut self) -> Digest {
        let digest = Digest(*self.0.finalize().as_bytes());
        self.0.reset();
        digest
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}
