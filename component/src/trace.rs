//! Recording the checkpointer's steps, and telling them together with the service's.
//!
//! A step is recorded by [`mark`] and told much later by [`tell`], when nobody waits: a line of text costs
//! more than most steps. docs/tracing.md has the form of the lines.

use core::cell::{Cell, RefCell};
use core::fmt;

use thaw_image::store::BlockDevice;
use thaw_protocol::trace::{Event, Record, Ring, Step};
use thaw_protocol::verb;

use crate::host::Host;
use crate::service::{Service, ServiceResult};

/// Records that are kept: a checkpoint of 64 threads has about 80.
const RECORDS: usize = 256;
/// Begins a line with a record.
pub const PREFIX: &str = "thaw-trace";

/// The checkpointer's own steps.
pub struct Tracer(RefCell<Ring<RECORDS>>);

impl Tracer {
    /// Switched off.
    #[must_use]
    pub const fn new() -> Self {
        Self(RefCell::new(Ring::new()))
    }
}

impl Default for Tracer {
    fn default() -> Self {
        Self::new()
    }
}

/// Switches tracing on, emptied, or off, here and in the service.
pub fn switch<H: Host, S: Service>(host: &H, service: &S, on: bool) -> ServiceResult<()> {
    let Some(Tracer(ring)) = host.tracer() else { return Ok(()) };
    ring.borrow_mut().clear();
    ring.borrow_mut().switch(on);
    service.trace(on)
}

/// Notes that a step has ended.
pub fn mark<H: Host>(host: &H, step: Step) {
    if let Some(Tracer(ring)) = host.tracer()
        && ring.borrow().is_on()
    {
        let now = host.ticks().unwrap_or(0);
        ring.borrow_mut().note(step, now);
    }
}

/// Notes that a step took `cost` of what went by since the last.
fn mark_part<H: Host>(host: &H, step: Step, cost: u64) {
    if let Some(Tracer(ring)) = host.tracer().filter(|Tracer(ring)| ring.borrow().is_on()) {
        ring.borrow_mut().note_part(step, cost);
    }
}

/// Tells all records and forgets them; tracing stays on.
pub fn tell<H: Host, S: Service>(host: &H, service: &S) -> ServiceResult<()> {
    let Some(Tracer(ring)) = host.tracer().filter(|Tracer(ring)| ring.borrow().is_on()) else {
        return Ok(());
    };
    let first = ring.borrow().first(0);
    lost(host, "checkpointer", first);
    let own = (first..).map_while(|n| ring.borrow().words(n).map(|words| (n, words)));
    own.for_each(|(n, words)| line(host, "checkpointer", n, words));
    tell_service(host, service)?;
    switch(host, service, true)
}

fn tell_service<H: Host, S: Service>(host: &H, service: &S) -> ServiceResult<()> {
    let mut next = 0;
    loop {
        let traced = service.trace_get(next)?;
        lost(host, "service", traced.first.saturating_sub(next));
        next = traced.first;
        for words in &traced.records {
            line(host, "service", next, *words);
            next += 1;
        }
        if traced.records.is_empty() {
            return Ok(());
        }
    }
}

fn lost<H: Host>(host: &H, side: &str, count: u32) {
    if count != 0 {
        host.say(format_args!("{PREFIX} side={side} lost={count}"));
    }
}

fn line<H: Host>(host: &H, side: &str, n: u32, words: [u32; Record::WORDS]) {
    let Some(Record { event, thread, argument, ticks, cost }) = Record::from_words(words) else {
        host.say(format_args!("{PREFIX} side={side} n={n} unknown={:#x}", words[0]));
        return;
    };
    let thread = Field(" thread=", thread);
    let verb = if event == Event::Begin { verb::name(argument) } else { None };
    let (event, what) = (event.name(), Field(" what=", verb));
    host.say(format_args!(
        "{PREFIX} side={side} n={n} event={event}{thread} arg={argument:#x}{what} ticks={ticks} cost={cost}"
    ));
}

/// A key with its value, where there is one.
struct Field<T>(&'static str, Option<T>);

impl<T: fmt::Display> fmt::Display for Field<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.as_ref().map_or(Ok(()), |value| write!(f, "{}{value}", self.0))
    }
}

/// A disk whose steps are recorded: the body's pieces as one sum, then flushes and the header.
pub struct TracedDisk<'a, H, D> {
    host: &'a H,
    disk: &'a mut D,
    is_body_flushed: bool,
    body_ticks: &'a Cell<u64>,
    body_bytes: &'a Cell<u64>,
}

/// What the body of an image took.
#[derive(Default)]
pub struct Body {
    ticks: Cell<u64>,
    bytes: Cell<u64>,
}

impl Body {
    /// Puts itself before a disk.
    pub fn watch<'a, H, D>(&'a self, host: &'a H, disk: &'a mut D) -> TracedDisk<'a, H, D> {
        let (body_ticks, body_bytes) = (&self.ticks, &self.bytes);
        TracedDisk { host, disk, is_body_flushed: false, body_ticks, body_bytes }
    }

    /// The body is complete: notes what writing took, and that the rest was hashing.
    pub fn mark<H: Host>(&self, host: &H, records: u32) {
        let kib = u32::try_from(self.bytes.get() / 1024).unwrap_or(u32::MAX);
        mark_part(host, Event::Write.of_all().with(kib), self.ticks.get());
        mark(host, Event::Hash.of_all().with(records));
    }
}

impl<H: Host, D: BlockDevice> BlockDevice for TracedDisk<'_, H, D> {
    type Error = D::Error;

    fn sectors(&mut self) -> Result<u64, D::Error> {
        self.disk.sectors()
    }

    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> Result<(), D::Error> {
        self.disk.read(lba, bytes)
    }

    fn write(&mut self, lba: u64, bytes: &[u8]) -> Result<(), D::Error> {
        let begin = self.host.ticks();
        self.disk.write(lba, bytes)?;
        if self.is_body_flushed {
            mark(self.host, Event::Header.of_all());
        } else {
            let took = crate::summary::between(begin, self.host.ticks()).unwrap_or(0);
            self.body_ticks.set(self.body_ticks.get() + took);
            self.body_bytes.set(self.body_bytes.get() + bytes.len() as u64);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), D::Error> {
        self.disk.flush()?;
        self.is_body_flushed = true;
        mark(self.host, Event::Flush.of_all());
        Ok(())
    }
}
