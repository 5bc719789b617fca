//! A program to be checkpointed. Seven threads of one PD prove their own continuity:
//!
//! | thread | priority | does |
//! |---|---|---|
//! | counter | of the PD | counts once per period, asleep in a receive with timeout; prints |
//! | server | 9 | answers calls, sometimes only after a sleep or some work |
//! | lock-a, lock-b | 8 | contend for a lock made of one IRQ object per thread |
//! | client | 7 | calls the server in a loop |
//! | memory | 5 | a hash chain over the heap, never asleep |
//! | vfp | 5 | a running product in all double registers, never asleep |
//!
//! Each keeps its position only in what a thread takes along through a system call: registers, VFP
//! registers, condition flags, the UTCB, the stack ([`thaw_targets::witness`]). It prints
//! `started <thread>` once in its life and `FAIL <what> expected <x> got <y>` when a check breaks, and
//! then stops; the counter notices a thread that makes no progress.
#![no_std]
#![no_main]

mod lock;
mod me;
mod memory;
mod product;
mod rpc;
mod threads;

use core::sync::atomic::{AtomicU32, Ordering};

use me::{Me, Role};
use thaw_targets::{
    config::Config,
    witness::{requests, tls::tls},
};

/// Counting starts when all other threads have theirs.
const WORKERS: [Role; 6] = [Role::Memory, Role::Vfp, Role::Server, Role::Client, Role::LockA, Role::LockB];

/// Heap size for the memory worker, from `target.cfg`.
static HEAP_MIB: AtomicU32 = AtomicU32::new(0);

thaw_rt::entry!(main);

fn main() -> ! {
    let me = &threads::first();
    me.started();
    let config = configuration(me);
    HEAP_MIB.store(config.heap_mib, Ordering::Release);
    // Filling the heap takes a while; the others begin afterwards.
    threads::start(me, Role::Memory);
    wait_for(me, Role::Memory);
    for role in &WORKERS[1..] {
        threads::start(me, *role);
    }
    rpc::create_gate(me);
    lock::create_irqs(me);
    threads::let_run();
    for role in WORKERS {
        wait_for(me, role);
    }
    count(me, config.period_ms * 1_000)
}

fn wait_for(me: &Me, role: Role) {
    while !role.has_started() {
        me.nap(1_000);
    }
}

fn count(me: &Me, period_us: u32) -> ! {
    let before = tls();
    let mut progress = Progress::default();
    let mut count = 0;
    loop {
        count = me.sleep_at_depth(count % 23, period_us, count) + 1;
        me.expect("tls", before, tls());
        me.print(format_args!("count {count}"));
        if count % 10 == 0 {
            progress.check(me);
        }
    }
}

/// What the workers had reached at the last check.
#[derive(Default)]
struct Progress([u64; 6]);

impl Progress {
    fn check(&mut self, me: &Me) {
        let now = WORKERS.map(Role::progress);
        for ((role, now), before) in WORKERS.iter().zip(now).zip(self.0) {
            if now <= before {
                me.fail(format_args!("{}.progress expected more than {before} got {now}", role.name()));
            }
        }
        self.0 = now;
        let [memory, vfp, server, client, a, b] = now;
        me.print(format_args!("checks: memory={memory} vfp={vfp} lock={a}/{b} rpc={client}/{server} tls=ok"));
    }
}

fn configuration(me: &Me) -> Config {
    let mut text = [0; thaw_targets::config::BYTES_MAX];
    match requests::rom_read(thaw_targets::config::MODULE, &mut text) {
        Err(e) => me.refused("rom", e),
        Ok(None) => Config::DEFAULT,
        Ok(Some(bytes)) => match Config::parse(&text[..bytes]) {
            Ok(config) => config,
            Err(line) => {
                me.fail(format_args!("target.cfg expected key=value got another text in line {line}"))
            }
        },
    }
}
