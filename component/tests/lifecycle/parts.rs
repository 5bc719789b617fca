//! Parts of a thread's state, as the wire protocol cuts it.

use thaw_component::service::ThreadState;
use thaw_protocol::{Activity, THREAD_LIVE, part};

pub fn get(state: &ThreadState, number: u32) -> Vec<u32> {
    match number {
        part::ACTIVITY => [&[THREAD_LIVE][..], &state.activity.to_words()].concat(),
        part::FRAME => state.frame.0.to_vec(),
        part::VFP_LOW => [&[state.vfp.fpscr][..], &state.vfp.d[..32]].concat(),
        part::VFP_HIGH => state.vfp.d[32..].to_vec(),
        n => {
            let at = (n - part::UTCB_0) as usize;
            state.utcb[part::UTCB_BOUNDS[at]..part::UTCB_BOUNDS[at + 1]].to_vec()
        }
    }
}

pub fn set(state: &mut ThreadState, number: u32, words: &[u32]) {
    assert_eq!(part::words(number), Some(words.len()));
    match number {
        part::ACTIVITY => {
            assert_eq!(words[0], THREAD_LIVE);
            state.activity = Activity::from_words(words[1..].try_into().expect("eight words"));
        }
        part::FRAME => state.frame.0.copy_from_slice(words),
        part::VFP_LOW => {
            state.vfp.fpscr = words[0];
            state.vfp.d[..32].copy_from_slice(&words[1..]);
        }
        part::VFP_HIGH => state.vfp.d[32..].copy_from_slice(words),
        n => {
            let at = (n - part::UTCB_0) as usize;
            state.utcb[part::UTCB_BOUNDS[at]..part::UTCB_BOUNDS[at + 1]].copy_from_slice(words);
        }
    }
}
