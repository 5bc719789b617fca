//! `thaw check` and `thaw trace` on what real runs print: they read logs, so a log must be as they expect.

use std::{ffi::OsString, process::Command};

use super::{
    Case, Context,
    boots::{Kernel, kernels},
    ensure, one, trace_event,
};
use crate::{
    demo::{
        self, DemoArgs,
        series::{Changes, Mode, Series},
    },
    failure::{Failure, Kind, Result, read},
    paths,
    run::Abi,
    streams,
};

/// Exit code of `thaw check` for a target that cannot be saved.
const NOT_SAVEABLE: i32 = 72;
/// A checkpointer's quota in MiB of which less than twice the 2 MiB of magpie is left when the target's
/// quota of 2.5 MiB was taken.
const SMALL_MIB: u32 = 5;
const SMALL_TARGET: &str = "quota=640";
/// Steps that every demo has, of whichever side.
const STEPS: [&str; 30] = [
    "begin",
    "end",
    "book",
    "window",
    "hook",
    "trigger",
    "exception",
    "barrier",
    "irq-capture",
    "cancel",
    "stub",
    "classify",
    "prepare",
    "irq-return",
    "release",
    "scan",
    "check",
    "ready",
    "stop",
    "copy",
    "read",
    "write",
    "hash",
    "flush",
    "header",
    "load",
    "verify",
    "create",
    "memory",
    "set-thread",
];

/// Streams of log records of a traced demo, with a place that a record of each must name.
const STREAMS: [(&str, &str, &str); 6] = [
    ("checkpoint", "root", "(native/root/src/run.rs:"),
    ("checkpoint", "blk", "(native/blk/src/bin/blk/main.rs:"),
    ("checkpoint", "thaw", "(component/native/src/bin/thaw/main.rs:"),
    ("checkpoint", "thaw", "(component/src/checkpoint.rs:"),
    ("restore", "thaw", "(component/src/restore.rs:"),
    ("restore", "root", "(native/root/src/run.rs:"),
];

/// All cases.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kernel in kernels() {
        let k = kernel.clone();
        cases.push(one(&format!("check on {}: sheep can be saved", k.name), move |c| good(c, &k)));
        let k = kernel;
        cases.push(one(&format!("check on {}: magpie cannot, every reason is told", k.name), move |c| {
            bad(c, &k)
        }));
    }
    cases.push(one("trace: every step of a demo is told, every program has its stream", traced_demo));
    cases
}

/// Boots a check of a target; output and exit code of `thaw check` on its log.
fn checked(
    context: &Context,
    kernel: &Kernel,
    target: &str,
    changes: &Changes,
) -> Result<(String, Option<i32>)> {
    let args = DemoArgs {
        kernel: Some(kernel.path.clone()),
        target: Some(paths::program(target)),
        trace: true,
        ..DemoArgs::quiet(Abi::G, &context.out)
    };
    let lines = Series::prepare(&args)?.boot(Mode::Check, changes)?.lines;
    ensure(lines.iter().any(|l| l.contains("thaw: target runs")), || "the target does not run on".into())?;
    ensure(lines.iter().any(|l| l.contains("thaw-trace side=service")), || "no step is told".into())?;
    // A target that was named may be anybody's: no semihosting, so no streams.
    let stream = context.out.join("check-thaw.defmt");
    ensure(!stream.exists(), || format!("{} is there: semihosting was on", stream.display()))?;
    thaw(&["check".into(), context.out.clone().into()])
}

/// Runs the host tool; its output and exit code.
fn thaw(arguments: &[OsString]) -> Result<(String, Option<i32>)> {
    let output = Command::new(paths::host_tool()).args(arguments).output();
    let output = output.map_err(|e| Failure::new(Kind::Tool, format!("thaw: {e}; build it")))?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((text, output.status.code()))
}

fn good(context: &Context, kernel: &Kernel) -> Result<()> {
    let (text, code) = checked(context, kernel, "sheep", &Changes::default())?;
    let holds =
        code == Some(0) && text.contains("can be saved") && text.contains("7 threads stood and went on");
    ensure(holds, || format!("exit code {code:?}: {text}"))
}

fn bad(context: &Context, kernel: &Kernel) -> Result<()> {
    let small =
        Changes { settings: vec![SMALL_TARGET.into()], quota_mib: Some(SMALL_MIB), ..Changes::default() };
    let (text, code) = checked(context, kernel, "magpie", &small)?;
    ensure(code == Some(NOT_SAVEABLE), || format!("exit code {code:?}: {text}"))?;
    for expected in ["CANNOT be saved, 4 reasons", "slot 0x300", "slot 0x301", "(target-too-large)", "(stop)"]
    {
        ensure(text.contains(expected), || format!("no \"{expected}\" in: {text}"))?;
    }
    Ok(())
}

/// The control: the same demo without the option tells no step.
fn traced_demo(context: &Context) -> Result<()> {
    let args = DemoArgs { trace: true, ..DemoArgs::quiet(Abi::M, &context.out) };
    demo::demo(&args)?;
    let file = context.out.join("trace.json");
    let arguments = ["trace".into(), context.out.clone().into(), "--perfetto".into(), file.clone().into()];
    let (text, code) = thaw(&arguments)?;
    ensure(code == Some(0), || format!("exit code {code:?}: {text}"))?;
    let told = |step: &str| text.lines().any(|l| l.split_whitespace().nth(2) == Some(step));
    for step in STEPS {
        ensure(told(step), || format!("no step \"{step}\""))?;
    }
    ensure(!text.contains("overwritten") && !text.contains("damaged"), || {
        "a part of the trace is lost".into()
    })?;
    for boot in [file, context.out.join("trace-2.json")] {
        let slices = trace_event::check(&read(&boot)?)
            .map_err(|why| Failure::new(Kind::Check, format!("{}: {why}", boot.display())))?;
        ensure(slices > STEPS.len(), || format!("{}: only {slices} slices", boot.display()))?;
    }
    for (boot, program, place) in STREAMS {
        let log = streams::text(&context.out, boot, program);
        let text = String::from_utf8_lossy(&read(&log)?).into_owned();
        ensure(text.contains(place) && !text.contains("damaged"), || {
            format!("{}: no whole records from {place}", log.display())
        })?;
    }
    let plain = context.out.join("plain");
    demo::demo(&DemoArgs::quiet(Abi::M, &plain))?;
    let (text, code) = thaw(&["trace".into(), plain.into_os_string()])?;
    ensure(code == Some(70), || format!("a demo without trace: exit code {code:?}: {text}"))
}
