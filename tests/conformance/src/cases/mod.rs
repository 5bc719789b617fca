//! The cases, by subject.

mod caps;
mod deletion;
mod ex_regs;
mod exceptions;
mod factory;
mod faults;
mod fpu;
mod gates;
mod ipc;
mod irqs;
mod objects;
mod parts;
mod queues;
mod replies;
mod scheduling;
mod timeouts;

use crate::Runner;

/// Cases of one subject.
type Group = fn(&Runner);

/// Groups by name; each is a boot of its own.
pub const GROUPS: &[(&str, Group)] = &[
    ("ex_regs", ex_regs::run),
    ("ipc", ipc::run_all),
    ("timeouts", timeouts::run_all),
    ("exceptions", exceptions::run_all),
    ("queues", queues::run_all),
    ("replies", replies::run_all),
    ("gates", gates::run_all),
    ("irqs", irqs::run_all),
    ("caps", caps::run_all),
    ("factory", factory::run_all),
    ("scheduling", scheduling::run_all),
    ("deletion", deletion::run_all),
    ("objects", objects::run_all),
    ("fpu", fpu::run_all),
    ("faults", faults::run_all),
];

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
