//! Scenarios in which each thread works for itself: the state after so many steps is known bit by bit.

use thaw_l4::{Kernel, MsgTag, Op, Revision, Selector, Timeout, Timeouts, raw};
use thaw_rt::request::{self, NewThread};
use thaw_targets::{
    mix::mix,
    witness::{Witness, depth, requests, tls::tls, vfp::Running},
};

use crate::{
    crew,
    me::Me,
    registers::{self, Registers, State},
    scenario::Verdict,
};

const PAGE_WORDS: usize = 1024;

fn start_registers(seed: u32) -> Registers {
    let mut r = [0; 13];
    r.iter_mut().zip(0..).for_each(|(r, i)| *r = mix(seed, i, 3));
    Registers { r, flags: 0x2000_0000 }
}

fn note_registers(me: &Me, registers: &Registers) {
    registers.r.iter().for_each(|r| me.note(*r));
    me.note(registers.flags);
}

/// One thread computes in registers and never enters the kernel.
pub fn user(me: &Me, rounds: u32) -> Verdict {
    let mut registers = start_registers(1);
    let steps = rounds * 20_000;
    registers.advance(State::Arm, steps);
    let mut again = start_registers(1);
    again.advance(State::Thumb, steps);
    if registers != again {
        me.fail(format_args!("user.registers expected {registers:x?} got {again:x?}"));
    }
    note_registers(me, &registers);
    Verdict::new(me.digest(), [steps, 0, 0])
}

/// Thumb code computes, and on revision M makes its system calls in Thumb state. Meanwhile a thread that begins in Thumb
/// state waits for its first turn.
pub fn thumb(me: &Me, rounds: u32) -> Verdict {
    let mut registers = start_registers(2);
    let cell = me.granted("memory", request::memory_alloc(4096, None));
    let late =
        NewThread { ip: registers::counter_in_thumb(), sp: cell, priority: 1, tpidruro: 0, name: "late" };
    me.granted("thread", request::thread_create(&late));
    for round in 0..rounds {
        registers.advance(State::Thumb, 5_000);
        if round < rounds / 2 {
            continue;
        }
        // On G a system call is a jump that comes back to ARM state.
        if me.kernel.revision() == Revision::M {
            let tag = MsgTag::new((round & 0x7ff) as i32, 0, 0, 0);
            let timeouts = Timeouts::new(Timeout::NEVER, Timeout::from_us(1_000 + (round & 3) * 1_000));
            let back = registers::enter_in_thumb(Selector::nobody(Op::RECEIVE), tag, timeouts);
            me.expect("thumb.tag", tag.0 | raw::L4_MSGTAG_ERROR, back.0);
        } else {
            me.nap(1_000 + (round & 3) * 1_000);
        }
    }
    if registers::counted(cell) == 0 {
        me.fail(format_args!("thumb.late never ran"));
    }
    note_registers(me, &registers);
    Verdict::new(me.digest(), [rounds, 0, 0])
}

/// Four threads, each with a product of its own in all VFP registers, and TLS.
pub fn vfp(me: &Me, rounds: u32) -> Verdict {
    for place in 1..=4 {
        crew::start(me, place, 5, vfp_job, rounds * 10);
    }
    crew::run();
    Verdict::new(crew::join(me), [4 * rounds, 0, 0])
}

fn vfp_job(me: &Me, batches: u32) {
    let before = tls();
    let mut running = Running::start(mix(me.place as u32, 4, 4));
    for batch in 0..batches {
        running.batch(me);
        me.expect("tls", before, tls());
        if batch % 5 == me.place as u32 {
            me.nap(1_000);
            running.check(me);
        }
    }
    me.note(running.digest());
}

/// Two threads sleep under many frames of the stack.
pub fn deep(me: &Me, rounds: u32) -> Verdict {
    crew::start(me, 1, 8, deep_job, rounds);
    crew::start(me, 2, 7, deep_job, rounds);
    crew::run();
    Verdict::new(crew::join(me), [2 * rounds, 0, 0])
}

fn deep_job(me: &Me, rounds: u32) {
    for round in 0..rounds {
        let levels = 1 + mix(round, me.place as u32, 8) % 100;
        let got = depth::at_depth(me, levels, round, &mut || {
            me.sleep(Timeout::from_us(1_000 * (1 + round % 3)), mix(round, levels, 1))
        });
        me.expect("depth", mix(round, levels, 1), got);
        me.note(got);
    }
}

/// Memory that is mapped when it is touched, given back, and allocated again.
pub fn lazy(me: &Me, rounds: u32) -> Verdict {
    let mut faults = 0;
    for round in 0..rounds {
        let pages = 1 + mix(round, 2, 2) % 24;
        let result = requests::with_heap(pages * 4096, |words| touch(me, words, round));
        me.note(me.granted("memory", result));
        faults += pages;
    }
    Verdict::new(me.digest(), [rounds, faults, 0])
}

fn touch(me: &Me, words: &mut [u32], round: u32) -> u32 {
    for (page, n) in words.chunks_mut(PAGE_WORDS).zip(0..) {
        let at = mix(round, n, 7) as usize % PAGE_WORDS;
        me.expect("fresh", 0, page[at]);
        page[at] = mix(round, n, 8);
        if n % 8 == 7 {
            me.nap(1_000);
        }
    }
    words.chunks(PAGE_WORDS).zip(0..).fold(0, |hash, (page, n)| {
        let at = mix(round, n, 7) as usize % PAGE_WORDS;
        me.expect("page", mix(round, n, 8), page[at]);
        mix(hash, page[at], n)
    })
}

/// A thread of the highest priority spins; others of its own and of a lower one get their share or wait.
pub fn spin(me: &Me, rounds: u32) -> Verdict {
    crew::start(me, 1, crew::PRIORITY_MAX, spin_job, rounds * 10_000);
    crew::start(me, 2, crew::PRIORITY_MAX, spin_job, rounds * 10_000);
    crew::start(me, 3, 3, spin_job, rounds * 1_000);
    crew::run();
    Verdict::new(crew::join(me), [rounds, 0, 0])
}

fn spin_job(me: &Me, steps: u32) {
    let mut registers = start_registers(me.place as u32);
    registers.advance(State::Arm, steps);
    note_registers(me, &registers);
}

/// Six threads sleep through a ladder of timeouts; none wakes early, by the clock of the PD.
pub fn timeouts(me: &Me, rounds: u32) -> Verdict {
    for place in 1..=6 {
        crew::start(me, place, 4 + place as u32, timeouts_job, rounds);
    }
    crew::run();
    Verdict::new(crew::join(me), [6 * rounds, 0, 0])
}

/// A sleep may end with the tick before which it would end.
const TICK_US: u64 = 1_000;

fn timeouts_job(me: &Me, rounds: u32) {
    let ladder = [0, 700, 1_000, 2_500, 5_000, 11_000, 17_000, 3_000];
    for round in 0..rounds {
        let us = ladder[(round as usize + me.place) % ladder.len()];
        let timeout = if us == 0 { Timeout::ZERO } else { Timeout::from_us(us) };
        let before = me.granted("clock", request::clock_us());
        let value = me.sleep(timeout, mix(round, us, 3));
        let after = me.granted("clock", request::clock_us());
        if after + TICK_US < before + u64::from(us) {
            me.fail(format_args!("{}.sleep expected {us} us got {}", me.name, after.wrapping_sub(before)));
        }
        me.expect("sleep.value", mix(round, us, 3), value);
        me.note(value);
    }
}
