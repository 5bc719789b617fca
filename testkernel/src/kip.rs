//! Kernel interface page and options: what the loader fills in and what user mode reads.
// UNSAFETY: two pages of the image that the loader writes before the kernel runs.
#![expect(unsafe_code)]

use core::cell::UnsafeCell;

use l4_sys::raw as abi;

/// Words of a page.
const WORDS: usize = 1024;
/// Flag of a descriptor of virtual memory.
pub const VIRTUAL: u32 = 0x200;
const OPTIONS_KMEM_KIB: u32 = 3;
const VERSION_WORD: usize = 1;
/// Byte offset and number of memory descriptors, and where the version string is behind them.
const DESCRIPTORS_M: (u32, u32) = (0xe0, 64);
const DESCRIPTORS_G: (u32, u32) = (0x160, 20);
const VERSION_STRING_M: usize = 0x2e0;
const VERSION_STRING_G: usize = 0x200;
/// Functions that read the time in microseconds and nanoseconds (revision M).
const FN_READ_US: usize = 0x900;
const FN_READ_NS: usize = 0x980;
/// Scalers behind them.
const SCALER: u32 = 0x70;
/// Granularity of scheduling in microseconds.
const GRANULARITY_M: usize = 0x50;
const CLOCK_G: u32 = abi::THAW_KIP_G_CLOCK;
const JDB_COMMAND_M: u32 = 76;
const JDB_COMMAND_G: u32 = 36;
const JDB_COMMAND_BYTES: u32 = 128;

/// A page of the image that the loader writes to.
#[repr(C, align(4096))]
pub struct Page(UnsafeCell<[u32; WORDS]>);

// SAFETY: one CPU, and the contents are only accessed through `Kip`, by volatile words.
unsafe impl Sync for Page {}

const fn put_text(mut page: [u32; WORDS], at: usize, text: &[u8]) -> [u32; WORDS] {
    let mut i = 0;
    while i < text.len() {
        let word = (at + i) / 4;
        page[word] |= (text[i] as u32) << ((at + i) % 4 * 8);
        i += 1;
    }
    page
}

/// Function that user mode calls to read the time: counter times scaler, upper half of the product,
/// shifted left by 5 if that is nanoseconds. The scaler is 0x70 bytes after the code.
const fn clock_code(mut page: [u32; WORDS], at: usize, nanoseconds: bool) -> [u32; WORDS] {
    let w = at / 4;
    page[w] = 0xe59f_3068; // ldr r3, [pc, #0x68]
    page[w + 1] = 0xec51_0f1e; // mrrc p15, 1, r0, r1, c14
    page[w + 2] = 0xe082_c390; // umull r12, r2, r0, r3
    page[w + 3] = 0xe081_0391; // umull r0, r1, r1, r3
    page[w + 4] = 0xe090_0002; // adds r0, r0, r2
    page[w + 5] = 0xe2a1_1000; // adc r1, r1, #0
    page[w + 6] = 0xe12f_ff1e; // bx lr
    if nanoseconds {
        page[w + 6] = 0xe1a0_1281; // lsl r1, r1, #5
        page[w + 7] = 0xe181_1da0; // orr r1, r1, r0, lsr #27
        page[w + 8] = 0xe1a0_0280; // lsl r0, r0, #5
        page[w + 9] = 0xe12f_ff1e; // bx lr
    }
    page
}

const fn base(at: usize, text: &[u8]) -> [u32; WORDS] {
    let mut page = [0; WORDS];
    page[0] = abi::THAW_KIP_MAGIC;
    page[VERSION_WORD] = abi::THAW_KIP_VERSION;
    page[2] = (at / 16) as u32;
    put_text(page, at, text)
}

/// The page of revision M.
#[must_use]
pub const fn page_m() -> Page {
    let mut page = base(
        VERSION_STRING_M,
        b"thaw testkernel M, ABI of Fiasco.OC 245fce53ba (2026)\0armv6plus\0kip_syscalls\0jdb\0",
    );
    page[abi::THAW_KIP_MEMDESC as usize / 4] = DESCRIPTORS_M.0;
    page[abi::THAW_KIP_M_MEMDESC_COUNT as usize / 4] = DESCRIPTORS_M.1;
    page[GRANULARITY_M / 4] = 1000;
    page = clock_code(page, FN_READ_US, false);
    Page(UnsafeCell::new(clock_code(page, FN_READ_NS, true)))
}

/// The page of revision G.
#[must_use]
pub const fn page_g() -> Page {
    let mut page = base(
        VERSION_STRING_G,
        b"thaw testkernel G, ABI of Fiasco.OC 4367c50b1d (2019)\0armv6plus\0kip_syscalls\0jdb\0",
    );
    page[abi::THAW_KIP_MEMDESC as usize / 4] = DESCRIPTORS_G.0 << 16 | DESCRIPTORS_G.1;
    Page(UnsafeCell::new(page))
}

/// Options of this version (M 5, G 1).
#[must_use]
pub const fn options(version: u32) -> Page {
    let mut page = [0; WORDS];
    page[0] = abi::THAW_KOPT_MAGIC;
    page[1] = version;
    Page(UnsafeCell::new(page))
}

/// The two pages as loaded.
pub struct Kip {
    page: *mut u32,
    options: *const u32,
    /// Whether the layout is that of M.
    m: bool,
}

/// A memory descriptor.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// Type; in a new one also subtype and flags
    pub kind: u32,
    /// First byte
    pub start: u32,
    /// Last byte
    pub end: u32,
}

impl Kip {
    /// The pages of this image.
    #[must_use]
    pub fn new(page: &'static Page, options: &'static Page) -> Self {
        let page = page.0.get().cast();
        let m = Self { page, options: options.0.get().cast_const().cast(), m: false };
        let m_layout = m.word(abi::THAW_KIP_MEMDESC) >> 16 == 0;
        Self { m: m_layout, ..m }
    }

    fn word(&self, offset: u32) -> u32 {
        assert!(offset < 4096 && offset.is_multiple_of(4));
        // SAFETY: inside the page; volatile, because the loader has filled it in behind the
        // compiler's back.
        unsafe { self.page.add(offset as usize / 4).read_volatile() }
    }

    fn set_word(&self, offset: u32, value: u32) {
        assert!(offset < 4096 && offset.is_multiple_of(4));
        // SAFETY: inside the page, which lies in a writable segment; nothing borrows its contents.
        unsafe { self.page.add(offset as usize / 4).write_volatile(value) }
    }

    fn option_word(&self, index: u32) -> u32 {
        assert!(index < 1024);
        // SAFETY: inside the options page; volatile as above.
        unsafe { self.options.add(index as usize).read_volatile() }
    }

    /// Physical address of the page.
    #[must_use]
    pub fn phys(&self) -> u32 {
        self.page as u32 - crate::arch::boot::IMAGE_DELTA
    }

    /// Entry points of sigma0 and root.
    #[must_use]
    pub fn entries(&self) -> (u32, u32) {
        if self.m {
            (self.word(abi::THAW_KIP_M_SIGMA0), self.word(abi::THAW_KIP_M_ROOT))
        } else {
            (self.word(abi::THAW_KIP_G_SIGMA0), self.word(abi::THAW_KIP_G_ROOT))
        }
    }

    fn descriptor_place(&self) -> (u32, u32) {
        let word = self.word(abi::THAW_KIP_MEMDESC);
        if self.m { (word, self.word(abi::THAW_KIP_M_MEMDESC_COUNT)) } else { (word >> 16, word & 0xffff) }
    }

    /// The memory descriptors.
    pub fn regions(&self) -> impl Iterator<Item = Region> + '_ {
        let (offset, count) = self.descriptor_place();
        (0..count).filter_map(move |i| {
            let (low, high) = (self.word(offset + i * 8), self.word(offset + i * 8 + 4));
            let kind = low & 0xf;
            (kind != 0 && low & VIRTUAL == 0).then_some(Region { kind, start: low & !0x3ff, end: high })
        })
    }

    /// Adds a descriptor, if there is room.
    pub fn add_region(&self, region: Region) {
        let (offset, count) = self.descriptor_place();
        let free = (0..count).find(|i| self.word(offset + i * 8) & 0xf == 0);
        if let Some(i) = free {
            self.set_word(offset + i * 8, region.start & !0x3ff | region.kind);
            self.set_word(offset + i * 8 + 4, region.end);
        }
    }

    /// Size of the kernel's heap asked for, in bytes.
    #[must_use]
    pub fn heap_bytes(&self) -> Option<u32> {
        let kib = self.option_word(OPTIONS_KMEM_KIB);
        (kib != 0).then_some(kib << 10)
    }

    /// Whether the debugger command of the options holds this word.
    #[must_use]
    pub fn command_has(&self, word: &[u8]) -> bool {
        let at = if self.m { JDB_COMMAND_M } else { JDB_COMMAND_G };
        let byte = |i: u32| (self.option_word((at + i) / 4) >> ((at + i) % 4 * 8)) as u8;
        (0..JDB_COMMAND_BYTES - word.len() as u32)
            .any(|s| word.iter().enumerate().all(|(i, &b)| byte(s + i as u32) == b))
    }

    /// Shows the clock to user mode (revision G; M's user mode reads the counter).
    pub fn set_clock(&self, us: u64) {
        if !self.m {
            self.set_word(CLOCK_G, us as u32);
            self.set_word(CLOCK_G + 4, (us >> 32) as u32);
        }
    }

    /// Tells the clock functions how fast the counter is.
    pub fn set_scalers(&self, us: u32, ns: u32) {
        if self.m {
            self.set_word(FN_READ_US as u32 + SCALER, us);
            self.set_word(FN_READ_NS as u32 + SCALER, ns);
        }
    }
}
