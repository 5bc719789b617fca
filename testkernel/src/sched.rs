//! Scheduling: fixed priorities, round robin within one, time-slice donation.
//!
//! The ready list is lazy in both directions, as the real one is: a blocked thread stays in it
//! until the scheduler comes across it, and a thread that is switched to directly need not be in it.
//! The order in which threads get in decides the order in which they run, so the two ways of
//! entering (in front, when they become ready or are preempted; at the end, when their slice is
//! used up) matter.

use crate::{kernel::Kernel, object::ThreadId};

/// Number of priorities.
const PRIOS: usize = 256;

/// The ready list and whose time slice is being used.
pub struct ReadyQueue {
    first: [Option<ThreadId>; PRIOS],
    last: [Option<ThreadId>; PRIOS],
    /// Whose time slice it is; `None` when it has ended.
    pub slice: Option<ThreadId>,
    /// When it ends.
    pub slice_end: Option<u64>,
}

impl ReadyQueue {
    /// Nobody is ready.
    pub const EMPTY: Self = Self { first: [None; PRIOS], last: [None; PRIOS], slice: None, slice_end: None };
}

impl Kernel {
    fn prio(&self, thread: ThreadId) -> u32 {
        self.threads.get(thread).map_or(0, |t| t.sched.prio)
    }

    fn highest(&self) -> ThreadId {
        self.rq.first.iter().rev().find_map(|t| *t).expect("the idle thread is always ready")
    }

    fn list_insert(&mut self, thread: ThreadId, front: bool) {
        let prio = self.prio(thread) as usize;
        let (next, prev) = if front { (self.rq.first[prio], None) } else { (None, self.rq.last[prio]) };
        let s = &mut self.threads[thread].sched;
        (s.listed, s.next, s.prev) = (true, next, prev);
        match next {
            Some(next) => self.threads[next].sched.prev = Some(thread),
            None => self.rq.last[prio] = Some(thread),
        }
        match prev {
            Some(prev) => self.threads[prev].sched.next = Some(thread),
            None => self.rq.first[prio] = Some(thread),
        }
    }

    /// Takes a thread out of the ready list.
    pub fn ready_remove(&mut self, thread: ThreadId) {
        let s = self.threads[thread].sched;
        if !s.listed {
            return;
        }
        let prio = s.prio as usize;
        match s.next {
            Some(next) => self.threads[next].sched.prev = s.prev,
            None => self.rq.last[prio] = s.prev,
        }
        match s.prev {
            Some(prev) => self.threads[prev].sched.next = s.next,
            None => self.rq.first[prio] = s.next,
        }
        let s = &mut self.threads[thread].sched;
        (s.listed, s.next, s.prev) = (false, None, None);
    }

    /// Puts a thread in front of its priority, if it is not in the list.
    pub fn ready_insert(&mut self, thread: ThreadId) {
        if !self.threads[thread].sched.listed {
            self.list_insert(thread, true);
        }
    }

    /// Puts a thread at the end of its priority.
    fn ready_rotate(&mut self, thread: ThreadId) {
        self.ready_remove(thread);
        self.list_insert(thread, false);
    }

    /// Starts to use another thread's time slice.
    pub fn use_slice(&mut self, thread: ThreadId) {
        let now = self.now();
        if let Some(old) = self.rq.slice {
            let left = self.rq.slice_end.map_or(0, |end| end.saturating_sub(now));
            let s = &mut self.threads[old].sched;
            s.left = if left > 0 { left } else { s.quantum };
        }
        self.rq.slice = Some(thread);
        self.rq.slice_end = Some(now + self.threads[thread].sched.left);
    }

    /// The slice has ended: its owner goes to the end of its priority.
    pub fn slice_expired(&mut self) {
        self.rq.slice_end = None;
        if let Some(thread) = self.rq.slice.take() {
            let s = &mut self.threads[thread].sched;
            s.left = s.quantum;
            self.ready_rotate(thread);
        }
    }

    /// Makes a thread that has become ready known. True: it may preempt the current one; then, if
    /// `lazy`, it has not been entered and must be switched to.
    pub fn deblock(&mut self, thread: ThreadId, lazy: bool) -> bool {
        let prio = self.prio(thread);
        let outranked = if self.rq.slice == Some(thread) {
            self.prio(self.current) > prio
        } else {
            self.rq.slice.is_some_and(|s| self.prio(s) > prio) || self.prio(self.current) > prio
        };
        if outranked || !lazy {
            self.ready_insert(thread);
        }
        !outranked
    }

    /// Runs `thread` on whatever slice is in use. The one that ran stays in the list if it is ready.
    pub fn switch_to(&mut self, thread: ThreadId) {
        let old = self.current;
        if self.threads.get(old).is_some_and(|t| t.flags.ready) {
            self.ready_insert(old);
        }
        self.current = thread;
    }

    /// Runs `thread` on its own slice.
    pub fn switch_with_slice(&mut self, thread: ThreadId) {
        if self.rq.slice != Some(thread) {
            self.use_slice(thread);
        }
        if thread != self.current {
            self.switch_to(thread);
        }
    }

    /// Chooses who runs next.
    pub fn schedule(&mut self) {
        let old = self.current;
        if self.threads.get(old).is_some_and(|t| t.flags.ready) {
            self.ready_insert(old);
        }
        loop {
            let next = self.highest();
            if self.threads[next].flags.ready {
                return self.switch_with_slice(next);
            }
            self.ready_remove(next);
        }
    }

    /// Makes a thread ready and switches to it if it may preempt.
    pub fn activate(&mut self, thread: ThreadId) {
        self.threads[thread].flags.ready = true;
        if self.deblock(thread, true) {
            self.switch_with_slice(thread);
        }
    }

    /// New parameters; the first time round this is what starts a thread.
    pub fn set_schedule(&mut self, thread: ThreadId, prio: u32, quantum: u64) {
        self.ready_remove(thread);
        let s = &mut self.threads[thread].sched;
        let placed = core::mem::replace(&mut s.placed, true);
        (s.prio, s.quantum, s.left) = (prio, quantum, quantum);
        if self.rq.slice == Some(thread) {
            self.use_slice(thread);
        }
        if !self.threads[thread].flags.ready {
            return;
        }
        if placed {
            self.ready_insert(thread);
            self.schedule();
        } else if self.deblock(thread, false) {
            self.schedule();
        }
    }

    /// A thread is about to vanish.
    pub fn sched_forget(&mut self, thread: ThreadId) {
        self.threads[thread].flags.ready = false;
        self.ready_remove(thread);
        if self.rq.slice == Some(thread) {
            self.rq.slice = None;
            self.rq.slice_end = None;
        }
    }
}
