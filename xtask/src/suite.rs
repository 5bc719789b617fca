//! `test`: the whole suite, a list of named cases.
//!
//! A new case is one line in [`cases`]. Each case's output goes to a directory of its own in `out/test/`, because
//! as many run at once as there are processors.

mod boots;
mod debugging;
mod demos;
mod field;
mod genode;
mod host;
mod refusals;
mod soaks;
mod thaw;
mod trace_event;
mod uboot;

use std::{
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Args;

use crate::{
    board::Board,
    build, check, conformance,
    failure::{Failure, Kind, Result},
    paths,
    run::Abi,
    setup, tidy,
};

/// Options of `test`.
#[derive(Args, Debug)]
pub struct TestArgs {
    /// Only cases whose name contains one of these.
    filters: Vec<String>,
    /// List the cases.
    #[arg(long)]
    list: bool,
    /// Cases that run at once; default: one for each processor.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Build nothing before.
    #[arg(long, hide = true)]
    no_build: bool,
}

type Tests = Box<dyn Fn(&Context) -> Result<Vec<Verdict>> + Sync>;
type Check = Box<dyn Fn(&Context) -> Result<()> + Sync>;

/// How a case is run.
enum Body {
    /// It holds or not.
    One(Check),
    /// It is a whole list of tests of its own.
    Many(Tests),
}

/// A named case.
pub struct Case {
    name: String,
    body: Body,
}

/// Result of one test.
pub struct Verdict {
    /// Name of the test.
    pub name: String,
    /// Why it failed, if it did.
    pub failure: Option<String>,
}

impl Verdict {
    /// From a result.
    pub fn of(name: &str, result: Result<()>) -> Self {
        Self { name: name.into(), failure: result.err().map(|f| f.to_string()) }
    }
}

/// Where a case leaves its output.
pub struct Context {
    /// A directory of its own.
    pub out: PathBuf,
}

fn one(name: &str, body: impl Fn(&Context) -> Result<()> + Sync + 'static) -> Case {
    Case { name: name.into(), body: Body::One(Box::new(body)) }
}

fn many(name: &str, body: impl Fn(&Context) -> Result<Vec<Verdict>> + Sync + 'static) -> Case {
    Case { name: name.into(), body: Body::Many(Box::new(body)) }
}

/// All cases, the quick ones first.
fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> =
        tidy::RULES.iter().map(|r| one(&format!("tidy: {}", r.name), |_| r.check())).collect();
    cases.push(many("host tests", host::tests));
    if check::has(check::cargo(), "fmt") {
        cases.push(one("check: formatting", |_| check::format()));
    }
    if check::has(check::cargo(), "clippy") {
        cases.push(one("check: host lints", |_| check::host_lints()));
    }
    cases.push(one("check: target lints", |_| check::target_lints()));
    cases.extend(genode::cases());
    cases.extend(refusals::cases());
    cases.extend(uboot::cases());
    cases.extend(boots::cases());
    cases.extend(thaw::cases());
    cases.extend(soaks::cases());
    cases.push(many("conformance of the test kernel, G", |c| conformance::verdicts(Abi::G, &c.out)));
    cases.push(many("conformance of the test kernel, M", |c| conformance::verdicts(Abi::M, &c.out)));
    cases.extend(debugging::cases());
    cases.extend(demos::cases());
    cases.extend(field::cases());
    cases
}

/// Runs the suite.
pub fn test(args: &TestArgs) -> Result<()> {
    let wanted =
        |name: &str| args.filters.is_empty() || args.filters.iter().any(|f| name.contains(f.as_str()));
    let cases: Vec<Case> = cases().into_iter().filter(|c| wanted(&c.name)).collect();
    if args.list {
        cases.iter().for_each(|c| println!("{}", c.name));
        return Ok(());
    }
    if !args.no_build {
        setup::setup()?;
        build::build(&[])?;
        build::build_example(Board::default(), "hello_root")?;
        build::build_tool()?;
    }
    let start = Instant::now();
    let verdicts = run_cases(&cases, args.jobs.or_else(|| thread::available_parallelism().ok()));
    let failed: Vec<&Verdict> = verdicts.iter().filter(|v| v.failure.is_some()).collect();
    println!(
        "\nsuite took {} s; output in {}",
        start.elapsed().as_secs(),
        paths::out().join("test").display()
    );
    for v in &failed {
        println!("FAILED {}", v.name);
    }
    println!("{} passed, {} failed", verdicts.len() - failed.len(), failed.len());
    if failed.is_empty() && !verdicts.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Kind::Check,
        if verdicts.is_empty() { "no case has such a name" } else { "the suite failed" },
    ))
}

/// Runs all cases, `jobs` at a time; the verdicts are in the order of the cases.
fn run_cases(cases: &[Case], jobs: Option<NonZeroUsize>) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let work = || {
        while let Some((number, case)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            cases.get(number).map(|case| (number, case))
        } {
            let verdicts = run_case(case);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((number, verdicts));
        }
    };
    thread::scope(|scope| (0..jobs.map_or(1, NonZeroUsize::get)).for_each(|_| drop(scope.spawn(work))));
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(number, _)| *number);
    done.into_iter().flat_map(|(_, verdicts)| verdicts).collect()
}

fn run_case(case: &Case) -> Vec<Verdict> {
    let start = Instant::now();
    let context = Context { out: paths::out().join("test").join(file_name(&case.name)) };
    let verdicts = match &case.body {
        Body::One(body) => {
            vec![Verdict { name: case.name.clone(), failure: body(&context).err().map(|f| f.to_string()) }]
        }
        Body::Many(body) => body(&context)
            .unwrap_or_else(|f| vec![Verdict { name: case.name.clone(), failure: Some(f.to_string()) }]),
    };
    report(&case.name, &verdicts, start.elapsed());
    verdicts
}

fn report(name: &str, verdicts: &[Verdict], took: Duration) {
    let failed: Vec<&Verdict> = verdicts.iter().filter(|v| v.failure.is_some()).collect();
    let count = if verdicts.len() == 1 { String::new() } else { format!(" ({} tests)", verdicts.len()) };
    let word = if failed.is_empty() { "ok" } else { "FAILED" };
    let mut text = format!("{word:<7} {name}{count}  {:.1} s", took.as_secs_f32());
    for v in failed {
        text += &format!("\n        {}: {}", v.name, v.failure.as_deref().unwrap_or_default());
    }
    println!("{text}");
}

/// A case's name as the name of a directory.
fn file_name(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let dashed: String = name.chars().map(plain).collect();
    dashed.split('-').filter(|p| !p.is_empty()).collect::<Vec<_>>().join("-")
}

/// Fails with that message unless `holds`.
fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { Err(Failure::new(Kind::Check, message())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_have_plain_names() {
        assert_eq!(file_name("demo on G: 64 MiB"), "demo-on-g-64-mib");
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<String> = cases().iter().map(|c| file_name(&c.name)).collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
