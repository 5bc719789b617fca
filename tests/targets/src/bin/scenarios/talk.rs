//! Messages that can be told: every word of a request and of its answer follows from its sender and number.

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::{CapIndex, Irq, Kernel, MsgTag, Op, Selector, Timeout, Timeouts, raw};
use thaw_native_abi::layout::SLOT_USER;
use thaw_rt::request;
use thaw_targets::{
    mix::mix,
    witness::{Witness, carried::Returned, pattern},
};

use crate::{
    crew::{self, PLACES},
    me::Me,
};

/// Words of an answer.
const ANSWER_WORDS: usize = 3;
/// Reply without waiting for a client that has gone, wait for ever.
pub const SERVE: Timeouts = Timeouts::new(Timeout::ZERO, Timeout::NEVER);

static BADGES: [AtomicU32; PLACES] = [const { AtomicU32::new(0) }; PLACES];

/// Slot of the gate of the thread in a place.
pub const fn gate(place: usize) -> CapIndex {
    CapIndex(SLOT_USER + place as u32)
}

/// Slot of the IRQ object of the thread in a place.
pub const fn irq(place: usize) -> CapIndex {
    CapIndex(SLOT_USER + 0x20 + place as u32)
}

/// Label of the IRQ object of the thread in a place.
pub const fn irq_label(place: usize) -> u32 {
    0x1000 + ((place as u32) << 4)
}

/// Makes a gate for the thread in a place.
pub fn create_gate(me: &Me, place: usize) {
    let badge = me.granted("gate", request::gate_create(gate(place), crew::index(place)));
    BADGES[place].store(badge, Ordering::Release);
}

/// Makes an IRQ object for the thread in a place.
pub fn create_irq(me: &Me, place: usize) {
    me.granted("irq", request::irq_create(irq(place), crew::index(place), irq_label(place)));
}

/// Triggers the IRQ object of the thread in a place.
pub fn trigger(me: &Me, place: usize) {
    me.granted("trigger", thaw_l4::Cap::<Irq>::new(irq(place)).trigger(&me.kernel));
}

/// Waits for the calling thread's own IRQ by a call on it, as Genode's lock does.
pub fn await_irq(me: &Me, value: u32) -> u32 {
    let salt = mix(value, 9, me.place as u32);
    pattern::fill(&me.kernel, salt);
    me.kernel.set_mr(0, raw::THAW_IRQ_EOI_OP);
    let tag = MsgTag::new(raw::L4_PROTO_IRQ, 1, 0, 0);
    let back = me.enter(value, salt, irq(me.place).select(Op::CALL), tag, Timeouts::NEVER);
    me.expect("irq.tag", 0, back.tag.0);
    me.expect("irq.label", irq_label(me.place), back.label);
    pattern::check(me, salt, 1);
    back.value
}

/// A request as its receiver knows it.
#[derive(Clone, Copy)]
pub struct Asked {
    /// Who sent it; not always the thread that it came from.
    pub sender: u32,
    /// Its number.
    pub n: u32,
}

/// What a receiver waits with: the pattern of its UTCB and how many words of it are another message's.
#[derive(Clone, Copy)]
struct Waiting {
    salt: u32,
    spent: usize,
}

fn salt_of(sender: u32, n: u32) -> u32 {
    mix(sender, n, 0xc0de)
}

fn words_of(sender: u32, n: u32) -> usize {
    3 + salt_of(sender, n) as usize % 24
}

fn tag_of(sender: u32, n: u32) -> MsgTag {
    MsgTag::new((salt_of(sender, n) >> 8 & 0x7ff) as i32, words_of(sender, n) as u32, 0, 0)
}

fn answer_tag(sender: u32, n: u32) -> MsgTag {
    MsgTag::new((salt_of(sender, n) >> 12 & 0x7ff) as i32, ANSWER_WORDS as u32, 0, 0)
}

/// Puts a request into the UTCB.
fn write_request(me: &Me, sender: u32, n: u32) -> MsgTag {
    pattern::fill(&me.kernel, salt_of(sender, n));
    me.kernel.set_mr(0, sender);
    me.kernel.set_mr(1, n);
    tag_of(sender, n)
}

/// Puts an answer into the UTCB.
fn write_answer(me: &Me, asked: Asked, result: u32) -> Waiting {
    let salt = mix(asked.sender, asked.n, me.place as u32);
    pattern::fill(&me.kernel, salt);
    for (i, word) in [asked.sender, asked.n, result].into_iter().enumerate() {
        me.kernel.set_mr(i, word);
    }
    Waiting { salt, spent: ANSWER_WORDS }
}

/// Calls the thread in a place; the result in its answer.
pub fn call(me: &Me, place: usize, sender: u32, n: u32) -> u32 {
    let back = try_call(me, place, sender, n, Timeouts::NEVER);
    me.expect_success("call", &back);
    read_answer(me, &back, sender, n)
}

/// Calls the thread in a place; whatever comes of it.
pub fn try_call(me: &Me, place: usize, sender: u32, n: u32, timeouts: Timeouts) -> Returned {
    let tag = write_request(me, sender, n);
    let back = me.enter(n, salt_of(sender, n), gate(place).select(Op::CALL), tag, timeouts);
    if back.tag.has_error() {
        pattern::check(me, salt_of(sender, n), 2);
    }
    back
}

/// The result in the answer to a request.
pub fn read_answer(me: &Me, back: &Returned, sender: u32, n: u32) -> u32 {
    me.expect("answer.value", n, back.value);
    me.expect("answer.tag", answer_tag(sender, n).0, back.tag.0);
    me.expect("answer.sender", sender, me.kernel.mr(0));
    me.expect("answer.number", n, me.kernel.mr(1));
    let result = me.kernel.mr(2);
    pattern::check(me, salt_of(sender, n), ANSWER_WORDS);
    result
}

/// Sends a request that gets no answer.
pub fn send(me: &Me, place: usize, sender: u32, n: u32) {
    let tag = write_request(me, sender, n);
    let back = me.enter(n, salt_of(sender, n), gate(place).select(Op::SEND), tag, Timeouts::NEVER);
    me.expect_success("send", &back);
    me.expect("send.value", n, back.value);
    pattern::check(me, salt_of(sender, n), 2);
}

/// Waits for the first request.
pub fn wait(me: &Me, value: u32) -> Asked {
    let waiting = Waiting { salt: mix(value, 0x3a17, me.place as u32), spent: 0 };
    pattern::fill(&me.kernel, waiting.salt);
    let tag = MsgTag::new((waiting.salt & 0x7ff) as i32, 0, 0, 0);
    receive(me, value, waiting, Selector::nobody(Op::WAIT), tag, Timeouts::NEVER)
}

/// Answers and waits for the next request in one system call.
pub fn answer_and_wait(me: &Me, asked: Asked, result: u32) -> Asked {
    let waiting = write_answer(me, asked, result);
    let tag = answer_tag(asked.sender, asked.n);
    receive(me, asked.n, waiting, Selector::nobody(Op::REPLY_AND_WAIT), tag, SERVE)
}

/// Sends a request to the thread in a place and waits for one in the same system call.
pub fn send_and_wait(me: &Me, place: usize, sender: u32, n: u32) -> Asked {
    let tag = write_request(me, sender, n);
    let waiting = Waiting { salt: salt_of(sender, n), spent: 2 };
    receive(me, n, waiting, gate(place).select(Op::SEND_AND_WAIT), tag, Timeouts::NEVER)
}

/// Answers and does not wait; whether there was somebody to answer to.
pub fn answer(me: &Me, asked: Asked, result: u32) -> bool {
    let waiting = write_answer(me, asked, result);
    let tag = answer_tag(asked.sender, asked.n);
    let back = me.enter(asked.n, waiting.salt, Selector::nobody(Op::REPLY), tag, SERVE);
    me.expect("reply.value", asked.n, back.value);
    !back.tag.has_error()
}

fn receive(me: &Me, value: u32, waiting: Waiting, to: Selector, tag: MsgTag, timeouts: Timeouts) -> Asked {
    let back = me.enter(value, waiting.salt, to, tag, timeouts);
    me.expect_success("receive", &back);
    me.expect("receive.value", value, back.value);
    let badge = BADGES[me.place].load(Ordering::Acquire);
    me.expect("request.badge", badge, back.label & !3);
    let asked = Asked { sender: me.kernel.mr(0), n: me.kernel.mr(1) };
    me.expect("request.tag", tag_of(asked.sender, asked.n).0, back.tag.0);
    let words = words_of(asked.sender, asked.n);
    for i in 2..words {
        me.expect("request.word", pattern::word(salt_of(asked.sender, asked.n), i), me.kernel.mr(i));
    }
    pattern::check(me, waiting.salt, words.max(waiting.spent));
    asked
}
