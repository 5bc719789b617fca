//! What the checkpointer needs from C++: words in the layout of the session at core, and spans of memory.

use core::fmt;

/// Words of a message of the engine at most.
pub const MESSAGE_WORDS: usize = 52;

/// Request to the engine, or its answer.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Message {
    /// Words that are valid.
    pub count: u32,
    /// 0 or a negative error number.
    pub label: i32,
    /// Message registers.
    pub words: [u32; MESSAGE_WORDS],
}

/// A refusal of core: the number of a result of its session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoreResult(pub u32);

impl CoreResult {
    /// Nothing is wrong.
    pub const OK: u32 = 0;
    /// Past the last one.
    pub const NOT_FOUND: u32 = 4;
    /// A file system has no space left.
    pub const NO_SPACE: u32 = 12;
    /// A file system refused something else.
    pub const FILE: u32 = 13;
    /// There is no file system.
    pub const NO_FILES: u32 = 14;
}

impl fmt::Display for CoreResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            1 => "its label is not below ours: route PD sessions through this component",
            2 => "no PD is open",
            3 => "core works on another target: try again later",
            4 => "there is no such object",
            5 => "another object has the badge: reboot, or let use_upper_badges be on from the start",
            6 => "the slot is full or out of range",
            7 => "the kernel refused",
            8 => "quota is too small: give this component, or the target in its configuration, more RAM and capabilities",
            9 => "this kernel or core cannot do it",
            10 => "no session at core: route the service Thaw_core to this component",
            11 => "this component is short of memory: give it more RAM",
            12 => "the file system is full, may not be written or does not answer: free space, look at its policy",
            13 => "the file system refused: look at its own messages",
            14 => "no file system is configured: add a node `store` and route the service File_system",
            _ => "unknown answer: core and component differ in version",
        })
    }
}

/// Part of the target's address space.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Region {
    /// [`CoreResult`].
    pub result: u32,
    /// First address.
    pub addr: u32,
    /// Bytes.
    pub size: u32,
    /// Where in the dataspace it begins.
    pub offset: u32,
    /// Badge of the dataspace.
    pub ds_badge: u32,
    /// Bytes of the dataspace.
    pub ds_size: u32,
    /// One of [`memory`].
    pub memory: u32,
    /// 0: no.
    pub writeable: u32,
    /// 0: no.
    pub executable: u32,
    /// Region map: 0 address space, 1 stack area, 2 linker area, else the badge of one of an RM session.
    pub map: u32,
}

/// Kinds of dataspaces.
pub mod memory {
    /// RAM.
    pub const RAM: u32 = 0;
    /// ROM module.
    pub const ROM: u32 = 1;
    /// What is attached in a region map.
    pub const MANAGED: u32 = 3;
    /// Of a device.
    pub const DEVICE: u32 = 2;
    /// RAM that another component owns.
    pub const FOREIGN: u32 = 4;
}

/// Filled slot of the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Slot {
    /// [`CoreResult`].
    pub result: u32,
    /// Index.
    pub slot: u32,
    /// Badge of the object.
    pub badge: u32,
    /// One of [`kind`].
    pub kind: u32,
    /// Operands of the kind.
    pub a: u32,
    /// More of them.
    pub b: u32,
}

/// What a slot holds.
pub mod kind {
    /// Core has no name for it.
    pub const UNKNOWN: u32 = 0;
    /// Put there by core itself.
    pub const FIXED: u32 = 1;
    /// PD session.
    pub const PD: u32 = 2;
    /// Region map.
    pub const REGION_MAP: u32 = 3;
    /// Dataspace of a region map.
    pub const AREA_DATASPACE: u32 = 4;
    /// Kernel-specific part of the PD session.
    pub const NATIVE_PD: u32 = 5;
    /// CPU session.
    pub const CPU: u32 = 6;
    /// Kernel-specific part of the CPU session.
    pub const NATIVE_CPU: u32 = 7;
    /// RPC interface of a thread.
    pub const CPU_THREAD: u32 = 8;
    /// Kernel thread.
    pub const THREAD: u32 = 9;
    /// Gate of a thread.
    pub const THREAD_GATE: u32 = 10;
    /// Lock IRQ of a thread.
    pub const THREAD_IRQ: u32 = 11;
    /// RPC object of the target.
    pub const GATE: u32 = 12;
    /// Signal source.
    pub const SIGNAL_SOURCE: u32 = 13;
    /// Semaphore of the signal source.
    pub const SEMAPHORE: u32 = 14;
    /// Signal context.
    pub const CONTEXT: u32 = 15;
    /// Dataspace.
    pub const DATASPACE: u32 = 16;
    /// RPC object of ours.
    pub const CALLER: u32 = 17;
    /// Object of another component.
    pub const OUTSIDE: u32 = 18;
    /// Another object of core.
    pub const CORE: u32 = 19;
    /// RM session.
    pub const RM_SESSION: u32 = 20;
    /// Region map of an RM session.
    pub const NESTED_MAP: u32 = 21;
}

/// Region map of an RM session.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Nested {
    /// [`CoreResult`].
    pub result: u32,
    /// Badge of the map.
    pub badge: u32,
    /// Badge of the managed dataspace that it is seen through.
    pub ds_badge: u32,
    /// Bytes.
    pub size: u32,
    /// Badge of the signal context that is told of faults, 0 if there is none.
    pub handler: u32,
    /// 1: threads wait for a fault in it to be resolved.
    pub faulters: u32,
}

/// A thread of the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct ThreadInfo {
    /// [`CoreResult`]: not found for a hole, 2 past the last.
    pub result: u32,
    /// 0: never.
    pub started: u32,
    /// Of the kernel.
    pub priority: u32,
    /// Affinity.
    pub xpos: u32,
    /// Address of its UTCB.
    pub utcb: u32,
    /// Badges of thread, lock IRQ, gate, RPC interface, pager gate.
    pub badges: [u32; 5],
    /// Padded with zeros.
    pub name: [u8; 32],
}

impl ThreadInfo {
    /// Result past the last index.
    pub const END: u32 = 2;
}

/// Timer session of the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct TimerInfo {
    /// What the target would read, microseconds.
    pub elapsed_us: u64,
    /// Until the next signal.
    pub remaining_us: u64,
    /// 0: once.
    pub period_us: u64,
    /// 0: no signal is due.
    pub armed: u32,
    /// Badge of the signal context, 0 if there is none.
    pub sigh: u32,
}

/// Client id of the configuration when its session is closed and only the dataspace is known.
pub const CLOSED_CONFIG: u32 = 0xffff_fffe;

/// Session of the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct SessionInfo {
    /// 0: there is none with that number; 1: of the environment; 2: opened by the target.
    pub origin: u32,
    /// By which the target names it.
    pub client_id: u32,
    /// Badge of the session.
    pub badge: u32,
    /// Donated bytes of RAM.
    pub ram: u32,
    /// Donated capabilities.
    pub caps: u32,
    /// Badge of a ROM session's dataspace, else 0.
    pub ds_badge: u32,
    /// The module as we see it.
    pub rom: Span,
    /// 1: the next field is valid.
    pub is_timer: u32,
    /// Of a Timer session.
    pub timer: TimerInfo,
    /// Name of the service, padded with zeros.
    pub service: [u8; 32],
    /// Label, without the target's name in front, padded with zeros.
    pub label: [u8; 32],
    /// One of [`policy`].
    pub policy: u32,
    /// Of a module whose content stays as it is: no other has had this number. Else 0.
    pub rom_id: u32,
}

/// Who serves a session.
pub mod policy {
    /// Core, or this component.
    pub const OURS: u32 = 0;
    /// Another component, the target directly.
    pub const ROUTED: u32 = 1;
    /// Another component, through an object of ours.
    pub const FORWARDED: u32 = 2;
    /// The same, and the target gave it a capability.
    pub const HOLDING: u32 = 3;
    /// As [`FORWARDED`], and the target opened it with arguments besides label and quota.
    pub const WITH_ARGUMENTS: u32 = 4;
}

/// Memory that we see at an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Span {
    /// First address.
    pub addr: u32,
    /// Bytes.
    pub bytes: u32,
}

impl Span {
    /// `bytes` bytes from `offset` on, or nothing if they are not all inside.
    #[must_use]
    pub fn part(self, offset: u32, bytes: u32) -> Option<Self> {
        let end = offset.checked_add(bytes)?;
        (end <= self.bytes).then_some(Self { addr: self.addr + offset, bytes })
    }
}

/// Memory of the checkpointer itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Buffer {
    /// The image, and before that the copy of the target's RAM.
    Image = 0,
}

/// A capability that C++ keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handle(pub u32);

/// Badges for a session that will be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Wish {
    /// By which the target names it.
    pub client_id: u32,
    /// Of the session.
    pub badge: u32,
    /// Of a ROM session's dataspace.
    pub dataspace: u32,
}

/// Where a dataspace is to be attached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Attachment {
    /// Region map.
    pub map: u32,
    /// Address in that map.
    pub at: u32,
    /// Bytes; 0 all.
    pub size: u32,
    /// Offset in the dataspace.
    pub offset: u32,
    /// 0: no.
    pub writeable: u32,
    /// 0: no.
    pub executable: u32,
}

/// Result of a request.
pub type Asked<T> = Result<T, CoreResult>;

/// Badges of signal contexts: see [`World::handlers`].
pub type Handlers = [u32; 7];

/// The target's parent and the session at core.
pub trait World {
    /// Opens the target at core: number of the engine's session.
    fn open(&self) -> Asked<u32>;
    /// Lets the engine serve a request.
    fn call(&self, message: &mut Message);

    /// Region number `n`.
    fn region(&self, n: u32) -> Region;
    /// Region map number `n` of an RM session of the target's, the newest first.
    fn nested(&self, client_id: u32, n: u32) -> Nested;
    /// Region number `n` of a region map that [`nested`](Self::nested) has told, by its badge.
    fn nested_region(&self, map: u32, n: u32) -> Region;
    /// Badges of the signal contexts that the target gave to its parent, of resources, yield requests, sessions and the
    /// heartbeat, and to core, of faults in its address space, stack area and linker area; 0: none.
    fn handlers(&self) -> Handlers;
    /// Slot number `n`.
    fn slot(&self, n: u32) -> Slot;
    /// Thread at an index.
    fn thread(&self, index: u32) -> ThreadInfo;
    /// Session number `n`.
    fn session(&self, n: u32) -> SessionInfo;
    /// Badge of the parent interface.
    fn parent(&self) -> u32;
    /// Name of the target and what it was given: bytes of RAM and capabilities.
    fn target(&self, name: &mut [u8; 32]) -> (u32, u32);
    /// Holds back signals of Timer sessions, or lets them go on.
    fn freeze(&self, frozen: bool);
    /// Waits a while until no server of a forwarded session has a request of the target; returns the client id of one
    /// that still has, or 0. That holds as long as no thread of the target runs.
    fn wait_until_quiet(&self) -> u32;
    /// Name of a service that the target serves, zeros if it serves none.
    fn announced(&self) -> [u8; 32];
    /// Whether the target has asked its parent to end it.
    fn exited(&self) -> bool;
    /// Destroys the target with everything made for it.
    fn destroy(&self);

    /// Makes a dataspace of the target visible.
    fn view(&self, ds_badge: u32) -> Asked<Span>;
    /// Ends the newest view; whether there was one. The processor works on all of its memory for it.
    fn unview(&self) -> bool;
    /// What was written there can be executed.
    fn coherent(&self, span: Span);
    /// Takes memory; what was taken before for the same purpose is given back. 0 bytes: only that.
    fn take(&self, buffer: Buffer, bytes: u32) -> Asked<Span>;
    /// Copies `from` to the start of `to`.
    fn copy(&self, to: Span, from: Span);
    /// Reads the start of `from`.
    fn read(&self, from: Span, to: &mut [u8]);
    /// Writes the start of `to`.
    fn write(&self, to: Span, from: &[u8]);
    /// Microseconds since boot.
    fn now_us(&self) -> u64;
    /// Lets the target run for a moment.
    fn pause(&self);
    /// Prints a line.
    fn say(&self, line: fmt::Arguments<'_>);

    /// Badges for the parent interface and the sessions, before [`make`](Self::make).
    fn wish(&self, parent: u32, sessions: &[Wish]) -> Asked<()>;
    /// What the target was given in all, before [`make`](Self::make): bytes of RAM and capabilities.
    fn quota(&self, ram: u32, caps: u32);
    /// Makes an empty target with the sessions of its environment, and opens it at core.
    fn make(&self) -> Asked<u32>;
    /// Opens a session as the target did.
    fn make_session(&self, session: &SessionInfo) -> Asked<()>;
    /// Sets a Timer session; `sigh` is the capability of its signal context.
    fn set_timer(&self, client_id: u32, timer: &TimerInfo, sigh: Option<Handle>) -> Asked<()>;
    /// Makes RAM of the target with that badge, visible to us; all of it is zero.
    fn ram(&self, bytes: u32, badge: u32) -> Asked<(Handle, Span)>;
    /// The dataspace of a ROM session.
    fn rom(&self, client_id: u32) -> Asked<Handle>;
    /// The capability of a session.
    fn session_handle(&self, client_id: u32) -> Asked<Handle>;
    /// An object that core made for the target; `badge` 0: as it is.
    fn object(&self, kind: u32, a: u32, badge: u32) -> Asked<Handle>;
    /// Attaches a dataspace.
    fn attach(&self, dataspace: Handle, attachment: &Attachment) -> Asked<()>;
    /// Makes a region map of an RM session with its badges: the map and its dataspace.
    fn make_map(&self, client_id: u32, map: &Nested) -> Asked<(Handle, Handle)>;
    /// Attaches a dataspace in such a map.
    fn attach_nested(&self, map: Handle, dataspace: Handle, attachment: &Attachment) -> Asked<()>;
    /// Sets who is told of faults in such a map.
    fn fault_handler(&self, map: Handle, sigh: Handle) -> Asked<()>;
    /// Sets a signal context of [`handlers`](Self::handlers).
    fn set_handler(&self, which: u32, sigh: Handle) -> Asked<()>;
    /// Makes a thread that has not run.
    fn make_thread(&self, index: u32, thread: &ThreadInfo) -> Asked<()>;
    /// Makes an RPC object served by a thread of the target.
    fn gate(&self, thread: u32, badge: u32) -> Asked<Handle>;
    /// Makes a signal context.
    fn context(&self, imprint: u32, badge: u32, pending: u32) -> Asked<Handle>;
    /// Gives the signal source its badge, and its semaphore, if the target has it, one that is not 0.
    fn signal_source(&self, badge: u32, semaphore: u32) -> Asked<Handle>;
    /// Binds the semaphore of the signal source.
    fn semaphore(&self, thread: u32) -> Asked<Handle>;
    /// Fills a slot.
    fn install(&self, slot: u32, handle: Handle) -> Asked<()>;
}

// As abi.h asserts on its side.
const _: () = {
    assert!(size_of::<Message>() == 54 * 4 && size_of::<Region>() == 10 * 4 && size_of::<Slot>() == 6 * 4);
    assert!(size_of::<Nested>() == 6 * 4);
    assert!(size_of::<ThreadInfo>() == 18 * 4 && size_of::<TimerInfo>() == 32);
    assert!(size_of::<SessionInfo>() == 144 && size_of::<Attachment>() == 24 && size_of::<Wish>() == 12);
};
