//! The stop: everything that happens while the target stands still, and nothing else.

use thaw_protocol::trace::Event;

use crate::books::Books;
use crate::error::{Asked, Error, Request, Result};
use crate::host::Host;
use crate::memory::{Spare, Views};
use crate::scan;
use crate::service::{Open, Service, Session, Stopped};
use crate::trace::mark;

/// How often a stop is tried: the target may change what it has, or be in a call that ends soon.
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
    /// Counter when everything was read.
    pub read: Option<u64>,
    /// Counter when all threads were continued, if they were.
    pub resumed: Option<u64>,
    /// What the service reports.
    pub report: thaw_protocol::StopReport,
}

/// Stops the target and copies all that it is. On an error it runs on and the session is closed.
pub fn stop_and_copy<'s, H: Host, S: Service<Pd = H::Pd>>(
    host: &H,
    session: Session<'s, S, Open>,
    pd: H::Pd,
    books: &mut Books,
    views: &Views<'_, H>,
    spare: &Spare<'_, H>,
) -> Result<(Session<'s, S, Stopped>, StopTimes)> {
    mark(host, Event::Ready.of_all());
    let mut times = StopTimes { begin: host.ticks(), ..StopTimes::default() };
    let (stopped, report) = session.stop().map_err(Error::Stop)?;
    (times.stopped, times.report) = (host.ticks(), report);
    mark(host, Event::Stop.of_all().with(report.threads));
    match read_all(host, &stopped, pd, books, views, spare, &mut times) {
        Ok(()) => Ok((stopped, times)),
        Err(error) => {
            stopped.resume().map_err(Error::Resume)?;
            Err(error)
        }
    }
}

fn read_all<H: Host, S: Service<Pd = H::Pd>>(
    host: &H,
    stopped: &Session<'_, S, Stopped>,
    pd: H::Pd,
    books: &mut Books,
    views: &Views<'_, H>,
    spare: &Spare<'_, H>,
    times: &mut StopTimes,
) -> Result<()> {
    scan::recheck(host, pd, books)?;
    mark(host, Event::Scan.of_all());
    views.copy_out(books, spare)?;
    times.copied = host.ticks();
    mark(host, Event::Copy.of_all().with(books.ram_bytes() / 1024));
    books.clock_us = host.clock_us(pd).asked(Request::Clock)?;
    let live = books.live_mask();
    for (i, thread) in (0..).zip(&mut books.threads).filter(|(i, _)| live & (1 << i) != 0) {
        stopped.thread(i, &mut thread.state)?;
        mark(host, Event::Read.of(i as usize));
    }
    let objects = &mut books.objects;
    stopped.irqs(|slot, pending| {
        if let Some(irq) = objects.iter_mut().find(|o| o.object.slot == slot) {
            irq.pending = pending;
        }
    })?;
    recheck_slots(host, stopped, books)?;
    times.read = host.ticks();
    mark(host, Event::Check.of_all());
    Ok(())
}

/// Capabilities may have arrived since the scan.
fn recheck_slots<H: Host, S: Service<Pd = H::Pd>>(
    host: &H,
    stopped: &Session<'_, S, Stopped>,
    books: &Books,
) -> Result<()> {
    let mut n = 0;
    stopped.slots(host.slot_end(), |entry| {
        let same = books.slots.get(n) == Some(&entry);
        n += 1;
        if same { Ok(()) } else { Err(Error::Changed("capabilities")) }
    })?;
    if n == books.slots.len() { Ok(()) } else { Err(Error::Changed("capabilities")) }
}
