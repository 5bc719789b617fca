//! Two threads that contend for a lock made of one IRQ object per thread: who finds it taken leaves
//! its name and blocks on its own IRQ; who releases it hands it over and triggers the other's IRQ.
//!
//! A wake that comes without the lock, a lost wake, or two threads inside are failures.

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::{Cap, CapIndex, Irq, Kernel, MsgTag, Op, Timeouts, raw};
use thaw_native_abi::layout::SLOT_USER;
use thaw_rt::request;
use thaw_targets::{
    mix::mix,
    witness::{carried::Carried, depth, pattern},
};

use crate::{
    me::{Me, Role},
    threads,
};

/// Owner (bits 0-7) and waiter (bits 8-15), both as role; 0 is free. The counter never takes it.
static LOCK: AtomicU32 = AtomicU32::new(0);
/// Who is inside, written only by the owner.
static INSIDE: AtomicU32 = AtomicU32::new(0);
/// Visits of both, kept twice; equal whenever nobody is inside.
static VISITS: [AtomicU32; 2] = [const { AtomicU32::new(0) }; 2];

const WAITER_SHIFT: u32 = 8;
const OWNER_MASK: u32 = (1 << WAITER_SHIFT) - 1;

const fn irq_slot(role: Role) -> CapIndex {
    CapIndex(SLOT_USER + role as u32)
}

const fn irq_label(role: Role) -> u32 {
    0x1000 + ((role as u32) << 4)
}

/// Makes the two IRQ objects.
pub fn create_irqs(me: &Me) {
    for role in [Role::LockA, Role::LockB] {
        if let Err(e) = request::irq_create(irq_slot(role), threads::index(role), irq_label(role)) {
            me.refused("irq", e);
        }
    }
}

/// Takes and releases the lock for ever.
pub fn run(me: &Me) -> ! {
    me.started();
    let mut visits = 0;
    loop {
        visits = depth::at_depth(me, visits % 11, mix(visits, 6, 6), &mut || acquire(me, visits));
        visits = visit(me, visits) + 1;
        me.reached(visits.into());
        release(me);
        if visits % 4 == 0 {
            visits = me.sleep(200 + mix(visits, 7, me.role as u32) % 800, visits);
        }
    }
}

/// Inside: the two counts differ for a while, on some visits while the owner sleeps.
fn visit(me: &Me, visits: u32) -> u32 {
    let name = me.role as u32;
    me.expect("inside", 0, INSIDE.swap(name, Ordering::AcqRel));
    let before = VISITS[0].load(Ordering::Relaxed);
    me.expect("visits", before, VISITS[1].load(Ordering::Relaxed));
    VISITS[0].store(before + 1, Ordering::Relaxed);
    let sleeps = visits.is_multiple_of(3);
    let visits = if sleeps { me.sleep(300 + mix(visits, 8, name) % 1_500, visits) } else { visits };
    VISITS[1].store(before + 1, Ordering::Relaxed);
    me.expect("inside", name, INSIDE.swap(0, Ordering::AcqRel));
    visits
}

/// Returns `visits` when the lock is this thread's.
fn acquire(me: &Me, visits: u32) -> u32 {
    let name = me.role as u32;
    let taken = LOCK.compare_exchange(0, name, Ordering::AcqRel, Ordering::Acquire);
    let Err(owner) = taken else { return visits };
    // Between here and the second attempt only the owner's release can change the word, to free.
    let queued = owner | name << WAITER_SHIFT;
    if LOCK.compare_exchange(owner, queued, Ordering::AcqRel, Ordering::Acquire).is_err() {
        return acquire(me, visits);
    }
    let visits = block(me, visits);
    // The other may have come back and queued itself before this thread ran again.
    me.expect("owner", name, LOCK.load(Ordering::Acquire) & OWNER_MASK);
    visits
}

/// Waits for this thread's IRQ: a call on it, as Genode's lock does.
fn block(me: &Me, visits: u32) -> u32 {
    let salt = mix(visits, 9, me.role as u32);
    pattern::fill(&me.kernel, salt);
    me.kernel.set_mr(0, raw::THAW_IRQ_EOI_OP);
    let tag = MsgTag::new(raw::L4_PROTO_IRQ, 1, 0, 0);
    let irq = irq_slot(me.role).select(Op::CALL);
    let back = Carried::new(visits, salt).enter(me, irq, tag, Timeouts::NEVER);
    me.expect("irq.tag", 0, back.tag.0);
    me.expect("irq.label", irq_label(me.role), back.label);
    pattern::check(me, salt, 1);
    back.value
}

fn release(me: &Me) {
    let name = me.role as u32;
    let Err(word) = LOCK.compare_exchange(name, 0, Ordering::AcqRel, Ordering::Acquire) else { return };
    let waiter = word >> WAITER_SHIFT;
    me.expect("owner", name, word & OWNER_MASK);
    LOCK.store(waiter, Ordering::Release);
    let other = if me.role == Role::LockA { Role::LockB } else { Role::LockA };
    me.expect("waiter", other as u32, waiter);
    if let Err(e) = Cap::<Irq>::new(irq_slot(other)).trigger(&me.kernel) {
        me.refused("trigger", e);
    }
}
