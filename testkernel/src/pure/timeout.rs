//! IPC timeouts.

/// A 16-bit timeout, decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timeout {
    /// Waits for ever.
    Never,
    /// Does not wait.
    Zero,
    /// Microseconds from now.
    Relative(u64),
    /// At the time (microseconds of the kernel clock) in the buffer registers at this index.
    Absolute(u32),
}

impl Timeout {
    /// Decodes the low 16 bits of `word`.
    #[must_use]
    pub const fn decode(word: u32) -> Self {
        let word = word & 0xffff;
        match word {
            0 => Self::Never,
            0x400 => Self::Zero,
            _ if word & 0x8000 != 0 => Self::Absolute(word & 0x3f),
            _ => Self::Relative(((word & 0x3ff) as u64) << (word >> 10 & 0x1f)),
        }
    }

    /// The receive half of a timeout pair.
    #[must_use]
    pub const fn receive(pair: u32) -> Self {
        Self::decode(pair)
    }

    /// The send half of a timeout pair.
    #[must_use]
    pub const fn send(pair: u32) -> Self {
        Self::decode(pair >> 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes() {
        assert_eq!(Timeout::receive(0x0400_0000), Timeout::Never);
        assert_eq!(Timeout::send(0x0400_0000), Timeout::Zero);
        assert_eq!(Timeout::decode(0x2814), Timeout::Relative(20 << 10));
        assert_eq!(Timeout::decode(0x8005), Timeout::Absolute(5));
        assert_eq!(Timeout::decode(0x2800), Timeout::Relative(0));
    }
}
