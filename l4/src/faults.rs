//! Failures made on purpose: the n-th call of a kind is not made and fails. **For tests only.**
//!
//! [`Faulty`] stands between a program and its kernel, on any kernel. As long as nothing is
//! [ordered](Faults::order) it only passes calls on; who may order is for the program to say. What is
//! failed is what a kernel can refuse for want of memory or because of somebody else; taking away and
//! looking never fails.

use core::sync::atomic::{AtomicU32, Ordering};

use l4_sys::{MsgTag, Op, Revision, Selector, Timeouts, Vfp, raw};

use crate::{Answer, Kernel};

/// What fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum FaultKind {
    /// Making a kernel object: the factory has no quota left.
    Factory = 1,
    /// Mapping memory or a capability into a task: the kernel has no memory left.
    Map = 2,
    /// Controlling a thread, the scheduler, a gate or an IRQ object.
    Control = 3,
    /// A message sent without waiting for an answer: the receiver is not there.
    Message = 4,
    /// A call of another program.
    Request = 5,
    /// Not a system call: memory, a slot or quota of a program's own books.
    Allocation = 6,
    /// Not a system call: a write or flush of a disk.
    Write = 7,
}

impl FaultKind {
    const ALL: [Self; 7] = [
        Self::Factory,
        Self::Map,
        Self::Control,
        Self::Message,
        Self::Request,
        Self::Allocation,
        Self::Write,
    ];

    /// The kind with that number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u32 == number)
    }

    /// The kind of a system call; `first` is its first word. None: it is never failed.
    fn of(to: Selector, tag: MsgTag, first: u32) -> Option<Self> {
        match tag.label() {
            raw::L4_PROTO_FACTORY => Some(Self::Factory),
            raw::L4_PROTO_TASK => (first == raw::L4_TASK_MAP_OP).then_some(Self::Map),
            raw::L4_PROTO_KOBJECT
            | raw::L4_PROTO_THREAD
            | raw::L4_PROTO_SCHEDULER
            | raw::L4_PROTO_IRQ_SENDER
            | raw::L4_PROTO_IRQ => Some(Self::Control),
            _ => match to.op() {
                Op::SEND | Op::REPLY => Some(Self::Message),
                Op::CALL => Some(Self::Request),
                _ => None,
            },
        }
    }
}

/// At most one order.
pub struct Faults {
    kind: AtomicU32,
    left: AtomicU32,
}

impl Faults {
    /// No order.
    #[must_use]
    pub const fn new() -> Self {
        Self { kind: AtomicU32::new(0), left: AtomicU32::new(0) }
    }

    /// Orders that the `n`-th from now on of that kind fails; 0 takes the order back. Returns what was left
    /// of the order before: 0 if it was carried out.
    pub fn order(&self, kind: FaultKind, n: u32) -> u32 {
        self.kind.store(kind as u32, Ordering::Relaxed);
        self.left.swap(n, Ordering::Relaxed)
    }

    /// Counts one of that kind; whether it is the one that has to fail.
    pub fn strikes(&self, kind: FaultKind) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 || self.kind.load(Ordering::Relaxed) != kind as u32 {
            return false;
        }
        self.left.store(left - 1, Ordering::Relaxed);
        left == 1
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

/// A kernel of which calls can be made to fail.
pub struct Faulty<'f, K> {
    kernel: K,
    faults: &'f Faults,
}

impl<'f, K: Kernel> Faulty<'f, K> {
    /// Passes everything on to `kernel` but what `faults` strikes.
    pub const fn new(kernel: K, faults: &'f Faults) -> Self {
        Self { kernel, faults }
    }

    /// The kernel behind it.
    pub const fn inner(&self) -> &K {
        &self.kernel
    }
}

impl<K: Kernel> Kernel for Faulty<'_, K> {
    fn revision(&self) -> Revision {
        self.kernel.revision()
    }

    fn ipc(&self, to: Selector, tag: MsgTag, timeouts: Timeouts, label: u32) -> Answer {
        if self.faults.left.load(Ordering::Relaxed) != 0
            && let Some(kind) = FaultKind::of(to, tag, self.kernel.mr(0))
            && self.faults.strikes(kind)
        {
            return self.fail(kind);
        }
        self.kernel.ipc(to, tag, timeouts, label)
    }

    fn utcb_word(&self, i: usize) -> u32 {
        self.kernel.utcb_word(i)
    }

    fn set_utcb_word(&self, i: usize, value: u32) {
        self.kernel.set_utcb_word(i, value);
    }

    fn vfp_save(&self, to: &mut Vfp) {
        self.kernel.vfp_save(to);
    }

    fn vfp_load(&self, from: &Vfp) {
        self.kernel.vfp_load(from);
    }
}

impl<K: Kernel> Faulty<'_, K> {
    /// The answer of a kernel that refuses.
    fn fail(&self, kind: FaultKind) -> Answer {
        let tag = match kind {
            FaultKind::Message | FaultKind::Request => {
                self.kernel.set_utcb_word(raw::THAW_UTCB_ERROR_WORD as usize, raw::L4_IPC_ENOT_EXISTENT);
                MsgTag(raw::L4_MSGTAG_ERROR)
            }
            // A refusal of a kernel object is a negative label.
            _ => MsgTag::new(-(raw::L4_ENOMEM as i32), 0, 0, 0),
        };
        Answer { tag, label: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cap, CapIndex, Error, Factory, IpcError, Message, ObjectError, Task, fake::Fake};

    const NO_MEMORY: Error = Error::Object(ObjectError(raw::L4_ENOMEM));

    #[test]
    fn the_nth_of_its_kind_fails_and_is_not_made() {
        let faults = Faults::new();
        let k = Faulty::new(Fake::new(Revision::M), &faults);
        let factory = Cap::<Factory>::new(CapIndex(2));
        let make = |slot| factory.create_thread(&k, CapIndex(slot)).err();
        assert_eq!(faults.order(FaultKind::Factory, 2), 0);
        assert_eq!(make(0x100), None);
        assert!(Cap::<Task>::new(CapIndex(1)).cap_valid(&k, CapIndex(5)).is_ok());
        assert_eq!(make(0x101), Some(NO_MEMORY));
        assert_eq!(make(0x102), None);
        assert_eq!(k.inner().count(), 3);
        assert_eq!(faults.order(FaultKind::Factory, 0), 0);
    }

    #[test]
    fn an_order_can_be_taken_back() {
        let faults = Faults::new();
        faults.order(FaultKind::Write, 3);
        assert!(!faults.strikes(FaultKind::Write) && !faults.strikes(FaultKind::Allocation));
        assert_eq!(faults.order(FaultKind::Write, 0), 2);
        assert!((0..5).all(|_| !faults.strikes(FaultKind::Write)));
    }

    #[test]
    fn messages_fail_as_ipc_and_taking_away_never_fails() {
        let faults = Faults::new();
        let k = Faulty::new(Fake::new(Revision::G), &faults);
        let task = Cap::<Task>::new(CapIndex(1));
        faults.order(FaultKind::Map, 1);
        assert_eq!(task.unmap_cap(&k, CapIndex(9)), Ok(()));
        assert_eq!(task.map_cap(&k, task, CapIndex(9), CapIndex(10), 7, 0), Err(NO_MEMORY));
        faults.order(FaultKind::Request, 1);
        let called = Message::new(&k).word(0).call(task, raw::L4_PROTO_NONE).map(|_| ());
        assert_eq!(called, Err(Error::Ipc(IpcError(raw::L4_IPC_ENOT_EXISTENT))));
    }

    #[test]
    fn numbers_come_back() {
        for kind in FaultKind::ALL {
            assert_eq!(FaultKind::from_number(kind as u32), Some(kind));
        }
        assert_eq!(FaultKind::from_number(0), None);
    }
}
