//! Typed items: memory and capabilities on their way from sender to receiver.

use crate::{
    kernel::Kernel,
    mem::map::{ItemWord, Mapped},
    object::{Obj, TaskId, ThreadId},
    pure::{
        flexpage::{Flexpage, Kind},
        rights::{CAP_D, CAP_R, CAP_W},
        tag::Tag,
    },
};
use l4_sys::raw as abi;

const MAP: u32 = abi::L4_ITEM_MAP;
const MORE: u32 = abi::L4_ITEM_CONT;

/// A receive buffer.
#[derive(Clone, Copy, Default)]
struct Buffer {
    word: u32,
    fpage: u32,
    task: u32,
}

impl Buffer {
    const fn is_void(self) -> bool {
        self.word & MAP == 0
    }
    const fn wants_label(self) -> bool {
        self.word & abi::L4_RCV_ITEM_LOCAL_ID != 0
    }
    const fn forwards(self) -> bool {
        self.word & 1 != 0
    }
}

/// Reads a receiver's buffers one after the other.
struct Buffers {
    at: u32,
    now: Buffer,
}

impl Buffers {
    fn new(kernel: &Kernel, thread: ThreadId, first: u32) -> Self {
        let mut buffers = Self { at: first, now: Buffer::default() };
        buffers.advance(kernel, thread);
        buffers
    }

    fn word(&mut self, kernel: &Kernel, thread: ThreadId) -> Option<u32> {
        let at = self.at;
        if at >= abi::L4_UTCB_GENERIC_BUFFERS_SIZE {
            return None;
        }
        self.at += 1;
        Some(kernel.buffer(thread, at))
    }

    fn read(&mut self, kernel: &Kernel, thread: ThreadId) -> Option<Buffer> {
        let word = self.word(kernel, thread)?;
        if word == 0 {
            self.at -= 1;
            return None;
        }
        let small = word & MAP != 0 && word & 2 != 0;
        let fpage = if small { word & !0xfff | abi::L4_FPAGE_OBJ << 4 } else { self.word(kernel, thread)? };
        let task = if word & 1 != 0 { self.word(kernel, thread)? } else { 0 };
        Some(Buffer { word, fpage, task })
    }

    fn advance(&mut self, kernel: &Kernel, thread: ThreadId) {
        self.now = self.read(kernel, thread).unwrap_or_default();
    }
}

impl Kernel {
    /// Both sides learn that the items did not go through.
    fn items_failed(&mut self, sender: ThreadId, receiver: ThreadId, error: u32) -> bool {
        self.set_ipc_error(sender, error);
        self.set_ipc_error(receiver, error | abi::L4_IPC_SND_ERR_MASK);
        false
    }

    fn overflow(&mut self, sender: ThreadId, receiver: ThreadId) -> bool {
        self.items_failed(sender, receiver, abi::L4_IPC_SEMSGCUT)
    }

    /// The first object buffer of a thread, for a new capability.
    #[must_use]
    pub fn object_buffer(&self, thread: ThreadId) -> Option<u32> {
        let first = self.utcb(thread, abi::THAW_UTCB_BDR_WORD) >> abi::THAW_BDR_OBJ_SHIFT & 0x1f;
        let buffer = Buffers::new(self, thread, first).now;
        let fpage = Flexpage(buffer.fpage);
        (!buffer.is_void() && fpage.0 >> 4 & 3 == abi::L4_FPAGE_OBJ).then(|| fpage.index())
    }

    /// Transfers all items of a message.
    pub fn transfer_items(&mut self, tag: Tag, sender: ThreadId, receiver: ThreadId, rights: u8) -> bool {
        let bdr = self.utcb(receiver, abi::THAW_UTCB_BDR_WORD);
        let mut memory = Buffers::new(self, receiver, bdr & 0x1f);
        let mut ports = Buffers::new(self, receiver, bdr >> 5 & 0x1f);
        let mut objects = Buffers::new(self, receiver, bdr >> abi::THAW_BDR_OBJ_SHIFT & 0x1f);
        let mut at = tag.words();
        let mut to = at;
        for _ in 0..tag.items() {
            if at + 1 >= abi::L4_UTCB_GENERIC_DATA_SIZE {
                return self.overflow(sender, receiver);
            }
            let item = ItemWord(self.utcb(sender, at));
            let send = Flexpage(self.utcb(sender, at + 1));
            if item.0 == 0 {
                self.set_utcb(receiver, to, 0);
                at += self.q.void_item_words;
                to += 2;
                continue;
            }
            let buffers = match send.0 >> 4 & 3 {
                abi::L4_FPAGE_MEMORY => &mut memory,
                abi::L4_FPAGE_IO => &mut ports,
                abi::L4_FPAGE_OBJ => &mut objects,
                _ => return self.overflow(sender, receiver),
            };
            let buffer = buffers.now;
            if item.0 & MAP == 0 || buffer.is_void() {
                return self.overflow(sender, receiver);
            }
            if !self.transfer_item(sender, receiver, item, send, buffer, to, rights) {
                return false;
            }
            at += 2;
            to += 2;
            if item.0 & MORE == 0 {
                buffers.advance(self, receiver);
            }
        }
        true
    }

    #[expect(clippy::too_many_arguments, reason = "one item of a loop with much context")]
    fn transfer_item(
        &mut self,
        sender: ThreadId,
        receiver: ThreadId,
        item: ItemWord,
        send: Flexpage,
        buffer: Buffer,
        at: u32,
        rights: u8,
    ) -> bool {
        let returned = item.0 & !0xff6 | send.0 & 0xff0;
        self.set_utcb(receiver, at, returned);
        let is_object = send.kind() == Kind::Object;
        // What goes through a capability without S arrives without S.
        let send = if is_object {
            Flexpage(send.0 & !0xf | send.0 & u32::from(rights | CAP_R | CAP_W | CAP_D))
        } else {
            send
        };
        if buffer.wants_label() && self.deliver_local(sender, receiver, send, at, returned) {
            return true;
        }
        let Some(to) = self.buffer_task(receiver, buffer) else { return self.overflow(sender, receiver) };
        let Some(from) = self.threads[sender].task else { return self.overflow(sender, receiver) };
        match self.map_item(from, send, to, Flexpage(buffer.fpage), item) {
            Mapped::Failed => return self.items_failed(sender, receiver, abi::L4_IPC_SEMAPFAILED),
            Mapped::Nothing if self.q.reports_empty_map => self.set_utcb(receiver, at, returned | 2),
            _ => {}
        }
        true
    }

    /// A buffer may name another task that gets the item.
    fn buffer_task(&self, receiver: ThreadId, buffer: Buffer) -> Option<TaskId> {
        let own = self.threads[receiver].task?;
        if !buffer.forwards() || !self.q.reply_slots {
            return Some(own);
        }
        let cap = self.cap(own, buffer.task >> 12)?;
        match cap.obj {
            Obj::Task(task) if cap.attr.invoke_rights() & CAP_W != 0 => Some(task),
            _ => None,
        }
    }

    /// "Give me the label instead": within one task the flexpage itself is enough, and a gate of
    /// the receiver's own is delivered as its label.
    fn deliver_local(
        &mut self,
        sender: ThreadId,
        receiver: ThreadId,
        send: Flexpage,
        at: u32,
        returned: u32,
    ) -> bool {
        let (from, to) = (self.threads[sender].task, self.threads[receiver].task);
        if from == to {
            self.set_utcb(receiver, at, returned | 6);
            self.set_utcb(receiver, at + 1, send.0);
            return true;
        }
        let Some(cap) = from.and_then(|task| self.cap(task, send.index())) else { return false };
        if !self.is_local_gate(cap.obj, to) {
            return false;
        }
        let Obj::Gate(gate) = cap.obj else { return false };
        let label = self.gates[gate].label | u32::from(cap.attr.invoke_rights() & send.rights());
        self.set_utcb(receiver, at, returned | 4);
        self.set_utcb(receiver, at + 1, label);
        true
    }

    /// Maps what a send item names from one task to another.
    pub fn map_item(
        &mut self,
        from: TaskId,
        send: Flexpage,
        to: TaskId,
        receive: Flexpage,
        item: ItemWord,
    ) -> Mapped {
        let everything = receive.kind() == Kind::AllSpaces;
        let result = match send.kind() {
            Kind::Memory if everything || receive.kind() == Kind::Memory => {
                self.map_memory(from, send, to, receive, item)
            }
            Kind::Object if everything || receive.kind() == Kind::Object => {
                self.map_objects(from, send, to, receive, item)
            }
            _ => Mapped::Ignored,
        };
        if result == Mapped::Nothing {
            let (space, at) = if send.kind() == Kind::Object {
                ("Obj_space", send.slots().0)
            } else {
                ("Mem_space", send.0 & !0xfff)
            };
            crate::warning!("nothing mapped: ({space}) from [{from:?}]: {at:08x} to [{to:?}]");
        }
        self.reap_all();
        result
    }
}
