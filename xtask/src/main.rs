//! The one door for building, running and checking: `cargo xtask`, or the scripts in `run/`.

mod board;
mod build;
mod check;
mod conformance;
mod console;
mod demo;
mod failure;
mod gdb;
mod genode;
mod object;
mod pack;
mod paths;
mod qemu;
mod run;
mod serial;
mod setup;
mod soak;
mod streams;
mod suite;
mod tidy;
mod toolchain;
mod uboot;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Builds, runs and checks Thaw")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, by apt-get.
    Setup,
    /// Build the bare-metal programs.
    Build {
        /// Package; all if none is named.
        packages: Vec<String>,
    },
    /// Checkpoint a program in one boot and restore it in another.
    Demo(demo::DemoArgs),
    /// Attach gdb to the target in QEMU, before its checkpoint or after its restore.
    Gdb(gdb::GdbArgs),
    /// Have the checkpointer tell whether a program can be saved; `thaw check` puts it in words.
    CheckTarget(demo::DemoArgs),
    /// Compare a kernel with what the real ones were seen to do.
    Conformance(conformance::ConformanceArgs),
    /// Run the scenarios of Genode in a build directory of yours.
    Genode(genode::GenodeArgs),
    /// Stop programs at many places and compare what they declare with runs without stops.
    Soak(soak::SoakArgs),
    /// Let one step of checkpoints and restores after the other fail, and look for anything left behind.
    Faults(soak::faults::FaultArgs),
    /// Run the whole suite.
    Test(suite::TestArgs),
    /// Check formatting, lints and the house rules.
    Check,
    /// Check the house rules.
    Tidy,
    /// Format all crates.
    Fmt,
    /// Pack loader, kernel, first tasks and modules into one bootable ELF.
    Pack(run::PackArgs),
    /// Link a Rust library into one object for Genode's build system; it calls this.
    Object(object::ObjectArgs),
    /// Pack and run in QEMU, until the system switches off.
    Run(run::RunArgs),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Setup => setup::setup(),
        Command::Build { packages } => build::build(&packages),
        Command::Demo(args) => demo::demo(&args),
        Command::Gdb(args) => gdb::gdb(&args),
        Command::CheckTarget(args) => demo::examine(&args),
        Command::Conformance(args) => conformance::conformance(&args),
        Command::Genode(args) => genode::genode(&args),
        Command::Soak(args) => soak::soak(&args),
        Command::Object(args) => object::object(&args),
        Command::Faults(args) => soak::faults::faults(&args),
        Command::Test(args) => suite::test(&args),
        Command::Check => check::check(),
        Command::Fmt => check::reformat(),
        Command::Tidy => tidy::tidy(),
        Command::Pack(args) => run::pack(&args),
        Command::Run(args) => run::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            failure.exit_code()
        }
    }
}
