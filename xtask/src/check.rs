//! `check`: formatting, compiler warnings and lints of all crates, then the house rules.

use std::process::{Command, Stdio};

use crate::{
    build::{self, PACKAGES},
    failure::{Kind, Result},
    paths, tidy,
    toolchain::Toolchain,
};

/// Checks everything that needs no machine.
pub fn check() -> Result<()> {
    format()?;
    host_lints()?;
    target_lints()?;
    tidy::tidy()
}

/// The cargo that runs us.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::root()).env("CARGO_TARGET_DIR", paths::target_dir());
    command
}

/// Whether a cargo has that subcommand.
pub fn has(mut cargo: Command, subcommand: &str) -> bool {
    cargo.args([subcommand, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    cargo.status().is_ok_and(|s| s.success())
}

/// Checks the formatting of all crates.
pub fn format() -> Result<()> {
    build::run(cargo().args(["fmt", "--all", "--", "--check"]), Kind::Check, "the check of the formatting")
}

/// Formats all crates.
pub fn reformat() -> Result<()> {
    build::run(cargo().args(["fmt", "--all"]), Kind::Tool, "formatting")
}

/// Lints of what runs on the host, tests included.
pub fn host_lints() -> Result<()> {
    build::run(
        cargo().args(["clippy", "--quiet", "--all-targets", "--", "-D", "warnings"]),
        Kind::Check,
        "linting the host crates",
    )
}

/// Lints of what runs on the target; only the compiler's if the target's toolchain has no clippy.
pub fn target_lints() -> Result<()> {
    let toolchain = Toolchain::need()?;
    let clippy = toolchain.has_clippy();
    let mut command = toolchain.command(if clippy { "clippy" } else { "check" });
    command.args(["--quiet", "--keep-going"]).args(PACKAGES.iter().flat_map(|p| ["-p", p]));
    if clippy {
        command.args(["--", "-D", "warnings"]);
    } else {
        println!("check: {} has no clippy; the target's crates are only compiled", toolchain.cargo.display());
    }
    build::run(&mut command, Kind::Check, "linting the target's crates")
}
