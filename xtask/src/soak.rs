//! `soak`: programs are stopped at many places, and what they declare at their end must be what they
//! declare without stops.
//!
//! A *life* is one run of the target from its start to its end, with stops at times that follow from a
//! seed. After most stops it resumes, after some it is destroyed and restored in the same boot, and after
//! the last of a boot it is restored in the next one. No device is waited for while the target lives:
//! images are kept in RAM, and the one that outlives a boot becomes a module of the next.

pub mod again;
pub mod faults;
pub mod forge;
mod life;
mod tally;
mod trace;

use std::path::{Path, PathBuf};

use clap::Args;
use thaw_targets::script;

use crate::{
    build,
    failure::{Failure, Kind, Result, read, write},
    pack::{self, File},
    paths,
    run::Abi,
    setup,
    suite::Verdict,
};
use life::{Life, Machine};
use tally::Tally;

/// Options of `soak`.
#[derive(Args, Clone, Debug)]
pub struct SoakArgs {
    /// Scenarios with commas between, or `all`.
    #[arg(long, value_name = "NAME", default_value = "all")]
    scenario: String,
    /// Stops of each scenario.
    #[arg(long, value_name = "N", default_value_t = 100)]
    stops: u32,
    /// From which the times of the stops follow.
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u32,
    /// Of the stops, how many are followed by a restore in another boot.
    #[arg(long, value_name = "R", default_value_t = 2)]
    reboots: u32,
    /// Every how many stops the target is destroyed and restored in the same boot; 0: never.
    #[arg(long, value_name = "K", default_value_t = 10)]
    fresh_every: u32,
    /// Revision of the test kernel.
    #[arg(long, value_enum, default_value_t)]
    abi: Abi,
    /// Kernel ELF; default: the project's test kernel.
    #[arg(long, value_name = "ELF")]
    kernel: Option<PathBuf>,
    /// Keeps what was done in this file; if it exists, goes on from there.
    #[arg(long, value_name = "FILE")]
    resume: Option<PathBuf>,
    /// Where logs go; default `out/soak`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How long a program works, whatever the number of stops.
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// Build nothing, take what is there.
    #[arg(long, hide = true)]
    no_build: bool,
    /// Before each reboot, restore the image in a boot of its own, stop that before any of its threads runs, and compare
    /// the two images.
    #[arg(long)]
    twice: bool,
    /// A setting of the checkpointer.
    #[arg(long = "set", value_name = "KEY=VALUE", hide = true)]
    settings: Vec<String>,
}

impl SoakArgs {
    fn short(abi: Abi) -> Self {
        Self {
            scenario: "all".into(),
            stops: 20,
            seed: 1,
            reboots: 2,
            fresh_every: 6,
            abi,
            kernel: None,
            resume: None,
            out: None,
            rounds: None,
            twice: false,
            no_build: true,
            settings: Vec::new(),
        }
    }
}

/// Rounds of work per stop; a program that ends early is started again.
const ROUNDS_PER_STOP: u32 = 1;
/// Rounds of work of one life at most, and at least.
const ROUNDS: (u32, u32) = (8, 400);
/// Lives in a row without a stop after which a scenario is given up.
const BARREN_LIVES_MAX: u32 = 3;

/// Runs the command.
pub fn soak(args: &SoakArgs) -> Result<()> {
    if !args.no_build {
        setup::setup()?;
        build::build(&[])?;
    }
    let names = names(&args.scenario)?;
    let kernel_path = args.kernel.clone().unwrap_or_else(|| paths::program(args.abi.test_kernel()));
    let kernel = File { name: kernel_path.display().to_string(), bytes: read(&kernel_path)? };
    pack::recognise(&kernel)?;
    let out = args.out.clone().unwrap_or_else(|| paths::out().join("soak"));
    let machine = Machine::new(kernel, args.settings.clone())?.with_twice(args.twice);
    let mut memory = Memory::open(args)?;
    let mut failed = 0;
    for name in &names {
        let tally = scenario(args, &machine, name, &out.join(name), &mut memory)?;
        println!("{tally}");
        failed += usize::from(!tally.is_good());
    }
    println!("{} passed, {failed} failed", names.len() - failed);
    if failed == 0 { Ok(()) } else { Err(Failure::new(Kind::Check, "a scenario failed")) }
}

/// Scenarios of the suite; `run/soak` runs all.
const SHORT: &str =
    "vfp,timeouts,clients,chain,sends,send-wait,ping-pong,lock,churn,semaphore,threads,items,deadlines";

/// Of these, those whose images are made again and compared before each reboot.
const TWICE: [&str; 2] = ["chain", "sends"];

/// Twenty stops and two reboots of some scenarios, for the suite; everything was built before.
pub fn verdicts(abi: Abi, out: &Path) -> Result<Vec<Verdict>> {
    let args = SoakArgs::short(abi);
    let [machine, twice] = [Machine::on(abi, &[])?, Machine::on(abi, &[])?.with_twice(true)];
    let mut memory = Memory::open(&args)?;
    let one = |name: &&str| -> Result<Verdict> {
        let machine = if TWICE.contains(name) { &twice } else { &machine };
        let tally = scenario(&args, machine, name, &out.join(name), &mut memory)?;
        let failure = (!tally.is_good()).then(|| tally.to_string());
        Ok(Verdict { name: format!("soak on {abi}: {name}"), failure })
    };
    names(SHORT)?.iter().map(one).collect()
}

const SHORT_LIFE: Life<'_> =
    Life { scenarios: "clients,lock", rounds: 8, stops: 10, reboots: 1, fresh_every: 4, seed: 7 };

/// Fails unless two lives with the same seed are the same, line by line, and another seed's is not.
pub fn repeats(abi: Abi, out: &Path) -> Result<()> {
    let machine = Machine::on(abi, &[])?;
    let lives = [("first", 7), ("again", 7), ("other", 8)]
        .map(|(name, seed)| machine.live(&Life { seed, ..SHORT_LIFE }, &out.join(name)));
    let [first, again, other] = lives;
    let (first, again, other) = (first?, again?, other?);
    let different = first.lines.iter().zip(&again.lines).find(|(a, b)| a != b);
    if let Some((a, b)) = different {
        return Err(Failure::new(Kind::Check, format!("the same seed, but \"{a}\" became \"{b}\"")));
    }
    if first.lines.len() != again.lines.len() || first.lines == other.lines {
        return Err(Failure::new(Kind::Check, "the trace does not follow from the seed"));
    }
    Ok(())
}

/// Fails unless the scenario notices that damage to what is restored.
pub fn notices(abi: Abi, scenario: &str, mutation: &str, out: &Path) -> Result<()> {
    let life = Life { scenarios: scenario, rounds: 12, stops: 16, reboots: 0, fresh_every: 1, seed: 3 };
    let machine = Machine::on(abi, &[format!("mutate={mutation}")])?;
    let control = machine.control(&life, out)?;
    match machine.live(&life, out)?.mismatch(&control) {
        Some(_) => Ok(()),
        None => Err(Failure::new(Kind::Check, format!("{scenario} does not notice {mutation}"))),
    }
}

fn names(chosen: &str) -> Result<Vec<&str>> {
    let all: Vec<&str> = script::SCENARIOS.iter().map(|(name, _)| *name).collect();
    if chosen == "all" {
        return Ok(all);
    }
    let names: Vec<&str> = chosen.split(',').map(str::trim).collect();
    match names.iter().find(|n| !all.contains(n)) {
        None => Ok(names),
        Some(name) => Err(Failure::new(Kind::Config, format!("scenario {name}: none of {}", all.join(", ")))),
    }
}

/// Lives of one scenario until there were enough stops and reboots.
fn scenario(
    args: &SoakArgs,
    machine: &Machine,
    name: &str,
    out: &Path,
    memory: &mut Memory,
) -> Result<Tally> {
    let (least, most) = ROUNDS;
    let rounds = args.rounds.unwrap_or((args.stops * ROUNDS_PER_STOP).clamp(least, most));
    let mut tally = memory.tally(name);
    let mut control = None;
    let mut barren = 0;
    while tally.stops() < args.stops || tally.reboots < args.reboots {
        let number = tally.lives;
        let life = Life {
            scenarios: name,
            rounds,
            stops: args.stops - tally.stops().min(args.stops),
            reboots: args.reboots - tally.reboots.min(args.reboots),
            fresh_every: args.fresh_every,
            seed: args.seed.wrapping_add(number.wrapping_mul(0x9e37_79b9)),
        };
        let out = out.join(format!("life-{number}"));
        let control = match &control {
            Some(control) => control,
            None => control.insert(machine.control(&life, &out)?),
        };
        let trace = machine.live(&life, &out)?;
        let before = tally.stops();
        tally.add(control, &trace);
        memory.keep(&tally)?;
        barren = if tally.stops() == before { barren + 1 } else { 0 };
        if tally.mismatches.len() >= MISMATCHES_MAX || barren == BARREN_LIVES_MAX {
            break;
        }
    }
    tally.wanted(args.stops, args.reboots);
    write(&out.join("histogram.txt"), tally.histogram())?;
    Ok(tally)
}

/// Mismatches after which a scenario is given up.
const MISMATCHES_MAX: usize = 3;

/// What was done, kept in a file so that an interrupted run goes on where it was.
struct Memory {
    path: Option<PathBuf>,
    /// What the counts depend on; another run's counts are not taken.
    key: String,
    tallies: Vec<Tally>,
}

impl Memory {
    fn open(args: &SoakArgs) -> Result<Self> {
        let kernel = args.kernel.as_ref().map_or_else(|| args.abi.to_string(), |k| k.display().to_string());
        let rounds = args.rounds.unwrap_or(0);
        let key =
            format!("soak kernel={kernel} seed={} rounds={rounds} fresh={}", args.seed, args.fresh_every);
        let mut memory = Self { path: args.resume.clone(), key, tallies: Vec::new() };
        let Some(path) = memory.path.as_ref().filter(|p| p.exists()) else { return Ok(memory) };
        let text = String::from_utf8_lossy(&read(path)?).into_owned();
        let mut lines = text.lines();
        if lines.next() != Some(memory.key.as_str()) {
            let message = format!("{}: written by a run with other options; remove it", path.display());
            return Err(Failure::new(Kind::File, message));
        }
        memory.tallies = lines.filter_map(Tally::from_line).collect();
        Ok(memory)
    }

    fn tally(&self, name: &str) -> Tally {
        let found = self.tallies.iter().find(|t| t.name == name);
        found.cloned().unwrap_or_else(|| Tally::new(name))
    }

    fn keep(&mut self, tally: &Tally) -> Result<()> {
        match self.tallies.iter_mut().find(|t| t.name == tally.name) {
            Some(kept) => *kept = tally.clone(),
            None => self.tallies.push(tally.clone()),
        }
        let Some(path) = &self.path else { return Ok(()) };
        let lines: Vec<String> = self.tallies.iter().map(Tally::to_line).collect();
        write(path, format!("{}\n{}\n", self.key, lines.join("\n")))
    }
}
