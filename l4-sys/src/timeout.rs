//! IPC timeouts.

/// One 16-bit timeout: 0 never, 0x400 zero, else mantissa (bits 0-9) times two to the exponent
/// (bits 10-14) microseconds; bit 15: absolute, bits 0-5 index the buffer registers that hold it.
///
/// Corresponds to `l4_timeout_s`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub struct Timeout(pub u16);

impl Timeout {
    /// Waits for ever. Corresponds to `L4_IPC_TIMEOUT_NEVER`.
    pub const NEVER: Self = Self(0);
    /// Does not wait. Corresponds to `L4_IPC_TIMEOUT_0`.
    pub const ZERO: Self = Self(0x400);

    /// The shortest representable timeout of at least `us` microseconds. Corresponds to `l4_timeout_from_us`.
    #[must_use]
    pub const fn from_us(us: u32) -> Self {
        if us == 0 {
            return Self::ZERO;
        }
        let mut mantissa = us as u64;
        let mut exponent = 0;
        while mantissa > 0x3ff {
            mantissa = mantissa.div_ceil(2);
            exponent += 1;
        }
        Self((exponent << 10) | mantissa as u16)
    }

    /// Length in microseconds of a relative timeout; `None` for never and for absolute ones.
    #[must_use]
    pub const fn us(self) -> Option<u64> {
        if self.0 == 0 || self.is_absolute() {
            return None;
        }
        Some(((self.0 & 0x3ff) as u64) << ((self.0 >> 10) & 31))
    }

    /// Whether the value names a point of time kept in the buffer registers.
    #[must_use]
    pub const fn is_absolute(self) -> bool {
        self.0 & 0x8000 != 0
    }
}

/// The two timeouts of a system call: receive in the low half, send in the high half.
///
/// Corresponds to `l4_timeout_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(transparent)]
pub struct Timeouts(pub u32);

impl Timeouts {
    /// Both for ever.
    pub const NEVER: Self = Self(0);

    /// Makes the pair.
    #[must_use]
    pub const fn new(send: Timeout, receive: Timeout) -> Self {
        Self(((send.0 as u32) << 16) | receive.0 as u32)
    }

    /// The timeout of the send phase.
    #[must_use]
    pub const fn send(self) -> Timeout {
        Timeout((self.0 >> 16) as u16)
    }

    /// The timeout of the receive phase.
    #[must_use]
    pub const fn receive(self) -> Timeout {
        Timeout(self.0 as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_up_and_never_to_never() {
        for us in [1, 1023, 1024, 20_000, 1_000_000, u32::MAX] {
            let got = Timeout::from_us(us).us().expect("relative");
            assert!(got >= u64::from(us) && got <= u64::from(us) + u64::from(us) / 256, "{us} became {got}");
        }
        assert_eq!(Timeout::from_us(0), Timeout::ZERO);
        assert_eq!(Timeout::ZERO.us(), Some(0));
    }
}
