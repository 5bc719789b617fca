//! Cases of semaphores, threads' own capabilities and capabilities in messages.

use thaw_l4::{CapIndex, MsgTag, Op, RecvBuffer, Timeout};
use thaw_protocol::activity_kind as kind;

use crate::cases::{Act, BASE, Case, Object, RAISE, S0, S1, S2, S3, op};
use crate::script::Step;

/// A server that is awake first and then answers four calls.
const ANSWERS: &[Step] =
    &[Step::WAIT, Step::until(1), Step::reply(7), Step::reply(8), Step::reply(9), Step::reply(10)];

/// All of them.
pub const CASES: &[Case] = &[
    Case {
        name: "waiters of a semaphore, in their order",
        threads: &[
            (40, &[Step::WAIT, Step::reply(7), Step::reply(8), Step::reply(9)]),
            (20, &[Step::semaphore_down(S0), Step::call(S1, 1)]),
            (20, &[Step::semaphore_down(S0), Step::call(S1, 2)]),
            (22, &[Step::semaphore_down(S0), Step::call(S1, 3)]),
        ],
        objects: &[Object::Semaphore, Object::Gate(0, 0x200)],
        expect: &[
            (0, kind::OPEN_WAIT),
            (1, kind::SEMAPHORE_WAIT),
            (2, kind::SEMAPHORE_WAIT),
            (3, kind::SEMAPHORE_WAIT),
        ],
        after: &[Act::Trigger(0), Act::Trigger(0), Act::Trigger(0)],
        ..BASE
    },
    Case {
        name: "semaphore with two in it",
        threads: &[(
            20,
            &[
                Step::until(1),
                Step::semaphore_down(S0).receive(Timeout::ZERO),
                Step::semaphore_down(S0).receive(Timeout::ZERO),
                Step::semaphore_down(S0).receive(Timeout::ZERO),
            ],
        )],
        objects: &[Object::Semaphore],
        before: &[Act::Trigger(0), Act::Trigger(0)],
        expect: &[(0, kind::USER)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "two servers wait for semaphores",
        threads: &[
            (30, &[Step::semaphore_down(S0), Step::WAIT, Step::reply(7)]),
            (29, &[Step::semaphore_down(S1), Step::WAIT, Step::reply(8)]),
            (20, &[Step::call(S2, 1)]),
            (19, &[Step::call(S3, 2)]),
        ],
        objects: &[Object::Semaphore, Object::Semaphore, Object::Gate(0, 0x100), Object::Gate(1, 0x200)],
        expect: &[
            (0, kind::SEMAPHORE_WAIT),
            (1, kind::SEMAPHORE_WAIT),
            (2, kind::SEND_QUEUED),
            (3, kind::SEND_QUEUED),
        ],
        after: &[Act::Trigger(0), Act::Trigger(1)],
        ..BASE
    },
    Case {
        name: "semaphore, waiting for a while",
        threads: &[
            (20, &[Step::semaphore_down(S0).receive(Timeout::from_us(8_000))]),
            (20, &[Step::semaphore_down(S0).receive(Timeout::from_us(40_000))]),
        ],
        objects: &[Object::Semaphore],
        expect: &[(0, kind::SEMAPHORE_WAIT), (1, kind::SEMAPHORE_WAIT)],
        after: &[Act::Pass(12_000), Act::Trigger(0)],
        moves: true,
        ..BASE
    },
    Case {
        name: "waits for one thread alone",
        threads: &[
            (30, &[Step::ipc(CapIndex(S0).select(Op::RECEIVE), MsgTag(0))]),
            (20, &[Step::until(1), op(S1, Op::SEND, 1).label(0x77)]),
            (25, &[op(S1, Op::SEND, 1).label(0x88)]),
        ],
        objects: &[Object::Thread(1), Object::Thread(0)],
        expect: &[(0, kind::RECEIVE), (1, kind::USER), (2, kind::SEND_QUEUED)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "answered by the caller's own capability",
        threads: &[
            (10, &[Step::WAIT, op(S1, Op::SEND, 1), Step::until(1), op(S1, Op::SEND, 1).label(5)]),
            (20, &[Step::call(S0, 1), Step::WAIT]),
        ],
        objects: &[Object::Gate(0, 0x100), Object::Thread(1)],
        expect: &[(0, kind::USER), (1, kind::OPEN_WAIT)],
        after: RAISE,
        ..BASE
    },
    Case {
        name: "call delivered, through a slot that is empty now",
        threads: &[(10, &[Step::WAIT, Step::until(1), Step::reply(7)]), (20, &[Step::call(S0, 1)])],
        objects: &[Object::Gate(0, 0x100)],
        before: &[Act::Clear(0)],
        expect: &[(0, kind::USER), (1, kind::CALL_DELIVERED)],
        after: RAISE,
        // A fresh place has its slots filled.
        moves: true,
        ..BASE
    },
    Case {
        name: "message that gives a capability away, queued",
        threads: &[
            (
                30,
                &[
                    Step::nap(8_000),
                    Step::WAIT.buffer(RecvBuffer::capability(CapIndex(S0 + 0x10)).0),
                    op(S0 + 0x10, Op::SEND, 1),
                    Step::reply(7),
                ],
            ),
            (
                20,
                &[
                    Step::ipc(CapIndex(S0).select(Op::CALL), MsgTag::new(0x44, 1, 1, 0)).word(9).grant(S1),
                    op(S1, Op::SEND, 1),
                ],
            ),
            (10, &[Step::WAIT, Step::WAIT]),
        ],
        objects: &[Object::Gate(0, 0x100), Object::Gate(2, 0x200)],
        expect: &[(0, kind::RECEIVE), (1, kind::SEND_QUEUED), (2, kind::OPEN_WAIT)],
        after: &[Act::Pass(12_000)],
        moves: true,
        ..BASE
    },
    Case {
        name: "server that is ended in the stop",
        threads: &[
            (12, &[Step::WAIT, Step::nap(400_000), Step::reply(7), Step::reply(8)]),
            (30, &[Step::call(S0, 1).receive(Timeout::from_us(50_000)), Step::until(1), Step::call(S1, 2)]),
            (29, &[Step::call(S0, 3).send(Timeout::from_us(50_000)), Step::call(S1, 4)]),
            (28, &[op(S0, Op::SEND, 1).send(Timeout::from_us(50_000)), Step::call(S1, 5)]),
            (11, ANSWERS),
            (27, &[Step::call(S1, 6)]),
        ],
        objects: &[Object::Gate(0, 0x100), Object::Gate(4, 0x200)],
        stopped: &[Act::End(0)],
        expect: &[
            (0, kind::RECEIVE),
            (1, kind::CALL_DELIVERED),
            (2, kind::SEND_QUEUED),
            (3, kind::SEND_QUEUED),
            (5, kind::CALL_DELIVERED),
        ],
        after: &[Act::Pass(80_000), Act::Raise(1)],
        ..BASE
    },
    Case {
        name: "server with its own capability that is ended in the stop",
        threads: &[
            (12, &[Step::WAIT, Step::nap(400_000), Step::reply(7), Step::reply(8)]),
            (30, &[Step::call(S0, 1).receive(Timeout::from_us(50_000)), Step::until(1), Step::call(S1, 2)]),
            (29, &[Step::call(S0, 3), Step::call(S1, 4)]),
            (28, &[op(S0, Op::SEND, 1), Step::call(S1, 5)]),
            (11, ANSWERS),
            (27, &[Step::call(S1, 6)]),
            (26, &[Step::ipc(CapIndex(S0).select(Op::RECEIVE), MsgTag(0)).receive(Timeout::from_us(50_000))]),
        ],
        objects: &[Object::Thread(0), Object::Gate(4, 0x200)],
        stopped: &[Act::End(0)],
        expect: &[
            (0, kind::RECEIVE),
            (1, kind::CALL_DELIVERED),
            (2, kind::SEND_QUEUED),
            (3, kind::SEND_QUEUED),
            (5, kind::CALL_DELIVERED),
            (6, kind::RECEIVE),
        ],
        after: &[Act::Pass(80_000), Act::Raise(1)],
        ..BASE
    },
];
