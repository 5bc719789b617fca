//! Images over a line, from a store of the target's to a file and back.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;

use thaw_image::store::{BlockDevice, Store};
use thaw_image::{Expect, HEADER_BLOCK, Sink, Source};
use thaw_serial::{Client, ClientError, Disk, Port, Status, Times};
use thaw_serial_host::faults::Faults;
use thaw_serial_host::{HostError, Incoming, Outgoing, Session};

const GOLDEN: &[u8] = include_bytes!("../../../tests/golden/sheep.thaw");
const SEED: u64 = 0x7ab5;

/// The target's end of a line, with the host behind it in the same thread.
struct Wire {
    session: Session,
    disk: Box<dyn Disk>,
    there: Option<Faults>,
    back: Option<Faults>,
    arrived: VecDeque<u8>,
    now_ms: u64,
    /// Sent bytes after which the host is gone.
    cut_after: Option<usize>,
}

impl Wire {
    fn new(disk: Box<dyn Disk>, every: Option<u32>) -> Self {
        let faults = |seed| every.map(|every| Faults::new(seed, every));
        Self {
            session: Session::default(),
            disk,
            there: faults(SEED),
            back: faults(SEED + 1),
            arrived: VecDeque::new(),
            now_ms: 0,
            cut_after: None,
        }
    }
}

fn carry(faults: &mut Option<Faults>, bytes: &[u8]) -> Vec<u8> {
    faults.as_mut().map_or_else(|| bytes.to_vec(), |f| f.carry(bytes))
}

impl Port for Wire {
    fn send(&mut self, bytes: &[u8]) {
        let bytes = carry(&mut self.there, bytes);
        if let Some(left) = &mut self.cut_after {
            match left.checked_sub(bytes.len()) {
                Some(less) => *left = less,
                None => return,
            }
        }
        let answers = self.session.push(&bytes, &mut *self.disk, &mut Vec::new());
        self.arrived.extend(carry(&mut self.back, &answers));
    }
    fn receive(&mut self, until_ms: u64) -> Option<u8> {
        let byte = self.arrived.pop_front();
        if byte.is_none() {
            self.now_ms = self.now_ms.max(until_ms);
        }
        byte
    }
    fn now_ms(&mut self) -> u64 {
        self.now_ms
    }
    fn pause_ms(&mut self, ms: u32) {
        self.now_ms += u64::from(ms);
    }
}

/// The client as the disk that the target's store lies on.
struct Remote(Client<Wire>);

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

fn remote(disk: impl Disk + 'static, every: Option<u32>) -> Remote {
    Remote(Client::new(Wire::new(Box::new(disk), every), Times { answer_ms: 2000, patience_ms: 60_000 }))
}

type StoreResult = Result<(), thaw_image::Error<ClientError>>;

/// What the checkpointer does with an image: body, then label.
fn commit(remote: &mut Remote, body: &[u8]) -> StoreResult {
    let header = thaw_image::verify(&mut &GOLDEN[..], &Expect::ANY, &mut vec![0; 1 << 16]).expect("golden");
    let mut store = Store::open(remote)?;
    let mut commit = store.begin(GOLDEN.len() as u64)?;
    for piece in body.chunks(30_000) {
        commit.write(piece)?;
    }
    commit.finish_copy(header.header())
}

fn load(remote: &mut Remote) -> Vec<u8> {
    let mut store = Store::open(remote).expect("opens");
    let mut image = store.image().expect("has an image");
    let mut bytes = vec![0; image.len().expect("length") as usize];
    for (i, piece) in bytes.chunks_mut(65536).enumerate() {
        image.read_at(i as u64 * 65536, piece).expect("reads");
    }
    bytes
}

fn body() -> &'static [u8] {
    &GOLDEN[HEADER_BLOCK..]
}

fn incoming(out: &Path) -> Incoming {
    Incoming::open(out).expect("opens")
}

#[test]
fn an_image_goes_there_and_back_over_a_bad_line() {
    let directory = tempfile::tempdir().expect("directory");
    let out = directory.path().join("x.thaw");
    println!("seed {SEED:#x}");
    let mut target = remote(incoming(&out), Some(3000));
    commit(&mut target, body()).expect("sent");
    let faults = target.0.port().there.as_ref().map_or(0, Faults::count);
    assert!(faults > 10, "only {faults} faults: the line was too good");
    assert_eq!(fs::read(&out).expect("received"), GOLDEN);
    let mut next = remote(Outgoing::open(&out).expect("verifies"), Some(3000));
    assert_eq!(load(&mut next), GOLDEN);
    let faults = next.0.port().back.as_ref().map_or(0, Faults::count);
    assert!(faults > 10, "only {faults} faults: the line was too good");
}

#[test]
fn a_transfer_goes_on_where_the_host_was_interrupted() {
    let directory = tempfile::tempdir().expect("directory");
    let out = directory.path().join("x.thaw");
    let first = remote(incoming(&out), None);
    let mut target = first;
    // The host dies in the middle, and another one takes over before the target gives up.
    target.0.port().cut_after = Some(GOLDEN.len() / 2);
    let mut store = Store::open(&mut target).expect("opens");
    let mut commit = store.begin(GOLDEN.len() as u64).expect("fits");
    let mut sent = 0;
    let died = body().chunks(4096).try_for_each(|piece| {
        commit.write(piece)?;
        sent += piece.len();
        Ok::<(), thaw_image::Error<ClientError>>(())
    });
    assert!(died.is_err() && sent > 0 && !out.exists());
    target.0.port().cut_after = None;
    target.0.port().disk = Box::new(incoming(&out));
    target.0.port().session = Session::default();
    assert!(incoming(&out).is_resumed());
    // The same store: requests that name it are carried out, and what was written is there.
    let mut sector = [0; 4096];
    target.0.read(16, &mut sector).expect("the same store");
    assert_eq!(sector[..], body()[..4096]);
    self::commit(&mut target, body()).expect("sent");
    assert_eq!(fs::read(&out).expect("received"), GOLDEN);
}

#[test]
fn a_new_store_is_not_taken_for_the_old_one() {
    let directory = tempfile::tempdir().expect("directory");
    let out = directory.path().join("x.thaw");
    let mut target = remote(incoming(&out), None);
    let mut store = Store::open(&mut target).expect("opens");
    let mut commit = store.begin(GOLDEN.len() as u64).expect("fits");
    commit.write(&body()[..8192]).expect("sent");
    fs::remove_file(directory.path().join("x.thaw.part")).expect("lost");
    target.0.port().disk = Box::new(incoming(&out));
    assert_eq!(target.0.write(16, &[1; 512]), Err(ClientError::Refused(Status::OtherStore)));
}

#[test]
fn a_wrong_image_is_refused_before_it_is_used() {
    let directory = tempfile::tempdir().expect("directory");
    let out = directory.path().join("x.thaw");
    // Received: the old image stays.
    let mut target = remote(incoming(&out), None);
    commit(&mut target, body()).expect("sent");
    let mut wrong = body().to_vec();
    *wrong.last_mut().expect("bytes") ^= 1;
    let refused = commit(&mut target, &wrong);
    assert_eq!(refused, Err(thaw_image::Error::Io(ClientError::Refused(Status::Refused))));
    assert_eq!(fs::read(&out).expect("there"), GOLDEN);
    // To be sent: no target gets to see it.
    let bad = directory.path().join("bad.thaw");
    let mut bytes = GOLDEN.to_vec();
    bytes[GOLDEN.len() / 2] ^= 1;
    fs::write(&bad, &bytes).expect("writes");
    assert!(matches!(Outgoing::open(&bad), Err(HostError::Image(..))));
    // And it cannot be written to.
    let mut reader = remote(Outgoing::open(&out).expect("verifies"), None);
    assert_eq!(reader.0.write(16, &[1; 512]), Err(ClientError::Refused(Status::ReadOnly)));
}

#[test]
fn the_next_checkpoint_is_the_successor_of_the_image_that_is_there() {
    let directory = tempfile::tempdir().expect("directory");
    let out = directory.path().join("x.thaw");
    fs::write(&out, GOLDEN).expect("writes");
    let mut target = remote(incoming(&out), None);
    let store = Store::open(&mut target).expect("opens");
    assert_eq!(store.header().map(|h| h.total_length), Ok(GOLDEN.len() as u64));
}
