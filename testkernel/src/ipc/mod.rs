//! Synchronous IPC.
//!
//! A thread has no kernel stack. An operation is data ([`Op`]) and what is left of it is named by
//! the thread's [`Next`]: every point at which a real kernel could lose the CPU inside an operation
//! ends a step here, and the next step begins when the scheduler comes back to the thread. So a
//! cancelled thread aborts its own operation when it runs, exactly as there.

pub mod items;
pub mod phases;
pub mod queue;
pub mod reply;
pub mod transfer;

pub use queue::{Queue, Sender, SenderLink};
pub use reply::Slot;

use crate::{
    kernel::Kernel,
    object::{GateId, ThreadId},
    pure::tag::{Selector, Tag},
    thread::Next,
};

/// What an operation is part of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Kind {
    /// A system call: results go to r0 and r4.
    #[default]
    Syscall,
    /// A page-fault message to the pager, with the UTCB words it borrows (BDR, BR0, BR1, MR0, MR1).
    PageFault([u32; 5]),
    /// An exception message, with the borrowed words (BDR, BR0, BR1).
    Exception([u32; 3]),
}

/// The receive phase.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Receive {
    /// There is none.
    #[default]
    No,
    /// From anyone.
    Open,
    /// From this one only.
    Only(Sender),
}

/// An IPC operation in progress.
#[derive(Clone, Copy, Debug, Default)]
pub struct Op {
    /// What it is part of
    pub kind: Kind,
    /// Tag of the message to send
    pub tag: Tag,
    /// Destination and operation
    pub selector: Selector,
    /// Both timeouts
    pub timeouts: u32,
    /// Label that the receiver sees
    pub label: u32,
    /// Rights of the capability it is sent through
    pub rights: u8,
    /// Whom to send to, if anyone
    pub partner: Option<ThreadId>,
    /// The receive phase
    pub receive: Receive,
    /// The gate it waits at
    pub gate: Option<GateId>,
    /// The receive phase has come to wait
    pub waited: bool,
    /// The queued sender that will be served after the partner has been let go
    pub picked: Option<Sender>,
    /// Tag received, unless this is a system call
    pub result: Tag,
}

impl Kernel {
    /// Stores the tag that the operation returns.
    pub fn set_result(&mut self, thread: ThreadId, tag: Tag) {
        let t = &mut self.threads[thread];
        match t.op.kind {
            Kind::Syscall => t.regs.r[0] = tag.0,
            _ => t.op.result = tag,
        }
    }

    /// The tag as it stands.
    #[must_use]
    pub fn result(&self, thread: ThreadId) -> Tag {
        let t = &self.threads[thread];
        match t.op.kind {
            Kind::Syscall => Tag(t.regs.r[0]),
            _ => t.op.result,
        }
    }

    /// Stores the label that the operation returns.
    pub fn set_result_label(&mut self, thread: ThreadId, label: u32) {
        let t = &mut self.threads[thread];
        if t.op.kind == Kind::Syscall {
            t.regs.r[4] = label;
        }
    }

    /// Ends an operation with an IPC error and nothing else.
    pub fn fail(&mut self, thread: ThreadId, error: u32) {
        self.set_ipc_error(thread, error);
        self.set_result(thread, Tag::ERROR);
        self.op_done(thread);
    }

    /// The operation is over: what is it part of?
    pub fn op_done(&mut self, thread: ThreadId) {
        self.threads[thread].next = Next::User;
        match self.threads[thread].op.kind {
            Kind::Syscall => {}
            Kind::PageFault(saved) => self.page_fault_done(thread, saved),
            Kind::Exception(saved) => self.exception_done(thread, saved),
        }
    }
}
