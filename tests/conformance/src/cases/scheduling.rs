//! Priorities, donation of the processor, tag bit 13, and the scheduler's requests.

use thaw_l4::{Fpage, MsgTag, Op, Selector, Timeouts, raw};

use super::parts::{NO_WAITING, SLEEP, WAIT, ask, ready, request, run, send, show_steps};
use crate::{
    Runner, fact, show,
    step::{COUNTER, Step},
    world::{BACKGROUND, OWN_TASK, OWN_THREAD, SCHEDULER, World},
};

const SCHEDULE: u32 = raw::L4_MSGTAG_SCHEDULE;

/// All cases.
pub fn run_all(r: &Runner) {
    for (name, priorities) in [("equal", [50, 50, 50]), ("rising", [41, 42, 43]), ("falling", [43, 42, 41])] {
        r.case(format_args!("started, {name} priorities: who runs first"), |w| started(w, priorities));
        r.case(format_args!("woken, {name} priorities: who runs first"), |w| woken(w, priorities));
    }
    for flags in [0, SCHEDULE] {
        for server in [30, 50, 70] {
            for op in [Op::CALL, Op::SEND] {
                let name = if op == Op::CALL { "call" } else { "send" };
                r.case(
                    format_args!("{name} from 50 to {server}, flags {flags:#x}, another at 40 is ready"),
                    |w| {
                        donated(w, op, server, flags);
                    },
                );
            }
            r.case(format_args!("reply from {server} to 50, flags {flags:#x}"), |w| {
                replied(w, server, flags)
            });
        }
    }
    r.case("send to a stopped thread: who runs", |w| resumed(w, 0));
    r.case("send to a stopped thread with bit 13: who runs", |w| resumed(w, SCHEDULE));
    r.case("priority raised above the running thread", |w| reprioritized(w, 60));
    r.case("priority lowered", |w| reprioritized(w, 30));
    r.case("two that count share the processor", round_robin);
    r.case("quantum of its own", quantum);
    r.case("thread switch", switched);
    r.case("interrupt preempts", interrupted);
    for (name, words) in [
        ("priority 0", [0, 1, 0, 0]),
        ("priority 255", [0, 1, 255, 0]),
        ("priority 256", [0, 1, 256, 0]),
        ("priority 1000", [0, 1, 1000, 0]),
        ("no processor", [0, 0, 50, 0]),
        ("processor 1", [1, 1, 50, 0]),
        ("processor 1 by the mask", [0, 2, 50, 0]),
        ("granularity 1", [0x100_0000, 1, 50, 0]),
        ("a quantum", [0, 1, 50, 5000]),
    ] {
        r.case(format_args!("run_thread: {name}"), |w| run_thread(w, words));
    }
    r.case("run_thread: messages that are wrong", wrong_messages);
    r.case("info", info);
    r.case("idle time", |w| {
        let tag = MsgTag::new(raw::L4_PROTO_SCHEDULER, 1, 0, 0);
        ask(w, "one word", SCHEDULER, tag, &[raw::L4_SCHEDULER_IDLE_TIME_OP]);
        let before = time(w, SCHEDULER, raw::L4_PROTO_SCHEDULER, raw::L4_SCHEDULER_IDLE_TIME_OP);
        w.sleep_us(20_000);
        let after = time(w, SCHEDULER, raw::L4_PROTO_SCHEDULER, raw::L4_SCHEDULER_IDLE_TIME_OP);
        fact!("grows: {}", after > before);
    });
    r.case("time of a thread", thread_time);
    r.case("scheduler: requests it does not know", unknown);
}

/// Children that tell root that they have run.
fn started(w: &World<'_>, priorities: [u32; 3]) {
    let news = w.give(OWN_THREAD);
    for (n, priority) in (1..).zip(priorities) {
        ready(w, &[request(news, Op::SEND, n)], priority);
    }
    w.settle();
    arrivals(w, 3);
}

fn woken(w: &World<'_>, priorities: [u32; 3]) {
    let news = w.give(OWN_THREAD);
    let mut n = 0;
    let children = priorities.map(|priority| {
        n += 1;
        ready(w, &[SLEEP, request(news, Op::SEND, n)], priority)
    });
    w.settle();
    // All at one priority in root's queue, so that the order is that of running.
    children.iter().for_each(|c| c.wake());
    w.settle();
    arrivals(w, 3);
}

fn arrivals(w: &World<'_>, count: u32) {
    for _ in 0..count {
        show::event(w, w.poll_with(0, &[]).as_ref());
    }
}

/// Counts up a word in memory: tells the order in which threads came by.
fn shared(n: u32) -> u32 {
    crate::data::page(crate::data::FIRST_FREE) + 4 * n
}

/// A step that appends a number to a list in memory, without the kernel's help.
fn note(n: u32) -> Step {
    Step::append(n, shared(0))
}

fn noted(_: &World<'_>) {
    let count = (crate::data::read(shared(0))).min(8);
    let mut list = [0; 8];
    (0..count).for_each(|i| list[i as usize] = crate::data::read(shared(1 + i)));
    fact!("order: {}", show::Words(&list[..count as usize]));
}

/// 1 client before, 2 server, 3 client after, 4 the other.
fn donated(w: &World<'_>, op: Op, server: u32, flags: u32) {
    let answer = Step::invoke(Selector::nobody(Op::REPLY), MsgTag::new(5, 0, 0, 0)).timeouts(NO_WAITING);
    let s = ready(w, &[WAIT, note(2), answer, note(5)], server);
    w.settle();
    let to = w.give(w.gate(s.cap, 0xbb0));
    let request = Step::invoke(to.select(op), MsgTag::new(0x11, 0, 0, flags));
    let other = ready(w, &[SLEEP, note(4)], 40);
    let client = ready(w, &[SLEEP, note(1), request, note(3)], 50);
    w.settle();
    client.wake();
    other.wake();
    w.settle();
    noted(w);
}

fn replied(w: &World<'_>, server: u32, flags: u32) {
    let answer = Step::invoke(Selector::nobody(Op::REPLY), MsgTag::new(5, 0, 0, flags)).timeouts(NO_WAITING);
    let s = ready(w, &[WAIT, note(2), answer, note(5)], server);
    w.settle();
    let to = w.give(w.gate(s.cap, 0xbb0));
    ready(w, &[note(1), Step::invoke(to.select(Op::CALL), MsgTag::new(0x11, 0, 0, SCHEDULE)), note(3)], 50);
    w.settle();
    noted(w);
}

/// A child of priority 60 sends to one of 50 that is stopped in its exception; another at 55 is ready.
fn resumed(w: &World<'_>, flags: u32) {
    let handler = ready(w, &[WAIT, SLEEP], 60);
    w.settle();
    let gate = w.give(w.gate(handler.cap, 0xdd0));
    let t = w.thread_with(w.task, Some(gate));
    t.script(&[Step::UNDEFINED, note(1), Step::END]).start();
    w.settle();
    let other = ready(w, &[SLEEP, note(2)], 55);
    w.settle();
    let to = w.give(t.cap);
    // An empty answer repeats the instruction on M and skips it on G: the exception comes or the note.
    let answer = Step::invoke(to.select(Op::SEND), MsgTag::new(0, 0, 0, flags)).timeouts(NO_WAITING);
    handler.script_from(2, &[note(3), answer, note(4), WAIT.timeouts(NO_WAITING), note(5), Step::END]);
    handler.wake();
    other.wake();
    w.settle();
    noted(w);
    fact!("undefined again: {}", handler.word(5, crate::step::RESULT + 1) & raw::L4_MSGTAG_ERROR == 0);
}

fn reprioritized(w: &World<'_>, priority: u32) {
    let t = ready(w, &[SLEEP, note(1)], 50);
    let other = ready(w, &[SLEEP, note(2)], 50);
    let third = ready(w, &[SLEEP, note(3)], 50);
    w.settle();
    for c in [&t, &other, &third] {
        c.wake();
    }
    other.priority(priority);
    w.settle();
    noted(w);
}

fn round_robin(w: &World<'_>) {
    let a = ready(w, &[Step::SPIN], BACKGROUND);
    let b = ready(w, &[Step::SPIN], BACKGROUND);
    w.sleep_us(60_000);
    fact!("both counted: {}", a.word(0, COUNTER) > 0 && b.word(0, COUNTER) > 0);
}

/// One with a long slice does not let the other in during this time.
fn quantum(w: &World<'_>) {
    let a = w.thread();
    a.script(&[Step::SPIN]).prepare();
    let words = [raw::L4_SCHEDULER_RUN_THREAD_OP, 0, 1, BACKGROUND, 1_000_000, raw::L4_ITEM_MAP, object(&a)];
    ask(w, "run_thread", SCHEDULER, MsgTag::new(raw::L4_PROTO_SCHEDULER, 5, 1, 0), &words);
    w.let_run();
    let b = ready(w, &[Step::SPIN], BACKGROUND);
    w.sleep_us(60_000);
    fact!("the first counted: {}", a.word(0, COUNTER) > 0);
    fact!("the second counted: {}", b.word(0, COUNTER) > 0);
}

fn object(child: &crate::world::Child<'_, '_>) -> u32 {
    Fpage::object(child.cap.index(), raw::L4_CAP_FPAGE_RWSD).0
}

fn switched(w: &World<'_>) {
    let low = ready(w, &[SLEEP, note(2)], 40);
    w.settle();
    let own = w.thread();
    let slots = [w.give(low.cap), w.give(own.cap)];
    let switch = |slot: thaw_l4::CapIndex| {
        let tag = MsgTag::new(raw::L4_PROTO_THREAD, 1, 0, 0);
        Step::invoke(slot.select(Op::CALL), tag).words(&[raw::L4_THREAD_SWITCH_OP])
    };
    own.script(&[SLEEP, note(1), switch(slots[0]), note(3), switch(slots[1]), note(4), Step::END]).start();
    w.settle();
    low.wake();
    own.wake();
    w.settle();
    noted(w);
    show::step(w, &own, 2);
    show::step(w, &own, 4);
}

fn interrupted(w: &World<'_>) {
    let irq = crate::world::FACTORY.create_irq(&w.k, w.slot()).expect("irq");
    let slot = w.give(irq);
    let trigger = Step::invoke(slot.select(Op::SEND), MsgTag::new(raw::L4_PROTO_IRQ, 1, 0, 0));
    let trigger = trigger.words(&[raw::THAW_IRQ_TRIGGER_OP]);
    for waiter in [60, 50, 40] {
        crate::data::write(shared(0), 0);
        let t = ready(w, &[WAIT, note(2)], waiter);
        w.settle();
        irq.bind(&w.k, t.cap, 0x1a0).expect("bind");
        ready(w, &[note(1), trigger, note(3)], 50);
        w.settle();
        fact!("waiter {waiter}");
        noted(w);
    }
}

fn run_thread(w: &World<'_>, words: [u32; 4]) {
    let t = w.thread();
    t.script(&[Step::REGISTERS, Step::END]).prepare();
    let [cpu, mask, priority, quantum] = words;
    let all = [raw::L4_SCHEDULER_RUN_THREAD_OP, cpu, mask, priority, quantum, raw::L4_ITEM_MAP, object(&t)];
    ask(w, "answer", SCHEDULER, MsgTag::new(raw::L4_PROTO_SCHEDULER, 5, 1, 0), &all);
    // It may outrank root; then it has run by now.
    w.settle();
    fact!("step0: done {}", t.done(0));
}

fn wrong_messages(w: &World<'_>) {
    let t = w.thread();
    t.script(&[Step::REGISTERS, Step::END]).prepare();
    let tag = |words, items| MsgTag::new(raw::L4_PROTO_SCHEDULER, words, items, 0);
    let op = raw::L4_SCHEDULER_RUN_THREAD_OP;
    ask(w, "no item", SCHEDULER, tag(5, 0), &[op, 0, 1, 50, 0]);
    ask(w, "four words", SCHEDULER, tag(4, 1), &[op, 0, 1, 50, raw::L4_ITEM_MAP, object(&t)]);
    let task = Fpage::object(OWN_TASK.index(), raw::L4_CAP_FPAGE_RWSD).0;
    ask(w, "a task", SCHEDULER, tag(5, 1), &[op, 0, 1, 50, 0, raw::L4_ITEM_MAP, task]);
    let empty = Fpage::object(thaw_l4::CapIndex(0x7f0), raw::L4_CAP_FPAGE_RWSD).0;
    ask(w, "an empty slot", SCHEDULER, tag(5, 1), &[op, 0, 1, 50, 0, raw::L4_ITEM_MAP, empty]);
    let page = Fpage::memory(0, 12, raw::L4_FPAGE_RW).0;
    ask(w, "memory", SCHEDULER, tag(5, 1), &[op, 0, 1, 50, 0, raw::L4_ITEM_MAP, page]);
    let unbound = Fpage::object(w.bare_thread().index(), raw::L4_CAP_FPAGE_RWSD).0;
    ask(
        w,
        "a thread that was never bound",
        SCHEDULER,
        tag(5, 1),
        &[op, 0, 1, 50, 0, raw::L4_ITEM_MAP, unbound],
    );
    w.settle();
    fact!("step0: done {}", t.done(0));
}

fn info(w: &World<'_>) {
    let op = raw::L4_SCHEDULER_INFO_OP;
    let tag = |words| MsgTag::new(raw::L4_PROTO_SCHEDULER, words, 0, 0);
    ask(w, "from 0", SCHEDULER, tag(2), &[op, 0]);
    ask(w, "from 1", SCHEDULER, tag(2), &[op, 1]);
    ask(w, "from 32", SCHEDULER, tag(2), &[op, 32]);
    ask(w, "granularity 5", SCHEDULER, tag(2), &[op, 5 << 24]);
    ask(w, "one word", SCHEDULER, tag(1), &[op]);
}

/// A time in microseconds that an object tells.
fn time<T>(w: &World<'_>, cap: thaw_l4::Cap<T>, protocol: i32, op: u32) -> u64 {
    // The scheduler wants to know of which processors: the first.
    w.set_words(&[op, 0, 1]);
    let e = w.event(w.ipc(cap.select(Op::CALL), MsgTag::new(protocol, 3, 0, 0), Timeouts::NEVER));
    fact!("answer {} error={}", show::Tag(e.tag), show::Failure(e.tag, e.error));
    u64::from(e.mr[0]) | u64::from(e.mr[1]) << 32
}

fn thread_time(w: &World<'_>) {
    let t = ready(w, &[Step::SPIN], BACKGROUND);
    w.let_run();
    let before = time(w, t.cap, raw::L4_PROTO_THREAD, raw::L4_THREAD_STATS_OP);
    w.sleep_us(20_000);
    let after = time(w, t.cap, raw::L4_PROTO_THREAD, raw::L4_THREAD_STATS_OP);
    fact!("grows: {}", after > before);
    let still = run(w, &[SLEEP]);
    let before = time(w, still.cap, raw::L4_PROTO_THREAD, raw::L4_THREAD_STATS_OP);
    let after = time(w, still.cap, raw::L4_PROTO_THREAD, raw::L4_THREAD_STATS_OP);
    fact!("of one that sleeps, grows: {}", after > before);
}

fn unknown(w: &World<'_>) {
    let request = |what: &str, protocol, words: &[u32]| {
        ask(w, what, SCHEDULER, MsgTag::new(protocol, words.len() as u32, 0, 0), words);
    };
    request("no words", raw::L4_PROTO_SCHEDULER, &[]);
    request("operation 9", raw::L4_PROTO_SCHEDULER, &[9]);
    request("protocol -11", raw::L4_PROTO_TASK, &[0]);
    request("protocol 0", 0, &[0]);
    let t = run(w, &[send(w.give(SCHEDULER), 1)]);
    show_steps(w, &t, 1);
}
