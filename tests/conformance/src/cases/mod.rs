//! The cases, by subject.

mod ex_regs;

use crate::Runner;

/// Groups by name; each is a boot of its own.
pub const GROUPS: &[(&str, fn(&Runner))] = &[("ex_regs", ex_regs::run)];

use thaw_l4::{Fpage, raw};

use crate::world::{OWN_TASK, World};

/// Takes a page from the children.
pub fn take_page(w: &World<'_>, page: u32) {
    let all = Fpage::memory(page, 12, raw::L4_FPAGE_RWX);
    w.task.unmap(&w.k, all, raw::THAW_UNMAP_SELF_BIT).expect("unmap of a page");
}

/// Gives a page to the children.
pub fn give_page(w: &World<'_>, page: u32, rights: u32) {
    w.task.map(&w.k, OWN_TASK, Fpage::memory(page, 12, rights), page, 0).expect("map of a page");
}
