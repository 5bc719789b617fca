//! Targets made up so that each kind of record and each activity occurs.

use super::Model;
use thaw_image::*;

pub fn name(text: &str) -> Name {
    Name::new(text).expect("a sample's name fits")
}

pub fn identity() -> Identity {
    Identity {
        architecture: Architecture::Arm32,
        abi: Abi::G,
        board_id: 1,
        board: name("virt"),
        target: name("sheep"),
        kernel: KernelName::new("Fiasco.OC (sample)").expect("fits"),
        generation: 3,
        parent: Digest::NONE,
        clock_us: 12_345_678,
        flags: Flags { left_running: true },
    }
}

pub fn target() -> Target {
    Target {
        name: name("sheep"),
        abi: Abi::G,
        quota_pages: 512,
        badge: 0x1000,
        clock_us: 4_500_000,
        generation: 3,
        clones: 1,
    }
}

fn wait(selector: u32, remaining_us: Option<u64>) -> Wait {
    Wait { selector, timeout: if remaining_us.is_some() { 0x0000_2a71 } else { 0 }, remaining_us }
}

/// A live thread whose registers all differ and depend on `seed`.
fn thread(text: &str, seed: u32, activity: Activity) -> Thread {
    let value = |i: usize| seed << 24 | (i as u32) << 8 | 0x11;
    Thread {
        state: ThreadState::Live(activity),
        name: name(text),
        priority: 100 + seed,
        affinity: Affinity { offset: 0, mask: 1 },
        utcb_addr: 0xb000_0000 + 512 * seed,
        pager: Pager::Platform,
        handler: Pager::Platform,
        frame: Frame {
            r: core::array::from_fn(value),
            sp: 0xa000_0000 - 0x1000 * seed,
            lr: value(14),
            pc: 0x0100_0000 + 4 * seed,
            cpsr: 0x6000_0110,
            tpidruro: value(17),
        },
        vfp: Vfp { d: core::array::from_fn(|i| value(i + 32)), fpscr: 0x0300_0000 },
        utcb: core::array::from_fn(|i| value(i + 96)),
    }
}

/// One live thread, one stored page and one zero page: three pages of image.
pub fn tiny() -> Model {
    let mut pages = vec![0; 2 * PAGE_SIZE];
    pages[..PAGE_SIZE].iter_mut().zip(0u32..).for_each(|(byte, i)| *byte = (i * 7 % 251) as u8);
    let access = Access { read: true, write: true, execute: false };
    let size_bytes = pages.len() as u32;
    Model {
        identity: identity(),
        target: target(),
        externals: vec![],
        dataspaces: vec![(Dataspace { size_bytes: size_bytes.into(), content: Content::Ram }, pages)],
        regions: vec![Region { addr: 0x10_0000, size_bytes, dataspace: 0, offset: 0, access }],
        threads: vec![thread("tiny", 1, Activity::Asleep { wait: wait(0x802, Some(312_000)) })],
        links: vec![],
        queued: vec![],
        gates: vec![Gate { badge: 0x5b0, thread: Some(0) }],
        irqs: vec![],
        objects: vec![],
        slots: vec![slot(0x200, SlotObject::Gate(0), 0x5b0, Rights::R | Rights::SERVER)],
    }
}

fn slot(slot: u32, object: SlotObject, badge: u32, rights: u32) -> Slot {
    Slot { slot, object, badge, rights: Rights::from_bits(rights).expect("known rights") }
}

/// A flock with every kind of record, thread state and activity.
pub fn sheep() -> Model {
    Model {
        externals: vec![
            External { service: name("LOG"), session: name("sheep") },
            External { service: name("Timer"), session: Name::EMPTY },
        ],
        dataspaces: dataspaces(),
        regions: regions(),
        threads: threads(),
        links: vec![Link { client: 3, server: 2, tag: 0x0001_0002, shadow: 3 }],
        queued: vec![
            Queued { receiver: 2, position: 0, sender: 4, tag: 0x0001_0003, label: 0x5b3 },
            Queued { receiver: 2, position: 1, sender: 5, tag: 0x41, label: 0x5b1 },
        ],
        gates: vec![Gate { badge: 0x5b0, thread: Some(2) }, Gate { badge: 0x700, thread: None }],
        irqs: vec![
            Irq { badge: 0x40, thread: Some(6), pending: 0 },
            Irq { badge: 0x44, thread: None, pending: 2 },
        ],
        slots: slots(),
        ..tiny()
    }
}

fn dataspaces() -> Vec<(Dataspace, Vec<u8>)> {
    // Pages: stored, stored, zero, zero, stored, zero.
    let mut heap = vec![0; 6 * PAGE_SIZE];
    for (page, byte) in [(0, 0xa5), (1, 0x5a), (4, 0x3c)] {
        heap[page * PAGE_SIZE + 17..page * PAGE_SIZE + 170].fill(byte);
    }
    let rom = Content::Rom { module: name("sheep.elf"), hash: Digest::of(b"sheep") };
    vec![
        (Dataspace { size_bytes: 6 * PAGE_SIZE as u64, content: Content::Ram }, heap),
        (Dataspace { size_bytes: 20_001, content: rom }, vec![]),
        (Dataspace { size_bytes: 2 * PAGE_SIZE as u64, content: Content::Ram }, vec![0; 2 * PAGE_SIZE]),
    ]
}

fn regions() -> Vec<Region> {
    let region = |addr, pages: u32, dataspace, offset, bits| Region {
        addr,
        size_bytes: pages * PAGE_SIZE as u32,
        dataspace,
        offset,
        access: Access::from_bits(bits).expect("known access"),
    };
    vec![
        region(0x0100_0000, 4, 1, 0, 5),
        region(0x0101_0000, 4, 0, 8192, 6),
        region(0x0200_0000, 2, 0, 0, 4),
        region(0x9fff_e000, 2, 2, 0, 6),
    ]
}

fn threads() -> Vec<Thread> {
    let (slot, badge) = (0x201, 0x5b0);
    let send = |position, tag, label| Activity::Send {
        slot,
        badge,
        receiver: 2,
        position,
        tag,
        label,
        wait: wait(0x0020_1003, None),
    };
    let call = Activity::Call {
        slot,
        badge,
        server: 2,
        tag: 0x0001_0002,
        owed: true,
        wait: wait(0x0020_1003, None),
    };
    let irq = Activity::IrqWait { slot: 0x202, irq: Some(0), wait: wait(0x0020_2003, None) };
    let receive = Activity::Receive { slot: 0x203, wait: wait(0x0020_3002, Some(2_500)) };
    let fault = Activity::PageFault { addr: 0x0101_2340, access: 3 };
    let exception = Activity::Exception { code: 0x9000_0247, addr: 0x0200_0010 };
    vec![
        thread("sheep", 0, Activity::Asleep { wait: wait(0x802, Some(312_000)) }),
        thread("memory", 1, Activity::User),
        thread("server", 2, Activity::User),
        thread("client", 3, call),
        thread("client2", 4, send(0, 0x0001_0003, 0x5b3)),
        thread("client3", 5, send(1, 0x41, 0x5b1)),
        thread("lock", 6, irq),
        thread("idle", 7, Activity::OpenWait { wait: wait(0x806, None) }),
        Thread::HOLE,
        Thread { state: ThreadState::NeverStarted, ..thread("unborn", 9, Activity::User) },
        Thread { state: ThreadState::Dead, ..thread("gone", 10, Activity::User) },
        Thread { pager: Pager::Slot(0x204), handler: Pager::None, ..thread("fault", 11, fault) },
        thread("trap", 12, exception),
        thread("", 13, receive),
    ]
}

fn slots() -> Vec<Slot> {
    vec![
        slot(0x10, SlotObject::Service(1), 0x1000, Rights::R | Rights::W | Rights::S),
        slot(0x11, SlotObject::Log, 0, Rights::R | Rights::W),
        slot(0x40, SlotObject::PagerGate, 0x4000, Rights::R | Rights::S),
        slot(0x200, SlotObject::Gate(0), 0x5b0, Rights::R | Rights::D | Rights::SERVER),
        slot(0x201, SlotObject::Gate(0), 0x5b0, Rights::R | Rights::W | Rights::S),
        slot(0x202, SlotObject::Irq(0), 0x40, Rights::R),
        slot(0x203, SlotObject::Thread(7), 0, Rights::R),
        slot(0x204, SlotObject::External(1), 0, Rights::R),
        slot(0x205, SlotObject::Task, 0, Rights::R),
    ]
}

/// A program that has a semaphore, a thread that waits for it, copies of capabilities, and one that it moved away.
pub fn held() -> Model {
    let mut model = tiny();
    let wait = wait(0x0021_0003, None);
    let waits = Activity::SemaphoreWait { slot: 0x210, semaphore: 0x211, position: 1, wait };
    model.threads.push(thread("waiter", 2, waits));
    model.objects = vec![Object { badge: 0, role: Role::NativeSemaphore { count: 3 } }];
    model.slots = vec![
        slot(0x200, SlotObject::Gate(0), 0x5b0, 0),
        slot(0x201, SlotObject::Gate(0), 0x5b0, Rights::R | Rights::W | Rights::COPY),
        slot(0x210, SlotObject::Object(0), 0, Rights::R | Rights::COPY),
        slot(0x211, SlotObject::Object(0), 0, Rights::R | Rights::W | Rights::S),
        slot(0x212, SlotObject::Thread(1), 0, Rights::R | Rights::W),
    ];
    model
}

/// A component of Genode with a region map of an RM session, in which its RAM is attached, and a handler at its parent.
pub fn nested() -> Model {
    let mut model = genode();
    let at = model.dataspaces.len() as u32;
    model.dataspaces.push((Dataspace { size_bytes: 0x10000, content: Content::Managed }, Vec::new()));
    let map = model.objects.len() as u32;
    let access = Access { read: true, write: true, execute: false };
    let part = Role::NestedRegion { map, dataspace: 0, addr: 0x3000, size_bytes: 0x1000, offset: 0, access };
    model.objects.extend([
        Object { badge: 0x200, role: Role::NestedMap { external: 1, dataspace: at, handler: 0x108 } },
        Object { badge: 0, role: part },
        Object { badge: 0x108, role: Role::Handler(0) },
    ]);
    model
}

/// The flock as a component of Genode: every role, and slots that name objects.
pub fn genode() -> Model {
    let roles = [
        (0, Role::Quota { ram: 4 << 20, caps: 200 }),
        (0x100, Role::Parent),
        (0x104, Role::Session { external: 1, client_id: 6, ram: 9596, caps: 2 }),
        (
            0x108,
            Role::Timer {
                external: 1,
                armed: true,
                elapsed_us: 1 << 40,
                remaining_us: 450_000,
                period_us: 250_000,
            },
        ),
        (0x10c, Role::RegionMap(2)),
        (0x110, Role::AreaDataspace(1)),
        (0x114, Role::NativePd),
        (0x118, Role::NativeCpu),
        (0x11c, Role::Dataspace(0)),
        (0x120, Role::CpuThread(2)),
        (0x124, Role::Thread(2)),
        (0x128, Role::ThreadGate(2)),
        (0x12c, Role::ThreadIrq(2)),
        (0x130, Role::ThreadPager(2)),
        (0x134, Role::SignalSource),
        (0x138, Role::Semaphore),
        (0x108, Role::Context { imprint: 0xdd250, pending: 3 }),
    ];
    let all = Rights::R | Rights::W | Rights::S;
    Model {
        objects: roles.map(|(badge, role)| Object { badge, role }).into(),
        slots: (0..17).map(|n| slot(0x300 + n, SlotObject::Object(n), 0x100 + 4 * n, all)).collect(),
        ..sheep()
    }
}
