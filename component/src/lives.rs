//! A checkpointer that ends at one of its requests after the other and is started again. **For tests only.**
//!
//! Each life takes the target over where the last one ended: it runs, or it is on the disk. Then it does what the
//! last one did, to one request further, until a life comes to its end.

use thaw_image::store::{BlockDevice, Store};
use thaw_l4::faults::FaultKind;

use crate::checkpoint::Checkpointer;
use crate::config::{After, Settings};
use crate::error::{Asked, DiskError, Error, Request, Result};
use crate::host::{Counts, Host, Whose};
use crate::service::Service;

const LIFE: (Whose, FaultKind) = (Whose::Life, FaultKind::Request);
/// How long the target runs between two lives, and the kernel may take to give back what was deleted.
const BETWEEN_MS: u32 = 20;

impl<H: Host, S: Service<Pd = H::Pd>, D: BlockDevice<Error = DiskError>> Checkpointer<'_, H, S, D> {
    /// One life; `start` makes and starts the target in the first one.
    pub fn live<E: From<Error>>(
        &mut self,
        settings: &Settings,
        start: impl FnOnce() -> core::result::Result<H::Pd, E>,
    ) -> core::result::Result<(), E> {
        let lives = self.host.lives().asked(Request::Fault)?;
        self.host.sleep_ms(BETWEEN_MS);
        let found = self.host.pd_adopt(settings.name).asked(Request::PdAdopt)?;
        let pd = match found {
            None if lives == 0 => {
                let pd = start()?;
                self.host.sleep_ms(settings.after_ms);
                pd
            }
            None => {
                self.tell_life(lives, "restored")?;
                self.restore(None)?.pd
            }
            Some(pd) => {
                self.tell_life(lives, "adopted")?;
                pd
            }
        };
        let n = 1 + lives * settings.stride;
        self.host.order_fault(LIFE.0, LIFE.1, n).asked(Request::Fault)?;
        self.checkpoint(pd, After::Resume)?;
        self.checkpoint(pd, After::Destroy)?;
        let pd = self.restore(None)?.pd;
        let left = self.host.order_fault(LIFE.0, LIFE.1, 0).asked(Request::Fault)?;
        self.host.say(format_args!("lives: ends before {n}, {} steps, lives={lives}", n - left));
        Ok(self.wait_for_end(pd, settings.run_ms)?)
    }

    /// What there is when a life begins: the disk has to hold a whole image, and counts must not grow.
    fn tell_life(&mut self, lives: u32, how: &str) -> Result<()> {
        let counts: Counts = self.host.counts().asked(Request::Counts)?;
        self.host.say(format_args!("lives: {lives} {how} {counts}"));
        if let Some(kernel) = self.host.kernel_counts().asked(Request::Counts)? {
            self.host.say(format_args!("lives: {lives} {how} kernel {kernel:?}"));
        }
        let generation = Store::open(&mut *self.disk)?.header().map_or(0, |h| h.identity.generation);
        self.host.say(format_args!("lives: {lives} generation {generation}"));
        Ok(())
    }
}
