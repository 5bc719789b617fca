//! Looking at a target: everything it has, refused by name where it cannot be saved.

use thaw_component::service::ThreadState;
use thaw_image::{Digest, Hasher, Name};

use crate::error::{Error, Result};
use crate::records::{Content, Records, Thread, push};
use crate::world::{CoreResult, Slot, ThreadInfo, World, kind, memory};

/// Fills the tables with what the target has; its threads' states and memory come later.
pub fn scan<W: World>(world: &W, records: &mut Records) -> Result<()> {
    records.clear();
    let mut name = [0; 32];
    records.quota = world.target(&mut name);
    records.name = Name::from_padded(name).map_err(|_| Error::Unnamed("target"))?;
    records.parent = world.parent();
    sessions(world, records)?;
    regions(world, records)?;
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
        push(&mut records.sessions, session, "sessions")?;
    }
    Ok(())
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

fn add_memory(records: &mut Records, badge: u32, bytes: u32, (at, kind): (u32, u32)) -> Result<()> {
    // The hash of a module comes later: it takes time.
    let rom = match records.session_of(badge) {
        Some(session) => Some((rom_name(&session.label)?, Digest::NONE)),
        None if kind == memory::RAM => None,
        None => return Err(Error::Memory(at, kind)),
    };
    records.add_dataspace(badge, bytes, rom)
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
        if (now.client_id, now.badge) != (session.client_id, session.badge) {
            return Err(Error::Changed("sessions"));
        }
        *session = now;
    }
    Ok(())
}

/// Hashes all modules of the target.
pub fn hash_roms<W: World>(world: &W, records: &mut Records, buffer: &mut [u8]) -> Result<()> {
    for n in 0..records.dataspaces.len() {
        let dataspace = records.dataspaces[n];
        let (Content::Rom(name, _), Some(session)) = (dataspace.content, records.session_of(dataspace.badge))
        else {
            continue;
        };
        let hash = hash_rom(world, session.rom, dataspace.bytes, buffer).ok_or(Error::Rom(name))?;
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
