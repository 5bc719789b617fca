//! Kernel semaphores: what is put in can be taken out, once, by whoever waits longest.

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::{Cap, CapIndex, Irq, Kernel, MsgTag, Op, Timeout, Timeouts, raw};
use thaw_native_abi::layout::SLOT_USER;
use thaw_rt::request;
use thaw_targets::{
    mix::mix,
    witness::{Witness, carried::Returned, pattern},
};

use crate::{crew, me::Me, scenario::Verdict};

/// What is handed out to be taken.
const GOODS: CapIndex = CapIndex(SLOT_USER + 0x40);
/// Excludes: one at most is in it.
const LOCK: CapIndex = CapIndex(SLOT_USER + 0x41);
/// Never raised.
const EMPTY: CapIndex = CapIndex(SLOT_USER + 0x42);
/// So many may be there to be taken before the giver waits: the core counts them one by one.
const BACKLOG: u32 = 200;
/// Threads that take.
const TAKERS: core::ops::RangeInclusive<usize> = 2..=4;

static INSIDE: AtomicU32 = AtomicU32::new(0);
static VISITS: AtomicU32 = AtomicU32::new(0);

/// One thread hands out, singly and in heaps; three take, and exclude each other by another semaphore.
pub fn semaphore(me: &Me, rounds: u32) -> Verdict {
    VISITS.store(0, Ordering::Release);
    for slot in [GOODS, LOCK, EMPTY] {
        me.granted("semaphore", request::semaphore_create(slot));
    }
    up(me, LOCK);
    let each = 4 * rounds;
    crew::start(me, 1, 8, giver, 3 * each);
    for place in TAKERS {
        crew::start(me, place, 5 + place as u32 % 3, taker, each);
    }
    crew::run();
    let hash = crew::join(me);
    // Nothing is left but the lock, once.
    for (slot, expected) in [(GOODS, 0), (LOCK, 1), (EMPTY, 0)] {
        let mut left = 0;
        while !down(me, slot, left, Timeout::ZERO).tag.has_error() {
            left += 1;
        }
        me.expect("left", expected, left);
        me.granted("delete", request::object_delete(slot));
    }
    Verdict::new(hash, [3 * each, VISITS.load(Ordering::Acquire), 0])
}

fn up(me: &Me, slot: CapIndex) {
    me.granted("up", Cap::<Irq>::new(slot).trigger(&me.kernel));
}

/// Takes one; `value` travels through the system call in registers only.
fn down(me: &Me, slot: CapIndex, value: u32, timeout: Timeout) -> Returned {
    let salt = mix(value, 0x5e, me.place as u32);
    pattern::fill(&me.kernel, salt);
    me.kernel.set_mr(0, raw::THAW_SEMAPHORE_DOWN_OP);
    let tag = MsgTag::new(raw::L4_PROTO_SEMAPHORE, 1, 0, 0);
    let timeouts = Timeouts::new(Timeout::NEVER, timeout);
    let back = me.enter(value, salt, slot.select(Op::CALL), tag, timeouts);
    me.expect("down.value", value, back.value);
    if back.tag.has_error() {
        me.expect_error("down", &back, raw::L4_IPC_RETIMEOUT);
    } else {
        me.expect("down.tag", 0, back.tag.0);
    }
    me.expect("down.operation", raw::THAW_SEMAPHORE_DOWN_OP, me.kernel.mr(0));
    pattern::check(me, salt, 1);
    back
}

fn giver(me: &Me, total: u32) {
    let mut given = 0;
    while given < total {
        while given - VISITS.load(Ordering::Acquire).min(given) > BACKLOG {
            me.sleep(Timeout::from_us(700), given);
        }
        let heap = (1 + mix(given, 3, 3) % 5).min(total - given);
        (0..heap).for_each(|_| up(me, GOODS));
        given += heap;
        me.note(heap);
        me.sleep(Timeout::from_us(700), given);
    }
}

fn taker(me: &Me, total: u32) {
    for n in 1..=total {
        me.expect_success("goods", &down(me, GOODS, n, Timeout::NEVER));
        me.expect_success("lock", &down(me, LOCK, n, Timeout::NEVER));
        me.expect("inside", 0, INSIDE.swap(me.place as u32, Ordering::AcqRel));
        if mix(n, me.place as u32, 2).is_multiple_of(3) {
            me.sleep(Timeout::from_us(1_000), n);
        } else {
            core::hint::black_box((0..300).fold(n, |hash, i| mix(hash, i, 1)));
        }
        VISITS.fetch_add(1, Ordering::AcqRel);
        me.expect("inside", me.place as u32, INSIDE.swap(0, Ordering::AcqRel));
        up(me, LOCK);
        if n % 5 == 0 {
            me.expect_error("empty", &down(me, EMPTY, n, Timeout::from_us(1_500)), raw::L4_IPC_RETIMEOUT);
        }
        me.note(n);
    }
}
