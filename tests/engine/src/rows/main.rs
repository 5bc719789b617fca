//! Every row of the table in docs/stop.md, by directed stops: the threads of a case come to a known place, are
//! stopped, and go on, live and in a fresh task; what each finds afterwards is compared, register by register,
//! with a run without any stop.
#![no_std]
#![no_main]

mod cases;
mod kinds;
#[path = "../memory.rs"]
mod memory;
mod place;
mod script;

use core::cell::Cell;
use core::sync::atomic::{AtomicBool, Ordering};

use cases::{Act, CASES, Case, Neighbour};
use l4_sys::syscall;
use memory::Page;
use place::{Place, ROOT_TASK, Stage};
use script::{RESULT, STEP_WORDS, STEPS};
use thaw_core_patch::{Engine, Request, Set, stub_code};
use thaw_l4::{CapIndex, Fpage, Kernel, Op, Real, Revision, Selector, Timeout, Timeouts, ipc, raw};
use thaw_native_abi::boot::POWER_OFF_LINE;
use thaw_protocol::{StopReport, activity_kind, part, verb};
use thaw_rt::{Once, kernel, println};

thaw_rt::entry!(main);

/// Threads of a case at most.
const THREADS: usize = 9;
/// Stops of a live run.
const STOPS: u32 = 3;
/// Time in which threads come to where they are to be stopped; on G a sleep may be a tick shorter.
const SETTLE_US: u32 = 3_000;

static WINDOW: [Page; 2] = [const { Page::new() }; 2];
static STACKS: [Page; 4] = [const { Page::new() }; 4];
static ZEROES: Page = Page::new();
static MAY_ANSWER: AtomicBool = AtomicBool::new(false);
static MAY_FORGE: AtomicBool = AtomicBool::new(false);

type Results = [[[u32; STEP_WORDS - RESULT]; STEPS]; THREADS];
/// Words of every part of every thread.
type Saved = [[heapless::Vec<u32, 64>; 7]; THREADS];

static SET: Once<Set> = Once::new(Set::new());
static SAVED: Once<[Saved; 2]> =
    Once::new([const { [const { [const { heapless::Vec::new() }; 7] }; THREADS] }; 2]);

struct Rows<'a> {
    k: &'a Real,
    engine: Engine<'a, Real, Stage<'a>>,
    place: &'a Cell<Place>,
    wakes: &'a Cell<bool>,
    saved: &'static mut [Saved; 2],
    session: u32,
    generation: u32,
    failed: u32,
}

fn main() -> ! {
    let k = kernel();
    for (i, word) in stub_code(k.revision()).iter().enumerate() {
        WINDOW[0].set(i, *word);
    }
    WINDOW[1].set(0, 0);
    k.make_coherent(WINDOW[0].addr(), WINDOW[0].addr() + 4096);
    let barrier = (barrier as extern "C" fn() -> !, STACKS[0].addr() + 4096);
    let pager = (pager as extern "C" fn() -> !, STACKS[1].addr() + 4096);
    place::set_up_handler(&k, barrier, pager).expect("gates and threads");
    let busy = (busy as extern "C" fn() -> !, STACKS[2].addr() + 4096);
    let forger = (forger as extern "C" fn() -> !, STACKS[3].addr() + 4096);
    place::set_up_neighbours(&k, busy, forger).expect("threads");
    let place = Cell::new(Place::make(&k, &CASES[0], 0).expect("place"));
    let wakes = Cell::new(false);
    let stage = Stage { place: &place, window: [&WINDOW[0], &WINDOW[1]], wakes: &wakes };
    let engine = Engine::new(&k, stage, SET.take().expect("taken once"));
    let saved = SAVED.take().expect("taken once");
    let (place, wakes) = (&place, &wakes);
    let mut rows = Rows { k: &k, engine, place, wakes, saved, session: 0, generation: 1, failed: 0 };
    println!("rows: revision {:?}", k.revision());
    let cases =
        || CASES.iter().chain(kinds::CASES).filter(|case| case.only.is_none_or(|only| only == k.revision()));
    cases().for_each(|case| rows.case(case));
    static MEASURED: [Case; 6] = cases::MEASURED;
    MEASURED.iter().for_each(|case| rows.measure(case));
    println!("rows: {} cases, {} failed", cases().count(), rows.failed);
    println!("{POWER_OFF_LINE}");
    loop {
        ipc::sleep(&k, Timeouts::NEVER);
    }
}

extern "C" fn barrier() -> ! {
    place::barrier_loop(&kernel())
}

extern "C" fn pager() -> ! {
    place::pager_loop(&kernel(), || MAY_ANSWER.load(Ordering::Acquire))
}

extern "C" fn busy() -> ! {
    place::busy_loop(&kernel())
}

extern "C" fn forger() -> ! {
    place::forger_loop(&kernel(), || MAY_FORGE.load(Ordering::Acquire))
}

/// How a run of a case goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Run {
    Control,
    Live,
    Fresh,
}

/// What went wrong in a run.
type Outcome<T> = Result<T, &'static str>;

impl Rows<'_> {
    fn case(&mut self, case: &'static Case) {
        let control = self.run(case, Run::Control).unwrap_or_else(|why| panic!("{}: {why}", case.name));
        for run in [Run::Live, Run::Fresh] {
            // The parts of a thread that is gone cannot be read.
            let ends = case.before.iter().chain(case.stopped).any(|act| matches!(act, Act::End(_)));
            if run == Run::Fresh && (case.refused.is_some() || case.between != 0 || ends) {
                continue;
            }
            let result = self.run(case, run).and_then(|results| self.compare(case, &control, &results));
            match result {
                Ok(()) => println!("rows: pass {}, {run:?}", case.name),
                Err(why) => {
                    println!("rows: FAIL {}, {run:?}: {why}", case.name);
                    self.failed += 1;
                }
            }
        }
    }

    fn run(&mut self, case: &'static Case, run: Run) -> Outcome<Results> {
        script::reset(self.k.revision());
        for (i, (_, steps)) in case.threads.iter().enumerate() {
            script::write(i, steps);
        }
        self.make(case);
        let mut place = self.place.get();
        place.start(self.k).expect("threads start");
        self.place.set(place);
        self.pass(SETTLE_US);
        self.act(case.before);
        MAY_FORGE.store(case.neighbour == Neighbour::Forger, Ordering::Release);
        let result = match run {
            Run::Control => {
                self.act(case.stopped);
                self.pass(case.between * STOPS);
                Ok(())
            }
            Run::Live => self.live(case),
            Run::Fresh => self.fresh(case),
        };
        MAY_FORGE.store(false, Ordering::Release);
        if run != Run::Control {
            self.request(&[verb::CLOSE, self.session]);
        }
        self.act(case.after);
        self.pass(SETTLE_US * 2);
        let mut results = [[[0; STEP_WORDS - RESULT]; STEPS]; THREADS];
        for (i, steps) in results.iter_mut().enumerate().take(case.threads.len()) {
            for (step, words) in steps.iter_mut().enumerate() {
                for (n, word) in words.iter_mut().enumerate() {
                    *word = script::result(i, step, RESULT + n);
                }
            }
        }
        self.place.get().destroy(self.k).expect("destroy");
        self.pass(SETTLE_US);
        result.map(|()| results)
    }

    /// Tells what a stop and a resume cost. QEMU's counter goes on by one in four instructions.
    fn measure(&mut self, case: &'static Case) {
        script::reset(self.k.revision());
        (0..case.threads.len()).for_each(|i| script::write(i, case.threads[i].1));
        self.make(case);
        let mut place = self.place.get();
        place.start(self.k).expect("threads start");
        self.place.set(place);
        self.pass(SETTLE_US);
        self.open().expect("session");
        let mut ticks = [syscall::cntvct(); 3];
        self.request(&[verb::STOP, self.session]).expect("stop");
        ticks[1] = syscall::cntvct();
        self.request(&[verb::COMMIT, self.session]).expect("commit");
        ticks[2] = syscall::cntvct();
        self.request(&[verb::CLOSE, self.session]);
        let n = case.threads.len() as u64;
        let [stop, resume] = [0, 1].map(|i| 4 * (ticks[i + 1] - ticks[i]));
        println!(
            "rows: cost {n} {}: stop {stop} ({} a thread), resume {resume} ({} a thread) instructions",
            case.name,
            stop / n,
            resume / n
        );
        let [filled, empty] = [place::IN_PAGER, CapIndex(0x11)].map(|slot| {
            let begin = syscall::cntvct();
            for _ in 0..64 {
                let found = place.task().cap_valid(self.k, slot).expect("answer");
                assert_eq!(found, slot == place::IN_PAGER, "contents of a slot");
            }
            4 * (syscall::cntvct() - begin) / 64
        });
        println!("rows: cost slot: filled {filled}, empty {empty} instructions");
        place.destroy(self.k).expect("destroy");
        self.pass(SETTLE_US);
    }

    fn make(&mut self, case: &'static Case) {
        self.place.set(Place::make(self.k, case, self.generation).expect("place"));
        self.generation += 1;
    }

    fn pass(&self, us: u32) {
        if us == 0 {
            return;
        }
        ipc::sleep(self.k, Timeouts::new(Timeout::NEVER, Timeout::from_us(us)));
    }

    fn act(&self, acts: &[Act]) {
        for act in acts {
            match *act {
                Act::Raise(flag) => script::raise(flag),
                Act::Trigger(n) => {
                    self.place.get().irq(n).trigger(self.k).expect("trigger");
                    // Who waits for it comes to run.
                    self.pass(SETTLE_US / 4);
                }
                Act::Pass(us) => self.pass(us),
                Act::ServeFault => self.serve_fault(),
                Act::Clear(n) => {
                    let slot = CapIndex(cases::S0 + n as u32);
                    self.place.get().task().unmap_cap(self.k, slot).expect("clear");
                }
                Act::End(i) => {
                    let mut place = self.place.get();
                    place.end(self.k, i).expect("end");
                    self.place.set(place);
                }
            }
        }
    }

    /// Maps a page and answers the fault of the one thread that waits.
    fn serve_fault(&self) {
        ZEROES.set(0, 0);
        let page = Fpage::memory(ZEROES.addr(), 12, raw::L4_FPAGE_RO);
        let task = self.place.get().task();
        task.map(self.k, ROOT_TASK, page, cases::MISSING_PAGE, 0).expect("map");
        MAY_ANSWER.store(true, Ordering::Release);
        self.pass(SETTLE_US);
        MAY_ANSWER.store(false, Ordering::Release);
    }

    fn open(&mut self) -> Outcome<()> {
        self.session = self.request(&[verb::OPEN]).ok_or("not opened")?[0];
        Ok(())
    }

    fn live(&mut self, case: &Case) -> Outcome<()> {
        self.open()?;
        for n in 0..STOPS {
            self.wakes.set(case.neighbour == Neighbour::Busy);
            let stopped = self.request_or_error(&[verb::STOP, self.session]);
            match (stopped, case.refused) {
                (Ok(words), None) => self.note(&words),
                (Err(error), Some(kind)) if error == kind.number() => {
                    return Ok(());
                }
                (Ok(words), Some(_)) => {
                    self.note(&words);
                    let _ = self.check_activities(&[(0, 0), (1, 0)]);
                    return Err("not refused");
                }
                _ => return Err("stop or refusal"),
            }
            // Time goes by between stops: what was asleep at the first may have gone on at the next.
            self.check_activities(if n == 0 { case.expect } else { &[] })?;
            self.act(case.stopped);
            self.request(&[verb::COMMIT, self.session]).ok_or("commit")?;
            if !case.stopped.is_empty() {
                return Ok(());
            }
            self.pass(case.between);
        }
        Ok(())
    }

    fn note(&self, words: &[u32]) {
        let report = StopReport::from_words([words[0], words[1], words[2], words[3], words[4]]);
        println!(
            "rows: | {} threads, {} cancelled, {} drained, {} links, {} barriers",
            report.threads, report.cancelled, report.drained, report.links, report.barriers
        );
    }

    fn check_activities(&mut self, expect: &[(usize, u32)]) -> Outcome<()> {
        for (i, kind) in expect {
            let get = [verb::THREAD_GET, self.session, *i as u32, part::ACTIVITY];
            let found = self.request(&get).ok_or("activity")?[1];
            if found != *kind {
                println!("rows: | thread {i}: kind {found}, expected {kind}");
                return Err("found doing something else");
            }
        }
        Ok(())
    }

    /// Stops, destroys, restores into a fresh task, and stops again: both states must be the same.
    fn fresh(&mut self, case: &'static Case) -> Outcome<()> {
        self.open()?;
        self.wakes.set(case.neighbour == Neighbour::Busy);
        self.request(&[verb::STOP, self.session]).ok_or("stop")?;
        self.check_activities(case.expect)?;
        let irqs = self.save(case, 0);
        self.request(&[verb::ABANDON, self.session]);
        self.place.get().destroy(self.k).expect("destroy");
        self.make(case);
        self.open()?;
        self.load(case, &irqs)?;
        self.request(&[verb::STOP, self.session]).ok_or("stop of the restored")?;
        self.save(case, 1);
        let same = self.same_state(case);
        self.request(&[verb::COMMIT, self.session]).ok_or("commit of the restored")?;
        same
    }

    fn save(&mut self, case: &Case, place: usize) -> heapless::Vec<[u32; 2], 8> {
        for i in 0..case.threads.len() {
            for number in 0..7 {
                let got = self.request(&[verb::THREAD_GET, self.session, i as u32, number as u32]);
                let words = &mut self.saved[place][i][number];
                words.clear();
                words.extend(got.unwrap_or_default());
            }
        }
        let mut irqs = heapless::Vec::new();
        let count = case
            .objects
            .iter()
            .filter(|o| matches!(o, cases::Object::Irq(..) | cases::Object::Semaphore))
            .count();
        for n in 0..count {
            let got = self.request(&[verb::IRQ_GET, self.session, n as u32]).unwrap_or_default();
            let _ = irqs.push([got[0], got[1]]);
        }
        irqs
    }

    fn load(&mut self, case: &Case, irqs: &[[u32; 2]]) -> Outcome<()> {
        let mask = (1u32 << case.threads.len()) - 1;
        self.request(&[verb::PREPARE, self.session, mask, 0]).ok_or("prepare")?;
        for i in 0..case.threads.len() {
            for number in 0..7 {
                let mut message = heapless::Vec::<u32, 63>::new();
                let head = [verb::THREAD_SET, self.session, i as u32, number as u32];
                let words = &self.saved[0][i][number];
                let fits =
                    message.extend_from_slice(&head).is_ok() && message.extend_from_slice(words).is_ok();
                assert!(fits, "part {number} of thread {i}");
                self.request(&message).ok_or("thread_set")?;
            }
        }
        for [slot, pending] in irqs {
            self.request(&[verb::IRQ_SET, self.session, *slot, *pending]).ok_or("irq_set")?;
        }
        self.request(&[verb::COMMIT, self.session]).ok_or("commit")?;
        Ok(())
    }

    /// A restored task that has not come to run holds what was saved.
    fn same_state(&self, case: &Case) -> Outcome<()> {
        if case.moves {
            return Ok(());
        }
        for i in 0..case.threads.len() {
            // Not one that runs: its trigger was lost, as it had not run since it was let go.
            let runs = |place: usize| self.saved[place][i][0].get(1) == Some(&activity_kind::USER);
            // Nor one that a tick kept from its first instruction.
            if runs(0) || runs(1) && self.saved[0][i][1] == self.saved[1][i][1] {
                continue;
            }
            for number in 0..7 {
                let [first, second] = [0, 1].map(|place| &self.saved[place][i][number]);
                let known = |n: usize| self.may_change(number, n, first);
                let differs = (0..first.len()).find(|n| first[*n] != second[*n] && !known(*n));
                if let Some(n) = differs {
                    let (a, b) = (first[n], second[n]);
                    println!("rows: | thread {i} part {number} word {n}: {a:#x} saved, {b:#x} restored");
                    return Err("checkpoint(restore(x)) is not x");
                }
            }
        }
        Ok(())
    }

    /// The closed list: r2 of a reply and wait, r4 and lr on G, the tag of a caller that we answered.
    fn may_change(&self, part: usize, word: usize, saved: &[u32]) -> bool {
        let g = self.k.revision() == Revision::G;
        match (part, word) {
            (0, 2) => matches!(Selector(saved[2]).op(), Op::REPLY_AND_WAIT | Op::SEND_AND_WAIT),
            (1, 6 | 16) => g,
            // The UTCB's error word: aborted once, probed the other time.
            (6, 37) => true,
            _ => false,
        }
    }

    fn compare(&self, case: &Case, control: &Results, results: &Results) -> Outcome<()> {
        for i in 0..case.threads.len() {
            for step in 0..STEPS {
                let (c, r) = (&control[i][step], &results[i][step]);
                for n in 0..c.len() {
                    if c[n] != r[n] && !self.may_differ(n, c, r) {
                        println!(
                            "rows: | thread {i} step {step} word {n}: {:#x} without, {:#x} with a stop",
                            c[n], r[n]
                        );
                        return Err("differs");
                    }
                }
            }
        }
        Ok(())
    }

    /// The closed list of docs/target-abi.md, as far as it concerns a system call's registers.
    fn may_differ(&self, n: usize, control: &[u32], result: &[u32]) -> bool {
        let error = raw::L4_MSGTAG_ERROR;
        match n {
            // r0 of a system call that ended in an error.
            1 => control[1] & result[1] & error != 0,
            // r2 of a reply and wait, and of a call to somebody who was ended in the stop.
            3 if result[3] == Selector::nobody(Op::RECEIVE).0 => {
                matches!(Selector(control[3]).op(), Op::CALL | Op::RECEIVE)
                    && control[1] & result[1] & error != 0
            }
            3 => {
                matches!(Selector(control[3]).op(), Op::REPLY_AND_WAIT | Op::SEND_AND_WAIT)
                    && result[3] == Selector(control[3]).with_op(Op::WAIT).0
            }
            // r4 on G, and of a wait that a message of ours brought out and that ran into its timeout later.
            5 => self.k.revision() == Revision::G || control[1] & result[1] & error != 0,
            // The UTCB's error word, where there was no error.
            13 => control[1] & error == 0,
            _ => false,
        }
    }

    fn request(&mut self, words: &[u32]) -> Option<heapless::Vec<u32, 64>> {
        let result = self.request_or_error(words);
        if let Err(number) = result {
            println!("rows: | verb {} refused: {number}", words[0]);
        }
        result.ok()
    }

    fn request_or_error(&mut self, words: &[u32]) -> Result<heapless::Vec<u32, 64>, u32> {
        let (tag, reply) = self.engine.serve(&Request { client: 0, words, label: Some(1), cap: None });
        if tag.label() < 0 {
            println!("rows: | {:x?}", reply.words());
            return Err(tag.label().unsigned_abs());
        }
        Ok(reply.words().iter().copied().collect())
    }
}
