//! Rules of memory: regions lie inside their dataspaces, extents tile them page for page and fill
//! the image byte for byte.

use super::{Rules, Summary, contradiction};
use crate::record::{At, Content, Dataspace, Encoding, Extent, Kind, Region, Role};
use crate::{Bound, HEADER_BLOCK, MAX_DATASPACES, MAX_EXTENT_PAGES, MAX_PAGES, PAGE_SIZE, Refusal};

const PAGE: u64 = PAGE_SIZE as u64;

/// What the records so far said about memory.
pub struct Memory {
    /// Pages of each dataspace; ROM has none in the image.
    stored: [u32; MAX_DATASPACES as usize],
    /// Pages of each dataspace, ROM included.
    size: [u32; MAX_DATASPACES as usize],
    /// Protection domain and end of the last region.
    region_end: Option<(u32, u64)>,
    /// Dataspace that the next extent continues, and at which page.
    dataspace: u32,
    page: u32,
    /// Where the next stored byte belongs.
    offset: u64,
}

impl Memory {
    pub fn new() -> Self {
        let none = [0; MAX_DATASPACES as usize];
        Self {
            stored: none,
            size: none,
            region_end: None,
            dataspace: 0,
            page: 0,
            offset: HEADER_BLOCK as u64,
        }
    }

    /// Returns the dataspace and page that come next, complete dataspaces skipped.
    fn next(&self, dataspaces: u32) -> (u32, u32) {
        let (mut dataspace, mut page) = (self.dataspace, self.page);
        while dataspace < dataspaces && page == self.stored[dataspace as usize] {
            dataspace += 1;
            page = 0;
        }
        (dataspace, page)
    }

    /// Returns where the stored pages end, if no page is missing.
    pub fn finish(&self, summary: &Summary) -> Result<u64, Refusal> {
        let dataspaces = summary.count(Kind::Dataspace);
        let (dataspace, found) = self.next(dataspaces);
        if dataspace < dataspaces {
            let expected = self.stored[dataspace as usize];
            return Err(Refusal::PageCount { dataspace, found, expected });
        }
        Ok(self.offset)
    }
}

impl Rules {
    pub(crate) fn dataspace(&mut self, at: At, dataspace: &Dataspace) -> Result<(), Refusal> {
        let pages = dataspace.page_count();
        if pages == 0 {
            return at.field(Kind::Dataspace, "size_bytes", dataspace.size_bytes);
        }
        let in_image = match dataspace.content {
            Content::Ram => pages,
            Content::Rom { module, .. } if module.is_empty() => {
                return contradiction(Kind::Dataspace, at, "rom-named");
            }
            Content::Rom { .. } => 0,
            Content::Managed => {
                self.summary.nested = true;
                0
            }
        };
        let found = in_image.saturating_add(self.summary.pages.into());
        let limit = MAX_PAGES.into();
        if found > limit {
            return Err(Refusal::Limit { bound: Bound::Pages, found, limit });
        }
        let Ok(size) = u32::try_from(pages) else {
            return at.field(Kind::Dataspace, "size_bytes", dataspace.size_bytes);
        };
        self.summary.pages = found as u32;
        self.memory.stored[at.index as usize] = in_image as u32;
        self.memory.size[at.index as usize] = size;
        Ok(())
    }

    pub(crate) fn region(&mut self, at: At, region: &Region) -> Result<(), Refusal> {
        let (start, size) = (u64::from(region.addr), u64::from(region.size_bytes));
        if !start.is_multiple_of(PAGE) {
            return at.field(Kind::Region, "addr", start);
        }
        if size == 0 || !size.is_multiple_of(PAGE) || start + size > 1 << 32 {
            return at.field(Kind::Region, "size_bytes", size);
        }
        if region.access.bits() == 0 {
            return at.field(Kind::Region, "access", 0u32);
        }
        self.reference(Kind::Region, at, Kind::Dataspace, region.dataspace)?;
        let available = u64::from(self.memory.size[region.dataspace as usize]) * PAGE;
        let inside = region.offset.checked_add(size).is_some_and(|end| end <= available);
        if !inside || !region.offset.is_multiple_of(PAGE) {
            return at.field(Kind::Region, "offset", region.offset);
        }
        if self.memory.region_end.is_some_and(|last| last > (at.pd, start)) {
            return contradiction(Kind::Region, at, "regions-ascend");
        }
        self.memory.region_end = Some((at.pd, start + size));
        Ok(())
    }

    /// Checks what the role of an object says about memory.
    pub(crate) fn nested(&mut self, at: At, role: Role) -> Result<(), Refusal> {
        match role {
            Role::NestedMap { dataspace, .. } => {
                self.reference(Kind::Object, at, Kind::Dataspace, dataspace)?
            }
            Role::NestedRegion { dataspace, addr, size_bytes, offset, access, .. } => {
                self.reference(Kind::Object, at, Kind::Dataspace, dataspace)?;
                let available = u64::from(self.memory.size[dataspace as usize]) * PAGE;
                let (addr, size, offset) = (u64::from(addr), u64::from(size_bytes), u64::from(offset));
                if !addr.is_multiple_of(PAGE) {
                    return at.field(Kind::Object, "addr", addr);
                }
                if size == 0 || !size.is_multiple_of(PAGE) || addr + size > 1 << 32 {
                    return at.field(Kind::Object, "size_bytes", size);
                }
                if !offset.is_multiple_of(PAGE) || offset + size > available {
                    return at.field(Kind::Object, "offset", offset);
                }
                if access.bits() == 0 {
                    return at.field(Kind::Object, "access", 0u32);
                }
            }
            Role::Handler(which) => self.summary.faults |= which > 3,
            _ => return Ok(()),
        }
        self.summary.nested = true;
        Ok(())
    }

    pub(crate) fn extent(&mut self, at: At, extent: &Extent) -> Result<(), Refusal> {
        check_stored(at, extent)?;
        self.reference(Kind::Extent, at, Kind::Dataspace, extent.dataspace)?;
        let (dataspace, page) = self.memory.next(self.summary.count(Kind::Dataspace));
        let in_place = extent.encoding == Encoding::Zero || extent.offset == self.memory.offset;
        if (extent.dataspace, extent.first_page) != (dataspace, page) || !in_place {
            return Err(Refusal::ExtentPlace {
                index: at.index,
                dataspace: extent.dataspace,
                first_page: extent.first_page,
                expected_page: page,
            });
        }
        let expected = self.memory.stored[dataspace as usize];
        if extent.page_count > expected - page {
            let found = page.saturating_add(extent.page_count);
            return Err(Refusal::PageCount { dataspace, found, expected });
        }
        self.memory.dataspace = dataspace;
        self.memory.page = page + extent.page_count;
        self.memory.offset += u64::from(extent.stored_length).next_multiple_of(PAGE);
        if extent.encoding != Encoding::Zero {
            self.summary.stored_pages += extent.page_count;
            self.summary.stored_bytes += u64::from(extent.stored_length);
        }
        Ok(())
    }
}

/// Checks what an extent says by itself.
fn check_stored(at: At, extent: &Extent) -> Result<(), Refusal> {
    let stored = u64::from(extent.stored_length);
    let length = u64::from(extent.page_count) * PAGE;
    if extent.page_count == 0 {
        return at.field(Kind::Extent, "page_count", 0u32);
    }
    match extent.encoding {
        Encoding::Zero if stored != 0 => at.field(Kind::Extent, "stored_length", stored),
        Encoding::Zero if extent.offset != 0 => at.field(Kind::Extent, "offset", extent.offset),
        Encoding::Zero if !extent.hash.is_none() => contradiction(Kind::Extent, at, "zero-unhashed"),
        Encoding::Zero => Ok(()),
        Encoding::Raw if extent.page_count > MAX_EXTENT_PAGES => {
            at.field(Kind::Extent, "page_count", extent.page_count)
        }
        Encoding::Raw if stored != length => at.field(Kind::Extent, "stored_length", stored),
        Encoding::Raw => Ok(()),
    }
}
