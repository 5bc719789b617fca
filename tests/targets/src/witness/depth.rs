//! State in the depth of the stack.

use core::hint::black_box;

use super::Witness;
use crate::mix::mix;

/// Runs `inner` below `levels` stack frames, each with words of its own that are checked afterwards.
#[inline(never)]
pub fn at_depth(me: &impl Witness, levels: u32, salt: u32, inner: &mut dyn FnMut() -> u32) -> u32 {
    if levels == 0 {
        return inner();
    }
    let mut words = [0, 1, 2, 3, 4].map(|i| mix(salt, levels, i));
    // The compiler must keep the words where they are and look again.
    black_box(&mut words);
    let result = at_depth(me, levels - 1, salt, inner);
    black_box(&mut words);
    for (word, i) in words.iter().zip(0..) {
        me.expect("stack", mix(salt, levels, i), *word);
    }
    result
}
