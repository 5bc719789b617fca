//! Dataspaces: contiguous pieces of physical memory with an owner.

use heapless::Vec;

use crate::error::{Error, Result};
use crate::frames::PAGE_BYTES;
use crate::label::PdId;

/// Dataspaces at most.
pub const DATASPACES_MAX: usize = 512;

/// What a dataspace is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// RAM. None of it can be attached until all of it was filled or zeroed.
    Ram,
    /// A module of the boot archive, in place and read-only.
    Rom,
    /// Registers of a device, mapped uncached.
    Device,
}

/// One dataspace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dataspace {
    /// Never used again, increasing.
    pub id: u32,
    /// What it is made of.
    pub kind: Kind,
    /// The PD it is charged to; none for ROM.
    pub owner: Option<PdId>,
    /// Physical address, page aligned.
    pub phys: u32,
    /// Bytes; whole pages except for ROM.
    pub bytes: u32,
    /// Of RAM, how many bytes from the start on are filled.
    pub filled: u32,
    /// Name of a ROM, see [`thaw_native_abi::name_words`].
    pub name: [u32; 4],
}

impl Dataspace {
    /// Bytes rounded up to pages: what can be mapped.
    #[must_use]
    pub const fn mapped_bytes(&self) -> u32 {
        self.bytes.next_multiple_of(PAGE_BYTES)
    }

    /// Whether a part of it still has what some other PD left in that memory.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.kind == Kind::Ram && self.filled < self.bytes
    }
}

/// All dataspaces in order of id.
pub struct Dataspaces {
    list: Vec<Dataspace, DATASPACES_MAX>,
    next_id: u32,
}

impl Dataspaces {
    /// None yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { list: Vec::new(), next_id: 1 }
    }

    /// Adds a dataspace; its `id` is filled in and returned.
    pub fn add(&mut self, mut dataspace: Dataspace) -> Result<u32> {
        dataspace.id = self.next_id;
        self.list.push(dataspace).map_err(|_| Error::TableFull)?;
        self.next_id += 1;
        Ok(dataspace.id)
    }

    /// Whether another one fits.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.list.is_full()
    }

    /// The dataspace with that id.
    #[must_use]
    pub fn get(&self, id: u32) -> Option<&Dataspace> {
        self.list.binary_search_by_key(&id, |d| d.id).ok().map(|at| &self.list[at])
    }

    /// The dataspace with that id, to change it.
    pub fn get_mut(&mut self, id: u32) -> Option<&mut Dataspace> {
        self.list.binary_search_by_key(&id, |d| d.id).ok().map(|at| &mut self.list[at])
    }

    /// Removes the dataspace with that id.
    pub fn remove(&mut self, id: u32) -> Option<Dataspace> {
        let at = self.list.binary_search_by_key(&id, |d| d.id).ok()?;
        Some(self.list.remove(at))
    }

    /// All of them, in order of id.
    #[must_use]
    pub fn list(&self) -> &[Dataspace] {
        &self.list
    }

    /// A dataspace of that PD.
    #[must_use]
    pub fn owned_by(&self, owner: PdId) -> Option<u32> {
        self.list.iter().find(|d| d.owner == Some(owner)).map(|d| d.id)
    }

    /// The ROM with that name.
    #[must_use]
    pub fn rom(&self, name: [u32; 4]) -> Option<&Dataspace> {
        self.list.iter().find(|d| d.kind == Kind::Rom && d.name == name)
    }
}

impl Default for Dataspaces {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thaw_native_abi::name_words;

    fn rom(name: &str) -> Dataspace {
        let (id, phys, name) = (0, 0x4800_0000, name_words(name));
        Dataspace { id, kind: Kind::Rom, owner: None, phys, bytes: 5, filled: 0, name }
    }

    #[test]
    fn ids_are_never_used_again() {
        let mut all = Dataspaces::new();
        let a = all.add(rom("a")).expect("room");
        let b = all.add(rom("b")).expect("room");
        assert_eq!(all.remove(a).map(|d| d.id), Some(a));
        let c = all.add(rom("c")).expect("room");
        assert!(c > b && b > a);
        assert!(all.get(a).is_none());
        assert_eq!(all.rom(name_words("c")).map(|d| d.id), Some(c));
        assert!(all.rom(name_words("a")).is_none());
        assert_eq!(all.get(b).map(Dataspace::mapped_bytes), Some(4096));
    }

    #[test]
    fn a_full_table_says_so() {
        let mut all = Dataspaces::new();
        for _ in 0..DATASPACES_MAX {
            all.add(rom("x")).expect("room");
        }
        assert!(!all.has_room());
        assert_eq!(all.add(rom("x")), Err(Error::TableFull));
    }
}
