//! Mapping and unmapping of memory flexpages.

use super::table::{Entry, LARGE, Page, SMALL, Tables, USER_END};
use crate::{
    kernel::Kernel,
    object::{NodeId, TaskId},
    pure::{
        flexpage::{Flexpage, fit},
        rights::{MEM_R, MEM_RWX, MemType},
    },
};

/// What a mapping operation came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mapped {
    /// There was something to map.
    Something,
    /// The sender had nothing there.
    Nothing,
    /// No kernel memory.
    Failed,
    /// Not a combination that maps.
    Ignored,
}

/// The receiving end of one page.
struct Target {
    task: TaskId,
    tables: Tables,
    va: u32,
}

/// What a send item says beyond its flexpages.
#[derive(Clone, Copy)]
pub struct ItemWord(pub u32);

impl ItemWord {
    /// Hot spot in bytes.
    #[must_use]
    pub const fn hot_spot(self) -> u32 {
        self.0 & !0xfff
    }

    /// The sender gives its mapping away.
    #[must_use]
    pub const fn grants(self) -> bool {
        self.0 & 2 != 0
    }
}

impl Kernel {
    /// What `task` can send from `va`: its own page, or for sigma0 any physical address.
    fn source_page(&mut self, task: TaskId, tables: Tables, va: u32) -> Entry {
        if task != self.sigma0 {
            return tables.lookup(&self.frames, va);
        }
        let phys = va & !((1 << LARGE) - 1);
        match self.root_node(va) {
            Some(node) => Entry::Page(Page {
                phys,
                order: LARGE,
                rights: MEM_RWX,
                kind: MemType::Normal,
                node: node.word(),
            }),
            None => Entry::Hole(LARGE),
        }
    }

    /// Maps memory from one task to another.
    pub fn map_memory(
        &mut self,
        from: TaskId,
        send: Flexpage,
        to: TaskId,
        receive: Flexpage,
        item: ItemWord,
    ) -> Mapped {
        let (Some(send_at), Some(receive_at)) = (send.memory(), receive.memory()) else {
            return Mapped::Ignored;
        };
        let (Some(source), Some(target)) =
            (self.tasks.get(from).map(|t| t.tables), self.tasks.get(to).map(|t| t.tables))
        else {
            return Mapped::Ignored;
        };
        let window = fit(send_at, receive_at, item.hot_spot());
        let total = 1u64 << window.order;
        let mut offset = 0u64;
        let mut result = Mapped::Nothing;
        while offset < total {
            let (snd, rcv) = (u64::from(window.from) + offset, u64::from(window.to) + offset);
            if rcv >= u64::from(USER_END)
                || snd >= 1 << 32
                || from != self.sigma0 && snd >= u64::from(USER_END)
            {
                break;
            }
            let (snd, rcv) = (snd as u32, rcv as u32);
            let page = match self.source_page(from, source, snd) {
                Entry::Hole(order) => {
                    offset += (1 << order) - u64::from(snd & ((1 << order) - 1));
                    continue;
                }
                Entry::Page(page) => page,
            };
            result = Mapped::Something;
            let goal = Target { task: to, tables: target, va: rcv };
            match self.map_page(from, snd, &page, &goal, total - offset, send.rights() & MEM_RWX, item) {
                Some(order) => offset += 1 << order,
                None => return Mapped::Failed,
            }
        }
        self.flush_tlb_if_dirty();
        result
    }

    /// Maps one page; returns the order of the step, `None` without memory.
    #[expect(clippy::too_many_arguments, reason = "one page of a loop with much context")]
    fn map_page(
        &mut self,
        from: TaskId,
        snd: u32,
        page: &Page,
        goal: &Target,
        left: u64,
        rights: u8,
        item: ItemWord,
    ) -> Option<u32> {
        let present = goal.tables.lookup(&self.frames, goal.va);
        let room = match present {
            Entry::Page(old) => old.order,
            Entry::Hole(order) => order,
        };
        let aligned = (snd | goal.va) & ((1 << LARGE) - 1) == 0;
        let order =
            if page.order == LARGE && room >= LARGE && aligned && left >= 1 << LARGE { LARGE } else { SMALL };
        let Some(node) = (page.node != 0).then(|| NodeId::from_word(page.node)) else {
            return Some(order); // kernel-user memory has no node: it cannot be passed on
        };
        let rights = rights & page.rights;
        if rights == 0 {
            return Some(order);
        }
        let phys = page.phys + (snd & ((1 << page.order) - 1) & !((1 << order) - 1));
        let kind = MemType::of_item(item.0).unwrap_or(page.kind);
        let mut new = Page { phys, order, rights, kind, node: 0 };
        if let Entry::Page(old) = present {
            let old_node = (old.node != 0).then(|| NodeId::from_word(old.node));
            let Some(old_node) = old_node else { return Some(order) };
            let upgrade = !item.grants()
                && self.node_is_child(old_node, node)
                && old.phys == phys
                && old.order <= order;
            if upgrade {
                new.rights |= old.rights;
                new.node = old.node;
                goal.tables.set(&mut self.frames, goal.va, &new);
                self.tlb_dirty = true;
                return Some(order);
            }
            let source_goes_too = self.node_is_above(old_node, node);
            let base = goal.va & !((1 << old.order) - 1);
            self.unmap_page(goal.task, base, &old, old.phys, 1 << old.order, true, MEM_RWX);
            if source_goes_too {
                return Some(order);
            }
        }
        if !goal.tables.prepare(&mut self.frames, goal.va, order) {
            return None;
        }
        self.enter_page(from, snd, page, node, goal, &mut new, item)?;
        Some(order)
    }

    #[expect(clippy::too_many_arguments, reason = "the last step of `map_page`")]
    fn enter_page(
        &mut self,
        from: TaskId,
        snd: u32,
        page: &Page,
        node: NodeId,
        goal: &Target,
        new: &mut Page,
        item: ItemWord,
    ) -> Option<()> {
        if item.grants() && from != self.sigma0 && new.order == page.order {
            self.node_move(node, goal.task, goal.va);
            new.node = page.node;
            let source = self.tasks[from].tables;
            source.clear(&mut self.frames, snd & !((1 << page.order) - 1), page.order);
        } else {
            new.node = self.node_insert(node, goal.task, goal.va, new.phys, new.order)?.word();
        }
        goal.tables.set(&mut self.frames, goal.va, new);
        self.tlb_dirty = true;
        Some(())
    }

    /// Takes rights from one page of a task (`me_too`) and from what was derived of the part
    /// `phys..phys + bytes` of it.
    #[expect(clippy::too_many_arguments, reason = "a page and what to do with it")]
    fn unmap_page(
        &mut self,
        task: TaskId,
        base: u32,
        page: &Page,
        phys: u32,
        bytes: u64,
        me_too: bool,
        rights: u8,
    ) {
        let full = rights & MEM_R != 0;
        if page.node == 0 {
            return;
        }
        let node = NodeId::from_word(page.node);
        if me_too {
            self.page_restrict(task, base, page.order, rights, full);
        }
        self.derived_restrict(node, phys, bytes, rights, full);
        if me_too && full && task != self.sigma0 {
            self.node_remove(node);
        }
    }

    /// Unmaps a memory flexpage of a task.
    pub fn unmap_memory(&mut self, task: TaskId, fpage: Flexpage, me_too: bool) {
        let (Some((start, order)), Some(tables)) = (fpage.memory(), self.tasks.get(task).map(|t| t.tables))
        else {
            return;
        };
        let rights = fpage.rights() & MEM_RWX;
        let limit = if task == self.sigma0 { 1 << 32 } else { u64::from(USER_END) };
        let mut end = (u64::from(start) + (1 << order)).min(limit);
        let mut at = u64::from(start);
        while at < end {
            let va = at as u32;
            let (size, page) = match self.unmap_source(task, tables, va) {
                Entry::Hole(order) => (1u64 << order, None),
                Entry::Page(page) => (1u64 << page.order, Some(page)),
            };
            let base = u64::from(va) & !(size - 1);
            if let Some(page) = page {
                let mut first = at;
                if me_too {
                    // The page goes as a whole, even if only a part of it was named.
                    first = base;
                    end = end.max(base + size);
                }
                let bytes = (base + size).min(end) - first;
                let phys = page.phys + (first - base) as u32;
                self.unmap_page(task, base as u32, &page, phys, bytes, me_too, rights);
            }
            at = base + size;
        }
        self.flush_tlb_if_dirty();
    }

    /// sigma0's tables say little about what it has passed on; its nodes do.
    fn unmap_source(&self, task: TaskId, tables: Tables, va: u32) -> Entry {
        if task != self.sigma0 {
            return tables.lookup(&self.frames, va);
        }
        match self.existing_root_node(va) {
            Some(node) => Entry::Page(Page {
                phys: va & !((1 << LARGE) - 1),
                order: LARGE,
                rights: MEM_RWX,
                kind: MemType::Normal,
                node: node.word(),
            }),
            None => Entry::Hole(LARGE),
        }
    }

    /// Resolves a fault of sigma0: identity, 2 MiB.
    pub fn map_sigma0(&mut self, va: u32) -> bool {
        let tables = self.tasks[self.sigma0].tables;
        let base = va & !((1 << LARGE) - 1);
        let Some(node) = self.root_node(va) else { return false };
        if base >= USER_END || !tables.prepare(&mut self.frames, base, LARGE) {
            return false;
        }
        let page =
            Page { phys: base, order: LARGE, rights: MEM_RWX, kind: MemType::Normal, node: node.word() };
        tables.set(&mut self.frames, base, &page);
        true
    }

    /// Makes the CPU forget translations that have changed.
    pub fn flush_tlb_if_dirty(&mut self) {
        if core::mem::take(&mut self.tlb_dirty) {
            crate::arch::cpu::flush_tlb();
        }
    }
}
