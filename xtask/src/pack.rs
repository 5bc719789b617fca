//! Packing one bootable ELF: the loader's segments and, as one more, the payload.

use thaw_bootimage::{
    elf::{Elf, PF_R, PT_LOAD, Segment},
    kernel::Kernel,
    payload::{ALIGN, Extent, HEADER_BYTES, Payload},
};
use thaw_native_abi::boot::{
    ARCHIVE_ENTRY_BYTES, ARCHIVE_HEADER_BYTES, ARCHIVE_MAGIC, MODULE_ALIGN, MODULE_NAME_BYTES, MODULES_MAX,
};

use crate::failure::{Failure, Kind, Result};

/// A file with the name that messages give it.
#[derive(Clone, Debug)]
pub struct File {
    /// Name in messages and, for modules, in the archive.
    pub name: String,
    /// Contents.
    pub bytes: Vec<u8>,
}

/// What is packed.
pub struct Parts {
    /// The loader, of our own.
    pub loader: File,
    /// A Fiasco.OC kernel.
    pub kernel: File,
    /// sigma0.
    pub sigma0: File,
    /// Root task.
    pub root: File,
    /// Modules of the archive.
    pub modules: Vec<File>,
    /// Board number.
    pub board: u32,
}

/// Packs; refuses a kernel that is none before anything boots.
pub fn pack(parts: &Parts) -> Result<Vec<u8>> {
    recognise(&parts.kernel)?;
    elf(&parts.sigma0)?;
    elf(&parts.root)?;
    pack_unchecked(parts)
}

/// Packs without looking at what is packed: the loader checks for itself.
pub fn pack_unchecked(parts: &Parts) -> Result<Vec<u8>> {
    let loader = elf(&parts.loader)?;
    let end = loader.loads().map(|s| s.paddr + s.memory_bytes).max().unwrap_or(0);
    let address = end.next_multiple_of(ALIGN);
    let payload = payload(parts)?;
    let mut segments: Vec<(Segment, &[u8])> = loader.loads().map(|s| (s, loader.contents(&s))).collect();
    let bytes = payload.len() as u32;
    segments.push((
        Segment {
            kind: PT_LOAD,
            offset: 0,
            vaddr: address,
            paddr: address,
            file_bytes: bytes,
            memory_bytes: bytes,
            flags: PF_R,
        },
        &payload,
    ));
    Ok(write_elf(loader.entry(), &segments))
}

/// Checks that a file is a kernel.
pub fn recognise(file: &File) -> Result<Kernel<'_>> {
    Kernel::recognise(&file.bytes)
        .map_err(|e| Failure::new(Kind::Kernel, format!("kernel {}: {e}", file.name)))
}

fn elf(file: &File) -> Result<Elf<'_>> {
    Elf::parse(&file.bytes).map_err(|e| Failure::new(Kind::Program, format!("program {}: {e}", file.name)))
}

fn payload(parts: &Parts) -> Result<Vec<u8>> {
    let archive = archive(&parts.modules)?;
    let mut out = vec![0; HEADER_BYTES];
    let mut append = |bytes: &[u8]| {
        out.resize(out.len().next_multiple_of(ALIGN as usize), 0);
        let extent = Extent { offset: out.len() as u32, bytes: bytes.len() as u32 };
        out.extend(bytes);
        extent
    };
    let kernel = append(&parts.kernel.bytes);
    let sigma0 = append(&parts.sigma0.bytes);
    let root = append(&parts.root.bytes);
    let archive = append(&archive);
    out.resize(out.len().next_multiple_of(ALIGN as usize), 0);
    let header =
        Payload { bytes: out.len() as u32, board: parts.board, ram_size: 0, kernel, sigma0, root, archive };
    out[..HEADER_BYTES].copy_from_slice(&header.encode());
    Ok(out)
}

/// The module archive, format in [`thaw_native_abi::boot`].
fn archive(modules: &[File]) -> Result<Vec<u8>> {
    if modules.len() > MODULES_MAX as usize {
        let message = format!("{} modules, at most {MODULES_MAX} fit: leave some out", modules.len());
        return Err(Failure::new(Kind::Config, message));
    }
    let mut out = Vec::new();
    for value in [ARCHIVE_MAGIC, modules.len() as u32, 0, 0] {
        out.extend(value.to_le_bytes());
    }
    let entries = modules.len() * ARCHIVE_ENTRY_BYTES as usize;
    out.resize(ARCHIVE_HEADER_BYTES as usize + entries, 0);
    for (i, module) in modules.iter().enumerate() {
        check_name(&module.name, &modules[..i])?;
        out.resize(out.len().next_multiple_of(MODULE_ALIGN as usize), 0);
        let at = ARCHIVE_HEADER_BYTES as usize + i * ARCHIVE_ENTRY_BYTES as usize;
        let (offset, bytes) = (out.len() as u32, module.bytes.len() as u32);
        out[at..at + module.name.len()].copy_from_slice(module.name.as_bytes());
        let numbers = at + MODULE_NAME_BYTES;
        out[numbers..numbers + 4].copy_from_slice(&offset.to_le_bytes());
        out[numbers + 4..numbers + 8].copy_from_slice(&bytes.to_le_bytes());
        out.extend(&module.bytes);
    }
    out.resize(out.len().next_multiple_of(MODULE_ALIGN as usize), 0);
    Ok(out)
}

fn check_name(name: &str, earlier: &[File]) -> Result<()> {
    if name.is_empty() || name.len() >= MODULE_NAME_BYTES {
        let message =
            format!("module name \"{name}\" is empty or longer than {} bytes", MODULE_NAME_BYTES - 1);
        return Err(Failure::new(Kind::Config, message));
    }
    if earlier.iter().any(|m| m.name == name) {
        return Err(Failure::new(Kind::Config, format!("module \"{name}\" is there twice: leave one out")));
    }
    Ok(())
}

/// Writes an executable of nothing but loaded segments. Field order: ELF-32 object file format.
fn write_elf(entry: u32, segments: &[(Segment, &[u8])]) -> Vec<u8> {
    const HEADER: usize = 52;
    const PROGRAM_HEADER: usize = 32;
    let count = segments.len() as u16;
    let mut out = Vec::from(*b"\x7fELF\x01\x01\x01");
    out.resize(16, 0);
    out.extend([2_u16, 40].iter().flat_map(|v| v.to_le_bytes()));
    out.extend([1, entry, HEADER as u32, 0, 0x0500_0200].iter().flat_map(|v: &u32| v.to_le_bytes()));
    let sizes = [HEADER as u16, PROGRAM_HEADER as u16, count, 0, 0, 0];
    out.extend(sizes.iter().flat_map(|v| v.to_le_bytes()));
    let mut offset = (HEADER + segments.len() * PROGRAM_HEADER).next_multiple_of(ALIGN as usize) as u32;
    for (s, contents) in segments {
        let bytes = contents.len() as u32;
        let fields = [s.kind, offset, s.vaddr, s.paddr, bytes, s.memory_bytes, s.flags, ALIGN];
        out.extend(fields.iter().flat_map(|v| v.to_le_bytes()));
        offset = (offset + bytes).next_multiple_of(ALIGN);
    }
    for (_, contents) in segments {
        out.resize(out.len().next_multiple_of(ALIGN as usize), 0);
        out.extend(*contents);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: &[u8]) -> File {
        File { name: name.into(), bytes: bytes.into() }
    }

    #[test]
    fn archive_is_as_documented() {
        let bytes = archive(&[file("one", b"first"), file("two", &[7; 5000])]).expect("packs");
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("inside"));
        assert_eq!((word(0), word(4)), (ARCHIVE_MAGIC, 2));
        assert_eq!(&bytes[16..20], b"one\0");
        assert_eq!((word(40), word(44), word(72), word(76)), (4096, 5, 8192, 5000));
        assert_eq!(&bytes[4096..4101], b"first");
        assert_eq!(bytes.len(), 8192 + 8192);
    }

    #[test]
    fn archive_refuses_by_kind() {
        for modules in [
            vec![file("", b"")],
            vec![file("a-name-of-24-bytes-exactl", b"")],
            vec![file("a", b""), file("a", b"")],
            (0..33).map(|i| file(&i.to_string(), b"")).collect(),
        ] {
            assert_eq!(archive(&modules).expect_err("refused").kind, Kind::Config);
        }
    }

    #[test]
    fn written_elf_reads_back() {
        let segment = |paddr, memory_bytes| Segment {
            kind: PT_LOAD,
            offset: 0,
            vaddr: paddr,
            paddr,
            file_bytes: 0,
            memory_bytes,
            flags: PF_R,
        };
        let bytes =
            write_elf(0x4800_0000, &[(segment(0x4800_0000, 9), b"abc"), (segment(0x4800_1000, 4), b"defg")]);
        let elf = Elf::parse(&bytes).expect("good");
        assert_eq!((elf.entry(), elf.physical_range()), (0x4800_0000, (0x4800_0000, 0x4800_1003)));
        assert_eq!(elf.at_physical(0x4800_1000, 4), Some(&b"defg"[..]));
    }

    #[test]
    fn a_text_is_no_kernel() {
        assert_eq!(recognise(&file("x", b"text")).err().expect("refused").kind, Kind::Kernel);
    }
}
