//! `pack` and `run`: from programs to a running machine.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    board::Board,
    build,
    failure::{Failure, Kind, Result, read, write},
    pack::{self, File, Parts},
    paths,
    qemu::{Disk, Run},
    uboot,
};

/// Default of QEMU's `-icount`: virtual time runs by instructions, idle time is skipped, runs repeat.
pub const ICOUNT: &str = "shift=2,sleep=off";

/// What to boot.
#[derive(Args, Clone, Debug)]
pub struct Boot {
    /// Kernel ELF; default: the project's test kernel of --abi.
    #[arg(long, value_name = "ELF")]
    pub kernel: Option<PathBuf>,
    /// Revision of the test kernel.
    #[arg(long, value_enum, default_value_t)]
    pub abi: Abi,
    /// Board.
    #[arg(long, value_enum, default_value_t)]
    pub board: Board,
    /// Root task; default: the system's.
    #[arg(long, value_name = "ELF")]
    pub root: Option<PathBuf>,
    /// Module of the archive; the name of the file without NAME=.
    #[arg(long = "module", value_name = "[NAME=]FILE")]
    pub modules: Vec<String>,
    /// Build this package only; may be repeated.
    #[arg(long = "package", value_name = "NAME")]
    pub packages: Vec<String>,
    /// Build the root task from this example of the runtime.
    #[arg(long, value_name = "NAME", conflicts_with = "root")]
    pub example: Option<String>,
    /// Build nothing, take what is there.
    #[arg(long)]
    pub no_build: bool,
}

/// Revision of the test kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Abi {
    /// 2019.
    #[default]
    G,
    /// 2026.
    M,
}

impl std::fmt::Display for Abi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::G => "G",
            Self::M => "M",
        })
    }
}

impl Abi {
    /// Program of the test kernel.
    pub const fn test_kernel(self) -> &'static str {
        match self {
            Self::G => "testkernel-g",
            Self::M => "testkernel-m",
        }
    }
}

impl Boot {
    /// The kernel's file.
    pub fn kernel_path(&self) -> PathBuf {
        self.kernel.clone().unwrap_or_else(|| paths::program(self.abi.test_kernel()))
    }

    /// Builds what is missing and packs the boot image.
    pub fn image(&self) -> Result<Vec<u8>> {
        if !self.no_build {
            if let Some(example) = &self.example {
                let first = ["thaw-native-loader", "thaw-native-sigma0"].map(String::from);
                build::build(&first)?;
                build::build_first_tasks(self.board, None)?;
                build::build_example(self.board, example)?;
            } else {
                build::build(&self.packages)?;
                build::build_first_tasks(self.board, None)?;
            }
        }
        let root = match (&self.root, &self.example) {
            (Some(path), _) => path.clone(),
            (None, Some(example)) => self.board.first_task(&format!("examples/{example}")),
            (None, None) => self.board.first_task("thaw-root"),
        };
        let file = |path: PathBuf| Ok(File { name: path.display().to_string(), bytes: read(&path)? });
        pack::pack(&Parts {
            loader: file(self.board.first_task("thaw-loader"))?,
            kernel: file(self.kernel_path())?,
            sigma0: file(self.board.first_task("thaw-sigma0"))?,
            root: file(root)?,
            modules: self.modules.iter().map(|m| module(m)).collect::<Result<_>>()?,
            board: self.board.number(),
        })
    }
}

fn module(argument: &str) -> Result<File> {
    let (name, path) = match argument.split_once('=') {
        Some((name, path)) => (name.to_owned(), PathBuf::from(path)),
        None => {
            let path = PathBuf::from(argument);
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
            (name.unwrap_or_default(), path)
        }
    };
    Ok(File { name, bytes: read(&path)? })
}

/// Options of `pack`.
#[derive(Args, Debug)]
pub struct PackArgs {
    #[command(flatten)]
    boot: Boot,
    /// Where the boot image goes.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Form of the boot image.
    #[arg(long, value_enum, default_value_t)]
    form: Form,
}

/// Forms of a boot image.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Form {
    /// ELF, for QEMU's -kernel.
    #[default]
    Elf,
    /// Flat binary with a header for U-Boot's `bootm`.
    Uimage,
    /// Flat binary, to be put to the address that packing says.
    Raw,
}

/// Packs a boot image.
pub fn pack(args: &PackArgs) -> Result<()> {
    let image = args.boot.image()?;
    if args.form == Form::Elf {
        return write(&args.output, image);
    }
    let flat = uboot::flatten(&image)?;
    println!(
        "load address and entry {:#010x} and {:#010x}, {} bytes",
        flat.load,
        flat.entry,
        flat.bytes.len()
    );
    write(&args.output, if args.form == Form::Uimage { uboot::with_header(&flat) } else { flat.bytes })
}

/// Options of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    #[command(flatten)]
    boot: Boot,
    /// MiB of RAM; default: what the board has, else 512.
    #[arg(long, value_name = "MIB")]
    memory: Option<u32>,
    /// Disk image, as it is; made by `truncate -s 64M FILE`, for instance.
    #[arg(long, value_name = "FILE")]
    disk: Option<PathBuf>,
    /// End the run when a line contains this text, too.
    #[arg(long, value_name = "TEXT")]
    until: Option<String>,
    /// Console log.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Seconds that the run may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    timeout: u64,
    /// QEMU's -icount.
    #[arg(long, value_name = "VALUE", default_value = ICOUNT)]
    icount: String,
}

/// Packs and runs; the run must end by the line that switches off.
pub fn run(args: &RunArgs) -> Result<()> {
    if let Some(disk) = args.disk.as_ref().filter(|d| !d.is_file()) {
        return Err(Failure::new(Kind::File, format!("disk {}: no such file; make one", disk.display())));
    }
    let image = paths::out().join("run").join("boot.elf");
    write(&image, args.boot.image()?)?;
    let run = Run {
        image,
        board: args.boot.board,
        memory_mib: args.memory.or(args.boot.board.memory_mib()).unwrap_or(512),
        disk: args.disk.as_deref().map(Disk::from),
        log: args.log.clone().unwrap_or_else(|| paths::out().join("run").join("console.log")),
        until: args.until.clone(),
        timeout: Duration::from_secs(args.timeout),
        icount: args.icount.clone(),
        echo: true,
        semihosting: false,
    };
    run.run()?.powered_off().map(|_| ())
}
