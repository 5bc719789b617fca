//! Absolute timeouts: threads that wait until a time of the kernel's clock wake when that has come by their own.
//!
//! A restore moves the kernel's clock against the program's. A thread below the sleepers runs only while they are in their
//! system calls, so it knows which of them were in one when the clocks moved: those have to be moved as far.

use core::sync::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Acquire, Release},
};

use thaw_l4::{Kernel, MsgTag, Op, Selector, Timeout, Timeouts, raw};
use thaw_rt::request;
use thaw_targets::{
    mix::mix,
    witness::{Witness, pattern},
};

use crate::{crew, me::Me, scenario::Verdict};

/// Both clocks are read one after the other, and one may count whole ticks.
const SLACK_US: i32 = 3_000;
/// How often the clocks are looked at.
const LOOK_US: u32 = 1_000;
/// So often it may find a sleeper whose time is over: who continues in a wait that is over sleeps until the next tick.
const LATE_MAX: u32 = 3;
const SLEEPERS: core::ops::RangeInclusive<usize> = 1..=3;
const WATCH: usize = 4;
const BR: usize = raw::THAW_UTCB_BR_WORD as usize;

/// What a sleeper shows to the watch. Times are microseconds, of which the low word is enough.
struct Shown {
    /// Number of the wait that it is in, or 0.
    wait: AtomicU32,
    /// How far the kernel's clock was ahead of the own when it asked.
    ahead: AtomicU32,
    /// When the wait ends by the own clock.
    deadline: AtomicU32,
    /// How far the watch has seen the clocks move against each other in this wait.
    moved: AtomicU32,
    /// Number of the wait in which the watch has found it for sure.
    found: AtomicU32,
    /// How often in a row the watch has found this wait too long.
    late: AtomicU32,
}

static SHOWN: [Shown; WATCH] = [const {
    Shown {
        wait: AtomicU32::new(0),
        ahead: AtomicU32::new(0),
        deadline: AtomicU32::new(0),
        moved: AtomicU32::new(0),
        found: AtomicU32::new(0),
        late: AtomicU32::new(0),
    }
}; WATCH];

/// Three threads that wait for points of time, and the watch.
pub fn deadlines(me: &Me, rounds: u32) -> Verdict {
    for place in SLEEPERS {
        crew::start(me, place, 5 + place as u32, sleeper, rounds);
    }
    crew::start(me, WATCH, 4, watch, 0);
    crew::run();
    Verdict::new(crew::join(me), [3 * rounds, 0, 0])
}

/// Both clocks, at the same moment.
#[derive(Clone, Copy)]
struct Clocks {
    kernel: u64,
    own: u64,
}

impl Clocks {
    /// Fails if the own one has gone backwards.
    fn after(me: &Me, before: Option<Self>) -> Self {
        let (kernel, own) = me.granted("clock", request::kernel_clock_us());
        if let Some(before) = before.filter(|b| own < b.own) {
            me.fail(format_args!("{}.own expected {} or later got {own}", me.name, before.own));
        }
        Self { kernel, own }
    }

    const fn ahead(self) -> u32 {
        (self.kernel as u32).wrapping_sub(self.own as u32)
    }
}

/// `a - b`, if that is more than the clocks' own inaccuracy.
fn beyond(a: u32, b: u32) -> Option<i32> {
    let distance = a.wrapping_sub(b) as i32;
    (distance.abs() > SLACK_US).then_some(distance)
}

fn sleeper(me: &Me, rounds: u32) {
    let mut clocks = None;
    for n in 1..=rounds {
        // A stop takes a while, and most waits should outlast one.
        let us = 5_000 + mix(n, me.place as u32, 4) % 90_000;
        clocks = Some(wait_until(me, n, us, clocks));
        me.note(us);
    }
}

fn wait_until(me: &Me, n: u32, us: u32, before: Option<Clocks>) -> Clocks {
    let shown = &SHOWN[me.place];
    let salt = mix(n, 0xdead, me.place as u32);
    let begin = Clocks::after(me, before);
    let end = begin.kernel + u64::from(us);
    shown.ahead.store(begin.ahead(), Release);
    shown.deadline.store((begin.own as u32).wrapping_add(us), Release);
    shown.moved.store(0, Release);
    shown.late.store(0, Release);
    pattern::fill(&me.kernel, salt);
    let place = BR + mix(n, 1, 2) as usize % 40;
    me.kernel.set_utcb_word(place, end as u32);
    me.kernel.set_utcb_word(place + 1, (end >> 32) as u32);
    let tag = MsgTag::new((salt & 0x3ff) as i32, 0, 0, 0);
    let timeouts = Timeouts::new(Timeout::NEVER, Timeout(0x8000 | (place - BR) as u16));
    let op = if n.is_multiple_of(2) { Op::RECEIVE } else { Op::WAIT };
    shown.wait.store(n, Release);
    let back = me.enter(n, salt, Selector::nobody(op), tag, timeouts);
    shown.wait.store(0, Release);
    me.expect_error("until", &back, raw::L4_IPC_RETIMEOUT);
    me.expect("until.value", n, back.value);
    let moved = me.kernel.utcb_word(place).wrapping_sub(end as u32);
    for word in place..place + 2 {
        me.kernel.set_utcb_word(word, pattern::word(salt, word));
    }
    pattern::check(me, salt, 0);
    let now = Clocks::after(me, Some(begin));
    let seen = shown.moved.load(Acquire);
    // Else it was restored at another moment, too; if after the wait, then that was through.
    if beyond(now.ahead().wrapping_sub(begin.ahead()), seen).is_none() {
        // A time that was over at the stop is over at the restore, so it may be moved farther.
        let over = end.wrapping_add_signed(moved.cast_signed().into()) <= now.kernel;
        if beyond(moved, seen).is_some_and(|more| more < 0 || !over) {
            let (seen, moved) = (seen as i32, moved as i32);
            me.fail(format_args!("{}.until expected moved by {seen} us got {moved} us", me.name));
        }
    } else if shown.found.load(Acquire) != n {
        return now;
    }
    if beyond(now.own as u32, shown.deadline.load(Acquire)).is_some_and(|us| us < 0) {
        me.fail(format_args!("{}.until expected {us} us or more got {}", me.name, now.own - begin.own));
    }
    now
}

/// Looks at the clocks and at who waits, until nobody does any more.
fn watch(me: &Me, _: u32) {
    let waits = || SLEEPERS.map(|place| SHOWN[place].wait.load(Acquire));
    let mut before = ([0; 3], Clocks::after(me, None));
    while !SLEEPERS.into_iter().all(crew::is_done) {
        let first = collected(waits());
        let clocks = Clocks::after(me, Some(before.1));
        let last = collected(waits());
        let moved = beyond(clocks.ahead(), before.1.ahead());
        for (i, place) in SLEEPERS.enumerate() {
            let shown = &SHOWN[place];
            if let Some(us) = moved.filter(|_| before.0[i] != 0 && before.0[i] == last[i]) {
                shown.moved.store(shown.moved.load(Acquire).wrapping_add(us as u32), Release);
            }
            if first[i] != 0 && first[i] == last[i] {
                check_found(me, place, last[i], clocks);
            }
        }
        before = (first, clocks);
        me.sleep(Timeout::from_us(LOOK_US), clocks.own as u32);
    }
}

fn collected(waits: impl Iterator<Item = u32>) -> [u32; 3] {
    let mut all = [0; 3];
    all.iter_mut().zip(waits).for_each(|(one, wait)| *one = wait);
    all
}

/// Notes that the sleeper is in that wait; fails if it should have been awake, as it would run before the watch.
fn check_found(me: &Me, place: usize, wait: u32, now: Clocks) {
    let shown = &SHOWN[place];
    let moved = now.ahead().wrapping_sub(shown.ahead.load(Acquire));
    if beyond(moved, shown.moved.load(Acquire)).is_some() {
        // It was restored before its system call, too, where nobody knows that a point of time is meant.
        return;
    }
    shown.found.store(wait, Release);
    let Some(late) = beyond(now.own as u32, shown.deadline.load(Acquire)).filter(|us| *us > 0) else {
        return;
    };
    if shown.late.fetch_add(1, AcqRel) == LATE_MAX {
        me.fail(format_args!("t{place}.until expected to be over got {late} us later"));
    }
}
