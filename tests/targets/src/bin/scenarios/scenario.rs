//! The list of scenarios.

use thaw_targets::script;

use crate::{alone, calls, deadlines, irqs, items, life, me::Me, semaphores, threads};

/// What a scenario declares at its end. It follows from the work alone, not from the schedule.
pub struct Verdict {
    /// Hash of everything that its threads saw.
    pub hash: u32,
    /// Counts of what was done.
    pub counts: [u32; 3],
}

impl Verdict {
    /// With hash and counts.
    pub const fn new(hash: u32, counts: [u32; 3]) -> Self {
        Self { hash, counts }
    }
}

/// A scenario.
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// Does its work that many times.
    pub run: fn(&Me, u32) -> Verdict,
}

const fn scenario(name: &'static str, run: fn(&Me, u32) -> Verdict) -> Scenario {
    Scenario { name, run }
}

/// All of them.
pub const ALL: [Scenario; script::SCENARIOS.len()] = [
    scenario("user", alone::user),
    scenario("thumb", alone::thumb),
    scenario("vfp", alone::vfp),
    scenario("deep", alone::deep),
    scenario("lazy", alone::lazy),
    scenario("spin", alone::spin),
    scenario("timeouts", alone::timeouts),
    scenario("clients", calls::clients),
    scenario("chain", calls::chain),
    scenario("sends", calls::sends),
    scenario("send-wait", calls::send_wait),
    scenario("expired", calls::expired),
    scenario("ping-pong", irqs::ping_pong),
    scenario("lock", irqs::lock),
    scenario("churn", life::churn),
    scenario("semaphore", semaphores::semaphore),
    scenario("threads", threads::threads),
    scenario("items", items::items),
    scenario("deadlines", deadlines::deadlines),
];
