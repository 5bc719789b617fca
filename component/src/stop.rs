//! The stop: everything that happens while the target stands still, and nothing else.

use thaw_protocol::trace::Event;

use crate::books::Books;
use crate::config::After;
use crate::error::{Asked, Error, Request, Result};
use crate::host::Host;
use crate::memory::{Spare, Views};
use crate::scan;
use crate::service::{Open, Readable, Service, Session, Stopped};
use crate::trace::mark;

/// How often a stop is tried: the target may be in a call that ends soon, or have taken more memory than expected.
pub const ATTEMPTS: u32 = 3;
/// How long the target runs between two attempts.
pub const PAUSE_MS: u32 = 5;

/// What a stop took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StopTimes {
    /// Counter at the first trigger.
    pub begin: Option<u64>,
    /// Counter when all threads stood.
    pub stopped: Option<u64>,
    /// Counter when all memory was copied.
    pub copied: Option<u64>,
    /// Counter when all that must be read in the stop was read.
    pub read: Option<u64>,
    /// Counter when all threads were continued, if they were.
    pub resumed: Option<u64>,
    /// What the service reports.
    pub report: thaw_protocol::StopReport,
}

/// What became of the target after its stop.
pub enum Stood<'s, S: Service> {
    /// It stands still.
    Still(Session<'s, S, Stopped>),
    /// It goes on.
    GoesOn,
}

/// Stops the target and copies all that it is. On an error it runs on and the session is closed.
///
/// In the stop only memory is copied, and what the target has is listed once more if that changed since it was looked
/// at: what the service noted of threads and slots is read when the target goes on.
pub fn stop_and_copy<'s, H: Host, S: Service<Pd = H::Pd>>(
    host: &H,
    session: Session<'s, S, Open>,
    pd: H::Pd,
    books: &mut Books,
    (views, spare): (&mut Views<'_, H>, &Spare<'_, H>),
    after: After,
) -> Result<(Stood<'s, S>, StopTimes)> {
    mark(host, Event::Ready.of_all());
    let mut times = StopTimes { begin: host.ticks(), ..StopTimes::default() };
    let (stopped, report) = session.stop().map_err(Error::stop)?;
    (times.stopped, times.report) = (host.ticks(), report);
    mark(host, Event::Stop.of_all().with(report.threads));
    copy_stopped(host, stopped, pd, books, (views, spare), (times, after))
}

/// Copies all that a stopped target is; on an error it runs on.
pub fn copy_stopped<'s, H: Host, S: Service<Pd = H::Pd>>(
    host: &H,
    stopped: Session<'s, S, Stopped>,
    pd: H::Pd,
    books: &mut Books,
    (views, spare): (&mut Views<'_, H>, &Spare<'_, H>),
    (mut times, after): (StopTimes, After),
) -> Result<(Stood<'s, S>, StopTimes)> {
    let copied = copy(host, pd, books, views, spare, &mut times);
    match (copied, after) {
        (Ok(()), After::Resume) => {
            times.read = host.ticks();
            let snapshot = stopped.go_on().map_err(Error::Resume)?;
            times.resumed = host.ticks();
            mark(host, Event::Resume.of_all());
            read(host, &snapshot, books)?;
            Ok((Stood::GoesOn, times))
        }
        (Ok(()), After::Destroy) => match read(host, &stopped, books) {
            Ok(()) => {
                times.read = host.ticks();
                Ok((Stood::Still(stopped), times))
            }
            Err(error) => go_on(stopped, error),
        },
        (Err(error), _) => go_on(stopped, error),
    }
}

fn go_on<T, S: Service>(stopped: Session<'_, S, Stopped>, error: Error) -> Result<T> {
    stopped.resume().map_err(Error::Resume)?;
    Err(error)
}

fn copy<H: Host>(
    host: &H,
    pd: H::Pd,
    books: &mut Books,
    views: &mut Views<'_, H>,
    spare: &Spare<'_, H>,
    times: &mut StopTimes,
) -> Result<()> {
    if scan::follow(host, pd, books)? {
        // What it made on its way to the stop is what it has: only memory for which there is no room is a reason to
        // let it go on and try again.
        spare.check_room(books)?;
        views.follow(books)?;
    }
    mark(host, Event::Scan.of_all());
    views.copy_out(books, spare)?;
    times.copied = host.ticks();
    mark(host, Event::Copy.of_all().with(books.ram_bytes() / 1024));
    // First: then nobody wakes too early by the target's own clock.
    books.kernel_us = host.kernel_us(pd).asked(Request::Clock)?;
    books.clock_us = host.clock_us(pd).asked(Request::Clock)?;
    Ok(())
}

fn read<H: Host, S: Service<Pd = H::Pd>, State: Readable>(
    host: &H,
    session: &Session<'_, S, State>,
    books: &mut Books,
) -> Result<()> {
    let live = books.live_mask();
    for (i, thread) in (0..).zip(&mut books.threads).filter(|(i, _)| live & (1 << i) != 0) {
        session.thread(i, &mut thread.state)?;
        mark(host, Event::Read.of(i as usize));
    }
    let objects = &mut books.objects;
    session.irqs(|slot, pending| {
        if let Some(irq) = objects.iter_mut().find(|o| o.object.slot == slot) {
            irq.pending = pending;
        }
    })?;
    read_slots(host, session, books)?;
    mark(host, Event::Check.of_all());
    Ok(())
}

/// Capabilities may have come and gone since the scan: what counts is what there was at the stop.
fn read_slots<H: Host, S: Service<Pd = H::Pd>, State: Readable>(
    host: &H,
    session: &Session<'_, S, State>,
    books: &mut Books,
) -> Result<()> {
    books.slots.clear();
    session.slots(host.slot_end(), |entry| {
        scan::check_slot(host, books, &entry)?;
        books.add_slot(entry)
    })
}
