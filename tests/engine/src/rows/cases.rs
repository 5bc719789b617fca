//! The rows of the table in docs/stop.md, one case each.

use thaw_l4::{CapIndex, MsgTag, Op, RecvBuffer, Revision, Timeout};
use thaw_protocol::{ErrorKind, activity_kind as kind};

use crate::place::IN_OBJECTS;
use crate::script::Step;

/// An object of a case; object `n` is in slot `IN_OBJECTS + n`.
#[derive(Clone, Copy)]
pub enum Object {
    /// A gate to a thread, with its badge.
    Gate(usize, u32),
    /// An IRQ of a thread, with its label.
    Irq(usize, u32),
    /// A thread's own capability.
    Thread(usize),
    /// A gate of somebody outside.
    Foreign,
    /// A kernel semaphore.
    Semaphore,
}

/// What root does when the threads have come to where they are to be stopped, or after the stop.
#[derive(Clone, Copy)]
pub enum Act {
    /// Raises a flag.
    Raise(usize),
    /// Triggers the IRQ that is object `n`.
    Trigger(usize),
    /// Lets time go by.
    Pass(u32),
    /// Answers one page fault.
    ServeFault,
    /// Ends a thread, which has still to run its last in the kernel.
    End(usize),
    /// Empties the slot of object `n`, as the program may.
    Clear(usize),
}

/// A case.
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// Priority and script of each thread; those that are more urgent begin.
    pub threads: &'static [(u32, &'static [Step])],
    /// Objects.
    pub objects: &'static [Object],
    /// What root does before the stop.
    pub before: &'static [Act],
    /// What root does while the threads stand still, at the first stop; there is no other then.
    pub stopped: &'static [Act],
    /// What threads must be found doing.
    pub expect: &'static [(usize, u32)],
    /// What root does after the stop.
    pub after: &'static [Act],
    /// The stop is refused so.
    pub refused: Option<ErrorKind>,
    /// On this revision only.
    pub only: Option<Revision>,
    /// Microseconds that the threads run between the stops of a live run.
    pub between: u32,
    /// Threads go on while the stop lasts, so that the next finds another state.
    pub moves: bool,
    /// What somebody outside the set does during the stop.
    pub neighbour: Neighbour,
}

/// A thread that is not of the set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Neighbour {
    /// Does nothing.
    Quiet,
    /// Above the set: busy for longer than a pass of the barrier may take, from the look at the code on.
    Busy,
    /// Below the set: sends exceptions through the stop gate of thread 1, of which it has a copy.
    Forger,
}

/// A page that is not there until a fault is served.
pub const MISSING_PAGE: u32 = 0x0200_0000;
/// A page that threads can give each other, and where it is received.
pub const GIVEN_PAGE: u32 = 0x0201_0000;
const TAKEN_PAGE: u32 = 0x0202_0000;

/// A case without anything.
pub const BASE: Case = Case {
    name: "",
    threads: &[],
    objects: &[],
    before: &[],
    stopped: &[],
    expect: &[],
    after: &[],
    refused: None,
    only: None,
    between: 0,
    moves: false,
    neighbour: Neighbour::Quiet,
};

/// Slots of the first objects.
pub const S0: u32 = IN_OBJECTS;
/// See [`S0`].
pub const S1: u32 = IN_OBJECTS + 1;
/// See [`S0`].
pub const S2: u32 = IN_OBJECTS + 2;
/// See [`S0`].
pub const S3: u32 = IN_OBJECTS + 3;
/// Raises the first flag.
pub const RAISE: &[Act] = &[Act::Raise(1)];
/// A server that takes one request, works until flag 1 is raised, then serves.
const BUSY: &[Step] = &[Step::WAIT, Step::until(1), Step::reply(7), Step::reply(8), Step::reply(9)];
/// A server that takes one request, then sleeps.
const DROWSY: &[Step] = &[Step::WAIT, Step::sleep(6_000), Step::reply(7), Step::reply(8), Step::reply(9)];

/// One operation on a slot.
pub const fn op(slot: u32, op: Op, words: u32) -> Step {
    Step::ipc(CapIndex(slot).select(op), MsgTag::new(0x33, words, 0, 0)).word(0x3333)
}

/// Calls, having answered nobody: what is between two gates of a chain.
const fn relay(slot: u32, word: u32) -> [Step; 3] {
    [Step::WAIT, Step::call(slot, word), Step::reply(word + 1)]
}

/// Each waits for the other, for as long as its send timeout lasts.
const CIRCLE: Case = Case {
    name: "circle of calls",
    threads: &[
        (30, &[Step::call(S1, 1).send(Timeout::from_us(100_000))]),
        (29, &[Step::call(S0, 2).send(Timeout::from_us(100_000))]),
    ],
    objects: &[Object::Gate(0, 0x100), Object::Gate(1, 0x200)],
    refused: Some(ErrorKind::Undecided),
    after: &[Act::Pass(150_000)],
    ..BASE
};

/// All cases.
pub const CASES: &[Case] = &[
    Case {
        name: "asleep",
        threads: &[(10, &[Step::sleep(20_000)]), (10, &[Step::sleep(20_000).thumb()])],
        expect: &[(0, kind::RECEIVE), (1, kind::RECEIVE)],
        after: &[Act::Pass(40_000)],
        ..BASE
    },
    Case {
        name: "asleep, stopped more often than it would wake",
        threads: &[(10, &[Step::sleep(20_000), Step::sleep(900_000)])],
        expect: &[(0, kind::RECEIVE)],
        between: 12_000,
        ..BASE
    },
    Case {
        name: "user code",
        threads: &[(10, &[Step::until(1)]), (40, &[Step::until(1)])],
        expect: &[(1, kind::USER)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "timeout expired",
        threads: &[
            (10, BUSY),
            (30, &[Step::call(S0, 1).receive(Timeout::from_us(500))]),
            (29, &[Step::sleep(500)]),
        ],
        objects: &[Object::Gate(0, 0x100)],
        expect: &[(1, kind::RECEIVE), (2, kind::RECEIVE)],
        after: RAISE,
        moves: true,
        ..BASE
    },
    Case {
        name: "call delivered",
        threads: &[(10, BUSY), (20, &[Step::call(S0, 1)])],
        objects: &[Object::Gate(0, 0x100)],
        expect: &[(0, kind::USER), (1, kind::CALL_DELIVERED)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "call delivered, server asleep",
        threads: &[(30, DROWSY), (20, &[Step::call(S0, 1)])],
        objects: &[Object::Gate(0, 0x100)],
        expect: &[(0, kind::RECEIVE), (1, kind::CALL_DELIVERED)],
        after: &[Act::Pass(10_000)],
        moves: true,
        ..BASE
    },
    Case {
        name: "call delivered, thumb",
        threads: &[(10, BUSY), (20, &[Step::call(S0, 1).thumb()]), (19, &[Step::call(S0, 2).thumb()])],
        objects: &[Object::Gate(0, 0x100)],
        expect: &[(0, kind::USER), (1, kind::CALL_DELIVERED), (2, kind::SEND_QUEUED)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "open wait, plain and after a reply",
        threads: &[
            (30, &[Step::WAIT, Step::reply(7), Step::reply(8)]),
            (29, &[Step::WAIT]),
            (20, &[Step::call(S0, 1), Step::until(1), Step::call(S0, 2), Step::call(S1, 3)]),
        ],
        objects: &[Object::Gate(0, 0x100), Object::Gate(1, 0x200)],
        expect: &[(0, kind::OPEN_WAIT), (1, kind::OPEN_WAIT), (2, kind::USER)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "queue of calls",
        threads: &[
            (10, BUSY),
            (20, &[Step::call(S0, 1)]),
            (18, &[Step::call(S0, 2)]),
            (18, &[Step::call(S0, 3)]),
            (19, &[Step::call(S0, 4)]),
        ],
        objects: &[Object::Gate(0, 0x100)],
        expect: &[
            (1, kind::CALL_DELIVERED),
            (2, kind::SEND_QUEUED),
            (3, kind::SEND_QUEUED),
            (4, kind::SEND_QUEUED),
        ],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "send only, queued",
        threads: &[
            (10, &[Step::until(1), Step::WAIT, Step::WAIT, Step::WAIT]),
            (20, &[op(S0, Op::SEND, 1), Step::sleep(100)]),
            (19, &[Step::call(S0, 5)]),
            (18, &[op(S0, Op::SEND, 2), Step::sleep(100)]),
        ],
        objects: &[Object::Gate(0, 0x100)],
        expect: &[(0, kind::USER), (1, kind::SEND_QUEUED), (2, kind::SEND_QUEUED), (3, kind::SEND_QUEUED)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "send only, queued at a sleeper",
        threads: &[
            (30, &[Step::sleep(8_000), Step::WAIT, Step::WAIT, Step::WAIT]),
            (20, &[op(S0, Op::SEND, 1), Step::sleep(100)]),
            (19, &[Step::call(S0, 5)]),
            (18, &[op(S0, Op::SEND, 2), Step::sleep(100)]),
        ],
        objects: &[Object::Gate(0, 0x100)],
        expect: &[(0, kind::RECEIVE), (1, kind::SEND_QUEUED), (2, kind::SEND_QUEUED), (3, kind::SEND_QUEUED)],
        after: &[Act::Pass(12_000)],
        moves: true,
        ..BASE
    },
    Case {
        name: "send and wait, in its send phase",
        threads: &[
            (30, &[Step::sleep(8_000), Step::WAIT, Step::call(S1, 6)]),
            (20, &[op(S0, Op::SEND_AND_WAIT, 1), Step::reply(4)]),
        ],
        objects: &[Object::Gate(0, 0x100), Object::Gate(1, 0x200)],
        // Two receivers are silent: nothing is aborted before the sleeper wakes.
        expect: &[(0, kind::USER), (1, kind::SEND_QUEUED)],
        after: &[Act::Pass(12_000)],
        moves: true,
        ..BASE
    },
    Case {
        name: "send and wait, waiting",
        threads: &[
            (10, &[Step::WAIT, Step::until(1), Step::call(S1, 6)]),
            (20, &[op(S0, Op::SEND_AND_WAIT, 1), Step::reply(4)]),
        ],
        objects: &[Object::Gate(0, 0x100), Object::Gate(1, 0x200)],
        expect: &[(0, kind::USER), (1, kind::OPEN_WAIT)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "send and wait, one in its send phase and one waiting",
        threads: &[
            (10, &[Step::until(1), Step::WAIT, Step::call(S2, 5), Step::call(S3, 6)]),
            (40, &[Step::WAIT]),
            (30, &[op(S1, Op::SEND_AND_WAIT, 1), Step::reply(4)]),
            (20, &[op(S0, Op::SEND_AND_WAIT, 1), Step::reply(4)]),
        ],
        objects: &[
            Object::Gate(0, 0x100),
            Object::Gate(1, 0x200),
            Object::Gate(2, 0x300),
            Object::Gate(3, 0x400),
        ],
        expect: &[(0, kind::USER), (2, kind::OPEN_WAIT), (3, kind::SEND_QUEUED)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "bare thread capability",
        threads: &[
            (10, BUSY),
            (20, &[Step::call(S0, 1).label(0x1234)]),
            (19, &[Step::call(S0, 2).label(0x5678)]),
            (18, &[op(S0, Op::SEND, 1).label(0x9abc)]),
        ],
        objects: &[Object::Thread(0)],
        expect: &[(0, kind::USER), (1, kind::CALL_DELIVERED), (2, kind::SEND_QUEUED), (3, kind::SEND_QUEUED)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "message with a capability, queued",
        threads: &[
            (
                30,
                &[
                    Step::sleep(8_000),
                    Step::WAIT.buffer(RecvBuffer::capability(CapIndex(S0 + 0x10)).0),
                    Step::reply(7),
                ],
            ),
            (20, &[Step::ipc(CapIndex(S0).select(Op::CALL), MsgTag::new(0x44, 1, 1, 0)).word(9).item(S1)]),
        ],
        objects: &[Object::Gate(0, 0x100), Object::Gate(1, 0x200)],
        // Two receivers are silent: nothing is aborted before the sleeper wakes.
        expect: &[(0, kind::USER), (1, kind::SEND_QUEUED)],
        after: &[Act::Pass(12_000)],
        moves: true,
        ..BASE
    },
    Case {
        name: "wait for an irq, none pending",
        threads: &[(30, &[Step::irq(S0), Step::irq(S0), Step::irq(S0)]), (20, &[Step::until(1)])],
        objects: &[Object::Irq(0, 0x70)],
        before: &[Act::Trigger(0)],
        expect: &[(0, kind::IRQ_WAIT)],
        after: &[Act::Trigger(0), Act::Raise(1)],
        ..BASE
    },
    Case {
        name: "irq pending, once",
        threads: &[(30, &[Step::until(1), Step::irq(S0), Step::irq(S0), Step::irq(S0)])],
        objects: &[Object::Irq(0, 0x70)],
        before: &[Act::Trigger(0)],
        expect: &[(0, kind::USER)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "irq pending, three times",
        threads: &[(30, &[Step::until(1), Step::irq(S0), Step::irq(S0), Step::irq(S0), Step::irq(S0)])],
        objects: &[Object::Irq(0, 0x70)],
        before: &[Act::Trigger(0), Act::Trigger(0), Act::Trigger(0)],
        expect: &[(0, kind::USER)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "chain, last server awake, queues at every level",
        threads: &[
            (10, BUSY),
            (30, &relay(S0, 0x10)),
            (31, &relay(S1, 0x20)),
            (32, &relay(S2, 0x30)),
            (19, &[Step::call(S3, 1)]),
            (18, &[Step::call(S3, 2)]),
            (18, &[Step::call(S2, 3)]),
            (18, &[Step::call(S1, 4)]),
            (18, &[Step::call(S0, 5)]),
        ],
        objects: &[
            Object::Gate(0, 0x100),
            Object::Gate(1, 0x200),
            Object::Gate(2, 0x300),
            Object::Gate(3, 0x400),
        ],
        expect: &[
            (0, kind::USER),
            (1, kind::CALL_DELIVERED),
            (2, kind::CALL_DELIVERED),
            (3, kind::CALL_DELIVERED),
            (4, kind::CALL_DELIVERED),
        ],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "chain, last server asleep, queues at every level",
        threads: &[
            (33, DROWSY),
            (30, &relay(S0, 0x10)),
            (31, &relay(S1, 0x20)),
            (32, &relay(S2, 0x30)),
            (19, &[Step::call(S3, 1)]),
            (18, &[Step::call(S3, 2)]),
            (18, &[Step::call(S2, 3)]),
            (18, &[Step::call(S1, 4)]),
            (18, &[Step::call(S0, 5)]),
        ],
        objects: &[
            Object::Gate(0, 0x100),
            Object::Gate(1, 0x200),
            Object::Gate(2, 0x300),
            Object::Gate(3, 0x400),
        ],
        after: &[Act::Pass(12_000)],
        moves: true,
        ..BASE
    },
    Case {
        name: "two servers call one that is asleep",
        threads: &[
            (31, &relay(S2, 0x10)),
            (30, &relay(S2, 0x20)),
            (33, DROWSY),
            (19, &[Step::call(S0, 1)]),
            (18, &[Step::call(S1, 2)]),
        ],
        objects: &[Object::Gate(0, 0x100), Object::Gate(1, 0x200), Object::Gate(2, 0x300)],
        after: &[Act::Pass(12_000)],
        moves: true,
        ..BASE
    },
    Case {
        name: "timeout of a call that expires in the commit",
        threads: &[(10, BUSY), (20, &[Step::call(S0, 1).receive(Timeout::from_us(4_000)), Step::until(1)])],
        objects: &[Object::Gate(0, 0x100)],
        before: &[Act::Pass(2_000)],
        after: &[Act::Pass(5_000), Act::Raise(1)],
        moves: true,
        ..BASE
    },
    Case {
        name: "page fault that nobody has answered",
        threads: &[(30, &[Step::load(MISSING_PAGE), Step::until(1)])],
        expect: &[(0, kind::USER)],
        after: &[Act::ServeFault, Act::Raise(1)],
        ..BASE
    },
    Case {
        name: "two servers asleep for long, one in the other's queue",
        threads: &[
            (30, &[Step::nap(80_000), Step::WAIT, Step::reply(7)]),
            (31, &[Step::nap(80_000), Step::reply(8)]),
            (32, &[Step::call(S0, 3), Step::reply(9)]),
            (20, &[Step::call(S2, 4)]),
        ],
        objects: &[Object::Gate(0, 0x100), Object::Gate(1, 0x200), Object::Gate(2, 0x300)],
        expect: &[(0, kind::RECEIVE), (1, kind::RECEIVE), (2, kind::SEND_QUEUED), (3, kind::SEND_QUEUED)],
        after: &[Act::Pass(90_000)],
        ..BASE
    },
    Case {
        name: "several servers wait for irqs",
        threads: &[
            (30, &[Step::irq(S2), Step::irq(S3), Step::call(S1, 1)]),
            (31, &[Step::irq(S1 + 3).receive(Timeout::from_us(60_000)), Step::WAIT, Step::reply(7)]),
            (20, &[Step::call(S0, 5)]),
            (19, &[Step::until(1)]),
        ],
        objects: &[
            Object::Gate(0, 0x100),
            Object::Gate(1, 0x200),
            Object::Irq(0, 0x70),
            Object::Irq(0, 0x80),
            Object::Irq(1, 0x90),
        ],
        before: &[Act::Trigger(3)],
        expect: &[(0, kind::IRQ_WAIT), (1, kind::IRQ_WAIT), (2, kind::SEND_QUEUED)],
        after: &[Act::Pass(80_000), Act::Trigger(2), Act::Raise(1)],
        ..BASE
    },
    Case {
        name: "a second call taken, the first never answered",
        threads: &[
            (10, &[Step::WAIT, Step::WAIT, Step::until(1), Step::reply(7), Step::reply(8)]),
            (30, &[Step::call(S0, 1).receive(Timeout::from_us(50_000)), Step::until(1)]),
            (29, &[Step::call(S0, 2)]),
        ],
        objects: &[Object::Gate(0, 0x100)],
        expect: &[(0, kind::USER), (1, kind::CALL_DELIVERED), (2, kind::CALL_DELIVERED)],
        after: &[Act::Pass(60_000), Act::Raise(1)],
        ..BASE
    },
    Case {
        name: "a second call taken and answered, the first never",
        threads: &[
            (10, &[Step::WAIT, Step::WAIT, Step::answer(1), Step::until(1), Step::answer(2), Step::WAIT]),
            (30, &[Step::call(S0, 1).receive(Timeout::from_us(50_000)), Step::until(1)]),
            (29, &[Step::call(S0, 2), Step::until(1), Step::call(S0, 3)]),
        ],
        objects: &[Object::Gate(0, 0x100)],
        expect: &[(0, kind::USER), (1, kind::CALL_DELIVERED), (2, kind::USER)],
        after: &[Act::Pass(10_000), Act::Raise(1), Act::Pass(60_000)],
        ..BASE
    },
    Case {
        name: "message with a page, queued",
        threads: &[
            (
                30,
                &[
                    Step::nap(80_000),
                    Step::WAIT.page_buffer(TAKEN_PAGE),
                    Step::load(TAKEN_PAGE),
                    Step::reply(7),
                ],
            ),
            (
                20,
                &[Step::ipc(CapIndex(S0).select(Op::CALL), MsgTag::new(0x44, 1, 1, 0))
                    .word(9)
                    .page(GIVEN_PAGE)],
            ),
            (19, &[Step::call(S0, 2)]),
        ],
        objects: &[Object::Gate(0, 0x100)],
        expect: &[(0, kind::RECEIVE), (1, kind::SEND_QUEUED), (2, kind::SEND_QUEUED)],
        after: &[Act::Pass(90_000)],
        ..BASE
    },
    Case {
        name: "asleep until a time of the kernel's clock",
        threads: &[(30, &[Step::sleep(0).until_time(!0)]), (20, &[Step::until(1)])],
        expect: &[(0, kind::RECEIVE), (1, kind::USER)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "a thread that is being ended",
        threads: &[
            (10, &[Step::until(1), Step::WAIT, Step::reply(7)]),
            (9, &[Step::until(2)]),
            (30, &[Step::call(S0, 1)]),
            (29, &[Step::call(S0, 2)]),
        ],
        objects: &[Object::Gate(0, 0x100)],
        before: &[Act::End(1), Act::End(2)],
        expect: &[(0, kind::USER), (3, kind::SEND_QUEUED)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "exception that nobody has answered",
        threads: &[(30, &[Step::UNDEFINED, Step::sleep(100)]), (20, &[Step::until(1)])],
        refused: Some(ErrorKind::InException),
        after: RAISE,
        ..BASE
    },
    CIRCLE,
    Case {
        name: "circle of calls, and somebody forges an exception",
        neighbour: Neighbour::Forger,
        ..CIRCLE
    },
    Case {
        name: "call delivered and another queued, somebody above is busy",
        threads: &[(10, BUSY), (20, &[Step::call(S0, 1)]), (19, &[Step::call(S0, 2)])],
        objects: &[Object::Gate(0, 0x100)],
        expect: &[(0, kind::USER), (1, kind::CALL_DELIVERED), (2, kind::SEND_QUEUED)],
        after: RAISE,
        neighbour: Neighbour::Busy,
        ..BASE
    },
    Case {
        name: "capability to a server outside",
        threads: &[(30, &[Step::sleep(20_000)])],
        objects: &[Object::Foreign],
        refused: Some(ErrorKind::UnknownPeer),
        after: &[Act::Pass(40_000)],
        ..BASE
    },
];

const SLEEPER: (u32, &[Step]) = (10, &[Step::sleep(900_000)]);
const AWAKE: (u32, &[Step]) = (10, &[Step::until(1)]);

/// Sets of 1, 8 and 64 threads whose stop is measured: asleep, and awake.
pub const MEASURED: [Case; 6] = [
    Case { name: "asleep", threads: &[SLEEPER; 1], ..BASE },
    Case { name: "asleep", threads: &[SLEEPER; 8], ..BASE },
    Case { name: "asleep", threads: &[SLEEPER; 64], ..BASE },
    Case { name: "awake", threads: &[AWAKE; 1], ..BASE },
    Case { name: "awake", threads: &[AWAKE; 8], ..BASE },
    Case { name: "awake", threads: &[AWAKE; 64], ..BASE },
];
