//! `thaw`: looks into checkpoint images and disks.
//!
//! Reads in pieces: memory does not grow with the image's pages, only with its (bounded) records.
//! Every refusal is one line on standard error that names object, reason and remedy, and has an exit
//! code of its own ([`codes`]).

mod codes;
mod extract;
mod failure;
mod file;
mod input;
mod report;
mod show;
mod verify;
mod view;
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
    },
    /// Writes the newest checkpoint of a disk to an image file, after checking it.
    Extract {
        /// Disk.
        disk: PathBuf,
        /// Image file to write; replaced only when the new one is complete.
        out: PathBuf,
    },
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
        Err(failure) => {
            eprintln!("thaw: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Show { input, json, utcb } => show::show(&input, json, utcb),
        Verb::Verify { input, abi, board } => verify::verify(&input, abi.map(Abi::from), board.as_deref()),
        Verb::Extract { disk, out } => extract::extract(&disk, &out),
    }
}
