//! `thaw receive` and `thaw send` at a socket, with a target's end of the line behind it.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use thaw_image::store::{BlockDevice, Store};
use thaw_image::{Expect, HEADER_BLOCK, Sink, Source};
use thaw_serial::{Client, ClientError, Port, Times};

const GOLDEN: &[u8] = include_bytes!("../../../tests/golden/sheep.thaw");

/// The target's end of a socket.
struct Target {
    socket: UnixStream,
    start: Instant,
    arrived: Vec<u8>,
}

impl Port for Target {
    fn send(&mut self, bytes: &[u8]) {
        // Text and frames share the line; nobody there is no answer.
        let _ = self.socket.write_all(b"[thaw] working\n").and_then(|()| self.socket.write_all(bytes));
    }
    fn receive(&mut self, until_ms: u64) -> Option<u8> {
        let mut bytes = [0; 2048];
        while self.arrived.is_empty() && self.now_ms() < until_ms {
            if let Ok(count) = self.socket.read(&mut bytes) {
                self.arrived.extend(bytes[..count].iter().rev());
            }
        }
        self.arrived.pop()
    }
    fn now_ms(&mut self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
    fn pause_ms(&mut self, ms: u32) {
        std::thread::sleep(Duration::from_millis(ms.into()));
    }
}

struct Remote(Client<Target>);

impl BlockDevice for Remote {
    type Error = ClientError;
    fn sectors(&mut self) -> Result<u64, ClientError> {
        self.0.store().map(|s| s.sectors.into())
    }
    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> Result<(), ClientError> {
        self.0.read(lba as u32, bytes)
    }
    fn write(&mut self, lba: u64, bytes: &[u8]) -> Result<(), ClientError> {
        self.0.write(lba as u32, bytes)
    }
    fn flush(&mut self) -> Result<(), ClientError> {
        self.0.flush()
    }
}

/// Starts the tool at a socket, and the target's end of it.
fn start(directory: &Path, arguments: &[&str]) -> (Child, Remote) {
    let path = directory.join("line");
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("socket");
    let child = Command::new(env!("CARGO_BIN_EXE_thaw"))
        .args(arguments)
        .arg("--line")
        .arg(&path)
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    let (socket, _) = listener.accept().expect("connects");
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("socket");
    let target = Target { socket, start: Instant::now(), arrived: vec![] };
    let times = Times { answer_ms: 20_000, patience_ms: 120_000 };
    (child, Remote(Client::new(target, times)))
}

#[test]
fn an_image_is_received_and_sent() {
    let directory = tempfile::tempdir().expect("directory");
    let (child, mut remote) = start(directory.path(), &["receive", "-o", "x.thaw"]);
    let header = thaw_image::verify(&mut &GOLDEN[..], &Expect::ANY, &mut vec![0; 1 << 16]).expect("golden");
    {
        let mut store = Store::open(&mut remote).expect("opens");
        let mut commit = store.begin(GOLDEN.len() as u64).expect("fits");
        commit.write(&GOLDEN[HEADER_BLOCK..]).expect("goes over");
        commit.finish_copy(header.header()).expect("is accepted");
    }
    drop(remote);
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "{output:?}");
    assert!(
        output.stdout.starts_with(b"[thaw] working\n[thaw] working\n"),
        "text of the target is handed on"
    );
    assert_eq!(fs::read(directory.path().join("x.thaw")).expect("there"), GOLDEN);
    assert!(!directory.path().join("x.thaw.part").exists());

    let (child, mut remote) = start(directory.path(), &["send", "x.thaw"]);
    let mut bytes = vec![0; GOLDEN.len()];
    Store::open(&mut remote).expect("opens").image().expect("image").read_at(0, &mut bytes).expect("reads");
    assert_eq!(bytes, GOLDEN);
    drop(remote);
    assert!(child.wait_with_output().expect("ends").status.success());
}

#[test]
fn an_interrupted_transfer_is_no_success() {
    let directory = tempfile::tempdir().expect("directory");
    let (child, mut remote) = start(directory.path(), &["receive", "-o", "x.thaw"]);
    remote.write(16, &[1; 4096]).expect("goes over");
    drop(remote);
    assert_eq!(child.wait_with_output().expect("ends").status.code(), Some(75));
    assert!(directory.path().join("x.thaw.part").exists() && !directory.path().join("x.thaw").exists());
    // Started again, it has what went over.
    let (child, mut remote) = start(directory.path(), &["receive", "-o", "x.thaw"]);
    let mut bytes = [0; 4096];
    remote.read(16, &mut bytes).expect("reads");
    assert_eq!(bytes, [1; 4096]);
    drop(remote);
    child.wait_with_output().expect("ends");
}

#[test]
fn a_wrong_image_is_not_sent_and_no_line_is_named() {
    let directory = tempfile::tempdir().expect("directory");
    let mut bad = GOLDEN.to_vec();
    bad[GOLDEN.len() / 2] ^= 1;
    fs::write(directory.path().join("bad.thaw"), bad).expect("writes");
    fs::write(directory.path().join("good.thaw"), GOLDEN).expect("writes");
    for (image, code) in [("bad.thaw", 19), ("good.thaw", 74)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_thaw"));
        command.args(["send", image, "--line", "no-such-line"]).current_dir(directory.path());
        assert_eq!(command.output().expect("runs").status.code(), Some(code), "{image}");
    }
}
