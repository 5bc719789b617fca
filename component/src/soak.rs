//! Many stops in one run, at times that follow from a seed: whatever the target's threads are doing, it
//! has to go on as if nothing had happened.

use core::fmt;

use thaw_image::store::BlockDevice;

use crate::books::Books;
use crate::checkpoint::Checkpointer;
use crate::config::{After, Settings, Start};
use crate::error::{Asked, DiskError, Error, Request, Result};
use crate::host::{Host, Life};
use crate::pause::Pause;
use crate::restore::Damage;
use crate::service::Service;

/// The target is looked at that often after the last stop.
const LOOK_MS: u32 = 20;
/// Threads in one line of the report.
const LINE_THREADS: usize = 10;

/// How the target continues after a stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Continuation {
    Live,
    Fresh,
}

impl fmt::Display for Continuation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Fresh => "fresh",
        })
    }
}

/// How a run of stops ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Soaked {
    /// The target ended.
    Ended,
    /// The target's image is on the disk and the target is destroyed.
    Left,
}

impl<H: Host, S: Service<Pd = H::Pd>, D: BlockDevice<Error = DiskError>> Checkpointer<'_, H, S, D> {
    /// Does all the stops; `start` makes and starts the target.
    pub fn soak<E: From<Error>>(
        &mut self,
        settings: &Settings,
        damage: Damage,
        start: impl FnOnce() -> core::result::Result<H::Pd, E>,
    ) -> core::result::Result<Soaked, E> {
        if settings.twice {
            self.again(damage)?;
            self.tell_stop(settings.first_stop, "left");
            return Ok(Soaked::Left);
        }
        let mut pd = match settings.start {
            Start::Target => start()?,
            Start::Image => self.restore(damage)?.pd,
        };
        if settings.at_once {
            self.host.sleep_ms(settings.after_ms);
        }
        let last = settings.first_stop + settings.stops;
        for n in settings.first_stop..last {
            self.pause = (!settings.at_once).then(|| Pause::of(settings.seed, n));
            if self.life(pd)? != Life::Running {
                return Ok(self.ended(pd, n)?);
            }
            let fresh = settings.fresh_every != 0 && (n + 1).is_multiple_of(settings.fresh_every);
            if settings.leave && n + 1 == last {
                return Ok(self.leave(pd, n)?);
            }
            pd =
                self.one_stop(pd, n, if fresh { Continuation::Fresh } else { Continuation::Live }, damage)?;
        }
        self.wait_until_ended(pd, settings.run_ms)?;
        Ok(self.ended(pd, last)?)
    }

    fn wait_until_ended(&self, pd: H::Pd, ms: u32) -> Result<()> {
        for _ in 0..ms / LOOK_MS {
            if self.life(pd)? != Life::Running {
                break;
            }
            self.host.sleep_ms(LOOK_MS);
        }
        Ok(())
    }

    /// Waits at most `ms` until the target ends, and tells how it ended.
    pub fn wait_for_end(&self, pd: H::Pd, ms: u32) -> Result<()> {
        self.wait_until_ended(pd, ms)?;
        self.ended(pd, 0).map(|_| ())
    }

    /// The last stop of a boot; the target may have ended meanwhile.
    fn leave(&mut self, pd: H::Pd, n: u32) -> Result<Soaked> {
        match self.checkpoint(pd, After::Destroy) {
            Ok(_) => {
                self.tell_stop(n, "left");
                Ok(Soaked::Left)
            }
            Err(error) if self.life(pd)? == Life::Running => Err(error),
            Err(_) => self.ended(pd, n),
        }
    }

    fn one_stop(&mut self, pd: H::Pd, n: u32, how: Continuation, damage: Damage) -> Result<H::Pd> {
        let result = match how {
            Continuation::Live => self.capture(pd, After::Resume).map(|_| ()),
            Continuation::Fresh => self.checkpoint(pd, After::Destroy).map(|_| ()),
        };
        if let Err(error) = result {
            if self.life(pd)? != Life::Running {
                return Ok(pd);
            }
            self.host.say(format_args!("soak: stop {n} failed: {error}"));
            return Ok(pd);
        }
        let word = if how == Continuation::Live { "live" } else { "fresh" };
        self.tell_stop(n, word);
        match how {
            Continuation::Live => Ok(pd),
            Continuation::Fresh => Ok(self.restore(damage)?.pd),
        }
    }

    pub(crate) fn life(&self, pd: H::Pd) -> Result<Life> {
        Ok(self.host.pd_info(pd).asked(Request::PdInfo)?.life)
    }

    fn ended(&self, pd: H::Pd, n: u32) -> Result<Soaked> {
        match self.life(pd)? {
            Life::Exited(code) => {
                self.host.say(format_args!("soak: target exited with code {code} after {n}"))
            }
            Life::Faulted => self.host.say(format_args!("soak: target ended in an exception after {n}")),
            Life::Running => self.host.say(format_args!("soak: target did not end after {n}")),
        }
        Ok(Soaked::Ended)
    }

    /// The stop as lines: number and continuation, then for each thread index, kind of activity, operation
    /// of its system call and pc.
    fn tell_stop(&self, n: u32, how: &str) {
        let books = &self.tables.books;
        self.host.say(format_args!("soak: stop {n} {how} us={}", books.clock_us));
        let live = books.live().count();
        for first in (0..live).step_by(LINE_THREADS) {
            self.host.say(format_args!("soak: at {n}{}", Threads { books, first }));
        }
    }
}

/// Some of the threads of a stopped target.
struct Threads<'a> {
    books: &'a Books,
    first: usize,
}

impl fmt::Display for Threads<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, thread) in self.books.live().skip(self.first).take(LINE_THREADS) {
            let activity = thread.state.activity;
            write!(f, " {i}:{}.{:x}.{:x}", activity.kind, activity.selector & 15, thread.state.frame.pc())?;
        }
        Ok(())
    }
}
