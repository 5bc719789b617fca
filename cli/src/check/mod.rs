//! `thaw check`.

mod log;
mod words;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use log::Check;

/// What is booted where there is no log yet.
#[derive(clap::Args, Clone, Debug)]
pub struct Boot {
    /// Kernel ELF; default: the project's test kernel.
    #[arg(long, value_name = "ELF")]
    kernel: Option<PathBuf>,
    /// Program to be checked; default: sheep.
    #[arg(long, value_name = "ELF")]
    target: Option<PathBuf>,
    /// Revision of the test kernel.
    #[arg(long, value_name = "g|m")]
    abi: Option<String>,
    /// Directory for the log.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Build nothing.
    #[arg(long, hide = true)]
    no_build: bool,
}

/// The log that a boot leaves in its directory.
const LOG: &str = "check.log";

/// Reports what the log says, or first boots a machine that writes one; refuses a target that cannot be
/// saved.
pub fn check(log: Option<&Path>, boot: &Boot) -> Result<(), Failure> {
    let log = match log {
        Some(log) if log.is_dir() => log.join(LOG),
        Some(log) => log.into(),
        None => boot.run()?,
    };
    let bytes = std::fs::read(&log).map_err(|error| Failure::Input(log.clone(), error))?;
    let check = Check::read(&String::from_utf8_lossy(&bytes));
    if !check.is_complete {
        return Err(Failure::NoCheck(log));
    }
    std::io::stdout().write_all(words::report(&check).as_bytes()).map_err(Failure::stdout)?;
    if check.is_saveable() { Ok(()) } else { Err(Failure::NotSaveable(log, check.reasons.len())) }
}

impl Boot {
    /// Boots by `cargo xtask check-target`, which knows kernels and boards; returns the log.
    fn run(&self) -> Result<PathBuf, Failure> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
        let out = self.out.clone().unwrap_or_else(|| root.join("out").join("check"));
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(["run", "--quiet", "--package", "xtask", "--manifest-path"])
            .arg(root.join("Cargo.toml"));
        command.args(["--", "check-target", "--quiet", "--out"]).arg(&out);
        for (option, value) in [("--kernel", &self.kernel), ("--target", &self.target)] {
            command.args(value.iter().flat_map(|path| [option.as_ref(), path.as_os_str()]));
        }
        command.args(self.abi.iter().flat_map(|abi| ["--abi", abi]));
        if self.no_build {
            command.arg("--no-build");
        }
        let log = out.join(LOG);
        // What xtask prints goes where errors go: the report alone is the output.
        let status = command.stdout(std::io::stderr()).status();
        match status.map_err(|error| Failure::Boot(error.to_string()))? {
            status if status.success() => Ok(log),
            status => Err(Failure::Boot(format!("cargo xtask check-target ended with {status}"))),
        }
    }
}
