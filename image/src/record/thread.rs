//! A thread with all its registers.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::activity::{self, Activity};
use super::{At, Kind, raw, sealed::Codec, values, words};
use crate::rules::Rules;
use crate::{Name, Refusal, Text};

/// A thread, or a hole in the order of the protection domain's thread slots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thread {
    /// Whether it lives and what it was doing.
    pub state: ThreadState,
    /// Name; may be empty.
    pub name: Name,
    /// Scheduling priority.
    pub priority: u32,
    /// CPUs it may run on.
    pub affinity: Affinity,
    /// Virtual address of its UTCB.
    pub utcb_addr: u32,
    /// Who resolves its page faults.
    pub pager: Pager,
    /// Who handles its exceptions (the original handler, not the one of the stop).
    pub handler: Pager,
    /// Integer registers.
    pub frame: Frame,
    /// Floating-point registers.
    pub vfp: Vfp,
    /// All 128 words of the UTCB.
    pub utcb: [u32; 128],
}

/// Whether a thread lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadState {
    /// A slot without a thread, kept so that the later ones keep their places.
    Hole,
    /// Created, never started; its frame holds what was set so far.
    NeverStarted,
    /// Started and alive.
    Live(Activity),
    /// Ended, still holding its slot.
    Dead,
}

impl ThreadState {
    /// Returns what the thread was doing, if it is live.
    pub const fn activity(&self) -> Option<Activity> {
        match self {
            Self::Live(activity) => Some(*activity),
            _ => None,
        }
    }
}

/// CPUs a thread may run on, as the scheduler object takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Affinity {
    /// First CPU in bits 0 to 23, log2 of the CPUs per mask bit in bits 24 to 31.
    pub offset: u32,
    /// One bit per CPU or group of CPUs.
    pub mask: u32,
}

/// The receiver of page faults or exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pager {
    /// Nobody.
    None,
    /// The platform, which made the thread.
    Platform,
    /// The object in this slot of the protection domain.
    Slot(u32),
}

/// Integer registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Frame {
    /// r0 to r12.
    pub r: [u32; 13],
    /// r13, stack pointer.
    pub sp: u32,
    /// r14, link register.
    pub lr: u32,
    /// r15, address of the next instruction.
    pub pc: u32,
    /// Program status.
    pub cpsr: u32,
    /// User-readable thread register, the TLS pointer.
    pub tpidruro: u32,
}

/// Floating-point registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vfp {
    /// d0 to d31, the low word of each first.
    pub d: [u32; 64],
    /// Status and control.
    pub fpscr: u32,
}

impl Vfp {
    /// All registers zero, as a fresh thread has them.
    pub const ZERO: Self = Self { d: [0; 64], fpscr: 0 };
}

impl Thread {
    /// A slot without a thread.
    pub const HOLE: Self = Self {
        state: ThreadState::Hole,
        name: Name::EMPTY,
        priority: 0,
        affinity: Affinity { offset: 0, mask: 0 },
        utcb_addr: 0,
        pager: Pager::None,
        handler: Pager::None,
        frame: Frame { r: [0; 13], sp: 0, lr: 0, pc: 0, cpsr: 0, tpidruro: 0 },
        vfp: Vfp::ZERO,
        utcb: [0; 128],
    };
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Raw {
    state: U32,
    name: [u8; 32],
    priority: U32,
    affinity_offset: U32,
    affinity_mask: U32,
    utcb_addr: U32,
    pager: [U32; 2],
    handler: [U32; 2],
    r: [U32; 13],
    sp: U32,
    lr: U32,
    pc: U32,
    cpsr: U32,
    tpidruro: U32,
    d: [U32; 64],
    fpscr: U32,
    utcb: [U32; 128],
    activity: activity::Raw,
}

const HOLE: u32 = 0;
const NEVER_STARTED: u32 = 1;
const LIVE: u32 = 2;
const DEAD: u32 = 3;

impl ThreadState {
    const fn number(&self) -> u32 {
        match self {
            Self::Hole => HOLE,
            Self::NeverStarted => NEVER_STARTED,
            Self::Live(_) => LIVE,
            Self::Dead => DEAD,
        }
    }

    fn from_raw(at: At, raw: &Raw) -> Result<Self, Refusal> {
        match (raw.state.get(), raw.activity.decode(at)?) {
            (HOLE, None) => Ok(Self::Hole),
            (NEVER_STARTED, None) => Ok(Self::NeverStarted),
            (LIVE, Some(activity)) => Ok(Self::Live(activity)),
            (DEAD, None) => Ok(Self::Dead),
            (HOLE..=DEAD, _) => {
                Err(Refusal::Contradiction { kind: Kind::Thread, index: at.index, rule: "live-activity" })
            }
            (other, _) => at.field(Kind::Thread, "state", other),
        }
    }
}

impl Pager {
    fn numbers(self) -> [U32; 2] {
        let (kind, slot) = match self {
            Self::None => (0, 0),
            Self::Platform => (1, 0),
            Self::Slot(slot) => (2, slot),
        };
        [U32::new(kind), U32::new(slot)]
    }

    fn from_numbers(at: At, field: &'static str, [kind, slot]: [U32; 2]) -> Result<Self, Refusal> {
        match kind.get() {
            0 => Ok(Self::None),
            1 => Ok(Self::Platform),
            2 => Ok(Self::Slot(slot.get())),
            other => at.field(Kind::Thread, field, other),
        }
    }
}

impl Codec for Thread {
    const LENGTH: usize = size_of::<Raw>();

    fn encode(&self, out: &mut [u8]) {
        let raw = Raw {
            state: self.state.number().into(),
            name: *self.name.as_padded(),
            priority: self.priority.into(),
            affinity_offset: self.affinity.offset.into(),
            affinity_mask: self.affinity.mask.into(),
            utcb_addr: self.utcb_addr.into(),
            pager: self.pager.numbers(),
            handler: self.handler.numbers(),
            r: words(&self.frame.r),
            sp: self.frame.sp.into(),
            lr: self.frame.lr.into(),
            pc: self.frame.pc.into(),
            cpsr: self.frame.cpsr.into(),
            tpidruro: self.frame.tpidruro.into(),
            d: words(&self.vfp.d),
            fpscr: self.vfp.fpscr.into(),
            utcb: words(&self.utcb),
            activity: activity::Raw::encode(self.state.activity()),
        };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &Raw = raw(Kind::Thread, at, bytes)?;
        Ok(Self {
            state: ThreadState::from_raw(at, raw)?,
            name: Text::from_padded(raw.name)?,
            priority: raw.priority.get(),
            affinity: Affinity { offset: raw.affinity_offset.get(), mask: raw.affinity_mask.get() },
            utcb_addr: raw.utcb_addr.get(),
            pager: Pager::from_numbers(at, "pager", raw.pager)?,
            handler: Pager::from_numbers(at, "handler", raw.handler)?,
            frame: Frame {
                r: values(&raw.r),
                sp: raw.sp.get(),
                lr: raw.lr.get(),
                pc: raw.pc.get(),
                cpsr: raw.cpsr.get(),
                tpidruro: raw.tpidruro.get(),
            },
            vfp: Vfp { d: values(&raw.d), fpscr: raw.fpscr.get() },
            utcb: values(&raw.utcb),
        })
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.thread(at, self)
    }
}
