//! Looking at a target: everything it has, refused by name where it cannot be saved.

use thaw_component::service::ThreadState;
use thaw_image::{Digest, Hasher, Name};

use crate::error::{Error, Result};
use crate::records::{Content, MAPS_MAX, Map, Records, SESSIONS_MAX, Thread, push};
use crate::world::{CoreResult, SessionInfo, Slot, ThreadInfo, World, kind, memory, policy};

/// Client id of the environment's session for the dynamic linker.
const LINKER_SESSION: u32 = 5;
/// Origin of a session of the environment.
const ENVIRONMENT: u32 = 1;
/// Region map of what the dynamic linker loads.
const LINKER_AREA: u32 = 2;

/// Fills the tables with what the target has; its threads' states and memory come later.
pub fn scan<W: World>(world: &W, records: &mut Records) -> Result<()> {
    records.clear();
    let mut name = [0; 32];
    records.quota = world.target(&mut name);
    records.name = Name::from_padded(name).map_err(|_| Error::Unnamed("target"))?;
    records.parent = world.parent();
    records.handlers = world.handlers();
    let announced = Name::from_padded(world.announced()).map_err(|_| Error::Unnamed("service"))?;
    if announced != Name::EMPTY {
        return Err(Error::Announces(announced));
    }
    sessions(world, records)?;
    maps(world, records)?;
    regions(world, records)?;
    if is_starting(records) {
        return Err(Error::Starting);
    }
    nested_regions(world, records)?;
    slots(world, records)?;
    threads(world, records)
}

fn sessions<W: World>(world: &W, records: &mut Records) -> Result<()> {
    for n in 0.. {
        let session = world.session(n);
        if session.origin == 0 {
            break;
        }
        Name::from_padded(session.label).map_err(|_| Error::Unnamed("session"))?;
        check_session(&session)?;
        push(&mut records.sessions, session, "sessions")?;
        if session.ds_badge != 0 {
            // Even if the target does not use it: the order of modules tells which session each is of.
            let content = Content::Rom(rom_name(&session.label)?, Digest::NONE);
            records.add_dataspace(session.ds_badge, session.rom.bytes, Some(content))?;
        }
    }
    Ok(())
}

/// Whether there is a dynamic linker and nothing in its area: nobody tells whether that is attached already, and a
/// restore attaches it.
fn is_starting(records: &Records) -> bool {
    records.sessions.iter().any(|s| s.client_id == LINKER_SESSION)
        && !records.regions.iter().any(|r| r.map == LINKER_AREA)
}

/// Refuses sessions that could not be opened again as they are.
fn check_session(session: &SessionInfo) -> Result<()> {
    let service = Name::from_padded(session.service).map_err(|_| Error::Unnamed("service"))?;
    let is_second = session.service.starts_with(b"PD\0") || session.service.starts_with(b"CPU\0");
    if is_second && session.origin != ENVIRONMENT {
        return Err(Error::Second(service));
    }
    match session.policy {
        policy::OURS | policy::FORWARDED => Ok(()),
        policy::HOLDING => Err(Error::Holding(service)),
        policy::WITH_ARGUMENTS => Err(Error::Arguments(service)),
        _ => Err(Error::Session(service)),
    }
}

fn regions<W: World>(world: &W, records: &mut Records) -> Result<()> {
    for n in 0.. {
        let region = world.region(n);
        match region.result {
            CoreResult::OK => {}
            CoreResult::NOT_FOUND => break,
            result => return Err(Error::World("region", n, CoreResult(result))),
        }
        add_memory(records, region.ds_badge, region.ds_size, (region.addr, region.memory))?;
        push(&mut records.regions, region, "regions")?;
    }
    Ok(())
}

/// Whether it is a session for region maps.
fn is_rm(session: &SessionInfo) -> bool {
    session.service.starts_with(b"RM\0")
}

/// All region maps of RM sessions, session by session.
fn each_map<W: World>(world: &W, records: &Records, mut each: impl FnMut(Map) -> Result<()>) -> Result<()> {
    for session in records.sessions.iter().filter(|s| is_rm(s)) {
        for n in 0.. {
            let info = world.nested(session.client_id, n);
            match info.result {
                // Its thread could not be stopped: the fault would be told once more.
                CoreResult::OK if info.faulters != 0 => return Err(Error::Faulting(info.badge)),
                CoreResult::OK => each(Map { client_id: session.client_id, info })?,
                CoreResult::NOT_FOUND => break,
                result => return Err(Error::World("region map", n, CoreResult(result))),
            }
        }
    }
    Ok(())
}

fn maps<W: World>(world: &W, records: &mut Records) -> Result<()> {
    let mut maps = heapless::Vec::<Map, MAPS_MAX>::new();
    each_map(world, records, |map| push(&mut maps, map, "region maps"))?;
    for map in &maps {
        records.add_dataspace(map.info.ds_badge, map.info.size, Some(Content::Managed))?;
    }
    records.maps = maps;
    Ok(())
}

fn nested_regions<W: World>(world: &W, records: &mut Records) -> Result<()> {
    for map in 0..records.maps.len() {
        let badge = records.maps[map].info.badge;
        for n in 0.. {
            let region = world.nested_region(badge, n);
            match region.result {
                CoreResult::OK => {}
                CoreResult::NOT_FOUND => break,
                result => return Err(Error::World("region", n, CoreResult(result))),
            }
            add_memory(records, region.ds_badge, region.ds_size, (region.addr, region.memory))?;
            push(&mut records.nested, region, "regions in region maps")?;
        }
    }
    Ok(())
}

fn add_memory(records: &mut Records, badge: u32, bytes: u32, (at, kind): (u32, u32)) -> Result<()> {
    // Modules and region maps are there already; the hash of a module comes later: it takes time.
    let known = records.dataspace(badge).map(|n| records.dataspaces[n].content);
    match known {
        Some(Content::Rom(..)) => Ok(()),
        Some(Content::Managed) if kind == memory::MANAGED => Ok(()),
        _ if kind == memory::RAM => records.add_dataspace(badge, bytes, None),
        _ => Err(Error::Memory(at, kind)),
    }
}

/// Last part of a label.
pub fn rom_name(label: &[u8; 32]) -> Result<Name> {
    Name::from_padded(*label).map_err(|_| Error::Unnamed("ROM session"))
}

fn slots<W: World>(world: &W, records: &mut Records) -> Result<()> {
    for n in 0.. {
        let slot = world.slot(n);
        match slot.result {
            CoreResult::OK => {}
            CoreResult::NOT_FOUND => break,
            result => return Err(Error::World("slot", n, CoreResult(result))),
        }
        check_slot(records, &slot)?;
        if slot.kind == kind::DATASPACE {
            add_memory(records, slot.badge, slot.a, (0, slot.b))?;
        }
        push(&mut records.slots, slot, "capabilities")?;
    }
    Ok(())
}

fn check_slot(records: &Records, slot: &Slot) -> Result<()> {
    let known = match slot.kind {
        kind::UNKNOWN | kind::OUTSIDE | kind::CORE => false,
        kind::CALLER => {
            slot.badge == records.parent || records.sessions.iter().any(|s| s.badge == slot.badge)
        }
        kind::RM_SESSION => records.sessions.iter().any(|s| is_rm(s) && s.badge == slot.badge),
        kind::NESTED_MAP => records.map(slot.badge).is_some(),
        _ => true,
    };
    if known { Ok(()) } else { Err(Error::Slot(slot.slot, slot.kind, slot.badge)) }
}

fn threads<W: World>(world: &W, records: &mut Records) -> Result<()> {
    for index in 0.. {
        let info = world.thread(index);
        let info = match info.result {
            CoreResult::OK => Some(info),
            CoreResult::NOT_FOUND => None,
            ThreadInfo::END => break,
            result => return Err(Error::World("thread", index, CoreResult(result))),
        };
        push(&mut records.threads, Thread { info, state: ThreadState::ZERO }, "threads")?;
    }
    while records.threads.last().is_some_and(|thread| thread.info.is_none()) {
        records.threads.pop();
    }
    Ok(())
}

/// Looks again while the target is stopped: only signals may have come in since.
pub fn recheck<W: World>(world: &W, records: &mut Records) -> Result<()> {
    for (n, region) in (0..).zip(&records.regions) {
        if world.region(n) != *region {
            return Err(Error::Changed("memory"));
        }
    }
    if world.region(records.regions.len() as u32).result == CoreResult::OK {
        return Err(Error::Changed("memory"));
    }
    recheck_maps(world, records)?;
    if world.handlers() != records.handlers {
        return Err(Error::Changed("signal handlers"));
    }
    if world.announced() != [0; 32] {
        return Err(Error::Changed("services"));
    }
    if world.exited() {
        return Err(Error::Exited);
    }
    // It may have been given more meanwhile.
    records.quota = world.target(&mut [0; 32]);
    for (n, slot) in (0..).zip(&mut records.slots) {
        let now = world.slot(n);
        let same = Slot { b: slot.b, ..now } == *slot;
        if !(now == *slot || same && now.kind == kind::CONTEXT) {
            return Err(Error::Changed("capabilities"));
        }
        *slot = now;
    }
    if world.slot(records.slots.len() as u32).result == CoreResult::OK {
        return Err(Error::Changed("capabilities"));
    }
    for (index, thread) in (0..).zip(&records.threads) {
        let now = world.thread(index);
        if (now.result == CoreResult::OK).then_some(now) != thread.info {
            return Err(Error::Changed("threads"));
        }
    }
    for (n, session) in (0..).zip(&mut records.sessions) {
        let now = world.session(n);
        if (now.client_id, now.badge, now.policy) != (session.client_id, session.badge, session.policy) {
            return Err(Error::Changed("sessions"));
        }
        *session = now;
    }
    Ok(())
}

fn recheck_maps<W: World>(world: &W, records: &Records) -> Result<()> {
    let (mut maps, mut regions) = (records.maps.iter(), records.nested.iter());
    let changed = Error::Changed("region maps");
    each_map(world, records, |map| if maps.next() == Some(&map) { Ok(()) } else { Err(changed) })?;
    for map in &records.maps {
        let listed = (0..).map(|n| world.nested_region(map.info.badge, n));
        for region in listed.take_while(|region| region.result == CoreResult::OK) {
            if regions.next() != Some(&region) {
                return Err(changed);
            }
        }
    }
    if maps.next().is_none() && regions.next().is_none() { Ok(()) } else { Err(changed) }
}

/// Waits until no server has a request of the target, whose answer would be lost. The stop must come right after.
pub fn wait_until_quiet<W: World>(world: &W, records: &Records) -> Result<()> {
    match world.wait_until_quiet() {
        0 => Ok(()),
        id => {
            let session = records.sessions.iter().find(|s| s.client_id == id);
            let name = session.and_then(|s| Name::from_padded(s.service).ok()).unwrap_or(Name::EMPTY);
            Err(Error::Busy(name))
        }
    }
}

/// Hashes of modules that an earlier checkpoint has read: hashing takes longer than all else before a stop.
pub struct RomHashes(heapless::Vec<(u32, u32, Digest), SESSIONS_MAX>);

impl RomHashes {
    /// None.
    pub const fn new() -> Self {
        Self(heapless::Vec::new())
    }

    fn find(&self, id: u32, bytes: u32) -> Option<Digest> {
        self.0.iter().find(|(i, b, _)| (*i, *b) == (id, bytes)).map(|(.., digest)| *digest)
    }

    /// The hash of the first `bytes` bytes of the module with that number.
    pub fn keep(&mut self, id: u32, bytes: u32, digest: Digest) {
        if id == 0 {
            return;
        }
        if self.0.is_full() {
            self.0.clear();
        }
        // There is place.
        let _ = self.0.push((id, bytes, digest));
    }
}

/// Hashes all modules of the target.
pub fn hash_roms<W: World>(
    world: &W,
    records: &mut Records,
    known: &mut RomHashes,
    buffer: &mut [u8],
) -> Result<()> {
    for n in 0..records.dataspaces.len() {
        let dataspace = records.dataspaces[n];
        let (Content::Rom(name, _), Some(session)) = (dataspace.content, records.session_of(dataspace.badge))
        else {
            continue;
        };
        let (id, bytes) = (session.rom_id, dataspace.bytes);
        let hash = match known.find(id, bytes) {
            Some(hash) => hash,
            None => {
                let hash = hash_rom(world, session.rom, bytes, buffer).ok_or(Error::Rom(name))?;
                known.keep(id, bytes, hash);
                hash
            }
        };
        records.dataspaces[n].content = Content::Rom(name, hash);
    }
    Ok(())
}

/// Hash of the first `bytes` bytes of a module, or nothing if there are fewer.
pub fn hash_rom<W: World>(
    world: &W,
    rom: crate::world::Span,
    bytes: u32,
    buffer: &mut [u8],
) -> Option<Digest> {
    let mut hasher = Hasher::new();
    let mut done = 0;
    while done < bytes {
        let part = (bytes - done).min(buffer.len() as u32);
        let piece = &mut buffer[..part as usize];
        world.read(rom.part(done, part)?, piece);
        hasher.update(piece);
        done += part;
    }
    Some(hasher.take())
}
