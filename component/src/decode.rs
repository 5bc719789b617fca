//! From a verified image to the books, refusing what this system has no place for.

use core::convert::Infallible;

use thaw_image::{
    Activity, Body, Dataspace, Extent, Frame as SavedFrame, Kind, Pager, Rights, Role, Slot, SlotObject,
    Source, Thread, ThreadState as Life, Verified, Wait,
};
use thaw_l4::{Frame, Selector, Timeouts, Vfp, raw};
use thaw_protocol::slot_kind;

use crate::activity::from_saved;
use crate::books::{BookedObject, Books, PAGE_BYTES};
use crate::error::{Error, Result, Table};
use crate::host::{FixedSlot, Host, NO_THREAD, Object, ObjectKind, Region, Span, ThreadInfo};
use crate::service::SlotEntry;

/// An image in the checkpointer's own memory.
pub struct InMemory<'h, H: Host> {
    host: &'h H,
    span: Span,
}

impl<'h, H: Host> InMemory<'h, H> {
    /// All of `span`.
    pub fn new(host: &'h H, span: Span) -> Self {
        Self { host, span }
    }
}

impl<H: Host> Source for InMemory<'_, H> {
    type Error = Infallible;

    fn len(&mut self) -> core::result::Result<u64, Infallible> {
        Ok(self.span.bytes.into())
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> core::result::Result<(), Infallible> {
        // Readers stay below `len`; what is beyond would read as zero and fail its hash.
        let part = u32::try_from(offset).ok().and_then(|o| self.span.part(o, bytes.len() as u32));
        match part {
            Some(part) => self.host.read(part, bytes),
            None => bytes.fill(0),
        }
        Ok(())
    }
}

/// Fills books and extent table; returns how many extents there are.
pub fn read_image<H: Host>(
    host: &H,
    image: &Verified,
    source: &mut InMemory<'_, H>,
    books: &mut Books,
    extents: &mut [Extent],
) -> Result<usize> {
    books.clear();
    let count = image.summary().count(Kind::Extent);
    if count as usize > extents.len() {
        return Err(Error::TooMany(Table::Extents, extents.len() as u32));
    }
    let mut records = image.records();
    while let Some(record) = records.next(source)? {
        let index = record.index;
        match record.body {
            Body::Target(target) if index == 0 => {
                (books.name, books.badge) = (target.name, target.badge);
                (books.quota_pages, books.clock_us) = (target.quota_pages, target.clock_us);
                books.clones = target.clones.saturating_add(1);
            }
            Body::Target(_) => return Err(Error::Unsupported("pd", index)),
            Body::External(_) => return Err(Error::Unsupported("session", index)),
            Body::Dataspace(dataspace) => add_dataspace(books, index, &dataspace)?,
            Body::Region(region) => {
                let offset = u32::try_from(region.offset).map_err(|_| Error::Unsupported("region", index))?;
                let (bytes, rights) = (region.size_bytes, region.access.bits());
                let dataspace = region.dataspace;
                books.add_region(Region { addr: region.addr, bytes, dataspace, offset, rights })?;
            }
            Body::Thread(thread) => add_thread(host, books, index, &thread)?,
            // What they say the threads' activities say, too; the rules of the image see to that.
            Body::Link(_) | Body::Queued(_) => {}
            // Zero would have the world choose one.
            Body::Gate(gate) if gate.badge == 0 => {
                return Err(Error::Unsupported("gate without badge", index));
            }
            Body::Gate(gate) => add_object(books, ObjectKind::Gate, index, gate.badge, gate.thread, 0)?,
            Body::Irq(irq) => {
                add_object(books, ObjectKind::Irq, index, irq.badge, irq.thread, irq.pending)?;
            }
            Body::Object(object) => match object.role {
                Role::NativeSemaphore { count } => {
                    let semaphore =
                        Object { slot: NO_SLOT, kind: ObjectKind::Semaphore, badge: 0, thread: NO_THREAD };
                    books.add_object(semaphore, count)?;
                }
                _ => return Err(Error::Unsupported("object of Genode", index)),
            },
            Body::Slot(slot) => add_slot(host, books, &slot)?,
            Body::Extent(extent) => extents[index as usize] = extent,
        }
    }
    // A gate that no slot names could not be reached by anybody.
    if let Some(n) = books.objects.iter().position(|o| o.object.slot == NO_SLOT) {
        return Err(Error::Unsupported("object without slot", n as u32));
    }
    // Only now every object's slot is known.
    let Books { slots, objects, .. } = books;
    for entry in slots.iter_mut().filter(|entry| entry.copy) {
        let kind = match entry.kind {
            slot_kind::GATE => ObjectKind::Gate,
            slot_kind::IRQ => ObjectKind::Irq,
            _ => ObjectKind::Semaphore,
        };
        let object = of_kind(objects, kind).nth(entry.badge as usize);
        entry.badge = object.map(|o| o.object.slot).ok_or(Error::Unsupported("slot", entry.slot))?;
    }
    Ok(count as usize)
}

fn of_kind(objects: &[BookedObject], kind: ObjectKind) -> impl Iterator<Item = &BookedObject> {
    objects.iter().filter(move |o| o.object.kind == kind)
}

/// Slot of an object whose slot record has not been read yet.
const NO_SLOT: u32 = !0;

fn add_dataspace(books: &mut Books, index: u32, dataspace: &Dataspace) -> Result<()> {
    let fits = u32::try_from(dataspace.size_bytes).ok().filter(|b| b.checked_add(PAGE_BYTES).is_some());
    let bytes = fits.ok_or(Error::Unsupported("dataspace", index))?;
    let rom = match dataspace.content {
        thaw_image::Content::Ram => None,
        thaw_image::Content::Rom { module, hash } => Some((module, hash)),
        thaw_image::Content::Managed => return Err(Error::Unsupported("managed dataspace", index)),
    };
    books.add_dataspace(0, bytes, rom)
}

fn add_thread<H: Host>(host: &H, books: &mut Books, index: u32, thread: &Thread) -> Result<()> {
    let unsupported = Error::Unsupported("thread", index);
    let started = match thread.state {
        Life::Hole => return books.add_thread(None),
        Life::NeverStarted => false,
        Life::Live(_) => true,
        Life::Dead => return Err(unsupported),
    };
    let made_by_world = (thread.pager, thread.handler) == (Pager::Platform, Pager::Platform);
    if !made_by_world || thread.utcb_addr != host.utcb_addr(index) || thread.affinity.offset != 0 {
        return Err(unsupported);
    }
    books.add_thread(Some(ThreadInfo { started, priority: thread.priority, name: thread.name }))?;
    let (Some(activity), Some(booked)) = (thread.state.activity(), books.threads.last_mut()) else {
        return Ok(());
    };
    if let Some(wait) = activity.wait().filter(has_absolute_timeout) {
        // Zero in images of those who did not know the kernel's clock.
        let left = wait.remaining_us.filter(|us| *us != 0);
        booked.left_us = Some(left.ok_or(Error::Unsupported("absolute timeout of thread", index))?);
    }
    let state = &mut booked.state;
    state.activity = from_saved(&activity).ok_or(Error::Unsupported(doing(&activity), index))?;
    state.frame = frame(&thread.frame);
    state.vfp = Vfp { d: thread.vfp.d, fpscr: thread.vfp.fpscr };
    state.utcb = thread.utcb;
    Ok(())
}

/// Whether it lasts until a time of the kernel's clock, which has nothing to do with that of another boot.
fn has_absolute_timeout(wait: &Wait) -> bool {
    let timeouts = Timeouts(wait.timeout);
    let op = Selector(wait.selector).op();
    op.receives() && timeouts.receive().is_absolute() || op.sends() && timeouts.send().is_absolute()
}

fn doing(activity: &Activity) -> &'static str {
    match activity {
        Activity::Exception { .. } => "open exception of thread",
        _ => "thread",
    }
}

/// The frame of the service for one of an image.
#[must_use]
pub fn frame(saved: &SavedFrame) -> Frame {
    let mut frame = Frame::ZERO;
    saved.r.iter().enumerate().for_each(|(n, value)| frame.set_reg(n, *value));
    frame.set_reg(13, saved.sp);
    frame.set_reg(14, saved.lr);
    frame.set_pc(saved.pc);
    frame.0[raw::THAW_EXC_CPSR as usize] = saved.cpsr;
    frame.0[raw::THAW_EXC_TPIDRURO as usize] = saved.tpidruro;
    frame
}

fn add_object(
    books: &mut Books,
    kind: ObjectKind,
    index: u32,
    badge: u32,
    thread: Option<u32>,
    pending: u32,
) -> Result<()> {
    let thread = thread.ok_or(Error::Unsupported("object without thread", index))?;
    books.add_object(Object { slot: NO_SLOT, kind, badge, thread }, pending)
}

/// A slot names its object by number among those of its kind. Of a copy that number stands in the books until all
/// slots are known.
fn add_slot<H: Host>(host: &H, books: &mut Books, slot: &Slot) -> Result<()> {
    let unsupported = Error::Unsupported("slot", slot.slot);
    let given = Rights::R | Rights::W | Rights::S;
    let copy = slot.rights.has(Rights::COPY);
    let rights = slot.rights.bits() & given;
    let known = slot.rights.bits() & !(given | Rights::COPY) == 0;
    // Only an object's own slot may be empty.
    let filled = rights & Rights::R != 0 || !copy && rights == 0;
    if !known || !filled || slot.slot >= host.slot_end() {
        return Err(unsupported);
    }
    let entry = |kind, badge| SlotEntry { slot: slot.slot, kind, badge, rights, copy };
    let object = |books: &mut Books, kind, n| match copy {
        true => {
            of_kind(&books.objects, kind).nth(n as usize).filter(|o| o.object.badge == slot.badge).map(|_| n)
        }
        false => place(books, kind, n, slot).map(|()| slot.badge),
    };
    let world = |expected| (rights == given && !copy).then(|| fixed(host, slot, expected)).flatten();
    let found = match slot.object {
        SlotObject::Gate(n) => object(books, ObjectKind::Gate, n).map(|badge| entry(slot_kind::GATE, badge)),
        SlotObject::Irq(n) => object(books, ObjectKind::Irq, n).map(|badge| entry(slot_kind::IRQ, badge)),
        SlotObject::Object(n) => {
            object(books, ObjectKind::Semaphore, n).map(|badge| entry(slot_kind::SEMAPHORE, badge))
        }
        SlotObject::Thread(n) => {
            let there = books.threads.get(n as usize).is_some_and(|thread| thread.info.is_some());
            (there && !copy && rights != 0).then(|| entry(slot_kind::THREAD, n))
        }
        SlotObject::Log => world(FixedSlot::Log).map(|kind| entry(kind, 0)),
        SlotObject::PagerGate => world(FixedSlot::Pager).map(|kind| entry(kind, 0)),
        SlotObject::Service(number) => world(FixedSlot::Service(number)).map(|kind| entry(kind, 0)),
        SlotObject::External(_) | SlotObject::Task => None,
    };
    books.add_slot(found.ok_or(unsupported)?)
}

fn place(books: &mut Books, kind: ObjectKind, n: u32, slot: &Slot) -> Option<()> {
    let object = books.objects.iter_mut().filter(|o| o.object.kind == kind).nth(n as usize)?;
    let free = object.object.slot == NO_SLOT && object.object.badge == slot.badge;
    free.then(|| object.object.slot = slot.slot)
}

fn fixed<H: Host>(host: &H, slot: &Slot, expected: FixedSlot) -> Option<u32> {
    (host.fixed_slot(slot.slot) == Some(expected)).then_some(slot_kind::FIXED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_another_boots_clock_is_noticed_where_it_matters() {
        let wait = |selector, timeout| Wait { selector, timeout, remaining_us: None };
        // A sleep, a call, a send; absolute receive and send timeouts.
        let cases = [
            (0x802, 0x8000, true),
            (0x802, 0x8000_0000, false),
            (0x20_0003, 0x8000_03ff, true),
            (0x20_0001, 0x8000, false),
            (0x806, 0x03ff, false),
        ];
        for (selector, timeout, absolute) in cases {
            assert_eq!(
                has_absolute_timeout(&wait(selector, timeout)),
                absolute,
                "{selector:#x} {timeout:#x}"
            );
        }
    }
}
