//! `thaw`: looks into checkpoint images and disks.
//!
//! Reads in pieces: memory does not grow with the image's pages, only with its (bounded) records.
//! Every refusal is one line on standard error that names object, reason and remedy, and has an exit
//! code of its own ([`codes`]).

mod check;
mod codes;
mod diff;
mod extract;
mod failure;
mod file;
mod from_log;
mod input;
mod line;
mod print;
mod report;
mod show;
mod to_core;
mod trace;
mod transfer;
mod verify;
mod view;
mod whole;
mod words;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use thaw_image::Abi;

use failure::Failure;

/// Looks into checkpoint images and disks.
///
/// IMAGE is the file of one checkpoint, DISK the disk of a machine; which one it is, its content says.
/// Of a disk the newest checkpoint is taken.
#[derive(Parser)]
#[command(name = "thaw", version, after_help = codes::help(), max_term_width = 100)]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Shows all that an image says: header, threads and what each was doing, memory, capabilities.
    Show {
        /// Image or disk.
        #[arg(value_name = "IMAGE|DISK")]
        input: PathBuf,
        /// Print JSON: addresses, registers and hashes as hexadecimal strings, all else as numbers.
        #[arg(long)]
        json: bool,
        /// Print the 128 words of each UTCB, too (JSON always has them).
        #[arg(long)]
        utcb: bool,
    },
    /// Checks every byte of an image: hashes, versions, limits, and that its parts fit together.
    Verify {
        /// Image or disk.
        #[arg(value_name = "IMAGE|DISK")]
        input: PathBuf,
        /// Refuse an image of another ABI revision of the kernel.
        #[arg(long)]
        abi: Option<AbiArg>,
        /// Refuse an image of another board.
        #[arg(long, value_name = "NAME")]
        board: Option<String>,
        /// Refuse another checkpoint of the target than this one.
        #[arg(long, value_name = "N")]
        generation: Option<u64>,
        /// Refuse an image that does not build on this one.
        #[arg(long, value_name = "IMAGE|DISK")]
        parent: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Writes the newest checkpoint of a disk to an image file, after checking it.
    Extract {
        /// Disk.
        disk: PathBuf,
        /// Image file to write; replaced only when the new one is complete.
        out: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Writes the image that a component of Genode printed to an image file.
    ///
    /// Of several the last one that is complete.
    FromLog {
        /// Console log.
        log: PathBuf,
        /// Image file to write; replaced only when the new one is complete.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Compares the states in two checkpoints: threads, memory, capabilities and objects.
    ///
    /// Ends with 0 if they are equal and with 1 if they differ.
    Diff {
        /// Image or disk.
        #[arg(value_name = "IMAGE|DISK")]
        a: PathBuf,
        /// Image or disk.
        #[arg(value_name = "IMAGE|DISK")]
        b: PathBuf,
        /// Admit what the continuation of a stopped system call may change: its outputs and clobbers, and time
        /// that passed.
        #[arg(long)]
        continued: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Receives checkpoints from a target whose store is at this end of its console line.
    ///
    /// What the target prints goes to standard output. Interrupted and started anew, it goes on where it was,
    /// as long as FILE.part is there and the target has not given up.
    Receive {
        #[command(flatten)]
        line: LineArgs,
        /// Image file to write; replaced only when the new one is complete and verified.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Sends an image, after verifying it, to a target whose store is at this end of its console line.
    Send {
        #[command(flatten)]
        line: LineArgs,
        /// Image.
        image: PathBuf,
    },
    /// Tells whether a target can be saved, and if not, every reason and what to change.
    Check {
        /// Console log of a run with mode=check, or its directory; without one a machine is booted.
        #[arg(value_name = "LOG|DIR", conflicts_with_all = ["kernel", "target", "abi", "out"])]
        log: Option<PathBuf>,
        #[command(flatten)]
        boot: check::Boot,
    },
    /// Shows every traced step of a stop, a capture, a restore and a commit with its cost.
    Trace {
        /// Console log, or directory that a demo left.
        #[arg(value_name = "LOG|DIR")]
        log: PathBuf,
        /// Write the steps in the trace-event format of Perfetto and Chrome, too.
        #[arg(long, value_name = "FILE")]
        perfetto: Option<PathBuf>,
        /// Shift of QEMU's -icount: costs are shown in instructions, too.
        #[arg(long, value_name = "SHIFT", value_parser = clap::value_parser!(u32).range(0..=10))]
        icount: Option<u32>,
        /// Show only what each kind of step cost in all.
        #[arg(long)]
        totals: bool,
    },
    /// Writes an ELF core of a checkpoint, for `gdb-multiarch PROGRAM -c FILE`.
    ///
    /// Threads, their registers (VFP, too) and all memory are there; each thread has the number (LWP) 1000 plus
    /// its index.
    ToCore {
        /// Image or disk.
        #[arg(value_name = "IMAGE|DISK")]
        input: PathBuf,
        /// Core file to write; replaced only when the new one is complete.
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Content of a ROM module; without it the module is left out.
        #[arg(long = "rom", value_name = "NAME=FILE", value_parser = rom)]
        roms: Vec<(String, PathBuf)>,
        /// Protection domain; needed only if the image has several.
        #[arg(long, value_name = "NAME")]
        pd: Option<String>,
        /// Also write debugger commands that name the threads, for `gdb -x`.
        #[arg(long, value_name = "FILE")]
        script: Option<PathBuf>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

fn rom(argument: &str) -> Result<(String, PathBuf), String> {
    match argument.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.into(), file.into())),
        _ => Err("write the module's name, `=` and a file".into()),
    }
}

/// A line to a target.
#[derive(clap::Args)]
struct LineArgs {
    /// Serial device, pseudo terminal or Unix socket, or a socket's HOST:PORT.
    #[arg(short, long, value_name = "LINE")]
    line: String,
    /// Bits per second of a serial device.
    #[arg(long, value_name = "BAUD", default_value_t = 115_200)]
    baud: u32,
    /// Do not end when an image went over; go on printing and serving.
    #[arg(long)]
    stay: bool,
}

impl LineArgs {
    fn way(&self) -> transfer::Way<'_> {
        transfer::Way { line: &self.line, baud: self.baud, stay: self.stay }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum AbiArg {
    G,
    M,
}

impl From<AbiArg> for Abi {
    fn from(arg: AbiArg) -> Self {
        match arg {
            AbiArg::G => Self::G,
            AbiArg::M => Self::M,
        }
    }
}

fn main() -> ExitCode {
    match run(Args::parse().verb) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads us has seen enough; that is no failure.
        Err(Failure::Pipe) => ExitCode::SUCCESS,
        // What differs was printed.
        Err(failure @ Failure::Differ) => ExitCode::from(failure.code()),
        Err(failure) => {
            eprintln!("thaw: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Show { input, json, utcb } => show::show(&input, json, utcb),
        Verb::Verify { input, abi, board, generation, parent, json } => {
            let (abi, board, parent) = (abi.map(Abi::from), board.as_deref(), parent.as_deref());
            verify::verify(&input, &verify::Wanted { abi, board, generation, parent }, json)
        }
        Verb::Diff { a, b, continued, json } => diff::diff(&a, &b, continued, json),
        Verb::FromLog { log, output } => from_log::from_log(&log, &output),
        Verb::Extract { disk, out, json } => extract::extract(&disk, &out, json),
        Verb::Receive { line, output } => transfer::receive(&line.way(), &output),
        Verb::Send { line, image } => transfer::send(&line.way(), &image),
        Verb::Check { log, boot } => check::check(log.as_deref(), &boot),
        Verb::Trace { log, perfetto, icount, totals } => {
            let wanted = trace::Wanted { perfetto: perfetto.as_deref(), icount, totals_only: totals };
            trace::trace(&log, &wanted)
        }
        Verb::ToCore { input, output, roms, pd, script, json } => to_core::to_core(&to_core::Request {
            input: &input,
            out: &output,
            pd: pd.as_deref(),
            roms: &roms,
            script: script.as_deref(),
            json,
        }),
    }
}
