//! `faults`: checkpoints and restores of which one step after the other fails, while a scenario runs.

use std::path::{Path, PathBuf};

use clap::Args;

use super::life::{FAULTS, Life, Machine};
use crate::{
    build,
    failure::{Failure, Kind, Result, read},
    pack::{self, File},
    paths,
    run::Abi,
    setup,
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
    pub fn short(kernel: &Path, out: &Path) -> Self {
        let (scenario, abi, kernel) = ("clients".into(), Abi::default(), Some(kernel.into()));
        Self { scenario, stride: 23, rounds: 80, abi, kernel, out: Some(out.into()), no_build: true }
    }
}

/// Runs the command; an error if anything was left behind or the program was harmed.
pub fn faults(args: &FaultArgs) -> Result<()> {
    if !args.no_build {
        setup::setup()?;
        build::build(&[])?;
    }
    let path = args.kernel.clone().unwrap_or_else(|| paths::program(args.abi.test_kernel()));
    let kernel = File { name: path.display().to_string(), bytes: read(&path)? };
    pack::recognise(&kernel)?;
    let settings = [FAULTS.into(), format!("stride={}", args.stride), "after_ms=20".into()];
    let out = args.out.clone().unwrap_or_else(|| paths::out().join("faults"));
    let machine = Machine::new(kernel, settings.to_vec())?;
    let plain = Machine::new(File { name: path.display().to_string(), bytes: read(&path)? }, Vec::new())?;
    let rounds = args.rounds;
    let life = Life { scenarios: &args.scenario, rounds, stops: 1500, reboots: 0, fresh_every: 0, seed: 1 };
    let control = plain.control(&life, &out)?;
    let trace = machine.live(&life, &out)?;
    judge(&trace.lines)?;
    match trace.mismatch(&control) {
        None => Ok(()),
        Some(mismatch) => Err(Failure::new(Kind::Check, mismatch)),
    }
}

/// Looks for a leak, and for the counts at the end of a run that came to it.
fn judge(lines: &[String]) -> Result<()> {
    let failure = |text: &str| Err(Failure::new(Kind::Check, text));
    if let Some(line) = lines.iter().find(|l| l.contains("faults: LEAK")) {
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
        assert!(judge(&lines(&format!("[thaw] faults: LEAK before pds=1\n{good}"))).is_err());
        assert!(judge(&lines("[thaw] faults: root: map: stop 1 refused")).is_err());
    }
}
