//! Programs to be checkpointed, one after the other in one PD. Each does a fixed amount of work whose
//! result does not depend on the schedule, and declares it in a line
//!
//! `verdict NAME hash=H counts=A/B/C`
//!
//! that must be the same whether the program was stopped on its way or not. A broken check prints
//! `FAIL ..` and ends the program with code 99. Nothing here knows of checkpoints.
#![no_std]
#![no_main]

mod alone;
mod calls;
mod crew;
mod deadlines;
mod irqs;
mod items;
mod life;
mod me;
mod registers;
mod scenario;
mod semaphores;
mod talk;
mod threads;

use me::Me;
use thaw_rt::request;
use thaw_targets::{
    script::{self, Script},
    witness::{Witness, requests},
};

thaw_rt::entry!(main);

fn main() -> ! {
    let me = &crew::first();
    let mut text = [0; script::BYTES_MAX];
    let script = configuration(me, &mut text);
    for (name, weight) in script::SCENARIOS.into_iter().filter(|(name, _)| script.wants(name)) {
        let Some(scenario) = scenario::ALL.iter().find(|s| s.name == name) else {
            me.fail(format_args!("scenario expected {name} got nothing"))
        };
        me.print(format_args!("scenario {}", scenario.name));
        let verdict = (scenario.run)(&Me::new(me.kernel, 0, scenario.name), script.rounds * weight);
        let [a, b, c] = verdict.counts;
        me.print(format_args!("verdict {} hash={:08x} counts={a}/{b}/{c}", scenario.name, verdict.hash));
    }
    request::exit(0)
}

fn configuration<'a>(me: &Me, text: &'a mut [u8]) -> Script<'a> {
    let bytes = me.granted("rom", requests::rom_read(script::MODULE, text));
    let script = match Script::parse(&text[..bytes.unwrap_or(0)]) {
        Ok(script) => script,
        Err(line) => {
            me.fail(format_args!("target.cfg expected scenarios= or rounds= got another text in line {line}"))
        }
    };
    let known = |name: &str| name == "all" || script::SCENARIOS.iter().any(|(known, _)| *known == name);
    if let Some(name) = script.names().find(|n| !known(n)) {
        me.fail(format_args!("target.cfg expected a scenario got {name}"));
    }
    script
}
