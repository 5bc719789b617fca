//! Scenarios of requests and answers: each is executed once, each gets its own answer.

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::{Timeout, Timeouts, raw};
use thaw_targets::{mix::mix, witness::Witness};

use crate::{
    crew::{self, PLACES},
    me::Me,
    scenario::Verdict,
    talk::{self, Asked},
};

/// Requests must come in the order in which their sender sent them, none lost, none twice.
struct Ledger([u32; PLACES + 1]);

impl Ledger {
    const fn new() -> Self {
        Self([0; PLACES + 1])
    }

    fn check(&mut self, me: &Me, asked: Asked) {
        let Some(last) = self.0.get_mut(asked.sender as usize) else {
            me.fail(format_args!("{}.sender expected a place got {}", me.name, asked.sender))
        };
        let expected = *last + 1;
        *last = asked.n;
        me.expect("request.number", expected, asked.n);
        me.note_unordered(mix(asked.sender, asked.n, 0x1ed));
    }
}

fn result_of(asked: Asked, level: u32) -> u32 {
    mix(asked.sender, asked.n, level)
}

/// Answers `total` requests; `work` does what it takes to answer.
fn serve(me: &Me, total: u32, mut work: impl FnMut(Asked) -> u32) {
    let mut ledger = Ledger::new();
    let mut asked = talk::wait(me, 0);
    for served in 1..=total {
        ledger.check(me, asked);
        let result = work(asked);
        if served < total {
            asked = talk::answer_and_wait(me, asked, result);
        } else if !talk::answer(me, asked, result) {
            me.fail(format_args!("{}.last_answer expected a client got nobody", me.name));
        }
    }
}

fn client(me: &Me, server: usize, calls: u32, expected: impl Fn(u32) -> u32) {
    for n in 1..=calls {
        let result = talk::call(me, server, me.place as u32, n);
        me.expect("result", expected(n), result);
        me.note(result);
        if mix(n, me.place as u32, 5).is_multiple_of(4) {
            me.sleep(Timeout::from_us(1_000), n);
        }
    }
}

/// Four clients of one server.
pub fn clients(me: &Me, rounds: u32) -> Verdict {
    crew::start(me, 1, 9, |me, n| serve(me, 4 * n, |asked| busy(me, asked, 1)), rounds);
    talk::create_gate(me, 1);
    for place in 2..=5 {
        crew::start(me, place, 6 + place as u32 % 3, clients_job, rounds);
    }
    crew::run();
    Verdict::new(crew::join(me), [4 * rounds, 0, 0])
}

fn clients_job(me: &Me, calls: u32) {
    let sender = me.place as u32;
    client(me, 1, calls, |n| result_of(Asked { sender, n }, 1));
}

/// Every fourth request takes a sleep, every fourth some work; meanwhile a queue builds up.
fn busy(me: &Me, asked: Asked, level: u32) -> u32 {
    match mix(asked.n, asked.sender, level) % 4 {
        0 => {
            me.sleep(Timeout::from_us(1_000), asked.n);
        }
        1 => {
            core::hint::black_box((0..1_000).fold(asked.n, |hash, i| mix(hash, i, 1)));
        }
        _ => {}
    }
    result_of(asked, level)
}

/// Servers of the chain: places 1 to 4.
const LEVELS: usize = 4;

/// A chain of four servers, each called by the one before and by clients of its own.
pub fn chain(me: &Me, rounds: u32) -> Verdict {
    for level in 1..=LEVELS {
        crew::start(me, level, 9, chain_server, rounds);
        talk::create_gate(me, level);
    }
    // Two for the first level, one for each of the others.
    for client in 5..=9 {
        crew::start(me, client, 4 + client as u32 % 4, chain_client, rounds);
    }
    crew::run();
    Verdict::new(crew::join(me), [5 * rounds, (2 + 3 + 4 + 5) * rounds, 0])
}

fn chain_server(me: &Me, rounds: u32) {
    let level = me.place;
    let total = (level as u32 + 1) * rounds;
    serve(me, total, |asked| {
        let own = busy(me, asked, level as u32);
        // The next level is asked in the name of the client.
        if level < LEVELS { mix(own, talk::call(me, level + 1, asked.sender, asked.n), 2) } else { own }
    });
}

fn chain_client(me: &Me, rounds: u32) {
    let level = if me.place == 5 { 1 } else { me.place - 5 };
    let sender = me.place as u32;
    client(me, level, rounds, |n| chain_result(Asked { sender, n }, level));
}

fn chain_result(asked: Asked, level: usize) -> u32 {
    let own = result_of(asked, level as u32);
    if level < LEVELS { mix(own, chain_result(asked, level + 1), 2) } else { own }
}

/// Three threads send without waiting for an answer.
pub fn sends(me: &Me, rounds: u32) -> Verdict {
    crew::start(me, 1, 7, sends_receiver, 3 * rounds);
    talk::create_gate(me, 1);
    for place in 2..=4 {
        crew::start(me, place, 5 + place as u32, sends_sender, rounds);
    }
    crew::run();
    Verdict::new(crew::join(me), [3 * rounds, 0, 0])
}

fn sends_receiver(me: &Me, total: u32) {
    let mut ledger = Ledger::new();
    for received in 0..total {
        let asked = talk::wait(me, received);
        ledger.check(me, asked);
        busy(me, asked, 6);
    }
}

fn sends_sender(me: &Me, total: u32) {
    for n in 1..=total {
        talk::send(me, 1, me.place as u32, n);
        me.note(n);
        if n % 5 == 0 {
            me.sleep(Timeout::from_us(1_000), n);
        }
    }
}

/// Two threads that send to each other and wait in one system call.
pub fn send_wait(me: &Me, rounds: u32) -> Verdict {
    for place in 1..=2 {
        crew::start(me, place, 7, send_wait_job, rounds);
        talk::create_gate(me, place);
    }
    crew::run();
    Verdict::new(crew::join(me), [2 * rounds, 0, 0])
}

fn send_wait_job(me: &Me, rounds: u32) {
    let other = 3 - me.place;
    let mut ledger = Ledger::new();
    let begins = me.place == 1;
    for n in 1..=rounds {
        if n == 1 && !begins {
            ledger.check(me, talk::wait(me, 0));
        }
        busy(me, Asked { sender: me.place as u32, n }, 7);
        if n == rounds && !begins {
            talk::send(me, other, me.place as u32, n);
        } else {
            ledger.check(me, talk::send_and_wait(me, other, me.place as u32, n));
        }
    }
}

/// Calls given up by the client's timeout, in the send phase and in the receive phase.
pub fn expired(me: &Me, rounds: u32) -> Verdict {
    ANSWERED.store(0, Ordering::Release);
    EXPIRED.store(0, Ordering::Release);
    crew::start(me, 1, 8, expired_server, rounds);
    talk::create_gate(me, 1);
    crew::start(me, 2, 7, expired_client, rounds);
    crew::run();
    Verdict::new(crew::join(me), [rounds, 0, 0])
}

/// Rounds that the client has given up, and rounds that the server has finished.
static EXPIRED: AtomicU32 = AtomicU32::new(0);
static ANSWERED: AtomicU32 = AtomicU32::new(0);

/// Each round: a call that is not received in time, one that is not answered in time, one that is.
fn expired_client(me: &Me, rounds: u32) {
    let sender = me.place as u32;
    for round in 1..=rounds {
        let n = 3 * round - 2;
        let brief = Timeouts::new(Timeout::from_us(2_000), Timeout::NEVER);
        let back = talk::try_call(me, 1, sender, n, brief);
        me.expect_error("unheard", &back, raw::L4_IPC_SETIMEOUT);
        me.expect("unheard.value", n, back.value);
        EXPIRED.store(2 * round - 1, Ordering::Release);
        let brief = Timeouts::new(Timeout::NEVER, Timeout::from_us(3_000));
        let back = talk::try_call(me, 1, sender, n + 1, brief);
        me.expect_error("unanswered", &back, raw::L4_IPC_RETIMEOUT);
        me.expect("unanswered.value", n + 1, back.value);
        EXPIRED.store(2 * round, Ordering::Release);
        me.nap_until(|| ANSWERED.load(Ordering::Acquire) == round);
        let result = talk::call(me, 1, sender, n + 2);
        me.expect("answered", result_of(Asked { sender, n: n + 2 }, 1), result);
        me.note(result);
    }
}

fn expired_server(me: &Me, rounds: u32) {
    for round in 1..=rounds {
        me.nap_until(|| EXPIRED.load(Ordering::Acquire) == 2 * round - 1);
        let asked = talk::wait(me, round);
        me.expect("late.number", 3 * round - 1, asked.n);
        me.nap_until(|| EXPIRED.load(Ordering::Acquire) == 2 * round);
        if talk::answer(me, asked, result_of(asked, 1)) {
            me.fail(format_args!("{}.late_answer expected nobody got a client", me.name));
        }
        ANSWERED.store(round, Ordering::Release);
        let asked = talk::wait(me, round);
        me.expect("number", 3 * round, asked.n);
        talk::answer(me, asked, result_of(asked, 1));
        me.note(asked.n);
    }
}
