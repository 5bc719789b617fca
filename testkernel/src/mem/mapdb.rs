//! The mapping database of memory: who got which page from whom.
//!
//! A node is one page in one task; its children are what that task passed on of it. sigma0 holds
//! physical memory by right: its nodes are one per 2 MiB of physical address space, made when they
//! are first needed.

use super::{
    frames::Frame,
    table::{Entry, LARGE, Page},
};
use crate::{
    kernel::Kernel,
    object::{NodeId, TaskId},
};

/// One page in one task.
pub struct Node {
    /// Where
    pub task: TaskId,
    /// At which address
    pub va: u32,
    /// Which memory
    pub phys: u32,
    /// Of which size
    pub order: u32,
    parent: Option<NodeId>,
    child: Option<NodeId>,
    next: Option<NodeId>,
    prev: Option<NodeId>,
}

/// Frames that hold the nodes of sigma0: 2048 words.
pub struct Roots(pub [Frame; 2]);

impl Kernel {
    /// sigma0's node for the 2 MiB at `phys`.
    pub fn root_node(&mut self, phys: u32) -> Option<NodeId> {
        if let Some(node) = self.existing_root_node(phys) {
            return Some(node);
        }
        let n = phys >> LARGE;
        let (frame, at) = (self.roots.0[(n >> 10) as usize], n & 0x3ff);
        let base = n << LARGE;
        let node = Node {
            task: self.sigma0,
            va: base,
            phys: base,
            order: LARGE,
            parent: None,
            child: None,
            next: None,
            prev: None,
        };
        let id = self.nodes.insert(&mut self.frames, node)?;
        self.frames.set(frame, at, id.word());
        Some(id)
    }

    /// sigma0's node for the 2 MiB at `phys`, if there is one already.
    #[must_use]
    pub fn existing_root_node(&self, phys: u32) -> Option<NodeId> {
        let n = phys >> LARGE;
        let word = self.frames.get(self.roots.0[(n >> 10) as usize], n & 0x3ff);
        (word != 0).then(|| NodeId::from_word(word))
    }

    /// A new page under `parent`.
    pub fn node_insert(
        &mut self,
        parent: NodeId,
        task: TaskId,
        va: u32,
        phys: u32,
        order: u32,
    ) -> Option<NodeId> {
        let next = self.nodes[parent].child;
        let node = Node { task, va, phys, order, parent: Some(parent), child: None, next, prev: None };
        let id = self.nodes.insert(&mut self.frames, node)?;
        self.nodes[parent].child = Some(id);
        if let Some(next) = next {
            self.nodes[next].prev = Some(id);
        }
        Some(id)
    }

    /// Whether `node` was mapped from `parent` itself.
    #[must_use]
    pub fn node_is_child(&self, node: NodeId, parent: NodeId) -> bool {
        self.nodes.get(node).is_some_and(|n| n.parent == Some(parent))
    }

    /// Whether `node` is `other` or one of its ancestors.
    #[must_use]
    pub fn node_is_above(&self, node: NodeId, other: NodeId) -> bool {
        let mut at = Some(other);
        while let Some(id) = at {
            if id == node {
                return true;
            }
            at = self.nodes.get(id).and_then(|n| n.parent);
        }
        false
    }

    /// Gives a page to another task: same place in the tree, new holder.
    pub fn node_move(&mut self, node: NodeId, task: TaskId, va: u32) {
        let n = &mut self.nodes[node];
        (n.task, n.va) = (task, va);
    }

    fn node_unlink(&mut self, id: NodeId) {
        let Some(n) = self.nodes.remove(id) else { return };
        debug_assert!(n.child.is_none());
        if let Some(next) = n.next {
            self.nodes[next].prev = n.prev;
        }
        match (n.prev, n.parent) {
            (Some(prev), _) => self.nodes[prev].next = n.next,
            (None, Some(parent)) => self.nodes[parent].child = n.next,
            (None, None) => {}
        }
    }

    /// Removes a node that has no children any more. sigma0's stay.
    pub fn node_remove(&mut self, id: NodeId) {
        if self.nodes.get(id).is_some_and(|n| n.parent.is_some() && n.child.is_none()) {
            self.node_unlink(id);
        }
    }

    fn first_leaf(&self, mut id: NodeId) -> NodeId {
        while let Some(child) = self.nodes[id].child {
            id = child;
        }
        id
    }

    /// Takes `rights` away from everything derived of `top` that touches `phys..phys + bytes`, and
    /// removes it when `full`. A large page that is touched is affected as a whole.
    pub fn derived_restrict(&mut self, top: NodeId, phys: u32, bytes: u64, rights: u8, full: bool) {
        let end = u64::from(phys) + bytes;
        let mut at = self.nodes.get(top).and_then(|n| n.child);
        while let Some(id) = at {
            let n = &self.nodes[id];
            at = n.next;
            if u64::from(n.phys) < end && u64::from(n.phys) + (1 << n.order) > u64::from(phys) {
                self.subtree_restrict(id, rights, full);
            }
        }
    }

    /// Leaves first, so that a node goes only after everything below it. No recursion: chains of
    /// mappings may be long, the kernel stack is not.
    fn subtree_restrict(&mut self, top: NodeId, rights: u8, full: bool) {
        let mut id = self.first_leaf(top);
        loop {
            let (next, parent) = (self.nodes[id].next, self.nodes[id].parent);
            self.node_restrict(id, rights, full);
            id = match (next, parent) {
                _ if id == top => return,
                (Some(next), _) => self.first_leaf(next),
                (None, Some(parent)) => parent,
                (None, None) => return,
            };
        }
    }

    fn node_restrict(&mut self, id: NodeId, rights: u8, full: bool) {
        let (task, va, order) = {
            let n = &self.nodes[id];
            (n.task, n.va, n.order)
        };
        self.page_restrict(task, va, order, rights, full);
        if full {
            self.node_remove(id);
        }
    }

    /// Takes rights away from the page itself.
    pub fn page_restrict(&mut self, task: TaskId, va: u32, order: u32, rights: u8, full: bool) {
        let Some(tables) = self.tasks.get(task).map(|t| t.tables) else { return };
        if let Entry::Page(page) = tables.lookup(&self.frames, va)
            && page.order == order
        {
            if full {
                tables.clear(&mut self.frames, va, order);
            } else {
                tables.set(&mut self.frames, va, &Page { rights: page.rights & !rights, ..page });
            }
            self.tlb_dirty = true;
        }
    }
}
