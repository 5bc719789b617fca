//! A line that tears, repeats and changes what goes over it, for tests. Every fault comes from the seed.

use fastrand::Rng;

/// Text that falls into frames.
const TEXT: &[u8] = b"\r\nline noise ~ ~~\r\n";

/// What is done to bytes on their way.
pub struct Faults {
    random: Rng,
    /// Out of so many bytes, one is where a fault begins.
    every: u32,
    /// Bytes left until the next fault.
    left: u32,
    /// Bytes still to be lost.
    losing: u32,
    /// What went over the line last, to be repeated.
    recent: Vec<u8>,
    faults: u64,
}

/// Bytes that can be repeated: more than the longest frame.
const RECENT: usize = 4096;

impl Faults {
    /// Faults of that seed, one in about `every` bytes.
    pub fn new(seed: u64, every: u32) -> Self {
        let mut random = Rng::with_seed(seed);
        let left = random.u32(1..2 * every.max(2));
        Self { random, every: every.max(2), left, losing: 0, recent: Vec::new(), faults: 0 }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.faults
    }

    /// Carries bytes.
    pub fn carry(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for byte in bytes {
            if self.recent.len() == RECENT {
                self.recent.drain(..RECENT / 2);
            }
            self.recent.push(*byte);
            self.left -= 1;
            if self.left == 0 {
                self.left = self.random.u32(1..2 * self.every);
                self.faults += 1;
                self.fault(*byte, &mut out);
            } else if self.losing > 0 {
                self.losing -= 1;
            } else {
                out.push(*byte);
            }
        }
        out
    }

    fn fault(&mut self, byte: u8, out: &mut Vec<u8>) {
        match self.random.u32(0..5) {
            // Changed.
            0 => out.push(byte ^ self.random.u8(1..)),
            // Lost, and some after it.
            1 => self.losing = self.random.u32(0..300),
            // Text falls into it.
            2 => {
                out.push(byte);
                out.extend(TEXT);
            }
            // The byte twice.
            3 => out.extend([byte, byte]),
            // The last whole frame again, which comes too late by now.
            _ => {
                out.push(byte);
                out.extend(self.last_frame());
            }
        }
    }

    fn last_frame(&self) -> Vec<u8> {
        let end = self.recent.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        let before = &self.recent[..end.saturating_sub(1)];
        let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        self.recent[start..end].to_vec()
    }
}
