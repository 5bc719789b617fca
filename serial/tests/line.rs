//! Frames on lines that tear, repeat, reorder and change them.

use std::collections::VecDeque;

use proptest::prelude::*;
use thaw_serial::{
    Client, ClientError, DATA_MAX, Disk, Found, Frame, Kind, Line, Port, SECTOR_BYTES, Scanner, Server,
    Status, Times,
};

const SECTORS: u32 = 64;

struct Memory {
    store: u32,
    bytes: Vec<u8>,
    flushes: u32,
    read_only: bool,
}

impl Memory {
    fn new(store: u32) -> Self {
        Self { store, bytes: vec![0; SECTORS as usize * SECTOR_BYTES], flushes: 0, read_only: false }
    }
}

fn times(patience_ms: u32) -> Times {
    Times { answer_ms: 2000, patience_ms }
}

fn at(first: u32, bytes: usize) -> std::ops::Range<usize> {
    let start = first as usize * SECTOR_BYTES;
    start..start + bytes
}

impl Disk for Memory {
    fn store(&self) -> u32 {
        self.store
    }
    fn sectors(&self) -> u32 {
        SECTORS
    }
    fn is_read_only(&self) -> bool {
        self.read_only
    }
    fn read(&mut self, first: u32, bytes: &mut [u8]) -> Result<(), Status> {
        bytes.copy_from_slice(&self.bytes[at(first, bytes.len())]);
        Ok(())
    }
    fn write(&mut self, first: u32, bytes: &[u8]) -> Result<(), Status> {
        self.bytes[at(first, bytes.len())].copy_from_slice(bytes);
        Ok(())
    }
    fn flush(&mut self) -> Result<(), Status> {
        self.flushes += 1;
        Ok(())
    }
}

/// What happens to a frame on its way.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Arrives,
    Twice,
    Lost,
    /// All but this many of 256 parts of it is lost.
    Torn(u8),
    /// The byte at this many of 256 parts is changed by this value.
    Changed(u8, u8),
    /// Text falls into it at this many of 256 parts.
    TextInside(u8),
    /// It arrives behind the next one.
    Late,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Arrives),
        1 => Just(Fate::Twice),
        1 => Just(Fate::Lost),
        1 => any::<u8>().prop_map(Fate::Torn),
        1 => (any::<u8>(), 1..=255_u8).prop_map(|(at, by)| Fate::Changed(at, by)),
        1 => any::<u8>().prop_map(Fate::TextInside),
        1 => Just(Fate::Late),
    ]
}

/// A direction of the line.
struct Way {
    fates: VecDeque<Fate>,
    late: Vec<u8>,
}

impl Way {
    fn carry(&mut self, bytes: &[u8]) -> Vec<u8> {
        // Fates come round again, so any bad stretch ends.
        let fate = self.fates.pop_front().unwrap_or(Fate::Arrives);
        self.fates.push_back(fate);
        let part = |at: u8| bytes.len() * usize::from(at) / 256;
        let late = std::mem::take(&mut self.late);
        let mut out = match fate {
            Fate::Arrives => bytes.to_vec(),
            Fate::Twice => bytes.repeat(2),
            Fate::Lost => vec![],
            Fate::Torn(at) => bytes[..part(at)].to_vec(),
            Fate::Changed(at, by) => {
                let mut changed = bytes.to_vec();
                changed[part(at)] ^= by;
                changed
            }
            Fate::TextInside(at) => {
                let (a, b) = bytes.split_at(part(at));
                [a, b"\r\nKERNEL: Warning: ~ text ~~\r\n", b].concat()
            }
            Fate::Late => {
                self.late = bytes.to_vec();
                vec![]
            }
        };
        out.extend(late);
        out
    }
}

/// A target's end of a line with a host behind it; waiting takes no time.
struct Faulty {
    there: Way,
    back: Way,
    scanner: Scanner,
    server: Server,
    disk: Memory,
    arrived: VecDeque<u8>,
    now_ms: u64,
}

impl Faulty {
    fn new(there: Vec<Fate>, back: Vec<Fate>) -> Self {
        let way = |fates: Vec<Fate>| Way { fates: fates.into(), late: vec![] };
        Self {
            there: way(there),
            back: way(back),
            scanner: Scanner::new(),
            server: Server::default(),
            disk: Memory::new(7),
            arrived: VecDeque::new(),
            now_ms: 1234,
        }
    }
}

impl Port for Faulty {
    fn send(&mut self, bytes: &[u8]) {
        for byte in self.there.carry(bytes) {
            let answer = match self.scanner.push(byte, |_| ()) {
                None => continue,
                Some(Found::Damaged) => Line::new(&Frame::DAMAGED),
                Some(Found::Frame) => {
                    let frame = self.scanner.frame().expect("found");
                    let Some(answer) = self.server.answer(&frame, &mut self.disk) else { continue };
                    Line::new(&answer)
                }
            };
            self.arrived.extend(self.back.carry(answer.as_bytes()));
        }
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

#[derive(Clone, Debug)]
enum Step {
    Write(u32, Vec<u8>),
    Read(u32, usize),
    Flush,
}

fn step() -> impl Strategy<Value = Step> {
    let extent = (0..SECTORS - 6, 1..=6_usize);
    prop_oneof![
        3 => (extent.clone(), any::<u8>()).prop_map(|((first, n), fill)| {
            let bytes = (0..n * SECTOR_BYTES).map(|i| (i / 7) as u8 ^ fill).collect();
            Step::Write(first, bytes)
        }),
        2 => extent.prop_map(|(first, n)| Step::Read(first, n)),
        1 => Just(Step::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_stored_survives_any_line(
        steps in prop::collection::vec(step(), 1..20),
        there in prop::collection::vec(fate(), 3..40),
        back in prop::collection::vec(fate(), 3..40),
    ) {
        // One good stretch in each direction, or nothing could ever arrive.
        let good = [Fate::Arrives; 4];
        let mut client = Client::new(
            Faulty::new([&there[..], &good].concat(), [&back[..], &good].concat()),
            times(100_000_000),
        );
        let mut model = Memory::new(7).bytes;
        let mut flushes = 0;
        for step in steps {
            match step {
                Step::Write(first, bytes) => {
                    client.write(first, &bytes).expect("written");
                    model[at(first, bytes.len())].copy_from_slice(&bytes);
                }
                Step::Read(first, sectors) => {
                    let mut bytes = vec![0xaa; sectors * SECTOR_BYTES];
                    client.read(first, &mut bytes).expect("read");
                    prop_assert_eq!(&bytes[..], &model[at(first, bytes.len())]);
                }
                Step::Flush => {
                    client.flush().expect("flushed");
                    flushes += 1;
                }
            }
            prop_assert_eq!(&client.port().disk.bytes, &model);
            prop_assert!(client.port().disk.flushes >= flushes);
        }
    }

    #[test]
    fn a_changed_frame_is_none(at in 0..1400_usize, by in 1..=255_u8, data in prop::collection::vec(any::<u8>(), DATA_MAX)) {
        let frame = Frame {
            kind: Kind::Write, is_answer: false, number: 9, store: 1, first: 2, value: 0, data: &data,
        };
        let mut bytes = Line::new(&frame).as_bytes().to_vec();
        let at = at % (bytes.len() - 1);
        bytes[at] ^= by;
        let mut scanner = Scanner::new();
        for byte in bytes {
            if scanner.push(byte, |_| ()) == Some(Found::Frame) {
                prop_assert_eq!(scanner.frame(), Some(frame), "another frame than was sent");
            }
        }
    }

    #[test]
    fn any_bytes_are_taken(bytes in prop::collection::vec(prop_oneof![Just(b'~'), Just(b'A'), any::<u8>()], 0..4000)) {
        let mut scanner = Scanner::new();
        for byte in bytes {
            let _ = scanner.push(byte, |_| ());
            let _ = scanner.frame();
        }
    }

    #[test]
    fn text_around_frames_stays_as_it_is(text in "[ -}]{0,40}\n?", frames in 0..3_usize) {
        let line = Line::new(&Frame::DAMAGED);
        let mut scanner = Scanner::new();
        let (mut seen, mut found) = (Vec::new(), 0);
        for part in 0..=frames {
            for byte in text.bytes() {
                prop_assert_eq!(scanner.push(byte, |b| seen.push(b)), None);
            }
            if part < frames {
                for byte in line.as_bytes() {
                    found += usize::from(scanner.push(*byte, |b| seen.push(b)) == Some(Found::Frame));
                }
            }
        }
        prop_assert_eq!(found, frames);
        prop_assert_eq!(String::from_utf8(seen).expect("text"), text.repeat(frames + 1));
    }
}

#[test]
fn a_torn_frame_does_not_take_the_next_one_with_it() {
    let frame =
        Frame { kind: Kind::Flush, is_answer: false, number: 3, store: 1, first: 0, value: 0, data: &[] };
    let line = Line::new(&frame);
    for keep in 0..line.as_bytes().len() {
        let mut scanner = Scanner::new();
        let bytes = [&line.as_bytes()[..keep], line.as_bytes()].concat();
        let found = bytes.iter().filter(|b| scanner.push(**b, |_| ()) == Some(Found::Frame)).count();
        assert!(found >= 1, "the frame behind {keep} bytes of another is lost");
    }
}

#[test]
fn a_frame_that_comes_too_late_changes_nothing() {
    let mut server = Server::default();
    let mut disk = Memory::new(1);
    let (old, new) = ([1; SECTOR_BYTES], [2; SECTOR_BYTES]);
    let write = |number, data| Frame {
        kind: Kind::Write,
        is_answer: false,
        number,
        store: 1,
        first: 0,
        value: 0,
        data,
    };
    // Across the wrap of numbers, too.
    for number in [5_u16, u16::MAX] {
        let mut server = Server::default();
        assert!(server.answer(&write(number, &old), &mut disk).is_some());
        assert!(server.answer(&write(number.wrapping_add(1), &new), &mut disk).is_some());
        assert!(server.answer(&write(number, &old), &mut disk).is_none());
        assert_eq!(disk.bytes[0], 2);
    }
    // A target that was started anew is heard, even if it cannot be told from the old one.
    let hello = |number, value| Frame {
        kind: Kind::Hello,
        is_answer: false,
        number,
        store: 0,
        first: 0,
        value,
        data: &[],
    };
    assert!(server.answer(&hello(1, 77), &mut disk).is_some());
    assert!(server.answer(&write(900, &new), &mut disk).is_some());
    assert!(server.answer(&hello(1, 78), &mut disk).is_some(), "another start");
    assert!(server.answer(&write(900, &new), &mut disk).is_some());
    let heard = (0..3).filter(|_| server.answer(&hello(1, 78), &mut disk).is_some()).count();
    assert_eq!(heard, 1, "the third greeting in a row");
}

#[test]
fn refusals_have_names() {
    let mut client = Client::new(Faulty::new(vec![], vec![]), times(10_000));
    let sector = [0; SECTOR_BYTES];
    assert_eq!(client.write(SECTORS, &sector), Err(ClientError::Refused(Status::BeyondEnd)));
    client.port().disk.read_only = true;
    assert_eq!(client.write(0, &sector), Err(ClientError::Refused(Status::ReadOnly)));
    assert!(client.store().expect("there").read_only);
    // Another store behind the same line, in the middle of a transfer.
    client.port().disk = Memory::new(8);
    assert_eq!(client.write(0, &sector), Err(ClientError::Refused(Status::OtherStore)));
    assert_eq!(client.write(0, &sector), Ok(()), "the next transfer greets the new one");
    let mut nobody = Client::new(Faulty::new(vec![Fate::Lost], vec![]), times(10_000));
    assert_eq!(nobody.store(), Err(ClientError::Silent));
}
