//! Capability spaces.
//!
//! A slot is four words: kind and attributes, id, and the links of the list of all capabilities of
//! the object. The list is flat: for objects there are no "derived" mappings, any copy is as good
//! as the original.

use crate::{
    kernel::Kernel,
    mem::{frames::Frame, table::ROOT_CAPS},
    object::{NO_KEY, Obj, TaskId},
    pure::rights::CapAttr,
};

/// Number of slots of a space.
pub const SLOTS: u32 = 1 << 20;
const LEAF_BITS: u32 = 8;
const MIDDLE_BITS: u32 = 10;

/// What a slot holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cap {
    /// The object.
    pub obj: Obj,
    /// What may be done with it.
    pub attr: CapAttr,
}

impl Cap {
    /// Same object through the same kind of reference with the same W and S.
    #[must_use]
    pub fn equals(self, other: Self) -> bool {
        let same_door = !matches!(self.obj, Obj::Gate(_)) || self.attr.is_server() == other.attr.is_server();
        self.obj == other.obj && self.attr.invoke_rights() == other.attr.invoke_rights() && same_door
    }
}

/// A slot's place.
#[derive(Clone, Copy)]
struct Slot {
    frame: Frame,
    at: u32,
}

const fn key(task: TaskId, index: u32) -> u32 {
    task.index() << 20 | index
}

impl Kernel {
    fn slot(&self, task: TaskId, index: u32) -> Option<Slot> {
        let root = self.tasks.get(task)?.tables.root;
        if index >= SLOTS {
            return None;
        }
        let middle =
            Frame::from_word(self.frames.get(root, ROOT_CAPS + (index >> (LEAF_BITS + MIDDLE_BITS))))?;
        let leaf = Frame::from_word(self.frames.get(middle, index >> LEAF_BITS & 0x3ff))?;
        Some(Slot { frame: leaf, at: (index & 0xff) * 4 })
    }

    fn slot_or_new(&mut self, task: TaskId, index: u32) -> Option<Slot> {
        let root = self.tasks.get(task)?.tables.root;
        if index >= SLOTS {
            return None;
        }
        let at = ROOT_CAPS + (index >> (LEAF_BITS + MIDDLE_BITS));
        let middle = self.table_frame(root, at)?;
        let leaf = self.table_frame(middle, index >> LEAF_BITS & 0x3ff)?;
        Some(Slot { frame: leaf, at: (index & 0xff) * 4 })
    }

    fn table_frame(&mut self, table: Frame, at: u32) -> Option<Frame> {
        if let Some(frame) = Frame::from_word(self.frames.get(table, at)) {
            return Some(frame);
        }
        let frame = self.frames.alloc()?;
        self.frames.set(table, at, frame.word());
        Some(frame)
    }

    fn read_slot(&self, slot: Slot) -> Option<Cap> {
        let word = self.frames.get(slot.frame, slot.at);
        let obj = Obj::from_words(word & 0xff, self.frames.get(slot.frame, slot.at + 1))?;
        Some(Cap { obj, attr: CapAttr((word >> 8) as u8) })
    }

    /// The capability at `index` of `task`.
    #[must_use]
    pub fn cap(&self, task: TaskId, index: u32) -> Option<Cap> {
        self.read_slot(self.slot(task, index)?)
    }

    fn slot_of_key(&self, key: u32) -> Option<Slot> {
        if key == NO_KEY {
            return None;
        }
        self.slot(self.tasks.id_of(key >> 20)?, key & (SLOTS - 1))
    }

    fn set_link(&mut self, key: u32, which: u32, value: u32) {
        if let Some(slot) = self.slot_of_key(key) {
            self.frames.set(slot.frame, slot.at + which, value);
        }
    }

    /// Fills an empty slot. `false`: no memory for the table.
    pub fn cap_insert(&mut self, task: TaskId, index: u32, cap: Cap) -> bool {
        let Some(slot) = self.slot_or_new(task, index) else { return false };
        let (kind, id) = cap.obj.words();
        self.frames.set(slot.frame, slot.at, kind | u32::from(cap.attr.0) << 8);
        self.frames.set(slot.frame, slot.at + 1, id);
        let me = key(task, index);
        if let Some(head) = self.head_mut(cap.obj) {
            let next = core::mem::replace(&mut head.first, me);
            head.counted += u32::from(cap.attr.is_counted());
            self.frames.set(slot.frame, slot.at + 2, next);
            self.frames.set(slot.frame, slot.at + 3, NO_KEY);
            self.set_link(next, 3, me);
        }
        true
    }

    /// Empties a slot without looking at what it held.
    fn unlink(&mut self, slot: Slot, obj: Obj) {
        let (next, prev) =
            (self.frames.get(slot.frame, slot.at + 2), self.frames.get(slot.frame, slot.at + 3));
        (0..4).for_each(|i| self.frames.set(slot.frame, slot.at + i, 0));
        let Some(head) = self.head_mut(obj) else { return };
        if prev == NO_KEY {
            head.first = next;
        }
        self.set_link(prev, 2, next);
        self.set_link(next, 3, prev);
    }

    /// Takes all capabilities of an object away and queues it for destruction.
    pub fn forget_object(&mut self, obj: Obj) {
        while let Some(slot) = self.head_mut(obj).map(|h| h.first).and_then(|key| self.slot_of_key(key)) {
            self.unlink(slot, obj);
        }
        self.reap(obj);
    }

    /// Empties a slot. The object dies with its last counted capability, and at once if `delete` is
    /// asked for and the capability may.
    pub fn cap_remove(&mut self, task: TaskId, index: u32, delete: bool) {
        let Some(slot) = self.slot(task, index) else { return };
        let Some(cap) = self.read_slot(slot) else { return };
        let Some(head) = self.head_mut(cap.obj) else {
            // One of the four built-in objects: it stays.
            return self.unlink(slot, cap.obj);
        };
        let last = cap.attr.is_counted() && head.counted <= 1;
        if last || delete && cap.attr.may_delete() {
            return self.forget_object(cap.obj);
        }
        head.counted -= u32::from(cap.attr.is_counted());
        self.unlink(slot, cap.obj);
    }

    /// Takes rights W and S (D) away from a capability.
    pub fn cap_restrict(&mut self, task: TaskId, index: u32, rights: u8) {
        if let Some(slot) = self.slot(task, index) {
            let word = self.frames.get(slot.frame, slot.at);
            if word != 0 {
                self.frames.set(slot.frame, slot.at, word & !(u32::from(rights & 0xb) << 8));
            }
        }
    }

    /// Calls `f` with each used slot of a task in `from..to`.
    pub fn each_slot(&mut self, task: TaskId, from: u32, to: u32, mut f: impl FnMut(&mut Self, u32)) {
        let mut index = from;
        while index < to {
            match self.slot(task, index) {
                Some(slot) => {
                    if self.frames.get(slot.frame, slot.at) != 0 {
                        f(self, index);
                    }
                    index += 1;
                }
                None => index = (index | 0xff) + 1,
            }
        }
    }

    /// Frees the tables of an emptied space.
    pub fn free_slots(&mut self, root: Frame) {
        for at in ROOT_CAPS..ROOT_CAPS + 4 {
            let Some(middle) = Frame::from_word(self.frames.get(root, at)) else { continue };
            for i in 0..1024 {
                if let Some(leaf) = Frame::from_word(self.frames.get(middle, i)) {
                    self.frames.free(leaf);
                }
            }
            self.frames.free(middle);
        }
    }
}
