//! Finding out why a target could not be saved: all reasons at once, while it runs.
//!
//! A checkpoint ends at its first refusal; this goes on. At the end the target is stopped and let go at
//! once, because what its threads are in can be learnt in no other way. docs/tracing.md has the lines that
//! this prints.

use core::cell::Cell;

use thaw_image::store::{BlockDevice, Store};
use thaw_protocol::ability;

use crate::books::Books;
use crate::checkpoint::{Checkpointer, EXTENTS_MAX};
use crate::error::{Asked, DiskError, Error, Request, Result};
use crate::host::{FixedSlot, Host};
use crate::memory::check_room;
use crate::service::{Service, ServiceError, Session};
use crate::stop::{ATTEMPTS, PAUSE_MS};
use crate::{encode, scan};

/// Begins every line of a check.
pub const PREFIX: &str = "thaw-check";

/// What was found so far. Every reason is told when it is found.
struct Reasons<'h, H: Host> {
    host: &'h H,
    count: Cell<u32>,
    last: Cell<Option<Error>>,
}

impl<'h, H: Host> Reasons<'h, H> {
    fn new(host: &'h H) -> Self {
        Self { host, count: Cell::new(0), last: Cell::new(None) }
    }

    /// Tells a reason; a table that overflows does so with every further entry, and is told once.
    fn add(&self, error: Error) {
        if self.last.replace(Some(error)) != Some(error) {
            self.count.set(self.count.get() + 1);
            self.host.say(format_args!("{PREFIX} reason={} exit={}", error.name(), error.exit()));
            // A line of its own: the world breaks longer ones.
            self.host.say(format_args!("{PREFIX} text={error}"));
        }
    }

    fn note<T>(&self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }
}

impl<H: Host, S: Service<Pd = H::Pd>, D: BlockDevice<Error = DiskError>> Checkpointer<'_, H, S, D> {
    /// Tells whether the target can be saved, and every reason why not; returns how many there are.
    pub fn examine(&mut self, pd: H::Pd) -> Result<u32> {
        let host = self.host;
        let reasons = Reasons::new(host);
        host.say(format_args!("{PREFIX} kernel={:?} board={}", self.machine.abi, self.machine.board));
        self.tell_abilities(&reasons);
        self.look(pd, &reasons);
        self.tell_books(&reasons)?;
        self.look_for_room(&reasons);
        self.look_into_slots(pd, &reasons);
        let count = reasons.count.get();
        let word = if count == 0 { "yes" } else { "no" };
        host.say(format_args!("{PREFIX} saveable={word} reasons={count}"));
        Ok(count)
    }

    fn tell_abilities(&self, reasons: &Reasons<'_, H>) {
        let abilities = self.service.abilities().map_err(Error::Service);
        let Some(abilities) = reasons.note(abilities) else { return };
        let [threads, gates, irqs] = abilities.limits;
        let (first, end) = abilities.slots;
        self.host.say(format_args!(
            "{PREFIX} service={} threads_max={threads} gates_max={gates} irqs_max={irqs} user_slots={first:#x}-{end:#x}",
            abilities.version
        ));
        for (bit, name) in ability::NAMES {
            let can = if abilities.bits & bit != 0 { "can" } else { "cannot" };
            self.host.say(format_args!("{PREFIX} {can}={name}"));
        }
    }

    /// Everything that the target has, and which of it cannot be saved.
    fn look(&mut self, pd: H::Pd, reasons: &Reasons<'_, H>) {
        let (host, tables) = (self.host, &mut *self.tables);
        let unsaveable = Cell::new(false);
        let scanned = scan::scan_all(host, pd, &mut tables.books, &mut |error| {
            match error {
                // The regions of a dataspace that is no candidate are told with it.
                Error::Changed("dataspaces", _) if unsaveable.get() => {}
                Error::Unsaveable(id) => {
                    reasons.add(error);
                    unsaveable.set(true);
                    tell_regions(host, pd, id);
                }
                _ => reasons.add(error),
            }
            Ok(())
        });
        reasons.note(scanned);
        reasons.note(scan::hash_roms(host, &mut tables.books, &mut tables.buffer));
    }

    fn tell_books(&self, reasons: &Reasons<'_, H>) -> Result<()> {
        let Books { threads, dataspaces, regions, objects, .. } = &self.tables.books;
        let memory = self.host.memory().asked(Request::Memory)?;
        self.host.say(format_args!(
            "{PREFIX} target={} threads={} objects={} dataspaces={} regions={} kib={} spare_kib={}",
            self.tables.books.name,
            threads.iter().filter(|t| t.info.is_some()).count(),
            objects.len(),
            dataspaces.len(),
            regions.len(),
            self.tables.books.ram_bytes() / 1024,
            memory.free_pages.min(memory.own_pages).saturating_mul(4),
        ));
        reasons.note(encode::check_extents(&self.tables.books, EXTENTS_MAX));
        Ok(())
    }

    fn look_for_room(&mut self, reasons: &Reasons<'_, H>) {
        let books = &self.tables.books;
        reasons.note(check_room(self.host, books.ram_bytes()));
        let room = Store::open(&mut *self.disk).and_then(|mut store| {
            // Dropped at once: nothing is written.
            Ok(store.begin(encode::image_bound(books)).map(|_| ())?)
        });
        reasons.note(room.map_err(Error::from));
    }

    fn look_into_slots(&mut self, pd: H::Pd, reasons: &Reasons<'_, H>) {
        let host = self.host;
        for attempt in 1..=ATTEMPTS {
            let opened = Session::open(self.service, pd).map_err(Error::Service);
            let Some(session) = reasons.note(opened) else { return };
            if attempt == 1 {
                let books = &mut self.tables.books;
                let listed = session.slots(host.slot_end(), |entry| {
                    if let Some(name) = host.fixed_slot(entry.slot).and_then(session_name) {
                        host.say(format_args!("{PREFIX} session={name} slot={:#x}", entry.slot));
                    }
                    reasons.note(scan::check_slot(host, books, &entry));
                    reasons.note(books.add_slot(entry));
                    Ok::<(), Error>(())
                });
                reasons.note(listed);
                host.say(format_args!("{PREFIX} filled_slots={}", books.slots.len()));
            }
            match session.stop() {
                Ok((stopped, report)) => {
                    reasons.note(stopped.resume().map_err(Error::Resume));
                    let [threads, cancelled, drained, links, barriers] = report.to_words();
                    host.say(format_args!(
                        "{PREFIX} stopped={threads} cancelled={cancelled} drained={drained} links={links} \
                         barriers={barriers} attempt={attempt}"
                    ));
                    return;
                }
                Err(ServiceError::Refused(_)) if attempt < ATTEMPTS => host.sleep_ms(PAUSE_MS),
                Err(error) => return reasons.add(Error::Stop(error, attempt)),
            }
        }
    }
}

/// Tells where an unsaveable dataspace is attached.
fn tell_regions<H: Host>(host: &H, pd: H::Pd, dataspace: u32) {
    for n in 0.. {
        match host.region(pd, n) {
            Ok(Some(region)) if region.dataspace == dataspace => {
                host.say(format_args!("{PREFIX} region={:#x} bytes={}", region.addr, region.bytes));
            }
            Ok(Some(_)) => {}
            // A refusal is told by the scan, which asks the same.
            Ok(None) | Err(_) => return,
        }
    }
}

/// Sessions by name; a pager's gate comes and goes with its thread.
const fn session_name(slot: FixedSlot) -> Option<&'static str> {
    match slot {
        FixedSlot::Service(_) => Some("pd"),
        FixedSlot::Log => Some("log"),
        FixedSlot::Pager => None,
    }
}
