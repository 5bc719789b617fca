//! A kernel that answers from a script.
//!
//! It models no semantics: it records each system call and gives back what the test told it to,
//! success without effect by default. Anything more would be a third kernel.

use core::cell::{Cell, RefCell};

use l4_sys::{MsgTag, Revision, Selector, Timeouts, UTCB_WORDS, UtcbImage, Vfp, raw};

use crate::{Answer, Kernel};

/// Most calls a fake remembers and most answers a script may have.
pub const CAPACITY: usize = 256;

/// One recorded system call, with the message registers as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// Destination and operation.
    pub to: Selector,
    /// The sender's tag.
    pub tag: MsgTag,
    /// Both timeouts.
    pub timeouts: Timeouts,
    /// The first eight message registers.
    pub mr: [u32; 8],
}

/// One scripted answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scripted {
    /// Tag and label returned.
    pub answer: Answer,
    /// Values for the first message registers.
    pub mr: [u32; 8],
    /// How many of `mr` are written.
    pub words: usize,
    /// The UTCB's error word.
    pub error: u32,
}

impl Scripted {
    /// Success: label 0 and `words` in the first message registers.
    #[must_use]
    pub fn ok(words: &[u32]) -> Self {
        Self::message(MsgTag::new(0, words.len() as u32, 0, 0), 0, words)
    }

    /// A message with that tag and label.
    #[must_use]
    pub fn message(tag: MsgTag, label: u32, words: &[u32]) -> Self {
        let mut mr = [0; 8];
        let count = words.len().min(8);
        mr[..count].copy_from_slice(&words[..count]);
        Self { answer: Answer { tag, label }, mr, words: count, error: 0 }
    }

    /// An IPC failure with that UTCB error.
    #[must_use]
    pub fn ipc_error(error: u32) -> Self {
        let tag = MsgTag(raw::L4_MSGTAG_ERROR);
        Self { answer: Answer { tag, label: 0 }, mr: [0; 8], words: 0, error }
    }

    /// A kernel object's refusal, `number` positive.
    #[must_use]
    pub fn refusal(number: u32) -> Self {
        Self::message(MsgTag::new(-(number as i32), 0, 0, 0), 0, &[])
    }
}

/// The scripted kernel.
pub struct Fake {
    revision: Revision,
    utcb: RefCell<UtcbImage>,
    vfp: RefCell<Vfp>,
    script: RefCell<[Option<Scripted>; CAPACITY]>,
    calls: RefCell<[Option<Call>; CAPACITY]>,
    next: Cell<usize>,
    scripted: Cell<usize>,
}

impl Fake {
    /// A kernel of that revision with an empty script.
    #[must_use]
    pub const fn new(revision: Revision) -> Self {
        Self {
            revision,
            utcb: RefCell::new([0; UTCB_WORDS]),
            vfp: RefCell::new(Vfp::ZERO),
            script: RefCell::new([None; CAPACITY]),
            calls: RefCell::new([None; CAPACITY]),
            next: Cell::new(0),
            scripted: Cell::new(0),
        }
    }

    /// Appends the answer to the next call that has none yet.
    ///
    /// # Panics
    ///
    /// If the script already has [`CAPACITY`] answers.
    pub fn then(&self, scripted: Scripted) -> &Self {
        self.at(self.scripted.get(), scripted)
    }

    /// Sets the answer to call `n`, counted from 0; calls without one succeed.
    ///
    /// # Panics
    ///
    /// If `n` is not below [`CAPACITY`].
    pub fn at(&self, n: usize, scripted: Scripted) -> &Self {
        self.script.borrow_mut()[n] = Some(scripted);
        self.scripted.set(self.scripted.get().max(n + 1));
        self
    }

    /// How many calls were made.
    #[must_use]
    pub fn count(&self) -> usize {
        self.next.get()
    }

    /// Call `n`, counted from 0.
    #[must_use]
    pub fn call(&self, n: usize) -> Option<Call> {
        self.calls.borrow().get(n).copied().flatten()
    }

    fn record(&self, to: Selector, tag: MsgTag, timeouts: Timeouts) -> Option<Scripted> {
        let n = self.next.replace(self.next.get() + 1);
        let utcb = self.utcb.borrow();
        let mut mr = [0; 8];
        mr.copy_from_slice(&utcb[..8]);
        if let Some(entry) = self.calls.borrow_mut().get_mut(n) {
            *entry = Some(Call { to, tag, timeouts, mr });
        }
        self.script.borrow().get(n).copied().flatten()
    }
}

impl Kernel for Fake {
    fn revision(&self) -> Revision {
        self.revision
    }

    fn ipc(&self, to: Selector, tag: MsgTag, timeouts: Timeouts, _label: u32) -> Answer {
        let Some(scripted) = self.record(to, tag, timeouts) else {
            return Answer { tag: MsgTag::default(), label: 0 };
        };
        let mut utcb = self.utcb.borrow_mut();
        utcb[..scripted.words].copy_from_slice(&scripted.mr[..scripted.words]);
        utcb[raw::THAW_UTCB_ERROR_WORD as usize] = scripted.error;
        scripted.answer
    }

    fn utcb_word(&self, i: usize) -> u32 {
        self.utcb.borrow()[i]
    }

    fn set_utcb_word(&self, i: usize, value: u32) {
        self.utcb.borrow_mut()[i] = value;
    }

    fn vfp_save(&self, to: &mut Vfp) {
        *to = *self.vfp.borrow();
    }

    fn vfp_load(&self, from: &Vfp) {
        *self.vfp.borrow_mut() = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cap, Error, ExRegs, ObjectError, Task, Thread};
    use l4_sys::CapIndex;

    #[test]
    fn a_refusal_and_an_ipc_error_are_both_errors() {
        let k = Fake::new(Revision::G);
        k.then(Scripted::refusal(raw::L4_EPERM)).then(Scripted::ipc_error(raw::L4_IPC_ENOT_EXISTENT));
        let thread = Cap::<Thread>::new(CapIndex(0x20));
        let refused = thread.ex_regs(&k, ExRegs::TRIGGER);
        assert_eq!(refused, Err(Error::Object(ObjectError(raw::L4_EPERM))));
        assert!(matches!(thread.ex_regs(&k, ExRegs::TRIGGER), Err(Error::Ipc(_))));
    }

    #[test]
    fn ex_regs_has_exactly_three_words() {
        let k = Fake::new(Revision::M);
        k.then(Scripted::ok(&[0, 0x1000, 0x2000]));
        let old = Cap::<Thread>::new(CapIndex(0x20)).ex_regs(&k, ExRegs::CANCEL_TRIGGER).expect("scripted");
        assert_eq!((old.ip, old.sp), (0x1000, 0x2000));
        let call = k.call(0).expect("recorded");
        assert_eq!(call.tag.0, 0xfff4_0003);
        assert_eq!(call.mr[..3], [0x30001, !0, !0]);
        assert_eq!(call.to.0, 0x20003);
    }

    #[test]
    fn a_slot_is_emptied_before_it_is_filled() {
        let k = Fake::new(Revision::G);
        let task = Cap::<Task>::new(CapIndex(0x100));
        task.map_cap(&k, Cap::new(CapIndex(1)), CapIndex(0x30), CapIndex(0x200), 7, 0).expect("default");
        let (first, second) = (k.call(0).expect("unmap"), k.call(1).expect("map"));
        assert_eq!((first.mr[0], first.mr[1]), (raw::L4_TASK_UNMAP_OP, raw::THAW_UNMAP_SELF_BIT));
        assert_eq!((second.mr[0], second.mr[1]), (raw::L4_TASK_MAP_OP, 0x200_008));
    }

    #[test]
    fn log_text_is_packed_in_words_and_cut_to_one_message() {
        let k = Fake::new(Revision::G);
        let log = Cap::<crate::Log>::new(CapIndex(5));
        log.write(&k, b"hello\n").expect("default");
        log.write(&k, &[b'x'; 300]).expect("default");
        let (first, second) = (k.call(0).expect("made"), k.call(1).expect("made"));
        assert_eq!((first.tag.0, first.to.0), (0xfff3_0004, 0x5001));
        assert_eq!(first.mr[..4], [0, 6, u32::from_le_bytes(*b"hell"), u32::from_le_bytes(*b"o\n\0\0")]);
        assert_eq!((second.tag.words(), second.mr[1]), (63, 244));
    }
}
