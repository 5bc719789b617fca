//! A machine for tests: the scripted kernel, memory that is only counted, a clock that stands.

use std::cell::{Cell, RefCell};

use thaw_l4::fake::{Fake, Scripted};
use thaw_l4::{Answer, Incoming, Kernel, MsgTag, Revision, Selector, Timeouts, Vfp, raw};

use crate::books::Root;
use crate::frames::PAGE_BYTES;
use crate::label::PdId;
use crate::machine::Machine;
use crate::pd::{Name, PdSpec};

/// Physical start of the fake RAM.
pub const RAM: u32 = 0x4000_0000;

/// The machine.
pub struct FakeMachine {
    /// The kernel.
    pub kernel: Fake,
    /// Bytes zeroed so far.
    pub zeroed: Cell<u32>,
    /// Pages copied so far: to, from, bytes.
    pub copied: RefCell<Vec<(u32, u32, u32)>>,
    /// What the clock shows.
    pub now_us: Cell<u64>,
}

impl FakeMachine {
    /// A machine whose kernel agrees to everything.
    pub fn new() -> Self {
        Self {
            kernel: Fake::new(Revision::G),
            zeroed: Cell::new(0),
            copied: RefCell::default(),
            now_us: Cell::new(1000),
        }
    }

    /// A machine whose kernel refuses the `n`th call from now.
    pub fn refusing(n: usize) -> Self {
        let machine = Self::new();
        machine.kernel.at(n, Scripted::refusal(raw::L4_ENOMEM));
        machine
    }

    /// Sends `words` through the gate with that label; returns the answer's label and the words of it.
    pub fn send(&self, root: &mut Root, label: u32, words: &[u32]) -> Option<(i32, Vec<u32>)> {
        for (i, word) in words.iter().enumerate() {
            self.set_mr(i, *word);
        }
        let message = Incoming { tag: MsgTag::new(0, words.len() as u32, 0, 0), label };
        let tag = root.message(self, &message)?;
        Some((tag.label(), (0..tag.words() as usize).map(|i| self.mr(i)).collect()))
    }
}

impl Kernel for FakeMachine {
    fn revision(&self) -> Revision {
        self.kernel.revision()
    }

    fn ipc(&self, to: Selector, tag: MsgTag, timeouts: Timeouts, label: u32) -> Answer {
        self.kernel.ipc(to, tag, timeouts, label)
    }

    fn utcb_word(&self, i: usize) -> u32 {
        self.kernel.utcb_word(i)
    }

    fn set_utcb_word(&self, i: usize, value: u32) {
        self.kernel.set_utcb_word(i, value);
    }

    fn vfp_save(&self, to: &mut Vfp) {
        self.kernel.vfp_save(to);
    }

    fn vfp_load(&self, from: &Vfp) {
        self.kernel.vfp_load(from);
    }
}

impl Machine for FakeMachine {
    fn zero(&self, _phys: u32, bytes: u32) {
        self.zeroed.set(self.zeroed.get() + bytes);
    }

    fn copy(&self, to: u32, from: u32, bytes: u32) {
        self.copied.borrow_mut().push((to, from, bytes));
    }

    fn copy_in(&self, _phys: u32, _bytes: &[u8]) {}

    fn read_word(&self, phys: u32) -> u32 {
        phys
    }

    fn now_us(&self) -> u64 {
        self.now_us.get()
    }
}

/// Books with 4 MiB of RAM and nothing in them.
pub fn books() -> Box<Root> {
    let mut root = Box::new(Root::new());
    root.frames.set_range(RAM, 4 << 20);
    root.frames.add(RAM, RAM + (4 << 20) - 1);
    root
}

/// A PD named `x` with a quota of 64 pages.
pub fn spec(parent: Option<PdId>) -> PdSpec {
    PdSpec { name: Name::new("x"), parent, quota_pages: 64, priority: 60 }
}

/// Bytes of `pages`.
pub const fn pages(pages: u32) -> u32 {
    pages * PAGE_BYTES
}
