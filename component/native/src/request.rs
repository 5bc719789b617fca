//! One request: a call with words, answered with words.

use thaw_component::host::{HostError, HostResult};
use thaw_l4::{Cap, CapIndex, Gate, Kernel, Message, raw};

/// Calls the gate in `slot` and returns the first `N` words of the answer.
pub fn ask<K: Kernel, const N: usize>(kernel: &K, slot: u32, words: &[u32]) -> HostResult<[u32; N]> {
    let gate = Cap::<Gate>::new(CapIndex(slot));
    let tag = Message::new(kernel).slice(words).call(gate, raw::L4_PROTO_NONE);
    let tag = tag.map_err(|error| HostError(error.number()))?;
    if (tag.words() as usize) < N {
        return Err(HostError(raw::L4_EMSGTOOSHORT));
    }
    Ok(core::array::from_fn(|i| kernel.mr(i)))
}

/// Turns the refusal `end` into nothing: it ends a list.
pub fn until<T>(result: HostResult<T>, end: u32) -> HostResult<Option<T>> {
    match result {
        Ok(item) => Ok(Some(item)),
        Err(HostError(number)) if number == end => Ok(None),
        Err(error) => Err(error),
    }
}
