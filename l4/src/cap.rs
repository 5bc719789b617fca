//! Typed capabilities.

use core::marker::PhantomData;

use l4_sys::{CapIndex, Op, Selector};

/// A capability of a known kind. Owning the value does not own the slot.
pub struct Cap<T> {
    index: CapIndex,
    kind: PhantomData<fn() -> T>,
}

impl<T> Cap<T> {
    /// Names the capability at `index`; the kernel refuses operations if the kind is wrong.
    #[must_use]
    pub const fn new(index: CapIndex) -> Self {
        Self { index, kind: PhantomData }
    }

    /// The slot.
    #[must_use]
    pub const fn index(self) -> CapIndex {
        self.index
    }

    /// Selector for an operation on it.
    #[must_use]
    pub const fn select(self, op: Op) -> Selector {
        self.index.select(op)
    }

    /// The same slot seen as any kernel object.
    #[must_use]
    pub const fn erase(self) -> Cap<KernelObject> {
        Cap::new(self.index)
    }
}

impl<T> Clone for Cap<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Cap<T> {}

impl<T> PartialEq for Cap<T> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index
    }
}

impl<T> Eq for Cap<T> {}

impl<T> core::fmt::Debug for Cap<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Cap({:#x})", self.index.0)
    }
}

/// An object of any kind.
pub enum KernelObject {}
/// A protection domain of the kernel: address space and capability space.
pub enum Task {}
/// A thread.
pub enum Thread {}
/// An IPC gate.
pub enum Gate {}
/// An IRQ object.
pub enum Irq {}
/// The scheduler.
pub enum Scheduler {}
/// The kernel's log.
pub enum Log {}
/// The interrupt controller.
pub enum Icu {}
