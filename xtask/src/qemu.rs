//! Running a boot image in QEMU under watch.

use std::{
    fs::File,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use crate::{
    board::Board,
    console::{Lines, Meaning, meaning},
    failure::{Failure, Kind, Result},
    serial::Peer,
};

/// How long the console is still read after a line that ends the run, for what follows it.
const GRACE: Duration = Duration::from_millis(300);

/// A disk.
#[derive(Clone, Debug)]
pub struct Disk {
    /// Image file, or another file name that QEMU takes.
    pub file: String,
    /// Whether the machine cannot write to it.
    pub read_only: bool,
}

impl From<&Path> for Disk {
    fn from(path: &Path) -> Self {
        Self { file: path.display().to_string(), read_only: false }
    }
}

/// A run to be made.
pub struct Run {
    /// The boot image.
    pub image: PathBuf,
    /// The board.
    pub board: Board,
    /// MiB of RAM.
    pub memory_mib: u32,
    /// The disk, if any.
    pub disk: Option<Disk>,
    /// Where the console is written to.
    pub log: PathBuf,
    /// A line with this text ends the run as it should, too.
    pub until: Option<String>,
    /// Longest time that the run may take.
    pub timeout: Duration,
    /// Value of QEMU's `-icount`.
    pub icount: String,
    /// Whether the console is shown as it comes.
    pub echo: bool,
    /// Whether user programs may open files of the host, by semihosting. Never with programs that are not
    /// ours.
    pub semihosting: bool,
}

/// How a run ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// It said that it is done.
    PowerOff,
    /// It said that it cannot go on: the line.
    Fatal(String),
    /// It took too long: the last line.
    Timeout(String),
    /// QEMU ended by itself: its status.
    Exited(String),
}

/// A finished run.
pub struct Finished {
    /// How it ended.
    pub end: End,
    /// Every line of the console.
    pub lines: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

impl Finished {
    /// An error unless the run ended as it should.
    pub fn powered_off(self) -> Result<Self> {
        let (kind, message) = match &self.end {
            End::PowerOff => return Ok(self),
            End::Fatal(line) => (Kind::Machine, format!("the machine cannot go on: {line}")),
            End::Timeout(line) => {
                let message = format!("no end after {} s; last line: {line}", self.took.as_secs());
                (Kind::Timeout, message)
            }
            End::Exited(status) => (Kind::Machine, format!("qemu ended by itself: {status}")),
        };
        Err(Failure::new(kind, message))
    }
}

/// QEMU, ended when this is dropped.
struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        // Either may fail only if the process has already ended and was waited for.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Run {
    /// Runs the machine to its end.
    pub fn run(&self) -> Result<Finished> {
        self.run_with(None)
    }

    /// The same with somebody at the other end of the console.
    pub fn run_with(&self, mut peer: Option<&mut Peer<'_>>) -> Result<Finished> {
        if let Some(parent) = self.log.parent() {
            std::fs::create_dir_all(parent).map_err(|e| Failure::file(parent, &e))?;
        }
        let mut log = File::create(&self.log).map_err(|e| Failure::file(&self.log, &e))?;
        let mut child = self
            .command()?
            .stdin(if peer.is_some() { Stdio::piped() } else { Stdio::null() })
            .spawn()
            .map_err(|e| {
                Failure::new(Kind::Tool, format!("qemu-system-arm: {e}; run `cargo xtask setup`"))
            })?;
        let (stdout, mut stdin) = (child.stdout.take(), child.stdin.take());
        let mut machine = Machine(child);
        let chunks =
            read_in_background(stdout.ok_or_else(|| Failure::new(Kind::Tool, "qemu without a console"))?);
        let start = Instant::now();
        let mut watch = Watch { lines: Vec::new(), end: None };
        let mut parts = Lines::default();
        let mut deadline = start + self.timeout;
        while let Ok(bytes) = receive(&chunks, deadline, &mut watch) {
            let bytes = match (&mut peer, &mut stdin) {
                (Some(peer), Some(stdin)) => {
                    let (text, answer) = peer.exchange(&bytes);
                    // A machine that has ended hears nothing any more; the watch sees that.
                    stdin.write_all(&answer).and_then(|()| stdin.flush()).ok();
                    text
                }
                _ => bytes,
            };
            log.write_all(&bytes).map_err(|e| Failure::file(&self.log, &e))?;
            for line in parts.push(&bytes) {
                self.note(&mut watch, line);
            }
            if watch.end.is_some() {
                deadline = deadline.min(Instant::now() + GRACE);
            }
        }
        let rest = parts.take();
        if !rest.is_empty() {
            self.note(&mut watch, rest);
        }
        let end = match watch.end {
            Some(end) => end,
            None => End::Exited(machine.0.wait().map_or_else(|e| e.to_string(), |s| s.to_string())),
        };
        Ok(Finished { end, lines: watch.lines, took: start.elapsed() })
    }

    /// QEMU with all options; the console is its output.
    pub fn command(&self) -> Result<Command> {
        let none = |what: &str| Failure::new(Kind::Config, format!("board {}: {what}", self.board.name()));
        let machine =
            self.board.machine().ok_or_else(|| none("QEMU has no such machine: only pack for it"))?;
        if let Some(mib) = self.board.memory_mib().filter(|mib| *mib != self.memory_mib) {
            return Err(none(&format!("has {mib} MiB of RAM, not {}: give it that much", self.memory_mib)));
        }
        let mut command = Command::new("qemu-system-arm");
        command.args(machine).args(["-m", &self.memory_mib.to_string()]);
        command.args(["-nodefaults", "-nographic", "-monitor", "none", "-no-reboot"]);
        // Only a multiplexed console reads ahead; without, each byte from us waits for the machine to take
        // the one before it.
        command.args(["-chardev", "stdio,id=console,mux=on,signal=off", "-serial", "chardev:console"]);
        command.args(["-icount", &self.icount]).arg("-kernel").arg(&self.image);
        if let Some(disk) = &self.disk {
            command.args(self.board.disk(disk).ok_or_else(|| none("has no disk: leave it out"))?);
        }
        if self.semihosting {
            command.args(["-semihosting-config", "enable=on,target=native,userspace=on"]);
        }
        command.env("QEMU_AUDIO_DRV", "none").stdout(Stdio::piped());
        Ok(command)
    }

    fn note(&self, watch: &mut Watch, line: String) {
        if self.echo {
            println!("{line}");
        }
        let wanted = self.until.as_ref().is_some_and(|text| line.contains(text));
        match meaning(&line) {
            Meaning::Text if wanted => watch.end = watch.end.take().or(Some(End::PowerOff)),
            Meaning::Text => {}
            Meaning::PowerOff => watch.end = watch.end.take().or(Some(End::PowerOff)),
            Meaning::Fatal => watch.end = watch.end.take().or_else(|| Some(End::Fatal(line.trim().into()))),
        }
        watch.lines.push(line);
    }
}

struct Watch {
    lines: Vec<String>,
    end: Option<End>,
}

/// The next chunk, or `Err` at the end of time or of output.
fn receive(
    chunks: &Receiver<Vec<u8>>,
    deadline: Instant,
    watch: &mut Watch,
) -> std::result::Result<Vec<u8>, ()> {
    match chunks.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(bytes) => Ok(bytes),
        Err(RecvTimeoutError::Disconnected) => Err(()),
        Err(RecvTimeoutError::Timeout) => {
            let last =
                || watch.lines.iter().rev().find(|l| !l.trim().is_empty()).cloned().unwrap_or_default();
            watch.end = watch.end.take().or_else(|| Some(End::Timeout(last())));
            Err(())
        }
    }
}

fn read_in_background(mut stdout: ChildStdout) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(bytes @ 1..) = stdout.read(&mut buffer) {
            if sender.send(buffer[..bytes].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}
