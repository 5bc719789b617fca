//! A whole run: what the settings ask for, in order.

use thaw_image::store::BlockDevice;

use crate::checkpoint::{Checkpointer, Done};
use crate::config::{After, Mode, Settings};
use crate::error::{Asked, DiskError, Request, Result};
use crate::host::{Host, Life};
use crate::restore::{Damage, Restored};
use crate::service::Service;
use crate::{summary, trace};

impl<H: Host, S: Service<Pd = H::Pd>, D: BlockDevice<Error = DiskError>> Checkpointer<'_, H, S, D> {
    /// Does all of it; `start` makes and starts the target.
    pub fn run<E: From<crate::Error>>(
        &mut self,
        settings: &Settings,
        damage: Damage,
        start: impl FnOnce() -> core::result::Result<H::Pd, E>,
    ) -> core::result::Result<(), E> {
        summary::number(self.host, "counter_hz", self.host.counter_hz().into());
        if settings.trace {
            trace::switch(self.host, self.service, true).map_err(crate::Error::Service)?;
        }
        if settings.mode == Mode::Check {
            let pd = start()?;
            return Ok(self.check_only(pd, settings)?);
        }
        if settings.mode != Mode::Restore {
            let pd = start()?;
            let result = self.checkpoints(pd, settings);
            let goes_on = result.is_err() || settings.after == After::Resume && settings.mode != Mode::Both;
            if goes_on {
                self.let_run(pd, settings.run_ms)?;
            }
            result?;
        }
        if settings.mode != Mode::Checkpoint {
            let restored = self.restore(damage);
            trace::tell(self.host, self.service).map_err(crate::Error::Service)?;
            let restored = restored?;
            self.tell_restored(&restored);
            self.let_run(restored.pd, settings.run_ms)?;
        }
        Ok(())
    }

    fn check_only(&mut self, pd: H::Pd, settings: &Settings) -> Result<()> {
        self.host.sleep_ms(settings.after_ms);
        self.examine(pd)?;
        trace::tell(self.host, self.service)?;
        self.let_run(pd, settings.run_ms)
    }

    fn checkpoints(&mut self, pd: H::Pd, settings: &Settings) -> Result<()> {
        let last = if settings.mode == Mode::Both { After::Destroy } else { settings.after };
        for n in 1..=settings.repeat {
            self.host.sleep_ms(settings.after_ms);
            let after = if n == settings.repeat { last } else { After::Resume };
            let done = self.checkpoint(pd, after);
            trace::tell(self.host, self.service)?;
            let done = done?;
            self.tell_done(&done);
        }
        Ok(())
    }

    /// Lets the target run, and says if it has ended by then.
    fn let_run(&self, pd: H::Pd, ms: u32) -> Result<()> {
        self.host.sleep_ms(ms);
        match self.host.pd_info(pd).asked(Request::PdInfo)?.life {
            Life::Running => self.host.say(format_args!("thaw: target runs")),
            Life::Exited(code) => self.host.say(format_args!("thaw: target exited with code {code}")),
            Life::Faulted => self.host.say(format_args!("thaw: target ended in an exception")),
        }
        Ok(())
    }

    fn tell_done(&self, done: &Done) {
        for (key, value) in [
            ("threads", done.threads.into()),
            ("bytes", done.bytes.into()),
            ("image_bytes", done.image_bytes),
            ("generation", done.generation),
        ] {
            summary::number(self.host, key, value);
        }
        summary::stop(self.host, &done.times);
        self.host.say(format_args!(
            "thaw: checkpoint {} with {} threads and {} KiB is on the disk",
            done.generation,
            done.threads,
            done.bytes / 1024
        ));
    }

    fn tell_restored(&self, restored: &Restored<H::Pd>) {
        for (key, value) in [
            ("threads", restored.threads.into()),
            ("bytes", restored.bytes.into()),
            ("image_bytes", restored.image_bytes),
            ("generation", restored.generation),
        ] {
            summary::number(self.host, key, value);
        }
        for (key, value) in [
            ("restore_ticks", restored.total_ticks),
            ("restore_memory_ticks", restored.memory_ticks),
            ("restore_objects_ticks", restored.objects_ticks),
            ("restore_stage_ticks", restored.stage_ticks),
        ] {
            summary::ticks(self.host, key, value);
        }
        self.host.say(format_args!(
            "thaw: checkpoint {} with {} threads and {} KiB goes on",
            restored.generation,
            restored.threads,
            restored.bytes / 1024
        ));
    }
}
