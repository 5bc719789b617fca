//! The service's side of [`crate::internal`].

use thaw_l4::{Cap, CapIndex, Gate, Kernel, Message, Result, Task, Thread, raw};

use crate::internal::op;
use crate::line::Text;

/// A PD as root knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PdFacts {
    /// Number for further requests; stale when the PD is gone.
    pub id: u32,
    /// Its task.
    pub task: Cap<Task>,
    /// Label of its capability.
    pub badge: u32,
    /// Its name, see [`thaw_native_abi::name_bytes`].
    pub name: [u32; 4],
}

/// A thread as root made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadFacts {
    /// The thread.
    pub cap: Cap<Thread>,
    /// Slot, in the PD, of its pager and exception handler.
    pub pager_slot: CapIndex,
    /// Its priority.
    pub priority: u32,
    /// Whether it was started.
    pub started: bool,
    /// Address of its UTCB in the PD.
    pub utcb: u32,
    /// Its name.
    pub name: [u32; 4],
    /// Number among all threads ever made.
    pub serial: u32,
    /// It begins in Thumb state and has raised no exception yet.
    pub enters_thumb: bool,
}

/// An object as root made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ObjectFacts {
    /// Slot in the PD.
    pub slot: CapIndex,
    /// [`thaw_native_abi::pd::object`].
    pub kind: u32,
    /// Badge of a gate, label of an IRQ.
    pub label: u32,
    /// Index of the thread it is bound to.
    pub thread: u32,
    /// Root's slot.
    pub own: CapIndex,
}

/// Requests to root's main thread from another thread of root.
pub struct InternalClient<'k, K: Kernel> {
    k: &'k K,
    gate: Cap<Gate>,
}

impl<'k, K: Kernel> InternalClient<'k, K> {
    /// A client of the gate that `Root::internal_gate` made, in the thread that `k` stands for.
    #[must_use]
    pub const fn new(k: &'k K, gate: CapIndex) -> Self {
        Self { k, gate: Cap::new(gate) }
    }

    /// Calls; results are in the message registers.
    fn call(&self, operation: u32, args: &[u32]) -> Result<()> {
        // The receive buffer of an earlier request must not accept anything here.
        thaw_l4::ipc::set_buffers(self.k, &[], false);
        let message = Message::new(self.k).word(operation).slice(args);
        message.call(self.gate, raw::L4_PROTO_NONE).map(|_| ())
    }

    fn name(&self, first: usize) -> [u32; 4] {
        [self.k.mr(first), self.k.mr(first + 1), self.k.mr(first + 2), self.k.mr(first + 3)]
    }

    /// The PD behind the label of a PD capability that the client with label `client` presented.
    pub fn pd(&self, client: u32, pd: u32) -> Result<PdFacts> {
        self.call(op::PD, &[client, pd])?;
        let task = Cap::new(CapIndex(self.k.mr(1)));
        Ok(PdFacts { id: self.k.mr(0), task, badge: self.k.mr(2), name: self.name(3) })
    }

    /// Thread `index`: `-L4_ENOENT` if there is none, `-L4_ERANGE` past the last.
    pub fn thread(&self, pd: u32, index: u32) -> Result<ThreadFacts> {
        self.call(op::THREAD, &[pd, index])?;
        Ok(ThreadFacts {
            cap: Cap::new(CapIndex(self.k.mr(0))),
            pager_slot: CapIndex(self.k.mr(1)),
            priority: self.k.mr(2),
            started: self.k.mr(3) != 0,
            utcb: self.k.mr(4),
            name: self.name(5),
            serial: self.k.mr(9),
            enters_thumb: self.k.mr(10) != 0,
        })
    }

    /// Object number `n`: `-L4_ENOENT` past the last.
    pub fn object(&self, pd: u32, n: u32) -> Result<ObjectFacts> {
        self.call(op::OBJECT, &[pd, n])?;
        Ok(ObjectFacts {
            slot: CapIndex(self.k.mr(0)),
            kind: self.k.mr(1),
            label: self.k.mr(2),
            thread: self.k.mr(3),
            own: CapIndex(self.k.mr(4)),
        })
    }

    /// Refuses to make or destroy anything of the PD until [`thaw`](Self::thaw).
    pub fn freeze(&self, pd: u32) -> Result<()> {
        self.call(op::FREEZE, &[pd])
    }

    /// Ends [`freeze`](Self::freeze).
    pub fn thaw(&self, pd: u32) -> Result<()> {
        self.call(op::THAW, &[pd])
    }

    /// Notes that the service started a thread.
    pub fn started(&self, pd: u32, index: u32) -> Result<()> {
        self.call(op::STARTED, &[pd, index])
    }

    /// Takes over to let a thread begin in Thumb state; whether that was still to come.
    pub fn enter_thumb(&self, pd: u32, index: u32) -> Result<bool> {
        self.call(op::ENTER_THUMB, &[pd, index])?;
        Ok(self.k.mr(0) != 0)
    }

    /// Notes that the PD's threads were given up.
    pub fn abandoned(&self, pd: u32) -> Result<()> {
        self.call(op::ABANDONED, &[pd])
    }

    /// Refused if the PD was destroyed.
    pub fn there(&self, pd: u32) -> Result<()> {
        self.call(op::THERE, &[pd])
    }

    /// Label of a client that is gone.
    pub fn gone(&self) -> Result<u32> {
        self.call(op::GONE, &[])?;
        Ok(self.k.mr(0))
    }

    /// The service has forgotten the client that is gone.
    pub fn reap(&self) -> Result<()> {
        self.call(op::REAP, &[])
    }

    /// Ends the client with that label.
    pub fn end(&self, client: u32) -> Result<()> {
        self.call(op::END, &[client])
    }

    /// Reads a word of the PD's memory.
    pub fn peek(&self, pd: u32, addr: u32) -> Result<u32> {
        self.call(op::PEEK, &[pd, addr])?;
        Ok(self.k.mr(0))
    }

    /// Takes `count` slots of root in a row.
    pub fn slots_alloc(&self, count: u32) -> Result<CapIndex> {
        self.call(op::SLOTS_ALLOC, &[count])?;
        Ok(CapIndex(self.k.mr(0)))
    }

    /// Empties slots and gives them back.
    pub fn slots_free(&self, first: CapIndex, count: u32) -> Result<()> {
        self.call(op::SLOTS_FREE, &[first.0, count])
    }

    /// Makes a gate in `slot`, bound to a thread that root's task holds.
    pub fn gate_create(&self, slot: CapIndex, thread: Cap<Thread>, label: u32) -> Result<Cap<Gate>> {
        self.call(op::GATE_CREATE, &[slot.0, thread.index().0, label])?;
        Ok(Cap::new(slot))
    }

    /// Deletes the object in `slot`.
    pub fn object_delete(&self, slot: CapIndex) -> Result<()> {
        self.call(op::OBJECT_DELETE, &[slot.0])
    }

    /// Makes and starts a thread of root; `stack` is the end of its stack.
    pub fn spawn(&self, entry: extern "C" fn() -> !, stack: u32, priority: u32) -> Result<Cap<Thread>> {
        self.call(op::SPAWN, &[entry as usize as u32, stack, priority])?;
        Ok(Cap::new(CapIndex(self.k.mr(0))))
    }

    /// Takes zeroed frames; their physical address is also root's.
    pub fn frames_alloc(&self, pages: u32) -> Result<u32> {
        self.call(op::FRAMES_ALLOC, &[pages])?;
        Ok(self.k.mr(0))
    }

    /// Takes frames away from everybody and gives them back.
    pub fn frames_free(&self, phys: u32, pages: u32) -> Result<()> {
        self.call(op::FRAMES_FREE, &[phys, pages])
    }

    /// Prints a line through root, so that it is never interleaved. What does not fit is cut.
    pub fn say(&self, text: core::fmt::Arguments<'_>) {
        let mut line = Text::new();
        // Neither fails: text is cut, and there is nowhere to report a failing log.
        let _ = core::fmt::Write::write_fmt(&mut line, text);
        let bytes = line.as_bytes();
        let bytes = &bytes[..bytes.len().min(thaw_native_abi::target::LOG_BYTES_MAX as usize - 8)];
        let mut words = heapless::Vec::<u32, 50>::new();
        let _ = words.push(bytes.len() as u32);
        for chunk in bytes.chunks(4) {
            let mut word = [0; 4];
            word[..chunk.len()].copy_from_slice(chunk);
            let _ = words.push(u32::from_le_bytes(word));
        }
        let _ = self.call(op::SAY, &words);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thaw_l4::fake::{Fake, Scripted};
    use thaw_l4::{Error, ObjectError, Revision};

    #[test]
    fn requests_have_their_numbers_and_results_their_places() {
        let k = Fake::new(Revision::G);
        k.then(Scripted::ok(&[0x101, 0x120, 0xb000_0100, 1, 2, 3, 4]))
            .then(Scripted::refusal(raw::L4_ERANGE));
        let client = InternalClient::new(&k, CapIndex(0x105));
        let pd = client.pd(0xe000_0000, 0xb000_0103).expect("scripted");
        assert_eq!((pd.id, pd.task.index(), pd.badge), (0x101, CapIndex(0x120), 0xb000_0100));
        assert_eq!(pd.name, [1, 2, 3, 4]);
        let call = k.call(0).expect("made");
        assert_eq!(call.mr[..3], [op::PD, 0xe000_0000, 0xb000_0103]);
        assert_eq!(call.to.0 >> 12, 0x105);
        let end = client.thread(pd.id, 64);
        assert_eq!(end, Err(Error::Object(ObjectError(raw::L4_ERANGE))));
    }

    #[test]
    fn a_long_line_is_cut_to_one_message() {
        let k = Fake::new(Revision::G);
        InternalClient::new(&k, CapIndex(0x105)).say(format_args!("{}", "z".repeat(500)));
        let call = k.call(0).expect("made");
        assert_eq!(call.mr[..2], [op::SAY, 192]);
        assert_eq!(call.tag.words(), 2 + 192 / 4);
    }
}
