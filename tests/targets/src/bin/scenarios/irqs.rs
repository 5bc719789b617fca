//! Scenarios of IRQ objects: none is lost, none comes twice, and a lock made of them excludes.

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::Timeout;
use thaw_targets::{mix::mix, witness::Witness};

use crate::{crew, me::Me, scenario::Verdict, talk};

/// Two threads wake each other in turn.
pub fn ping_pong(me: &Me, rounds: u32) -> Verdict {
    for place in 1..=2 {
        crew::start(me, place, 6 + place as u32, ping_pong_job, rounds * 4);
        talk::create_irq(me, place);
    }
    crew::run();
    Verdict::new(crew::join(me), [rounds * 4, rounds * 4, 0])
}

fn ping_pong_job(me: &Me, rounds: u32) {
    let other = 3 - me.place;
    let mut received = 0;
    for n in 1..=rounds {
        if me.place == 1 {
            talk::trigger(me, other);
        }
        received = talk::await_irq(me, received) + 1;
        me.expect("received", n, received);
        if me.place == 2 {
            talk::trigger(me, other);
        }
        if mix(n, me.place as u32, 6).is_multiple_of(6) {
            me.sleep(Timeout::from_us(1_000), n);
        }
        me.note(received);
    }
}

/// Owner (bits 0-7) and waiter (bits 8-15) as places; 0 is free.
static LOCK: AtomicU32 = AtomicU32::new(0);
static INSIDE: AtomicU32 = AtomicU32::new(0);
static VISITS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

/// Two threads contend for a lock; who finds it taken leaves its name and waits for its IRQ.
pub fn lock(me: &Me, rounds: u32) -> Verdict {
    VISITS.iter().for_each(|v| v.store(0, Ordering::Release));
    for place in 1..=2 {
        crew::start(me, place, 7, lock_job, rounds * 2);
        talk::create_irq(me, place);
    }
    crew::run();
    let hash = crew::join(me);
    me.expect("lock", 0, LOCK.load(Ordering::Acquire));
    let visits = VISITS.each_ref().map(|v| v.load(Ordering::Acquire));
    Verdict::new(mix(hash, visits[0], visits[1]), [visits[0], visits[1], 0])
}

fn lock_job(me: &Me, rounds: u32) {
    let name = me.place as u32;
    for n in 1..=rounds {
        acquire(me, n);
        me.expect("inside", 0, INSIDE.swap(name, Ordering::AcqRel));
        let before = VISITS[0].load(Ordering::Relaxed);
        me.expect("visits", before, VISITS[1].load(Ordering::Relaxed));
        VISITS[0].store(before + 1, Ordering::Relaxed);
        if n.is_multiple_of(3) {
            me.sleep(Timeout::from_us(1_000), n);
        } else {
            core::hint::black_box((0..500).fold(n, |hash, i| mix(hash, i, 1)));
        }
        VISITS[1].store(before + 1, Ordering::Relaxed);
        me.expect("inside", name, INSIDE.swap(0, Ordering::AcqRel));
        release(me);
        if n.is_multiple_of(4) {
            me.sleep(Timeout::from_us(1_000), n);
        }
        me.note(n);
    }
}

fn acquire(me: &Me, n: u32) {
    let name = me.place as u32;
    loop {
        let Err(owner) = LOCK.compare_exchange(0, name, Ordering::AcqRel, Ordering::Acquire) else { return };
        // Between here and the second attempt only the owner's release can change the word, to free.
        let queued = owner | name << 8;
        if LOCK.compare_exchange(owner, queued, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            break;
        }
    }
    me.expect("lock.value", n, talk::await_irq(me, n));
    me.expect("owner", name, LOCK.load(Ordering::Acquire) & 0xff);
}

fn release(me: &Me) {
    let name = me.place as u32;
    let Err(word) = LOCK.compare_exchange(name, 0, Ordering::AcqRel, Ordering::Acquire) else { return };
    me.expect("owner", name, word & 0xff);
    let other = 3 - me.place;
    me.expect("waiter", other as u32, word >> 8);
    LOCK.store(other as u32, Ordering::Release);
    talk::trigger(me, other);
}
