//! A restore from the image to the commit.

use heapless::Vec;
use thaw_component::service::{Session, ThreadState};
use thaw_image::{Abi, Architecture, Encoding, Expect, Extent, Name};
use thaw_protocol::activity_kind;

use crate::calls::Calls;
use crate::checkpoint::{Breath, Machine, Tables, end_views};
use crate::decode::{InMemory, read_image};
use crate::encode::PARENT_SLOT;
use crate::error::{Error, Result};
use crate::records::{Content, MAPS_MAX, PAGE, Records, SESSIONS_MAX};
use crate::scan::{self, RomHashes};
use crate::world::{
    Attachment, CLOSED_CONFIG, CoreResult, Handle, SessionInfo, Slot, Span, Wish, World, kind,
};

/// Where Genode on this architecture has the nested region maps: number, address, bytes (0: all of the map).
const AREAS: [(u32, u32, u32); 2] = [(1, 0x4000_0000, 0x1000_0000), (2, 0x0100_0000, 0)];
/// Bytes of the linker area at most.
const LINKER_AREA_BYTES: u32 = 320 << 20;
/// Client ids of the environment's sessions.
const ENV_SESSIONS: core::ops::RangeInclusive<u32> = 1..=5;
/// The thread that receives signals, in every component of Genode.
const SIGNAL_HANDLER: &[u8] = b"signal handler\0";

/// Region map of an address.
pub fn map_of(addr: u32) -> u32 {
    match addr {
        0x4000_0000..0x5000_0000 => 1,
        a if (0x0100_0000..0x0100_0000 + LINKER_AREA_BYTES).contains(&a) => 2,
        _ => 0,
    }
}

/// What a restore did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Restored {
    /// Number of the checkpoint.
    pub generation: u64,
    /// How often the target was restored, this time among them.
    pub clones: u32,
    /// Bytes of the target's RAM.
    pub ram_bytes: u32,
    /// Threads that go on.
    pub threads: u32,
    /// Dataspaces of the target.
    pub dataspaces: u32,
    /// From the verified image to the commit, microseconds.
    pub us: u64,
}

/// Destroys what was made unless it is kept.
struct Building<'w, W: World>(&'w W);

impl<W: World> Building<'_, W> {
    fn keep(self) {
        core::mem::forget(self);
    }
}

impl<W: World> Drop for Building<'_, W> {
    fn drop(&mut self) {
        self.0.destroy();
        self.0.freeze(false);
    }
}

/// Makes the target of an image and lets it go on. On an error nothing of it is left.
///
/// Whatever had the badges of the image before must be destroyed already.
pub fn restore<W: World>(world: &W, tables: &mut Tables, machine: &Machine, image: Span) -> Result<Restored> {
    let expect = Expect {
        architecture: Some(Architecture::Arm32),
        abi: Some(Abi::G),
        board: Some((0, machine.board)),
        ..Expect::ANY
    };
    let mut source = InMemory { world, span: image, breath: Breath::new(world) };
    let verified = thaw_image::verify(&mut source, &expect, &mut tables.buffer)?;
    let made_by = verified.header().identity.kernel;
    if made_by != machine.kernel {
        return Err(Error::System(made_by));
    }
    let extents = read_image(&verified, &mut source, &mut tables.records, &mut tables.extents)?;
    let mut name = [0; 32];
    world.target(&mut name);
    if *tables.records.name.as_padded() != name {
        return Err(Error::Other(tables.records.name));
    }
    let begin = world.now_us();
    world.freeze(true);
    let building = Building(world);
    let id = make(world, &tables.records)?;
    check_roms(world, &tables.records, &mut tables.rom_hashes, &mut tables.buffer)?;
    let memory = make_memory(world, &tables.records)?;
    fill(&source, (&tables.records, &memory.ram), &tables.extents[..extents])?;
    make_executable(world, &tables.records, &memory.ram);
    make_objects(world, &tables.records, &memory)?;
    let calls = Calls::new(world, id);
    let engine = |what| move |e| Error::Engine(what, e);
    let live = tables.records.live().fold(0u64, |mask, (i, _)| mask | 1 << i);
    let session = Session::open(&calls, ()).map_err(engine("opening the target"))?;
    let prepared = session.prepare(live).map_err(engine("preparing threads"))?;
    for (index, thread) in tables.records.live() {
        prepared.set_thread(index, &thread.state).map_err(engine("setting a thread"))?;
    }
    for (slot, pending) in tables.records.irqs.iter().filter(|(_, pending)| *pending != 0) {
        prepared.set_irq(*slot, *pending).map_err(engine("setting an IRQ"))?;
    }
    prepared.commit().map_err(engine("starting threads"))?;
    building.keep();
    world.freeze(false);
    let us = world.now_us() - begin;
    // The target goes on meanwhile.
    end_views(world);
    Ok(Restored {
        generation: verified.header().identity.generation,
        clones: tables.records.clones,
        ram_bytes: tables.records.ram_bytes(),
        threads: live.count_ones(),
        dataspaces: tables.records.dataspaces.len() as u32,
        us,
    })
}

/// Makes an empty PD with all sessions.
fn make<W: World>(world: &W, records: &Records) -> Result<u32> {
    let mut wishes = Vec::<Wish, SESSIONS_MAX>::new();
    for (n, session) in records.sessions.iter().enumerate() {
        let dataspace = rom_of(records, n);
        // There are as many places as sessions.
        let _ = wishes.push(Wish { client_id: session.client_id, badge: session.badge, dataspace });
    }
    let (ram, caps) = records.quota;
    world.quota(ram, caps);
    world.wish(records.parent, &wishes).map_err(|e| Error::World("badges", 0, e))?;
    let id = world.make().map_err(|e| Error::World("making the target", 0, e))?;
    for session in records.sessions.iter().filter(|s| is_opened(s.client_id)) {
        make_session(world, session)?;
    }
    Ok(id)
}

/// Opens a session, which must have the badge that the target knows.
fn make_session<W: World>(world: &W, session: &SessionInfo) -> Result<()> {
    let service = Name::from_padded(session.service).map_err(|_| Error::Unnamed("service"))?;
    world.make_session(session).map_err(|why| Error::NoSession(service, why))?;
    let mut open = (0..).map(|n| world.session(n)).take_while(|s| s.origin != 0);
    let badge = open.find(|s| s.client_id == session.client_id).map_or(0, |s| s.badge);
    let other = Error::NoSession(service, CoreResult(CoreResult::NOT_FOUND));
    if badge == session.badge { Ok(()) } else { Err(other) }
}

/// Whether the target itself opened the session.
fn is_opened(client_id: u32) -> bool {
    client_id != CLOSED_CONFIG && !ENV_SESSIONS.contains(&client_id)
}

/// The sessions of a module, in order.
fn sessions_of(records: &Records, module: [u8; 32]) -> impl Iterator<Item = (usize, &SessionInfo)> {
    let is = move |s: &SessionInfo| s.service.starts_with(b"ROM\0") && s.label == module;
    records.sessions.iter().enumerate().filter(move |(_, s)| is(s))
}

/// The dataspaces of a module, in the order of its sessions: one for each, or one for all of them.
fn dataspaces_of(records: &Records, module: [u8; 32]) -> impl Iterator<Item = (usize, u32)> {
    let is = move |content: &Content| matches!(content, Content::Rom(name, _) if *name.as_padded() == module);
    records.dataspaces.iter().enumerate().filter(move |(_, d)| is(&d.content)).map(|(n, d)| (n, d.badge))
}

/// Badge of the dataspace of session number `n`, 0 if it is none of ROM.
fn rom_of(records: &Records, n: usize) -> u32 {
    let module = records.sessions[n].label;
    let place = sessions_of(records, module).position(|(at, _)| at == n);
    let of_place = |place| dataspaces_of(records, module).take(place + 1).last();
    place.and_then(of_place).map_or(0, |(_, badge)| badge)
}

/// The session whose module dataspace number `n` is.
fn session_of(records: &Records, n: usize, module: &Name) -> Option<u32> {
    let module = *module.as_padded();
    let place = dataspaces_of(records, module).position(|(at, _)| at == n)?;
    sessions_of(records, module).nth(place).map(|(_, s)| s.client_id)
}

/// The modules are those of the checkpoint; nobody runs yet who could close them.
fn check_roms<W: World>(
    world: &W,
    records: &Records,
    known: &mut RomHashes,
    buffer: &mut [u8],
) -> Result<()> {
    for (n, dataspace) in records.dataspaces.iter().enumerate() {
        let Content::Rom(name, hash) = dataspace.content else { continue };
        let client_id = session_of(records, n, &name).ok_or(Error::NoRom(name))?;
        let mut sessions = (0..).map(|n| world.session(n)).take_while(|s| s.origin != 0);
        let session = sessions.find(|s| s.client_id == client_id).ok_or(Error::NoRom(name))?;
        if scan::hash_rom(world, session.rom, dataspace.bytes, buffer) != Some(hash) {
            return Err(Error::Rom(name));
        }
        known.keep(session.rom_id, dataspace.bytes, hash);
    }
    Ok(())
}

/// Capability and view of each dataspace.
type Ram = Vec<(Handle, Span), { thaw_image::MAX_DATASPACES as usize }>;

/// The memory that was made: dataspaces and the region maps of RM sessions, in the order of the records.
struct Memory {
    ram: Ram,
    maps: Vec<Handle, MAPS_MAX>,
}

fn make_memory<W: World>(world: &W, records: &Records) -> Result<Memory> {
    let (maps, managed) = make_maps(world, records)?;
    let mut made = Ram::new();
    for (n, dataspace) in records.dataspaces.iter().enumerate() {
        let refused = |e| Error::World("dataspace", dataspace.badge, e);
        let entry = match dataspace.content {
            Content::Ram(_) => world.ram(dataspace.page_bytes(), dataspace.badge).map_err(refused)?,
            Content::Rom(name, _) => {
                let client_id = session_of(records, n, &name).ok_or(Error::NoRom(name))?;
                (world.rom(client_id).map_err(refused)?, Span::default())
            }
            Content::Managed => {
                let map = records.maps.iter().position(|map| map.info.ds_badge == dataspace.badge);
                let handle = map.and_then(|map| managed.get(map)).copied();
                (handle.ok_or(Error::Unsupported("managed dataspace", dataspace.badge))?, Span::default())
            }
        };
        // There are as many places as dataspaces.
        let _ = made.push(entry);
    }
    for (map, at, size) in AREAS {
        let badge = badge_of(records, kind::AREA_DATASPACE, map);
        let area =
            world.object(kind::AREA_DATASPACE, map, badge).map_err(|e| Error::World("area", map, e))?;
        let attachment =
            Attachment { map: 0, at, size, offset: 0, writeable: 1, executable: u32::from(map == 2) };
        world.attach(area, &attachment).map_err(|e| Error::World("area at", at, e))?;
    }
    for region in &records.regions {
        let base = AREAS.iter().find(|(map, ..)| *map == region.map).map_or(0, |(_, at, _)| *at);
        let attachment = Attachment {
            map: region.map,
            at: region.addr - base,
            size: region.size,
            offset: region.offset,
            writeable: region.writeable,
            executable: region.executable,
        };
        let handle = made[region.ds_badge as usize].0;
        world.attach(handle, &attachment).map_err(|e| Error::World("region at", region.addr, e))?;
    }
    for region in &records.nested {
        let map = maps[records.map(region.map).ok_or(Error::Unsupported("region", region.addr))?];
        let attachment = Attachment {
            map: 0,
            at: region.addr,
            size: region.size,
            offset: region.offset,
            writeable: region.writeable,
            executable: region.executable,
        };
        let (dataspace, _) = made[region.ds_badge as usize];
        let attached = world.attach_nested(map, dataspace, &attachment);
        attached.map_err(|e| Error::World("region of a region map at", region.addr, e))?;
    }
    Ok(Memory { ram: made, maps })
}

/// Makes the region maps of RM sessions, the oldest first: they and their dataspaces, in the order of the records.
fn make_maps<W: World>(
    world: &W,
    records: &Records,
) -> Result<(Vec<Handle, MAPS_MAX>, Vec<Handle, MAPS_MAX>)> {
    let (mut maps, mut dataspaces) = (Vec::new(), Vec::new());
    for map in records.maps.iter().rev() {
        let made = world.make_map(map.client_id, &map.info);
        let (handle, dataspace) = made.map_err(|e| Error::World("region map", map.info.badge, e))?;
        // There are as many places as maps.
        let _ = (maps.push(handle), dataspaces.push(dataspace));
    }
    maps.reverse();
    dataspaces.reverse();
    Ok((maps, dataspaces))
}

/// Badge of an object that slots hold, 0 if none does.
fn badge_of(records: &Records, kind: u32, a: u32) -> u32 {
    records.slots.iter().find(|s| s.kind == kind && s.a == a).map_or(0, |s| s.badge)
}

/// Copies the pages of the image, which was verified and is in memory of our own. New RAM is zero.
fn fill<W: World>(
    source: &InMemory<'_, W>,
    (records, ram): (&Records, &Ram),
    extents: &[Extent],
) -> Result<()> {
    for extent in extents.iter().filter(|extent| extent.encoding != Encoding::Zero) {
        let index = extent.dataspace as usize;
        let (Some((_, span)), true) = (ram.get(index), index < records.dataspaces.len()) else { continue };
        let from =
            u32::try_from(extent.offset).ok().and_then(|at| source.span.part(at, extent.stored_length));
        let to = span.part(extent.first_page * PAGE, extent.stored_length);
        let (Some(from), Some(to)) = (from, to) else { return Err(Error::Changed("memory")) };
        source.world.copy(to, from);
    }
    Ok(())
}

/// Code that was copied is written to where instructions are fetched from.
fn make_executable<W: World>(world: &W, records: &Records, ram: &Ram) {
    // Regions of an image name dataspaces by their numbers.
    for region in records.regions.iter().chain(&records.nested).filter(|region| region.executable != 0) {
        match ram.get(region.ds_badge as usize) {
            Some((_, span)) if span.bytes != 0 => world.coherent(*span),
            _ => {}
        }
    }
}

/// Threads, then everything that slots hold.
fn make_objects<W: World>(world: &W, records: &Records, memory: &Memory) -> Result<()> {
    for (index, thread) in (0..).zip(&records.threads) {
        if let Some(info) = &thread.info {
            world.make_thread(index, info).map_err(|e| Error::World("thread", index, e))?;
        }
    }
    let mut made = Vec::<(u32, u32, Handle), { crate::records::SLOTS_MAX }>::new();
    // The source comes before its contexts, the semaphore after all.
    let order = |slot: &&Slot| match slot.kind {
        kind::SIGNAL_SOURCE => 0,
        kind::SEMAPHORE => 2,
        _ => 1,
    };
    for turn in 0..3 {
        for slot in records.slots.iter().filter(|slot| order(slot) == turn && slot.slot != PARENT_SLOT) {
            let known = made.iter().find(|(kind, badge, _)| (*kind, *badge) == (slot.kind, slot.badge));
            let handle = match known {
                Some((.., handle)) if slot.badge != 0 => *handle,
                _ => make_object(world, records, memory, slot)
                    .map_err(|e| Error::World("object of slot", slot.slot, e))?,
            };
            if slot.badge != 0 {
                // There are as many places as slots.
                let _ = made.push((slot.kind, slot.badge, handle));
            }
            world.install(slot.slot, handle).map_err(|e| Error::World("slot", slot.slot, e))?;
        }
    }
    for session in records.sessions.iter().filter(|s| s.is_timer != 0) {
        let sigh = made.iter().find(|(k, badge, _)| *k == kind::CONTEXT && *badge == session.timer.sigh);
        let timer = world.set_timer(session.client_id, &session.timer, sigh.map(|(.., handle)| *handle));
        timer.map_err(|e| Error::World("timer session", session.client_id, e))?;
    }
    // A context that is not among them was destroyed by the target, and nobody is told.
    let context = |badge: u32| {
        let found = made.iter().find(|(kind, b, _)| (*kind, *b) == (kind::CONTEXT, badge));
        found.filter(|_| badge != 0).map(|(.., handle)| *handle)
    };
    for (map, handle) in records.maps.iter().zip(&memory.maps) {
        if let Some(sigh) = context(map.info.handler) {
            let set = world.fault_handler(*handle, sigh);
            set.map_err(|e| Error::World("fault handler of region map", map.info.badge, e))?;
        }
    }
    for (which, badge) in (0..).zip(records.handlers) {
        if let Some(sigh) = context(badge) {
            let set = world.set_handler(which, sigh);
            set.map_err(|e| Error::World("signal handler number", which, e))?;
        }
    }
    Ok(())
}

fn semaphore_badge(records: &Records) -> u32 {
    records.slots.iter().find(|slot| slot.kind == kind::SEMAPHORE).map_or(0, |slot| slot.badge)
}

fn make_object<W: World>(
    world: &W,
    records: &Records,
    memory: &Memory,
    slot: &Slot,
) -> core::result::Result<Handle, CoreResult> {
    match slot.kind {
        kind::PD | kind::CPU | kind::CALLER | kind::RM_SESSION => world.session_handle(slot.a),
        kind::NESTED_MAP => {
            let map = records.map(slot.badge).and_then(|map| memory.maps.get(map));
            map.copied().ok_or(CoreResult(CoreResult::NOT_FOUND))
        }
        kind::GATE => world.gate(slot.a, slot.badge),
        kind::CONTEXT => world.context(slot.a, slot.badge, slot.b),
        kind::SIGNAL_SOURCE => world.signal_source(slot.badge, semaphore_badge(records)),
        kind::SEMAPHORE => world.semaphore(signal_handler(records, slot.slot)),
        kind::DATASPACE => memory
            .ram
            .get(slot.a as usize)
            .map(|(handle, _)| *handle)
            .ok_or(CoreResult(CoreResult::NOT_FOUND)),
        // Threads have their badges already, area dataspaces got them with the memory.
        kind::CPU_THREAD | kind::THREAD | kind::THREAD_GATE | kind::THREAD_IRQ | kind::AREA_DATASPACE => {
            world.object(slot.kind, slot.a, 0)
        }
        kind::REGION_MAP | kind::NATIVE_PD | kind::NATIVE_CPU => world.object(slot.kind, slot.a, slot.badge),
        _ => Err(CoreResult(CoreResult::NOT_FOUND)),
    }
}

/// The thread that waits at the semaphore, or will: the one that Genode names so.
fn signal_handler(records: &Records, semaphore: u32) -> u32 {
    let waits = |state: &ThreadState| {
        state.activity.kind == activity_kind::IRQ_WAIT && state.activity.selector >> 12 == semaphore
    };
    let named = |t: &crate::records::Thread| t.info.is_some_and(|info| info.name.starts_with(SIGNAL_HANDLER));
    let mut live = records.live();
    let waiting = live.find(|(_, t)| waits(&t.state)).map(|(index, _)| index);
    waiting.or_else(|| records.live().find(|(_, t)| named(t)).map(|(index, _)| index)).unwrap_or(0)
}
