//! Tasks: an address space, a capability space, kernel-user memory.

use crate::{
    caps::{Cap, SLOTS},
    invoke::{Answer, answer, result},
    kernel::Kernel,
    mem::{
        frames::{FRAME_BYTES, FRAME_WORDS},
        map::{ItemWord, Mapped},
        table::{Entry, Page, SMALL, Tables, USER_END},
    },
    object::{Head, Obj, TaskId, ThreadId},
    pure::{
        flexpage::{Flexpage, Kind, fit},
        rights::{CAP_D, CAP_R, CAP_W, CapAttr, MEM_R, MEM_W, MemType},
        tag::Tag,
    },
    thread::{ItemObject, Utcb},
};
use l4_sys::raw as abi;

/// Areas of kernel-user memory a task may have.
const KU_AREAS: usize = 32;
/// Largest order of one.
const KU_MAX_ORDER: u32 = 17;
const UTCB_BYTES: u32 = abi::THAW_UTCB_BYTES;

/// Kernel-user memory: UTCBs.
#[derive(Clone, Copy, Debug)]
pub struct KuArea {
    va: u32,
    bytes: u32,
}

/// A task.
pub struct Task {
    /// Common part
    pub head: Head,
    /// Page tables, and the roots of the other tables
    pub tables: Tables,
    /// Threads bound to it
    pub threads: u32,
    /// No capability left: goes when its last thread does.
    pub deleted: bool,
    ku: [Option<KuArea>; KU_AREAS],
    /// System calls until the injected failure, and its error (a debugger's test hook).
    pub inject: Option<(u32, i32)>,
}

impl Task {
    /// An empty task.
    #[must_use]
    pub const fn new(head: Head, tables: Tables) -> Self {
        Self { head, tables, threads: 0, deleted: false, ku: [None; KU_AREAS], inject: None }
    }
}

impl Kernel {
    /// Adds kernel-user memory to a task.
    pub fn add_ku_memory(&mut self, task: TaskId, fpage: Flexpage) -> Result<(), i32> {
        if fpage.kind() != Kind::Memory {
            return Err(abi::L4_EINVAL as i32);
        }
        let Some((va, order)) = fpage.memory() else { return Err(abi::L4_EINVAL as i32) };
        let bytes = 1 << order;
        if va >= USER_END || bytes > USER_END - va {
            return Err(self.q.ku_errors.1 as i32);
        }
        if order > KU_MAX_ORDER {
            return Err(self.q.ku_errors.0 as i32);
        }
        let tables = self.tasks[task].tables;
        let free = self.tasks[task].ku.iter().position(Option::is_none).ok_or(abi::L4_ENOMEM as i32)?;
        for at in (va..va + bytes).step_by(FRAME_BYTES as usize) {
            if matches!(tables.lookup(&self.frames, at), Entry::Page(_)) {
                return Err(abi::L4_EEXIST as i32);
            }
        }
        self.tasks[task].ku[free] = Some(KuArea { va, bytes });
        for at in (va..va + bytes).step_by(FRAME_BYTES as usize) {
            if !self.add_ku_page(tables, at) {
                self.remove_ku_area(tables, KuArea { va, bytes: at - va });
                self.tasks[task].ku[free] = None;
                return Err(abi::L4_ENOMEM as i32);
            }
        }
        Ok(())
    }

    fn add_ku_page(&mut self, tables: Tables, va: u32) -> bool {
        if !tables.prepare(&mut self.frames, va, SMALL) {
            return false;
        }
        let Some(frame) = self.frames.alloc() else { return false };
        let page = Page {
            phys: self.frames.phys(frame),
            order: SMALL,
            rights: MEM_R | MEM_W,
            kind: MemType::Normal,
            node: 0,
        };
        tables.set(&mut self.frames, va, &page);
        true
    }

    fn remove_ku_area(&mut self, tables: Tables, area: KuArea) {
        for at in (area.va..area.va + area.bytes).step_by(FRAME_BYTES as usize) {
            if let Entry::Page(page) = tables.lookup(&self.frames, at)
                && let Some(frame) = self.frames.at_phys(page.phys)
            {
                tables.clear(&mut self.frames, at, SMALL);
                self.frames.free(frame);
            }
        }
    }

    /// Frees all kernel-user memory of a task.
    pub fn free_ku_memory(&mut self, task: TaskId) {
        let tables = self.tasks[task].tables;
        for i in 0..KU_AREAS {
            if let Some(area) = self.tasks[task].ku[i].take() {
                self.remove_ku_area(tables, area);
            }
        }
    }

    /// The kernel's view of a UTCB at user address `va`.
    #[must_use]
    pub fn find_utcb(&self, task: TaskId, va: u32) -> Option<Utcb> {
        let task = self.tasks.get(task)?;
        let inside = |a: &KuArea| va >= a.va && va - a.va <= a.bytes - UTCB_BYTES;
        let crosses = va % FRAME_BYTES > FRAME_BYTES - UTCB_BYTES;
        if !va.is_multiple_of(self.q.utcb_alignment) || crosses || !task.ku.iter().flatten().any(inside) {
            return None;
        }
        let Entry::Page(page) = task.tables.lookup(&self.frames, va) else { return None };
        let frame = self.frames.at_phys(page.phys)?;
        Some(Utcb { frame, word: va / 4 % FRAME_WORDS })
    }

    /// Copies capabilities from one task to another.
    pub fn map_objects(
        &mut self,
        from: TaskId,
        send: Flexpage,
        to: TaskId,
        receive: Flexpage,
        item: ItemWord,
    ) -> Mapped {
        let window = fit(send.slots(), receive.slots(), item.0 >> 12);
        let mask = CapAttr::of_item(send.rights(), item.0);
        let mut result = Mapped::Nothing;
        let mut failed = false;
        let end = (window.from + (1 << window.order)).min(SLOTS);
        self.each_slot(from, window.from, end, |kernel, index| {
            let target = window.to + (index - window.from);
            let Some(cap) = kernel.cap(from, index) else { return };
            let Some(attr) = cap.attr.diminished(mask) else { return };
            if target >= SLOTS || failed {
                return;
            }
            result = Mapped::Something;
            failed = !kernel.map_object(from, index, to, target, Cap { attr, ..cap }, item.grants());
        });
        if failed { Mapped::Failed } else { result }
    }

    fn map_object(
        &mut self,
        from: TaskId,
        index: u32,
        to: TaskId,
        target: u32,
        cap: Cap,
        grant: bool,
    ) -> bool {
        if let Some(old) = self.cap(to, target) {
            self.check_overmap_hazard(old, target);
            self.cap_remove(to, target, true);
            if self.cap(from, index).is_none() {
                return true; // it was the same slot, or the object died with the old capability
            }
        }
        if !self.cap_insert(to, target, cap) {
            return false;
        }
        if grant {
            self.cap_remove(from, index, false);
        }
        true
    }

    /// The real kernels destroy the object of a capability with D that is mapped over, even if it
    /// is the one being mapped.
    fn check_overmap_hazard(&self, old: Cap, slot: u32) {
        let has_life = !matches!(old.obj, Obj::Log | Obj::Icu | Obj::Scheduler | Obj::Debugger);
        if old.attr.may_delete() && has_life {
            if self.lenient {
                return;
            }
            crate::hazard!("map-over-delete-right: slot {slot:#x} holds {:?} with the delete right", old.obj);
        }
    }

    /// Unmaps a flexpage of a task; `mask` as in the system call.
    pub fn unmap(&mut self, task: TaskId, fpage: Flexpage, mask: u32) {
        let me_too = mask & abi::THAW_UNMAP_SELF_BIT != 0;
        let delete = mask & 0x4000_0000 != 0;
        let kind = fpage.kind();
        if matches!(kind, Kind::Object | Kind::AllSpaces) && me_too {
            let (first, order) = fpage.slots();
            let full = fpage.rights() & CAP_R != 0;
            self.each_slot(task, first, (first + (1 << order)).min(SLOTS), |kernel, index| {
                if full {
                    kernel.cap_remove(task, index, delete);
                } else {
                    kernel.cap_restrict(task, index, fpage.rights());
                }
            });
        }
        if matches!(kind, Kind::Memory | Kind::AllSpaces) {
            self.unmap_memory(task, fpage, me_too);
        }
    }

    /// Protocol -11
    pub fn invoke_task(&mut self, caller: ThreadId, task: TaskId, rights: u8, tag: Tag) -> Answer {
        if tag.label() != abi::L4_PROTO_TASK {
            return result(-(abi::L4_EBADPROTO as i32));
        }
        match self.utcb(caller, 0) {
            abi::L4_TASK_MAP_OP => self.task_map(caller, task, rights, tag),
            abi::L4_TASK_UNMAP_OP => self.task_unmap(caller, task, tag),
            abi::L4_TASK_CAP_INFO_OP => self.task_cap_info(caller, task, tag),
            abi::L4_TASK_ADD_KU_MEM_OP => self.task_add_ku_memory(caller, task, tag),
            _ => Self::unknown(),
        }
    }

    fn task_map(&mut self, caller: ThreadId, task: TaskId, rights: u8, tag: Tag) -> Answer {
        if rights & CAP_W == 0 {
            return result(-(abi::L4_EPERM as i32));
        }
        let (from, from_rights) = match self.item_object(caller, tag, 0) {
            ItemObject::Cap(Cap { obj: Obj::Task(from), attr }) => (from, attr.invoke_rights()),
            ItemObject::NotACap => return self.ipc_error(caller, abi::L4_IPC_SEMSGCUT),
            _ => return result(-(abi::L4_EINVAL as i32)),
        };
        let mut send = Flexpage(self.utcb(caller, 2));
        if send.0 >> 4 & 3 == abi::L4_FPAGE_OBJ {
            let mask = from_rights & rights | CAP_D | CAP_R | CAP_W;
            send = Flexpage(send.0 & !0xf | send.0 & u32::from(mask));
        }
        if self.tasks[task].deleted || self.tasks[from].deleted {
            return result(-(abi::L4_EINVAL as i32));
        }
        let item = ItemWord(self.utcb(caller, 1));
        match self.map_item(from, send, task, Flexpage::ALL, item) {
            Mapped::Failed => self.ipc_error(caller, abi::L4_IPC_SEMAPFAILED),
            _ => result(0),
        }
    }

    fn task_unmap(&mut self, caller: ThreadId, task: TaskId, tag: Tag) -> Answer {
        let mask = self.utcb(caller, 1);
        for i in 2..tag.words().min(abi::L4_UTCB_GENERIC_DATA_SIZE) {
            let fpage = self.utcb(caller, i);
            self.unmap(task, Flexpage(fpage), mask);
            self.set_utcb(caller, i, fpage & !0xf);
        }
        self.reap_all();
        answer(0, tag.words(), 0)
    }

    fn task_cap_info(&self, caller: ThreadId, task: TaskId, tag: Tag) -> Answer {
        let (a, b) = (self.utcb(caller, 1), self.utcb(caller, 2));
        let special = |word: u32| word & abi::L4_INVALID_CAP_BIT != 0;
        let cap = |word: u32| self.cap(task, word >> abi::L4_CAP_SHIFT);
        match tag.words() {
            2 => result(i32::from(!special(a) && cap(a).is_some())),
            3 if special(a) || special(b) => result(i32::from(a == b || special(a) == special(b))),
            3 => result(i32::from(match (cap(a), cap(b)) {
                (Some(a), Some(b)) => a.equals(b),
                (None, None) => true,
                _ => false,
            })),
            _ => result(-(abi::L4_EINVAL as i32)),
        }
    }

    fn task_add_ku_memory(&mut self, caller: ThreadId, task: TaskId, tag: Tag) -> Answer {
        let mut words = 0;
        for i in 1..tag.words().min(abi::L4_UTCB_GENERIC_DATA_SIZE) {
            let fpage = self.utcb(caller, i);
            if let Err(error) = self.add_ku_memory(task, Flexpage(fpage)) {
                return result(-error);
            }
            if self.q.returns_flexpages {
                self.set_utcb(caller, words, fpage);
                words += 1;
            }
        }
        answer(0, words, 0)
    }
}
