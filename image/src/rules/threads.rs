//! Rules of threads: who calls has a link, who sends stands in a queue, and the other way round.

use super::{Rules, Summary, contradiction};
use crate::record::{Activity, At, Kind, Link, Queued, Thread, ThreadState};
use crate::{MAX_THREADS, Refusal};

const _: () = assert!(MAX_THREADS <= u64::BITS);

/// What the records so far said about threads; sets have one bit per thread.
pub struct Threads {
    live: u64,
    callers: u64,
    senders: u64,
    linked: u64,
    queued: u64,
    /// Server of each caller, receiver of each sender.
    peer: [u32; MAX_THREADS as usize],
    /// The thread that names the highest IRQ, and that IRQ.
    highest_irq: Option<(u32, u32)>,
    /// Receiver and position of the last record of a queue.
    queue_end: Option<(u32, u32)>,
}

impl Threads {
    pub fn new() -> Self {
        Self {
            live: 0,
            callers: 0,
            senders: 0,
            linked: 0,
            queued: 0,
            peer: [0; MAX_THREADS as usize],
            highest_irq: None,
            queue_end: None,
        }
    }

    pub fn finish(&self, summary: &Summary) -> Result<(), Refusal> {
        let unlinked = self.callers & !self.linked;
        if unlinked != 0 {
            return Err(Refusal::Missing { kind: Kind::Link, index: unlinked.trailing_zeros() });
        }
        let unqueued = self.senders & !self.queued;
        if unqueued != 0 {
            return Err(Refusal::Missing { kind: Kind::Queued, index: unqueued.trailing_zeros() });
        }
        match self.highest_irq {
            Some((index, target)) if target >= summary.count(Kind::Irq) => {
                Err(Refusal::Reference { kind: Kind::Thread, index, to: Kind::Irq, target })
            }
            _ => Ok(()),
        }
    }
}

impl Rules {
    pub(crate) fn thread(&mut self, at: At, thread: &Thread) -> Result<(), Refusal> {
        let bit = 1u64 << at.index;
        match thread.state {
            ThreadState::Hole if *thread != Thread::HOLE => {
                return contradiction(Kind::Thread, at, "hole-empty");
            }
            ThreadState::Hole | ThreadState::NeverStarted | ThreadState::Dead => return Ok(()),
            ThreadState::Live(activity) => self.activity(at, activity),
        }
        self.threads.live |= bit;
        Ok(())
    }

    /// Notes whom a live thread waits for; whether that one exists, its link or place tells.
    fn activity(&mut self, at: At, activity: Activity) {
        let bit = 1u64 << at.index;
        self.summary.held |= matches!(activity, Activity::SemaphoreWait { .. });
        let threads = &mut self.threads;
        match activity {
            Activity::Call { server, .. } => {
                threads.callers |= bit;
                threads.peer[at.index as usize] = server;
            }
            Activity::Send { receiver, .. } => {
                threads.senders |= bit;
                threads.peer[at.index as usize] = receiver;
            }
            Activity::IrqWait { irq: Some(irq), .. }
                if threads.highest_irq.is_none_or(|(_, highest)| irq > highest) =>
            {
                threads.highest_irq = Some((at.index, irq));
            }
            _ => {}
        }
    }

    pub(crate) fn link(&mut self, at: At, link: &Link) -> Result<(), Refusal> {
        self.live(Kind::Link, at, link.client)?;
        self.live(Kind::Link, at, link.server)?;
        let bit = 1u64 << link.client;
        let threads = &mut self.threads;
        if threads.callers & bit == 0 || threads.peer[link.client as usize] != link.server {
            return contradiction(Kind::Link, at, "link-of-call");
        }
        if threads.linked & bit != 0 {
            return contradiction(Kind::Link, at, "one-link");
        }
        threads.linked |= bit;
        Ok(())
    }

    pub(crate) fn queued(&mut self, at: At, queued: &Queued) -> Result<(), Refusal> {
        self.live(Kind::Queued, at, queued.receiver)?;
        self.live(Kind::Queued, at, queued.sender)?;
        let bit = 1u64 << queued.sender;
        let threads = &mut self.threads;
        if threads.senders & bit == 0 || threads.peer[queued.sender as usize] != queued.receiver {
            return contradiction(Kind::Queued, at, "place-of-send");
        }
        if threads.queued & bit != 0 {
            return contradiction(Kind::Queued, at, "one-place");
        }
        let next = match threads.queue_end {
            Some((receiver, _)) if receiver > queued.receiver => {
                return contradiction(Kind::Queued, at, "queues-ascend");
            }
            Some((receiver, position)) if receiver == queued.receiver => position + 1,
            _ => 0,
        };
        if queued.position != next {
            return at.field(Kind::Queued, "position", queued.position);
        }
        threads.queued |= bit;
        threads.queue_end = Some((queued.receiver, queued.position));
        Ok(())
    }

    fn live(&self, kind: Kind, at: At, thread: u32) -> Result<(), Refusal> {
        self.reference(kind, at, Kind::Thread, thread)?;
        if self.threads.live & (1 << thread) == 0 {
            return contradiction(kind, at, "thread-lives");
        }
        Ok(())
    }
}
