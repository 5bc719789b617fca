//! Checkpoints and restores of which one step after the other fails. **For tests only.**
//!
//! Of each kind of step first the first fails, then the second, and so on, until an operation runs through
//! without coming to the one that was to fail. After each a checkpoint must have left the target running, a
//! restore nothing; and the target itself says at its end whether it was harmed.

use thaw_image::store::BlockDevice;
use thaw_l4::faults::{FaultKind, Faults};

use crate::checkpoint::Checkpointer;
use crate::config::{After, Settings};
use crate::error::{Asked, DiskError, Error, Request, Result};
use crate::host::{Counts, Host, Life, Whose};
use crate::service::Service;

/// Whose steps fail, and of what kind.
const ORDERS: [(&str, Whose, FaultKind); 10] = [
    ("root: factory", Whose::Main, FaultKind::Factory),
    ("root: map", Whose::Main, FaultKind::Map),
    ("root: control", Whose::Main, FaultKind::Control),
    ("root: allocation", Whose::Main, FaultKind::Allocation),
    ("service: map", Whose::Service, FaultKind::Map),
    ("service: control", Whose::Service, FaultKind::Control),
    ("service: message", Whose::Service, FaultKind::Message),
    ("service: request", Whose::Service, FaultKind::Request),
    ("checkpointer: request", Whose::Own, FaultKind::Request),
    ("checkpointer: write", Whose::Own, FaultKind::Write),
];
/// How long the target runs between two operations.
const BETWEEN_MS: u32 = 2;
/// How long the kernel may take to give back what was deleted.
const SETTLE_MS: u32 = 20;

/// A disk of which a write can fail.
pub struct FaultyDisk<'d, D> {
    disk: D,
    faults: &'d Faults,
}

impl<'d, D> FaultyDisk<'d, D> {
    /// The same disk with failures.
    pub const fn new(disk: D, faults: &'d Faults) -> Self {
        Self { disk, faults }
    }

    fn strike(&self) -> core::result::Result<(), DiskError> {
        if self.faults.strikes(FaultKind::Write) { Err(DiskError::Failed(0)) } else { Ok(()) }
    }
}

impl<D: BlockDevice<Error = DiskError>> BlockDevice for FaultyDisk<'_, D> {
    type Error = DiskError;

    fn sectors(&mut self) -> core::result::Result<u64, DiskError> {
        self.disk.sectors()
    }

    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> core::result::Result<(), DiskError> {
        self.disk.read(lba, bytes)
    }

    fn write(&mut self, lba: u64, bytes: &[u8]) -> core::result::Result<(), DiskError> {
        self.strike()?;
        self.disk.write(lba, bytes)
    }

    fn flush(&mut self) -> core::result::Result<(), DiskError> {
        self.strike()?;
        self.disk.flush()
    }
}

/// All that is counted.
pub(crate) type Held = (Counts, Option<[u32; 7]>);

/// What was done.
#[derive(Clone, Copy, Default)]
struct Tally {
    stops: u32,
    restores: u32,
    failed: u32,
    leaks: u32,
}

impl<H: Host, S: Service<Pd = H::Pd>, D: BlockDevice<Error = DiskError>> Checkpointer<'_, H, S, D> {
    /// Does all of it; `start` makes and starts the target, which ends by itself.
    pub fn faults<E: From<Error>>(
        &mut self,
        settings: &Settings,
        start: impl FnOnce() -> core::result::Result<H::Pd, E>,
    ) -> core::result::Result<(), E> {
        let mut pd = start()?;
        self.host.sleep_ms(settings.after_ms);
        let mut tally = Tally::default();
        for (name, whose, kind) in ORDERS {
            for after in [After::Resume, After::Destroy] {
                pd = self.failing_stops(pd, after, name, (whose, kind), settings.stride, &mut tally)?;
            }
            pd = self.failing_restores(pd, name, (whose, kind), settings.stride, &mut tally)?;
        }
        let Tally { stops, restores, failed, leaks } = tally;
        self.host
            .say(format_args!("faults: stops={stops} restores={restores} failed={failed} leaks={leaks}"));
        self.wait_for_end(pd, settings.run_ms)?;
        Ok(())
    }

    fn failing_stops(
        &mut self,
        mut pd: H::Pd,
        after: After,
        name: &str,
        order: (Whose, FaultKind),
        stride: u32,
        tally: &mut Tally,
    ) -> Result<H::Pd> {
        let what = if after == After::Resume { "stop" } else { "end" };
        let mut n = 1;
        loop {
            self.host.sleep_ms(BETWEEN_MS);
            let before = self.held()?;
            self.order(order, n)?;
            let result = self.checkpoint(pd, after);
            let reached = self.order(order, 0)? == 0;
            tally.stops += 1;
            self.tell(name, what, n, reached, result.as_ref().err());
            match result {
                Ok(_) if after == After::Destroy => {
                    self.host.sleep_ms(SETTLE_MS);
                    pd = self.restore(None)?.pd;
                }
                Ok(_) => {}
                Err(error) if !reached || self.life(pd)? != Life::Running => return Err(error),
                Err(_) => tally.failed += 1,
            }
            self.compare(before, tally)?;
            if !reached {
                return Ok(pd);
            }
            n += stride;
        }
    }

    fn failing_restores(
        &mut self,
        pd: H::Pd,
        name: &str,
        order: (Whose, FaultKind),
        stride: u32,
        tally: &mut Tally,
    ) -> Result<H::Pd> {
        self.checkpoint(pd, After::Destroy)?;
        let mut n = 1;
        loop {
            self.host.sleep_ms(SETTLE_MS);
            let before = self.held()?;
            self.order(order, n)?;
            let result = self.restore(None);
            let reached = self.order(order, 0)? == 0;
            tally.restores += 1;
            self.tell(name, "restore", n, reached, result.as_ref().err());
            match result {
                Ok(restored) if !reached => return Ok(restored.pd),
                // The failure was overcome.
                Ok(restored) => {
                    self.host.sleep_ms(BETWEEN_MS);
                    self.checkpoint(restored.pd, After::Destroy)?;
                }
                Err(error) if !reached => return Err(error),
                Err(_) => tally.failed += 1,
            }
            self.host.sleep_ms(SETTLE_MS);
            self.compare(before, tally)?;
            n += stride;
        }
    }

    fn order(&self, (whose, kind): (Whose, FaultKind), n: u32) -> Result<u32> {
        self.host.order_fault(whose, kind, n).asked(Request::Fault)
    }

    fn tell(&self, name: &str, what: &str, n: u32, reached: bool, error: Option<&Error>) {
        match error {
            Some(error) => self.host.say(format_args!("faults: {name}: {what} {n} refused: {error}")),
            None if reached => self.host.say(format_args!("faults: {name}: {what} {n} overcame it")),
            None => self.host.say(format_args!("faults: {name}: {what} ends before {n}")),
        }
    }

    pub(crate) fn held(&self) -> Result<Held> {
        let counts = self.host.counts().asked(Request::Counts)?;
        Ok((counts, self.host.kernel_counts().asked(Request::Counts)?))
    }

    fn compare(&self, before: Held, tally: &mut Tally) -> Result<()> {
        tally.leaks += u32::from(!self.is_as(before)?);
        Ok(())
    }

    /// Whether nothing was left behind since; says it if there was.
    pub(crate) fn is_as(&self, before: Held) -> Result<bool> {
        let after = self.held()?;
        if before != after {
            self.host.say(format_args!("counts: LEAK before {} {:?}", before.0, before.1));
            self.host.say(format_args!("counts: LEAK after {} {:?}", after.0, after.1));
        }
        Ok(before == after)
    }
}
