//! Stops and restores threads with the engine alone: no component, no image, no PDs.
//!
//! Eight threads of one task check themselves in loops (a server with three clients, a sleeper, a waiter for
//! an IRQ, one that guards its VFP registers, one that is never started). They are stopped and resumed at
//! random moments, then stopped, destroyed and restored into fresh tasks. Before that, a control run without
//! stops must pass the same checks, and at the end IPC that is aborted without the procedure must be *noticed*
//! by them: a test that cannot fail proves nothing.
#![no_std]
#![no_main]

mod memory;
mod programs;
mod world;

use core::cell::Cell;

use memory::Page;
use thaw_core_patch::{Engine, Request, Set, stub_code};
use thaw_l4::{ExRegs, Kernel, Real, Timeout, Timeouts, ipc, raw};
use thaw_native_abi::boot::POWER_OFF_LINE;
use thaw_protocol::{StopReport, part, verb};
use thaw_rt::Once;
use thaw_rt::{kernel, println};
use world::{CAST, SERVER, Stage, WAITER, World};

thaw_rt::entry!(main);

/// Seed of the moments at which threads are stopped.
const SEED: u32 = 0x1234_5678;
const STOPS: u32 = 300;
const RESTORES: u32 = 40;

static WINDOW: [Page; 2] = [const { Page::new() }; 2];
static BARRIER_STACK: Page = Page::new();

/// Words of every part of every thread.
type Saved = [[heapless::Vec<u32, 64>; 7]; CAST.len()];

static SET: Once<Set> = Once::new(Set::new());
static SAVED: Once<Saved> = Once::new([const { [const { heapless::Vec::new() }; 7] }; CAST.len()]);

struct Test<'a> {
    k: &'a Real,
    engine: Engine<'a, Real, Stage<'a>>,
    world: &'a Cell<World>,
    session: u32,
    random: u32,
    triggered: u32,
    passed: u32,
    failed: u32,
}

fn main() -> ! {
    let k = kernel();
    programs::set_revision(k.revision());
    for (i, word) in stub_code(k.revision()).iter().enumerate() {
        WINDOW[0].set(i, *word);
    }
    WINDOW[1].set(0, 0);
    k.make_coherent(WINDOW[0].addr(), WINDOW[0].addr() + 4096);
    for i in 0..64 {
        programs::set(0, 64 + i, 0x1000 + 77 * i as u32);
    }
    world::set_up_handler(&k, barrier, BARRIER_STACK.addr() + 4096).expect("gates and barrier thread");
    let world = Cell::new(World::make(&k, 0).expect("first world"));
    let stage = Stage { world: &world, window: [&WINDOW[0], &WINDOW[1]] };
    let engine = Engine::new(&k, stage, SET.take().expect("taken once"));
    let mut test =
        Test { k: &k, engine, world: &world, session: 0, random: SEED, triggered: 0, passed: 0, failed: 0 };
    test.run();
    println!("engine: {} passed, {} failed", test.passed, test.failed);
    println!("{POWER_OFF_LINE}");
    loop {
        ipc::sleep(&k, Timeouts::NEVER);
    }
}

extern "C" fn barrier() -> ! {
    world::barrier_loop(&kernel())
}

impl Test<'_> {
    fn run(&mut self) {
        println!("engine: revision {:?}, seed {SEED:#x}", self.k.revision());
        let mut world = self.world.get();
        world.start(self.k).expect("threads start");
        self.world.set(world);
        for _ in 0..STOPS {
            self.moment();
        }
        self.check("control run without stops", true);
        self.open();
        let stopped = self.live_stops();
        self.check("live stops", stopped);
        let restored = self.restores();
        self.check("restores into fresh tasks", restored);
        self.naive();
    }

    /// Lets the threads run for a while, and triggers the waiter's IRQ every third time.
    fn moment(&mut self) {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 17;
        self.random ^= self.random << 5;
        let sleep = Timeout::from_us(1 + (self.random & 0x3ff));
        ipc::sleep(self.k, Timeouts::new(Timeout::NEVER, sleep));
        if self.random.is_multiple_of(3) {
            self.world.get().irq().trigger(self.k).expect("trigger");
            self.triggered += 1;
        }
    }

    fn live_stops(&mut self) -> bool {
        let mut total = StopReport::default();
        for _ in 0..STOPS {
            self.moment();
            let Some(words) = self.request(&[verb::STOP, self.session]) else { return false };
            let report = StopReport::from_words([words[0], words[1], words[2], words[3], words[4]]);
            total.cancelled += report.cancelled;
            total.drained += report.drained;
            total.links += report.links;
            if self.request(&[verb::COMMIT, self.session]).is_none() {
                return false;
            }
        }
        println!(
            "engine: {STOPS} stops: {} cancelled, {} drained, {} links",
            total.cancelled, total.drained, total.links
        );
        // A stop that never meets a call in progress or a queue has tested nothing of interest.
        total.drained > 0 && total.links > 0
    }

    fn restores(&mut self) -> bool {
        let saved = SAVED.take().expect("taken once");
        for generation in 1..=RESTORES {
            self.moment();
            if self.request(&[verb::STOP, self.session]).is_none() {
                return false;
            }
            let irq = self.save(saved);
            self.request(&[verb::ABANDON, self.session]);
            self.world.get().destroy(self.k).expect("destroy");
            self.world.set(World::make(self.k, generation).expect("fresh world"));
            self.open();
            if !self.load(saved, irq) {
                return false;
            }
        }
        println!("engine: {RESTORES} restores");
        true
    }

    fn save(&mut self, saved: &mut Saved) -> [u32; 2] {
        for (i, parts) in saved.iter_mut().enumerate() {
            for (number, words) in parts.iter_mut().enumerate() {
                words.clear();
                let got = self.request(&[verb::THREAD_GET, self.session, i as u32, number as u32]);
                words.extend(got.unwrap_or_default());
            }
        }
        let irq = self.request(&[verb::IRQ_GET, self.session, 0]).unwrap_or_default();
        [irq[0], irq[1]]
    }

    fn load(&mut self, saved: &Saved, irq: [u32; 2]) -> bool {
        if self.request(&[verb::PREPARE, self.session, world::started_mask(), 0]).is_none() {
            return false;
        }
        for (i, parts) in saved.iter().enumerate() {
            if CAST[i].0.is_none() {
                continue;
            }
            for (number, words) in parts.iter().enumerate() {
                let mut message = heapless::Vec::<u32, 63>::new();
                let head = [verb::THREAD_SET, self.session, i as u32, number as u32];
                let fits =
                    message.extend_from_slice(&head).is_ok() && message.extend_from_slice(words).is_ok();
                assert!(
                    fits && part::words(number as u32) == Some(words.len()),
                    "part {number} of thread {i}"
                );
                if self.request(&message).is_none() {
                    return false;
                }
            }
        }
        self.request(&[verb::IRQ_SET, self.session, irq[0], irq[1]]).is_some()
            && self.request(&[verb::COMMIT, self.session]).is_some()
    }

    fn open(&mut self) {
        self.session = self.request(&[verb::OPEN]).map_or(0, |words| words[0]);
    }

    fn request(&mut self, words: &[u32]) -> Option<heapless::Vec<u32, 64>> {
        let (tag, reply) = self.engine.serve(&Request { client: 0, words, label: Some(1), cap: None });
        if tag.label() < 0 {
            println!("engine: verb {} refused: {} {:x?}", words[0], tag.label(), reply.words());
            return None;
        }
        Some(reply.words().iter().copied().collect())
    }

    /// All threads must have made progress and no check of theirs must be broken.
    fn check(&mut self, name: &str, ran: bool) {
        let before: [u32; CAST.len()] = core::array::from_fn(|i| programs::get(i, 1));
        ipc::sleep(self.k, Timeouts::new(Timeout::NEVER, Timeout::from_us(20_000)));
        self.world.get().irq().trigger(self.k).expect("trigger");
        self.triggered += 1;
        ipc::sleep(self.k, Timeouts::new(Timeout::NEVER, Timeout::from_us(5_000)));
        let progress = |i: usize| programs::get(i, 1) > before[i];
        let moved = (0..CAST.len()).all(|i| CAST[i].0.is_none() || self.starved(i) || progress(i));
        let broken: u32 = (0..CAST.len()).map(|i| programs::get(i, 2)).sum();
        let calls: u32 = [2, 3, 7].iter().map(|i| programs::get(*i, 1)).sum();
        let served = programs::get(SERVER, 1);
        // Each client can be in one call that the server counts already and the client not yet.
        let exact = served >= calls && served <= calls + 3;
        let woken = programs::get(WAITER, 1) == self.triggered;
        println!(
            "engine: {name}: moved {moved}, broken {broken}, calls {calls} served {served}, irq {} of {}",
            programs::get(WAITER, 1),
            self.triggered
        );
        self.verdict(name, ran && moved && broken == 0 && exact && woken);
    }

    /// Below the client of priority 12, which never waits long, the others may get no turn in 25 ms.
    const fn starved(&self, i: usize) -> bool {
        CAST[i].1 < 12
    }

    /// Without the procedure, the checks must notice.
    fn naive(&mut self) {
        for (i, (program, _)) in CAST.iter().enumerate() {
            if program.is_some() {
                let flags = raw::L4_THREAD_EX_REGS_CANCEL;
                let cancel = ExRegs { flags, ..ExRegs::default() };
                self.world.get().thread_cap(i).ex_regs(self.k, cancel).expect("cancel");
            }
        }
        ipc::sleep(self.k, Timeouts::new(Timeout::NEVER, Timeout::from_us(20_000)));
        let broken: u32 = (0..CAST.len()).map(|i| programs::get(i, 2)).sum();
        println!("engine: aborting IPC without the procedure breaks {broken} checks");
        self.verdict("aborted IPC is noticed", broken > 0);
    }

    fn verdict(&mut self, name: &str, ok: bool) {
        println!("engine: {} {name}", if ok { "pass" } else { "FAIL" });
        if ok {
            self.passed += 1;
        } else {
            self.failed += 1;
        }
    }
}
