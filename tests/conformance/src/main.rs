//! A root task that does one thing after the other and prints what the kernel below makes of it.
//!
//! The boot module `case` names a group of cases; each prints `CASE name`, facts in lines that begin with
//! a bar, and `END name`. `cargo xtask conformance` compares them with what the real kernels printed.
#![no_std]
#![no_main]

mod cases;
mod code;
mod config;
mod data;
mod hazards;
mod show;
mod step;
mod world;

use core::fmt;

use thaw_l4::{Kernel, Timeouts, ipc};
use thaw_native_abi::boot;
use thaw_rt::{kernel, println};

use crate::world::{Ground, World};

thaw_rt::entry!(main);

/// Runs cases, one after the other.
pub struct Runner {
    ground: Ground,
}

impl Runner {
    /// Runs one case in surroundings of its own.
    pub fn case(&self, name: impl fmt::Display, body: impl FnOnce(&World<'_>)) {
        println!("CASE {name}");
        let world = World::new(kernel(), &self.ground).expect("surroundings of a case");
        body(&world);
        println!("END {name}");
        world.clean_up().expect("clean-up");
    }
}

fn main() -> ! {
    let word = config::read();
    let runner = Runner { ground: Ground::new(&kernel()).expect("barrier") };
    match word.text().split_once(' ') {
        Some(("hazard", name)) => hazards::run(name, &runner),
        _ if word.text() == "list" => list(),
        _ => group(word.text(), &runner),
    }
    println!("{}", boot::POWER_OFF_LINE);
    loop {
        ipc::sleep(&kernel(), Timeouts::NEVER);
    }
}

/// Names what can be run.
fn list() {
    cases::GROUPS.iter().for_each(|g| println!("GROUP {}", g.0));
    let revision = kernel().revision();
    hazards::HAZARDS.iter().filter(|h| h.on(revision)).for_each(|h| println!("HAZARD-CASE {}", h.name));
}

fn group(name: &str, runner: &Runner) {
    let group = cases::GROUPS.iter().find(|g| g.0 == name);
    group.unwrap_or_else(|| panic!("no group of cases is called \"{name}\"")).1(runner);
}
