//! IRQ objects: interrupts, of a device or of software, as messages.

use crate::{
    arch::gic,
    caps::Cap,
    invoke::{Answer, result},
    ipc::{Queue, Sender, SenderLink},
    kernel::Kernel,
    object::{Head, IrqId, Obj, ThreadId},
    pure::{rights::CAP_S, tag::Tag},
    thread::{ItemObject, Phase},
};
use l4_sys::raw as abi;

/// Bytes an IRQ object costs.
pub const IRQ_BYTES: u32 = 128;
const NO_LABEL: u32 = !0;

/// An IRQ object.
pub struct Irq {
    /// Common part
    pub head: Head,
    /// Who gets its messages
    pub thread: Option<ThreadId>,
    /// Their label
    pub label: u32,
    /// Its place among the senders of that thread
    pub link: SenderLink,
    /// Interrupts not yet delivered
    pub pending: u32,
    /// Interrupt of the controller it stands for
    pub pin: Option<u32>,
    /// Whether that is edge triggered
    pub edge: bool,
    /// Whether it has been masked until its message is taken
    masked: bool,
}

impl Irq {
    /// An object bound to nothing.
    #[must_use]
    pub const fn new(head: Head) -> Self {
        let link = SenderLink::EMPTY;
        Self { head, thread: None, label: NO_LABEL, link, pending: 0, pin: None, edge: true, masked: false }
    }
}

impl Kernel {
    fn irq_mask(&mut self, irq: IrqId) {
        if let Some(pin) = self.irqs[irq].pin {
            gic::mask(pin);
        }
    }

    /// Lets the device interrupt again.
    pub fn irq_unmask(&mut self, irq: IrqId) {
        if let Some(pin) = self.irqs[irq].pin {
            gic::unmask(pin);
        }
    }

    /// The interrupt has happened.
    pub fn irq_hit(&mut self, irq: IrqId) {
        if !self.irqs[irq].edge || self.irqs[irq].thread.is_none() {
            self.irq_mask(irq);
        }
        if self.q.irq_counts {
            self.irqs[irq].pending += 1;
            if self.irqs[irq].pending > 1 {
                return self.irq_mask_until_taken(irq);
            }
        } else {
            let i = &mut self.irqs[irq];
            if i.thread.is_none() && !i.edge {
                return;
            }
            if core::mem::replace(&mut i.pending, 1) != 0 {
                return self.irq_mask_until_taken(irq);
            }
        }
        self.irq_send_now(irq);
    }

    fn irq_mask_until_taken(&mut self, irq: IrqId) {
        self.irq_mask(irq);
        self.irqs[irq].masked = self.irqs[irq].edge;
    }

    fn irq_send_now(&mut self, irq: IrqId) {
        let (thread, label) = (self.irqs[irq].thread, self.irqs[irq].label);
        let Some(thread) = thread.filter(|&t| self.threads.get(t).is_some()) else { return };
        if self.irq_send(Sender::Irq(irq), thread, label) {
            self.irq_taken(irq, thread);
            self.irq_wake(thread);
        }
    }

    /// One message has been delivered.
    fn irq_taken(&mut self, irq: IrqId, thread: ThreadId) {
        let i = &mut self.irqs[irq];
        i.pending = if self.q.irq_counts { i.pending.saturating_sub(1) } else { 0 };
        let (pending, masked) = (i.pending, core::mem::take(&mut i.masked) && i.pending <= 1);
        if pending == 0 {
            self.dequeue(Sender::Irq(irq));
        } else if self.queued_at(Sender::Irq(irq)).is_none() {
            self.enqueue(Queue::Thread(thread), Sender::Irq(irq), crate::ipc::queue::IRQ_PRIO);
        }
        if masked {
            self.irq_unmask(irq);
        }
    }

    /// A receiver takes the queued interrupt.
    pub fn take_irq(&mut self, irq: IrqId, thread: ThreadId) {
        let label = self.irqs[irq].label;
        self.deliver_label(thread, label);
        self.irq_taken(irq, thread);
        self.threads[thread].phase = Phase::Taking;
    }

    /// Protocols -1, -10 and -18 to an IRQ object.
    pub fn invoke_irq(&mut self, caller: ThreadId, irq: IrqId, rights: u8, tag: Tag) -> Answer {
        let op = match (tag.label(), tag.words()) {
            (abi::L4_PROTO_IRQ, 0) => abi::THAW_IRQ_TRIGGER_OP,
            (_, 0) => return result(-(abi::L4_EINVAL as i32)),
            _ => self.utcb(caller, 0) & 0xffff,
        };
        match (tag.label(), op) {
            (abi::L4_PROTO_IRQ, abi::THAW_IRQ_TRIGGER_OP) => {
                self.irq_hit(irq);
                Answer::NoReply
            }
            (abi::L4_PROTO_IRQ, abi::THAW_IRQ_ATTACH_G_OP) if self.q.irq_attach => Answer::NoReply,
            (abi::L4_PROTO_IRQ, abi::THAW_IRQ_EOI_OP) => {
                if self.irqs[irq].pending == 0 {
                    self.irq_unmask(irq);
                }
                Answer::NoReply
            }
            (abi::L4_PROTO_KOBJECT, abi::THAW_BIND_OP) => self.bind_irq(caller, irq, rights, tag),
            (abi::L4_PROTO_IRQ_SENDER, abi::THAW_IRQ_ATTACH_G_OP) if self.q.irq_attach => {
                crate::warning!("Irq_sender::attach is deprecated, please use Rcv_endpoint::bind_thread.");
                self.bind_irq(caller, irq, rights | CAP_S, tag)
            }
            (abi::L4_PROTO_IRQ_SENDER, abi::THAW_IRQ_DETACH_OP) => self.detach_irq(irq),
            (abi::L4_PROTO_IRQ | abi::L4_PROTO_KOBJECT | abi::L4_PROTO_IRQ_SENDER, _) => Self::unknown(),
            _ => result(-(abi::L4_EBADPROTO as i32)),
        }
    }

    fn bind_irq(&mut self, caller: ThreadId, irq: IrqId, rights: u8, tag: Tag) -> Answer {
        if rights & CAP_S == 0 && !self.q.irq_attach {
            return result(-(abi::L4_EPERM as i32));
        }
        let thread = match self.item_object(caller, tag, 0) {
            ItemObject::Cap(Cap { obj: Obj::Thread(thread), attr }) if attr.invoke_rights() & CAP_S != 0 => {
                thread
            }
            ItemObject::Cap(Cap { obj: Obj::Thread(_), .. }) => return result(-(abi::L4_EPERM as i32)),
            ItemObject::NotACap => return self.ipc_error(caller, abi::L4_IPC_SEMSGCUT),
            _ if tag.items() == 0 && self.q.irq_attach => caller,
            _ => return result(-(abi::L4_EINVAL as i32)),
        };
        let label = self.utcb(caller, 1);
        let old = self.irqs[irq].thread.replace(thread);
        self.irqs[irq].label = label;
        if old == Some(thread) {
            return result(0);
        }
        self.dequeue(Sender::Irq(irq));
        if old.is_none() && self.q.irq_counts {
            self.irqs[irq].pending = 0;
        } else if self.irqs[irq].pending > 0 {
            self.irq_send_now(irq);
        }
        result(0)
    }

    /// Ends the binding of an IRQ object to a thread. The result tells whether one was pending (M).
    pub fn detach_irq(&mut self, irq: IrqId) -> Answer {
        if self.irqs[irq].thread.is_none() {
            return result(-(abi::L4_ENOENT as i32));
        }
        self.irq_mask(irq);
        let queued = self.queued_at(Sender::Irq(irq)).is_some();
        self.dequeue(Sender::Irq(irq));
        let counts = self.q.irq_counts;
        let i = &mut self.irqs[irq];
        i.thread = None;
        i.label = NO_LABEL;
        i.masked = i.edge;
        if counts || !i.edge {
            i.pending = 0;
        }
        result(i32::from(queued && !counts))
    }

    /// The thread behind an IRQ object is gone; what it had queued stays pending.
    pub fn irq_rejected(&mut self, irq: IrqId) {
        if let Some(i) = self.irqs.get_mut(irq) {
            i.thread = None;
        }
    }
}
