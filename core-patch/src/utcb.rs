//! Saving and loading the UTCBs of held threads, eight at a time.

use l4_sys::{UTCB_WORDS, UtcbImage};
use thaw_l4::Kernel;
use thaw_protocol::Error;

use crate::{Engine, Host, set::bits, stub::Stub};

/// UTCB images that fit in the window's data page.
const BATCH: usize = 4096 / (UTCB_WORDS * 4);

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Reads the UTCBs of the held threads in `mask` into the books, once in a stop: after that a stub may have
    /// changed them.
    pub(crate) fn save_utcbs(&mut self, mask: u64) -> Result<(), Error> {
        self.in_batches(mask & !self.saved(), |engine, batch| {
            for (place, index) in batch.iter().enumerate() {
                engine.start_utcb_stub(*index, place, Stub::Save)?;
            }
            engine.quiesce()?;
            for (place, index) in batch.iter().enumerate() {
                engine.finish_stub(*index, Stub::Save)?;
                for word in 0..UTCB_WORDS {
                    let value = engine.host.window_word(place * UTCB_WORDS + word);
                    engine.set.entries[*index].utcb[word] = value;
                }
                engine.set.entries[*index].utcb_saved = true;
            }
            Ok(())
        })
    }

    /// Writes the UTCBs of the held threads in `mask` from the books.
    pub(crate) fn load_utcbs(&mut self, mask: u64) -> Result<(), Error> {
        self.in_batches(mask, |engine, batch| {
            for (place, index) in batch.iter().enumerate() {
                for word in 0..UTCB_WORDS {
                    let value = engine.set.entries[*index].utcb[word];
                    engine.host.set_window_word(place * UTCB_WORDS + word, value);
                }
                engine.start_utcb_stub(*index, place, Stub::Load)?;
            }
            engine.quiesce()?;
            for index in batch {
                engine.finish_stub(*index, Stub::Load)?;
                engine.set.entries[*index].utcb_stale = false;
            }
            Ok(())
        })
    }

    /// Gives one held thread a UTCB that is not the one in the books.
    pub(crate) fn load_other_utcb(&mut self, index: usize, image: &UtcbImage) -> Result<(), Error> {
        for (word, value) in image.iter().enumerate() {
            self.host.set_window_word(word, *value);
        }
        self.set.entries[index].utcb_stale = true;
        self.start_utcb_stub(index, 0, Stub::Load)?;
        self.quiesce()?;
        self.finish_stub(index, Stub::Load).map(|_| ())
    }

    fn start_utcb_stub(&mut self, index: usize, place: usize, stub: Stub) -> Result<(), Error> {
        let buffer = self.env.pd_window + 4096 + (place * UTCB_WORDS * 4) as u32;
        // From the core's books: TPIDRURW is the thread's to change.
        let utcb = self.set.entries[index].info.map_or(0, |info| info.utcb);
        self.start_stub(index, stub, &[(0, buffer), (1, utcb)])
    }

    fn in_batches(
        &mut self,
        mask: u64,
        mut each: impl FnMut(&mut Self, &[usize]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut batch = [0; BATCH];
        let mut filled = 0;
        for index in bits(mask) {
            batch[filled] = index;
            filled += 1;
            if filled == BATCH {
                each(self, &batch)?;
                filled = 0;
            }
        }
        if filled > 0 { each(self, &batch[..filled]) } else { Ok(()) }
    }
}
