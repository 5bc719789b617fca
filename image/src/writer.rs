//! Writing: pages first, then the table, the header last.

use zerocopy::{FromBytes, IntoBytes};

use crate::record::{At, HEAD_LEN, RawHead, Saved};
use crate::rules::Rules;
use crate::{
    Bound, Digest, Encoding, Error, Extent, HEADER_BLOCK, Hasher, Header, Identity, Kind, MAX_EXTENT_PAGES,
    MAX_EXTENTS, MAX_PAYLOAD, MAX_TABLE, PAGE_SIZE, Refusal, Sink, Summary,
};

static ZERO_PAGE: [u8; PAGE_SIZE] = [0; PAGE_SIZE];

/// Writes the pages of an image.
///
/// For each RAM dataspace, in ascending order of their numbers: [`begin_dataspace`], then all its
/// pages in order by [`pages`] or [`zero_pages`], then the next. [`begin_table`] ends the pages.
/// Each byte is looked at, hashed and handed to the sink while it is in the cache, and never
/// kept.
///
/// Runs of zero pages are elided: every one while half of the extent table is free, then those of
/// 16 pages and more, in the last quarter those of 256 and more; shorter ones are stored. So a
/// table of [`extent_table_len`](crate::extent_table_len) entries never overflows.
///
/// After an error the image is lost; nothing was committed, since there is no header yet.
///
/// [`begin_dataspace`]: Self::begin_dataspace
/// [`pages`]: Self::pages
/// [`zero_pages`]: Self::zero_pages
/// [`begin_table`]: Self::begin_table
pub struct Writer<'t, S: Sink> {
    sink: S,
    identity: Identity,
    extents: &'t mut [Extent],
    used: usize,
    /// Where the next byte of the body stands in the image.
    offset: u64,
    dataspace: Option<Open>,
    /// The raw extent under construction; empty if `page_count` is 0.
    raw: Extent,
    /// Zero pages seen since, not yet stored or elided.
    zeros: u32,
    hasher: Hasher,
}

/// The dataspace whose pages are being written.
#[derive(Clone, Copy)]
struct Open {
    dataspace: u32,
    page_count: u32,
    /// Pages taken so far.
    next: u32,
    /// Of these, pages that belong to an extent; the others are zeros yet to be judged.
    settled: u32,
}

impl<'t, S: Sink> Writer<'t, S> {
    /// Starts an image; `extents` bounds how finely zero and stored pages may alternate.
    pub fn new(sink: S, identity: Identity, extents: &'t mut [Extent]) -> Self {
        Self {
            sink,
            identity,
            extents,
            used: 0,
            offset: HEADER_BLOCK as u64,
            dataspace: None,
            raw: Extent::EMPTY,
            zeros: 0,
            hasher: Hasher::new(),
        }
    }

    /// Starts the pages of RAM dataspace `dataspace`, of which there will be `page_count`.
    ///
    /// Fails if the one before is not complete ([`Refusal::PageCount`]) or has no lower number
    /// ([`Refusal::Order`]).
    pub fn begin_dataspace(&mut self, dataspace: u32, page_count: u32) -> Result<(), Error<S::Error>> {
        let last = self.dataspace.map(|open| open.dataspace);
        self.end_dataspace()?;
        if last.is_some_and(|last| last >= dataspace) {
            return Err(Refusal::Order { kind: Kind::Dataspace, index: dataspace }.into());
        }
        self.dataspace = Some(Open { dataspace, page_count, next: 0, settled: 0 });
        Ok(())
    }

    /// Adds the next pages of the dataspace: `bytes` is a multiple of 4096 bytes.
    pub fn pages(&mut self, bytes: &[u8]) -> Result<(), Error<S::Error>> {
        if !bytes.len().is_multiple_of(PAGE_SIZE) {
            let needed = bytes.len().next_multiple_of(PAGE_SIZE) as u64;
            return Err(Refusal::Buffer { needed, available: bytes.len() as u64 }.into());
        }
        let mut rest = bytes;
        while let Some(page) = rest.first_chunk::<PAGE_SIZE>() {
            if is_zero(page) {
                self.zero_pages(1)?;
                rest = &rest[PAGE_SIZE..];
                continue;
            }
            // Pages that follow go to the sink in one piece, up to the next zero page.
            let more = rest.as_chunks::<PAGE_SIZE>().0[1..].iter().take_while(|page| !is_zero(page));
            let run = (1 + more.count()) * PAGE_SIZE;
            self.stored_pages(&rest[..run])?;
            rest = &rest[run..];
        }
        Ok(())
    }

    /// Adds `count` pages of zeros without looking at any memory.
    pub fn zero_pages(&mut self, count: u32) -> Result<(), Error<S::Error>> {
        self.take(count)?;
        self.zeros += count;
        Ok(())
    }

    /// Ends the pages and starts the table.
    pub fn begin_table(mut self) -> Result<TableWriter<'t, S>, Error<S::Error>> {
        self.end_dataspace()?;
        let extents: &'t [Extent] = self.extents;
        Ok(TableWriter {
            rules: Rules::new(self.identity.abi),
            sink: self.sink,
            identity: self.identity,
            extents: &extents[..self.used],
            table_offset: self.offset,
            table_length: 0,
            record_count: 0,
            hasher: self.hasher,
        })
    }

    /// Counts pages of the open dataspace.
    fn take(&mut self, count: u32) -> Result<(), Refusal> {
        let Some(open) = &mut self.dataspace else {
            return Err(Refusal::Missing { kind: Kind::Dataspace, index: 0 });
        };
        if count > open.page_count - open.next {
            let Open { dataspace, page_count: expected, next, .. } = *open;
            return Err(Refusal::PageCount { dataspace, found: next.saturating_add(count), expected });
        }
        open.next += count;
        Ok(())
    }

    fn stored_pages(&mut self, bytes: &[u8]) -> Result<(), Error<S::Error>> {
        self.take((bytes.len() / PAGE_SIZE) as u32)?;
        if self.zeros >= self.elided_run() {
            self.elide_zeros()?;
        } else {
            self.store_zeros()?;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = (MAX_EXTENT_PAGES - self.raw.page_count) as usize * PAGE_SIZE;
            let part = rest.len().min(room);
            self.append(&rest[..part])?;
            rest = &rest[part..];
        }
        Ok(())
    }

    /// Returns how long a run of zero pages must be to be worth an extent of its own.
    fn elided_run(&self) -> u32 {
        let free = self.extents.len() - self.used;
        match self.extents.len() {
            total if free * 2 >= total => 1,
            total if free * 4 >= total => 16,
            _ => MAX_EXTENT_PAGES,
        }
    }

    fn elide_zeros(&mut self) -> Result<(), Refusal> {
        self.close_raw()?;
        let page_count = core::mem::take(&mut self.zeros);
        if page_count == 0 {
            return Ok(());
        }
        let first_page = self.settle(page_count);
        self.push(Extent { first_page, page_count, ..Extent::EMPTY })
    }

    fn store_zeros(&mut self) -> Result<(), Error<S::Error>> {
        while self.zeros > 0 {
            self.append(&ZERO_PAGE)?;
            self.zeros -= 1;
        }
        Ok(())
    }

    /// Appends pages to the raw extent, which has room for them.
    fn append(&mut self, bytes: &[u8]) -> Result<(), Error<S::Error>> {
        let page_count = (bytes.len() / PAGE_SIZE) as u32;
        let first_page = self.settle(page_count);
        if self.raw.page_count == 0 {
            self.raw = Extent { first_page, offset: self.offset, ..Extent::EMPTY };
        }
        self.hasher.update(bytes);
        self.sink.write(bytes).map_err(Error::Io)?;
        self.offset += bytes.len() as u64;
        self.raw.page_count += page_count;
        if self.raw.page_count == MAX_EXTENT_PAGES {
            self.close_raw()?;
        }
        Ok(())
    }

    /// Assigns the next pages of the dataspace to an extent and returns the first of them.
    fn settle(&mut self, page_count: u32) -> u32 {
        let first = self.dataspace.map_or(0, |open| open.settled);
        if let Some(open) = &mut self.dataspace {
            open.settled += page_count;
        }
        first
    }

    /// Enters the raw extent into the table, if there is one.
    fn close_raw(&mut self) -> Result<(), Refusal> {
        let raw = core::mem::replace(&mut self.raw, Extent::EMPTY);
        if raw.page_count == 0 {
            return Ok(());
        }
        let stored_length = raw.page_count * PAGE_SIZE as u32;
        let hash = self.hasher.take();
        self.push(Extent { encoding: Encoding::Raw, stored_length, hash, ..raw })
    }

    fn push(&mut self, extent: Extent) -> Result<(), Refusal> {
        let limit = self.extents.len().min(MAX_EXTENTS as usize);
        if self.used >= limit {
            let (found, limit) = (limit as u64 + 1, limit as u64);
            return Err(Refusal::Limit { bound: Bound::ExtentTable, found, limit });
        }
        let dataspace = self.dataspace.map_or(0, |open| open.dataspace);
        self.extents[self.used] = Extent { dataspace, ..extent };
        self.used += 1;
        Ok(())
    }

    /// Closes the open dataspace, which must be complete.
    fn end_dataspace(&mut self) -> Result<(), Error<S::Error>> {
        let Some(open) = self.dataspace else { return Ok(()) };
        if open.next != open.page_count {
            let Open { dataspace, page_count: expected, next: found, .. } = open;
            return Err(Refusal::PageCount { dataspace, found, expected }.into());
        }
        // Behind a raw extent a short run is cheaper stored; alone it costs one entry either way.
        if self.raw.page_count > 0 && self.zeros < self.elided_run() {
            self.store_zeros()?;
        }
        Ok(self.elide_zeros()?)
    }
}

/// Tells whether a page holds zeros only; stops at the first word that does not.
fn is_zero(page: &[u8; PAGE_SIZE]) -> bool {
    // Word by word where the alignment allows: the target has no unaligned loads to merge bytes.
    match <[u32; PAGE_SIZE / 4]>::ref_from_bytes(page) {
        Ok(words) => words.as_chunks::<8>().0.iter().all(|w| w.iter().fold(0, |all, word| all | word) == 0),
        Err(_) => page.iter().all(|&byte| byte == 0),
    }
}

/// Writes the records of an image in the order of [`Kind`]: targets, externals, dataspaces,
/// regions, threads, links, queued senders, gates, IRQs, slots. Extents are added by
/// [`finish`](Self::finish).
///
/// Each record is checked against those before it by the very rules of [`verify`](crate::verify).
pub struct TableWriter<'t, S: Sink> {
    sink: S,
    identity: Identity,
    extents: &'t [Extent],
    rules: Rules,
    table_offset: u64,
    table_length: u64,
    record_count: u32,
    hasher: Hasher,
}

/// A complete image, but for its header block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// What to put in front of the body, and last of all onto a disk.
    pub block: [u8; HEADER_BLOCK],
    /// The same, decoded.
    pub header: Header,
    /// How much the image holds.
    pub summary: Summary,
}

impl<S: Sink> TableWriter<'_, S> {
    /// Adds a record that belongs to protection domain `pd` and returns its index, by which other
    /// records name it.
    ///
    /// `pd` is the index of the target; 0 for what belongs to the whole set (externals,
    /// dataspaces, links, queued senders). Indices count from 0 within a kind, over all protection
    /// domains; a target's own `pd` is its index; slots carry their index themselves.
    pub fn put<R: Saved>(&mut self, pd: u32, record: &R) -> Result<u32, Error<S::Error>> {
        let index = record.own_index().unwrap_or_else(|| self.rules.next_index(R::KIND));
        let at = At { pd, index };
        self.rules.enter(R::KIND, at)?;
        record.check(at, &mut self.rules)?;
        let head = RawHead {
            kind: R::KIND.number().into(),
            version: R::VERSION.into(),
            length: (R::LENGTH as u32).into(),
            pd: pd.into(),
            index: index.into(),
        };
        let mut bytes = [0; HEAD_LEN + MAX_PAYLOAD];
        bytes[..HEAD_LEN].copy_from_slice(head.as_bytes());
        record.encode(&mut bytes[HEAD_LEN..HEAD_LEN + R::LENGTH]);
        self.append(&bytes[..HEAD_LEN + R::LENGTH])?;
        Ok(index)
    }

    /// Adds the extents, ends the body at a page boundary and returns the header block.
    pub fn finish(mut self) -> Result<Finished, Error<S::Error>> {
        for extent in self.extents {
            self.put(0, extent)?;
        }
        let summary = self.rules.finish(self.table_offset)?;
        let end = self.table_offset + self.table_length;
        let total_length = end.next_multiple_of(PAGE_SIZE as u64);
        let padding = (total_length - end) as usize;
        self.sink.write(&ZERO_PAGE[..padding]).map_err(Error::Io)?;
        let header = Header {
            minor: summary.minor(),
            identity: self.identity,
            total_length,
            table_offset: self.table_offset,
            table_length: self.table_length,
            record_count: self.record_count,
            table_hash: self.hasher.take(),
            hash: Digest::NONE,
        };
        let header = header.sealed();
        Ok(Finished { block: header.to_block(), header, summary })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), Error<S::Error>> {
        self.hasher.update(bytes);
        self.sink.write(bytes).map_err(Error::Io)?;
        self.table_length += bytes.len() as u64;
        self.record_count += 1;
        if self.table_length > MAX_TABLE {
            let (found, limit) = (self.table_length, MAX_TABLE);
            return Err(Refusal::Limit { bound: Bound::TableBytes, found, limit }.into());
        }
        Ok(())
    }
}
