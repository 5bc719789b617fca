//! The server and its client. Both count: nothing may be lost, nothing may be done twice.

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::{Kernel, MsgTag, Op, Selector, Timeout, Timeouts};
use thaw_native_abi::layout::SLOT_USER;
use thaw_rt::request;
use thaw_targets::{
    mix::mix,
    witness::{
        carried::{Carried, Returned},
        depth, pattern,
    },
};

use crate::{
    me::{Me, Role},
    threads,
};

/// Slot of the gate.
const GATE: thaw_l4::CapIndex = thaw_l4::CapIndex(SLOT_USER);
/// Words of an answer: result, the server's count, sum of the request.
const ANSWER_WORDS: usize = 3;
/// Reply without waiting for a client that has gone, wait for ever.
const SERVE: Timeouts = Timeouts::new(Timeout::ZERO, Timeout::NEVER);

static BADGE: AtomicU32 = AtomicU32::new(0);

/// Makes the server's gate.
pub fn create_gate(me: &Me) {
    match request::gate_create(GATE, threads::index(Role::Server)) {
        Ok(badge) => BADGE.store(badge, Ordering::Release),
        Err(e) => me.refused("gate", e),
    }
}

/// Words of request `n`; all but the first two are the client's UTCB pattern.
fn request_words(n: u32) -> usize {
    2 + n as usize % 8
}

fn argument(n: u32) -> u32 {
    mix(n, 0xa49, 1)
}

fn result(n: u32, argument: u32) -> u32 {
    mix(n, argument, 0xa5)
}

/// Label of the tag of request and answer `n`.
fn tag_label(n: u32) -> i32 {
    (n & 0x7ff) as i32
}

fn client_salt(n: u32) -> u32 {
    mix(n, 0xc, 0)
}

/// Answers for ever, 64 requests at a time at different depths of the stack.
pub fn server(me: &Me) -> ! {
    me.started();
    let salt = mix(0, 0x5, 0);
    pattern::fill(&me.kernel, salt);
    let first = Carried::new(0, salt).enter(me, Selector::nobody(Op::WAIT), MsgTag::default(), SERVE);
    let mut request = (first, salt);
    let mut served = 0;
    loop {
        served = depth::at_depth(me, 3 + served / 64 % 13, mix(served, 0x5e, 0), &mut || {
            for _ in 0..64 {
                request = serve(me, &request.0, request.1);
            }
            request.0.value
        });
    }
}

/// Checks and answers one request; returns the next, with the salt of the server's UTCB at that time.
fn serve(me: &Me, incoming: &Returned, salt: u32) -> (Returned, u32) {
    let n = incoming.value + 1;
    let words = request_words(n);
    me.expect("request.tag", MsgTag::new(tag_label(n), words as u32, 0, 0).0, incoming.tag.0);
    me.expect("badge", BADGE.load(Ordering::Acquire), incoming.label & !3);
    me.expect("request.number", n, me.kernel.mr(0));
    me.expect("request.argument", argument(n), me.kernel.mr(1));
    let mut sum = n.wrapping_add(argument(n));
    for i in 2..words {
        me.expect("request.word", pattern::word(client_salt(n), i), me.kernel.mr(i));
        sum = sum.wrapping_add(me.kernel.mr(i));
    }
    pattern::check(me, salt, words.max(ANSWER_WORDS));
    let n = work(me, n);
    me.reached(n.into());
    let salt = mix(n, 0x5, 0);
    pattern::fill(&me.kernel, salt);
    for (i, word) in [result(n, argument(n)), n, sum].into_iter().enumerate() {
        me.kernel.set_mr(i, word);
    }
    let tag = MsgTag::new(tag_label(n), ANSWER_WORDS as u32, 0, 0);
    (Carried::new(n, salt).enter(me, Selector::nobody(Op::REPLY_AND_WAIT), tag, SERVE), salt)
}

/// Every eighth request takes the server a sleep, every eighth some work; the client waits.
fn work(me: &Me, n: u32) -> u32 {
    match n % 8 {
        0 => me.sleep(1_000 + mix(n, 3, 3) % 4_000, n),
        4 => {
            core::hint::black_box((0..2_000).fold(n, |hash, i| mix(hash, i, 1)));
            n
        }
        _ => n,
    }
}

/// Calls for ever.
pub fn client(me: &Me) -> ! {
    me.started();
    let mut n = 0;
    loop {
        n = depth::at_depth(me, n % 17, mix(n, 2, 2), &mut || ask(me, n + 1));
        me.reached(n.into());
        if n % 8 == 3 {
            n = me.sleep_at_depth(n % 5, 1_000 + mix(n, 4, 4) % 4_000, n);
        }
    }
}

fn ask(me: &Me, n: u32) -> u32 {
    let salt = client_salt(n);
    pattern::fill(&me.kernel, salt);
    me.kernel.set_mr(0, n);
    me.kernel.set_mr(1, argument(n));
    let words = request_words(n);
    let sum = (2..words).fold(n.wrapping_add(argument(n)), |sum, i| sum.wrapping_add(pattern::word(salt, i)));
    let tag = MsgTag::new(tag_label(n), words as u32, 0, 0);
    let back = Carried::new(n, salt).enter(me, GATE.select(Op::CALL), tag, Timeouts::NEVER);
    let n = back.value;
    me.expect("answer.tag", MsgTag::new(tag_label(n), ANSWER_WORDS as u32, 0, 0).0, back.tag.0);
    me.expect("answer.result", result(n, argument(n)), me.kernel.mr(0));
    me.expect("answer.count", n, me.kernel.mr(1));
    me.expect("answer.sum", sum, me.kernel.mr(2));
    pattern::check(me, salt, ANSWER_WORDS);
    n
}
