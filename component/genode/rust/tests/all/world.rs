//! A target in plain tables, and a record of everything that is made.

use std::cell::{Cell, RefCell};
use std::fmt;

use thaw_genode::{
    Attachment, Buffer, CoreResult, Handle, Handlers, Message, Nested, Region, SessionInfo, Slot, Span,
    ThreadInfo, TimerInfo, Wish, World, kind, memory, policy,
};
use thaw_protocol::{ErrorKind, part, verb};

type Asked<T> = Result<T, CoreResult>;

/// Address of the test's memory.
const BASE: u32 = 0x1000_0000;
/// Bytes of the one RAM dataspace and of the one module.
pub const RAM: u32 = 3 * 4096;
pub const ROM: u32 = 5000;
/// Badges.
const RM_BADGE: u32 = 0x8000_0044;
const SEMAPHORE_BADGE: u32 = 0x8000_0034;
pub const RAM_BADGE: u32 = 0x8000_0010;
pub const ROM_BADGE: u32 = 0x8000_0014;
pub const TWIN_BADGE: u32 = 0x8000_0018;
pub const SIGH: u32 = 0x8000_0040;
/// Slot and pending triggers of the one IRQ.
pub const IRQ: (u32, u32) = (0xe, 1);

/// Something that was made or done.
#[derive(Clone, PartialEq, Debug)]
pub enum Step {
    Verb(u32),
    Set(u32, u32, Vec<u32>),
    Irq(u32, u32),
    Make,
    Session(u32),
    Timer(TimerInfo, bool),
    Ram(u32, u32),
    Attach(Attachment),
    Thread(u32, ThreadInfo),
    Object(u32, u32, u32),
    Install(u32),
    Quota(u32, u32),
    Map(u32, Nested),
    AttachNested(Attachment),
    FaultHandler,
    Handler(u32),
    Coherent,
    Destroy,
}

/// The region map of the RM session, and what is attached in it.
pub const MAP: Nested = Nested {
    result: 0,
    badge: 0x8000_0300,
    ds_badge: 0x8000_0304,
    size: 0x10000,
    handler: SIGH,
    faulters: 0,
};
pub const NESTED: Region = Region {
    result: 0,
    addr: 0x3000,
    size: 0x1000,
    offset: 0x2000,
    ds_badge: RAM_BADGE,
    ds_size: RAM,
    memory: memory::RAM,
    writeable: 1,
    executable: 0,
    map: MAP.badge,
};

/// The world.
pub struct Fake {
    memory: RefCell<Vec<u8>>,
    pub steps: RefCell<Vec<Step>>,
    pub slots: RefCell<Vec<Slot>>,
    pub regions: RefCell<Vec<Region>>,
    /// Regions appear once the target is stopped.
    pub grows: Cell<bool>,
    /// As often a thread is found to wait in a fault.
    pub faulting: Cell<u32>,
    /// Who serves the Timer session, the session whose server is busy, and what the target announces.
    pub policy: Cell<u32>,
    pub busy: Cell<u32>,
    pub announced: Cell<&'static str>,
    /// Number of the module, and how many bytes of it were read.
    pub rom_id: Cell<u32>,
    pub rom_read: Cell<u32>,
    /// There is a second session of the module, and what is attached where was asked of which session.
    pub twin: Cell<bool>,
    /// Both have the same dataspace.
    pub shared: Cell<bool>,
    pub attached: RefCell<Vec<(u32, Handle)>>,
    pub wishes: RefCell<Vec<Wish>>,
    /// The target exits once it is stopped; who opened the Timer session, and the service that it is of.
    pub exits: Cell<bool>,
    pub service: Cell<&'static str>,
    pub origin: Cell<u32>,
    /// There is a dynamic linker.
    pub linker: Cell<bool>,
    /// Badge of the Timer session, when it is opened.
    pub timer_badge: Cell<u32>,
    stopped: Cell<bool>,
    /// Views that have not ended, and whether the target stands still or is being made.
    pub views: Cell<u32>,
    stands: Cell<bool>,
    /// By how much the clock goes on when it is read, and how often we paused.
    pub tick_us: Cell<u64>,
    clock_us: Cell<u64>,
    pub pauses: Cell<u32>,
    /// The step of making that is refused.
    pub refused: Cell<usize>,
    rom: Span,
    ram: Cell<Span>,
}

pub fn name<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    bytes
}

/// Word `n` of a part of a thread.
fn word(index: u32, part: u32, n: usize) -> u32 {
    match (part, n) {
        (part::ACTIVITY, 0) => thaw_protocol::THREAD_LIVE,
        (part::ACTIVITY, 1) => thaw_protocol::activity_kind::USER,
        (part::ACTIVITY, 4) => thaw_protocol::NO_THREAD,
        (part::ACTIVITY, _) => 0,
        // Words of the frame that are not saved: fault, what the kernel keeps, what another revision has.
        (part::FRAME, 0 | 1 | 17 | 21) => 0,
        _ => (index << 24) | (part << 16) | (n as u32 + 1),
    }
}

pub fn words(index: u32, part: u32) -> Vec<u32> {
    (0..part::words(part).expect("a part")).map(|n| word(index, part, n)).collect()
}

impl Fake {
    pub fn new() -> Self {
        let fake = Self {
            memory: RefCell::default(),
            steps: RefCell::default(),
            slots: RefCell::default(),
            regions: RefCell::default(),
            grows: Cell::new(false),
            faulting: Cell::new(0),
            policy: Cell::new(policy::OURS),
            busy: Cell::new(0),
            announced: Cell::new(""),
            twin: Cell::new(false),
            shared: Cell::new(false),
            attached: RefCell::default(),
            wishes: RefCell::default(),
            exits: Cell::new(false),
            service: Cell::new("Timer"),
            origin: Cell::new(1),
            linker: Cell::new(false),
            rom_id: Cell::new(0),
            rom_read: Cell::new(0),
            timer_badge: Cell::new(0x8000_000c),
            stopped: Cell::new(false),
            views: Cell::new(0),
            stands: Cell::new(false),
            tick_us: Cell::new(0),
            clock_us: Cell::new(0),
            pauses: Cell::new(0),
            refused: Cell::new(usize::MAX),
            rom: Span::default(),
            ram: Cell::new(Span::default()),
        };
        let rom = fake.allot(ROM);
        let ram = fake.allot(RAM);
        fake.fill(rom, |i| (i % 7) as u8);
        fake.fill(ram, |i| if i < 4096 { 0 } else { (i % 251) as u8 });
        fake.ram.set(ram);
        let slot = |slot, badge, kind, a, b| Slot { result: 0, slot, badge, kind, a, b };
        *fake.slots.borrow_mut() = vec![
            slot(0xb, 0x8000_0000, kind::FIXED, 0, 0),
            slot(0x304, 0x8000_0004, kind::PD, 0, 0),
            slot(0x305, 0x8000_0020, kind::REGION_MAP, 0, 0),
            slot(0x306, RAM_BADGE, kind::DATASPACE, RAM, memory::RAM),
            slot(0x307, 0x8000_0030, kind::GATE, 2, 0),
            slot(0x308, SEMAPHORE_BADGE, kind::SEMAPHORE, 0, 0),
            slot(0x309, 0x8000_0038, kind::SIGNAL_SOURCE, 0, 0),
            slot(0x30a, SIGH, kind::CONTEXT, 0xdd250, 3),
            slot(0x30b, SIGH, kind::CONTEXT, 0xdd250, 3),
            slot(0x30c, 0x8000_000c, kind::CALLER, 0, 0),
            slot(0x30d, 0x8000_0103, kind::CPU_THREAD, 0, 0),
            slot(0x30e, RM_BADGE, kind::RM_SESSION, 0, 0),
            slot(0x30f, MAP.badge, kind::NESTED_MAP, 0, 0),
            slot(0x310, MAP.ds_badge, kind::DATASPACE, MAP.size, memory::MANAGED),
        ];
        let region = |addr, size, ds_badge, ds_size, map| Region {
            addr,
            size,
            ds_badge,
            ds_size,
            writeable: u32::from(ds_badge == RAM_BADGE),
            map,
            ..Region::default()
        };
        let seen = Region { memory: memory::MANAGED, ..region(0x20000, 0x4000, MAP.ds_badge, MAP.size, 0) };
        *fake.regions.borrow_mut() =
            vec![region(0x10000, 8192, ROM_BADGE, ROM, 0), seen, region(0x400f_c000, RAM, RAM_BADGE, RAM, 1)];
        Self { rom, ..fake }
    }

    fn allot(&self, bytes: u32) -> Span {
        let mut memory = self.memory.borrow_mut();
        let addr = BASE + memory.len() as u32;
        let length = memory.len() + bytes as usize;
        memory.resize(length, 0xee);
        Span { addr, bytes }
    }

    fn fill(&self, span: Span, byte: impl Fn(u32) -> u8) {
        let bytes: Vec<u8> = (0..span.bytes).map(byte).collect();
        self.write(span, &bytes);
    }

    pub fn bytes(&self, span: Span) -> Vec<u8> {
        let at = (span.addr - BASE) as usize;
        self.memory.borrow()[at..at + span.bytes as usize].to_vec()
    }

    pub fn ram_bytes(&self) -> Vec<u8> {
        self.bytes(self.ram.get())
    }

    pub fn flip(&self, span: Span, offset: u32) {
        self.memory.borrow_mut()[(span.addr - BASE + offset) as usize] ^= 1;
    }

    pub fn change_rom(&self) {
        self.flip(self.rom, 4500);
    }

    pub fn count(&self, wanted: impl Fn(&Step) -> bool) -> usize {
        self.steps.borrow().iter().filter(|step| wanted(step)).count()
    }

    fn step(&self, step: Step) -> Asked<Handle> {
        let made = self.count(|s| !matches!(s, Step::Verb(_) | Step::Destroy | Step::Quota(..)));
        if made == self.refused.get() {
            return Err(CoreResult(8));
        }
        self.steps.borrow_mut().push(step);
        Ok(Handle(made as u32))
    }

    fn answer(&self, message: &mut Message) {
        let [number, _, index, part] = core::array::from_fn(|i| message.words[i]);
        let request = message.words[..message.count as usize].to_vec();
        match number {
            verb::STOP => self.stands.set(true),
            verb::COMMIT | verb::ABANDON => self.stands.set(false),
            _ => {}
        }
        (message.label, message.count) = (0, 0);
        match number {
            verb::THREAD_GET => {
                let words = words(index, part);
                message.words[..words.len()].copy_from_slice(&words);
                message.count = words.len() as u32;
                return;
            }
            verb::THREAD_SET => {
                self.steps.borrow_mut().push(Step::Set(index, part, request[4..].to_vec()));
                return;
            }
            verb::IRQ_SET => self.steps.borrow_mut().push(Step::Irq(index, part)),
            verb::IRQ_GET if index == 0 => {
                (message.words[0], message.words[1]) = IRQ;
                message.count = 2;
            }
            verb::IRQ_GET => message.label = -(ErrorKind::NoSuchObject.number() as i32),
            verb::STOP => {
                message.count = 5;
                self.stopped.set(true);
                if self.grows.get() {
                    let last = *self.regions.borrow().last().expect("one");
                    self.regions.borrow_mut().push(Region { addr: last.addr + RAM, ..last });
                }
            }
            _ => self.stopped.set(false),
        }
        self.steps.borrow_mut().push(Step::Verb(number));
    }
}

impl World for Fake {
    fn open(&self) -> Asked<u32> {
        Ok(7)
    }

    fn call(&self, message: &mut Message) {
        self.answer(message);
    }

    fn region(&self, n: u32) -> Region {
        let past = Region { result: CoreResult::NOT_FOUND, ..Region::default() };
        self.regions.borrow().get(n as usize).copied().unwrap_or(past)
    }

    fn nested(&self, client_id: u32, n: u32) -> Nested {
        assert_eq!(client_id, 9);
        if n > 0 {
            return Nested { result: CoreResult::NOT_FOUND, ..Nested::default() };
        }
        let left = self.faulting.get();
        self.faulting.set(left.saturating_sub(1));
        Nested { faulters: u32::from(left > 0), ..MAP }
    }

    fn nested_region(&self, map: u32, n: u32) -> Region {
        let past = Region { result: CoreResult::NOT_FOUND, ..Region::default() };
        if (map, n) == (MAP.badge, 0) { NESTED } else { past }
    }

    fn handlers(&self) -> Handlers {
        [SIGH, 0, 0, 0, SIGH, 0, 0]
    }

    fn slot(&self, n: u32) -> Slot {
        let past = Slot { result: CoreResult::NOT_FOUND, ..Slot::default() };
        self.slots.borrow().get(n as usize).copied().unwrap_or(past)
    }

    fn thread(&self, index: u32) -> ThreadInfo {
        let badge = |n| 0x8000_0100 + 0x40 * index + 4 * n;
        match index {
            0 | 2 => ThreadInfo {
                started: 1,
                priority: 127,
                utcb: 0x4800_0000 + 0x200 * index,
                badges: core::array::from_fn(|n| badge(n as u32)),
                name: name(if index == 0 { "main" } else { "signal handler" }),
                ..ThreadInfo::default()
            },
            1 => ThreadInfo { result: CoreResult::NOT_FOUND, ..ThreadInfo::default() },
            _ => ThreadInfo { result: ThreadInfo::END, ..ThreadInfo::default() },
        }
    }

    fn session(&self, n: u32) -> SessionInfo {
        let of = |client_id, badge, service: &str, label: &str| SessionInfo {
            origin: 1,
            client_id,
            badge,
            ram: 8192,
            caps: 2,
            service: name(service),
            label: name(label),
            ..SessionInfo::default()
        };
        let timer = TimerInfo { elapsed_us: 5, remaining_us: 9, period_us: 100, armed: 1, sigh: SIGH };
        match n {
            0 => of(1, 0x8000_0004, "PD", "sheep"),
            1 => SessionInfo {
                ds_badge: ROM_BADGE,
                rom: self.rom,
                rom_id: self.rom_id.get(),
                ..of(4, 0x8000_0008, "ROM", "binary")
            },
            2 => SessionInfo {
                is_timer: 1,
                timer,
                policy: self.policy.get(),
                origin: self.origin.get(),
                ..of(6, self.timer_badge.get(), self.service.get(), "")
            },
            3 => of(9, RM_BADGE, "RM", ""),
            4 if self.twin.get() => SessionInfo {
                ds_badge: if self.shared.get() { ROM_BADGE } else { TWIN_BADGE },
                rom: self.rom,
                ..of(10, 0x8000_0060, "ROM", "binary")
            },
            4 if self.linker.get() => of(5, 0x8000_0050, "ROM", "ld.lib.so"),
            _ => SessionInfo::default(),
        }
    }

    fn parent(&self) -> u32 {
        0x8000_0000
    }

    fn target(&self, out: &mut [u8; 32]) -> (u32, u32) {
        *out = name("sheep");
        (1 << 20, 100)
    }

    fn freeze(&self, _: bool) {}

    fn wait_until_quiet(&self) -> u32 {
        self.busy.get()
    }

    fn announced(&self) -> [u8; 32] {
        name(self.announced.get())
    }

    fn exited(&self) -> bool {
        self.exits.get() && self.stopped.get()
    }

    fn destroy(&self) {
        self.views.set(0);
        self.stands.set(false);
        self.steps.borrow_mut().push(Step::Destroy);
    }

    fn view(&self, badge: u32) -> Asked<Span> {
        self.views.set(self.views.get() + 1);
        if badge == RAM_BADGE { Ok(self.ram.get()) } else { Err(CoreResult(CoreResult::NOT_FOUND)) }
    }

    fn unview(&self) -> bool {
        let left = self.views.get();
        assert!(left == 0 || !self.stands.get(), "the target waits for the end of a view");
        self.views.set(left.saturating_sub(1));
        left > 0
    }

    fn coherent(&self, span: Span) {
        assert_eq!(span, self.ram.get());
        self.steps.borrow_mut().push(Step::Coherent);
    }

    fn take(&self, _: Buffer, bytes: u32) -> Asked<Span> {
        Ok(self.allot(bytes))
    }

    fn copy(&self, to: Span, from: Span) {
        let bytes = self.bytes(from);
        self.write(to, &bytes);
    }

    fn read(&self, from: Span, to: &mut [u8]) {
        if (self.rom.addr..self.rom.addr + self.rom.bytes).contains(&from.addr) {
            self.rom_read.set(self.rom_read.get() + to.len() as u32);
        }
        to.copy_from_slice(&self.bytes(Span { bytes: to.len() as u32, ..from }));
    }

    fn write(&self, to: Span, from: &[u8]) {
        assert!(from.len() <= to.bytes as usize);
        let at = (to.addr - BASE) as usize;
        self.memory.borrow_mut()[at..at + from.len()].copy_from_slice(from);
    }

    fn now_us(&self) -> u64 {
        self.clock_us.set(self.clock_us.get() + self.tick_us.get());
        self.clock_us.get()
    }

    fn pause(&self) {
        self.pauses.set(self.pauses.get() + 1);
        self.regions.borrow_mut().truncate(3);
    }

    fn say(&self, _: fmt::Arguments<'_>) {}

    fn wish(&self, parent: u32, sessions: &[Wish]) -> Asked<()> {
        assert_eq!(parent, 0x8000_0000);
        assert_eq!(sessions[1], Wish { client_id: 4, badge: 0x8000_0008, dataspace: ROM_BADGE });
        *self.wishes.borrow_mut() = sessions.to_vec();
        Ok(())
    }

    fn quota(&self, ram: u32, caps: u32) {
        self.steps.borrow_mut().push(Step::Quota(ram, caps));
    }

    fn make(&self) -> Asked<u32> {
        self.stands.set(true);
        self.step(Step::Make).map(|_| 7)
    }

    fn make_session(&self, session: &SessionInfo) -> Asked<()> {
        self.step(Step::Session(session.client_id)).map(|_| ())
    }

    fn set_timer(&self, client_id: u32, timer: &TimerInfo, sigh: Option<Handle>) -> Asked<()> {
        assert_eq!(client_id, 6);
        self.step(Step::Timer(*timer, sigh.is_some())).map(|_| ())
    }

    fn ram(&self, bytes: u32, badge: u32) -> Asked<(Handle, Span)> {
        let handle = self.step(Step::Ram(bytes, badge))?;
        self.ram.set(self.allot(bytes));
        self.fill(self.ram.get(), |_| 0);
        self.views.set(self.views.get() + 1);
        Ok((handle, self.ram.get()))
    }

    fn rom(&self, client_id: u32) -> Asked<Handle> {
        assert!(client_id == 4 || self.twin.get() && client_id == 10);
        Ok(Handle(9000 + client_id))
    }

    fn session_handle(&self, client_id: u32) -> Asked<Handle> {
        self.step(Step::Object(kind::CALLER, client_id, 0))
    }

    fn object(&self, kind: u32, a: u32, badge: u32) -> Asked<Handle> {
        self.step(Step::Object(kind, a, badge))
    }

    fn attach(&self, dataspace: Handle, attachment: &Attachment) -> Asked<()> {
        self.attached.borrow_mut().push((attachment.at, dataspace));
        self.step(Step::Attach(*attachment)).map(|_| ())
    }

    fn make_map(&self, client_id: u32, map: &Nested) -> Asked<(Handle, Handle)> {
        self.step(Step::Map(client_id, *map)).map(|handle| (handle, Handle(8888)))
    }

    fn attach_nested(&self, _: Handle, _: Handle, attachment: &Attachment) -> Asked<()> {
        self.step(Step::AttachNested(*attachment)).map(|_| ())
    }

    fn fault_handler(&self, _: Handle, _: Handle) -> Asked<()> {
        self.step(Step::FaultHandler).map(|_| ())
    }

    fn set_handler(&self, which: u32, _: Handle) -> Asked<()> {
        self.step(Step::Handler(which)).map(|_| ())
    }

    fn make_thread(&self, index: u32, thread: &ThreadInfo) -> Asked<()> {
        self.step(Step::Thread(index, *thread)).map(|_| ())
    }

    fn gate(&self, thread: u32, badge: u32) -> Asked<Handle> {
        self.step(Step::Object(kind::GATE, thread, badge))
    }

    fn context(&self, imprint: u32, badge: u32, pending: u32) -> Asked<Handle> {
        assert_eq!(pending, 3);
        self.step(Step::Object(kind::CONTEXT, imprint, badge))
    }

    fn signal_source(&self, badge: u32, semaphore: u32) -> Asked<Handle> {
        assert_eq!(semaphore, SEMAPHORE_BADGE);
        self.step(Step::Object(kind::SIGNAL_SOURCE, 0, badge))
    }

    fn semaphore(&self, thread: u32) -> Asked<Handle> {
        self.step(Step::Object(kind::SEMAPHORE, thread, 0))
    }

    fn install(&self, slot: u32, _: Handle) -> Asked<()> {
        self.step(Step::Install(slot)).map(|_| ())
    }
}
