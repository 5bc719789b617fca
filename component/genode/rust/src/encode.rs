//! From the records to an image.

use core::convert::Infallible;

use heapless::Vec;
use thaw_component::activity::to_saved;
use thaw_component::encode::saved_frame;
use thaw_image::{
    Access, Affinity, Content as Saved, Error as ImageError, Extent, External, Finished, Gate, Identity, Irq,
    Link, MAX_GATES, MAX_OBJECTS, MAX_THREADS, Name, Object, Pager, Queued, Rights, Role, Sink, SlotObject,
    TableWriter, Target, ThreadState as Life, Vfp, Writer,
};
use thaw_protocol::{Activity, activity_kind};

use crate::checkpoint::Breath;
use crate::error::{Error, Result};
use crate::records::{Content, PAGE, Records, Thread, push};
use crate::world::{Region, Slot, Span, World, kind};

/// The one PD of an image.
const PD: u32 = 0;
/// Slot of the parent interface.
pub const PARENT_SLOT: u32 = 0xb;

fn access_of(region: &Region) -> Access {
    Access { read: true, write: region.writeable != 0, execute: region.executable != 0 }
}

/// Tables that are only needed to write an image.
pub struct Named {
    objects: Vec<Object, { MAX_OBJECTS as usize }>,
    gates: Vec<(u32, u32), { MAX_GATES as usize }>,
}

impl Named {
    /// Empty ones.
    pub const fn new() -> Self {
        Self { objects: Vec::new(), gates: Vec::new() }
    }

    /// Gives every object a number.
    pub fn fill(&mut self, records: &Records) -> Result<()> {
        self.objects.clear();
        self.gates.clear();
        let (ram, caps) = records.quota;
        self.add(0, Role::Quota { ram: ram.into(), caps: caps.into() })?;
        self.add(records.parent, Role::Parent)?;
        for (external, session) in (0..).zip(&records.sessions) {
            let (ram, caps) = (session.ram.into(), session.caps.into());
            self.add(session.badge, Role::Session { external, client_id: session.client_id, ram, caps })?;
            if session.is_timer != 0 {
                let timer = &session.timer;
                let role = Role::Timer {
                    external,
                    armed: timer.armed != 0,
                    elapsed_us: timer.elapsed_us,
                    remaining_us: timer.remaining_us,
                    period_us: timer.period_us,
                };
                self.add(timer.sigh, role)?;
            }
        }
        for (index, dataspace) in (0..).zip(&records.dataspaces) {
            self.add(dataspace.badge, Role::Dataspace(index))?;
        }
        for (index, thread) in (0..).zip(&records.threads) {
            let Some(info) = thread.info else { continue };
            let [thread, irq, gate, cpu_thread, pager] = info.badges;
            self.add(thread, Role::Thread(index))?;
            self.add(irq, Role::ThreadIrq(index))?;
            self.add(gate, Role::ThreadGate(index))?;
            self.add(cpu_thread, Role::CpuThread(index))?;
            self.add(pager, Role::ThreadPager(index))?;
        }
        for (which, badge) in (0..).zip(records.handlers).filter(|(_, badge)| *badge != 0) {
            self.add(badge, Role::Handler(which))?;
        }
        self.add_maps(records)?;
        records.slots.iter().try_for_each(|slot| self.add_slot(slot))
    }

    fn add_maps(&mut self, records: &Records) -> Result<()> {
        for map in &records.maps {
            let external = records.sessions.iter().position(|s| s.client_id == map.client_id).unwrap_or(0);
            let dataspace = records.dataspace(map.info.ds_badge).unwrap_or(0);
            let (external, dataspace, handler) = (external as u32, dataspace as u32, map.info.handler);
            let number = self.objects.len() as u32;
            self.add(map.info.badge, Role::NestedMap { external, dataspace, handler })?;
            for region in records.nested.iter().filter(|region| region.map == map.info.badge) {
                let role = Role::NestedRegion {
                    map: number,
                    dataspace: records.dataspace(region.ds_badge).unwrap_or(0) as u32,
                    addr: region.addr,
                    size_bytes: region.size,
                    offset: region.offset,
                    access: access_of(region),
                };
                self.add(0, role)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, badge: u32, role: Role) -> Result<()> {
        push(&mut self.objects, Object { badge, role }, "objects")
    }

    /// What only slots tell; two slots may hold one object.
    fn add_slot(&mut self, slot: &Slot) -> Result<()> {
        if slot.kind == kind::GATE && !self.gates.iter().any(|(badge, _)| *badge == slot.badge) {
            return push(&mut self.gates, (slot.badge, slot.a), "RPC objects");
        }
        let role = match slot.kind {
            kind::REGION_MAP => Role::RegionMap(slot.a),
            kind::AREA_DATASPACE => Role::AreaDataspace(slot.a),
            kind::NATIVE_PD => Role::NativePd,
            kind::NATIVE_CPU => Role::NativeCpu,
            kind::SIGNAL_SOURCE => Role::SignalSource,
            kind::SEMAPHORE => Role::Semaphore,
            kind::CONTEXT => Role::Context { imprint: slot.a, pending: slot.b },
            _ => return Ok(()),
        };
        let object = Object { badge: slot.badge, role };
        if self.objects.contains(&object) { Ok(()) } else { push(&mut self.objects, object, "objects") }
    }

    /// Number of the object in a slot.
    fn find(&self, slot: &Slot) -> Option<SlotObject> {
        let number = |n: usize| SlotObject::Object(n as u32);
        let find = |fits: &dyn Fn(&Object) -> bool| self.objects.iter().position(fits).map(number);
        let is = |role: Role| find(&move |o: &Object| o.role == role);
        match slot.kind {
            kind::GATE => {
                let n = self.gates.iter().position(|(badge, _)| *badge == slot.badge)?;
                Some(SlotObject::Gate(n as u32))
            }
            kind::FIXED if slot.slot == PARENT_SLOT => is(Role::Parent),
            kind::FIXED => Some(SlotObject::Task),
            kind::PD | kind::CPU | kind::RM_SESSION => {
                find(&|o| matches!(o.role, Role::Session { .. }) && o.badge == slot.badge)
            }
            kind::CALLER => {
                find(&|o| matches!(o.role, Role::Session { .. } | Role::Parent) && o.badge == slot.badge)
            }
            kind::NESTED_MAP => find(&|o| matches!(o.role, Role::NestedMap { .. }) && o.badge == slot.badge),
            kind::CPU_THREAD => is(Role::CpuThread(slot.a)),
            kind::THREAD => is(Role::Thread(slot.a)),
            kind::THREAD_GATE => is(Role::ThreadGate(slot.a)),
            kind::THREAD_IRQ => is(Role::ThreadIrq(slot.a)),
            kind::DATASPACE => find(&|o| matches!(o.role, Role::Dataspace(_)) && o.badge == slot.badge),
            kind::REGION_MAP => is(Role::RegionMap(slot.a)),
            kind::AREA_DATASPACE => is(Role::AreaDataspace(slot.a)),
            kind::NATIVE_PD => is(Role::NativePd),
            kind::NATIVE_CPU => is(Role::NativeCpu),
            kind::SIGNAL_SOURCE => is(Role::SignalSource),
            kind::SEMAPHORE => is(Role::Semaphore),
            kind::CONTEXT => find(&|o| matches!(o.role, Role::Context { .. }) && o.badge == slot.badge),
            _ => None,
        }
    }
}

/// Appends to memory.
pub struct MemorySink<'w, W: World> {
    /// The world.
    pub world: &'w W,
    /// What is left of it.
    pub rest: Span,
    /// Set once something did not fit.
    pub full: bool,
}

impl<W: World> Sink for MemorySink<'_, W> {
    type Error = Infallible;

    fn write(&mut self, bytes: &[u8]) -> core::result::Result<(), Infallible> {
        let length = bytes.len() as u32;
        if self.full || length > self.rest.bytes {
            self.full = true;
            return Ok(());
        }
        self.world.write(self.rest, bytes);
        self.rest = Span { addr: self.rest.addr + length, bytes: self.rest.bytes - length };
        Ok(())
    }
}

type Put = core::result::Result<(), ImageError<Infallible>>;

/// Writes all of a target: its RAM from the copy, the rest from the records.
pub fn write_image<W: World>(
    world: &W,
    records: &Records,
    named: &mut Named,
    (copy, identity): (Span, Identity),
    sink: &mut MemorySink<'_, W>,
    (extents, buffer): (&mut [Extent], &mut [u8]),
) -> Result<Finished> {
    named.fill(records)?;
    let mut writer = Writer::new(&mut *sink, identity, extents);
    let breath = Breath::new(world);
    for (index, dataspace, offset) in records.ram() {
        writer.begin_dataspace(index as u32, dataspace.page_bytes() / PAGE)?;
        let mut done = 0;
        while done < dataspace.page_bytes() {
            let part = (dataspace.page_bytes() - done).min(buffer.len() as u32);
            let piece = &mut buffer[..part as usize];
            world.read(copy.part(offset + done, part).ok_or(Error::Changed("memory"))?, piece);
            writer.pages(piece)?;
            breath.take();
            done += part;
        }
    }
    let mut table = writer.begin_table()?;
    put_target(&mut table, records, &identity)?;
    put_memory(&mut table, records)?;
    put_threads(&mut table, records)?;
    put_objects(&mut table, records, named)?;
    Ok(table.finish()?)
}

fn put_target<S: Sink<Error = Infallible>>(
    table: &mut TableWriter<'_, S>,
    records: &Records,
    identity: &Identity,
) -> Put {
    let badge = |name: &str| {
        let session = records.sessions.iter().find(|s| s.service.starts_with(name.as_bytes()));
        session.map_or(0, |s| s.badge)
    };
    let target = Target {
        name: records.name,
        abi: identity.abi,
        quota_pages: records.quota.0 / PAGE,
        badge: badge("PD\0"),
        clock_us: records.clock_us,
        generation: identity.generation,
        clones: records.clones,
    };
    table.put(PD, &target)?;
    for session in &records.sessions {
        let name = |padded| Name::from_padded(padded).map_err(ImageError::Refused);
        table.put(0, &External { service: name(session.service)?, session: name(session.label)? })?;
    }
    Ok(())
}

fn put_memory<S: Sink<Error = Infallible>>(table: &mut TableWriter<'_, S>, records: &Records) -> Put {
    for dataspace in &records.dataspaces {
        let content = match dataspace.content {
            Content::Ram(_) => Saved::Ram,
            Content::Rom(module, hash) => Saved::Rom { module, hash },
            Content::Managed => Saved::Managed,
        };
        table.put(0, &thaw_image::Dataspace { size_bytes: dataspace.bytes.into(), content })?;
    }
    for region in &records.regions {
        let saved = thaw_image::Region {
            addr: region.addr,
            size_bytes: region.size,
            dataspace: records.dataspace(region.ds_badge).unwrap_or(0) as u32,
            offset: region.offset.into(),
            access: access_of(region),
        };
        table.put(PD, &saved)?;
    }
    Ok(())
}

fn put_threads<S: Sink<Error = Infallible>>(table: &mut TableWriter<'_, S>, records: &Records) -> Put {
    for thread in &records.threads {
        table.put(PD, &saved_thread(thread, records)?)?;
    }
    for (client, thread) in records.live() {
        let Activity { kind, peer: server, tag, .. } = thread.state.activity;
        if kind == activity_kind::CALL_DELIVERED {
            table.put(0, &Link { client, server, tag, shadow: client })?;
        }
    }
    let queue = queue(records);
    for (n, (receiver, _, sender)) in queue.iter().enumerate() {
        let position = queue[..n].iter().filter(|q| q.0 == *receiver).count() as u32;
        let Activity { tag, label, .. } = records.threads[*sender as usize].state.activity;
        table.put(0, &Queued { receiver: *receiver, position, sender: *sender, tag, label })?;
    }
    Ok(())
}

/// Receiver, place, sender of every queued message, in order.
fn queue(records: &Records) -> Vec<(u32, u32, u32), { MAX_THREADS as usize }> {
    let queued = records.live().filter(|(_, t)| t.state.activity.kind == activity_kind::SEND_QUEUED);
    let mut queue: Vec<_, { MAX_THREADS as usize }> =
        queued.map(|(i, t)| (t.state.activity.peer, t.state.activity.position, i)).collect();
    queue.sort_unstable();
    queue
}

fn saved_thread(
    thread: &Thread,
    records: &Records,
) -> core::result::Result<thaw_image::Thread, ImageError<Infallible>> {
    let Some(info) = thread.info else { return Ok(thaw_image::Thread::HOLE) };
    let irq_of = |slot| records.irqs.iter().position(|(s, _)| *s == slot).map(|n| n as u32);
    let state = &thread.state;
    let life =
        if info.started != 0 { Life::Live(to_saved(&state.activity, &irq_of)) } else { Life::NeverStarted };
    Ok(thaw_image::Thread {
        state: life,
        name: Name::from_padded(info.name).map_err(ImageError::Refused)?,
        priority: info.priority,
        affinity: Affinity { offset: info.xpos, mask: 1 },
        utcb_addr: info.utcb,
        pager: Pager::Platform,
        handler: Pager::Platform,
        frame: saved_frame(&state.frame),
        vfp: Vfp { d: state.vfp.d, fpscr: state.vfp.fpscr },
        utcb: state.utcb,
    })
}

fn put_objects<S: Sink<Error = Infallible>>(
    table: &mut TableWriter<'_, S>,
    records: &Records,
    named: &Named,
) -> Put {
    for (badge, thread) in &named.gates {
        table.put(PD, &Gate { badge: *badge, thread: Some(*thread) })?;
    }
    for (slot, pending) in &records.irqs {
        table.put(PD, &Irq { badge: *slot, thread: None, pending: *pending })?;
    }
    for object in &named.objects {
        table.put(PD, object)?;
    }
    let rights = Rights::from_bits(Rights::R | Rights::W | Rights::S).unwrap_or_default();
    for slot in &records.slots {
        // The scan has refused what has no number.
        let object = named.find(slot).unwrap_or(SlotObject::Task);
        table.put(PD, &thaw_image::Slot { slot: slot.slot, object, badge: slot.badge, rights })?;
    }
    Ok(())
}
