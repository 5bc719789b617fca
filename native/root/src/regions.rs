//! The region map of a PD: which addresses show which part of which dataspace.

use heapless::Vec;
use thaw_native_abi::layout;

use crate::error::{Error, Result};
use crate::frames::PAGE_BYTES;

/// Regions of a PD at most.
pub const REGIONS_MAX: usize = 128;
/// Root places regions from here, so that programs have room to grow behind their image.
pub const PLACE_START: u32 = 0x2000_0000;
/// Largest mapping: regions of at least this many bytes are placed to allow it.
pub const LARGE_BYTES: u32 = 2 << 20;

/// One region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Region {
    /// First address.
    pub addr: u32,
    /// Bytes, whole pages.
    pub bytes: u32,
    /// Dataspace id.
    pub dataspace: u32,
    /// Offset in the dataspace.
    pub offset: u32,
    /// `L4_FPAGE_*`.
    pub rights: u32,
}

impl Region {
    /// End, exclusive.
    #[must_use]
    pub const fn end(&self) -> u32 {
        self.addr + self.bytes
    }
}

/// The regions of a PD in order of address.
pub struct RegionMap {
    list: Vec<Region, REGIONS_MAX>,
}

/// Checks that `addr..addr + bytes` is page aligned and in the range programs may use.
pub fn check_range(addr: u32, bytes: u32) -> Result<()> {
    if bytes == 0 || !bytes.is_multiple_of(PAGE_BYTES) {
        return Err(Error::BadSize);
    }
    let inside = addr.checked_add(bytes).is_some_and(|end| end <= layout::USER_END);
    if !addr.is_multiple_of(PAGE_BYTES) || addr < layout::USER_START || !inside {
        return Err(Error::BadAddress);
    }
    Ok(())
}

impl RegionMap {
    /// No region.
    #[must_use]
    pub const fn new() -> Self {
        Self { list: Vec::new() }
    }

    /// Regions in order of address.
    #[must_use]
    pub fn list(&self) -> &[Region] {
        &self.list
    }

    /// The region that contains `addr`.
    #[must_use]
    pub fn find(&self, addr: u32) -> Option<&Region> {
        let after = self.list.partition_point(|r| r.addr <= addr);
        self.list[..after].last().filter(|r| addr < r.end())
    }

    /// Adds a region; its range was checked by the caller.
    pub fn insert(&mut self, region: Region) -> Result<()> {
        if !self.is_free(region.addr, region.bytes) {
            return Err(Error::InUse);
        }
        let at = self.list.partition_point(|r| r.addr < region.addr);
        self.list.insert(at, region).map_err(|_| Error::TableFull)
    }

    /// Removes the region that starts at `addr`.
    pub fn remove(&mut self, addr: u32) -> Option<Region> {
        let at = self.list.iter().position(|r| r.addr == addr)?;
        Some(self.list.remove(at))
    }

    /// Removes and returns one region of that dataspace.
    pub fn remove_of(&mut self, dataspace: u32) -> Option<Region> {
        let at = self.list.iter().position(|r| r.dataspace == dataspace)?;
        Some(self.list.remove(at))
    }

    fn is_free(&self, addr: u32, bytes: u32) -> bool {
        let at = self.list.partition_point(|r| r.end() <= addr);
        self.list.get(at).is_none_or(|r| r.addr - addr.min(r.addr) >= bytes)
    }

    /// Chooses an address for `bytes`. Large regions lie as `phys` does relative to 2 MiB, so that
    /// large mappings are possible.
    #[must_use]
    pub fn place(&self, bytes: u32, phys: u32) -> Option<u32> {
        self.place_from(PLACE_START, bytes, phys).or_else(|| self.place_from(layout::USER_START, bytes, phys))
    }

    fn place_from(&self, start: u32, bytes: u32, phys: u32) -> Option<u32> {
        let (align, skew) =
            if bytes >= LARGE_BYTES { (LARGE_BYTES, phys % LARGE_BYTES) } else { (PAGE_BYTES, 0) };
        let mut at = start + skew;
        // The last bytes are kept for the first thread's stack.
        let end = layout::USER_END - layout::STACK_BYTES;
        while at.checked_add(bytes).is_some_and(|e| e <= end) {
            let next = self.list.partition_point(|r| r.end() <= at);
            match self.list.get(next) {
                Some(r) if r.addr < at + bytes => {
                    at = (r.end() - skew.min(r.end())).next_multiple_of(align) + skew
                }
                _ => return Some(at),
            }
        }
        None
    }
}

impl Default for RegionMap {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(addr: u32, bytes: u32) -> Region {
        Region { addr, bytes, dataspace: 1, offset: 0, rights: 6 }
    }

    fn map(regions: &[(u32, u32)]) -> RegionMap {
        let mut map = RegionMap::new();
        for (addr, bytes) in regions {
            map.insert(region(*addr, *bytes)).expect("no overlap");
        }
        map
    }

    #[test]
    fn find_honours_both_ends() {
        let map = map(&[(0x40_0000, 0x2000), (0x20_0000, 0x1000)]);
        assert_eq!(map.list()[0].addr, 0x20_0000);
        for (addr, found) in [
            (0x1f_ffff, None),
            (0x20_0000, Some(0x20_0000)),
            (0x20_0fff, Some(0x20_0000)),
            (0x20_1000, None),
            (0x40_1fff, Some(0x40_0000)),
            (0x40_2000, None),
            (u32::MAX, None),
        ] {
            assert_eq!(map.find(addr).map(|r| r.addr), found, "{addr:#x}");
        }
    }

    #[test]
    fn overlaps_are_refused_and_neighbours_are_not() {
        let mut map = map(&[(0x40_0000, 0x4000)]);
        for (addr, bytes) in
            [(0x3f_f000, 0x2000), (0x40_3000, 0x1000), (0x40_1000, 0x1000), (0x3f_0000, 0x4_0000)]
        {
            assert_eq!(map.insert(region(addr, bytes)), Err(Error::InUse), "{addr:#x}");
        }
        assert_eq!(map.insert(region(0x3f_f000, 0x1000)), Ok(()));
        assert_eq!(map.insert(region(0x40_4000, 0x1000)), Ok(()));
    }

    #[test]
    fn ranges_outside_the_user_area_are_refused() {
        assert_eq!(check_range(layout::USER_START, 0x1000), Ok(()));
        assert_eq!(check_range(layout::USER_END - 0x1000, 0x1000), Ok(()));
        for (addr, bytes) in [
            (layout::USER_START - 0x1000, 0x1000),
            (layout::USER_END - 0x1000, 0x2000),
            (0xffff_f000, 0x1000),
            (0x40_0001, 0x1000),
        ] {
            assert_eq!(check_range(addr, bytes), Err(Error::BadAddress), "{addr:#x}");
        }
        assert_eq!(check_range(0x40_0000, 0), Err(Error::BadSize));
        assert_eq!(check_range(0x40_0000, 0x800), Err(Error::BadSize));
    }

    #[test]
    fn large_regions_are_placed_like_their_memory() {
        let mut map = RegionMap::new();
        let a = map.place(4 << 20, 0x4820_3000).expect("room");
        assert_eq!(a % LARGE_BYTES, 0x3000);
        map.insert(region(a, 4 << 20)).expect("free");
        let b = map.place(4 << 20, 0x5000_0000).expect("room");
        assert!(b >= a + (4 << 20) && b.is_multiple_of(LARGE_BYTES));
        map.insert(region(b, 4 << 20)).expect("free");
        let c = map.place(0x1000, 0x4444_5000).expect("room");
        map.insert(region(c, 0x1000)).expect("free");
    }

    #[test]
    fn placing_never_touches_a_region_or_the_stack() {
        let mut map = RegionMap::new();
        let mut bytes = 0x1000;
        while let Some(at) = map.place(bytes, 0x4000_0000) {
            assert!(at + bytes <= layout::USER_END - layout::STACK_BYTES);
            if map.insert(region(at, bytes)).is_err() {
                assert_eq!(map.list().len(), REGIONS_MAX, "place returned an occupied range");
                break;
            }
            bytes = (bytes * 2).min(64 << 20);
        }
        assert!(map.list().len() > 30);
    }
}
