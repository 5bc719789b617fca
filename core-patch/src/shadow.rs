//! Tags of calls that were staged.
//!
//! A staged caller has a tag of ours in r0 until it is answered. The next stop finds that there and looks up
//! here what the program had called with. Threads are known by the core's capability: the books of a set are
//! gone between two sessions.

use heapless::Vec;

/// Calls that are remembered; the oldest are forgotten first, and then show our tag.
const CALLS: usize = 256;

/// Tags that programs called with, by the caller's capability word.
pub(crate) struct Shadow {
    calls: Vec<(u32, u32), CALLS>,
}

impl Shadow {
    pub(crate) const fn new() -> Self {
        Self { calls: Vec::new() }
    }

    /// The staged call of `thread` was made with `tag`.
    pub(crate) fn note(&mut self, thread: u32, tag: u32) {
        self.forget(thread);
        if self.calls.is_full() {
            self.calls.remove(0);
        }
        // There is room now.
        let _ = self.calls.push((thread, tag));
    }

    /// The tag of the staged call of `thread`.
    pub(crate) fn tag(&self, thread: u32) -> Option<u32> {
        self.calls.iter().find(|(who, _)| *who == thread).map(|(_, tag)| *tag)
    }

    /// `thread` is not in a staged call any more.
    pub(crate) fn forget(&mut self, thread: u32) {
        if let Some(at) = self.calls.iter().position(|(who, _)| *who == thread) {
            self.calls.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tag_of_a_thread_is_remembered_until_it_is_forgotten() {
        let mut shadow = Shadow::new();
        shadow.note(7, 0x11_0001);
        shadow.note(8, 0x22_0002);
        shadow.note(7, 0x33_0003);
        assert_eq!((shadow.tag(7), shadow.tag(8), shadow.tag(9)), (Some(0x33_0003), Some(0x22_0002), None));
        shadow.forget(7);
        assert_eq!((shadow.tag(7), shadow.tag(8)), (None, Some(0x22_0002)));
    }

    #[test]
    fn the_oldest_call_makes_room() {
        let mut shadow = Shadow::new();
        (0..=CALLS as u32).for_each(|thread| shadow.note(thread, thread + 1));
        assert_eq!((shadow.tag(0), shadow.tag(1), shadow.tag(256)), (None, Some(2), Some(257)));
    }
}
