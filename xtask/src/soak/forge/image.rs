//! An image whose records can be changed to anything, sealed as if a checkpointer had written it.

use std::convert::Infallible;

use thaw_image::{
    Digest, HEADER_BLOCK, Header, Kind, Sink, Source,
    store::{BlockDevice, SECTOR_SIZE, Store},
};

use crate::failure::{self, Failure, Result};

/// Field offsets of docs/image-format.md.
const TOTAL_LENGTH: usize = 176;
const TABLE_OFFSET: usize = 184;
const TABLE_LENGTH: usize = 192;
const RECORD_COUNT: usize = 200;
const TABLE_HASH: usize = 240;
const HEADER_HASH: usize = 448;
const HEADER_BYTES: usize = 512;
const RECORD_HEADER: usize = 16;

/// A record.
#[derive(Clone)]
pub struct Record {
    kind: u16,
    version: u16,
    /// Its protection domain.
    pub pd: u32,
    /// Its number.
    pub index: u32,
    payload: Vec<u8>,
}

impl Record {
    /// A record of that kind, all zero.
    pub fn new(kind: Kind, index: u32, bytes: usize) -> Self {
        Self { kind: kind as u16, version: 1, pd: 0, index, payload: vec![0; bytes] }
    }

    /// The word at that offset of the payload.
    pub fn word(&self, at: usize) -> u32 {
        u32::from_le_bytes([0, 1, 2, 3].map(|i| self.payload[at + i]))
    }

    /// Changes that word.
    pub fn set(&mut self, at: usize, value: u32) {
        self.payload[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Changes a name of 32 bytes.
    pub fn set_name(&mut self, at: usize, name: &str) {
        self.payload[at..at + 32].fill(0);
        self.payload[at..at + name.len()].copy_from_slice(name.as_bytes());
    }
}

/// An image in parts.
#[derive(Clone)]
pub struct Image {
    header: [u8; HEADER_BYTES],
    pages: Vec<u8>,
    records: Vec<Record>,
}

impl Image {
    /// The newest image of a disk.
    pub fn of_disk(disk: &[u8]) -> Result<Self> {
        let mut store = Store::open(Memory(disk.to_vec())).map_err(refused)?;
        let mut source = store.image().map_err(|e| wrong(e.to_string()))?;
        let Ok(length) = source.len();
        let mut bytes = vec![0; length as usize];
        let Ok(()) = source.read_at(0, &mut bytes);
        let mut header = [0; HEADER_BYTES];
        header.copy_from_slice(&bytes[..HEADER_BYTES]);
        let [table, length] = [TABLE_OFFSET, TABLE_LENGTH].map(|at| number(&header, at));
        let mut records = Vec::new();
        let mut rest = &bytes[table..table + length];
        while let Some((head, behind)) = rest.split_at_checked(RECORD_HEADER) {
            let half = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
            let word = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| head[at + i]));
            let (payload, behind) = behind.split_at(word(4) as usize);
            let (kind, version, pd, index) = (half(0), half(2), word(8), word(12));
            records.push(Record { kind, version, pd, index, payload: payload.to_vec() });
            rest = behind;
        }
        Ok(Self { header, pages: bytes[HEADER_BLOCK..table].to_vec(), records })
    }

    /// All records of a kind, to be changed.
    pub fn all(&mut self, kind: Kind) -> impl Iterator<Item = &mut Record> {
        self.records.iter_mut().filter(move |r| r.kind == kind as u16)
    }

    /// Record number `n` of a kind.
    pub fn record(&mut self, kind: Kind, n: usize) -> Result<&mut Record> {
        let none = || wrong(format!("the image has no {kind} record {n} to be changed"));
        self.all(kind).nth(n).ok_or_else(none)
    }

    /// Puts a record behind those of its kind, and numbers it, unless it is a slot.
    pub fn push(&mut self, mut record: Record) {
        if record.kind != Kind::Slot as u16 {
            record.index = self.records.iter().filter(|r| r.kind == record.kind).count() as u32;
        }
        let at = self.records.iter().position(|r| r.kind > record.kind).unwrap_or(self.records.len());
        self.records.insert(at, record);
    }

    /// Brings slots and queues into their order again.
    pub fn sort(&mut self) {
        const SLOT: u16 = Kind::Slot as u16;
        const QUEUED: u16 = Kind::Queued as u16;
        self.records.sort_by_key(|r| match r.kind {
            SLOT => (SLOT, r.index, 0),
            QUEUED => (QUEUED, r.word(0), r.word(4)),
            kind => (kind, 0, 0),
        });
        (0..).zip(self.all(Kind::Queued)).for_each(|(n, place)| place.index = n);
    }

    /// A fresh disk with it, all hashes right, up to its last byte that is used.
    pub fn seal(mut self, disk_bytes: usize) -> Result<Sealed> {
        let table: Vec<u8> = self.records.iter().flat_map(bytes_of).collect();
        let offset = HEADER_BLOCK + self.pages.len();
        let total = (offset + table.len()).next_multiple_of(HEADER_BLOCK);
        let mut put = |at: usize, bytes: &[u8]| self.header[at..at + bytes.len()].copy_from_slice(bytes);
        put(TOTAL_LENGTH, &(total as u64).to_le_bytes());
        put(TABLE_LENGTH, &(table.len() as u64).to_le_bytes());
        put(RECORD_COUNT, &(self.records.len() as u32).to_le_bytes());
        put(TABLE_HASH, &Digest::of(&table).0);
        let hash = Digest::of(&self.header[..HEADER_HASH]);
        self.header[HEADER_HASH..HEADER_HASH + 32].copy_from_slice(&hash.0);
        let header = Header::parse(&self.header).map_err(|e| wrong(e.to_string()))?;
        let mut store = Store::format(Memory(vec![0; disk_bytes])).map_err(refused)?;
        let mut commit = store.begin(total as u64).map_err(|e| wrong(e.to_string()))?;
        let mut body = self.pages;
        body.extend(table);
        body.resize(total - HEADER_BLOCK, 0);
        commit.write(&body).map_err(refused)?;
        commit.finish_copy(&header).map_err(refused)?;
        // Labels A and B, then the body.
        let table_at = 2 * HEADER_BLOCK + offset - HEADER_BLOCK;
        let mut disk = store.into_device().0;
        disk.truncate(2 * HEADER_BLOCK + body.len());
        Ok(Sealed { disk, table_at })
    }
}

/// An image on a disk.
pub struct Sealed {
    /// The disk.
    pub disk: Vec<u8>,
    /// Where on the disk its table begins.
    pub table_at: usize,
}

fn bytes_of(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(record.kind.to_le_bytes());
    bytes.extend(record.version.to_le_bytes());
    for word in [record.payload.len() as u32, record.pd, record.index] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(&record.payload);
    bytes
}

fn number(header: &[u8], at: usize) -> usize {
    u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| header[at + i])) as usize
}

fn refused(error: thaw_image::Error<Infallible>) -> Failure {
    wrong(error.to_string())
}

fn wrong(message: String) -> Failure {
    Failure::new(failure::Kind::Check, message)
}

/// A disk in memory.
struct Memory(Vec<u8>);

impl BlockDevice for Memory {
    type Error = Infallible;

    fn sectors(&mut self) -> std::result::Result<u64, Infallible> {
        Ok((self.0.len() / SECTOR_SIZE) as u64)
    }

    fn read(&mut self, lba: u64, bytes: &mut [u8]) -> std::result::Result<(), Infallible> {
        let at = lba as usize * SECTOR_SIZE;
        bytes.copy_from_slice(&self.0[at..at + bytes.len()]);
        Ok(())
    }

    fn write(&mut self, lba: u64, bytes: &[u8]) -> std::result::Result<(), Infallible> {
        let at = lba as usize * SECTOR_SIZE;
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> std::result::Result<(), Infallible> {
        Ok(())
    }
}
