//! The machines of a demo: one that checkpoints, one that restores, with the same disk.

use std::{
    fs::File as DiskFile,
    path::{Path, PathBuf},
    time::Duration,
};

use thaw_bootimage::elf::Elf;
use thaw_native_abi::settings::STREAMS_MODULE;

use super::{DemoArgs, StoreKind, line::over_line};
use crate::{
    build,
    failure::{Failure, Kind, Result, read, write},
    pack::{self, File, Parts},
    paths,
    qemu::{Disk, Finished, Run},
    run::ICOUNT,
    setup, streams,
};

/// Virtual milliseconds that sheep takes to fill a MiB of heap, at most: measured 25 on the testkernel.
const HEAP_MS_PER_MIB: u32 = 60;
/// What the target runs before the checkpoint, and after the restore, in milliseconds of virtual time.
const AFTER_MS: u32 = 1500;
const RUN_MS: u32 = 1500;
const PAGES_PER_MIB: u32 = 256;

/// Everything a demo needs, read and checked before the first boot.
pub struct Series<'a> {
    pub(super) args: &'a DemoArgs,
    /// Where logs, disk, image and summary go.
    pub out: PathBuf,
    kernel: File,
    target: File,
    /// Name of the target's PD.
    pub name: String,
}

/// What a boot does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Start the target, checkpoint and destroy it.
    Checkpoint,
    /// Restore it.
    Restore,
    /// Start the target and tell whether it can be saved.
    Check,
}

impl Mode {
    const fn name(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Restore => "restore",
            Self::Check => "check",
        }
    }

    /// Name of the console's log.
    pub const fn log(self) -> &'static str {
        match self {
            Self::Checkpoint => "before.log",
            Self::Restore => "after.log",
            Self::Check => "check.log",
        }
    }
}

/// The disk of a boot.
#[derive(Clone, Debug, Default)]
pub enum Drive {
    /// The series' own.
    #[default]
    Own,
    /// None.
    Absent,
    /// Another one.
    Other(Disk),
}

/// What one boot has otherwise than the others.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Further settings of the checkpointer, `key=value`.
    pub settings: Vec<String>,
    /// A module that is left out.
    pub without: Option<&'static str>,
    /// A module with another content.
    pub module: Option<File>,
    /// The disk.
    pub drive: Drive,
    /// The checkpointer's quota, in MiB.
    pub quota_mib: Option<u32>,
}

impl<'a> Series<'a> {
    /// Reads and checks all files, builds what is missing, makes an empty disk.
    pub fn prepare(args: &'a DemoArgs) -> Result<Self> {
        // A file that the user named is refused before minutes are spent on building.
        let given_kernel = args.kernel.as_deref().map(named_file).transpose()?;
        if let Some(file) = &given_kernel {
            pack::recognise(file)?;
        }
        let given_target = args.target.as_deref().map(named_file).transpose()?;
        if let Some(file) = &given_target {
            check_target(file)?;
        }
        if !args.no_build {
            setup::setup()?;
            println!("demo: building");
            build::build(&[])?;
            build::build_first_tasks(args.board, None)?;
            build::build_tool()?;
        }
        let ours = |name: &str| named_file(&paths::program(name));
        let kernel = given_kernel.map_or_else(|| ours(args.abi.test_kernel()), Ok)?;
        let target = given_target.map_or_else(|| ours("sheep"), Ok)?;
        let name = args.target.as_deref().map_or_else(|| "sheep".into(), pd_name);
        let out = args.out.clone().unwrap_or_else(|| paths::out().join("demo"));
        let series = Self { args, out, kernel, target, name };
        make_disk(&series.disk(), u64::from(64 + 3 * series.target_mib()) << 20)?;
        Ok(series)
    }

    /// Version and revision of the kernel.
    pub fn kernel_version(&self) -> Result<(String, String)> {
        let kernel = pack::recognise(&self.kernel)?;
        Ok((kernel.version().to_string(), kernel.revision.to_string()))
    }

    /// The disk's file.
    pub fn disk(&self) -> PathBuf {
        self.out.join("disk.img")
    }

    /// The image's file on the host, once the first boot is over.
    pub fn image(&self) -> PathBuf {
        self.out.join("checkpoint.thaw")
    }

    /// Where the image is kept between the boots.
    pub fn store(&self) -> StoreKind {
        let default = if self.args.board.has_disk() { StoreKind::Disk } else { StoreKind::Serial };
        self.args.store.unwrap_or(default)
    }

    /// Program of the block service.
    fn driver(&self) -> &'static str {
        match self.store() {
            StoreKind::Disk => "blk",
            StoreKind::Serial => "serial",
        }
    }

    /// MiB that the target may use: its heap, its program and its stacks.
    fn target_mib(&self) -> u32 {
        let program = (self.target.bytes.len() >> 20) as u32;
        self.args.memory + program + 15
    }

    /// MiB of the machine: the target, twice as much spare RAM, the system and its modules.
    fn machine_mib(&self) -> u32 {
        if let Some(mib) = self.args.board.memory_mib() {
            return mib;
        }
        if 3 * self.target_mib() + 192 <= 512 { 512 } else { 1024 }
    }

    /// Virtual milliseconds until the checkpoint: sheep fills its heap before it starts to count.
    fn after_ms(&self) -> u32 {
        AFTER_MS + HEAP_MS_PER_MIB * self.args.memory
    }

    /// Root's configuration.
    fn system(&self, changes: &Changes) -> String {
        // The target's quota comes out of its parent's, and the stop needs twice the target in spare RAM.
        let quota = changes.quota_mib.unwrap_or(3 * self.target_mib() + 32) * PAGES_PER_MIB;
        let driver = self.driver();
        format!(
            "pd name={driver} file={driver} quota={} prio=180 devices provides=block\n\
             pd name=thaw file=thaw quota={quota} prio=170 manager checkpoint uses=block\n",
            4 * PAGES_PER_MIB
        )
    }

    /// The checkpointer's settings.
    fn config(&self, mode: Mode, changes: &Changes) -> String {
        let quota = self.target_mib() * PAGES_PER_MIB;
        let mut text = format!(
            "mode={}\nname={}\nquota={quota}\nafter_ms={}\nrun_ms={RUN_MS}\n",
            mode.name(),
            self.name,
            self.after_ms()
        );
        if self.args.trace {
            text += "trace=1\n";
        }
        for setting in self.args.settings.iter().chain(&changes.settings) {
            text += setting;
            text.push('\n');
        }
        text
    }

    /// Whether programs write streams of log records. That takes semihosting for user mode, with which any
    /// program can open files of this machine: never with a program that somebody else wrote.
    fn has_streams(&self) -> bool {
        self.args.trace && self.args.target.is_none()
    }

    fn modules(&self, mode: Mode, changes: &Changes) -> Result<Vec<File>> {
        let module = |name: &str, bytes: Vec<u8>| File { name: name.into(), bytes };
        let text = |name: &str, text: String| module(name, text.into_bytes());
        let mut modules = vec![
            text("system", self.system(changes)),
            text("config", self.config(mode, changes)),
            module(self.driver(), program(self.driver())?.bytes),
            module("thaw", program("thaw-native-component")?.bytes),
            module("target", self.target.bytes.clone()),
            text("target.cfg", format!("heap_mib={}\n", self.args.memory)),
        ];
        if self.store() == StoreKind::Serial {
            // The machine's time runs on while it waits for us, faster than ours.
            modules.push(text("serial.cfg", "wait=sleep\nanswer_ms=20000\npatience_s=3600\n".into()));
        }
        if self.has_streams() {
            modules.push(text(STREAMS_MODULE, streams::prefix(&self.out, mode.name())?));
        }
        if let Some(other) = &changes.module {
            modules.retain(|m| m.name != other.name);
            modules.push(other.clone());
        }
        modules.retain(|m| Some(m.name.as_str()) != changes.without);
        Ok(modules)
    }

    /// One boot to its end.
    pub fn boot(&self, mode: Mode, changes: &Changes) -> Result<Finished> {
        let run = self.run_of(mode, changes)?;
        streams::clear(&self.out, mode.name());
        let finished = match self.store() {
            StoreKind::Disk => run.run().and_then(Finished::powered_off),
            StoreKind::Serial => over_line(self, mode, &run),
        };
        // Of a run that failed, too.
        streams::decode(&self.out, mode.name())?;
        finished
    }

    /// Packs a boot.
    pub fn run_of(&self, mode: Mode, changes: &Changes) -> Result<Run> {
        let first_task = |name: &str| named_file(&self.args.board.first_task(name));
        let image = pack::pack(&Parts {
            loader: first_task("thaw-loader")?,
            kernel: self.kernel.clone(),
            sigma0: first_task("thaw-sigma0")?,
            root: first_task("thaw-root")?,
            modules: self.modules(mode, changes)?,
            board: self.args.board.number(),
        })?;
        let path = self.out.join(format!("{}.elf", mode.name()));
        write(&path, image)?;
        Ok(Run {
            image: path,
            board: self.args.board,
            memory_mib: self.machine_mib(),
            disk: match &changes.drive {
                _ if self.store() == StoreKind::Serial => None,
                Drive::Own => Some(self.disk().as_path().into()),
                Drive::Absent => None,
                Drive::Other(disk) => Some(disk.clone()),
            },
            log: self.out.join(mode.log()),
            until: None,
            timeout: Duration::from_secs(self.args.timeout),
            icount: ICOUNT.into(),
            echo: !self.args.quiet,
            semihosting: self.has_streams(),
        })
    }

    /// Prints, unless the demo is quiet.
    pub fn tell(&self, text: &str) {
        if !self.args.quiet {
            println!("{text}");
        }
    }
}

/// Makes an empty disk of that size.
pub fn make_disk(path: &Path, bytes: u64) -> Result<()> {
    write(path, b"")?;
    let disk = DiskFile::options().write(true).open(path);
    disk.and_then(|d| d.set_len(bytes)).map_err(|e| Failure::file(path, &e))
}

fn program(name: &str) -> Result<File> {
    named_file(&paths::program(name))
}

fn named_file(path: &Path) -> Result<File> {
    Ok(File { name: path.display().to_string(), bytes: read(path)? })
}

/// Checks that root could start this program.
fn check_target(file: &File) -> Result<()> {
    use thaw_native_abi::layout::{USER_END, USER_START};
    let refuse = |why: String| Failure::new(Kind::Program, format!("target {}: {why}", file.name));
    let elf = Elf::parse(&file.bytes).map_err(|e| refuse(e.to_string()))?;
    match elf.loads().find(|s| s.vaddr < USER_START || s.vaddr + s.memory_bytes > USER_END) {
        None => Ok(()),
        Some(s) => Err(refuse(format!(
            "linked for {:#010x}, programs lie between {USER_START:#010x} and {USER_END:#010x}: link it there",
            s.vaddr
        ))),
    }
}

/// Name of a PD from the name of its program: letters, digits, `-` and `_`, at most 16.
fn pd_name(path: &Path) -> String {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let name: String =
        stem.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(16).collect();
    if name.is_empty() || name == "thaw" || name == "blk" { "target".into() } else { name }
}
