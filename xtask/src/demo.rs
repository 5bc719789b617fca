//! The demo: a program is checkpointed and destroyed in one boot, and goes on in another.

pub mod evidence;
mod line;
mod measure;
pub mod report;
pub mod series;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use crate::{
    board::Board,
    build,
    failure::{Failure, Kind, Result, write},
    paths,
    run::{Abi, ICOUNT},
};
use clap::Args;
use evidence::{Evidence, Finding};
use measure::{Measures, Scale};
use report::{Summary, Value};
use series::{Changes, Mode, Series};

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
    /// Where the image is kept; default: a disk where the board has one, else the serial line.
    #[arg(long, value_enum)]
    pub store: Option<StoreKind>,
    /// Have the serial line tear, repeat and change what goes over it.
    #[arg(long, value_name = "SEED", hide = true)]
    pub faults: Option<u64>,
    /// Directory for logs, disk, image and summary.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Board.
    #[arg(long, value_enum, default_value_t)]
    pub board: Board,
    /// Trace every step; `thaw trace` shows them.
    #[arg(long)]
    pub trace: bool,
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

/// Where the image is kept between the boots.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum StoreKind {
    /// A virtio disk.
    Disk,
    /// A file of the host, at the other end of the console line.
    Serial,
}

impl DemoArgs {
    /// A demo on the test kernel that only speaks through its result, with everything built.
    pub fn quiet(abi: Abi, out: &Path) -> Self {
        Self {
            kernel: None,
            abi,
            target: None,
            memory: 1,
            store: None,
            faults: None,
            out: Some(out.into()),
            board: Board::default(),
            trace: false,
            settings: Vec::new(),
            timeout: 120,
            no_build: true,
            quiet: true,
        }
    }
}

/// Runs the demo; an error unless the target went on where it stopped.
pub fn demo(args: &DemoArgs) -> Result<()> {
    let start = Instant::now();
    let series = Series::prepare(args)?;
    let before = boot(&series, Mode::Checkpoint, 1)?;
    keep_image(&series)?;
    let after = boot(&series, Mode::Restore, 2)?;
    let findings = evidence::judge(&before, &after);
    let measures = Measures::collect(&before.summary, &after.summary, Scale::of_icount(ICOUNT));
    let outcome = Outcome { before, after, measures, findings };
    write(&series.out.join("summary.json"), report::json(&summary(&series, &outcome)?))?;
    let table = table(&series, &outcome, start.elapsed())?;
    write(&series.out.join("table.txt"), &table)?;
    series.tell(&format!("\n{table}"));
    match outcome.findings.iter().find(|f| !f.holds) {
        None => Ok(()),
        Some(f) => Err(Failure::new(Kind::Check, format!("not so: {}: {}", f.question, f.seen))),
    }
}

/// Boots once to have the checkpointer tell whether the target can be saved; what it tells is in the log.
pub fn examine(args: &DemoArgs) -> Result<()> {
    Series::prepare(args)?.boot(Mode::Check, &Changes::default()).map(|_| ())
}

/// Boots and reads the log; what the checkpointer refuses ends the demo.
fn boot(series: &Series<'_>, mode: Mode, number: u32) -> Result<Evidence> {
    series.tell(&format!("demo: boot {number} of 2: {mode:?}"));
    let finished = series.boot(mode, &Changes::default())?;
    let evidence = Evidence::read(&finished.lines, &series.name);
    match &evidence.refusal {
        None => Ok(evidence),
        Some(r) => Err(Failure::refused(r.exit, format!("boot {number}: {} ({})", r.text, r.name))),
    }
}

/// Takes the image off the disk with the host's own tool, which verifies it.
fn keep_image(series: &Series<'_>) -> Result<()> {
    let image = series.image();
    let mut command = Command::new(paths::host_tool());
    match series.store() {
        StoreKind::Disk => command.arg("extract").arg(series.disk()).arg(&image),
        // It is there already.
        StoreKind::Serial => command.arg("verify").arg(&image),
    };
    build::run(&mut command, Kind::Check, "thaw")
}

/// What two boots showed.
struct Outcome {
    before: Evidence,
    after: Evidence,
    measures: Measures,
    findings: Vec<Finding>,
}

fn summary(series: &Series<'_>, o: &Outcome) -> Result<Summary> {
    const NO_COUNTER: &str = "the checkpointer measured nothing: no counter on this board";
    const NO_COUNTS: &str = "the target prints no count lines";
    let (version, revision) = series.kernel_version()?;
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
        ("board", text(series.args.board.name())),
        ("target", text(&series.name)),
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

fn table(series: &Series<'_>, o: &Outcome, took: Duration) -> Result<String> {
    let (version, revision) = series.kernel_version()?;
    let said = |key: &str| o.before.summary.get(key).cloned().unwrap_or_else(|| "-".into());
    let count = |n: Option<&u64>| n.map_or_else(|| "-".into(), u64::to_string);
    let facts = [
        ("kernel", version),
        ("abi", revision),
        ("board", series.args.board.name().into()),
        ("target", series.name.clone()),
        ("threads", said("threads")),
        ("bytes", said("bytes")),
        ("last count before", count(o.before.counts.last())),
        ("first count after", count(o.after.counts.first())),
        ("seconds in all", format!("{:.1}", took.as_secs_f32())),
        ("left in", series.out.display().to_string()),
    ];
    Ok(report::table(&facts, &o.measures, &o.findings))
}
