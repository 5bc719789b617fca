//! `faults`: checkpoints and restores of which one step after the other fails, while a scenario runs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Args;

use super::{
    forge,
    life::{FAULTS, LIVES, Life, Machine},
};
use crate::{
    build,
    failure::{Failure, Kind, Result, read},
    pack::{self, File},
    paths,
    run::Abi,
    setup,
    suite::Verdict,
};

/// Options of `faults`.
#[derive(Args, Clone, Debug)]
pub struct FaultArgs {
    /// Scenarios with commas between; one that ends is started again.
    #[arg(long, value_name = "NAME", default_value = "clients")]
    scenario: String,
    /// Every how many steps one fails.
    #[arg(long, value_name = "N", default_value_t = 1)]
    stride: u32,
    /// Have the checkpointer itself end at its requests, and start it again.
    #[arg(long)]
    lives: bool,
    /// Have images forged that must be refused, instead.
    #[arg(long, conflicts_with = "lives")]
    forged: bool,
    /// How long the program works.
    #[arg(long, value_name = "N", default_value_t = 400)]
    rounds: u32,
    /// Revision of the test kernel.
    #[arg(long, value_enum, default_value_t)]
    abi: Abi,
    /// Kernel ELF; default: the project's test kernel.
    #[arg(long, value_name = "ELF")]
    kernel: Option<PathBuf>,
    /// Where logs go; default `out/faults`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Build nothing, take what is there.
    #[arg(long, hide = true)]
    no_build: bool,
}

impl FaultArgs {
    /// A short run for the suite; everything was built before.
    pub fn short(kernel: &Path, lives: bool, out: &Path) -> Self {
        let (scenario, abi, kernel) = ("clients".into(), Abi::default(), Some(kernel.into()));
        // While a life waits for the disk the program works, and on a busy machine the disk takes long.
        let (stride, rounds) = if lives { (61, 400) } else { (23, 80) };
        Self {
            scenario,
            stride,
            lives,
            forged: false,
            rounds,
            abi,
            kernel,
            out: Some(out.into()),
            no_build: true,
        }
    }
}

/// Runs the command; an error if anything was left behind or the program was harmed.
pub fn faults(args: &FaultArgs) -> Result<()> {
    if !args.no_build {
        setup::setup()?;
        build::build(&[])?;
    }
    let path = args.kernel.clone().unwrap_or_else(|| paths::program(args.abi.test_kernel()));
    if args.forged {
        let out = args.out.clone().unwrap_or_else(|| paths::out().join("forged"));
        return tell(&forge::verdicts(&path, &out)?);
    }
    let machine = |settings: &[String]| -> Result<Machine> {
        let kernel = File { name: path.display().to_string(), bytes: read(&path)? };
        pack::recognise(&kernel)?;
        Machine::new(kernel, settings.to_vec())
    };
    let (mode, name) = if args.lives { (LIVES, "lives") } else { (FAULTS, "faults") };
    let settings = [mode.into(), format!("stride={}", args.stride), "after_ms=20".into()];
    let out = args.out.clone().unwrap_or_else(|| paths::out().join(name));
    let rounds = args.rounds;
    let life = Life { scenarios: &args.scenario, rounds, stops: 1500, reboots: 0, fresh_every: 0, seed: 1 };
    let control = machine(&[])?.control(&life, &out)?;
    let machine = machine(&settings)?;
    let trace = if args.lives {
        let trace = machine.boot_with_disk(&life, &out)?;
        judge_lives(&trace.lines)?;
        trace
    } else {
        let trace = machine.live(&life, &out)?;
        judge(&trace.lines)?;
        trace
    };
    match trace.mismatch(&control) {
        None => Ok(()),
        Some(mismatch) => Err(Failure::new(Kind::Check, mismatch)),
    }
}

/// Says what became of each test; an error if one failed.
fn tell(verdicts: &[Verdict]) -> Result<()> {
    for verdict in verdicts {
        match &verdict.failure {
            None => println!("ok      {}", verdict.name),
            Some(why) => println!("FAILED  {}: {why}", verdict.name),
        }
    }
    let failed = verdicts.iter().filter(|v| v.failure.is_some()).count();
    println!("{} passed, {failed} failed", verdicts.len() - failed);
    if failed == 0 { Ok(()) } else { Err(Failure::new(Kind::Check, "a test failed")) }
}

/// Requests that a checkpointer may not make, while a program runs.
pub fn authority(kernel: &Path, out: &Path) -> Result<()> {
    const REFUSALS: usize = 26;
    let machine = |settings: &[String]| -> Result<Machine> {
        let kernel = File { name: kernel.display().to_string(), bytes: read(kernel)? };
        Machine::new(kernel, settings.to_vec())
    };
    let life = Life { scenarios: "clients", rounds: 12, stops: 0, reboots: 0, fresh_every: 0, seed: 1 };
    let control = machine(&[])?.control(&life, out)?;
    let trace = machine(&["mode=authority".into(), "after_ms=10".into()])?.live(&life, out)?;
    if let Some(broken) = trace.lines.iter().find(|l| l.contains("BROKEN")) {
        return Err(Failure::new(Kind::Check, broken));
    }
    let refused = trace.lines.iter().filter(|l| l.contains(": refused as ")).count();
    let counted = trace.lines.iter().any(|l| l.ends_with("authority: nothing left behind"));
    if refused != REFUSALS || !counted {
        let last = trace.lines.last().map_or("", String::as_str);
        return Err(Failure::new(Kind::Check, format!("{refused} of {REFUSALS} refused; last line: {last}")));
    }
    match trace.mismatch(&control) {
        None => Ok(()),
        Some(mismatch) => Err(Failure::new(Kind::Check, mismatch)),
    }
}

/// What is counted when lives begin must be the same whenever it is the same: with the target, or without it.
fn judge_lives(lines: &[String]) -> Result<()> {
    let failure = |text: String| Err(Failure::new(Kind::Check, text));
    let mut first = BTreeMap::new();
    let mut found = BTreeMap::<&str, u32>::new();
    for line in lines {
        let Some((_, told)) = line.split_once("lives: ") else { continue };
        let words: Vec<&str> = told.splitn(3, ' ').collect();
        let [_, how @ ("adopted" | "restored"), counts] = words[..] else { continue };
        let kind = if counts.starts_with("kernel") { "kernel" } else { "root" };
        *found.entry(how).or_default() += 1;
        let before = first.entry((how, kind)).or_insert(counts);
        if *before != counts {
            return failure(format!("left behind: \"{before}\" became \"{line}\""));
        }
    }
    let Some(end) = lines.iter().find(|l| l.contains("lives: ends before")) else {
        let last = lines.last().map_or("", String::as_str);
        return failure(format!("no life came to its end; last line: {last}"));
    };
    println!("{end} {found:?}");
    // The control: lives that ended within a checkpoint, and such that ended within a restore.
    if found.len() == 2 { Ok(()) } else { failure(format!("lives began only so: {found:?}")) }
}

/// Looks for a leak, and for the counts at the end of a run that came to it.
fn judge(lines: &[String]) -> Result<()> {
    let failure = |text: &str| Err(Failure::new(Kind::Check, text));
    if let Some(line) = lines.iter().find(|l| l.contains("counts: LEAK")) {
        return failure(line);
    }
    let Some(line) = lines.iter().find(|l| l.contains("faults: stops=")) else {
        let last = lines.last().map_or("", String::as_str);
        return failure(&format!("the run did not come to its end; last line: {last}"));
    };
    println!("{line}");
    let count = |key: &str| {
        let word = line.split_whitespace().find_map(|w| w.strip_prefix(key));
        word.and_then(|w| w.trim_start_matches('=').parse::<u32>().ok()).unwrap_or(0)
    };
    // The control: a run in which nothing failed shows nothing.
    if count("failed") == 0 { failure("nothing failed") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leak_an_early_end_and_a_run_without_failures_are_noticed() {
        let lines = |text: &str| text.lines().map(String::from).collect::<Vec<_>>();
        let good = "[thaw] faults: stops=3 restores=2 failed=4 leaks=0";
        assert!(judge(&lines(good)).is_ok());
        assert!(judge(&lines(&good.replace("failed=4", "failed=0"))).is_err());
        assert!(judge(&lines(&format!("[thaw] counts: LEAK before pds=1\n{good}"))).is_err());
        assert!(judge(&lines("[thaw] faults: root: map: stop 1 refused")).is_err());
    }
}
