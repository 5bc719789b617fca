//! From the books to an image.

use thaw_image::{
    Access, Affinity, Dataspace, Error as ImageError, Extent, Finished, Frame, Gate, Identity, Irq, Link,
    Object, Pager, Queued, Region, Rights, Role, Sink, Slot, SlotObject, TableWriter, Target, Thread,
    ThreadState as Life, Vfp, Writer,
};
use thaw_l4::raw;
use thaw_protocol::{Activity, activity_kind, slot_kind};

use crate::activity::to_saved;
use crate::books::{BookedThread, Books, Content, PAGE_BYTES};
use crate::error::{Error, Result, Table};
use crate::host::{FixedSlot, Host, ObjectKind};
use crate::memory::Spare;
use crate::until;

/// The one PD of an image.
const PD: u32 = 0;

/// Writes all of a target into `sink`: its RAM from `spare`, the rest from the books.
pub fn write_image<H: Host, S: Sink>(
    host: &H,
    books: &Books,
    spare: &Spare<'_, H>,
    identity: Identity,
    sink: S,
    scratch: (&mut [Extent], &mut [u8]),
) -> Result<Finished>
where
    Error: From<ImageError<S::Error>>,
{
    let (extents, buffer) = scratch;
    let mut writer = Writer::new(sink, identity, extents);
    for (index, dataspace) in books.ram() {
        let Content::Ram { offset } = dataspace.content else { continue };
        writer.begin_dataspace(index as u32, dataspace.page_bytes() / PAGE_BYTES)?;
        let mut done = 0;
        while done < dataspace.page_bytes() {
            let part = (dataspace.page_bytes() - done).min(buffer.len() as u32);
            let piece = &mut buffer[..part as usize];
            host.read(spare.part(offset + done, part)?, piece);
            writer.pages(piece)?;
            done += part;
        }
    }
    let mut table = writer.begin_table()?;
    put_target(&mut table, books, &identity)?;
    put_memory(&mut table, books)?;
    put_threads(host, &mut table, books)?;
    put_objects(host, &mut table, books)?;
    Ok(table.finish()?)
}

type Put<E> = core::result::Result<(), ImageError<E>>;

fn put_target<S: Sink>(table: &mut TableWriter<'_, S>, books: &Books, identity: &Identity) -> Put<S::Error> {
    let target = Target {
        name: books.name,
        abi: identity.abi,
        quota_pages: books.quota_pages,
        badge: books.badge,
        clock_us: books.clock_us,
        generation: identity.generation,
        clones: books.clones,
    };
    table.put(PD, &target).map(|_| ())
}

fn put_memory<S: Sink>(table: &mut TableWriter<'_, S>, books: &Books) -> Put<S::Error> {
    for dataspace in &books.dataspaces {
        let content = match dataspace.content {
            Content::Ram { .. } => thaw_image::Content::Ram,
            Content::Rom { name, hash } => thaw_image::Content::Rom { module: name, hash },
        };
        // A ROM keeps its exact size: it is hashed over exactly these bytes.
        table.put(0, &Dataspace { size_bytes: dataspace.bytes.into(), content })?;
    }
    for region in &books.regions {
        let access = Access {
            read: region.rights & raw::L4_FPAGE_RO != 0,
            write: region.rights & raw::L4_FPAGE_W != 0,
            execute: region.rights & raw::L4_FPAGE_X != 0,
        };
        let (dataspace, offset) = (region.dataspace, region.offset.into());
        table.put(PD, &Region { addr: region.addr, size_bytes: region.bytes, dataspace, offset, access })?;
    }
    Ok(())
}

fn put_threads<H: Host, S: Sink>(host: &H, table: &mut TableWriter<'_, S>, books: &Books) -> Put<S::Error> {
    for (i, thread) in (0..).zip(&books.threads) {
        table.put(PD, &saved_thread(host.utcb_addr(i), thread, books))?;
    }
    for (client, thread) in books.live() {
        let Activity { kind, peer: server, tag, .. } = thread.state.activity;
        if kind == activity_kind::CALL_DELIVERED {
            table.put(0, &Link { client, server, tag, shadow: client })?;
        }
    }
    let queue = queue(books);
    for (n, (receiver, _, sender)) in queue.iter().enumerate() {
        // Messages without a sender had places between them.
        let position = queue[..n].iter().filter(|q| q.0 == *receiver).count() as u32;
        let Activity { tag, label, .. } = books.threads[*sender as usize].state.activity;
        table.put(0, &Queued { receiver: *receiver, position, sender: *sender, tag, label })?;
    }
    Ok(())
}

/// Receiver, place, sender of every queued message, in order.
fn queue(books: &Books) -> heapless::Vec<(u32, u32, u32), { thaw_image::MAX_THREADS as usize }> {
    let queued = books.live().filter(|(_, t)| t.state.activity.kind == activity_kind::SEND_QUEUED);
    let mut queue: heapless::Vec<_, { thaw_image::MAX_THREADS as usize }> =
        queued.map(|(i, t)| (t.state.activity.peer, t.state.activity.position, i)).collect();
    queue.sort_unstable();
    queue
}

fn saved_thread(utcb_addr: u32, thread: &BookedThread, books: &Books) -> Thread {
    let Some(info) = thread.info else { return Thread::HOLE };
    let irqs = || books.objects.iter().filter(|o| o.object.kind == ObjectKind::Irq);
    let irq_of = |slot| irqs().position(|o| o.object.slot == slot).map(|n| n as u32);
    let state = &thread.state;
    let mut saved = to_saved(&state.activity, &irq_of);
    let left = books.kernel_us.and_then(|now| until::left(&state.activity, &state.utcb, now));
    if let (Some(left), Some(wait)) = (left, saved.wait_mut()) {
        wait.remaining_us = Some(left);
    }
    let life = if info.started { Life::Live(saved) } else { Life::NeverStarted };
    Thread {
        state: life,
        name: info.name,
        priority: info.priority,
        affinity: Affinity { offset: 0, mask: 1 },
        utcb_addr,
        pager: Pager::Platform,
        handler: Pager::Platform,
        frame: saved_frame(&state.frame),
        vfp: Vfp { d: state.vfp.d, fpscr: state.vfp.fpscr },
        utcb: state.utcb,
    }
}

/// The frame of an image for one of the service.
#[must_use]
pub fn saved_frame(frame: &thaw_l4::Frame) -> Frame {
    Frame {
        r: core::array::from_fn(|n| frame.reg(n)),
        sp: frame.reg(13),
        lr: frame.reg(14),
        pc: frame.pc(),
        cpsr: frame.cpsr(),
        tpidruro: frame.tpidruro(),
    }
}

fn put_objects<H: Host, S: Sink>(host: &H, table: &mut TableWriter<'_, S>, books: &Books) -> Put<S::Error> {
    let of_kind = |kind| books.objects.iter().filter(move |o| o.object.kind == kind);
    for gate in of_kind(ObjectKind::Gate) {
        table.put(PD, &Gate { badge: gate.object.badge, thread: Some(gate.object.thread) })?;
    }
    for irq in of_kind(ObjectKind::Irq) {
        let (badge, thread) = (irq.object.badge, Some(irq.object.thread));
        table.put(PD, &Irq { badge, thread, pending: irq.pending })?;
    }
    for semaphore in of_kind(ObjectKind::Semaphore) {
        table.put(PD, &Object { badge: 0, role: Role::NativeSemaphore { count: semaphore.pending } })?;
    }
    for entry in &books.slots {
        let home = if entry.copy { entry.badge } else { entry.slot };
        let place = |kind| of_kind(kind).position(|o| o.object.slot == home).unwrap_or(0) as u32;
        let object = match (entry.kind, host.fixed_slot(entry.slot)) {
            (slot_kind::GATE, _) => SlotObject::Gate(place(ObjectKind::Gate)),
            (slot_kind::IRQ, _) => SlotObject::Irq(place(ObjectKind::Irq)),
            (slot_kind::SEMAPHORE, _) => SlotObject::Object(place(ObjectKind::Semaphore)),
            (slot_kind::THREAD, _) => SlotObject::Thread(entry.badge),
            (_, Some(FixedSlot::Log)) => SlotObject::Log,
            (_, Some(FixedSlot::Pager)) => SlotObject::PagerGate,
            (_, Some(FixedSlot::Service(number))) => SlotObject::Service(number),
            // The scan has refused every other.
            (_, None) => SlotObject::Service(0),
        };
        let copy = if entry.copy { Rights::COPY } else { 0 };
        let rights = Rights::from_bits(entry.rights | copy).unwrap_or_default();
        let booked = books.objects.iter().find(|o| o.object.slot == home);
        let badge = booked.filter(|_| entry.kind != slot_kind::THREAD).map_or(0, |o| o.object.badge);
        table.put(PD, &Slot { slot: entry.slot, object, badge, rights })?;
    }
    Ok(())
}

/// Refuses more extents than the table has; the writer's own refusal names the same.
pub fn check_extents(books: &Books, extents: usize) -> Result<()> {
    let dataspaces = books.ram().count() as u32;
    let needed = thaw_image::extent_table_len(books.ram_bytes() / PAGE_BYTES, dataspaces);
    let limit = extents as u32;
    if needed > limit { Err(Error::TooMany(Table::Extents, limit)) } else { Ok(()) }
}

/// Bytes of the largest image that the books can make: no page is elided.
#[must_use]
pub fn image_bound(books: &Books) -> u64 {
    let dataspaces = books.ram().count() as u32;
    let extents = thaw_image::extent_table_len(books.ram_bytes() / PAGE_BYTES, dataspaces);
    // Heads and payloads: no record but a thread is larger than 128 bytes, a thread is below 1 KiB.
    let records = books.dataspaces.len() + books.regions.len() + books.objects.len() + books.slots.len() + 1;
    let table = 128 * (records as u64 + u64::from(extents)) + 1152 * books.threads.len() as u64;
    u64::from(books.ram_bytes()) + table.next_multiple_of(PAGE_BYTES.into()) + 2 * u64::from(PAGE_BYTES)
}
