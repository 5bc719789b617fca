//! Comparing memory page by page, however it is stored.

use std::io;

use thaw_image::{Body, Encoding, Error, Extent, Kind, PAGE_SIZE, Source, Verified};

use super::{Class, Difference};
use crate::view::Region;

/// Pages compared at a time.
const PAGES: usize = 32;

/// The memory of an image, read from the front to the back.
pub struct Memory<'v, S> {
    verified: &'v Verified,
    source: &'v mut S,
    extents: Vec<Extent>,
}

impl<'v, S: Source<Error = io::Error>> Memory<'v, S> {
    /// Reads where the pages are.
    pub fn read(verified: &'v Verified, source: &'v mut S) -> Result<Self, Error<io::Error>> {
        let mut extents = vec![];
        let mut cursor = verified.records_of(Kind::Extent);
        while let Some(record) = cursor.next(source)? {
            if let Body::Extent(extent) = record.body {
                extents.push(extent);
            }
        }
        Ok(Self { verified, source, extents })
    }

    /// Returns the extent of a page.
    fn extent(&self, dataspace: u32, page: u32) -> Option<Extent> {
        let end = |extent: &Extent| (extent.dataspace, extent.first_page + extent.page_count);
        let at = self.extents.partition_point(|extent| end(extent) <= (dataspace, page));
        self.extents.get(at).copied().filter(|e| e.dataspace == dataspace && e.first_page <= page)
    }

    fn pages(&mut self, extent: &Extent, page: u32, out: &mut [u8]) -> Result<(), Error<io::Error>> {
        self.verified.read_pages(self.source, extent, page - extent.first_page, out)
    }
}

/// An error of the first image, or of the second.
pub type PagesError = (bool, Error<io::Error>);

/// Returns the pages that differ; those only one image has are told by the sizes of their dataspaces.
pub fn compare<S: Source<Error = io::Error>>(
    a: &mut Memory<'_, S>,
    b: &mut Memory<'_, S>,
    regions: &[Region],
) -> Result<Vec<Difference>, PagesError> {
    let mut buffers = [vec![0; PAGES * PAGE_SIZE], vec![0; PAGES * PAGE_SIZE]];
    let mut found = vec![];
    for index in 0..a.extents.len() {
        let extent = a.extents[index];
        let mut page = extent.first_page;
        let end = extent.first_page + extent.page_count;
        while page < end {
            let Some(other) = b.extent(extent.dataspace, page) else { break };
            let stop = end.min(other.first_page + other.page_count);
            if !is_same(&extent, &other) {
                compare_run((a, b), (&extent, &other), page..stop, &mut buffers, |page, a, b| {
                    found.push(difference(extent.dataspace, page, a, b, regions));
                })?;
            }
            page = stop;
        }
    }
    Ok(found)
}

/// Tells without reading whether two extents hold the same.
fn is_same(a: &Extent, b: &Extent) -> bool {
    match (a.encoding, b.encoding) {
        (Encoding::Zero, Encoding::Zero) => true,
        (Encoding::Raw, Encoding::Raw) => {
            (a.first_page, a.page_count, a.hash) == (b.first_page, b.page_count, b.hash)
        }
        _ => false,
    }
}

fn compare_run<S: Source<Error = io::Error>>(
    (a, b): (&mut Memory<'_, S>, &mut Memory<'_, S>),
    (extent_a, extent_b): (&Extent, &Extent),
    pages: std::ops::Range<u32>,
    [buffer_a, buffer_b]: &mut [Vec<u8>; 2],
    mut differ: impl FnMut(u32, &[u8], &[u8]),
) -> Result<(), PagesError> {
    let mut page = pages.start;
    while page < pages.end {
        let count = ((pages.end - page) as usize).min(PAGES);
        let (from_a, from_b) = (&mut buffer_a[..count * PAGE_SIZE], &mut buffer_b[..count * PAGE_SIZE]);
        a.pages(extent_a, page, from_a).map_err(|error| (true, error))?;
        b.pages(extent_b, page, from_b).map_err(|error| (false, error))?;
        let both = from_a.chunks(PAGE_SIZE).zip(from_b.chunks(PAGE_SIZE));
        for (number, (a, b)) in (page..).zip(both).filter(|(_, (a, b))| a != b) {
            differ(number, a, b);
        }
        page += count as u32;
    }
    Ok(())
}

fn difference(dataspace: u32, page: u32, a: &[u8], b: &[u8], regions: &[Region]) -> Difference {
    let changed = || a.iter().zip(b).enumerate().filter(|(_, (a, b))| a != b).map(|(i, _)| i);
    let first = changed().next().unwrap_or(0);
    let count = changed().count();
    let offset = u64::from(page) * PAGE_SIZE as u64;
    let field = match place(dataspace, offset, regions) {
        Some(address) => {
            format!(
                "page {page} at {address:#010x}, {count} bytes, first at {:#010x}",
                address + first as u64
            )
        }
        None => format!("page {page}, attached nowhere, {count} bytes, first at {first:#x} of it"),
    };
    let word = first / 4 * 4;
    let shown = |bytes: &[u8]| {
        let word = bytes[word..word + 4].iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        Some(format!("{word:#010x}"))
    };
    let object = format!("dataspace {dataspace}");
    Difference { class: Class::State, object, field, a: shown(a), b: shown(b) }
}

/// Returns where an offset of a dataspace is attached first.
fn place(dataspace: u32, offset: u64, regions: &[Region]) -> Option<u64> {
    let holds = |region: &&Region| {
        region.dataspace == dataspace
            && offset >= region.offset.0
            && offset - region.offset.0 < u64::from(region.bytes)
    };
    regions.iter().find(holds).map(|region| region.start.0 + offset - region.offset.0)
}
