//! From a verified image to the records, refusing what this component cannot make.

use core::convert::Infallible;

use thaw_component::activity::from_saved;
use thaw_component::decode::frame;
use thaw_component::service::ThreadState;
use thaw_image::{
    Body, Extent, Kind, MAX_OBJECTS, Object, Pager, Role, SlotObject, Source, ThreadState as Life, Verified,
};
use thaw_l4::Vfp;

use crate::checkpoint::Breath;
use crate::error::{Error, Result};
use crate::records::{Content, Dataspace, Map, Records, Thread, push};
use crate::world::{Nested, Region, SessionInfo, Slot, Span, ThreadInfo, TimerInfo, World, kind};

/// An image in our memory.
pub struct InMemory<'w, W: World> {
    /// The world.
    pub world: &'w W,
    /// The image.
    pub span: Span,
    /// Whoever reads hashes, too.
    pub breath: Breath<'w, W>,
}

impl<W: World> Source for InMemory<'_, W> {
    type Error = Infallible;

    fn len(&mut self) -> core::result::Result<u64, Infallible> {
        Ok(self.span.bytes.into())
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> core::result::Result<(), Infallible> {
        // Readers stay below `len`; what is beyond would read as zero and fail its hash.
        let part = u32::try_from(offset).ok().and_then(|o| self.span.part(o, bytes.len() as u32));
        match part {
            Some(part) => self.world.read(part, bytes),
            None => bytes.fill(0),
        }
        self.breath.take();
        Ok(())
    }
}

/// Reading: what later records refer to.
struct Reader<'t> {
    records: &'t mut Records,
    gates: heapless::Vec<(u32, u32), { thaw_image::MAX_GATES as usize }>,
    objects: heapless::Vec<Object, { MAX_OBJECTS as usize }>,
}

/// Fills records and extent table; returns how many extents there are.
pub fn read_image<W: World>(
    image: &Verified,
    source: &mut InMemory<'_, W>,
    records: &mut Records,
    extents: &mut [Extent],
) -> Result<usize> {
    records.clear();
    let count = image.summary().count(Kind::Extent) as usize;
    if count > extents.len() {
        return Err(Error::TooMany("runs of pages", extents.len() as u32));
    }
    let mut reader = Reader { records, gates: heapless::Vec::new(), objects: heapless::Vec::new() };
    let mut cursor = image.records();
    while let Some(record) = cursor.next(source)? {
        match record.body {
            Body::Extent(extent) => extents[record.index as usize] = extent,
            body => reader.take(record.index, &body)?,
        }
    }
    Ok(count)
}

impl Reader<'_> {
    fn take(&mut self, index: u32, body: &Body) -> Result<()> {
        let records = &mut *self.records;
        match body {
            Body::Target(target) if index == 0 => {
                records.name = target.name;
                records.clock_us = target.clock_us;
                records.clones = target.clones.saturating_add(1);
                Ok(())
            }
            Body::External(external) => {
                let (service, label) = (*external.service.as_padded(), *external.session.as_padded());
                let session = SessionInfo { origin: 2, service, label, ..SessionInfo::default() };
                push(&mut records.sessions, session, "sessions")
            }
            Body::Dataspace(dataspace) => self.take_dataspace(index, dataspace),
            Body::Region(region) => self.take_region(index, region),
            Body::Thread(thread) => self.take_thread(index, thread),
            Body::Gate(gate) => {
                let thread = gate.thread.ok_or(Error::Unsupported("gate without thread", index))?;
                push(&mut self.gates, (gate.badge, thread), "RPC objects")
            }
            Body::Irq(irq) => push(&mut records.irqs, (irq.badge, irq.pending), "IRQs"),
            Body::Object(object) => self.take_object(index, object),
            Body::Slot(slot) => self.take_slot(slot),
            // The threads' activities say the same; the rules of the image see to that.
            Body::Link(_) | Body::Queued(_) => Ok(()),
            _ => Err(Error::Unsupported("protection domain", index)),
        }
    }

    fn take_dataspace(&mut self, index: u32, dataspace: &thaw_image::Dataspace) -> Result<()> {
        let bytes =
            u32::try_from(dataspace.size_bytes).map_err(|_| Error::Unsupported("dataspace", index))?;
        let content = match dataspace.content {
            thaw_image::Content::Ram => Content::Ram(self.records.ram_bytes()),
            thaw_image::Content::Rom { module, hash } => Content::Rom(module, hash),
            thaw_image::Content::Managed => Content::Managed,
        };
        push(
            &mut self.records.dataspaces,
            crate::records::Dataspace { badge: 0, bytes, content },
            "dataspaces",
        )
    }

    fn take_region(&mut self, index: u32, region: &thaw_image::Region) -> Result<()> {
        let offset = u32::try_from(region.offset).map_err(|_| Error::Unsupported("region", index))?;
        let region = Region {
            addr: region.addr,
            size: region.size_bytes,
            offset,
            // Dataspaces get their badges from the objects, which come later.
            ds_badge: region.dataspace,
            writeable: region.access.write.into(),
            executable: region.access.execute.into(),
            map: crate::restore::map_of(region.addr),
            ..Region::default()
        };
        push(&mut self.records.regions, region, "regions")
    }

    fn take_thread(&mut self, index: u32, thread: &thaw_image::Thread) -> Result<()> {
        let unsupported = Error::Unsupported("thread", index);
        let started = match thread.state {
            Life::Hole => {
                let hole = Thread { info: None, state: ThreadState::ZERO };
                return push(&mut self.records.threads, hole, "threads");
            }
            Life::NeverStarted => 0,
            Life::Live(_) => 1,
            Life::Dead => return Err(unsupported),
        };
        if (thread.pager, thread.handler) != (Pager::Platform, Pager::Platform) {
            return Err(unsupported);
        }
        let info = ThreadInfo {
            started,
            priority: thread.priority,
            xpos: thread.affinity.offset,
            utcb: thread.utcb_addr,
            name: *thread.name.as_padded(),
            ..ThreadInfo::default()
        };
        let mut state = ThreadState::ZERO;
        if let Some(activity) = thread.state.activity() {
            state.activity = from_saved(&activity).ok_or(unsupported)?;
            state.frame = frame(&thread.frame);
            state.vfp = Vfp { d: thread.vfp.d, fpscr: thread.vfp.fpscr };
            state.utcb = thread.utcb;
        }
        push(&mut self.records.threads, Thread { info: Some(info), state }, "threads")
    }

    fn take_object(&mut self, index: u32, object: &Object) -> Result<()> {
        let (records, badge) = (&mut *self.records, object.badge);
        let word = |value: u64| u32::try_from(value).map_err(|_| Error::Unsupported("object", index));
        // Records named by an object exist: the rules of the image see to that.
        match object.role {
            Role::NativeSemaphore { .. } => return Err(Error::Unsupported("semaphore", index)),
            Role::Quota { ram, caps } => records.quota = (word(ram)?, word(caps)?),
            Role::Parent => records.parent = badge,
            Role::Session { external, client_id, ram, caps } => {
                let session = &mut records.sessions[external as usize];
                (session.client_id, session.badge) = (client_id, badge);
                (session.ram, session.caps) = (word(ram)?, word(caps)?);
            }
            Role::Timer { external, armed, elapsed_us, remaining_us, period_us } => {
                let session = &mut records.sessions[external as usize];
                session.is_timer = 1;
                session.timer =
                    TimerInfo { elapsed_us, remaining_us, period_us, armed: armed.into(), sigh: badge };
            }
            Role::Dataspace(n) => records.dataspaces[n as usize].badge = badge,
            Role::NestedMap { external, dataspace, handler } => {
                let Dataspace { badge: ds_badge, bytes: size, content } =
                    records.dataspaces[dataspace as usize];
                if content != Content::Managed {
                    return Err(Error::Unsupported("region map", index));
                }
                let client_id = records.sessions[external as usize].client_id;
                let info = Nested { badge, ds_badge, size, handler, ..Nested::default() };
                push(&mut records.maps, Map { client_id, info }, "region maps")?;
            }
            Role::NestedRegion { map, dataspace, addr, size_bytes, offset, access } => {
                let map = self.objects.get(map as usize).ok_or(Error::Unsupported("region", index))?.badge;
                records.map(map).ok_or(Error::Unsupported("region", index))?;
                let region = Region {
                    addr,
                    size: size_bytes,
                    offset,
                    ds_badge: dataspace,
                    writeable: access.write.into(),
                    executable: access.execute.into(),
                    map,
                    ..Region::default()
                };
                push(&mut records.nested, region, "regions in region maps")?;
            }
            Role::Handler(which) => records.handlers[which as usize] = badge,
            Role::Thread(n) => self.thread_badge(n, 0, badge),
            Role::ThreadIrq(n) => self.thread_badge(n, 1, badge),
            Role::ThreadGate(n) => self.thread_badge(n, 2, badge),
            Role::CpuThread(n) => self.thread_badge(n, 3, badge),
            Role::ThreadPager(n) => self.thread_badge(n, 4, badge),
            _ => {}
        }
        push(&mut self.objects, *object, "objects")
    }

    fn thread_badge(&mut self, thread: u32, place: usize, badge: u32) {
        if let Some(info) = &mut self.records.threads[thread as usize].info {
            info.badges[place] = badge;
        }
    }

    fn take_slot(&mut self, slot: &thaw_image::Slot) -> Result<()> {
        let unsupported = Error::Unsupported("slot", slot.slot);
        let (kind, a, b) = match slot.object {
            SlotObject::Gate(n) => (kind::GATE, self.gates.get(n as usize).ok_or(unsupported)?.1, 0),
            SlotObject::Object(n) => {
                of_role(self.objects.get(n as usize).ok_or(unsupported)?.role, self.records)
            }
            SlotObject::Task => (kind::FIXED, 0, 0),
            _ => return Err(unsupported),
        };
        let slot = Slot { result: 0, slot: slot.slot, badge: slot.badge, kind, a, b };
        push(&mut self.records.slots, slot, "capabilities")
    }
}

/// Kind and operands of a slot.
fn of_role(role: Role, records: &Records) -> (u32, u32, u32) {
    match role {
        Role::Parent => (kind::FIXED, 0, 0),
        Role::Session { external, client_id, .. } => match records.sessions[external as usize].service {
            [b'P', b'D', 0, ..] => (kind::PD, client_id, 0),
            [b'C', b'P', b'U', 0, ..] => (kind::CPU, client_id, 0),
            [b'R', b'M', 0, ..] => (kind::RM_SESSION, client_id, 0),
            _ => (kind::CALLER, client_id, 0),
        },
        Role::NestedMap { .. } => (kind::NESTED_MAP, 0, 0),
        Role::RegionMap(map) => (kind::REGION_MAP, map, 0),
        Role::AreaDataspace(map) => (kind::AREA_DATASPACE, map, 0),
        Role::NativePd => (kind::NATIVE_PD, 0, 0),
        Role::NativeCpu => (kind::NATIVE_CPU, 0, 0),
        Role::Dataspace(n) => (kind::DATASPACE, n, 0),
        Role::CpuThread(n) => (kind::CPU_THREAD, n, 0),
        Role::Thread(n) => (kind::THREAD, n, 0),
        Role::ThreadGate(n) => (kind::THREAD_GATE, n, 0),
        Role::ThreadIrq(n) => (kind::THREAD_IRQ, n, 0),
        Role::SignalSource => (kind::SIGNAL_SOURCE, 0, 0),
        Role::Semaphore => (kind::SEMAPHORE, 0, 0),
        Role::Context { imprint, pending } => (kind::CONTEXT, imprint, pending),
        Role::Quota { .. }
        | Role::Timer { .. }
        | Role::ThreadPager(_)
        | Role::NativeSemaphore { .. }
        | Role::NestedRegion { .. }
        | Role::Handler(_) => (kind::UNKNOWN, 0, 0),
    }
}
