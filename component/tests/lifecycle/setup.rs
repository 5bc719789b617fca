//! A target, and a checkpointer around it.

use thaw_component::config::After;
use thaw_component::host::{DataspaceKind, Life, Object, ObjectKind, Region, ThreadInfo};
use thaw_component::restore::Damage;
use thaw_component::service::ThreadState;
use thaw_component::{Checkpointer, Done, Machine, Restored, Result, Tables};
use thaw_image::{Abi, KernelName, Name};
use thaw_l4::raw;
use thaw_protocol::{Activity, activity_kind};

use crate::disk::Disk;
use crate::world::{FakePd, Run, World};

/// Bytes of a disk that holds two images of the target.
pub const DISK_BYTES: usize = 1 << 20;

pub fn name(text: &str) -> Name {
    Name::new(text).expect("a short name")
}

pub fn machine() -> Machine {
    let kernel = KernelName::new("kernel of the test").expect("short");
    Machine { abi: Abi::M, board_id: 1, board: name("virt"), kernel }
}

fn state(n: u32, activity: Activity) -> ThreadState {
    let mut state = ThreadState { activity, ..ThreadState::ZERO };
    (0..15).for_each(|r| state.frame.set_reg(r as usize, n << 16 | r));
    state.frame.set_pc(0x100_0000 + 4 * n);
    state.frame.0[raw::THAW_EXC_CPSR as usize] = 0x10;
    state.frame.0[raw::THAW_EXC_TPIDRURO as usize] = 0x700 + n;
    (0..64).for_each(|i| state.vfp.d[i] = n << 8 | i as u32);
    state.vfp.fpscr = n;
    (0..128).for_each(|i| state.utcb[i] = n << 12 | i as u32);
    state
}

fn doing(kind: u32, selector: u32, peer: u32, position: u32) -> Activity {
    // Only a message has a tag that matters for going on.
    let tag = if peer == !0 { 0 } else { 0x41 };
    Activity { kind, selector, peer, position, tag, ..Activity::USER }
}

/// Contents of the ROM module.
pub const ROM: &[u8] = b"heap_mib=1\n";

pub fn rom(world: &World, content: &[u8]) -> u32 {
    world.add_dataspace(None, DataspaceKind::Rom(name("target.cfg")), content.to_vec())
}

/// A target with threads in all activities, a hole, one that never ran, shared memory and a ROM.
pub fn target(world: &World) -> u32 {
    let pd = world.add_pd(name("sheep"), 100);
    let rom = rom(world, ROM);
    let mut heap = vec![0; 20 * 4096];
    heap[5 * 4096..12 * 4096].iter_mut().enumerate().for_each(|(i, b)| *b = (i * 7 % 251) as u8);
    let text = world.add_dataspace(Some(pd), DataspaceKind::Ram, vec![0xe1; 4096]);
    let heap = world.add_dataspace(Some(pd), DataspaceKind::Ram, heap);
    let region = |addr, pages: u32, dataspace, page: u32, rights| Region {
        addr,
        bytes: pages * 4096,
        dataspace,
        offset: page * 4096,
        rights,
    };
    world.pd(pd, |pd| {
        pd.run = Run::Runs;
        pd.clock = 123_456;
        pd.regions = vec![
            region(0x20_0000, 1, rom, 0, raw::L4_FPAGE_RO),
            region(0x100_0000, 1, text, 0, raw::L4_FPAGE_RX),
            region(0x200_0000, 20, heap, 0, raw::L4_FPAGE_RW),
            region(0x300_0000, 2, heap, 5, raw::L4_FPAGE_RO),
        ];
        fill_threads(pd);
        let object = |slot, kind, badge, thread| Object { slot, kind, badge, thread };
        pd.objects = vec![
            object(0x200, ObjectKind::Gate, 0x1000, 1),
            object(0x201, ObjectKind::Gate, 0x1004, 4),
            object(0x210, ObjectKind::Irq, 0x10, 2),
            object(0x211, ObjectKind::Irq, 0x14, 4),
        ];
        pd.pending.insert(0x211, 2);
    });
    pd
}

fn fill_threads(pd: &mut FakePd) {
    use activity_kind::*;
    let activities = [
        (0, doing(RECEIVE, 0x802, !0, 0)),
        (1, Activity::USER),
        (2, doing(CALL_DELIVERED, 0x20_0003, 1, 0)),
        (4, doing(OPEN_WAIT, 0x806, !0, 0)),
        (5, doing(SEND_QUEUED, 0x20_0003, 1, 0)),
        (6, doing(SEND_QUEUED, 0x20_0001, 1, 1)),
        (7, doing(IRQ_WAIT, 0x21_0003, !0, 0)),
    ];
    for (i, activity) in activities {
        let info = ThreadInfo { started: true, priority: 10 + i, name: name("worker") };
        pd.threads.insert(i, info);
        pd.states.insert(i, state(i, activity));
    }
    let never = ThreadInfo { started: false, priority: 3, name: name("never") };
    pd.threads.insert(8, never);
}

/// Tables of half a MiB.
pub fn tables() -> Box<Tables> {
    Box::new(Tables::new())
}

pub fn checkpoint(world: &World, disk: &mut Disk<'_>, pd: u32, after: After) -> Result<Done> {
    let mut tables = tables();
    let mut checkpointer = Checkpointer {
        host: world,
        service: world,
        disk,
        machine: machine(),
        tables: &mut tables,
        quiet: false,
        pause: None,
    };
    checkpointer.checkpoint(pd, after)
}

pub fn restore(world: &World, disk: &mut Disk<'_>, damage: Damage) -> Result<Restored<u32>> {
    restore_on(world, disk, damage, machine())
}

pub fn restore_on(
    world: &World,
    disk: &mut Disk<'_>,
    damage: Damage,
    machine: Machine,
) -> Result<Restored<u32>> {
    let mut tables = tables();
    let mut checkpointer = Checkpointer {
        host: world,
        service: world,
        disk,
        machine,
        tables: &mut tables,
        quiet: false,
        pause: None,
    };
    checkpointer.restore(damage)
}

/// A disk with an image of the target, made in another world.
pub fn disk_with_image() -> Vec<u8> {
    let world = World::new();
    let pd = target(&world);
    let mut disk = Disk { world: &world, bytes: vec![0; DISK_BYTES] };
    checkpoint(&world, &mut disk, pd, After::Destroy).expect("nothing in the way");
    disk.bytes
}

pub fn is_running(world: &World, pd: u32) -> bool {
    world.pds.borrow().get(&pd).is_some_and(|pd| pd.run == Run::Runs && pd.life == Life::Running)
}
