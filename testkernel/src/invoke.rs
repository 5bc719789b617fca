//! The system call: whom it goes to, and how the answers of kernel objects come back.

use crate::{
    arch::cpu,
    ipc::{Kind, Op, Receive, Sender},
    kernel::Kernel,
    object::{Obj, ThreadId},
    pure::{
        rights::{CAP_S, CAP_W},
        tag::{Selector, Tag},
    },
    thread::{Next, Phase},
};
use l4_sys::raw as abi;

/// Answer of a kernel object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A result.
    Tag(Tag),
    /// None: the caller's receive phase, if any, is an ordinary one.
    NoReply,
    /// The object has started to wait or has answered by itself.
    Started,
}

/// An answer that is only a number.
#[must_use]
pub const fn result(label: i32) -> Answer {
    answer(label, 0, 0)
}

/// An answer with words and items.
#[must_use]
pub const fn answer(label: i32, words: u32, items: u32) -> Answer {
    Answer::Tag(Tag::new(label, words, items))
}

impl Kernel {
    /// An answer that is an IPC error.
    pub fn ipc_error(&mut self, caller: ThreadId, error: u32) -> Answer {
        self.set_ipc_error(caller, error);
        Answer::Tag(Tag::ERROR)
    }

    /// What the real kernels do and this one does not, it says loudly.
    #[must_use]
    pub fn unsupported(&self, what: &str, number: u32) -> Answer {
        crate::kprint!("testkernel: unsupported {what} {number:#x}\n");
        result(-(abi::L4_ENOSYS as i32))
    }

    /// What no kernel knows.
    #[must_use]
    pub const fn unknown() -> Answer {
        result(-(abi::L4_ENOSYS as i32))
    }

    /// The current thread has made a system call.
    pub fn syscall(&mut self) {
        let caller = self.current;
        let t = &mut self.threads[caller];
        t.flags.cancel = false;
        let r = &t.regs.r;
        t.op = Op { tag: Tag(r[0]), selector: Selector(r[2]), timeouts: r[3], label: r[4], ..Op::default() };
        if self.q.bare_selector_calls && self.threads[caller].op.selector.is_bare() {
            self.threads[caller].op.selector.0 |= abi::L4_SYSF_CALL;
        }
        if let Some(error) = self.injected_failure(caller) {
            return self.set_result(caller, Tag::new(error, 0, 0));
        }
        match self.target(caller) {
            Some((obj, attr)) => self.invoke(caller, obj, attr.rights, attr.server),
            None => self.fail(caller, abi::L4_IPC_ENOT_EXISTENT),
        }
    }

    fn target(&mut self, caller: ThreadId) -> Option<(Obj, Door)> {
        let selector = self.threads[caller].op.selector;
        if selector.replies() {
            let slot = self.reply_slot_of(caller, selector);
            let (thread, rights) = self.reply_take(slot)?;
            self.threads.get(thread)?;
            return Some((Obj::Thread(thread), Door { rights, server: false }));
        }
        if selector.is_self() || selector.explicit_reply() && self.q.reply_slots {
            return Some((Obj::Thread(caller), Door { rights: CAP_W | CAP_S, server: false }));
        }
        let cap = self.own_cap(caller, selector.index())?;
        Some((cap.obj, Door { rights: cap.attr.invoke_rights(), server: cap.attr.is_server() }))
    }

    /// Invokes an object with the current operation of `caller`.
    pub fn invoke(&mut self, caller: ThreadId, obj: Obj, rights: u8, server: bool) {
        let (tag, selector) = (self.threads[caller].op.tag, self.threads[caller].op.selector);
        self.threads[caller].op.rights = rights;
        match obj {
            Obj::Thread(thread) => {
                let control = selector.sends() && !selector.replies() && tag.label() == abi::L4_PROTO_THREAD;
                if !control {
                    return self.ipc_with(caller, thread);
                }
            }
            Obj::Gate(gate) => {
                let control = server && selector.sends() && tag.label() == abi::L4_PROTO_KOBJECT;
                if !control {
                    return self.invoke_gate(caller, gate, rights);
                }
            }
            _ => {}
        }
        // A task does not look at the operation.
        let asked = selector.sends() || matches!(obj, Obj::Task(_));
        let answer = if asked { self.ask(caller, obj, rights, tag) } else { Answer::NoReply };
        self.settle(caller, obj, answer);
    }

    fn ask(&mut self, caller: ThreadId, obj: Obj, rights: u8, tag: Tag) -> Answer {
        let receives = self.threads[caller].op.selector.receives();
        match obj {
            Obj::Task(id) => self.invoke_task(caller, id, rights, tag),
            Obj::Thread(id) => self.control_thread(caller, id, rights, tag),
            Obj::Gate(id) => self.control_gate(caller, id, rights, tag),
            Obj::Irq(id) => self.invoke_irq(caller, id, rights, tag),
            Obj::Semaphore(id) => self.invoke_semaphore(caller, id, rights, tag),
            Obj::Factory(id) => self.invoke_factory(caller, id, rights, tag, receives),
            Obj::Log => self.invoke_log(caller, tag),
            Obj::Icu => self.invoke_icu(caller, tag),
            Obj::Scheduler => self.invoke_scheduler(caller, tag),
            Obj::Debugger => self.invoke_debugger(caller, tag),
        }
    }

    /// Brings the answer of a kernel object to the caller.
    fn settle(&mut self, caller: ThreadId, obj: Obj, answer: Answer) {
        if self.threads.get(caller).is_none() {
            return;
        }
        let selector = self.threads[caller].op.selector;
        match answer {
            Answer::Started => {}
            Answer::Tag(tag) => {
                if selector.receives() || tag.is_error() {
                    self.set_result(caller, tag);
                }
                self.op_done(caller);
            }
            Answer::NoReply if selector.receives() => {
                let from = match obj {
                    Obj::Irq(irq) => Sender::Irq(irq),
                    _ => Sender::Thread(caller),
                };
                let op = &mut self.threads[caller].op;
                op.partner = None;
                op.receive = if selector.open_wait() { Receive::Open } else { Receive::Only(from) };
                if self.current == caller {
                    self.ipc(caller);
                } else {
                    // The object has let somebody else run: the receive phase begins later.
                    self.threads[caller].next = Next::Listen;
                }
            }
            Answer::NoReply => self.op_done(caller),
        }
    }

    /// Whether the registers saved at a `svc` are those of a system call, and which kind.
    pub fn enter_svc(&mut self) {
        let thread = self.current;
        let t = &mut self.threads[thread];
        let (mem_op, is_call) = if self.q.syscall_page {
            // The svc is in the page at 0xfffff000; the user's return address is in its lr.
            let page = t.regs.mode_lr;
            (page == 0xffff_fff4, matches!(page, 0xffff_fff4 | 0xffff_fff8))
        } else {
            (t.regs.r[5] == 1, t.regs.r[5] <= 1)
        };
        if !is_call {
            return self.svc_exception(thread);
        }
        if self.q.syscall_page {
            let t = &mut self.threads[thread];
            t.set_user_pc(t.regs.lr);
        }
        if mem_op {
            return self.memory_operation(thread);
        }
        self.syscall();
    }

    fn svc_exception(&mut self, thread: ThreadId) {
        let t = &mut self.threads[thread];
        if !self.q.syscall_page {
            t.regs.pc -= if t.regs.psr & 0x20 == 0 { 4 } else { 2 };
            t.kernel_lr = t.regs.pc;
        }
        let addr = t.regs.r[0];
        self.raise(thread, addr, abi::THAW_ERR_CLASS_SVC << abi::THAW_ERR_CLASS_SHIFT);
    }

    /// Cache maintenance for user memory. QEMU's caches hold nothing back, so a barrier will do.
    fn memory_operation(&mut self, thread: ThreadId) {
        cpu::flush_tlb();
        self.threads[thread].flags.cancel = false;
    }

    /// [`Next::Listen`]: starts a receive phase that had to wait for the CPU.
    pub fn listen_step(&mut self, thread: ThreadId) {
        self.threads[thread].phase = Phase::None;
        debug_assert!(self.threads[thread].op.kind == Kind::Syscall);
        self.ipc(thread);
    }
}

/// What an invocation brings along.
#[derive(Clone, Copy)]
struct Door {
    rights: u8,
    server: bool,
}
