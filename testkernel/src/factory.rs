//! Factories: they make kernel objects and pay for them out of a quota.

use crate::{
    caps::Cap,
    gate::{GATE_BYTES, Gate},
    invoke::{Answer, answer, result},
    irq::{IRQ_BYTES, Irq},
    kernel::Kernel,
    mem::table::Tables,
    object::{FactoryId, Head, Obj, ThreadId},
    pure::{
        flexpage::Flexpage,
        rights::{CAP_S, CapAttr},
        tag::Tag,
    },
    semaphore::{SEMAPHORE_BYTES, Semaphore},
    task::Task,
    thread::{ItemObject, Thread},
};
use l4_sys::raw as abi;

const FACTORY_BYTES: u32 = 64;
const TASK_BYTES: u32 = 4096;
const THREAD_BYTES: u32 = 4096;
/// First word of the item that a new capability is returned as.
const NEW_CAP_ITEM: u32 = abi::THAW_RETURN_MAPPED;

/// A factory.
pub struct Factory {
    /// Common part
    pub head: Head,
    /// Bytes it may spend; the first one has no limit.
    pub limit: Option<u32>,
    /// Bytes it has spent
    pub used: u32,
    /// No capability left: goes when all it paid for has gone.
    pub deleted: bool,
}

/// An object that could not be made: the positive error.
type Made = Result<Obj, i32>;

const NO_MEMORY: i32 = abi::L4_ENOMEM as i32;
const INVALID: i32 = abi::L4_EINVAL as i32;

impl Kernel {
    /// Spends quota.
    pub fn charge(&mut self, quota: FactoryId, bytes: u32) -> bool {
        let Some(f) = self.factories.get_mut(quota) else { return false };
        match f.limit {
            Some(limit) if bytes > limit - f.used => false,
            _ => {
                f.used += bytes;
                true
            }
        }
    }

    /// Gives quota back.
    pub fn refund(&mut self, quota: Option<FactoryId>, bytes: u32) {
        let Some(id) = quota else { return };
        let Some(f) = self.factories.get_mut(id) else { return };
        f.used = f.used.saturating_sub(bytes);
        if f.deleted && f.used == 0 {
            let head = f.head;
            self.factories.remove(id);
            self.refund(head.quota, head.bytes);
        }
    }

    /// Protocol -15
    pub fn invoke_factory(
        &mut self,
        caller: ThreadId,
        factory: FactoryId,
        rights: u8,
        tag: Tag,
        receives: bool,
    ) -> Answer {
        if tag.label() != abi::L4_PROTO_FACTORY {
            return result(-(abi::L4_EBADPROTO as i32));
        }
        if rights & CAP_S == 0 {
            return result(-(abi::L4_EPERM as i32));
        }
        if tag.words() < 1 {
            return result(self.q.factory_too_short);
        }
        if !receives {
            return result(0);
        }
        let Some(slot) = self.object_buffer(caller) else {
            return self.ipc_error(caller, abi::L4_IPC_REMSGCUT);
        };
        let mut words = 0;
        let made = self.make(caller, factory, tag, &mut words);
        self.deliver_new(caller, made, slot, words)
    }

    fn deliver_new(&mut self, caller: ThreadId, made: Made, slot: u32, words: u32) -> Answer {
        let obj = match made {
            Ok(obj) => obj,
            Err(error) => return result(-error),
        };
        let Some(task) = self.threads[caller].task else { return result(-INVALID) };
        if self.q.returns_new_item {
            self.set_utcb(caller, words, NEW_CAP_ITEM);
        }
        if self.cap(task, slot).is_some() {
            self.cap_remove(task, slot, true);
        }
        if !self.cap_insert(task, slot, Cap { obj, attr: CapAttr::FULL }) {
            self.reap(obj);
            self.reap_all();
            return result(-NO_MEMORY);
        }
        self.reap_all();
        answer(0, words, 1)
    }

    fn make(&mut self, caller: ThreadId, factory: FactoryId, tag: Tag, words: &mut u32) -> Made {
        match self.utcb(caller, 0) as i32 {
            0 => self.make_gate(caller, factory, tag),
            abi::L4_PROTO_KOBJECT if self.q.reply_slots => self.make_gate(caller, factory, tag),
            abi::L4_PROTO_TASK => self.make_task(caller, factory, tag, words),
            abi::L4_PROTO_THREAD => {
                let head = self.paid_head(factory, THREAD_BYTES)?;
                self.threads
                    .insert(&mut self.frames, Thread::new(head))
                    .map(Obj::Thread)
                    .ok_or_else(|| self.unpaid(head))
            }
            abi::L4_PROTO_FACTORY => self.make_factory(caller, factory, tag),
            abi::L4_PROTO_IRQ_SENDER => {
                let head = self.paid_head(factory, IRQ_BYTES)?;
                self.irqs
                    .insert(&mut self.frames, Irq::new(head))
                    .map(Obj::Irq)
                    .ok_or_else(|| self.unpaid(head))
            }
            abi::L4_PROTO_SEMAPHORE => {
                let head = self.paid_head(factory, SEMAPHORE_BYTES)?;
                let semaphore = Semaphore { head, count: 0, waiting: None };
                self.semaphores
                    .insert(&mut self.frames, semaphore)
                    .map(Obj::Semaphore)
                    .ok_or_else(|| self.unpaid(head))
            }
            kind @ (abi::L4_PROTO_VM | abi::L4_PROTO_DMA_SPACE | -19 | -25) => {
                crate::kprint!("testkernel: unsupported object type {kind}\n");
                Err(abi::L4_ENOSYS as i32)
            }
            _ => Err(abi::L4_ENODEV as i32),
        }
    }

    fn paid_head(&mut self, factory: FactoryId, bytes: u32) -> Result<Head, i32> {
        if self.charge(factory, bytes) { Ok(self.new_head(Some(factory), bytes)) } else { Err(NO_MEMORY) }
    }

    fn unpaid(&mut self, head: Head) -> i32 {
        self.refund(head.quota, head.bytes);
        NO_MEMORY
    }

    fn make_gate(&mut self, caller: ThreadId, factory: FactoryId, tag: Tag) -> Made {
        let (mut thread, mut label) = (None, self.unbound_label());
        if tag.items() > 0 {
            match self.item_object(caller, tag, 0) {
                ItemObject::Cap(Cap { obj: Obj::Thread(id), attr }) if attr.invoke_rights() & CAP_S != 0 => {
                    thread = Some(id)
                }
                ItemObject::Cap(Cap { obj: Obj::Thread(_), .. }) => return Err(abi::L4_EPERM as i32),
                ItemObject::Missing | ItemObject::Cap(_) => return Err(self.q.gate_without_thread),
                _ => return Err(INVALID),
            }
            if tag.words() < 3 && self.q.strict_labels {
                return Err(abi::L4_EMSGTOOSHORT as i32);
            }
            label = self.utcb(caller, 2);
            if !self.label_allowed(label) {
                return Err(INVALID);
            }
        }
        let head = self.paid_head(factory, GATE_BYTES)?;
        let gate = Gate { head, thread, label, senders: None };
        self.gates.insert(&mut self.frames, gate).map(Obj::Gate).ok_or_else(|| self.unpaid(head))
    }

    fn make_task(&mut self, caller: ThreadId, factory: FactoryId, tag: Tag, words: &mut u32) -> Made {
        if tag.words() <= 2 {
            return Err(INVALID);
        }
        let area = self.utcb(caller, 2);
        let head = self.paid_head(factory, TASK_BYTES)?;
        let Some(tables) = Tables::new(&mut self.frames, self.kernel_l2) else {
            return Err(self.unpaid(head));
        };
        let Some(id) = self.tasks.insert(&mut self.frames, Task::new(head, tables)) else {
            tables.free(&mut self.frames);
            return Err(self.unpaid(head));
        };
        assert!(id.index() < 1 << 12, "a capability key has 12 bits for the task");
        if area != 0
            && let Err(error) = self.add_ku_memory(id, Flexpage(area))
        {
            self.reap(Obj::Task(id));
            self.reap_all();
            return Err(error);
        }
        if area != 0 && self.q.returns_flexpages {
            self.set_utcb(caller, 0, area & !0xf);
            *words = 1;
        }
        Ok(Obj::Task(id))
    }

    fn make_factory(&mut self, caller: ThreadId, factory: FactoryId, tag: Tag) -> Made {
        if tag.words() < 3 && self.q.strict_labels {
            return Err(abi::L4_EMSGTOOSHORT as i32);
        }
        let limit = self.utcb(caller, 2);
        // The whole quota is taken out of the parent's at once.
        let head = self.paid_head(factory, limit.saturating_add(FACTORY_BYTES))?;
        let new = Factory { head, limit: Some(limit), used: 0, deleted: false };
        self.factories.insert(&mut self.frames, new).map(Obj::Factory).ok_or_else(|| self.unpaid(head))
    }
}
