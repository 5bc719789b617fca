//! Queues of senders: by priority, first come first served within one.

use crate::{
    kernel::Kernel,
    object::{GateId, IrqId, SemaphoreId, ThreadId},
};

/// Who can send a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sender {
    /// A thread
    Thread(ThreadId),
    /// An IRQ object
    Irq(IrqId),
    /// Nobody: a wait that no message ends.
    Nobody,
}

/// What can be queued at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Queue {
    /// A receiver
    Thread(ThreadId),
    /// A gate without a thread
    Gate(GateId),
    /// A semaphore
    Semaphore(SemaphoreId),
}

/// A sender's place in a queue.
#[derive(Clone, Copy, Default, Debug)]
pub struct SenderLink {
    /// Which queue it is in.
    pub queue: Option<Queue>,
    next: Option<Sender>,
    prio: u32,
}

impl SenderLink {
    /// In no queue.
    pub const EMPTY: Self = Self { queue: None, next: None, prio: 0 };
}

/// Priority of interrupts among the senders.
pub const IRQ_PRIO: u32 = 255;

impl Kernel {
    fn link_mut(&mut self, sender: Sender) -> Option<&mut SenderLink> {
        match sender {
            Sender::Thread(id) => self.threads.get_mut(id).map(|t| &mut t.link),
            Sender::Irq(id) => self.irqs.get_mut(id).map(|i| &mut i.link),
            Sender::Nobody => None,
        }
    }

    fn link(&self, sender: Sender) -> SenderLink {
        match sender {
            Sender::Thread(id) => self.threads.get(id).map(|t| t.link),
            Sender::Irq(id) => self.irqs.get(id).map(|i| i.link),
            Sender::Nobody => None,
        }
        .unwrap_or_default()
    }

    /// First of a queue.
    #[must_use]
    pub fn queue_first(&self, queue: Queue) -> Option<Sender> {
        match queue {
            Queue::Thread(id) => self.threads.get(id)?.senders,
            Queue::Gate(id) => self.gates.get(id)?.senders,
            Queue::Semaphore(id) => self.semaphores.get(id)?.waiting,
        }
    }

    fn set_queue_first(&mut self, queue: Queue, first: Option<Sender>) {
        match queue {
            Queue::Thread(id) => self.threads[id].senders = first,
            Queue::Gate(id) => self.gates[id].senders = first,
            Queue::Semaphore(id) => self.semaphores[id].waiting = first,
        }
    }

    /// Which queue a sender is in.
    #[must_use]
    pub fn queued_at(&self, sender: Sender) -> Option<Queue> {
        self.link(sender).queue
    }

    /// The one behind a sender in its queue.
    #[must_use]
    pub fn queue_next(&self, sender: Sender) -> Option<Sender> {
        self.link(sender).next
    }

    /// Queues a sender.
    pub fn enqueue(&mut self, queue: Queue, sender: Sender, prio: u32) {
        let mut before = None;
        let mut at = self.queue_first(queue);
        while let Some(other) = at {
            let link = self.link(other);
            if link.prio < prio {
                break;
            }
            before = at;
            at = link.next;
        }
        if let Some(link) = self.link_mut(sender) {
            *link = SenderLink { queue: Some(queue), next: at, prio };
        }
        match before.and_then(|b| self.link_mut(b)) {
            Some(link) => link.next = Some(sender),
            None => self.set_queue_first(queue, Some(sender)),
        }
    }

    /// Takes a sender out of the queue it is in, if any.
    pub fn dequeue(&mut self, sender: Sender) {
        let SenderLink { queue: Some(queue), next, .. } = self.link(sender) else { return };
        let mut before = None;
        let mut at = self.queue_first(queue);
        while let Some(other) = at.filter(|&o| o != sender) {
            before = at;
            at = self.link(other).next;
        }
        match before.and_then(|b| self.link_mut(b)) {
            Some(link) => link.next = next,
            None => self.set_queue_first(queue, next),
        }
        if let Some(link) = self.link_mut(sender) {
            *link = SenderLink::default();
        }
    }
}
