//! Recognising a Fiasco.OC kernel and filling in its tables.
//!
//! A kernel ELF marks its kernel interface page (KIP) and its option block by two program headers.
//! Both are filled in the loaded copy before the kernel is entered. All numbers measured, docs/abi.md.

use core::fmt::{self, Write};

use crate::{
    elf::{Elf, ElfError},
    word,
};

/// Program header type that marks the kernel interface page.
pub const PHDR_KIP: u32 = 0x10;
/// Program header type that marks the option block.
pub const PHDR_OPTIONS: u32 = 0x11;
/// First word of the kernel interface page.
pub const KIP_MAGIC: u32 = 0x4be6_344c;
/// Second word of the kernel interface page.
pub const KIP_VERSION: u32 = 0x8703_4444;
/// First word of the option block.
pub const OPTIONS_MAGIC: u32 = 0x4c34_4b43;

/// Byte offset of the word that tells where the version string is, in units of 16 bytes.
const KIP_VERSION_STRING: u32 = 0x08;
/// Byte offset of the word that tells where the memory descriptors are.
const KIP_DESCRIPTORS: u32 = 0x54;
/// M only: byte offset of the number of memory descriptors.
const KIP_M_DESCRIPTOR_COUNT: u32 = 0x58;
const KIP_BYTES: u32 = 4096;

const OPTION_VERSION_G: u32 = 1;
const OPTION_VERSION_M: u32 = 5;
/// Option flags: the UART's base address and interrupt are given.
const OPTION_FLAGS_UART: u32 = 1 << 21 | 1 << 22;
const OPTION_BAUD: u32 = 115_200;
/// Access type of the UART's registers: memory-mapped.
const OPTION_UART_MMIO: u32 = 2 << 24;
/// M only: bytes of the UART's name.
const OPTION_M_UART_NAME_BYTES: usize = 32;

/// Memory descriptor kinds.
pub mod memory {
    /// RAM.
    pub const RAM: u32 = 1;
    /// Not to be touched: kernel, device tree.
    pub const RESERVED: u32 = 2;
    /// sigma0's image.
    pub const SIGMA0: u32 = 3;
    /// Root's image and what is handed to root.
    pub const ROOT: u32 = 0xe;
}

/// The two kernel revisions, see `l4_sys::Revision`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KernelRevision {
    /// 2019, the base of Genode's kernel.
    G,
    /// 2026.
    M,
}

impl KernelRevision {
    /// Number in boot information, as `l4_sys::Revision::number`.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::G => 1,
            Self::M => 2,
        }
    }

    /// The revision with that [`number`](Self::number).
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::G),
            2 => Some(Self::M),
            _ => None,
        }
    }
}

impl fmt::Display for KernelRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::G => "G",
            Self::M => "M",
        })
    }
}

/// Why a file is no kernel that can be booted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KernelError {
    /// It cannot be loaded at all.
    Elf(ElfError),
    /// It can be loaded, but nothing marks it as a Fiasco.OC kernel.
    NoMarkers,
    /// A marker points to nothing that is loaded.
    MarkerOutside(u32),
    /// The kernel interface page has another magic or version.
    KipMagic(u32, u32),
    /// The option block has another magic.
    OptionsMagic(u32),
    /// The option block has a version that is not known.
    OptionsVersion(u32),
    /// Interface page and option block belong to different revisions.
    Mixed,
    /// There are too few memory descriptors for what is to be described.
    TooFewDescriptors(u32),
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elf(e) => write!(f, "{e}"),
            Self::NoMarkers => f.write_str(
                "an executable, but no Fiasco.OC kernel: no program headers 0x10 and 0x11; name the unstripped kernel",
            ),
            Self::MarkerOutside(kind) => write!(f, "program header {kind:#x} marks nothing that is loaded"),
            Self::KipMagic(magic, version) => write!(
                f,
                "kernel interface page says {magic:#010x} {version:#010x}, not {KIP_MAGIC:#010x} {KIP_VERSION:#010x}"
            ),
            Self::OptionsMagic(magic) => {
                write!(f, "kernel option block says {magic:#010x}, not {OPTIONS_MAGIC:#010x}")
            }
            Self::OptionsVersion(version) => write!(
                f,
                "kernel options of version {version}; known are {OPTION_VERSION_G} (2019) and {OPTION_VERSION_M} (2026)"
            ),
            Self::Mixed => f.write_str("interface page and options belong to different kernel revisions"),
            Self::TooFewDescriptors(count) => {
                write!(f, "kernel has room for {count} memory descriptors, {DESCRIPTORS} are needed")
            }
        }
    }
}

impl core::error::Error for KernelError {}

impl From<ElfError> for KernelError {
    fn from(e: ElfError) -> Self {
        Self::Elf(e)
    }
}

/// Memory descriptors that [`Kernel::fill`] writes; the kernel adds some of its own.
pub const DESCRIPTORS: usize = 7;

/// Memory that the kernel is told about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor {
    /// First address.
    pub start: u32,
    /// Last address, inclusive.
    pub last: u32,
    /// One of [`memory`].
    pub kind: u32,
}

impl Descriptor {
    /// Describes whole pages around the inclusive range.
    #[must_use]
    pub const fn pages(start: u32, last: u32, kind: u32) -> Self {
        Self { start: start & !0xfff, last: last | 0xfff, kind }
    }
}

/// The UART that the kernel prints on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Uart {
    /// Physical address of its registers.
    pub base: u32,
    /// Interrupt number as the kernel counts.
    pub irq: u16,
    /// Frequency the baud rate is derived from, 0 where the driver does not ask.
    pub base_baud: u32,
    /// Device-tree name, which selects the driver in revision M.
    pub compatible: &'static str,
}

/// What the kernel's tables are filled with.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a> {
    /// First instruction of sigma0.
    pub sigma0_entry: u32,
    /// First instruction of root.
    pub root_entry: u32,
    /// Physical address of the device tree, 0 for none.
    pub device_tree: u32,
    /// Memory, RAM first.
    pub memory: &'a [Descriptor; DESCRIPTORS],
    /// The console.
    pub uart: Uart,
}

/// A kernel's version string; displayed as one line, without the colours of the original.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version<'a>(&'a str);

impl fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.lines().filter(|l| plain(l).any(|c| !c.is_whitespace()));
        for (i, line) in lines.enumerate() {
            f.write_str(if i == 0 { "" } else { "; " })?;
            plain(line.trim()).try_for_each(|c| f.write_char(c))?;
        }
        Ok(())
    }
}

/// The characters of a line without terminal escape sequences (ESC up to `m`).
fn plain(line: &str) -> impl Iterator<Item = char> {
    let mut in_escape = false;
    line.chars().filter(move |c| {
        let shown = !in_escape && *c != '\x1b';
        in_escape = if in_escape { *c != 'm' } else { *c == '\x1b' };
        shown
    })
}

/// A kernel that was recognised.
#[derive(Clone, Copy)]
pub struct Kernel<'a> {
    /// Its executable.
    pub elf: Elf<'a>,
    /// Its revision.
    pub revision: KernelRevision,
    /// Physical address of the kernel interface page.
    pub kip: u32,
    /// Physical address of the option block.
    pub options: u32,
    descriptors_at: u32,
    option_flags: u32,
}

impl<'a> Kernel<'a> {
    /// Recognises a kernel of either revision.
    pub fn recognise(bytes: &'a [u8]) -> Result<Self, KernelError> {
        let elf = Elf::parse(bytes)?;
        let marker = |kind| elf.segments().find(|s| s.kind == kind).map(|s| s.paddr);
        let (Some(kip), Some(options)) = (marker(PHDR_KIP), marker(PHDR_OPTIONS)) else {
            return Err(KernelError::NoMarkers);
        };
        let kip_page =
            elf.at_physical(kip, KIP_BYTES as usize).ok_or(KernelError::MarkerOutside(PHDR_KIP))?;
        let option_words = elf.at_physical(options, 12).ok_or(KernelError::MarkerOutside(PHDR_OPTIONS))?;
        let kip_word = |at: u32| word(kip_page, at as usize).unwrap_or(0);
        let option = |i: usize| word(option_words, 4 * i).unwrap_or(0);
        if (kip_word(0), kip_word(4)) != (KIP_MAGIC, KIP_VERSION) {
            return Err(KernelError::KipMagic(kip_word(0), kip_word(4)));
        }
        if option(0) != OPTIONS_MAGIC {
            return Err(KernelError::OptionsMagic(option(0)));
        }
        let revision = match option(1) {
            OPTION_VERSION_G => KernelRevision::G,
            OPTION_VERSION_M => KernelRevision::M,
            other => return Err(KernelError::OptionsVersion(other)),
        };
        let (descriptors_at, count) =
            descriptors(revision, kip_word(KIP_DESCRIPTORS), kip_word(KIP_M_DESCRIPTOR_COUNT))?;
        if (count as usize) <= DESCRIPTORS {
            return Err(KernelError::TooFewDescriptors(count));
        }
        Ok(Self { elf, revision, kip, options, descriptors_at, option_flags: option(2) })
    }

    /// The kernel's own version string.
    #[must_use]
    pub fn version(&self) -> Version<'a> {
        let text = || {
            let page = self.elf.at_physical(self.kip, KIP_BYTES as usize)?;
            let at = (word(page, KIP_VERSION_STRING as usize)? as usize).checked_mul(16)?;
            let rest = page.get(at..)?;
            let end = rest.iter().position(|b| *b == 0).unwrap_or(rest.len());
            core::str::from_utf8(&rest[..end]).ok()
        };
        Version(text().unwrap_or("").trim())
    }

    /// What the kernel says it was built with: the strings behind its version, up to an empty one.
    pub fn features(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let strings = || {
            let page = self.elf.at_physical(self.kip, KIP_BYTES as usize)?;
            let at = (word(page, KIP_VERSION_STRING as usize)? as usize).checked_mul(16)?;
            page.get(at..)
        };
        let strings = strings().unwrap_or(&[]).split(|byte| *byte == 0).skip(1);
        strings.map_while(|bytes| core::str::from_utf8(bytes).ok().filter(|text| !text.is_empty()))
    }

    /// Fills interface page and options in the loaded kernel: `store(address, word)` for each word.
    pub fn fill(&self, tables: &Tables<'_>, mut store: impl FnMut(u32, u32)) {
        let kip = self.kip;
        match self.revision {
            KernelRevision::G => {
                store(kip + 0x24, tables.sigma0_entry);
                store(kip + 0x44, tables.root_entry);
            }
            KernelRevision::M => {
                for (at, value) in
                    [(0x10, tables.sigma0_entry), (0x18, tables.root_entry), (0x38, tables.device_tree)]
                {
                    store(kip + at, value);
                    store(kip + at + 4, 0);
                }
            }
        }
        for (at, d) in (kip + self.descriptors_at..).step_by(8).zip(tables.memory) {
            store(at, d.start & !0x3ff | d.kind);
            store(at + 4, d.last);
        }
        self.fill_options(&tables.uart, store);
    }

    fn fill_options(&self, uart: &Uart, mut store: impl FnMut(u32, u32)) {
        let options = self.options;
        store(options + 8, self.option_flags | OPTION_FLAGS_UART);
        store(options + 16, uart.base_baud);
        store(options + 20, OPTION_BAUD);
        store(options + 24, u32::from(uart.irq) | OPTION_UART_MMIO);
        store(options + 28, uart.base);
        store(options + 32, 0);
        if self.revision == KernelRevision::M {
            let mut name = [0; OPTION_M_UART_NAME_BYTES];
            let len = uart.compatible.len().min(OPTION_M_UART_NAME_BYTES - 1);
            name[..len].copy_from_slice(&uart.compatible.as_bytes()[..len]);
            for (at, chunk) in (options + 36..).step_by(4).zip(name.chunks_exact(4)) {
                store(at, word(chunk, 0).unwrap_or(0));
            }
            // No second processor waits to be released.
            store(options + 68, 0);
            store(options + 72, 0);
        }
    }
}

/// The memory descriptors of a running kernel: `load(offset)` reads a word of its interface page.
/// `None`: the page does not look like one of that revision. Unused descriptors are left out.
pub fn memory_descriptors(
    revision: u32,
    load: impl Fn(u32) -> u32,
) -> Option<impl Iterator<Item = Descriptor>> {
    let revision = KernelRevision::from_number(revision)?;
    let (at, count) = descriptors(revision, load(KIP_DESCRIPTORS), load(KIP_M_DESCRIPTOR_COUNT)).ok()?;
    let all = (0..count).map(move |i| {
        let (first, last) = (load(at + 8 * i), load(at + 8 * i + 4));
        Descriptor { start: first & !0x3ff, last: last | 0x3ff, kind: first & 0xf }
    });
    Some(all.filter(|d| d.kind != 0))
}

/// Offset and number of the memory descriptors. G packs both in one word, M uses two; the word of the
/// other revision would name a place outside the page.
fn descriptors(revision: KernelRevision, first: u32, second: u32) -> Result<(u32, u32), KernelError> {
    let (at, count) = match revision {
        KernelRevision::G => (first >> 16, first & 0xffff),
        KernelRevision::M => (first, second),
    };
    let inside =
        at != 0 && count.checked_mul(8).and_then(|b| b.checked_add(at)).is_some_and(|e| e <= KIP_BYTES);
    if inside { Ok((at, count)) } else { Err(KernelError::Mixed) }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use crate::elf::tests::{build, load};
    use std::{collections::BTreeMap, format, vec, vec::Vec};

    const KIP: u32 = 0x4000_2000;
    const OPTIONS: u32 = 0x4000_3000;

    fn put(page: &mut [u8], at: usize, value: u32) {
        page[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn kernel(option_version: u32, descriptors: [u32; 2]) -> Vec<u8> {
        let mut kip = vec![0; 4096];
        for (at, value) in
            [(0, KIP_MAGIC), (4, KIP_VERSION), (8, 0x90), (0x54, descriptors[0]), (0x58, descriptors[1])]
        {
            put(&mut kip, at, value);
        }
        let strings = b"\x1b[1;32mFiasco\n Rev \n\x1b[0m\0armv6plus\0jdb\0\0other\0";
        kip[0x900..0x900 + strings.len()].copy_from_slice(strings);
        let mut options = vec![0; 216];
        for (at, value) in [(0, OPTIONS_MAGIC), (4, option_version), (8, 1)] {
            put(&mut options, at, value);
        }
        let marker = |kind, paddr| crate::elf::Segment { kind, ..load(paddr, 4) };
        build(
            0x4000_1000,
            &[
                (load(KIP, 4096), &kip),
                (load(OPTIONS, 216), &options),
                (marker(PHDR_KIP, KIP), b""),
                (marker(PHDR_OPTIONS, OPTIONS), b""),
            ],
        )
    }

    fn error(bytes: &[u8]) -> KernelError {
        Kernel::recognise(bytes).err().expect("refused")
    }

    #[test]
    fn tells_the_revisions_apart() {
        let g = kernel(1, [0x0120_0014, 0]);
        let m = kernel(5, [0x120, 64]);
        let g = Kernel::recognise(&g).expect("G");
        let m = Kernel::recognise(&m).expect("M");
        assert_eq!((g.revision, m.revision), (KernelRevision::G, KernelRevision::M));
        assert_eq!((g.kip, g.options), (KIP, OPTIONS));
        assert_eq!(format!("{}", g.version()), "Fiasco; Rev");
        assert_eq!(g.features().collect::<Vec<_>>(), ["armv6plus", "jdb"]);
    }

    #[test]
    fn refuses_by_name() {
        assert_eq!(error(b"text"), KernelError::Elf(ElfError::NotElf));
        assert_eq!(error(&build(0, &[(load(0x1000, 4), b"abcd")])), KernelError::NoMarkers);
        assert_eq!(error(&kernel(6, [0x120, 64])), KernelError::OptionsVersion(6));
        assert_eq!(error(&kernel(1, [0x120, 64])), KernelError::Mixed);
        assert_eq!(error(&kernel(5, [0x0120_0014, 0])), KernelError::Mixed);
        assert_eq!(error(&kernel(1, [0x0120_0007, 0])), KernelError::TooFewDescriptors(7));
        assert!(format!("{}", error(&kernel(6, [0x120, 64]))).starts_with("kernel options of version 6"));
    }

    #[test]
    fn fills_both_layouts() {
        let tables = Tables {
            sigma0_entry: 0x5160,
            root_entry: 0x4007,
            device_tree: 0xd7b,
            memory: &[Descriptor::pages(0x4000_0000, 0x4000_1234, memory::ROOT); DESCRIPTORS],
            uart: Uart { base: 0x900_0000, irq: 33, base_baud: 7, compatible: "arm,pl011" },
        };
        let filled = |bytes: &[u8]| {
            let mut words = BTreeMap::new();
            let kernel = Kernel::recognise(bytes).expect("a kernel");
            kernel.fill(&tables, |at, value| assert_eq!(words.insert(at, value), None, "twice"));
            words
        };
        let g = filled(&kernel(1, [0x0120_0014, 0]));
        assert_eq!((g[&(KIP + 0x24)], g[&(KIP + 0x44)]), (0x5160, 0x4007));
        assert_eq!((g[&(KIP + 0x120)], g[&(KIP + 0x124)]), (0x4000_000e, 0x4000_1fff));
        assert_eq!((g[&(OPTIONS + 8)], g[&(OPTIONS + 24)]), (0x60_0001, 0x200_0021));
        assert!(!g.contains_key(&(OPTIONS + 36)), "G keeps its JDB command there");
        let m = filled(&kernel(5, [0x120, 64]));
        assert_eq!((m[&(KIP + 0x10)], m[&(KIP + 0x18)], m[&(KIP + 0x38)]), (0x5160, 0x4007, 0xd7b));
        assert_eq!(m[&(OPTIONS + 36)], u32::from_le_bytes(*b"arm,"));
        assert_eq!(m.len(), 6 + 14 + 6 + 8 + 2);
        // What was written is what a running system reads back.
        let load = |at| match at {
            0x54 => 0x120,
            0x58 => 64,
            _ => m.get(&(KIP + at)).copied().unwrap_or(0),
        };
        let read: Vec<_> = memory_descriptors(2, load).expect("M").collect();
        assert_eq!(read, tables.memory);
        assert!(memory_descriptors(1, load).is_none());
    }
}
