//! A checkpoint from the first look to the image.

use core::cell::Cell;

use thaw_component::service::{Readable, ServiceError, Session};
use thaw_image::{Abi, Architecture, Digest, Extent, Flags, Identity, KernelName, Name, PAGE_SIZE};
use thaw_protocol::{ErrorKind, step};

use crate::calls::Calls;
use crate::encode::{MemorySink, Named, write_image};
use crate::error::{Error, Result};
use crate::records::Records;
use crate::scan::{self, RomHashes};
use crate::world::{Buffer, CoreResult, Span, World};

/// What is done with an image before its target may be lost: the image, and a buffer for the way.
pub type Keep<'k> = &'k mut dyn FnMut(Span, &mut [u8]) -> Result<()>;

/// Runs of pages of an image at most: enough for 64 MiB.
const EXTENTS_MAX: usize = 4096;
/// Bytes that are read and hashed at once.
const BUFFER_BYTES: usize = 65536;
/// Bytes of an image besides pages at most: twice what tables of this size can need.
const TABLES_MAX: u32 = 512 << 10;
/// How often a stop is tried: the target may change what it has, or be in a call that ends soon.
const ATTEMPTS: u32 = 5;

/// Tables of the checkpointer, kept in static memory.
pub struct Tables {
    pub(crate) records: Records,
    pub(crate) rom_hashes: RomHashes,
    pub(crate) named: Named,
    pub(crate) extents: [Extent; EXTENTS_MAX],
    pub(crate) buffer: [u8; BUFFER_BYTES],
}

impl Tables {
    /// Empty ones.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            records: Records::new(),
            rom_hashes: RomHashes::new(),
            named: Named::new(),
            extents: [Extent::EMPTY; EXTENTS_MAX],
            buffer: [0; BUFFER_BYTES],
        }
    }

    /// What the last checkpoint or restore saw.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.records
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}

/// What becomes of the target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    /// It goes on.
    GoOn,
    /// It is destroyed.
    Destroy,
}

/// The machine, as the image tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Machine {
    /// Name of the board.
    pub board: Name,
    /// Version of the kernel.
    pub kernel: KernelName,
}

/// What a checkpoint did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Done {
    /// The image.
    pub image: Span,
    /// Bytes of the target's RAM.
    pub ram_bytes: u32,
    /// Threads that were stopped.
    pub threads: u32,
    /// Dataspaces of the target.
    pub dataspaces: u32,
    /// From the first trigger to the commit, microseconds; with a forwarded session also the wait for its server.
    pub stop_us: u64,
    /// A plain copy of as many bytes as the target's RAM has, microseconds: what a stop is measured by.
    pub copy_us: u64,
    /// What the target consists of, [`Records::shape`].
    pub shape: u32,
}

/// Lets signals of Timer sessions go on when dropped.
struct Frozen<'w, W: World>(&'w W);

impl<'w, W: World> Frozen<'w, W> {
    fn new(world: &'w W) -> Self {
        world.freeze(true);
        Self(world)
    }
}

impl<W: World> Drop for Frozen<'_, W> {
    fn drop(&mut self) {
        self.0.freeze(false);
    }
}

/// Lets everybody else run now and then: we run before all of them, and hashing takes long.
pub struct Breath<'w, W: World> {
    world: &'w W,
    last_us: Cell<u64>,
}

impl<'w, W: World> Breath<'w, W> {
    /// Microseconds of work before a pause, which takes as long.
    const WORK_US: u64 = 20_000;

    pub(crate) fn new(world: &'w W) -> Self {
        Self { world, last_us: Cell::new(world.now_us()) }
    }

    /// Pauses if there was enough work since the last time.
    pub(crate) fn take(&self) {
        if self.world.now_us() - self.last_us.get() >= Self::WORK_US {
            self.world.pause();
            self.last_us.set(self.world.now_us());
        }
    }
}

/// Ends all views, which takes longer than making and using them.
pub fn end_views<W: World>(world: &W) {
    let breath = Breath::new(world);
    while world.unview() {
        breath.take();
    }
}

/// What a checkpoint is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Order {
    /// Where it is made.
    pub machine: Machine,
    /// Number of the checkpoint.
    pub generation: u64,
    /// How often the target was restored: [`Restored::clones`](crate::Restored::clones) of the last time.
    pub clones: u32,
    /// What becomes of the target.
    pub after: After,
}

/// Checkpoints the target into memory, and from there to where `keep` puts it. On an error it runs on: a target
/// that is to be destroyed stands still until its image is kept.
pub fn checkpoint<W: World>(world: &W, tables: &mut Tables, order: &Order, keep: Keep<'_>) -> Result<Done> {
    let mut attempt = 1;
    let done = loop {
        match capture(world, tables, order, &mut *keep) {
            Err(error @ (Error::Stop(_) | Error::Changed(_) | Error::Faulting(_) | Error::Starting))
                if attempt < ATTEMPTS =>
            {
                world.say(format_args!("stop {attempt} of {ATTEMPTS}: {error}"));
                attempt += 1;
                world.pause();
            }
            other => break other?,
        }
    };
    if order.after == After::Destroy {
        world.destroy();
    }
    Ok(done)
}

/// Stops the target, copies all that it is, and makes an image of it.
fn capture<W: World>(world: &W, tables: &mut Tables, order: &Order, keep: Keep<'_>) -> Result<Done> {
    let id = world.open().map_err(|e| Error::World("opening the target", 0, e))?;
    let records = &mut tables.records;
    scan::scan(world, records)?;
    records.clones = order.clones;
    scan::hash_roms(world, records, &mut tables.rom_hashes, &mut tables.buffer)?;
    let bytes = records.ram_bytes();
    // As if no page were elided.
    let bound = bytes + TABLES_MAX;
    let whole =
        world.take(Buffer::Image, bound).map_err(|e| Error::World("memory for an image", bound, e))?;
    // The copy stands at the end of it: when the image is written from the start on, what is written last there has been
    // read long before.
    let copy = whole.part(TABLES_MAX, bytes).ok_or(Error::Changed("memory"))?;
    end_views(world);
    let mut views = heapless::Vec::<(Span, Span), { thaw_image::MAX_DATASPACES as usize }>::new();
    for (_, dataspace, offset) in records.ram() {
        let view = world.view(dataspace.badge).map_err(|e| Error::World("dataspace", dataspace.badge, e))?;
        let part = |span: Span, at| span.part(at, dataspace.page_bytes()).ok_or(Error::Changed("memory"));
        // There are as many places as dataspaces.
        let _ = views.push((part(copy, offset)?, part(view, 0)?));
    }
    // What the copy in the stop is measured by; afterwards nothing of it is a first access any more.
    let begin = world.now_us();
    views.iter().for_each(|(to, from)| world.copy(*to, *from));
    let copy_us = world.now_us() - begin;
    let calls = Calls::new(world, id);
    let session = Session::open(&calls, ()).map_err(Error::Stop)?;
    let begin = world.now_us();
    // From here to the stop nothing may be asked of anybody below us.
    scan::wait_until_quiet(world, records)?;
    let frozen = Frozen::new(world);
    let (stopped, _) = session.stop().map_err(stop_refused)?;
    let seen = scan::recheck(world, records);
    if let Err(error) = seen {
        stopped.resume().map_err(|e| Error::Engine("resuming the target", e))?;
        return Err(error);
    }
    views.iter().for_each(|(to, from)| world.copy(*to, *from));
    records.clock_us = world.now_us();
    let (image, end) = match order.after {
        After::GoOn => {
            let snapshot = stopped.go_on().map_err(|e| Error::Engine("resuming the target", e))?;
            let end = world.now_us();
            drop(frozen);
            read(&snapshot, records)?;
            let image = write(world, tables, order, whole)?;
            keep(image, &mut tables.buffer)?;
            (image, end)
        }
        After::Destroy => {
            let end = world.now_us();
            let kept = read(&stopped, records)
                .and_then(|()| write(world, tables, order, whole))
                .and_then(|image| keep(image, &mut tables.buffer).map(|()| image));
            match kept {
                Err(error) => {
                    stopped.resume().map_err(|e| Error::Engine("resuming the target", e))?;
                    return Err(error);
                }
                Ok(image) => {
                    stopped.abandon().map_err(|e| Error::Engine("giving the target up", e))?;
                    (image, end)
                }
            }
        }
    };
    end_views(world);
    Ok(Done {
        image,
        ram_bytes: tables.records.ram_bytes(),
        threads: tables.records.live().count() as u32,
        dataspaces: tables.records.dataspaces.len() as u32,
        stop_us: end - begin,
        copy_us,
        shape: tables.records.shape(),
    })
}

/// Core tells by this number that a thread waits for a fault in a region map to be resolved.
const FAULTING: u32 = 14;

fn stop_refused(error: ServiceError) -> Error {
    match error {
        ServiceError::Refused(refusal) if refusal == ErrorKind::Kernel.with(FAULTING, step::HOST, 0) => {
            Error::Faulting(0)
        }
        other => Error::Stop(other),
    }
}

fn read<W: World, State: Readable>(
    session: &Session<'_, Calls<'_, W>, State>,
    records: &mut Records,
) -> Result<()> {
    for (index, thread) in (0..).zip(&mut records.threads) {
        if thread.info.is_some_and(|info| info.started != 0) {
            session.thread(index, &mut thread.state).map_err(|e| Error::Engine("reading a thread", e))?;
        }
    }
    let irqs = &mut records.irqs;
    irqs.clear();
    let mut fits = true;
    let listed = session.irqs(|slot, pending| fits &= irqs.push((slot, pending)).is_ok());
    listed.map_err(|e| Error::Engine("reading IRQs", e))?;
    if fits { Ok(()) } else { Err(Error::TooMany("IRQs", irqs.len() as u32)) }
}

/// Makes the image at the start of the memory at whose end the copy stands.
fn write<W: World>(world: &W, tables: &mut Tables, order: &Order, whole: Span) -> Result<Span> {
    let identity = Identity {
        architecture: Architecture::Arm32,
        abi: Abi::G,
        board_id: 0,
        board: order.machine.board,
        target: tables.records.name,
        kernel: order.machine.kernel,
        generation: order.generation,
        parent: Digest::NONE,
        clock_us: tables.records.clock_us,
        flags: Flags { left_running: order.after == After::GoOn },
    };
    let changed = Error::Changed("memory");
    let copy = whole.part(TABLES_MAX, whole.bytes - TABLES_MAX).ok_or(changed)?;
    let header = PAGE_SIZE as u32;
    let rest = whole.part(header, whole.bytes - header).ok_or(changed)?;
    let mut sink = MemorySink { world, rest, full: false };
    let Tables { records, named, extents, buffer, .. } = tables;
    let finished = write_image(world, records, named, (copy, identity), &mut sink, (extents, buffer))?;
    let length = finished.header.total_length;
    let short = Error::World("memory for an image", length as u32, CoreResult(8));
    if sink.full {
        return Err(short);
    }
    world.write(whole, &finished.block);
    whole.part(0, length as u32).ok_or(short)
}
