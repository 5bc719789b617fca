//! Building the bare-metal programs.

use std::{path::Path, process::Command};

use crate::{
    board::Board,
    check,
    failure::{Failure, Kind, Result, read, write},
    paths,
    toolchain::Toolchain,
};

/// Packages with programs for the target.
pub const PACKAGES: [&str; 12] = [
    "thaw-core-genode",
    "thaw-genode",
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

/// First tasks of every system, and their packages.
const FIRST_TASKS: [(&str, &str); 3] = [
    ("thaw-native-loader", "thaw-loader"),
    ("thaw-native-sigma0", "thaw-sigma0"),
    ("thaw-native-root", "thaw-root"),
];

/// Links the first tasks for another board than `virt`, and `root`, a package and its program, in root's
/// place.
pub fn build_first_tasks(board: Board, root: Option<(&str, &str)>) -> Result<()> {
    if board == Board::default() {
        return Ok(());
    }
    let tasks: Vec<(&str, &str)> = FIRST_TASKS.into_iter().chain(root).collect();
    let mut command = Toolchain::need()?.command("build");
    command.env("THAW_BOARD", board.name()).args(tasks.iter().flat_map(|(p, _)| ["-p", p]));
    let programs: Vec<&str> = tasks.iter().map(|(_, program)| *program).collect();
    linked_for(board, &programs, || run(&mut command, Kind::Build, "building the board's first tasks"))
}

/// Moves what `build` makes for another board than `virt` to that board's place and puts what was there
/// for `virt` back.
fn linked_for(board: Board, programs: &[&str], build: impl FnOnce() -> Result<()>) -> Result<()> {
    let aside: Vec<_> =
        programs.iter().filter_map(|p| Some((p, std::fs::read(paths::program(p)).ok()?))).collect();
    build()?;
    for program in programs {
        write(&board.first_task(program), read(&paths::program(program))?)?;
        let path = paths::program(program);
        std::fs::remove_file(&path).map_err(|e| Failure::file(&path, &e))?;
    }
    aside.into_iter().try_for_each(|(program, bytes)| write(&paths::program(program), bytes))
}

/// Builds the programs of `packages`, all of them if none is named.
pub fn build(packages: &[String]) -> Result<()> {
    let mut command = Toolchain::need()?.command("build");
    let all = PACKAGES.map(String::from);
    let packages = if packages.is_empty() { &all[..] } else { packages };
    command.args(packages.iter().flat_map(|p| ["-p", p]));
    run(&mut command, Kind::Build, "building the bare-metal programs")
}

/// Builds a root task that is an example of the runtime.
pub fn build_example(board: Board, name: &str) -> Result<()> {
    let mut command = Toolchain::need()?.command("build");
    command.env("THAW_BOARD", board.name()).args(["-p", "thaw-rt", "--example", name]);
    let mut build = || run(&mut command, Kind::Build, "building an example");
    if board == Board::default() { build() } else { linked_for(board, &[&format!("examples/{name}")], build) }
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
