//! The demo: a program is checkpointed and destroyed in one boot, and goes on in another.

mod evidence;
mod measure;
mod report;

use std::{
    fs::File as DiskFile,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use thaw_bootimage::elf::Elf;

use crate::{
    board::Board,
    build,
    failure::{Failure, Kind, Result, read, write},
    pack::{self, File, Parts},
    paths,
    qemu::{Finished, Run},
    run::{Abi, ICOUNT},
    setup,
};
use evidence::{Evidence, Finding};
use measure::{Measures, Scale};
use report::{Summary, Value};

/// Options of `demo`.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Kernel ELF of either revision; default: the project's test kernel of --abi.
    #[arg(long, value_name = "ELF")]
    pub kernel: Option<PathBuf>,
    /// Revision of the test kernel.
    #[arg(long, value_enum, default_value_t)]
    pub abi: Abi,
    /// Program to be checkpointed; default: sheep.
    #[arg(long, value_name = "ELF")]
    pub target: Option<PathBuf>,
    /// Heap of sheep's memory worker in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub memory: u32,
    /// Directory for logs, disk, image and summary.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Board.
    #[arg(long, value_enum, default_value_t)]
    pub board: Board,
    /// Further setting of the checkpointer.
    #[arg(long = "set", value_name = "KEY=VALUE", hide = true)]
    pub settings: Vec<String>,
    /// Seconds that each boot may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, hide = true)]
    pub timeout: u64,
    /// Build nothing.
    #[arg(long, hide = true)]
    pub no_build: bool,
    /// Show no console.
    #[arg(long, hide = true)]
    pub quiet: bool,
}

impl DemoArgs {
    /// A demo on the test kernel that only speaks through its result, with everything built.
    pub fn quiet(abi: Abi, out: &Path) -> Self {
        Self {
            kernel: None,
            abi,
            target: None,
            memory: 1,
            out: Some(out.into()),
            board: Board::default(),
            settings: Vec::new(),
            timeout: 120,
            no_build: true,
            quiet: true,
        }
    }
}

/// What the target runs before the checkpoint, and after the restore, in milliseconds of virtual time.
/// Virtual milliseconds that sheep takes to fill a MiB of heap, at most: measured 25 on the testkernel.
const HEAP_MS_PER_MIB: u32 = 60;
const AFTER_MS: u32 = 1500;
const RUN_MS: u32 = 1500;
const PAGES_PER_MIB: u32 = 256;

/// Everything a demo needs, read and checked before the first boot.
struct Demo<'a> {
    args: &'a DemoArgs,
    out: PathBuf,
    kernel: File,
    target: File,
    /// Name of the target's PD.
    name: String,
}

/// Runs the demo; an error unless the target went on where it stopped.
pub fn demo(args: &DemoArgs) -> Result<()> {
    let start = Instant::now();
    let demo = Demo::prepare(args)?;
    let before = demo.boot("checkpoint", 1)?;
    let after = demo.boot("restore", 2)?;
    let before_evidence = Evidence::read(&before.lines, &demo.name);
    let after_evidence = Evidence::read(&after.lines, &demo.name);
    let findings = evidence::judge(&before_evidence, &after_evidence);
    let measures =
        Measures::collect(&before_evidence.summary, &after_evidence.summary, Scale::of_icount(ICOUNT));
    let outcome = Outcome { before: before_evidence, after: after_evidence, measures, findings };
    write(&demo.out.join("summary.json"), report::json(&demo.summary(&outcome)?))?;
    let table = demo.table(&outcome, start.elapsed())?;
    write(&demo.out.join("table.txt"), &table)?;
    demo.tell(&format!("\n{table}"));
    match outcome.findings.iter().find(|f| !f.holds) {
        None => Ok(()),
        Some(f) => Err(Failure::new(Kind::Check, format!("not so: {}: {}", f.question, f.seen))),
    }
}

/// What two boots showed.
struct Outcome {
    before: Evidence,
    after: Evidence,
    measures: Measures,
    findings: Vec<Finding>,
}

impl<'a> Demo<'a> {
    fn prepare(args: &'a DemoArgs) -> Result<Self> {
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
        }
        let ours = |name: &str| named_file(&paths::program(name));
        let kernel = given_kernel.map_or_else(|| ours(args.abi.test_kernel()), Ok)?;
        let target = given_target.map_or_else(|| ours("sheep"), Ok)?;
        let name = args.target.as_deref().map_or_else(|| "sheep".into(), pd_name);
        let out = args.out.clone().unwrap_or_else(|| paths::out().join("demo"));
        let demo = Self { args, out, kernel, target, name };
        demo.make_disk()?;
        Ok(demo)
    }

    /// MiB that the target may use: its heap, its program and its stacks.
    fn target_mib(&self) -> u32 {
        let program = (self.target.bytes.len() >> 20) as u32;
        self.args.memory + program + 15
    }

    /// MiB of the machine: the target, twice as much spare RAM, the system and its modules.
    fn machine_mib(&self) -> u32 {
        if 3 * self.target_mib() + 192 <= 512 { 512 } else { 1024 }
    }

    /// Virtual milliseconds until the checkpoint: sheep fills its heap before it starts to count.
    fn after_ms(&self) -> u32 {
        AFTER_MS + HEAP_MS_PER_MIB * self.args.memory
    }

    /// An empty disk that holds two images.
    fn make_disk(&self) -> Result<()> {
        let path = self.disk();
        write(&path, b"")?;
        let bytes = u64::from(64 + 3 * self.target_mib()) << 20;
        let disk = DiskFile::options().write(true).open(&path);
        disk.and_then(|d| d.set_len(bytes)).map_err(|e| Failure::file(&path, &e))
    }

    fn disk(&self) -> PathBuf {
        self.out.join("disk.img")
    }

    /// Root's configuration.
    fn system(&self) -> String {
        // The target's quota comes out of its parent's, and the stop needs twice the target in spare RAM.
        let quota = (3 * self.target_mib() + 32) * PAGES_PER_MIB;
        format!(
            "pd name=blk file=blk quota={} prio=180 devices provides=block\n\
             pd name=thaw file=thaw quota={quota} prio=170 manager checkpoint uses=block\n",
            4 * PAGES_PER_MIB
        )
    }

    /// The checkpointer's settings.
    fn config(&self, mode: &str) -> String {
        let quota = self.target_mib() * PAGES_PER_MIB;
        let mut text = format!(
            "mode={mode}\nname={}\nquota={quota}\nafter_ms={}\nrun_ms={RUN_MS}\n",
            self.name,
            self.after_ms()
        );
        for setting in &self.args.settings {
            text += setting;
            text.push('\n');
        }
        text
    }

    fn boot(&self, mode: &str, number: u32) -> Result<Finished> {
        self.tell(&format!("demo: boot {number} of 2: {mode}"));
        self.run_of(mode)?.run()?.powered_off()
    }

    /// Packs the boot of that mode.
    fn run_of(&self, mode: &str) -> Result<Run> {
        let program = |name: &str| named_file(&paths::program(name));
        let module = |name: &str, bytes: Vec<u8>| File { name: name.into(), bytes };
        let text = |name: &str, text: String| module(name, text.into_bytes());
        let image = pack::pack(&Parts {
            loader: program("thaw-loader")?,
            kernel: self.kernel.clone(),
            sigma0: program("thaw-sigma0")?,
            root: program("thaw-root")?,
            modules: vec![
                text("system", self.system()),
                text("config", self.config(mode)),
                module("blk", program("blk")?.bytes),
                module("thaw", program("thaw-native-component")?.bytes),
                module("target", self.target.bytes.clone()),
                text("target.cfg", format!("heap_mib={}\n", self.args.memory)),
            ],
            board: self.args.board.number(),
        })?;
        let path = self.out.join(format!("{mode}.elf"));
        write(&path, image)?;
        let log = if mode == "checkpoint" { "before.log" } else { "after.log" };
        Ok(Run {
            image: path,
            board: self.args.board,
            memory_mib: self.machine_mib(),
            disk: Some(self.disk()),
            log: self.out.join(log),
            until: None,
            timeout: Duration::from_secs(self.args.timeout),
            icount: ICOUNT.into(),
            echo: !self.args.quiet,
        })
    }

    fn tell(&self, text: &str) {
        if !self.args.quiet {
            println!("{text}");
        }
    }

    fn kernel_version(&self) -> Result<(String, String)> {
        let kernel = pack::recognise(&self.kernel)?;
        Ok((kernel.version().to_string(), kernel.revision.to_string()))
    }
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

impl Demo<'_> {
    fn summary(&self, o: &Outcome) -> Result<Summary> {
        const NO_COUNTER: &str = "the checkpointer measured nothing: no counter on this board";
        const NO_COUNTS: &str = "the target prints no count lines";
        let (version, revision) = self.kernel_version()?;
        let text = |t: &str| Value::Text(t.into());
        let count = |n: Option<&u64>| n.map_or(Value::Null(NO_COUNTS), |n| Value::Number(*n));
        let measured = |key: &str| {
            let value = o.before.summary.get(key).and_then(|v| v.parse().ok());
            value.map_or(Value::Null("the checkpointer did not say"), Value::Number)
        };
        let instructions =
            |t: Option<u64>| t.map_or(Value::Null(NO_COUNTER), |t| Value::Number(o.measures.instructions(t)));
        let us =
            |t: Option<u64>| t.map_or(Value::Null(NO_COUNTER), |t| Value::Number(o.measures.microseconds(t)));
        let ratio = |t| o.measures.ratio(t).map_or(Value::Null(NO_COUNTER), Value::Ratio);
        let m = &o.measures;
        let fields = [
            ("kernel", text(&version)),
            ("abi", text(&revision)),
            ("board", text(self.args.board.name())),
            ("target", text(&self.name)),
            ("threads", measured("threads")),
            ("bytes", measured("bytes")),
            ("count_before", count(o.before.counts.last())),
            ("count_after", count(o.after.counts.first())),
            ("stop_instructions", instructions(m.stop)),
            ("restore_instructions", instructions(m.restore)),
            ("copy_instructions", instructions(m.copy)),
            ("copy_fastest_instructions", instructions(m.copy_fastest)),
            ("stop_us", us(m.stop)),
            ("restore_us", us(m.restore)),
            ("copy_us", us(m.copy)),
            ("stop_ratio", ratio(m.stop)),
            ("restore_ratio", ratio(m.restore)),
            ("continued", text(if o.findings.iter().all(|f| f.holds) { "yes" } else { "no" })),
        ];
        let mut summary: Summary = fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        summary.extend(report::others(&o.before.summary, "before_"));
        summary.extend(report::others(&o.after.summary, "after_"));
        Ok(summary)
    }

    fn table(&self, o: &Outcome, took: Duration) -> Result<String> {
        let (version, revision) = self.kernel_version()?;
        let said = |key: &str| o.before.summary.get(key).cloned().unwrap_or_else(|| "-".into());
        let count = |n: Option<&u64>| n.map_or_else(|| "-".into(), u64::to_string);
        let facts = [
            ("kernel", version),
            ("abi", revision),
            ("board", self.args.board.name().into()),
            ("target", self.name.clone()),
            ("threads", said("threads")),
            ("bytes", said("bytes")),
            ("last count before", count(o.before.counts.last())),
            ("first count after", count(o.after.counts.first())),
            ("seconds in all", format!("{:.1}", took.as_secs_f32())),
            ("left in", self.out.display().to_string()),
        ];
        Ok(report::table(&facts, &o.measures, &o.findings))
    }
}
