//! Reading: the whole image is verified before anything of it can be used.

use zerocopy::FromBytes;

use crate::record::{At, Body, HEAD_LEN, Kind, RawHead, Record, decode, payload_length};
use crate::rules::Rules;
pub use crate::rules::Summary;
use crate::{
    Abi, Architecture, Digest, Encoding, Error, Extent, HEADER_BLOCK, Hasher, Header, MAX_PAYLOAD, Name,
    PAGE_SIZE, Refusal, Source,
};

/// What the place of restoring demands of an image. `None` accepts anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Expect {
    /// Architecture of the machine.
    pub architecture: Option<Architecture>,
    /// Interface of the running kernel.
    pub abi: Option<Abi>,
    /// Number and name of the board.
    pub board: Option<(u32, Name)>,
    /// Header hash of the parent at hand. Without one an image that builds on a parent is still
    /// accepted if it holds all pages itself, as every image of version 1.0 does.
    pub parent: Option<Digest>,
    /// Number of the checkpoint in the life of the target.
    pub generation: Option<u64>,
}

/// A verified image: what it is, how much it holds, where everything stands.
///
/// The only way to its records and pages, so that nothing is used before all was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    header: Header,
    summary: Summary,
    /// Offset in the table and number of the first record of each kind and of the end.
    starts: [(u32, u32); Kind::Extent as usize + 2],
}

/// Checks every byte and every relation of the image in `source`.
///
/// In order: length and header block, what `expect` demands, total length, table hash, padding,
/// then each record with all [`rules`](crate::Refusal) and each stored extent with its hash.
/// `scratch` is the read buffer: at least 4096 bytes, larger is faster. Changes nothing.
pub fn verify<S: Source>(
    source: &mut S,
    expect: &Expect,
    scratch: &mut [u8],
) -> Result<Verified, Error<S::Error>> {
    if scratch.len() < HEADER_BLOCK {
        let (needed, available) = (HEADER_BLOCK as u64, scratch.len() as u64);
        return Err(Refusal::Buffer { needed, available }.into());
    }
    let header = read_header(source, scratch)?;
    expect.check(&header)?;
    let available = source.len().map_err(Error::Io)?;
    let needed = header.total_length;
    if available < needed {
        return Err(Refusal::Truncated { needed, available }.into());
    }
    if available > needed {
        return Err(Refusal::Leftover { end: needed, available }.into());
    }
    check_table(source, &header, scratch)?;
    check_records(source, &header, scratch)
}

/// Reads and checks the header of the image in `source`, and nothing else.
///
/// Good enough to show what an image claims to be, not to use it. `scratch` as for [`verify`].
pub fn read_header<S: Source>(source: &mut S, scratch: &mut [u8]) -> Result<Header, Error<S::Error>> {
    let available = source.len().map_err(Error::Io)?;
    let length = available.min(HEADER_BLOCK as u64) as usize;
    let Some(block) = scratch.get_mut(..length) else {
        return Err(Refusal::Buffer { needed: HEADER_BLOCK as u64, available: scratch.len() as u64 }.into());
    };
    source.read_at(0, block).map_err(Error::Io)?;
    let header = Header::parse(block)?;
    if length < HEADER_BLOCK {
        return Err(Refusal::Truncated { needed: header.total_length, available }.into());
    }
    Ok(header)
}

impl Expect {
    /// Accepts every image that this build can read.
    pub const ANY: Self = Self { architecture: None, abi: None, board: None, parent: None, generation: None };

    fn check(&self, header: &Header) -> Result<(), Refusal> {
        let identity = &header.identity;
        if self.architecture.is_some_and(|here| here != identity.architecture) {
            return Err(Refusal::Architecture { found: identity.architecture.number() });
        }
        if let Some(here) = self.abi.filter(|&here| here != identity.abi) {
            return Err(Refusal::Abi { found: identity.abi.number(), here: here.number() });
        }
        if let Some((_, here)) = self.board.filter(|&here| here != (identity.board_id, identity.board)) {
            return Err(Refusal::Board { found: identity.board, here });
        }
        if let Some(given) = self.parent.filter(|&given| given != identity.parent) {
            return Err(Refusal::Parent { found: identity.parent, given });
        }
        match self.generation {
            Some(wanted) if wanted != identity.generation => {
                Err(Refusal::Generation { found: identity.generation, wanted })
            }
            _ => Ok(()),
        }
    }
}

/// Hashes `length` bytes from `offset`.
fn hash_range<S: Source>(
    source: &mut S,
    offset: u64,
    length: u64,
    scratch: &mut [u8],
) -> Result<Digest, Error<S::Error>> {
    let mut hasher = Hasher::new();
    let mut done = 0;
    while done < length {
        let part = (length - done).min(scratch.len() as u64);
        let bytes = &mut scratch[..part as usize];
        source.read_at(offset + done, bytes).map_err(Error::Io)?;
        hasher.update(bytes);
        done += part;
    }
    Ok(hasher.take())
}

/// Checks the hash of the table and the zeros behind it.
fn check_table<S: Source>(
    source: &mut S,
    header: &Header,
    scratch: &mut [u8],
) -> Result<(), Error<S::Error>> {
    let digest = hash_range(source, header.table_offset, header.table_length, scratch)?;
    if digest != header.table_hash {
        return Err(Refusal::TableDamaged.into());
    }
    let end = header.table_offset + header.table_length;
    // Less than a page, since the header was checked.
    let padding = &mut scratch[..(header.total_length - end) as usize];
    source.read_at(end, padding).map_err(Error::Io)?;
    match padding.iter().position(|&byte| byte != 0) {
        Some(i) => Err(Refusal::Padding { offset: end + i as u64 }.into()),
        None => Ok(()),
    }
}

/// Checks each record against the rules and each stored extent against its hash.
fn check_records<S: Source>(
    source: &mut S,
    header: &Header,
    scratch: &mut [u8],
) -> Result<Verified, Error<S::Error>> {
    let mut rules = Rules::new(header.identity.abi);
    let mut cursor = Cursor::new(header, (0, 0), (header.table_length as u32, header.record_count));
    let mut starts = [(0, 0); Kind::Extent as usize + 2];
    let mut entered = 0;
    loop {
        let place = cursor.place();
        let Some(record) = cursor.next(source)? else { break };
        let at = At { pd: record.pd, index: record.index };
        let kind = record.body.kind();
        rules.enter(kind, at)?;
        record.body.check(at, &mut rules)?;
        while entered < kind as usize {
            entered += 1;
            starts[entered] = place;
        }
        if let Body::Extent(extent) = &record.body {
            check_extent(source, extent, scratch)?;
        }
    }
    starts[entered + 1..].fill(cursor.place());
    let summary = rules.finish(header.table_offset)?;
    if header.minor != summary.minor() {
        return Err(Refusal::HeaderField { field: "minor", value: header.minor.into() }.into());
    }
    Ok(Verified { header: *header, summary, starts })
}

fn check_extent<S: Source>(
    source: &mut S,
    extent: &Extent,
    scratch: &mut [u8],
) -> Result<(), Error<S::Error>> {
    if extent.encoding == Encoding::Zero {
        return Ok(());
    }
    let digest = hash_range(source, extent.offset, extent.stored_length.into(), scratch)?;
    if digest == extent.hash { Ok(()) } else { Err(damaged(extent).into()) }
}

fn damaged(extent: &Extent) -> Refusal {
    let Extent { dataspace, first_page, page_count, .. } = *extent;
    Refusal::ExtentDamaged { dataspace, first_page, page_count }
}

impl Verified {
    /// Returns the header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Returns how much there is of everything.
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Returns a cursor over all records.
    pub fn records(&self) -> Cursor {
        Cursor::new(&self.header, (0, 0), self.starts[Kind::Extent as usize + 1])
    }

    /// Returns a cursor over the records of one kind.
    pub fn records_of(&self, kind: Kind) -> Cursor {
        Cursor::new(&self.header, self.starts[kind as usize], self.starts[kind as usize + 1])
    }

    /// Calls `visit` for each record of one kind, in order, until it fails.
    pub fn for_each<S: Source, X: From<Error<S::Error>>>(
        &self,
        source: &mut S,
        kind: Kind,
        mut visit: impl FnMut(&mut S, &Record) -> Result<(), X>,
    ) -> Result<(), X> {
        let mut cursor = self.records_of(kind);
        while let Some(record) = cursor.next(source)? {
            visit(source, &record)?;
        }
        Ok(())
    }

    /// Fills `out`, whole pages, with those of `extent` from its page `skip` on.
    ///
    /// Trusts the source to give what it gave to [`verify`]; see [`copy_extent`](Self::copy_extent).
    pub fn read_pages<S: Source>(
        &self,
        source: &mut S,
        extent: &Extent,
        skip: u32,
        out: &mut [u8],
    ) -> Result<(), Error<S::Error>> {
        let available = u64::from(extent.page_count.saturating_sub(skip)) * PAGE_SIZE as u64;
        let needed = out.len() as u64;
        if needed > available || !out.len().is_multiple_of(PAGE_SIZE) {
            return Err(Refusal::Buffer { needed, available }.into());
        }
        match extent.encoding {
            Encoding::Zero => out.fill(0),
            Encoding::Raw => {
                let offset = extent.offset + u64::from(skip) * PAGE_SIZE as u64;
                source.read_at(offset, out).map_err(Error::Io)?;
            }
        }
        Ok(())
    }

    /// Hands all pages of `extent` to `take` (first page, whole pages), in pieces of the size of
    /// `buffer`, and checks their hash once more on the way.
    ///
    /// `buffer` has at least one page. A [`Refusal::ExtentDamaged`] comes after the pages were
    /// handed out: the source changed since [`verify`], so throw them away.
    pub fn copy_extent<S: Source, X: From<Error<S::Error>>>(
        &self,
        source: &mut S,
        extent: &Extent,
        buffer: &mut [u8],
        mut take: impl FnMut(u32, &[u8]) -> Result<(), X>,
    ) -> Result<(), X> {
        let pages = (buffer.len() / PAGE_SIZE) as u32;
        if pages == 0 {
            let refusal = Refusal::Buffer { needed: PAGE_SIZE as u64, available: buffer.len() as u64 };
            return Err(Error::from(refusal).into());
        }
        let mut hasher = Hasher::new();
        let mut done = 0;
        while done < extent.page_count {
            let part = pages.min(extent.page_count - done);
            let bytes = &mut buffer[..part as usize * PAGE_SIZE];
            self.read_pages(source, extent, done, bytes)?;
            if extent.encoding == Encoding::Raw {
                hasher.update(bytes);
            }
            take(extent.first_page + done, bytes)?;
            done += part;
        }
        if extent.encoding == Encoding::Raw && hasher.take() != extent.hash {
            return Err(Error::from(damaged(extent)).into());
        }
        Ok(())
    }
}

/// A place in the table that moves from record to record. About 4 KiB, the window it reads ahead.
#[derive(Clone)]
pub struct Cursor {
    table_offset: u64,
    table_length: u32,
    /// Offset in the table and number of the next record and of the end.
    next: (u32, u32),
    end: (u32, u32),
    /// Part of the table that the window holds.
    window_start: u32,
    window_end: u32,
    window: [u8; WINDOW],
}

/// Two sectors more than the largest record, so that a refill starts at a sector.
const WINDOW: usize = 4096;
const SECTOR: u32 = 512;
const _: () = assert!(WINDOW >= HEAD_LEN + MAX_PAYLOAD + 2 * SECTOR as usize);

impl Cursor {
    fn new(header: &Header, next: (u32, u32), end: (u32, u32)) -> Self {
        Self {
            table_offset: header.table_offset,
            table_length: header.table_length as u32,
            next,
            end,
            window_start: 0,
            window_end: 0,
            window: [0; WINDOW],
        }
    }

    fn place(&self) -> (u32, u32) {
        self.next
    }

    /// Returns the next record, or nothing after the last one.
    pub fn next<S: Source>(&mut self, source: &mut S) -> Result<Option<Record>, Error<S::Error>> {
        let (offset, number) = self.next;
        let (end, count) = self.end;
        if offset == end && number == count {
            return Ok(None);
        }
        let cut = Refusal::RecordCount { found: number, expected: count };
        if offset == end || number == count {
            return Err(cut.into());
        }
        let head_bytes = self.bytes(source, offset, HEAD_LEN, cut)?;
        let head = *RawHead::ref_from_bytes(head_bytes).map_err(|_| cut)?;
        let kind = check_head(&head, offset)?;
        let at = At { pd: head.pd.get(), index: head.index.get() };
        let start = offset + HEAD_LEN as u32;
        let length = payload_length(kind);
        let body = decode(kind, at, self.bytes(source, start, length, cut)?)?;
        self.next = (start + length as u32, number + 1);
        Ok(Some(Record { pd: at.pd, index: at.index, body }))
    }

    /// Returns `length` bytes of the table, at most one record, or refuses with `cut`.
    fn bytes<S: Source>(
        &mut self,
        source: &mut S,
        offset: u32,
        length: usize,
        cut: Refusal,
    ) -> Result<&[u8], Error<S::Error>> {
        let end = offset + length as u32;
        if end > self.end.0 {
            return Err(cut.into());
        }
        if offset < self.window_start || end > self.window_end {
            let start = offset - offset % SECTOR;
            let stop = self.table_length.min(start + WINDOW as u32);
            let window = &mut self.window[..(stop - start) as usize];
            source.read_at(self.table_offset + u64::from(start), window).map_err(Error::Io)?;
            (self.window_start, self.window_end) = (start, stop);
        }
        let from = (offset - self.window_start) as usize;
        Ok(&self.window[from..from + length])
    }
}

/// Checks kind, version and length of a record.
fn check_head(head: &RawHead, offset: u32) -> Result<Kind, Refusal> {
    let number = head.kind.get();
    let offset = offset.into();
    let Some(kind) = Kind::from_number(number) else {
        return Err(Refusal::UnknownKind { kind: number, offset });
    };
    let index = head.index.get();
    // All kinds are at version 1 so far; a second one will need its own length, too.
    if head.version != 1 {
        return Err(Refusal::RecordVersion { kind, index, found: head.version.get() });
    }
    let (found, expected) = (head.length.get(), payload_length(kind) as u32);
    if found != expected {
        return Err(Refusal::RecordLength { kind, index, found, expected });
    }
    Ok(kind)
}
