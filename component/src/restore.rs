//! A restore from the first sector to the commit.

use thaw_image::store::{BlockDevice, Store};
use thaw_image::{Abi, Architecture, Expect, Name, Source, Verified};
use thaw_protocol::{slot_kind, trace::Event};

use crate::books::{Books, Content, PAGE_BYTES};
use crate::build::{Building, build_memory, build_objects, build_slots, check_place};
use crate::checkpoint::{Checkpointer, Tables};
use crate::decode::{InMemory, read_image};
use crate::error::{Asked, DiskError, Error, Request, Result};
use crate::host::{Host, Span};
use crate::memory::{Spare, Views, check_free};
use crate::mutate::Mutation;
use crate::phase::Phase;
use crate::scan;
use crate::service::{Prepared, Service, Session};
use crate::summary::between;
use crate::trace::mark;
use crate::until;

/// Deliberate damage, with first instruction and stack pointer of the program. **For tests only.**
pub type Damage = Option<(Mutation, (u32, u32))>;

/// What a restore did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Restored<P> {
    /// The new PD.
    pub pd: P,
    /// Number of the checkpoint.
    pub generation: u64,
    /// Bytes of the target's RAM.
    pub bytes: u32,
    /// Bytes of the image.
    pub image_bytes: u64,
    /// Threads that go on.
    pub threads: u32,
    /// From the verified image to the commit.
    pub total_ticks: Option<u64>,
    /// Of that, making the memory and filling it.
    pub memory_ticks: Option<u64>,
    /// Of that, making threads, gates and IRQs.
    pub objects_ticks: Option<u64>,
    /// Of that, taking hold of the threads and giving them their state.
    pub stage_ticks: Option<u64>,
}

/// A PD of which all is made and nothing runs.
pub(crate) struct Built<'a, H: Host, S: Service<Pd = H::Pd>> {
    /// Before the session: the session ends first.
    pub(crate) staged: Session<'a, S, Prepared>,
    pub(crate) building: Building<'a, H>,
    pub(crate) image: Verified,
    /// Memory with the image; to give it back takes longer than to let the program go on.
    pub(crate) loaded: Spare<'a, H>,
    /// When it was begun, when its memory was made, and its objects.
    pub(crate) ticks: [Option<u64>; 3],
}

impl<'a, H: Host, S: Service<Pd = H::Pd>, D: BlockDevice<Error = DiskError>> Checkpointer<'a, H, S, D> {
    /// Restores the newest image of the disk. On an error nothing of it is left.
    pub fn restore(&mut self, damage: Damage) -> Result<Restored<H::Pd>> {
        let before = self.host.counts().asked(Request::Counts)?;
        let result = self.try_restore(damage);
        if let Err(error) = &result {
            self.enter(Phase::Rollback);
            let after = self.host.counts().asked(Request::Counts)?;
            if before != after {
                self.host.say(format_args!("thaw: {error}"));
                return Err(Error::Leak(before, after));
            }
            self.host.say(format_args!("thaw: nothing left behind: {after}"));
        }
        result
    }

    fn try_restore(&mut self, damage: Damage) -> Result<Restored<H::Pd>> {
        let Built { building, staged, image, loaded, ticks: [begin, memory, objects] } =
            self.build(damage)?;
        let stage = self.host.ticks();
        staged.commit()?;
        let end = self.host.ticks();
        drop(loaded);
        mark(self.host, Event::Commit.of_all());
        self.enter(Phase::Commit);
        let books = &self.tables.books;
        Ok(Restored {
            pd: building.keep(),
            generation: image.header().identity.generation,
            bytes: books.ram_bytes(),
            image_bytes: image.header().total_length,
            threads: books.live().count() as u32,
            total_ticks: between(begin, end),
            memory_ticks: between(begin, memory),
            objects_ticks: between(memory, objects),
            stage_ticks: between(objects, stage),
        })
    }

    /// Makes all of it, of the newest image on the disk; none of its threads has run.
    pub(crate) fn build(&mut self, damage: Damage) -> Result<Built<'a, H, S>> {
        let host = self.host;
        self.enter(Phase::Verify);
        mark(host, Event::Begin.of_all());
        let spare = self.load()?;
        mark(host, Event::Load.of_all().with(spare.span().bytes / 1024));
        let (image, extents) = self.verify(spare.span())?;
        mark(host, Event::Verify.of_all());
        check_place(host, &self.tables.books, &mut self.tables.buffer)?;
        mark(host, Event::Check.of_all());
        self.enter(Phase::Build);
        let begin = host.ticks();
        let building = Building::new(host, self.tables.books.name, self.tables.books.quota_pages)?;
        let pd = building.pd();
        mark(host, Event::Create.of_all());
        let Tables { books, extents: table, buffer, .. } = &mut *self.tables;
        build_memory(host, pd, books, spare.span(), &table[..extents])?;
        if let Some((Mutation::Page, _)) = damage {
            drop_page(host, books, buffer)?;
        }
        let memory = host.ticks();
        mark(host, Event::Memory.of_all().with(books.ram_bytes() / 1024));
        if let Some((Mutation::Rights, _)) = damage {
            // Those of a thread are refused.
            let damaged = books.slots.iter_mut().filter(|entry| entry.kind != slot_kind::THREAD);
            damaged.for_each(|entry| entry.rights |= entry.rights_given());
        }
        build_objects(host, pd, books)?;
        build_slots(host, pd, books)?;
        let objects = host.ticks();
        mark(host, Event::Objects.of_all().with(books.live().count() as u32));
        let staged = self.stage(pd, damage)?;
        Ok(Built { building, staged, image, loaded: spare, ticks: [begin, memory, objects] })
    }

    /// Brings the whole image into memory: what is verified there is what is used.
    fn load(&mut self) -> Result<Spare<'a, H>> {
        let mut store = Store::open(&mut *self.disk)?;
        let length = store.header()?.total_length;
        check_free(self.host, length)?;
        let bytes = u32::try_from(length).unwrap_or(u32::MAX);
        let spare = Spare::take(self.host, bytes)?;
        let mut source = store.image()?;
        let buffer = &mut self.tables.buffer;
        let mut done = 0;
        while done < bytes {
            let part = (bytes - done).min(buffer.len() as u32);
            let piece = &mut buffer[..part as usize];
            source.read_at(done.into(), piece)?;
            self.host.write(spare.part(done, part)?, piece);
            done += part;
        }
        Ok(spare)
    }

    /// Verifies the image in `span` and fills the books; returns it and its number of extents.
    fn verify(&mut self, span: Span) -> Result<(Verified, usize)> {
        let machine = self.machine;
        let expect = Expect {
            architecture: Some(Architecture::Arm32),
            abi: Some(machine.abi),
            board: Some((machine.board_id, machine.board)),
            ..Expect::ANY
        };
        let mut source = InMemory::new(self.host, span);
        let tables = &mut *self.tables;
        let image = thaw_image::verify(&mut source, &expect, &mut tables.buffer)?;
        let extents = read_image(self.host, &image, &mut source, &mut tables.books, &mut tables.extents)?;
        if let Some((from, to)) = tables.substitute {
            substitute(self.host, &mut tables.books, &mut tables.buffer, from, to)?;
        }
        Ok((image, extents))
    }

    /// Gives all threads their state; none has run.
    fn stage(&mut self, pd: H::Pd, damage: Damage) -> Result<Session<'a, S, Prepared>> {
        let books = &self.tables.books;
        let prepared = Session::open(self.service, pd)?.prepare(books.live_mask())?;
        mark(self.host, Event::PrepareAll.of_all());
        let clock_us = if matches!(damage, Some((Mutation::Back, _))) { 0 } else { books.clock_us };
        self.host.set_clock_us(pd, clock_us).asked(Request::Clock)?;
        // Second: then nobody wakes too early by the target's own clock.
        let kernel_us = self.host.kernel_us(pd).asked(Request::Clock)?;
        for (index, thread) in books.live() {
            let mut state = thread.state;
            if let Some(left) = thread.left_us.filter(|_| !matches!(damage, Some((Mutation::Clock, _)))) {
                let now = kernel_us.ok_or(Error::Unsupported("absolute timeout of thread", index))?;
                until::rebase(&state.activity, &mut state.utcb, left, now);
            }
            if let Some((mutation, entry)) = damage {
                mutation.apply(index, &mut state, entry);
                mutation.apply_to_call(&mut state, syscall_bytes(self.machine.abi));
            }
            prepared.set_thread(index, &state)?;
            mark(self.host, Event::SetThread.of(index as usize));
        }
        let lost = matches!(damage, Some((Mutation::Irq, _)));
        for irq in books.objects.iter().filter(|o| o.pending != 0 && !lost) {
            prepared.set_irq(irq.object.slot, irq.pending)?;
        }
        Ok(prepared)
    }
}

/// Binds ROM `from` of the image to module `to`, whatever that holds; it must be as large.
fn substitute<H: Host>(host: &H, books: &mut Books, buffer: &mut [u8], from: Name, to: Name) -> Result<()> {
    for dataspace in &mut books.dataspaces {
        let Content::Rom { name, .. } = dataspace.content else { continue };
        if name != from {
            continue;
        }
        let (id, bytes) = host.rom(to).asked(Request::Rom)?.ok_or(Error::RomMissing(to))?;
        if bytes != dataspace.bytes {
            return Err(Error::RomDiffers(to));
        }
        dataspace.content = Content::Rom { name: to, hash: scan::hash_rom(host, id, bytes, buffer)? };
        host.say(format_args!("thaw: rom module `{to}` stands in for `{from}`"));
    }
    Ok(())
}

/// Bytes of code of a system call in ARM state.
const fn syscall_bytes(abi: Abi) -> u32 {
    match abi {
        Abi::G => 8,
        Abi::M => 4,
    }
}

/// Zeroes the middle page of the largest RAM dataspace. **For tests only.**
fn drop_page<H: Host>(host: &H, books: &Books, buffer: &mut [u8]) -> Result<()> {
    let Some((_, largest)) = books.ram().max_by_key(|(_, d)| d.bytes) else { return Ok(()) };
    let middle = largest.page_bytes() / PAGE_BYTES / 2 * PAGE_BYTES;
    let zeros = &mut buffer[..PAGE_BYTES as usize];
    zeros.fill(0);
    let mut views = Views::new(host);
    if let Some(page) = views.add(largest.id, true)?.part(middle, PAGE_BYTES) {
        host.write(page, zeros);
    }
    Ok(())
}
