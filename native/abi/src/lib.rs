//! Interfaces of the native system: what the loader hands over, where things lie in a protection
//! domain (PD), and the requests that root and the block driver answer.
//!
//! `docs/target-abi.md` is the same contract for programs that are not written in Rust.
#![cfg_attr(not(test), no_std)]

pub mod block;
pub mod boot;
pub mod config;
pub mod forged;
pub mod layout;
pub mod manager;
pub mod pd;
pub mod settings;
pub mod sigma0;
pub mod target;

/// Packs up to 16 bytes of a name into four little-endian words, zero padded; longer names are cut.
#[must_use]
pub fn name_words(name: &str) -> [u32; 4] {
    let mut bytes = [0; 16];
    let len = name.len().min(16);
    bytes[..len].copy_from_slice(&name.as_bytes()[..len]);
    let word = |i: usize| u32::from_le_bytes([bytes[i], bytes[i + 1], bytes[i + 2], bytes[i + 3]]);
    [word(0), word(4), word(8), word(12)]
}

/// The bytes of a name packed by [`name_words`]; the name ends at the first zero byte.
#[must_use]
pub fn name_bytes(words: [u32; 4]) -> ([u8; 16], usize) {
    let mut bytes = [0; 16];
    for (chunk, word) in bytes.chunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    let len = bytes.iter().position(|b| *b == 0).unwrap_or(16);
    (bytes, len)
}
