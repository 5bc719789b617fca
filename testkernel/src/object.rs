//! Kinds of kernel objects and what all of them have in common.

use crate::{
    factory::Factory, gate::Gate, irq::Irq, kernel::Kernel, mem::arena::Id, mem::mapdb::Node,
    semaphore::Semaphore, task::Task, thread::Thread,
};

/// Names a task.
pub type TaskId = Id<Task>;
/// Names a thread.
pub type ThreadId = Id<Thread>;
/// Names an IPC gate.
pub type GateId = Id<Gate>;
/// Names an IRQ object.
pub type IrqId = Id<Irq>;
/// Names a semaphore.
pub type SemaphoreId = Id<Semaphore>;
/// Names a factory.
pub type FactoryId = Id<Factory>;
/// Names a memory mapping.
pub type NodeId = Id<Node>;

/// A kernel object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obj {
    /// Address and capability space
    Task(TaskId),
    /// Thread
    Thread(ThreadId),
    /// IPC gate
    Gate(GateId),
    /// IRQ sender
    Irq(IrqId),
    /// Semaphore
    Semaphore(SemaphoreId),
    /// Factory
    Factory(FactoryId),
    /// The kernel's console
    Log,
    /// Interrupt controller
    Icu,
    /// Scheduler
    Scheduler,
    /// Debugger
    Debugger,
}

impl Obj {
    /// As two words of a capability slot; the first is never 0.
    #[must_use]
    pub const fn words(self) -> (u32, u32) {
        match self {
            Self::Task(id) => (1, id.word()),
            Self::Thread(id) => (2, id.word()),
            Self::Gate(id) => (3, id.word()),
            Self::Irq(id) => (4, id.word()),
            Self::Semaphore(id) => (5, id.word()),
            Self::Factory(id) => (6, id.word()),
            Self::Log => (7, 0),
            Self::Icu => (8, 0),
            Self::Scheduler => (9, 0),
            Self::Debugger => (10, 0),
        }
    }

    /// Back from the words of a slot.
    #[must_use]
    pub const fn from_words(kind: u32, id: u32) -> Option<Self> {
        Some(match kind {
            1 => Self::Task(Id::from_word(id)),
            2 => Self::Thread(Id::from_word(id)),
            3 => Self::Gate(Id::from_word(id)),
            4 => Self::Irq(Id::from_word(id)),
            5 => Self::Semaphore(Id::from_word(id)),
            6 => Self::Factory(Id::from_word(id)),
            7 => Self::Log,
            8 => Self::Icu,
            9 => Self::Scheduler,
            10 => Self::Debugger,
            _ => return None,
        })
    }
}

/// No capability.
pub const NO_KEY: u32 = !0;

/// What every object with a life of its own carries.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// First of the capabilities that name it, as a key (task index and slot).
    pub first: u32,
    /// How many of them count.
    pub counted: u32,
    /// Who pays for it.
    pub quota: Option<FactoryId>,
    /// What is paid.
    pub bytes: u32,
    /// Number of the object for people, never used again.
    pub serial: u32,
}

impl Kernel {
    /// The head of an object; the four built-in objects have none.
    pub fn head_mut(&mut self, obj: Obj) -> Option<&mut Head> {
        match obj {
            Obj::Task(id) => self.tasks.get_mut(id).map(|o| &mut o.head),
            Obj::Thread(id) => self.threads.get_mut(id).map(|o| &mut o.head),
            Obj::Gate(id) => self.gates.get_mut(id).map(|o| &mut o.head),
            Obj::Irq(id) => self.irqs.get_mut(id).map(|o| &mut o.head),
            Obj::Semaphore(id) => self.semaphores.get_mut(id).map(|o| &mut o.head),
            Obj::Factory(id) => self.factories.get_mut(id).map(|o| &mut o.head),
            Obj::Log | Obj::Icu | Obj::Scheduler | Obj::Debugger => None,
        }
    }

    /// A head for a new object paid for by `quota`.
    pub fn new_head(&mut self, quota: Option<FactoryId>, bytes: u32) -> Head {
        self.serial += 1;
        Head { first: NO_KEY, counted: 0, quota, bytes, serial: self.serial }
    }
}
