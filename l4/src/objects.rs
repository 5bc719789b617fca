//! Operations of the kernel's objects.

use l4_sys::{CapIndex, Fpage, RecvBuffer, SendItem, Timeout, Timeouts, raw};

use crate::{
    Cap, Gate, Icu, Irq, Kernel, Log, Message, Result, Scheduler, Task, Thread,
    ipc::{check, set_buffers},
};

/// The kernel's object factory.
pub enum Factory {}

impl Cap<Factory> {
    fn create<K: Kernel>(self, k: &K, slot: CapIndex, message: Message<'_, K>) -> Result<()> {
        set_buffers(k, &[RecvBuffer::capability(slot)], false);
        message.call(self, raw::L4_PROTO_FACTORY).map(|_| ())
    }

    /// Makes a thread, without task and unable to run yet. Corresponds to `l4_factory_create_thread`.
    pub fn create_thread<K: Kernel>(self, k: &K, slot: CapIndex) -> Result<Cap<Thread>> {
        self.create(k, slot, Message::new(k).word(raw::L4_PROTO_THREAD as u32))?;
        Ok(Cap::new(slot))
    }

    /// Makes a task whose UTCB area is `utcb_area`. Corresponds to `l4_factory_create_task`.
    pub fn create_task<K: Kernel>(self, k: &K, slot: CapIndex, utcb_area: Fpage) -> Result<Cap<Task>> {
        let message = Message::new(k).word(raw::L4_PROTO_TASK as u32).word(4).word(utcb_area.0);
        self.create(k, slot, message)?;
        Ok(Cap::new(slot))
    }

    /// Makes a gate bound to `thread`; `label` is a multiple of four. Corresponds to `l4_factory_create_gate`.
    pub fn create_gate<K: Kernel>(
        self,
        k: &K,
        slot: CapIndex,
        thread: Cap<Thread>,
        label: u32,
    ) -> Result<Cap<Gate>> {
        let message = Message::new(k).word(raw::THAW_FACTORY_GATE).word(1).word(label);
        self.create(k, slot, message.item(SendItem::object(thread.index())))?;
        Ok(Cap::new(slot))
    }

    /// Makes a semaphore. Corresponds to `l4_factory_create_semaphore`; it is raised like an IRQ object.
    pub fn create_semaphore<K: Kernel>(self, k: &K, slot: CapIndex) -> Result<Cap<Irq>> {
        self.create(k, slot, Message::new(k).word(raw::L4_PROTO_SEMAPHORE as u32))?;
        Ok(Cap::new(slot))
    }

    /// Makes an IRQ object. Corresponds to `l4_factory_create_irq`.
    pub fn create_irq<K: Kernel>(self, k: &K, slot: CapIndex) -> Result<Cap<Irq>> {
        self.create(k, slot, Message::new(k).word(raw::L4_PROTO_IRQ_SENDER as u32))?;
        Ok(Cap::new(slot))
    }
}

impl Cap<Task> {
    /// Maps `what` from task `from` into this task. Corresponds to `l4_task_map`.
    ///
    /// `base` is where it goes: an address or capability word; `attr` are `raw::THAW_ITEM_*` or
    /// `raw::THAW_MEM_*` bits. A capability without the right R maps nothing and is no error.
    pub fn map<K: Kernel>(self, k: &K, from: Cap<Task>, what: Fpage, base: u32, attr: u32) -> Result<()> {
        Message::new(k)
            .word(raw::L4_TASK_MAP_OP)
            .word((base & !0xfff) | raw::L4_ITEM_MAP | (attr & 0xf0))
            .word(what.0)
            .item(SendItem::object(from.index()))
            .call(self, raw::L4_PROTO_TASK)
            .map(|_| ())
    }

    /// Maps a capability with `rights` into `slot` of this task, emptying the slot first: mapping onto
    /// an occupied slot would delete an object whose capability carries the right to.
    pub fn map_cap<K: Kernel>(
        self,
        k: &K,
        from: Cap<Task>,
        what: CapIndex,
        slot: CapIndex,
        rights: u32,
        attr: u32,
    ) -> Result<()> {
        self.unmap_cap(k, slot)?;
        self.map(k, from, Fpage::object(what, rights), slot.word(), attr)
    }

    /// Takes away `what`; `mask` is `raw::L4_FP_OTHER_SPACES`, `raw::THAW_UNMAP_SELF_BIT` or
    /// `raw::THAW_UNMAP_DELETE_BITS`. Corresponds to `l4_task_unmap`.
    pub fn unmap<K: Kernel>(self, k: &K, what: Fpage, mask: u32) -> Result<()> {
        let message = Message::new(k).word(raw::L4_TASK_UNMAP_OP).word(mask).word(what.0);
        message.call(self, raw::L4_PROTO_TASK).map(|_| ())
    }

    /// Empties `slot` of this task without deleting the object.
    pub fn unmap_cap<K: Kernel>(self, k: &K, slot: CapIndex) -> Result<()> {
        self.unmap(k, Fpage::object(slot, raw::L4_CAP_FPAGE_RWS), raw::THAW_UNMAP_SELF_BIT)
    }

    /// Deletes the object in `slot` of this task, wherever else it is held. Corresponds to `l4_task_delete_obj`.
    pub fn delete<K: Kernel>(self, k: &K, slot: CapIndex) -> Result<()> {
        self.unmap(k, Fpage::object(slot, raw::L4_CAP_FPAGE_RWSD), raw::THAW_UNMAP_DELETE_BITS)
    }

    /// Whether `slot` of this task holds a capability. Corresponds to `l4_task_cap_valid`.
    pub fn cap_valid<K: Kernel>(self, k: &K, slot: CapIndex) -> Result<bool> {
        let message = Message::new(k).word(raw::L4_TASK_CAP_INFO_OP).word(slot.word());
        Ok(message.call(self, raw::L4_PROTO_TASK)?.label() > 0)
    }

    /// Whether two slots of this task hold the same object with the same W and S rights.
    /// Corresponds to `l4_task_cap_equal`.
    pub fn cap_equal<K: Kernel>(self, k: &K, a: CapIndex, b: CapIndex) -> Result<bool> {
        let message = Message::new(k).word(raw::L4_TASK_CAP_INFO_OP).word(a.word()).word(b.word());
        Ok(message.call(self, raw::L4_PROTO_TASK)?.label() > 0)
    }
}

/// What [`Cap::control`] sets; capabilities are indices in the thread's *own* task.
#[derive(Clone, Copy, Default, Debug)]
pub struct ThreadControl {
    /// Pager gate.
    pub pager: Option<CapIndex>,
    /// Exception handler gate.
    pub exc_handler: Option<CapIndex>,
    /// Task to run in, and the thread's UTCB address there.
    pub bind: Option<(Cap<Task>, u32)>,
}

/// New instruction and stack pointers for [`Cap::ex_regs`]; `None` keeps the old one.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct ExRegs {
    /// Instruction pointer.
    pub ip: Option<u32>,
    /// Stack pointer.
    pub sp: Option<u32>,
    /// `raw::L4_THREAD_EX_REGS_*`.
    pub flags: u32,
}

impl ExRegs {
    /// Raises an exception as soon as the thread is or returns to user mode.
    pub const TRIGGER: Self = Self { ip: None, sp: None, flags: raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION };
    /// Aborts the thread's IPC, if any, and raises an exception. Hazardous while a possible receiver of
    /// the thread's message is ready, see docs/hazards.md.
    pub const CANCEL_TRIGGER: Self = Self {
        ip: None,
        sp: None,
        flags: raw::L4_THREAD_EX_REGS_CANCEL | raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION,
    };
}

/// What [`Cap::ex_regs`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldExRegs {
    /// Instruction pointer, also of a blocked thread.
    pub ip: u32,
    /// Stack pointer.
    pub sp: u32,
}

impl Cap<Thread> {
    /// Sets pager, exception handler and task; returns the old exception handler.
    /// Corresponds to `l4_thread_control`.
    pub fn control<K: Kernel>(self, k: &K, set: ThreadControl) -> Result<CapIndex> {
        let mut flags = 0;
        let mut words = [0; 6];
        if let Some(pager) = set.pager {
            flags |= raw::L4_THREAD_CONTROL_SET_PAGER;
            words[1] = pager.word();
        }
        if let Some(handler) = set.exc_handler {
            flags |= raw::L4_THREAD_CONTROL_SET_EXC_HANDLER;
            words[2] = handler.word();
        }
        if let Some((_, utcb)) = set.bind {
            flags |= raw::L4_THREAD_CONTROL_BIND_TASK;
            words[5] = utcb;
        }
        words[0] = flags | raw::L4_THREAD_CONTROL_OP;
        let mut message = Message::new(k).slice(&words);
        if let Some((task, _)) = set.bind {
            message = message.item(SendItem::object(task.index()));
        }
        message.call(self, raw::L4_PROTO_THREAD)?;
        Ok(CapIndex(k.mr(2) >> raw::L4_CAP_SHIFT))
    }

    /// Exchanges registers of the thread. Corresponds to `l4_thread_ex_regs_ret`.
    ///
    /// On a thread that was never started this starts it.
    pub fn ex_regs<K: Kernel>(self, k: &K, set: ExRegs) -> Result<OldExRegs> {
        Message::new(k)
            .word(raw::L4_THREAD_EX_REGS_OP | set.flags)
            .word(set.ip.unwrap_or(!0))
            .word(set.sp.unwrap_or(!0))
            .call(self, raw::L4_PROTO_THREAD)?;
        Ok(OldExRegs { ip: k.mr(1), sp: k.mr(2) })
    }

    /// Sets the thread's TPIDRURO.
    pub fn set_tpidruro<K: Kernel>(self, k: &K, value: u32) -> Result<()> {
        let message = Message::new(k).word(raw::THAW_THREAD_SET_TPIDRURO_OP).word(value);
        message.call(self, raw::L4_PROTO_THREAD).map(|_| ())
    }
}

impl Cap<Scheduler> {
    /// Lets `thread` run on CPU 0 with `priority` and the default time slice.
    /// Corresponds to `l4_scheduler_run_thread`.
    pub fn run_thread<K: Kernel>(self, k: &K, thread: Cap<Thread>, priority: u32) -> Result<()> {
        Message::new(k)
            .word(raw::L4_SCHEDULER_RUN_THREAD_OP)
            .word(0)
            .word(1)
            .word(priority)
            .word(0)
            .item(SendItem::object(thread.index()))
            .call(self, raw::L4_PROTO_SCHEDULER)
            .map(|_| ())
    }
}

impl Cap<Gate> {
    /// Binds the gate to `thread` with `label`. Corresponds to `l4_rcv_ep_bind_thread`.
    pub fn bind<K: Kernel>(self, k: &K, thread: Cap<Thread>, label: u32) -> Result<()> {
        bind(self, k, thread, label)
    }

    /// The gate's label; through a capability without the server right this would be an ordinary IPC.
    /// Corresponds to `l4_ipc_gate_get_infos`.
    pub fn label<K: Kernel>(self, k: &K) -> Result<u32> {
        Message::new(k).word(raw::THAW_GATE_GET_LABEL_OP).call(self, raw::L4_PROTO_KOBJECT)?;
        Ok(k.mr(0))
    }
}

fn bind<K: Kernel, T>(cap: Cap<T>, k: &K, thread: Cap<Thread>, label: u32) -> Result<()> {
    let message = Message::new(k).word(raw::THAW_BIND_OP).word(label);
    message.item(SendItem::object(thread.index())).call(cap, raw::L4_PROTO_KOBJECT).map(|_| ())
}

impl Cap<Irq> {
    /// Binds the IRQ to `thread` with `label`. Corresponds to `l4_rcv_ep_bind_thread`.
    pub fn bind<K: Kernel>(self, k: &K, thread: Cap<Thread>, label: u32) -> Result<()> {
        bind(self, k, thread, label)
    }

    /// Unbinds the IRQ. Corresponds to `l4_irq_detach`.
    pub fn detach<K: Kernel>(self, k: &K) -> Result<()> {
        Message::new(k).word(raw::THAW_IRQ_DETACH_OP).call(self, raw::L4_PROTO_IRQ_SENDER).map(|_| ())
    }

    /// Triggers the IRQ; a send without answer. Corresponds to `l4_irq_trigger`.
    pub fn trigger<K: Kernel>(self, k: &K) -> Result<()> {
        let tag = Message::new(k).word(raw::THAW_IRQ_TRIGGER_OP).tag(raw::L4_PROTO_IRQ, 0)?;
        let answer = k.ipc(self.select(l4_sys::Op::SEND), tag, Timeouts::NEVER, 0);
        // A send-only operation returns its own tag, whose label is the negative protocol.
        if answer.tag.has_error() { check(k, answer.tag).map(|_| ()) } else { Ok(()) }
    }

    /// Takes one from a semaphore, waiting at most that long. Corresponds to `l4_semaphore_down`.
    pub fn down<K: Kernel>(self, k: &K, timeout: Timeout) -> Result<()> {
        let timeouts = Timeouts::new(Timeout::NEVER, timeout);
        let message = Message::new(k).word(raw::THAW_SEMAPHORE_DOWN_OP);
        message.perform(self.select(l4_sys::Op::CALL), raw::L4_PROTO_SEMAPHORE, timeouts).map(|_| ())
    }

    /// Ends an interrupt of a device and unmasks it; a send without answer. Corresponds to `l4_irq_unmask`.
    pub fn unmask<K: Kernel>(self, k: &K) -> Result<()> {
        let tag = Message::new(k).word(raw::THAW_IRQ_EOI_OP).tag(raw::L4_PROTO_IRQ, 0)?;
        let answer = k.ipc(self.select(l4_sys::Op::SEND), tag, Timeouts::NEVER, 0);
        if answer.tag.has_error() { check(k, answer.tag).map(|_| ()) } else { Ok(()) }
    }
}

impl Cap<Icu> {
    /// Connects interrupt line `pin` to an IRQ object. Corresponds to `l4_icu_bind`.
    pub fn bind<K: Kernel>(self, k: &K, pin: u32, irq: Cap<Irq>) -> Result<()> {
        let message = Message::new(k).word(raw::THAW_ICU_BIND_OP).word(pin);
        message.item(SendItem::object(irq.index())).call(self, raw::L4_PROTO_IRQ).map(|_| ())
    }
}

impl Cap<Log> {
    /// Bytes that one write can carry: operation and length take two of the message registers.
    pub const BYTES_MAX: usize = 4 * (raw::L4_UTCB_GENERIC_DATA_SIZE as usize - 2);

    /// Writes at most [`BYTES_MAX`](Self::BYTES_MAX) bytes of text in one piece, the rest is cut; a send
    /// without answer. Corresponds to `l4_vcon_write`.
    pub fn write<K: Kernel>(self, k: &K, text: &[u8]) -> Result<()> {
        let text = &text[..text.len().min(Self::BYTES_MAX)];
        let mut message = Message::new(k).word(raw::THAW_LOG_WRITE_OP).word(text.len() as u32);
        for chunk in text.chunks(4) {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            message = message.word(u32::from_le_bytes(word));
        }
        let tag = message.tag(raw::L4_PROTO_LOG, 0)?;
        let answer = k.ipc(self.select(l4_sys::Op::SEND), tag, Timeouts::NEVER, 0);
        if answer.tag.has_error() { check(k, answer.tag).map(|_| ()) } else { Ok(()) }
    }
}
