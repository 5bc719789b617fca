//! The archive of boot modules.

use thaw_native_abi::boot::{
    ARCHIVE_ENTRY_BYTES, ARCHIVE_HEADER_BYTES, ARCHIVE_MAGIC, MODULE_ALIGN, MODULE_NAME_BYTES, MODULES_MAX,
};

/// A malformed archive: the number of the module, from 1, or 0 for the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ArchiveError(pub u32);

impl core::fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            0 => f.write_str("archive header is malformed; pack it again"),
            n => write!(f, "archive entry {n} is malformed; pack it again"),
        }
    }
}

/// One module of the archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Module<'a> {
    /// Its name.
    pub name: &'a str,
    /// Offset from the start of the archive, page aligned.
    pub offset: u32,
    /// Its contents.
    pub bytes: &'a [u8],
}

/// A checked archive.
#[derive(Clone, Copy)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    count: u32,
}

impl<'a> Archive<'a> {
    /// Checks header and all entries.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        let count = match (word(bytes, 0), word(bytes, 4)) {
            (Some(ARCHIVE_MAGIC), Some(count)) if count <= MODULES_MAX => count,
            _ => return Err(ArchiveError(0)),
        };
        let archive = Self { bytes, count };
        for n in 0..count {
            archive.entry(n).ok_or(ArchiveError(n + 1))?;
        }
        Ok(archive)
    }

    fn entry(&self, n: u32) -> Option<Module<'a>> {
        let at = (ARCHIVE_HEADER_BYTES + n * ARCHIVE_ENTRY_BYTES) as usize;
        let name = self.bytes.get(at..at + MODULE_NAME_BYTES)?;
        let name = core::str::from_utf8(name.split(|b| *b == 0).next()?).ok().filter(|n| !n.is_empty())?;
        let offset = word(self.bytes, at + MODULE_NAME_BYTES)?;
        let len = word(self.bytes, at + MODULE_NAME_BYTES + 4)?;
        if !offset.is_multiple_of(MODULE_ALIGN) {
            return None;
        }
        let bytes = self.bytes.get(offset as usize..offset.checked_add(len)? as usize)?;
        Some(Module { name, offset, bytes })
    }

    /// All modules in order.
    pub fn modules(&self) -> impl Iterator<Item = Module<'a>> + use<'a> {
        let archive = *self;
        (0..archive.count).filter_map(move |n| archive.entry(n))
    }

    /// The module with that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Module<'a>> {
        self.modules().find(|m| m.name == name)
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn archive(modules: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for value in [ARCHIVE_MAGIC, modules.len() as u32, 0, 0] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        let mut offset = 4096;
        for (name, bytes) in modules {
            let mut field = [0; MODULE_NAME_BYTES];
            field[..name.len()].copy_from_slice(name.as_bytes());
            out.extend_from_slice(&field);
            out.extend_from_slice(&(offset as u32).to_le_bytes());
            out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            offset += bytes.len().next_multiple_of(4096);
        }
        for (_, bytes) in modules {
            out.resize(out.len().next_multiple_of(4096), 0);
            out.extend_from_slice(bytes);
        }
        out
    }

    #[test]
    fn modules_are_found_by_name() {
        let bytes = archive(&[("system", b"pd .."), ("blk", &[7; 5000]), ("last", b"x")]);
        let archive = Archive::parse(&bytes).expect("good");
        assert_eq!(archive.find("blk").map(|m| (m.offset, m.bytes.len())), Some((8192, 5000)));
        assert_eq!(archive.find("last").map(|m| m.bytes), Some(&b"x"[..]));
        assert!(archive.find("bl").is_none());
        assert_eq!(archive.modules().count(), 3);
    }

    #[test]
    fn a_bad_archive_names_its_entry() {
        let good = archive(&[("a", b"1"), ("b", b"2")]);
        let refused = |bytes: &[u8]| Archive::parse(bytes).map(|_| ()).expect_err("bad");
        assert_eq!(refused(&good[..4]), ArchiveError(0));
        assert_eq!(refused(&good[..good.len() - 1]), ArchiveError(2));
        let mut bad = good.clone();
        bad[16 + 24] = 1;
        assert_eq!(refused(&bad), ArchiveError(1), "unaligned");
        let mut bad = good.clone();
        bad[16 + 32 + 28..16 + 32 + 32].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(refused(&bad), ArchiveError(2), "too long");
        let mut bad = good.clone();
        bad[4] = 33;
        assert_eq!(refused(&bad), ArchiveError(0));
        let mut bad = good;
        bad[16] = 0;
        assert_eq!(refused(&bad), ArchiveError(1), "no name");
    }
}
