//! Learning what a target has, while it runs and once more when it stands still.

use thaw_image::Digest;
use thaw_protocol::slot_kind;

use crate::books::{Books, Content};
use crate::error::{Asked, Error, Request, Result, surely};
use crate::host::{Dataspace, DataspaceKind, Host, Life, Object, ObjectKind, Region, ThreadAt, ThreadInfo};
use crate::service::SlotEntry;

/// Fills the books of a running target, threads' states and hashes excepted.
pub fn scan<H: Host>(host: &H, pd: H::Pd, books: &mut Books) -> Result<()> {
    scan_all(host, pd, books, &mut Err)
}

/// As [`scan`], but hands what cannot be saved to `refuse`, which may go on without it.
pub fn scan_all<H: Host>(
    host: &H,
    pd: H::Pd,
    books: &mut Books,
    refuse: &mut dyn FnMut(Error) -> Result<()>,
) -> Result<()> {
    books.clear();
    // First: what changes while it is looked at counts as changed.
    books.changes = host.changes(pd);
    let info = host.pd_info(pd).asked(Request::PdInfo)?;
    check_life(info.life)?;
    (books.name, books.badge, books.quota_pages) = (info.name, info.badge, info.quota_pages);
    dataspaces(host, pd, |_, d| match d.kind {
        DataspaceKind::Ram => books.add_dataspace(d.id, d.bytes, None).or_else(&mut *refuse),
        DataspaceKind::Rom(name) => {
            books.add_dataspace(d.id, d.bytes, Some((name, Digest::NONE))).or_else(&mut *refuse)
        }
        DataspaceKind::Other => refuse(Error::Unsaveable(d.id)),
    })?;
    regions(host, pd, |_, region| match books.dataspaces.iter().position(|d| d.id == region.dataspace) {
        Some(index) => books.add_region(Region { dataspace: index as u32, ..region }).or_else(&mut *refuse),
        None => refuse(Error::changed("dataspaces")),
    })?;
    threads(host, pd, |_, info| books.add_thread(info).or_else(&mut *refuse))?;
    objects(host, pd, |_, object| books.add_object(object, 0).or_else(&mut *refuse)).map(|_| ())
}

/// Refuses a target that has ended.
pub fn check_life(life: Life) -> Result<()> {
    match life {
        Life::Running => Ok(()),
        Life::Exited(code) => Err(Error::Exited(code)),
        Life::Faulted => Err(Error::Faulted),
    }
}

/// Brings the books of a target that stands still up to date: between the scan and the stop it ran. Whether it has
/// to be taken that there is something new.
pub fn follow<H: Host>(host: &H, pd: H::Pd, books: &mut Books) -> Result<bool> {
    if books.changes.is_some() && !has_changed(host, pd, books) {
        return check_life(host.pd_info(pd).asked(Request::PdInfo)?.life).map(|()| false);
    }
    scan(host, pd, books).map(|()| true)
}

/// Whether something of the target was made or ended since its scan, where the world counts that.
pub fn has_changed<H: Host>(host: &H, pd: H::Pd, books: &Books) -> bool {
    books.changes.is_some() && host.changes(pd) != books.changes
}

/// Refuses a capability that was not made for the target: it could not be made again.
pub fn check_slot<H: Host>(host: &H, books: &Books, entry: &SlotEntry) -> Result<()> {
    let made = |kind| {
        let home = if entry.copy { entry.badge } else { entry.slot };
        let here = |o: &Object| o.slot == home && o.kind == kind && (entry.copy || o.badge == entry.badge);
        books.objects.iter().any(|booked| here(&booked.object))
    };
    let thread = |index: u32| books.threads.get(index as usize).is_some_and(|thread| thread.info.is_some());
    let known = match entry.kind {
        slot_kind::GATE => made(ObjectKind::Gate),
        slot_kind::IRQ => made(ObjectKind::Irq),
        slot_kind::SEMAPHORE => made(ObjectKind::Semaphore),
        slot_kind::THREAD => thread(entry.badge),
        slot_kind::FIXED => host.fixed_slot(entry.slot).is_some(),
        _ => false,
    };
    if known { Ok(()) } else { Err(Error::UnknownCapability { slot: entry.slot, kind: entry.kind }) }
}

/// Computes the hashes of ROM modules that the target uses.
pub fn hash_roms<H: Host>(host: &H, books: &mut Books, buffer: &mut [u8]) -> Result<()> {
    for dataspace in &mut books.dataspaces {
        if let Content::Rom { name, .. } = dataspace.content {
            let hash = hash_rom(host, dataspace.id, dataspace.bytes, buffer)?;
            dataspace.content = Content::Rom { name, hash };
        }
    }
    Ok(())
}

/// Hash of `bytes` bytes of a ROM module.
pub fn hash_rom<H: Host>(host: &H, id: u32, bytes: u32, buffer: &mut [u8]) -> Result<Digest> {
    let span = host.show(id, false).asked(Request::Show)?;
    let mut hasher = thaw_image::Hasher::new();
    let mut done = 0;
    while done < bytes {
        let part = (bytes - done).min(buffer.len() as u32);
        let Some(from) = span.part(done, part) else { break };
        let piece = &mut buffer[..part as usize];
        host.read(from, piece);
        hasher.update(piece);
        done += part;
    }
    surely(|| host.hide(span)).asked(Request::Show)?;
    Ok(hasher.take())
}

type Each<'a, T> = &'a mut dyn FnMut(usize, T) -> Result<()>;

fn list<T>(next: &dyn Fn(u32) -> crate::host::Listed<T>, each: Each<'_, T>) -> Result<usize> {
    for n in 0.. {
        match next(n).asked(Request::Enumerate)? {
            Some(item) => each(n as usize, item)?,
            None => return Ok(n as usize),
        }
    }
    Ok(0)
}

macro_rules! listed {
    ($name:ident, $method:ident, $item:ty) => {
        fn $name<H: Host>(
            host: &H,
            pd: H::Pd,
            mut each: impl FnMut(usize, $item) -> Result<()>,
        ) -> Result<usize> {
            list(&|n| host.$method(pd, n), &mut each)
        }
    };
}

listed!(dataspaces, dataspace, Dataspace);
listed!(regions, region, Region);
listed!(objects, object, Object);

fn threads<H: Host>(
    host: &H,
    pd: H::Pd,
    mut each: impl FnMut(usize, Option<ThreadInfo>) -> Result<()>,
) -> Result<usize> {
    for n in 0.. {
        match host.thread(pd, n).asked(Request::Enumerate)? {
            ThreadAt::Thread(info) => each(n as usize, Some(info))?,
            ThreadAt::Hole => each(n as usize, None)?,
            ThreadAt::End => return Ok(n as usize),
        }
    }
    Ok(0)
}
