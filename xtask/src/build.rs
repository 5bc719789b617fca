//! Building the bare-metal programs.

use std::{path::Path, process::Command};

use crate::{
    check,
    failure::{Failure, Kind, Result},
    paths,
    toolchain::Toolchain,
};

/// Packages with programs for the target.
pub const PACKAGES: [&str; 10] = [
    "thaw-native-loader",
    "thaw-native-sigma0",
    "thaw-native-root",
    "thaw-root-probe",
    "thaw-native-blk",
    "thaw-native-component",
    "thaw-engine-test",
    "thaw-targets",
    "thaw-conformance",
    "thaw-testkernel",
];

/// Builds the programs of `packages`, all of them if none is named.
pub fn build(packages: &[String]) -> Result<()> {
    let mut command = Toolchain::need()?.command("build");
    let all = PACKAGES.map(String::from);
    let packages = if packages.is_empty() { &all[..] } else { packages };
    command.args(packages.iter().flat_map(|p| ["-p", p]));
    run(&mut command, Kind::Build, "building the bare-metal programs")
}

/// Builds a root task that is an example of the runtime.
pub fn build_example(name: &str) -> Result<()> {
    let mut command = Toolchain::need()?.command("build");
    command.args(["-p", "thaw-rt", "--example", name]);
    run(&mut command, Kind::Build, "building an example")
}

/// Builds the host tool `thaw`.
pub fn build_tool() -> Result<()> {
    let mut command = check::cargo();
    run(command.args(["build", "--quiet", "-p", "thaw-cli"]), Kind::Build, "building the host tool")
}

/// Compiles the example targets into `out`.
pub fn build_examples(out: &Path) -> Result<()> {
    let script = paths::root().join("examples").join("build.sh");
    run(Command::new(script).arg(out), Kind::Build, "compiling the examples")
}

/// Runs a command that prints for itself.
pub fn run(command: &mut Command, kind: Kind, what: &str) -> Result<()> {
    let tool = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::new(kind, format!("{what} failed: {tool} ended with {status}"))),
        Err(e) => Err(Failure::new(Kind::Tool, format!("{tool}: {e}; run `cargo xtask setup`"))),
    }
}
