//! State in the UTCB: words that a system call leaves alone.

use thaw_l4::{Kernel, Real, UTCB_WORDS, raw};

use super::Witness;
use crate::mix::mix;

const BDR: usize = raw::THAW_UTCB_BDR_WORD as usize;

/// Words that belong to the kernel.
const fn is_kernels(word: usize) -> bool {
    matches!(
        word as u32,
        raw::THAW_UTCB_SELF_WORD | raw::THAW_UTCB_ERROR_WORD | raw::THAW_UTCB_FREE_MARKER_WORD
    )
}

fn expected(salt: u32, word: usize) -> u32 {
    let value = mix(salt, word as u32, 0x0b5e);
    // The buffer descriptor keeps to its fields for buffer numbers.
    if word == BDR { value & 0x7fff } else { value }
}

/// Word `word` of the pattern, for messages that carry part of it.
#[must_use]
pub fn word(salt: u32, word: usize) -> u32 {
    expected(salt, word)
}

/// Fills the UTCB but for the kernel's words.
pub fn fill(kernel: &Real, salt: u32) {
    for word in (0..UTCB_WORDS).filter(|w| !is_kernels(*w)) {
        kernel.set_utcb_word(word, expected(salt, word));
    }
}

/// Checks message registers from `first_mr`, buffer registers and the user's words.
pub fn check(me: &impl Witness, salt: u32, first_mr: usize) {
    check_with(me, salt, first_mr, (0, &[]));
}

/// Writes the buffer descriptor and the first buffer registers.
pub fn set_buffers(kernel: &Real, descriptor: u32, buffers: &[u32]) {
    kernel.set_utcb_word(BDR, descriptor);
    for (n, buffer) in buffers.iter().enumerate() {
        kernel.set_utcb_word(raw::THAW_UTCB_BR_WORD as usize + n, *buffer);
    }
}

/// As [`check`], after [`set_buffers`].
pub fn check_with(me: &impl Witness, salt: u32, first_mr: usize, (descriptor, buffers): (u32, &[u32])) {
    let own =
        if buffers.is_empty() { BDR..BDR } else { BDR..raw::THAW_UTCB_BR_WORD as usize + buffers.len() };
    for word in own.clone() {
        let expected = if word == BDR { descriptor } else { buffers[word - raw::THAW_UTCB_BR_WORD as usize] };
        me.expect("buffer", expected, me.kernel().utcb_word(word));
    }
    for word in (first_mr..UTCB_WORDS).filter(|w| !is_kernels(*w) && !own.contains(w)) {
        let (expected, got) = (expected(salt, word), me.kernel().utcb_word(word));
        if expected != got {
            let name = me.name();
            me.fail(format_args!("{name}.utcb[{word}] expected {expected:#x} got {got:#x}"));
        }
    }
}
