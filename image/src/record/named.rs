//! Objects that a Genode component names by badge, and what its sessions are.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Access, At, Kind, raw, sealed::Codec};
use crate::Refusal;
use crate::rules::Rules;

/// An object of Genode with its badge; restored with the same, so that no memory needs an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its number in the whole system, a multiple of 4; 0 where nobody needs it.
    pub badge: u32,
    /// What it is.
    pub role: Role,
}

/// What an object of Genode is. Threads, dataspaces and externals are named by the index of their record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What the parent gave in quota, bytes and capabilities; no object.
    Quota {
        /// Bytes of RAM.
        ram: u64,
        /// Capabilities.
        caps: u64,
    },
    /// Parent interface.
    Parent,
    /// A session.
    Session {
        /// Service and label.
        external: u32,
        /// The number by which the target names it.
        client_id: u32,
        /// Donated bytes of RAM.
        ram: u64,
        /// Donated capabilities.
        caps: u64,
    },
    /// Signal context that a Timer session triggers, and when.
    Timer {
        /// The session.
        external: u32,
        /// Whether there will be a signal.
        armed: bool,
        /// What the target would read from it, in microseconds.
        elapsed_us: u64,
        /// Until the next signal.
        remaining_us: u64,
        /// 0: once.
        period_us: u64,
    },
    /// Region map of the PD: 0 address space, 1 stack area, 2 linker area.
    RegionMap(u32),
    /// The dataspace of such a region map.
    AreaDataspace(u32),
    /// The kernel-specific part of the PD session.
    NativePd,
    /// The kernel-specific part of the CPU session.
    NativeCpu,
    /// A dataspace.
    Dataspace(u32),
    /// RPC interface of a thread at core.
    CpuThread(u32),
    /// Kernel thread.
    Thread(u32),
    /// Gate that every thread has.
    ThreadGate(u32),
    /// IRQ that every thread has, for its locks.
    ThreadIrq(u32),
    /// Gate to the pager that every thread has.
    ThreadPager(u32),
    /// Signal source of the PD.
    SignalSource,
    /// Semaphore of the signal source.
    Semaphore,
    /// A kernel semaphore of a program of the native system.
    NativeSemaphore {
        /// How often it can be taken.
        count: u32,
    },
    /// Signal context.
    Context {
        /// The number that comes with a signal.
        imprint: u32,
        /// Signals not yet received.
        pending: u32,
    },
    /// Region map of an RM session.
    NestedMap {
        /// The session.
        external: u32,
        /// The managed dataspace that it is seen through.
        dataspace: u32,
        /// Badge of the signal context that is told of faults, 0 if there is none.
        handler: u32,
    },
    /// Part of a dataspace that is attached in such a map; no object.
    NestedRegion {
        /// Index of the object that is the map.
        map: u32,
        /// Dataspace attached.
        dataspace: u32,
        /// First address in the map; page-aligned.
        addr: u32,
        /// Length in bytes; whole pages, not 0.
        size_bytes: u32,
        /// Offset in the dataspace; page-aligned.
        offset: u32,
        /// How it may be accessed.
        access: Access,
    },
    /// Signal context that the target gave to its parent, 0 for resources, 1 for a yield request, 2 for sessions, 3 for
    /// the heartbeat; or that core tells of faults, 4 in its address space, 5 in the stack area, 6 in the linker area.
    Handler(u32),
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct Raw {
    role: U32,
    badge: U32,
    a: U32,
    b: U32,
    c: U64,
    d: U64,
    e: U64,
}

/// Number and operands of a role.
type Numbers = (u32, [u32; 2], [u64; 3]);

impl Role {
    const fn numbers(self) -> Numbers {
        const NONE: [u64; 3] = [0; 3];
        match self {
            Self::Quota { ram, caps } => (1, [0; 2], [ram, caps, 0]),
            Self::Parent => (2, [0; 2], NONE),
            Self::Session { external, client_id, ram, caps } => (3, [external, client_id], [ram, caps, 0]),
            Self::Timer { external, armed, elapsed_us, remaining_us, period_us } => {
                (4, [external, armed as u32], [elapsed_us, remaining_us, period_us])
            }
            Self::RegionMap(map) => (5, [map, 0], NONE),
            Self::AreaDataspace(map) => (6, [map, 0], NONE),
            Self::NativePd => (7, [0; 2], NONE),
            Self::NativeCpu => (8, [0; 2], NONE),
            Self::Dataspace(dataspace) => (9, [dataspace, 0], NONE),
            Self::CpuThread(thread) => (10, [thread, 0], NONE),
            Self::Thread(thread) => (11, [thread, 0], NONE),
            Self::ThreadGate(thread) => (12, [thread, 0], NONE),
            Self::ThreadIrq(thread) => (13, [thread, 0], NONE),
            Self::ThreadPager(thread) => (14, [thread, 0], NONE),
            Self::SignalSource => (15, [0; 2], NONE),
            Self::Semaphore => (16, [0; 2], NONE),
            Self::Context { imprint, pending } => (17, [imprint, pending], NONE),
            Self::NativeSemaphore { count } => (18, [count, 0], NONE),
            Self::NestedMap { external, dataspace, handler } => {
                (20, [external, dataspace], [handler as u64, 0, 0])
            }
            Self::NestedRegion { map, dataspace, addr, size_bytes, offset, access } => (
                21,
                [map, dataspace],
                [addr as u64, size_bytes as u64, (access.bits() as u64) << 32 | offset as u64],
            ),
            Self::Handler(which) => (22, [which, 0], NONE),
        }
    }

    fn from_numbers((role, [a, b], [c, d, e]): Numbers) -> Option<Self> {
        Some(match role {
            1 => Self::Quota { ram: c, caps: d },
            2 => Self::Parent,
            3 => Self::Session { external: a, client_id: b, ram: c, caps: d },
            4 if b <= 1 => {
                Self::Timer { external: a, armed: b == 1, elapsed_us: c, remaining_us: d, period_us: e }
            }
            5 if a <= 2 => Self::RegionMap(a),
            6 if a <= 2 => Self::AreaDataspace(a),
            7 => Self::NativePd,
            8 => Self::NativeCpu,
            9 => Self::Dataspace(a),
            10 => Self::CpuThread(a),
            11 => Self::Thread(a),
            12 => Self::ThreadGate(a),
            13 => Self::ThreadIrq(a),
            14 => Self::ThreadPager(a),
            15 => Self::SignalSource,
            16 => Self::Semaphore,
            17 => Self::Context { imprint: a, pending: b },
            18 => Self::NativeSemaphore { count: a },
            20 if d == 0 && e == 0 => {
                Self::NestedMap { external: a, dataspace: b, handler: u32::try_from(c).ok()? }
            }
            21 => Self::NestedRegion {
                map: a,
                dataspace: b,
                addr: u32::try_from(c).ok()?,
                size_bytes: u32::try_from(d).ok()?,
                offset: e as u32,
                access: Access::from_bits((e >> 32) as u32)?,
            },
            22 if a <= 6 => Self::Handler(a),
            _ => return None,
        })
    }

    /// The record that it names: kind and index.
    #[must_use]
    pub const fn names(self) -> Option<(Kind, u32)> {
        match self {
            Self::Session { external, .. }
            | Self::Timer { external, .. }
            | Self::NestedMap { external, .. } => Some((Kind::External, external)),
            Self::Dataspace(dataspace) => Some((Kind::Dataspace, dataspace)),
            Self::NestedRegion { map, .. } => Some((Kind::Object, map)),
            Self::CpuThread(thread)
            | Self::Thread(thread)
            | Self::ThreadGate(thread)
            | Self::ThreadIrq(thread)
            | Self::ThreadPager(thread) => Some((Kind::Thread, thread)),
            _ => None,
        }
    }
}

impl Codec for Object {
    const LENGTH: usize = size_of::<Raw>();

    fn encode(&self, out: &mut [u8]) {
        let (role, [a, b], [c, d, e]) = self.role.numbers();
        let raw = Raw {
            role: role.into(),
            badge: self.badge.into(),
            a: a.into(),
            b: b.into(),
            c: c.into(),
            d: d.into(),
            e: e.into(),
        };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &Raw = raw(Kind::Object, at, bytes)?;
        let operands = [raw.a.get(), raw.b.get()];
        let numbers = (raw.role.get(), operands, [raw.c.get(), raw.d.get(), raw.e.get()]);
        match Role::from_numbers(numbers) {
            Some(role) => Ok(Self { badge: raw.badge.get(), role }),
            None => at.field(Kind::Object, "role", raw.role.get()),
        }
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.object(at, self)
    }
}
