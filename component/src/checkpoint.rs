//! A checkpoint from the first look to the last flush.

use thaw_image::store::{BlockDevice, Store};
use thaw_image::{Abi, Architecture, Digest, Extent, Flags, Identity, KernelName, Name};
use thaw_protocol::trace::Event;

use crate::books::Books;
use crate::config::After;
use crate::error::{Asked, DiskError, Error, Request, Result, surely};
use crate::host::Host;
use crate::memory::{Spare, Views, check_room};
use crate::pause::Pause;
use crate::phase::Phase;
use crate::service::{Service, ServiceError, Session};
use crate::stop::{ATTEMPTS, PAUSE_MS, Stood, StopTimes, stop_and_copy};
use crate::trace::{Body, mark};
use crate::{encode, scan, summary};

/// Runs of pages that fit into the table: enough for any target within the limits of an image.
pub const EXTENTS_MAX: usize =
    thaw_image::extent_table_len(thaw_image::MAX_PAGES, thaw_image::MAX_DATASPACES) as usize;
/// Bytes that are read, hashed and written at once.
pub const BUFFER_BYTES: usize = 65536;

/// Tables of the checkpointer: about half a MiB, kept in static memory.
pub struct Tables {
    /// The target.
    pub books: Books,
    /// Runs of pages of the image.
    pub extents: [Extent; EXTENTS_MAX],
    /// The restorer's policy for ROM modules: the first name in an image is bound to the module of the second.
    pub substitute: Option<(Name, Name)>,
    /// Bytes on their way.
    pub buffer: [u8; BUFFER_BYTES],
}

impl Tables {
    /// Empty ones.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            books: Books::new(),
            extents: [Extent::EMPTY; EXTENTS_MAX],
            substitute: None,
            buffer: [0; BUFFER_BYTES],
        }
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self::new()
    }
}

/// The machine, as the image tells it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Machine {
    /// Revision of the kernel's interface.
    pub abi: Abi,
    /// Number of the board.
    pub board_id: u32,
    /// Its name.
    pub board: Name,
    /// Version string of the kernel.
    pub kernel: KernelName,
}

/// Everything that a checkpointer works with.
pub struct Checkpointer<'a, H: Host, S: Service<Pd = H::Pd>, D: BlockDevice<Error = DiskError>> {
    /// The world.
    pub host: &'a H,
    /// The privileged service.
    pub service: &'a S,
    /// Where images are kept.
    pub disk: &'a mut D,
    /// The machine.
    pub machine: Machine,
    /// Tables.
    pub tables: &'a mut Tables,
    /// Says nothing on its way.
    pub quiet: bool,
    /// What the target does between the look at it and the stop; taken once.
    pub pause: Option<Pause>,
}

/// A stop: what became of the target, and a copy of all its memory; the rest is in the books.
pub struct Captured<'a, H: Host, S: Service<Pd = H::Pd>> {
    pub(crate) stood: Stood<'a, S>,
    pub(crate) times: StopTimes,
    pub(crate) views: Views<'a, H>,
    pub(crate) spare: Spare<'a, H>,
}

/// What a checkpoint did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Done {
    /// Number of the checkpoint.
    pub generation: u64,
    /// Bytes of the target's RAM.
    pub bytes: u32,
    /// Bytes of the image.
    pub image_bytes: u64,
    /// Threads that were stopped.
    pub threads: u32,
    /// What the stop took.
    pub times: StopTimes,
}

impl<'a, H: Host, S: Service<Pd = H::Pd>, D: BlockDevice<Error = DiskError>> Checkpointer<'a, H, S, D> {
    #[track_caller]
    pub(crate) fn enter(&self, phase: Phase) {
        if !self.quiet {
            self.host.say(format_args!("thaw: {phase}"));
        }
    }

    /// Checkpoints the target. On an error it runs on and the disk keeps the image it had.
    pub fn checkpoint(&mut self, pd: H::Pd, after: After) -> Result<Done> {
        let captured = self.capture(pd, after)?;
        self.finish(pd, captured, after)
    }

    /// Stops the target and copies all that it is. On an error it runs on.
    pub(crate) fn capture(&mut self, pd: H::Pd, after: After) -> Result<Captured<'a, H, S>> {
        let mut attempt = 1;
        loop {
            match self.try_capture(pd, after) {
                Err(error) if attempt < ATTEMPTS && is_passing(&error) => {
                    self.host.say(format_args!("thaw: stop {attempt} of {ATTEMPTS} failed: {error}"));
                    attempt += 1;
                    self.host.sleep_ms(PAUSE_MS);
                }
                result => return result.map_err(|error| error.at_attempt(attempt)),
            }
        }
    }

    fn try_capture(&mut self, pd: H::Pd, after: After) -> Result<Captured<'a, H, S>> {
        let (host, service) = (self.host, self.service);
        mark(host, Event::Begin.of_all());
        self.check(pd)?;
        mark(host, Event::Check.of_all());
        let books = &self.tables.books;
        let spare = Spare::take(host, 2 * books.ram_bytes())?;
        let mut views = Views::of(host, books)?;
        let session = Session::open(service, pd)?;
        match session.slots(host.slot_end(), |entry| scan::check_slot(host, books, &entry)) {
            // It may have been made since the scan; what counts is what is there at the stop.
            Err(Error::UnknownCapability { .. }) if scan::has_changed(host, pd, books) => {}
            result => result?,
        }
        self.enter(Phase::Stop);
        if let Some(pause) = self.pause.take() {
            pause.make(host);
        }
        let books = &mut self.tables.books;
        let (stood, times) = stop_and_copy(host, session, pd, books, (&mut views, &spare), after)?;
        Ok(Captured { stood, times, views, spare })
    }

    /// Everything that can be refused while the target runs.
    pub(crate) fn check(&mut self, pd: H::Pd) -> Result<()> {
        self.enter(Phase::Scan);
        let tables = &mut *self.tables;
        scan::scan(self.host, pd, &mut tables.books)?;
        mark(self.host, Event::Scan.of_all());
        self.enter(Phase::Check);
        check_room(self.host, self.tables.books.ram_bytes())?;
        let tables = &mut *self.tables;
        encode::check_extents(&tables.books, EXTENTS_MAX)?;
        let mut store = Store::open(&mut *self.disk)?;
        // Dropped at once: nothing is written, but what would not fit is refused.
        store.begin(encode::image_bound(&tables.books))?;
        Ok(())
    }

    pub(crate) fn finish(&mut self, pd: H::Pd, captured: Captured<'_, H, S>, after: After) -> Result<Done> {
        let Captured { stood, times, views, spare } = captured;
        let held = match stood {
            Stood::GoesOn => {
                self.enter(Phase::Resume);
                None
            }
            Stood::Still(stopped) => Some(stopped),
        };
        drop(views);
        self.enter(Phase::Write);
        let written = self.write(&spare, after, times);
        match (written, held) {
            (written, None) => written,
            (Ok(done), Some(stopped)) => {
                self.enter(Phase::Destroy);
                stopped.abandon()?;
                surely(|| self.host.pd_destroy(pd)).asked(Request::PdDestroy)?;
                mark(self.host, Event::Destroy.of_all());
                Ok(done)
            }
            (Err(error), Some(stopped)) => {
                stopped.resume().map_err(Error::Resume)?;
                self.enter(Phase::Resume);
                Err(error)
            }
        }
    }

    fn write(&mut self, spare: &Spare<'_, H>, after: After, times: StopTimes) -> Result<Done> {
        let body = Body::default();
        let mut store = Store::open(body.watch(self.host, &mut *self.disk))?;
        let generation = store.header().map_or(1, |header| header.identity.generation.saturating_add(1));
        let Tables { books, extents, buffer, .. } = &mut *self.tables;
        // Their contents never change, so this need not be done before the stop.
        scan::hash_roms(self.host, books, buffer)?;
        let Machine { abi, board_id, board, kernel } = self.machine;
        let identity = Identity {
            architecture: Architecture::Arm32,
            abi,
            board_id,
            board,
            target: books.name,
            kernel,
            generation,
            parent: Digest::NONE,
            clock_us: books.clock_us,
            flags: Flags { left_running: after == After::Resume },
        };
        let mut commit = store.begin(encode::image_bound(books))?;
        let finished =
            encode::write_image(self.host, books, spare, identity, &mut commit, (extents, buffer))?;
        body.mark(self.host, finished.header.record_count);
        commit.finish(&finished)?;
        let bytes = books.ram_bytes();
        let image_bytes = finished.header.total_length;
        let threads = books.live().count() as u32;
        if !self.quiet {
            summary::measure_copy(self.host, spare.span(), bytes);
        }
        Ok(Done { generation, bytes, image_bytes, threads, times })
    }
}

/// Whether the same may go well a little later.
fn is_passing(error: &Error) -> bool {
    matches!(error, Error::Stop(ServiceError::Refused(_), _) | Error::Changed(..))
}
