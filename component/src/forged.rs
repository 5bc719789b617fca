//! Images that no checkpointer would have written: each has to be refused by what is wrong with it, and must leave
//! nothing behind. **For tests only.**
//!
//! They come one after the other onto the disk, in place of the good one. That one is restored at the end; the target
//! itself says then whether it was harmed.

use thaw_image::store::BlockDevice;

use crate::checkpoint::Checkpointer;
use crate::config::Settings;
use crate::error::{Asked, DiskError, Error, Request, Result};
use crate::host::Host;
use crate::service::Service;

/// How long the kernel may take to give back what was deleted.
const SETTLE_MS: u32 = 20;

impl<H: Host, S: Service<Pd = H::Pd>, D: BlockDevice<Error = DiskError>> Checkpointer<'_, H, S, D> {
    /// Tries them all, then the good one; `insert` puts image number `n`, or the good one, onto the disk, and says
    /// whether there is such an image.
    pub fn forged<E: From<Error>>(
        &mut self,
        settings: &Settings,
        mut insert: impl FnMut(&mut D, Option<u32>) -> core::result::Result<bool, DiskError>,
    ) -> core::result::Result<(), E> {
        let (mut tried, mut leaks) = (0, 0);
        while insert(&mut *self.disk, Some(tried)).map_err(Error::Disk)? {
            let before = self.held()?;
            self.refused(tried)?;
            self.host.sleep_ms(SETTLE_MS);
            leaks += u32::from(!self.is_as(before)?);
            tried += 1;
        }
        self.host.say(format_args!("forged: tried={tried} leaks={leaks}"));
        insert(&mut *self.disk, None).map_err(Error::Disk)?;
        let pd = self.restore(None)?.pd;
        Ok(self.wait_for_end(pd, settings.run_ms)?)
    }

    /// Tries to restore image number `n`; what is made of it all the same is destroyed.
    fn refused(&mut self, n: u32) -> Result<()> {
        match self.restore(None) {
            Err(error) => self.host.say(format_args!("forged: {n} refused as {}: {error}", error.name())),
            Ok(restored) => {
                self.host.say(format_args!("forged: {n} BROKEN, it was restored"));
                self.host.pd_destroy(restored.pd).asked(Request::PdDestroy)?;
            }
        }
        Ok(())
    }
}
