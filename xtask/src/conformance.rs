//! `conformance`: what a kernel does, case by case, against what the real kernels were seen to do.
//!
//! The program of `tests/conformance` is booted once per group of cases. Only its own lines count: those
//! between `CASE name` and `END name` that begin with a bar. A hazard is a case that ends the machine.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use crate::{
    build,
    failure::{Failure, Kind, Result, read, write},
    pack::{self, File, Parts},
    paths,
    qemu::{End, Finished, Run},
    run::{Abi, ICOUNT},
    suite::Verdict,
};

const TIMEOUT: Duration = Duration::from_secs(60);
/// Programs that are packed.
const PACKAGES: [&str; 3] = ["thaw-conformance", "thaw-native-loader", "thaw-native-sigma0"];
/// Word that makes the program name its groups and hazards.
const LIST: &str = "list";

/// Options of `conformance`.
#[derive(Args, Debug)]
pub struct ConformanceArgs {
    /// Only groups whose name contains one of these.
    groups: Vec<String>,
    /// Revision of the test kernel; both if neither this nor --kernel is given.
    #[arg(long, value_enum)]
    abi: Option<Abi>,
    /// Kernel ELF; default: the project's test kernel.
    #[arg(long, value_name = "ELF", conflicts_with = "abi")]
    kernel: Option<PathBuf>,
    /// Board.
    #[arg(long, value_enum, default_value_t)]
    board: crate::board::Board,
    /// Take what the kernel of --kernel does as what is expected.
    #[arg(long, requires = "kernel")]
    record: bool,
    /// Build nothing, take what is there.
    #[arg(long)]
    no_build: bool,
}

/// A case's facts by its name.
type Transcript = Vec<(String, Vec<String>)>;

/// A kernel under test.
struct Subject {
    kernel: File,
    revision: &'static str,
    /// Whether it is the project's own, which stops at hazards.
    own: bool,
    board: crate::board::Board,
    out: PathBuf,
}

/// Runs the command.
pub fn conformance(args: &ConformanceArgs) -> Result<()> {
    if !args.no_build {
        let own = args.kernel.is_none().then_some("thaw-testkernel");
        build::build(&PACKAGES.into_iter().chain(own).map(String::from).collect::<Vec<_>>())?;
        build::build_first_tasks(args.board, Some(("thaw-conformance", "conformance")))?;
    }
    let out = paths::out().join("conformance");
    let subjects = match (&args.kernel, args.abi) {
        (Some(path), _) => vec![Subject::new(path, false, args.board, &out)?],
        (None, Some(abi)) => vec![Subject::own(abi, &out)?],
        (None, None) => vec![Subject::own(Abi::G, &out)?, Subject::own(Abi::M, &out)?],
    };
    let wanted = |name: &str| args.groups.is_empty() || args.groups.iter().any(|g| name.contains(g.as_str()));
    let mut verdicts = Vec::new();
    for subject in &subjects {
        if args.record {
            subject.record(&wanted)?;
        } else {
            verdicts.extend(subject.verdicts(&wanted)?);
        }
    }
    if args.record {
        return Ok(());
    }
    let failed: Vec<&Verdict> = verdicts.iter().filter(|v| v.failure.is_some()).collect();
    for v in &failed {
        println!("FAILED {}\n{}", v.name, v.failure.as_deref().unwrap_or_default());
    }
    println!("{} passed, {} failed", verdicts.len() - failed.len(), failed.len());
    if failed.is_empty() && !verdicts.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Kind::Check, "the kernel differs from what was recorded"))
}

/// All cases on the test kernel of a revision, for the suite; everything was built before.
pub fn verdicts(abi: Abi, out: &Path) -> Result<Vec<Verdict>> {
    Subject::own(abi, out)?.verdicts(&|_| true)
}

impl Subject {
    fn own(abi: Abi, out: &Path) -> Result<Self> {
        Self::new(&paths::program(abi.test_kernel()), true, crate::board::Board::default(), out)
    }

    fn new(path: &Path, own: bool, board: crate::board::Board, out: &Path) -> Result<Self> {
        let kernel = File { name: path.display().to_string(), bytes: read(path)? };
        let revision = match pack::recognise(&kernel)?.revision.number() {
            1 => "g",
            _ => "m",
        };
        let name = path.file_name().unwrap_or_default();
        Ok(Self { kernel, revision, own, board, out: out.join(name) })
    }

    /// Boots the program with a word that says what to do.
    fn boot(&self, word: &str) -> Result<Finished> {
        let program = |name: &str| Ok(File { name: name.into(), bytes: read(&self.board.first_task(name))? });
        let image = pack::pack(&Parts {
            loader: program("thaw-loader")?,
            kernel: self.kernel.clone(),
            sigma0: program("thaw-sigma0")?,
            root: program("conformance")?,
            modules: vec![File { name: "case".into(), bytes: word.into() }],
            board: self.board.number(),
        })?;
        let out = self.out.join(word.replace(' ', "-"));
        let path = out.join("boot.elf");
        write(&path, image)?;
        let run = Run {
            image: path,
            board: self.board,
            memory_mib: self.board.memory_mib().unwrap_or(512),
            disk: None,
            log: out.join("console.log"),
            until: None,
            timeout: TIMEOUT,
            icount: ICOUNT.into(),
            echo: false,
            semihosting: false,
        };
        run.run()
    }

    /// Names behind `word` in what the program lists.
    fn listed(&self, word: &str) -> Result<Vec<String>> {
        let lines = self.boot(LIST)?.powered_off()?.lines;
        let names = lines.iter().filter_map(|l| l.trim().strip_prefix(word)?.strip_prefix(' '));
        Ok(names.map(String::from).collect())
    }

    fn expected_path(&self, group: &str) -> PathBuf {
        let directory = paths::root().join("tests/conformance/expected").join(self.revision);
        directory.join(group).with_extension("txt")
    }

    /// What was recorded; nothing if the group never was, and then no case of it holds.
    fn expected(&self, group: &str) -> Result<Transcript> {
        let path = self.expected_path(group);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = String::from_utf8_lossy(&read(&path)?).into_owned();
        Ok(transcript(&text.lines().map(String::from).collect::<Vec<_>>()))
    }

    fn record(&self, wanted: &dyn Fn(&str) -> bool) -> Result<()> {
        for group in self.listed("GROUP")?.iter().filter(|g| wanted(g)) {
            let lines = self.boot(group)?.powered_off()?.lines;
            let transcript = transcript(&lines);
            let mut text = String::new();
            for (name, facts) in &transcript {
                text += &format!("CASE {name}\n");
                facts.iter().for_each(|f| text += &format!("{f}\n"));
                text += &format!("END {name}\n");
            }
            write(&self.expected_path(group), text)?;
            println!("recorded {}/{group}: {} cases", self.revision, transcript.len());
        }
        Ok(())
    }

    fn verdicts(&self, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Verdict>> {
        let mut verdicts = Vec::new();
        for group in self.listed("GROUP")?.iter().filter(|g| wanted(g)) {
            let expected = self.expected(group)?;
            let finished = self.boot(group)?;
            let all = compare(&expected, &transcript(&finished.lines), &finished.end);
            let bad = all.iter().filter(|v| v.failure.is_some()).count();
            println!("{}: {group}: {} cases, {bad} differ", self.revision, all.len());
            let prefix = |v: Verdict| Verdict { name: format!("{} {group}: {}", self.revision, v.name), ..v };
            verdicts.extend(all.into_iter().map(prefix));
        }
        if self.own {
            for hazard in self.listed("HAZARD-CASE")?.iter().filter(|h| wanted(&format!("hazard {h}"))) {
                verdicts.push(self.hazard(hazard)?);
            }
        }
        Ok(verdicts)
    }

    /// The test kernel has to stop with the hazard's name.
    fn hazard(&self, name: &str) -> Result<Verdict> {
        let end = self.boot(&format!("hazard {name}"))?.end;
        let stopped = matches!(&end, End::Fatal(line) if line.starts_with(&format!("HAZARD {name}")));
        let failure = (!stopped).then(|| format!("  no line \"HAZARD {name}\"; the run ended by {end:?}"));
        println!("{}: hazard {name}: {}", self.revision, if stopped { "stops" } else { "DOES NOT STOP" });
        Ok(Verdict { name: format!("{} hazard {name}", self.revision), failure })
    }
}

/// Reads cases from lines of a console or of a file; one without END is marked so.
fn transcript(lines: &[String]) -> Transcript {
    let mut cases: Transcript = Vec::new();
    let mut open = None;
    for line in lines.iter().map(|l| l.trim_end()) {
        if let Some(name) = line.strip_prefix("CASE ") {
            open = Some(name.to_owned());
            cases.push((name.to_owned(), Vec::new()));
        } else if line.strip_prefix("END ").is_some_and(|name| open.as_deref() == Some(name)) {
            open = None;
        } else if let (Some(fact), Some(_), Some((_, facts))) = (fact(line), &open, cases.last_mut()) {
            facts.push(fact.to_owned());
        }
    }
    if let (Some(_), Some((_, facts))) = (open, cases.last_mut()) {
        facts.push("(the case did not end)".into());
    }
    cases
}

/// The fact in a line, if there is one. Some warnings of the real kernels do not end their line.
fn fact(line: &str) -> Option<&str> {
    let own = match line.split_once("KERNEL") {
        Some((_, rest)) => &rest[rest.find("| ")?..],
        None => line,
    };
    own.starts_with("| ").then_some(own)
}

/// One verdict per case, also for those that are missing or that nobody expects.
fn compare(expected: &Transcript, seen: &Transcript, end: &End) -> Vec<Verdict> {
    let by_name: BTreeMap<&str, &Vec<String>> = seen.iter().map(|(n, f)| (n.as_str(), f)).collect();
    let mut verdicts = Vec::new();
    for (name, facts) in expected {
        let failure = match by_name.get(name.as_str()) {
            None => Some(format!("  not run; the machine ended by {end:?}")),
            Some(other) if *other == facts => None,
            Some(other) => Some(difference(facts, other)),
        };
        verdicts.push(Verdict { name: name.clone(), failure });
    }
    let known: BTreeMap<&str, ()> = expected.iter().map(|(n, _)| (n.as_str(), ())).collect();
    for (name, _) in seen.iter().filter(|(n, _)| !known.contains_key(n.as_str())) {
        let failure = Some("  never recorded on a real kernel: use --record".into());
        verdicts.push(Verdict { name: name.clone(), failure });
    }
    verdicts
}

/// Lines that differ, `-` expected, `+` seen.
fn difference(expected: &[String], seen: &[String]) -> String {
    let mut text = Vec::new();
    for i in 0..expected.len().max(seen.len()) {
        let (a, b) = (expected.get(i), seen.get(i));
        if a != b {
            text.extend(a.map(|l| format!("  - {l}")));
            text.extend(b.map(|l| format!("  + {l}")));
        }
    }
    text.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(String::from).collect()
    }

    #[test]
    fn only_own_lines_count() {
        let seen = transcript(&lines(
            "| before\nCASE a\n| one\nKERNEL: Warning: something| two\nEND a\n| after\nCASE b\n| x\npanic: y",
        ));
        let a = ("a".to_owned(), lines("| one\n| two"));
        let b = ("b".to_owned(), lines("| x\n(the case did not end)"));
        assert_eq!(seen, [a, b]);
    }

    #[test]
    fn every_case_has_a_verdict() {
        let expected = transcript(&lines("CASE a\n| 1\nEND a\nCASE b\n| 2\nEND b\nCASE c\n| 3\nEND c"));
        let seen = transcript(&lines("CASE a\n| 1\nEND a\nCASE b\n| 4\nEND b\nCASE d\nEND d"));
        let verdicts = compare(&expected, &seen, &End::PowerOff);
        let all: Vec<_> = verdicts.iter().map(|v| (v.name.as_str(), v.failure.is_none())).collect();
        assert_eq!(all, [("a", true), ("b", false), ("c", false), ("d", false)]);
        assert_eq!(verdicts[1].failure.as_deref(), Some("  - | 2\n  + | 4"));
    }
}
