//! A scenario in which threads, gates and IRQ objects come and go.

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::Timeout;
use thaw_rt::request;
use thaw_targets::{mix::mix, witness::Witness};

use crate::{crew, me::Me, scenario::Verdict, talk};

static LEAVING: AtomicU32 = AtomicU32::new(0);

/// Each round makes three threads with gate and IRQ; one ends by itself, the others are ended in an order
/// that leaves holes among the indices.
pub fn churn(me: &Me, rounds: u32) -> Verdict {
    for round in 0..rounds {
        LEAVING.store(0, Ordering::Release);
        for place in 1..=3 {
            crew::start(me, place, 7 + place as u32, churn_server, round);
            talk::create_gate(me, place);
            talk::create_irq(me, place);
        }
        crew::run();
        for place in [2, 1, 3] {
            let n = 1 + round;
            let result = talk::call(me, place, 0, n);
            me.expect("churn", mix(place as u32, n, 0xc4), result);
            me.note(result);
            talk::trigger(me, place);
        }
        // The third ends itself; its slots are free again only after that.
        me.nap_until(|| LEAVING.load(Ordering::Acquire) == 1);
        me.nap(2_000);
        crew::forget(3);
        let first = 1 + round as usize % 2;
        for place in [first, 3 - first] {
            me.nap_until(|| crew::is_done(place));
            me.note(crew::end(me, place));
        }
        me.granted("gate", request::gate_create(talk::gate(1), 0));
        me.granted("delete", request::object_delete(talk::gate(1)));
    }
    let _ = crew::join(me);
    Verdict::new(me.digest(), [3 * rounds, 6 * rounds, 0])
}

fn churn_server(me: &Me, round: u32) {
    let asked = talk::wait(me, round);
    talk::answer(me, asked, mix(me.place as u32, asked.n, 0xc4));
    me.expect("irq.value", round, talk::await_irq(me, round));
    me.sleep(Timeout::from_us(1_000), round);
    me.note(round);
    if me.place == 3 {
        let index = crew::index(me.place);
        LEAVING.store(1, Ordering::Release);
        let refused = request::thread_exit(index);
        me.fail(format_args!("{}.exit expected no return got {refused:?}", me.name));
    }
}
