//! Who may write to the stream: the thread that began a record, until it ends it.
//!
//! User mode cannot mask interrupts, so a record can be interrupted by another thread of the program that
//! logs, too, perhaps of a higher priority. Waiting would never end then. So whoever comes while a record
//! is open writes nothing, and is counted.

use core::sync::atomic::{AtomicU32, Ordering};

/// In [`Owner::thread`]: no record is open.
const NOBODY: u32 = 0;

/// The right to write.
pub struct Owner {
    /// Address of the UTCB of the thread whose record is open.
    thread: AtomicU32,
    /// Records that this thread began inside its own: only the outermost is written.
    nested: AtomicU32,
    dropped: AtomicU32,
}

impl Owner {
    /// Nobody's.
    pub const fn new() -> Self {
        Self { thread: AtomicU32::new(NOBODY), nested: AtomicU32::new(0), dropped: AtomicU32::new(0) }
    }

    /// Begins a record of thread `me`; false if it is dropped.
    pub fn begin(&self, me: u32) -> bool {
        match self.thread.compare_exchange(NOBODY, me, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => return true,
            Err(owner) if owner == me => {
                self.nested.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        self.drop_one();
        false
    }

    /// Whether what `me` writes now belongs to the open record.
    pub fn writes(&self, me: u32) -> bool {
        self.thread.load(Ordering::Relaxed) == me && self.nested.load(Ordering::Relaxed) == 0
    }

    /// `me` ends a record, after whatever is left of it was written if [`writes`](Self::writes) says so.
    pub fn end(&self, me: u32) {
        if self.thread.load(Ordering::Relaxed) != me {
            return;
        }
        if self.nested.load(Ordering::Relaxed) != 0 {
            self.nested.fetch_sub(1, Ordering::Relaxed);
        } else {
            self.thread.store(NOBODY, Ordering::Release);
        }
    }

    /// Counts a record that is not written.
    pub fn drop_one(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Records dropped since the last call.
    pub fn take_dropped(&self) -> u32 {
        self.dropped.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn who_interrupts_an_open_record_is_dropped_and_counted() {
        let owner = Owner::new();
        assert!(owner.begin(1) && owner.writes(1));
        assert!(!owner.begin(2) && !owner.writes(2));
        owner.end(2);
        assert!(owner.writes(1), "the other's end is not ours");
        owner.end(1);
        assert!(!owner.writes(1));
        assert!(owner.begin(2));
        owner.end(2);
        assert_eq!((owner.take_dropped(), owner.take_dropped()), (1, 0));
    }

    #[test]
    fn a_record_inside_ones_own_is_dropped_and_the_outer_goes_on() {
        let owner = Owner::new();
        assert!(owner.begin(1));
        assert!(!owner.begin(1) && !owner.writes(1));
        assert!(!owner.begin(1));
        owner.end(1);
        assert!(!owner.writes(1), "one of two inner ones is still open");
        owner.end(1);
        assert!(owner.writes(1));
        owner.end(1);
        assert_eq!(owner.take_dropped(), 2);
    }

    /// Threads that log all the time: what is written is whole records, and none is lost uncounted.
    #[test]
    fn records_stay_whole_under_preemption() {
        const THREADS: u32 = 4;
        const RECORDS: u32 = 20_000;
        let (owner, inside, out) = (Owner::new(), AtomicBool::new(false), Mutex::new(0));
        std::thread::scope(|scope| {
            for me in 1..=THREADS {
                let (owner, inside, out) = (&owner, &inside, &out);
                scope.spawn(move || {
                    for n in 0..RECORDS {
                        owner.begin(me);
                        if owner.writes(me) {
                            assert!(!inside.swap(true, Ordering::AcqRel), "two at once");
                            if n % 64 == 0 {
                                std::thread::yield_now();
                            }
                            *out.lock().expect("no panic") += 1;
                            inside.store(false, Ordering::Release);
                        }
                        owner.end(me);
                    }
                });
            }
        });
        let written = *out.lock().expect("no panic");
        assert_eq!(written + owner.take_dropped(), THREADS * RECORDS);
        assert!(written > 0);
    }
}
