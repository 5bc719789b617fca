//! A restored program that is checkpointed again before any of its threads runs: its image has to be the one that it
//! was restored from.

use thaw_image::store::BlockDevice;

use crate::checkpoint::{Captured, Checkpointer, Done};
use crate::config::After;
use crate::error::{DiskError, Error, Result};
use crate::host::Host;
use crate::memory::{Spare, Views};
use crate::restore::{Built, Damage};
use crate::service::Service;
use crate::stop::{StopTimes, copy_stopped};

impl<'a, H: Host, S: Service<Pd = H::Pd>, D: BlockDevice<Error = DiskError>> Checkpointer<'a, H, S, D> {
    /// Restores the newest image of the disk, stops the program where it stands, writes that to the disk and destroys
    /// it.
    pub(crate) fn again(&mut self, damage: Damage) -> Result<Done> {
        let (host, begin) = (self.host, self.host.ticks());
        let Built { staged, building, .. } = self.build(damage)?;
        let pd = building.pd();
        let (stopped, report) = staged.stop_again().map_err(Error::stop)?;
        self.check(pd)?;
        let spare = Spare::take(host, 2 * self.tables.books.ram_bytes())?;
        let mut views = Views::of(host, &self.tables.books)?;
        let times = StopTimes { begin, report, ..StopTimes::default() };
        let books = &mut self.tables.books;
        let (stood, times) =
            copy_stopped(host, stopped, pd, books, (&mut views, &spare), (times, After::Destroy))?;
        let done = self.finish(pd, Captured { stood, times, views, spare }, After::Destroy)?;
        building.keep();
        Ok(done)
    }
}
