//! Refusals on the running system: a checkpoint that fails leaves the target running, a restore that
//! fails leaves nothing behind.

use std::{fs, path::Path};

use super::{Case, Context, Verdict, ensure, many};
use crate::{
    demo::{
        DemoArgs,
        evidence::Evidence,
        series::{Changes, Drive, Mode, Series, make_disk},
    },
    failure::{Failure, Result, read, write},
    pack::File,
    qemu::Disk,
    run::Abi,
};

/// Bytes of a label, and where labels A and B lie (docs/image-format.md).
const LABEL: usize = 4096;
/// Where the first image lies: behind both labels.
const AREA: usize = 2 * LABEL;
/// Where a label states the length of its image, and where the image's header lies in it.
const LENGTH_AT: usize = 32;
const HEADER_AT: usize = 512;
/// Where the header states the place of the table.
const TABLE_AT: usize = 184;
/// The target counts once every 100 virtual ms; with the run of 1.5 s before and after that many at least.
const COUNTS: usize = 25;

/// All refusals.
pub fn cases() -> Vec<Case> {
    vec![
        many("refused restores leave nothing behind", restores),
        many("refused checkpoints leave the target running", checkpoints),
    ]
}

/// What is done to a disk.
type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);

/// What is expected of a refusal.
struct Expected {
    name: &'static str,
    exit: u8,
}

const fn refusal(name: &'static str, exit: u8) -> Expected {
    Expected { name, exit }
}

impl Expected {
    fn check(&self, evidence: &Evidence) -> Result<()> {
        match &evidence.refusal {
            None => ensure(false, || "nothing was refused".into()),
            Some(r) => ensure(r.name == self.name && r.exit == self.exit, || {
                format!("expected {} with exit code {}, seen {r:?}", self.name, self.exit)
            }),
        }
    }
}

fn restores(context: &Context) -> Result<Vec<Verdict>> {
    let args = DemoArgs::quiet(Abi::G, &context.out);
    let series = Series::prepare(&args)?;
    series.boot(Mode::Checkpoint, &Changes::default())?;
    let disk = read(&series.disk())?;
    let field = Field { context, series: &series, disk };
    let mut verdicts = vec![field.restore("control", None, &Changes::default(), None)];
    verdicts.push(field.substituted());
    verdicts.extend(field.damaged_disks());
    verdicts.extend(field.other_machines());
    verdicts.push(field.other_kernel());
    Ok(verdicts)
}

/// A disk with a checkpoint, and the machine that made it.
struct Field<'a> {
    context: &'a Context,
    series: &'a Series<'a>,
    disk: Vec<u8>,
}

impl Field<'_> {
    fn damaged_disks(&self) -> Vec<Verdict> {
        let flip = |at: usize| move |disk: &mut Vec<u8>| disk[at] ^= 0x10;
        let number = |at: usize| u64::from_le_bytes(self.disk[at..at + 8].try_into().unwrap_or_default());
        // The header block of the image stands in the label, the rest of it in the area.
        let body = number(LENGTH_AT) as usize - LABEL;
        let table = AREA + number(HEADER_AT + TABLE_AT) as usize - LABEL;
        let cut = |disk: &mut Vec<u8>| disk.truncate(AREA + body / 2 / LABEL * LABEL);
        let cases: [(&str, Damage<'_>, Expected); 6] = [
            // The only label, damaged, looks like a first commit that a power cut tore.
            ("label flipped", &flip(100), refusal("image", 30)),
            ("no magic", &flip(0), refusal("image", 10)),
            ("no image", &|disk| disk[..2 * LABEL].fill(0), refusal("image", 30)),
            ("page flipped", &flip(AREA + 5 * LABEL + 77), refusal("image", 20)),
            ("table flipped", &flip(table + 17), refusal("image", 19)),
            ("disk cut", &cut, refusal("image", 32)),
        ];
        let verdicts = cases.into_iter().map(|(name, damage, expected)| {
            self.restore(name, Some(damage), &Changes::default(), Some(expected))
        });
        verdicts.collect()
    }

    fn other_machines(&self) -> Vec<Verdict> {
        let module = |name: &str, bytes: &[u8]| Some(File { name: name.into(), bytes: bytes.into() });
        let absent = Changes { drive: Drive::Absent, ..Changes::default() };
        let small = Changes { quota_mib: Some(2), ..Changes::default() };
        let missing = Changes { without: Some("target.cfg"), ..Changes::default() };
        let differs = Changes { module: module("target.cfg", b"heap_mib=7\n"), ..Changes::default() };
        let setting = Changes { settings: vec!["speed=high".into()], ..Changes::default() };
        [
            ("no disk", absent, refusal("disk-absent", 50)),
            ("too little memory", small, refusal("memory-short", 55)),
            ("rom module missing", missing, refusal("rom-missing", 53)),
            ("rom module differs", differs, refusal("rom-differs", 54)),
            ("unknown setting", setting, refusal("config", 40)),
        ]
        .into_iter()
        .map(|(name, changes, expected)| self.restore(name, None, &changes, Some(expected)))
        .collect()
    }

    /// By the restorer's policy another module, as large, stands in for the one that is missing.
    fn substituted(&self) -> Verdict {
        let other = File { name: "other.cfg".into(), bytes: b"heap_mib=7\n".into() };
        let settings = vec!["substitute=target.cfg:other.cfg".into()];
        let changes =
            Changes { settings, without: Some("target.cfg"), module: Some(other), ..Changes::default() };
        self.restore("rom module missing, another one in its place", None, &changes, None)
    }

    /// An image of revision G on a kernel of revision M.
    fn other_kernel(&self) -> Verdict {
        let args = DemoArgs::quiet(Abi::M, &self.context.out.join("m"));
        let result = Series::prepare(&args).and_then(|series| {
            let other = Field { context: self.context, series: &series, disk: self.disk.clone() };
            other.try_restore(None, &Changes::default(), Some(refusal("image", 13)))
        });
        Verdict::of("image of another revision", result)
    }

    fn restore(
        &self,
        name: &str,
        damage: Option<Damage<'_>>,
        changes: &Changes,
        expected: Option<Expected>,
    ) -> Verdict {
        Verdict::of(&format!("restore: {name}"), self.try_restore(damage, changes, expected))
    }

    fn try_restore(
        &self,
        damage: Option<Damage<'_>>,
        changes: &Changes,
        expected: Option<Expected>,
    ) -> Result<()> {
        let mut disk = self.disk.clone();
        if let Some(damage) = damage {
            damage(&mut disk);
        }
        write(&self.series.disk(), disk)?;
        let finished = self.series.boot(Mode::Restore, changes)?;
        let evidence = Evidence::read(&finished.lines, &self.series.name);
        let Some(expected) = expected else {
            return ensure(evidence.counts.len() >= 2, || "an undamaged image is not restored".into());
        };
        expected.check(&evidence)?;
        ensure(evidence.lines == 0, || "the target ran in spite of it".into())?;
        // What is refused before anything is made leaves nothing to count.
        let early = ["config", "module-missing"].contains(&expected.name);
        let counted = finished.lines.iter().any(|l| l.contains("thaw: nothing left behind"));
        ensure(early || counted, || "it does not say that nothing is left behind".into())
    }
}

fn checkpoints(context: &Context) -> Result<Vec<Verdict>> {
    let args = DemoArgs::quiet(Abi::G, &context.out);
    let series = Series::prepare(&args)?;
    let other = |name: &str, bytes: u64| -> Result<Disk> {
        let path = context.out.join(name);
        make_disk(&path, bytes)?;
        Ok(path.as_path().into())
    };
    let whole = 64 << 20;
    let small = other("small.img", 1 << 20)?;
    let read_only = Disk { read_only: true, ..other("read-only.img", whole)? };
    let full = failing(context, &other("full.img", whole)?)?;
    let drive = |disk| Changes { drive: Drive::Other(disk), ..Changes::default() };
    let absent = Changes { drive: Drive::Absent, ..Changes::default() };
    let cases = [
        ("disk too small", drive(small), refusal("image", 33)),
        ("disk read-only", drive(read_only), refusal("disk-read-only", 51)),
        ("disk full in the middle", drive(full), refusal("disk-failed", 52)),
        ("no disk", absent, refusal("disk-absent", 50)),
        (
            "target larger than half of the spare memory",
            Changes { quota_mib: Some(18), ..Changes::default() },
            refusal("target-too-large", 45),
        ),
    ];
    let verdicts = cases.into_iter().map(|(name, changes, expected)| {
        let result = series.boot(Mode::Checkpoint, &changes).and_then(|finished| {
            let evidence = Evidence::read(&finished.lines, &series.name);
            expected.check(&evidence)?;
            runs_on(&evidence)
        });
        Verdict::of(&format!("checkpoint: {name}"), result)
    });
    Ok(verdicts.collect())
}

/// The target counted on without a gap, and found nothing wrong with itself.
fn runs_on(evidence: &Evidence) -> Result<()> {
    let gap = evidence.counts.windows(2).find(|pair| pair[1] != pair[0] + 1);
    ensure(gap.is_none() && evidence.counts.len() >= COUNTS, || {
        format!("the target did not run on: {:?}", evidence.counts)
    })?;
    ensure(evidence.failed.is_empty(), || format!("the target is harmed: {:?}", evidence.failed))
}

/// A disk whose writes into the middle of the first image fail for want of space.
fn failing(context: &Context, disk: &Disk) -> Result<Disk> {
    const ENOSPC: u32 = 28;
    let rules = context.out.join("full.conf");
    let sector = (AREA + (300 << 10)) / 512;
    let text =
        format!("[inject-error]\nevent = \"write_aio\"\nerrno = \"{ENOSPC}\"\nsector = \"{sector}\"\n");
    write(&rules, text)?;
    let absolute = |path: &Path| {
        let path = fs::canonicalize(path).map_err(|e| Failure::file(path, &e))?;
        Ok(path.display().to_string())
    };
    Ok(Disk {
        file: format!("blkdebug:{}:{}", absolute(&rules)?, absolute(Path::new(&disk.file))?),
        read_only: false,
    })
}
