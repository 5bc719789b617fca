//! A debugger on checkpoints and on restored targets: what it shows is what the image says.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{Case, Context, ensure, one};
use crate::{
    demo::DemoArgs,
    failure::{Failure, Kind, Result, read, write},
    gdb::{self, GdbArgs, Session},
    paths,
    run::Abi,
};

/// How long a session may take.
const TIMEOUT: Duration = Duration::from_secs(180);

/// A function in which each thread of sheep spends its life, by the thread's name.
const LIVES: [(&str, &str); 7] = [
    ("main", "sheep::count"),
    ("memory", "sheep::memory::run"),
    ("vfp", "sheep::product::run"),
    ("server", "sheep::rpc::server"),
    ("client", "sheep::rpc::client"),
    ("lock-a", "sheep::lock::run"),
    ("lock-b", "sheep::lock::run"),
];

/// All cases. `THAW_KERNEL_G` and `THAW_KERNEL_M` name real kernels, as for the boots.
pub fn cases() -> Vec<Case> {
    let own = [Abi::G, Abi::M].map(|abi| (abi.to_string(), abi, None));
    let real =
        [("THAW_KERNEL_G", Abi::G), ("THAW_KERNEL_M", Abi::M)].into_iter().filter_map(|(variable, abi)| {
            Some((format!("real {abi}"), abi, Some(PathBuf::from(std::env::var_os(variable)?))))
        });
    let case = |(name, abi, kernel): (String, Abi, Option<PathBuf>)| {
        let name = format!("debugging on {name}: a core and a restored target are as the image says");
        one(&name, move |c| debugging(c, DemoArgs { kernel: kernel.clone(), ..DemoArgs::quiet(abi, &c.out) }))
    };
    own.into_iter().chain(real).map(case).collect()
}

/// One checkpoint, looked at as a core, after its restore, and after a restore that damages registers.
fn debugging(context: &Context, mut demo: DemoArgs) -> Result<()> {
    demo.out = Some(context.out.join("checkpoint"));
    let mut args =
        GdbArgs { demo, before: false, after: true, program: None, disk: None, arguments: Vec::new() };
    let session = Session::prepare(&args)?;
    let disk = context.out.join("checkpoint").join("disk.img");
    let image = read_json(&context.out.join("checkpoint").join("image.json"))?;
    core(context, &disk, &image)?;
    restored(context, &session, &image)?;
    if args.demo.abi == Abi::G {
        // The control: the same look at a restore that loses registers finds them.
        args.disk = Some(disk);
        args.demo.out = Some(context.out.join("mutated"));
        args.demo.settings.push("mutate=callee".into());
        let session = Session::prepare(&args)?;
        let text = live(context, &session, "mutated.log", &["thaw-check"])?;
        let count = continued(&image).len();
        ensure(text.contains(&format!("thaw-check: {count} threads: {count} differ")), || {
            "zeroed r4-r11 were not found".into()
        })?;
        ensure(text.contains("r11      0x0, in the image 0x"), || "no line tells r11".into())?;
        ensure(text.contains("VFP registers were not compared"), || "what was left out is not told".into())?;
    }
    Ok(())
}

fn read_json(path: &Path) -> Result<Value> {
    let broken = |e| Failure::new(Kind::Check, format!("{}: {e}", path.display()));
    serde_json::from_slice(&read(path)?).map_err(broken)
}

/// Live threads of the image.
fn live_threads(image: &Value) -> Vec<&Value> {
    image["threads"].as_array().into_iter().flatten().filter(|t| t["state"] == "live").collect()
}

/// Those that run their own next instruction after a restore.
fn continued(image: &Value) -> Vec<&Value> {
    live_threads(image).into_iter().filter(|t| t["activity"]["kind"] != "call").collect()
}

/// Registers by the debugger's names, with their values in the image.
fn registers(thread: &Value, vfp: bool) -> Vec<(String, u64)> {
    let list = |field: &'static str, prefix: &'static str| {
        let all = thread[field].as_array().into_iter().flatten().enumerate();
        all.map(move |(i, value)| (format!("{prefix}{i}"), hex(value)))
    };
    let one = |name: &str| (name.to_owned(), hex(&thread[name]));
    let mut found: Vec<_> = list("r", "r").chain([one("sp"), one("lr"), one("pc")]).collect();
    if vfp {
        found.push(one("cpsr"));
        found.extend(list("d", "d").chain([one("fpscr")]));
    }
    found
}

fn hex(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).unwrap_or_default();
    u64::from_str_radix(digits, 16).unwrap_or(u64::MAX)
}

/// Commands that print each register as `@NAME=0xVALUE`.
fn print_registers(names: impl Iterator<Item = String>) -> String {
    names.map(|name| format!("echo @{name}=\noutput/x ${name}\necho \\n\n")).collect()
}

/// Fails unless each register is printed with its value.
fn check_registers(text: &str, thread: &Value, vfp: bool) -> Result<()> {
    for (name, expected) in registers(thread, vfp) {
        let line = format!("@{name}={expected:#x}");
        let found = text.lines().any(|l| l == line);
        ensure(found, || format!("thread {}: no line \"{line}\"", thread["name"]))?;
    }
    Ok(())
}

/// Opens the checkpoint as a core: registers, UTCB, memory and backtrace of every thread.
fn core(context: &Context, disk: &Path, image: &Value) -> Result<()> {
    let path = |name: &str| context.out.join(name);
    let (core, names, script) = (path("core"), path("names.gdb"), path("core.gdb"));
    let arguments = ["to-core", "-o", &core.display().to_string(), "--script", &names.display().to_string()];
    gdb::thaw(&arguments, disk)?;
    let mut commands = String::from("set pagination off\nset width 0\ninfo threads\n");
    let threads = live_threads(image);
    for (number, thread) in (1..).zip(&threads) {
        let utcb = hex(&thread["utcb_addr"]);
        commands += &format!("echo @@thread\\n\nthread {number}\n");
        commands += &print_registers(registers(thread, true).into_iter().map(|(name, _)| name));
        commands += &format!("echo @@utcb\\n\nx/128xw {utcb:#x}\necho @@backtrace\\n\nbt\n");
    }
    write(&script, commands)?;
    let mut command = Command::new(gdb::GDB);
    command.args(["-nx", "-q", "-batch"]).arg(paths::program("sheep")).arg("-c").arg(&core);
    command.arg("-x").arg(&names).arg("-x").arg(&script);
    let text = run(command, &path("core.log"))?;
    let parts: Vec<&str> = text.split("@@thread").collect();
    ensure(parts.len() == threads.len() + 1, || format!("{} threads in the core", parts.len() - 1))?;
    for (thread, part) in threads.iter().zip(&parts[1..]) {
        let name = thread["name"].as_str().unwrap_or_default();
        ensure(parts[0].contains(&format!("LWP {} \"{name}\"", 1000 + index(thread))), || {
            format!("info threads names no thread {name}")
        })?;
        check_registers(part, thread, true)?;
        let utcb = part.split("@@utcb").nth(1).and_then(|rest| rest.split("@@backtrace").next());
        let words = utcb.unwrap_or_default().split_whitespace().filter(|word| !word.ends_with(':'));
        let expected = thread["utcb"].as_array().into_iter().flatten().filter_map(Value::as_str);
        ensure(words.eq(expected), || format!("thread {name}: another utcb"))?;
        backtrace(name, part)?;
    }
    Ok(())
}

fn index(thread: &Value) -> u64 {
    thread["index"].as_u64().unwrap_or(u64::MAX)
}

/// From its innermost frame to where it began.
fn backtrace(name: &str, text: &str) -> Result<()> {
    let Some((_, life)) = LIVES.iter().find(|(thread, _)| *thread == name) else {
        return Err(Failure::new(Kind::Check, format!("sheep has no thread {name}")));
    };
    let begin = if name == "main" { "thaw_rt::entry::start" } else { "sheep::threads::worker" };
    let frames: Vec<&str> = text.lines().filter(|l| l.starts_with('#')).collect();
    for wanted in [*life, begin] {
        let found = frames.iter().any(|frame| frame.contains(&format!("{wanted} (")));
        ensure(found, || format!("thread {name}: {wanted} is not in its backtrace: {frames:?}"))?;
    }
    Ok(())
}

/// Stops every thread before its first instruction after the restore, then in a function.
fn restored(context: &Context, session: &Session, image: &Value) -> Result<()> {
    let script = context.out.join("registers.gdb");
    write(
        &script,
        print_registers(registers(&image["threads"][0], false).into_iter().map(|(name, _)| name)),
    )?;
    let show = format!("source {}", script.display());
    let function = "thaw-break sheep::me::Me::print";
    let text = live(
        context,
        session,
        "restored.log",
        &["thaw-check", "thaw-where", &show, function, "continue", "bt"],
    )?;
    let threads = continued(image);
    let verdict = format!("thaw-check: {} threads: all as in the image", threads.len());
    ensure(text.contains(&verdict), || format!("no line \"{verdict}\""))?;
    // Where it stands after the check is the last thread's first instruction: looked at without our commands.
    let place = text.lines().find(|l| l.starts_with("sheep, thread ")).unwrap_or_default();
    let last = threads.iter().find(|t| place.starts_with(&format!("sheep, thread {} ", t["index"])));
    let Some(last) = last else {
        return Err(Failure::new(Kind::Check, format!("thaw-where tells no thread: \"{place}\"")));
    };
    check_registers(&text, last, false)?;
    ensure(text.contains("thaw: sheep, thread 0 main at"), || "no stop in Me::print".into())?;
    let frames = text.lines().filter(|l| l.starts_with('#')).any(|l| l.contains("sheep::count ("));
    ensure(frames, || "the backtrace of Me::print does not reach sheep::count".into())
}

/// Runs a debugger on a started machine.
fn live(context: &Context, session: &Session, log: &str, commands: &[&str]) -> Result<String> {
    let _machine = session.start()?;
    let mut command = session.debugger();
    command.arg("-batch").args(commands.iter().flat_map(|c| ["-ex", c]));
    run(command, &context.out.join(log))
}

/// Runs a debugger to its end, which must come in time.
fn run(mut command: Command, log: &Path) -> Result<String> {
    let file = |path: &PathBuf| File::create(path).map_err(|e| Failure::file(path, &e));
    let out = log.to_path_buf();
    let errors = log.with_extension("err");
    command.stdin(Stdio::null()).stdout(file(&out)?).stderr(file(&errors)?);
    let mut child = command.spawn().map_err(|e| gdb::no_gdb(&e))?;
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return Ok(String::from_utf8_lossy(&read(&out)?).into_owned()),
            Ok(None) if start.elapsed() < TIMEOUT => sleep(Duration::from_millis(50)),
            Ok(None) | Err(_) => {
                // Either may fail only if it has already ended.
                child.kill().ok();
                child.wait().ok();
                return Err(Failure::new(Kind::Timeout, format!("{}: no end in time", out.display())));
            }
        }
    }
}
