//! Memory that root shares with its children. Only volatile words: the children write it, too.
// UNSAFETY: words at raw addresses, in an area that no Rust object lives in.
#![expect(unsafe_code)]

/// Pages of the area: one of steps per thread, then pages for contents.
pub const PAGES: u32 = 32;
/// First page for contents.
pub const FIRST_FREE: u32 = 12;

core::arch::global_asm!(
    ".section .bss.conformance, \"aw\", %nobits",
    ".balign 4096",
    ".global conf_data",
    "conf_data: .space 32 * 4096",
    ".text",
);

unsafe extern "C" {
    safe static conf_data: u32;
}

/// Address of page `n`, in root and in every child.
pub fn page(n: u32) -> u32 {
    assert!(n < PAGES, "page of the shared area");
    &raw const conf_data as u32 + n * 4096
}

/// Reads the word at `address`.
pub fn read(address: u32) -> u32 {
    assert!(address.is_multiple_of(4), "aligned");
    // SAFETY: callers name words of the shared area, of RAM that nothing else uses (`crate::world::SPARE_OFFSET`)
    // or of a device or information page that was mapped for reading; any value is a u32.
    unsafe { (address as *const u32).read_volatile() }
}

/// Writes the word at `address`, which is in the shared area or in spare RAM.
pub fn write(address: u32, value: u32) {
    let spare = address >= crate::world::spare() || (0x2000_0000..0x2100_0000).contains(&address);
    assert!(address.is_multiple_of(4) && (spare || in_area(address)), "a word that is free to be written");
    // SAFETY: asserted above: no Rust object of this program lives there.
    unsafe { (address as *mut u32).write_volatile(value) }
}

fn in_area(address: u32) -> bool {
    (page(0)..page(0) + PAGES * 4096).contains(&address)
}

/// Runs the function at byte `offset` of the kernel's information page, which returns a time. It runs in a
/// copy, because root may only read the page.
pub fn time_by_function(kernel: &thaw_l4::Real, information_page: u32, offset: u32) -> u64 {
    let copy = page(PAGES - 1);
    (0..1024).for_each(|i| write(copy + 4 * i, read(information_page + 4 * i)));
    kernel.make_coherent(copy, copy + 4096);
    let function = copy + offset;
    // SAFETY: revision M puts a function without arguments there that returns a 64-bit number, finds all it
    // needs in the same page and changes nothing but what a C function may.
    unsafe {
        let function: extern "C" fn() -> u64 = core::mem::transmute(function as usize);
        function()
    }
}

/// Zeroes the whole area, which also makes sigma0 map it.
pub fn clear() {
    for i in 0..PAGES * 1024 {
        write(page(0) + 4 * i, 0);
    }
}
