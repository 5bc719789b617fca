//! The machine below root: memory by physical address, counter, static places.
// UNSAFETY: root reads and writes RAM by its physical address, and owns statics that outlive `main`.
#![expect(unsafe_code)]

use core::arch::asm;
use core::cell::UnsafeCell;

use thaw_l4::faults::Faulty;
use thaw_l4::{Answer, Kernel, MsgTag, Real, Revision, Selector, Timeouts, Vfp};
use thaw_native_abi::boot::BootInfo;
use thaw_native_abi::layout::{INFO_MAGIC, INFO_VERSION, InfoPage};
use thaw_root::clock::ticks_to_us;
use thaw_root::faults;
use thaw_root::frames::{Frames, PAGE_BYTES};
use thaw_root::machine::Machine;

/// Offset of the kernel's clock in the interface page: G, M (microseconds, low word first).
const KIP_CLOCK: (u32, u32) = (0xa0, 0x20);

/// Zeroes `pages` pages from `to` on, 16 double registers at a time: the longest loop in a request, 34
/// instructions a page.
///
/// # Safety
///
/// The pages are mapped and writable, and no Rust object lives in them.
#[instruction_set(arm::a32)]
#[inline(never)]
unsafe fn zero_pages(to: u32, pages: u32) {
    if pages == 0 {
        return;
    }
    // SAFETY: writes the pages that the caller vouches for. Root is compiled for soft float, so no compiled
    // code keeps a value in d0-d15.
    unsafe {
        asm!(
            ".fpu neon",
            ".irp n, 0, 1, 2, 3, 4, 5, 6, 7",
            "vmov.i32 q\\n, #0",
            ".endr",
            "2:",
            ".rept 32",
            "vstmia {to}!, {{d0-d15}}",
            ".endr",
            "subs {pages}, {pages}, #1",
            "bne 2b",
            to = inout(reg) to => _,
            pages = inout(reg) pages => _,
            options(nostack),
        );
    }
}

/// Memory for the stack of a thread of root.
#[repr(align(8))]
pub struct Stack<const BYTES: usize>(UnsafeCell<[u8; BYTES]>);

// SAFETY: no reference to the contents is ever made; the one thread that is given the end uses them.
unsafe impl<const BYTES: usize> Sync for Stack<BYTES> {}

impl<const BYTES: usize> Stack<BYTES> {
    /// A stack nobody uses yet.
    pub const fn new() -> Self {
        Self(UnsafeCell::new([0; BYTES]))
    }

    /// Its end, the first stack pointer.
    pub fn end(&'static self) -> u32 {
        self.0.get() as u32 + BYTES as u32
    }
}

/// The kernel, RAM and the counter. Stands for root's main thread.
pub struct RealMachine {
    kernel: Faulty<'static, Real>,
    kip: u32,
    counter_hz: u32,
    archive: (u32, u32),
}

impl RealMachine {
    /// The machine that the loader described.
    pub fn new(kernel: Real, info: &BootInfo) -> Self {
        Self {
            kernel: Faulty::new(kernel, &faults::MAIN),
            kip: info.kip,
            counter_hz: info.counter_hz,
            archive: (info.archive, info.archive_size),
        }
    }

    /// A word of the kernel interface page.
    pub fn kip_word(&self, offset: u32) -> u32 {
        assert!(offset.is_multiple_of(4) && offset < PAGE_BYTES, "inside the interface page");
        // SAFETY: the page is where the loader says, sigma0 maps it for reading, the offset is inside.
        unsafe { ((self.kip + offset) as *const u32).read_volatile() }
    }

    /// The archive. Nobody writes it: programs get it read-only, and its frames are never free.
    pub fn archive(&self) -> &'static [u8] {
        let (start, len) = self.archive;
        if len == 0 {
            return &[];
        }
        // SAFETY: the loader put that many bytes there; see above why they stay as they are.
        unsafe { core::slice::from_raw_parts(start as *const u8, len as usize) }
    }

    /// Reads every page that root will hand out once, so that sigma0 maps it: the kernel maps to others
    /// only what root itself has.
    pub fn touch(&self, frames: &Frames, info: &BootInfo) {
        let free = frames.free_pages_list();
        let archive = (info.archive..info.archive + info.archive_size).step_by(PAGE_BYTES as usize);
        for page in free.chain(archive) {
            // SAFETY: the page is RAM that is free or holds the archive; a word of it is read.
            let _ = unsafe { (page as *const u32).read_volatile() };
        }
    }

    /// Writes the page that every PD may read.
    pub fn write_info_page(&self, phys: u32, info: &BootInfo) {
        let page = InfoPage {
            magic: INFO_MAGIC,
            version: INFO_VERSION,
            revision: info.revision,
            board: info.board,
            counter_hz: info.counter_hz,
        };
        self.zero(phys, PAGE_BYTES);
        // SAFETY: the frame was allocated for this and is page aligned; others only read it, later.
        unsafe { (phys as *mut InfoPage).write_volatile(page) }
    }

    fn kip_clock(&self) -> u64 {
        let at = match self.kernel.revision() {
            Revision::G => KIP_CLOCK.0,
            Revision::M => KIP_CLOCK.1,
        };
        loop {
            let (high, low) = (self.kip_word(at + 4), self.kip_word(at));
            if self.kip_word(at + 4) == high {
                return u64::from(high) << 32 | u64::from(low);
            }
        }
    }
}

impl Kernel for RealMachine {
    fn revision(&self) -> Revision {
        self.kernel.revision()
    }

    fn ipc(&self, to: Selector, tag: MsgTag, timeouts: Timeouts, label: u32) -> Answer {
        self.kernel.ipc(to, tag, timeouts, label)
    }

    fn utcb_word(&self, i: usize) -> u32 {
        self.kernel.utcb_word(i)
    }

    fn set_utcb_word(&self, i: usize, value: u32) {
        self.kernel.set_utcb_word(i, value);
    }

    fn vfp_save(&self, to: &mut Vfp) {
        self.kernel.vfp_save(to);
    }

    fn vfp_load(&self, from: &Vfp) {
        self.kernel.vfp_load(from);
    }
}

impl Machine for RealMachine {
    fn record(&self, line: core::fmt::Arguments<'_>) {
        thaw_log::record(line);
    }

    fn zero(&self, phys: u32, bytes: u32) {
        // SAFETY: the caller's frames are mapped at their physical address, whole pages, no Rust object's.
        unsafe { zero_pages(phys, bytes / PAGE_BYTES) }
    }

    fn copy(&self, to: u32, from: u32, bytes: u32) {
        // SAFETY: the caller's frames are mapped at their physical addresses, whole pages of two dataspaces.
        unsafe { thaw_rt::pages::copy(to, from, bytes / PAGE_BYTES) }
    }

    fn copy_in(&self, phys: u32, bytes: &[u8]) {
        // SAFETY: the caller's frames are mapped at their physical address and no Rust object's.
        unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), phys as *mut u8, bytes.len()) }
        // What was copied may be code.
        self.kernel.inner().make_coherent(phys, phys + bytes.len() as u32);
    }

    fn read_word(&self, phys: u32) -> u32 {
        // SAFETY: the caller's frame is mapped at its physical address, the address is aligned; volatile,
        // since a program may write it.
        unsafe { (phys as *const u32).read_volatile() }
    }

    fn now_us(&self) -> u64 {
        if self.counter_hz == 0 {
            self.kip_clock()
        } else {
            ticks_to_us(l4_sys::syscall::cntvct(), self.counter_hz)
        }
    }

    fn kernel_us(&self) -> u64 {
        // M counts by the counter where it has one, and writes no clock into the page then.
        match self.kernel.revision() {
            Revision::M if self.counter_hz != 0 => self.now_us(),
            _ => self.kip_clock(),
        }
    }
}
