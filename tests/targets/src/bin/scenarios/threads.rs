//! Messages to threads by their own capabilities, whose label is what the sender has in r4.

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::{CapIndex, Kernel, MsgTag, Op, Selector, Timeout, Timeouts};
use thaw_native_abi::layout::SLOT_USER;
use thaw_rt::request;
use thaw_targets::{
    mix::mix,
    witness::{
        Witness,
        carried::{Carried, Returned},
        pattern,
    },
};

use crate::{crew, me::Me, scenario::Verdict, talk::SERVE};

const SERVER: usize = 1;
const CLIENTS: core::ops::RangeInclusive<usize> = 2..=4;
const TELLER: usize = 5;
const LISTENER: usize = 6;

/// Slot of the capability of the thread in a place.
pub const fn thread(place: usize) -> CapIndex {
    CapIndex(SLOT_USER + 0x50 + place as u32)
}

/// Puts the capability of the thread in a place into its slot.
pub fn create(me: &Me, place: usize) {
    me.granted("thread_cap", request::thread_cap(thread(place), crew::index(place)));
}

/// How many messages the listener has waited for.
static HEARD: AtomicU32 = AtomicU32::new(0);

/// Three clients of a server without a gate, and two threads of which one waits for the other alone.
pub fn threads(me: &Me, rounds: u32) -> Verdict {
    HEARD.store(0, Ordering::Release);
    crew::start(me, SERVER, 8, server, 3 * rounds);
    create(me, SERVER);
    for place in CLIENTS {
        crew::start(me, place, 4 + place as u32, client, rounds);
    }
    crew::start(me, TELLER, 5, teller, 2 * rounds);
    crew::start(me, LISTENER, 6, listener, 2 * rounds);
    create(me, TELLER);
    create(me, LISTENER);
    crew::run();
    let hash = crew::join(me);
    for place in [SERVER, TELLER, LISTENER] {
        // The kernel has emptied it with the thread.
        me.granted("slot_clear", request::slot_clear(thread(place)));
    }
    Verdict::new(hash, [3 * rounds, 2 * rounds, HEARD.load(Ordering::Acquire)])
}

fn salt_of(sender: u32, n: u32) -> u32 {
    mix(sender, n, 0x7d)
}

fn tag_of(sender: u32, n: u32) -> MsgTag {
    MsgTag::new((salt_of(sender, n) & 0x3ff) as i32, 3, 0, 0)
}

/// Sends or calls: number, sender and a word.
fn send(me: &Me, place: usize, op: Op, n: u32) -> Returned {
    let sender = me.place as u32;
    pattern::fill(&me.kernel, salt_of(sender, n));
    me.kernel.set_mr(0, sender);
    me.kernel.set_mr(1, n);
    let tag = tag_of(sender, n);
    let back = me.enter(n, salt_of(sender, n), thread(place).select(op), tag, Timeouts::NEVER);
    me.expect_success("send", &back);
    me.expect("send.value", n, back.value);
    back
}

/// Checks a message that arrived; its sender and number.
fn check(me: &Me, back: &Returned) -> (u32, u32) {
    me.expect_success("receive", back);
    let (sender, n) = (me.kernel.mr(0), me.kernel.mr(1));
    me.expect("label", Carried::label(n, salt_of(sender, n)), back.label);
    me.expect("tag", tag_of(sender, n).0, back.tag.0);
    me.expect("word", pattern::word(salt_of(sender, n), 2), me.kernel.mr(2));
    (sender, n)
}

fn client(me: &Me, calls: u32) {
    for n in 1..=calls {
        let back = send(me, SERVER, Op::CALL, n);
        me.expect("answer.tag", MsgTag::new(0x155, 1, 0, 0).0, back.tag.0);
        me.expect("answer", mix(me.place as u32, n, 9), me.kernel.mr(0));
        pattern::check(me, salt_of(me.place as u32, n), 2);
        if n % 3 == 0 {
            me.sleep(Timeout::from_us(900), n);
        }
        me.note(n);
    }
}

fn server(me: &Me, total: u32) {
    let mut last = [0; crew::PLACES];
    for served in 0..total {
        let salt = mix(served, 0x5e7, 1);
        pattern::fill(&me.kernel, salt);
        let wait = Selector::nobody(Op::WAIT);
        let back = me.enter(served, salt, wait, MsgTag::default(), Timeouts::NEVER);
        let (sender, n) = check(me, &back);
        pattern::check(me, salt, 3);
        me.expect("number", last[sender as usize] + 1, n);
        last[sender as usize] = n;
        me.note_unordered(mix(sender, n, 4));
        match n % 4 {
            0 => drop(me.sleep(Timeout::from_us(1_000), n)),
            1 => drop(core::hint::black_box((0..800).fold(n, |hash, i| mix(hash, i, 1)))),
            _ => {}
        }
        pattern::fill(&me.kernel, salt);
        me.kernel.set_mr(0, mix(sender, n, 9));
        let tag = MsgTag::new(0x155, 1, 0, 0);
        let back = me.enter(n, salt, Selector::nobody(Op::REPLY), tag, SERVE);
        me.expect_success("reply", &back);
    }
}

fn teller(me: &Me, total: u32) {
    for n in 1..=total {
        send(me, LISTENER, Op::SEND, n);
        pattern::check(me, salt_of(me.place as u32, n), 2);
        if mix(n, 1, 8).is_multiple_of(3) {
            me.sleep(Timeout::from_us(800), n);
        }
    }
    me.note(total);
}

/// Waits for the teller, and for nobody else.
fn listener(me: &Me, total: u32) {
    for n in 1..=total {
        let salt = mix(n, 0x115, 6);
        pattern::fill(&me.kernel, salt);
        let wait = thread(TELLER).select(Op::RECEIVE);
        let back = me.enter(n, salt, wait, MsgTag::default(), Timeouts::NEVER);
        let (sender, number) = check(me, &back);
        pattern::check(me, salt, 3);
        me.expect("teller", TELLER as u32, sender);
        me.expect("told", n, number);
        HEARD.store(n, Ordering::Release);
        if mix(n, 2, 8).is_multiple_of(3) {
            me.sleep(Timeout::from_us(800), n);
        }
        me.note(number);
    }
}
