//! Page tables of one task, in long-descriptor format, and beside each entry the mapping node that
//! put it there.
//!
//! All of it hangs off the task's root frame: the four first-level descriptors (what the hardware
//! gets), the shadow tables with node ids, and the roots of the capability and reply tables.

use super::frames::{Frame, Frames};
use crate::pure::rights::{MEM_R, MEM_W, MEM_X, MemType};

/// Order of a large page.
pub const LARGE: u32 = 21;
/// Order of a small page.
pub const SMALL: u32 = 12;
/// First address that is not the user's.
pub const USER_END: u32 = 0xc000_0000;

/// Word of the root frame where the shadow tables of the user's three GiB begin.
const ROOT_SHADOW: u32 = 16;
/// Word of the root frame where the capability table begins.
pub const ROOT_CAPS: u32 = 64;
/// Word of the root frame where the reply slots begin.
pub const ROOT_REPLY: u32 = 128;
/// Number of frames of reply slots.
pub const REPLY_FRAMES: u32 = 64;
/// Shadow of a second-level table: node ids of large pages, then frames of third-level shadows.
const SHADOW_FRAMES: u32 = 512;

const VALID: u32 = 1;
const TABLE: u32 = 3;
const ACCESS_SHARED: u32 = 0x700;
const USER: u32 = 1 << 6;
const READ_ONLY: u32 = 1 << 7;
const NO_EXEC: u32 = 1 << (54 - 32);
const SOFT_RIGHTS: u32 = 55 - 32;

/// What the tables say about an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A page.
    Page(Page),
    /// Nothing, within an aligned hole of this order.
    Hole(u32),
}

/// A mapped page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// Its physical address.
    pub phys: u32,
    /// Its size.
    pub order: u32,
    /// R, W, X
    pub rights: u8,
    /// Cacheability
    pub kind: MemType,
    /// Word of the mapping node, 0 for kernel-user memory.
    pub node: u32,
}

/// A task's tables.
#[derive(Clone, Copy, Debug)]
pub struct Tables {
    /// The root frame.
    pub root: Frame,
}

fn descriptor(page: &Page) -> (u32, u32) {
    let base = if page.order == LARGE { VALID } else { TABLE };
    let low = page.phys | base | ACCESS_SHARED | USER | (page.kind as u32) << 2;
    let low = if page.rights & MEM_W == 0 { low | READ_ONLY } else { low };
    let high = u32::from(page.rights) << SOFT_RIGHTS;
    (low, if page.rights & MEM_X == 0 { high | NO_EXEC } else { high })
}

fn page(low: u32, high: u32, order: u32, node: u32) -> Page {
    let kind = match low >> 2 & 7 {
        0 => MemType::Normal,
        1 => MemType::Buffered,
        _ => MemType::Uncached,
    };
    let rights = (high >> SOFT_RIGHTS) as u8 & (MEM_R | MEM_W | MEM_X);
    Page { phys: low & !0xfff, order, rights, kind, node }
}

/// Where an entry is: table, index of the entry, shadow table.
struct Place {
    table: Frame,
    shadow: Frame,
    index: u32,
}

impl Tables {
    /// Tables that map the kernel only. `kernel_l2` is the descriptor of its second-level table.
    pub fn new(frames: &mut Frames, kernel_l2: u32) -> Option<Self> {
        let root = frames.alloc()?;
        frames.set(root, 6, kernel_l2);
        Some(Self { root })
    }

    fn second(self, frames: &Frames, va: u32) -> Option<Place> {
        let gib = va >> 30;
        if va >= USER_END {
            return None;
        }
        let shadow = Frame::from_word(frames.get(self.root, ROOT_SHADOW + gib))?;
        let table = frames.at_phys(frames.get(self.root, gib * 2) & !0xfff)?;
        Some(Place { table, shadow, index: va >> LARGE & 0x1ff })
    }

    fn third(frames: &Frames, second: &Place, va: u32) -> Option<Place> {
        let shadow = Frame::from_word(frames.get(second.shadow, SHADOW_FRAMES + second.index))?;
        let table = frames.at_phys(frames.get(second.table, second.index * 2) & !0xfff)?;
        Some(Place { table, shadow, index: va >> SMALL & 0x1ff })
    }

    fn read(frames: &Frames, place: &Place, order: u32) -> Option<Page> {
        let low = frames.get(place.table, place.index * 2);
        let high = frames.get(place.table, place.index * 2 + 1);
        (low & VALID != 0).then(|| page(low, high, order, frames.get(place.shadow, place.index)))
    }

    /// Looks `va` up.
    #[must_use]
    pub fn lookup(self, frames: &Frames, va: u32) -> Entry {
        let Some(second) = self.second(frames, va) else { return Entry::Hole(30) };
        if let Some(third) = Self::third(frames, &second, va) {
            return Self::read(frames, &third, SMALL).map_or(Entry::Hole(SMALL), Entry::Page);
        }
        Self::read(frames, &second, LARGE).map_or(Entry::Hole(LARGE), Entry::Page)
    }

    /// Makes sure that an entry of this order has a table to be in. `false`: no memory.
    pub fn prepare(self, frames: &mut Frames, va: u32, order: u32) -> bool {
        self.prepare_second(frames, va).is_some()
            && (order == LARGE || self.prepare_third(frames, va).is_some())
    }

    fn pair(frames: &mut Frames) -> Option<(Frame, Frame)> {
        let table = frames.alloc()?;
        let Some(shadow) = frames.alloc() else {
            frames.free(table);
            return None;
        };
        Some((table, shadow))
    }

    fn prepare_second(self, frames: &mut Frames, va: u32) -> Option<()> {
        if va < USER_END && self.second(frames, va).is_none() {
            let (table, shadow) = Self::pair(frames)?;
            frames.set(self.root, (va >> 30) * 2, frames.phys(table) | TABLE);
            frames.set(self.root, ROOT_SHADOW + (va >> 30), shadow.word());
        }
        Some(())
    }

    fn prepare_third(self, frames: &mut Frames, va: u32) -> Option<()> {
        let second = self.second(frames, va)?;
        if Self::third(frames, &second, va).is_none() {
            let (table, shadow) = Self::pair(frames)?;
            frames.set(second.table, second.index * 2, frames.phys(table) | TABLE);
            frames.set(second.shadow, SHADOW_FRAMES + second.index, shadow.word());
        }
        Some(())
    }

    fn place(self, frames: &Frames, va: u32, order: u32) -> Option<Place> {
        let second = self.second(frames, va)?;
        if order == LARGE { Some(second) } else { Self::third(frames, &second, va) }
    }

    /// Enters a page; [`Self::prepare`] has made room.
    pub fn set(self, frames: &mut Frames, va: u32, page: &Page) {
        let place = self.place(frames, va, page.order).expect("prepared table");
        let (low, high) = descriptor(page);
        frames.set(place.table, place.index * 2 + 1, high);
        frames.set(place.table, place.index * 2, low);
        frames.set(place.shadow, place.index, page.node);
    }

    /// Removes the page at `va`.
    pub fn clear(self, frames: &mut Frames, va: u32, order: u32) {
        let Some(place) = self.place(frames, va, order) else { return };
        frames.set(place.table, place.index * 2, 0);
        frames.set(place.table, place.index * 2 + 1, 0);
        frames.set(place.shadow, place.index, 0);
    }

    /// Frees every table; what they map and name has been taken care of.
    pub fn free(self, frames: &mut Frames) {
        for gib in 0..3 {
            let Some(second) = self.second(frames, gib << 30) else { continue };
            for index in 0..512 {
                let place = Place { index, ..second };
                if let Some(third) = Self::third(frames, &place, 0) {
                    frames.free(third.table);
                    frames.free(third.shadow);
                }
            }
            frames.free(second.table);
            frames.free(second.shadow);
        }
        frames.free(self.root);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mem::frames::tests::frames, pure::rights::MEM_RWX};

    fn page(phys: u32, order: u32, rights: u8) -> Page {
        Page { phys, order, rights, kind: MemType::Normal, node: 42 }
    }

    #[test]
    fn holes_have_the_size_of_the_missing_table() {
        let mut f = frames(16);
        let t = Tables::new(&mut f, 0x1003).unwrap();
        assert_eq!(t.lookup(&f, 0x1234_5678), Entry::Hole(30));
        assert!(t.prepare(&mut f, 0x1234_5678, LARGE));
        assert_eq!(t.lookup(&f, 0x1234_5678), Entry::Hole(LARGE));
        assert!(t.prepare(&mut f, 0x1234_5678, SMALL));
        assert_eq!(t.lookup(&f, 0x1234_5678), Entry::Hole(SMALL));
    }

    #[test]
    fn pages_are_found_as_they_were_entered() {
        let mut f = frames(16);
        let t = Tables::new(&mut f, 0x1003).unwrap();
        for p in [
            page(0x4120_0000, LARGE, MEM_RWX),
            page(0x4000_5000, SMALL, MEM_R),
            page(0x900_0000, SMALL, MEM_R | MEM_W),
        ] {
            let va = 0x7000_0000 + (p.order << 22) + (p.phys & 0xf000);
            assert!(t.prepare(&mut f, va, p.order));
            t.set(&mut f, va, &p);
            assert_eq!(t.lookup(&f, va | 0xabc), Entry::Page(p));
            t.clear(&mut f, va, p.order);
            assert!(matches!(t.lookup(&f, va), Entry::Hole(_)));
        }
    }

    #[test]
    fn descriptors_say_what_the_rights_say() {
        let (low, high) = descriptor(&page(0x4120_0000, LARGE, MEM_R));
        assert_eq!((low, high & NO_EXEC), (0x4120_0000 | 0x7c1, NO_EXEC));
        let (low, high) = descriptor(&page(0x4000_5000, SMALL, MEM_RWX));
        assert_eq!((low, high & NO_EXEC), (0x4000_5000 | 0x743, 0));
        let device = Page { kind: MemType::Uncached, ..page(0x900_0000, SMALL, MEM_R | MEM_W) };
        assert_eq!(descriptor(&device).0 & 0x1c, 2 << 2);
    }

    #[test]
    fn freeing_gives_every_frame_back() {
        let mut f = frames(32);
        let before = f.free_frames();
        let t = Tables::new(&mut f, 0x1003).unwrap();
        for va in [0, 0x20_0000, 0x4000_0000, 0xbfff_f000] {
            assert!(t.prepare(&mut f, va, SMALL));
        }
        t.free(&mut f);
        assert_eq!(f.free_frames(), before);
    }

    #[test]
    fn no_tables_without_memory_and_none_for_the_kernel() {
        let mut f = frames(2);
        let t = Tables::new(&mut f, 0x1003).unwrap();
        assert!(!t.prepare(&mut f, 0x1000, SMALL));
        assert_eq!(t.lookup(&f, 0xf000_0000), Entry::Hole(30));
    }
}
