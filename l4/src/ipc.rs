//! Building, sending and receiving messages.

use l4_sys::{MsgTag, Op, RecvBuffer, ReturnItem, Selector, SendItem, Timeouts, raw};

use crate::{Error, Kernel, Result};

/// A message written straight into the message registers of the calling thread.
///
/// Untyped words first, then typed items. A message longer than the 63 message registers is
/// noticed by [`tag`](Self::tag), which then returns `Err`.
pub struct Message<'k, K: Kernel> {
    kernel: &'k K,
    words: u32,
    items: u32,
}

impl<'k, K: Kernel> Message<'k, K> {
    /// Starts an empty message.
    pub const fn new(kernel: &'k K) -> Self {
        Self { kernel, words: 0, items: 0 }
    }

    fn push(&mut self, value: u32) {
        let at = self.words + 2 * self.items;
        if at < raw::L4_UTCB_GENERIC_DATA_SIZE {
            self.kernel.set_mr(at as usize, value);
        }
    }

    /// Appends a word.
    #[must_use]
    pub fn word(mut self, value: u32) -> Self {
        debug_assert!(self.items == 0, "words come before items");
        self.push(value);
        self.words += 1;
        self
    }

    /// Appends several words.
    #[must_use]
    pub fn slice(self, values: &[u32]) -> Self {
        values.iter().fold(self, |m, v| m.word(*v))
    }

    /// Appends a typed item.
    #[must_use]
    pub fn item(mut self, item: SendItem) -> Self {
        let at = (self.words + 2 * self.items) as usize;
        if at + 1 < raw::L4_UTCB_GENERIC_DATA_SIZE as usize {
            self.kernel.set_mr(at, item.base);
            self.kernel.set_mr(at + 1, item.fpage.0);
        }
        self.items += 1;
        self
    }

    /// The finished tag, or `-L4_EMSGTOOLONG`.
    pub fn tag(&self, protocol: i32, flags: u32) -> Result<MsgTag> {
        if self.words + 2 * self.items > raw::L4_UTCB_GENERIC_DATA_SIZE {
            return Err(Error::Object(crate::ObjectError(raw::L4_EMSGTOOLONG)));
        }
        Ok(MsgTag::new(protocol, self.words, self.items, flags))
    }

    /// Performs `to` with the message; checks the error bit and the label of the answer.
    pub fn perform(self, to: Selector, protocol: i32, timeouts: Timeouts) -> Result<MsgTag> {
        let tag = self.tag(protocol, 0)?;
        check(self.kernel, self.kernel.ipc(to, tag, timeouts, 0).tag)
    }

    /// Calls with no timeout. Corresponds to `l4_ipc_call`.
    pub fn call<T>(self, cap: crate::Cap<T>, protocol: i32) -> Result<MsgTag> {
        self.perform(cap.select(Op::CALL), protocol, Timeouts::NEVER)
    }
}

/// The result of a system call: the error bit is looked up in the UTCB, a negative label is an error too.
pub fn check<K: Kernel>(kernel: &K, tag: MsgTag) -> Result<MsgTag> {
    Error::check(tag, kernel.utcb_word(raw::THAW_UTCB_ERROR_WORD as usize))
}

/// A message that arrived in an open wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Incoming {
    /// Its tag, without error.
    pub tag: MsgTag,
    /// Label of the gate or IRQ it came through, with the sender's rights in the low two bits.
    pub label: u32,
}

impl Incoming {
    /// Typed item `n`: the kernel puts items behind the untyped words.
    #[must_use]
    pub fn item<K: Kernel>(&self, kernel: &K, n: u32) -> Option<ReturnItem> {
        if n >= self.tag.items() {
            return None;
        }
        let at = (self.tag.words() + 2 * n) as usize;
        if at + 1 >= raw::L4_UTCB_GENERIC_DATA_SIZE as usize {
            return None;
        }
        Some(ReturnItem { base: kernel.mr(at), data: kernel.mr(at + 1) })
    }
}

/// Waits for a message from anybody. Corresponds to `l4_ipc_wait`.
pub fn wait<K: Kernel>(kernel: &K, timeouts: Timeouts) -> Result<Incoming> {
    let answer = kernel.ipc(Selector::nobody(Op::WAIT), MsgTag::default(), timeouts, 0);
    received(kernel, answer)
}

/// Replies to the last caller and waits for the next message. A caller that no longer waits makes
/// the reply fail silently; only the receive can fail. Corresponds to `l4_ipc_reply_and_wait`.
pub fn reply_and_wait<K: Kernel>(kernel: &K, tag: MsgTag, timeouts: Timeouts) -> Result<Incoming> {
    let answer = kernel.ipc(Selector::nobody(Op::REPLY_AND_WAIT), tag, timeouts, 0);
    received(kernel, answer)
}

/// Sleeps. Corresponds to `l4_ipc_sleep`.
pub fn sleep<K: Kernel>(kernel: &K, timeouts: Timeouts) {
    kernel.ipc(Selector::nobody(Op::RECEIVE), MsgTag::default(), timeouts, 0);
}

fn received<K: Kernel>(kernel: &K, answer: crate::Answer) -> Result<Incoming> {
    if answer.tag.has_error() {
        return check(kernel, answer.tag).map(|tag| Incoming { tag, label: 0 });
    }
    Ok(Incoming { tag: answer.tag, label: answer.label })
}

/// Sets the receive buffers for the next message: capabilities only, at most 4, and whether VFP state
/// is accepted.
pub fn set_buffers<K: Kernel>(kernel: &K, buffers: &[RecvBuffer], accept_vfp: bool) {
    let vfp = if accept_vfp { raw::L4_UTCB_INHERIT_FPU } else { 0 };
    kernel.set_utcb_word(raw::THAW_UTCB_BDR_WORD as usize, vfp);
    let first = raw::THAW_UTCB_BR_WORD as usize;
    for (i, buffer) in buffers.iter().take(4).enumerate() {
        kernel.set_utcb_word(first + i, buffer.0);
    }
    // A zero buffer register ends the list.
    kernel.set_utcb_word(first + buffers.len().min(4), 0);
}
