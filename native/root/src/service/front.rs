//! The thread that callers of the service talk to.

use thaw_l4::{
    CapIndex, Incoming, Kernel, MsgTag, Op, RecvBuffer, Result, Timeout, Timeouts,
    ipc::{reply_and_wait, set_buffers, wait},
    raw,
};

use super::{
    mailbox,
    mailbox::{MAILBOX, WIRING},
    park,
};
use thaw_root::client::InternalClient;
use thaw_root::faults;
use thaw_root::machine::TASK;
use thaw_root::orphans::GONE_LABEL;

/// A caller that does not wait for its reply loses it.
const REPLY_AT_ONCE: Timeouts = Timeouts::new(Timeout::ZERO, Timeout::NEVER);

/// Entry of the front thread.
pub(super) extern "C" fn main() -> ! {
    let k = thaw_rt::kernel();
    let mut next = first(&k);
    loop {
        let Ok(incoming) = next else {
            next = first(&k);
            continue;
        };
        if WIRING.command_gate.get() == 0 {
            // The handler could not set itself up and said why.
            park(&k);
        }
        if incoming.label & !3 == GONE_LABEL {
            forget_clients(&k);
            next = first(&k);
            continue;
        }
        if faults::ends_life() {
            // A caller whose life ends is not served.
            let _ = internal(&k).end(incoming.label & !3);
            next = first(&k);
            continue;
        }
        let tag = serve(&k, incoming);
        next = reply_and_wait(&k, tag, REPLY_AT_ONCE);
    }
}

fn internal<K: Kernel>(k: &K) -> InternalClient<'_, K> {
    InternalClient::new(k, CapIndex(WIRING.internal_gate.get()))
}

/// Ends the sessions of clients that are gone; then root destroys what they left unfinished.
fn forget_clients(k: &impl Kernel) {
    while let Ok(client) = internal(k).gone() {
        MAILBOX.client.set(client);
        MAILBOX.gone.set(1);
        hand_over(k);
        MAILBOX.gone.set(0);
        if internal(k).reap().is_err() {
            // Root has said why; the next one that goes is looked after again.
            return;
        }
    }
}

/// Waits without a reply.
fn first(k: &impl Kernel) -> Result<Incoming> {
    accept(k);
    wait(k, Timeouts::NEVER)
}

/// Accepts one capability, or the label of a gate of root's own.
fn accept(k: &impl Kernel) {
    set_buffers(k, &[RecvBuffer::capability_or_label(CapIndex(WIRING.arrival.get()))], false);
}

/// Hands a request over and takes the answer into the message registers.
fn serve(k: &impl Kernel, incoming: Incoming) -> MsgTag {
    let arrival = CapIndex(WIRING.arrival.get());
    let item = incoming.item(k, 0);
    let passed = item.and_then(|item| item.local_label());
    MAILBOX.client.set(incoming.label & !3);
    MAILBOX.label.set(passed.map_or(0, |label| label & !3));
    let arrived = item.is_some_and(|item| item.may_be_mapped());
    MAILBOX.cap.set(if arrived { arrival.0 } else { 0 });
    MAILBOX.put((0..incoming.tag.words() as usize).map(|i| k.mr(i)));
    hand_over(k);
    if arrived {
        // What was passed is installed by now; the front keeps nothing of its callers'.
        let _ = TASK.unmap_cap(k, arrival);
    }
    for (i, word) in MAILBOX.words().iter().enumerate() {
        k.set_mr(i, *word);
    }
    accept(k);
    MsgTag(MAILBOX.tag.get())
}

fn hand_over(k: &impl Kernel) {
    let gate = CapIndex(WIRING.command_gate.get());
    k.ipc(gate.select(Op::SEND), MsgTag::new(0, 0, 0, raw::L4_MSGTAG_SCHEDULE), Timeouts::NEVER, 0);
    let handler = CapIndex(WIRING.handler.get());
    k.ipc(handler.select(Op::RECEIVE), MsgTag::default(), Timeouts::NEVER, 0);
}

/// Tells the front that the mailbox holds the answer.
pub(super) fn answer(k: &impl Kernel, tag: MsgTag, words: &[u32]) {
    mailbox::MAILBOX.tag.set(tag.0);
    mailbox::MAILBOX.put(words.iter().copied());
    let front = CapIndex(WIRING.front.get());
    k.ipc(front.select(Op::SEND), MsgTag::new(0, 0, 0, raw::L4_MSGTAG_SCHEDULE), Timeouts::NEVER, 0);
}
