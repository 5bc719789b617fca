//! `gdb`: a debugger on the target in QEMU, before its checkpoint or after its restore.
//!
//! QEMU waits with its gdb stub on a socket; gdb gets the symbols of kernel, root and one program, and
//! the commands of `xtask/gdb/thaw.py`, which tell tasks apart that share their addresses.

use std::{
    ffi::OsString,
    fs::File as LogFile,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use clap::Args;

use crate::{
    demo::{
        DemoArgs,
        report::quote,
        series::{Changes, Mode, Series},
    },
    failure::{Failure, Kind, Result, write},
    paths,
    qemu::Run,
};

/// The debugger, for all architectures.
pub const GDB: &str = "gdb-multiarch";
/// How long QEMU may take to open its socket.
const START: Duration = Duration::from_secs(30);

/// A path that no other session has; a socket's must be short.
fn new_socket() -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("thaw-gdb-{}-{count}", std::process::id()))
}

/// Options of `gdb`.
#[derive(Args, Clone, Debug)]
pub struct GdbArgs {
    #[command(flatten)]
    pub demo: DemoArgs,
    /// Debug the boot that starts the target and checkpoints it.
    #[arg(long, conflicts_with = "after")]
    pub before: bool,
    /// Debug the boot that restores the target; the default. The checkpoint is made first.
    #[arg(long)]
    pub after: bool,
    /// Program whose symbols are loaded: the target, thaw, blk, root or sigma0.
    #[arg(long, value_name = "NAME")]
    pub program: Option<String>,
    /// Restore from a copy of this disk instead of making a checkpoint first.
    #[arg(long, value_name = "FILE", conflicts_with = "before")]
    pub disk: Option<PathBuf>,
    /// Further arguments of gdb, behind `--`: `-batch -x FILE`, for instance.
    #[arg(last = true, value_name = "ARGUMENT")]
    pub arguments: Vec<OsString>,
}

/// Everything that the debugger needs, in files.
pub struct Session {
    run: Run,
    socket: PathBuf,
    script: PathBuf,
    description: PathBuf,
}

/// Lets the user debug.
pub fn gdb(args: &GdbArgs) -> Result<()> {
    let session = Session::prepare(args)?;
    // Ctrl-C is for the debugger alone: it stops the target.
    let interrupted = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, interrupted)
        .map_err(|e| Failure::new(Kind::Tool, format!("signal handler: {e}")))?;
    println!("gdb: the console goes to {}", session.run.log.display());
    let _machine = session.start()?;
    let status = session.debugger().args(&args.arguments).status().map_err(|e| no_gdb(&e))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(Kind::Tool, format!("{GDB} ended with {status}")))
}

pub fn no_gdb(error: &std::io::Error) -> Failure {
    Failure::new(Kind::Tool, format!("{GDB}: {error}; run `cargo xtask setup`"))
}

impl Session {
    /// Makes the checkpoint if there is to be one, packs the boot and writes what gdb reads.
    pub fn prepare(args: &GdbArgs) -> Result<Self> {
        let mut demo_args = args.demo.clone();
        demo_args.out.get_or_insert_with(|| paths::out().join("gdb"));
        if let (Some(disk), Some(out)) = (&args.disk, &demo_args.out) {
            keep(disk, &out.join("disk.img"))?;
        }
        let demo = Series::prepare(&demo_args)?;
        let changes = Changes::default();
        let mut image = None;
        if !args.before {
            let given = args.disk.clone().unwrap_or_else(|| demo.disk());
            if args.disk.is_none() {
                demo.boot(Mode::Checkpoint, &changes)?;
            }
            image = Some(demo.out.join("image.json"));
            write(&demo.out.join("image.json"), thaw(&["show", "--json"], &given)?)?;
            if given != demo.disk() {
                std::fs::copy(&given, demo.disk()).map_err(|e| Failure::file(&given, &e))?;
            }
        }
        let programs = programs(&demo, &demo_args);
        let name = args.program.clone().unwrap_or_else(|| demo.name.clone());
        let Some((_, program)) = programs.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = programs.iter().map(|(known, _)| known.as_str()).collect();
            let message = format!("program {name}: not in this system; name one of {}", known.join(", "));
            return Err(Failure::new(Kind::Config, message));
        };
        let out = std::path::absolute(&demo.out).map_err(|e| Failure::file(&demo.out, &e))?;
        let session = Self {
            run: demo.run_of(if args.before { Mode::Checkpoint } else { Mode::Restore }, &changes)?,
            socket: new_socket(),
            script: out.join("session.gdb"),
            description: out.join("session.json"),
        };
        write(&session.description, description(&name, &programs, image.as_deref())?)?;
        let kernel = demo_args.kernel.clone().unwrap_or_else(|| paths::program(demo_args.abi.test_kernel()));
        write(&session.script, session.commands(&[&kernel, &paths::program("thaw-root"), program])?)?;
        Ok(session)
    }

    /// Starts QEMU, which waits for the debugger.
    pub fn start(&self) -> Result<Machine> {
        let log = LogFile::create(&self.run.log).map_err(|e| Failure::file(&self.run.log, &e))?;
        std::fs::remove_file(&self.socket).ok();
        let mut command = self.run.command()?;
        let socket = self.socket.display();
        command.arg("-S").args(["-chardev", &format!("socket,id=gdb,path={socket},server=on,wait=off")]);
        command.args(["-gdb", "chardev:gdb"]).stdout(log).stderr(Stdio::null());
        // A group of its own, which Ctrl-C does not reach.
        let child = command.process_group(0).spawn().map_err(|e| {
            Failure::new(Kind::Tool, format!("qemu-system-arm: {e}; run `cargo xtask setup`"))
        })?;
        let machine = Machine { child, socket: self.socket.clone() };
        let start = Instant::now();
        while !self.socket.exists() {
            if start.elapsed() > START {
                return Err(Failure::new(Kind::Timeout, "qemu-system-arm opened no socket for gdb"));
            }
            sleep(Duration::from_millis(20));
        }
        Ok(machine)
    }

    /// The debugger with its first script.
    pub fn debugger(&self) -> Command {
        let mut command = Command::new(GDB);
        command.args(["-q", "-nx", "-x"]).arg(&self.script).env("THAW_GDB_SESSION", &self.description);
        command
    }

    fn commands(&self, symbols: &[&Path]) -> Result<String> {
        let mut out = String::from(
            "set confirm off\nset pagination off\nset width 0\nset breakpoint pending off\n\
             set architecture armv7\n",
        );
        for path in symbols {
            let path = std::path::absolute(path).map_err(|e| Failure::file(path, &e))?;
            out += &format!("add-symbol-file {}\n", path.display());
        }
        out += &format!("target remote {}\n", self.socket.display());
        let commands = paths::root().join("xtask").join("gdb").join("thaw.py");
        out += &format!("source {}\n", commands.display());
        Ok(out)
    }
}

/// Refuses a disk that would be emptied to make the session's own.
fn keep(disk: &Path, own: &Path) -> Result<()> {
    match (disk.canonicalize(), own.canonicalize()) {
        (Ok(disk), Ok(own)) if disk == own => {
            let message =
                format!("disk {}: the session makes its own there; name another --out", disk.display());
            Err(Failure::new(Kind::Config, message))
        }
        _ => Ok(()),
    }
}

/// QEMU, ended when this is dropped.
pub struct Machine {
    child: Child,
    socket: PathBuf,
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Either may fail only if the process has already ended and was waited for.
        self.child.kill().ok();
        self.child.wait().ok();
        std::fs::remove_file(&self.socket).ok();
    }
}

/// All programs of the demo's system by name.
fn programs(demo: &Series<'_>, args: &DemoArgs) -> Vec<(String, PathBuf)> {
    let target = args.target.clone().unwrap_or_else(|| paths::program("sheep"));
    let own =
        [("thaw", "thaw-native-component"), ("blk", "blk"), ("root", "thaw-root"), ("sigma0", "thaw-sigma0")];
    let own = own.map(|(name, program)| (name.to_owned(), paths::program(program)));
    [(demo.name.clone(), target)].into_iter().chain(own).collect()
}

/// What `thaw.py` reads.
fn description(name: &str, programs: &[(String, PathBuf)], image: Option<&Path>) -> Result<String> {
    let path = |path: &Path| {
        let path = std::path::absolute(path).map_err(|e| Failure::file(path, &e))?;
        Ok(quote(&path.display().to_string()))
    };
    let mut entries = Vec::new();
    for (name, file) in programs {
        entries.push(format!("{}: {}", quote(name), path(file)?));
    }
    let image = image.map(path).transpose()?.unwrap_or_else(|| "null".into());
    let (name, programs) = (quote(name), entries.join(", "));
    Ok(format!("{{\"program\": {name}, \"image\": {image}, \"programs\": {{{programs}}}}}\n"))
}

/// Runs the host tool on a file and returns what it prints; its refusals are ours.
pub fn thaw(arguments: &[&str], file: &Path) -> Result<String> {
    let tool = paths::host_tool();
    let output = Command::new(&tool).args(arguments).arg(file).output();
    let output = output.map_err(|e| Failure::new(Kind::Tool, format!("{}: {e}", tool.display())))?;
    if !output.status.success() {
        let code = output.status.code().and_then(|code| u8::try_from(code).ok());
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Failure::refused(code.unwrap_or(Kind::Tool as u8), text));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_given_is_not_made_anew() {
        let disk = paths::root().join("Cargo.toml");
        let other_name = paths::root().join("xtask").join("..").join("Cargo.toml");
        assert_eq!(keep(&disk, &other_name).map_err(|f| f.kind), Err(Kind::Config));
        assert_eq!(keep(&disk, &paths::root().join("no-such-file")).map_err(|f| f.kind), Ok(()));
    }

    #[test]
    fn the_description_is_json() {
        let programs = [("sheep".to_owned(), PathBuf::from("/a \"b\""))];
        let text = description("sheep", &programs, Some(Path::new("/image"))).expect("absolute");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["program"], "sheep");
        assert_eq!(value["programs"]["sheep"], "/a \"b\"");
        assert_eq!(value["image"], "/image");
    }
}
