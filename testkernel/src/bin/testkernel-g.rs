//! The test kernel, revision G.
// UNSAFETY: places the two pages that the loader looks for, and the symbol that the entry code calls.
#![cfg_attr(target_os = "none", expect(unsafe_code))]
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod image {
    use thaw_testkernel::{
        kip::{self, Kip, Page},
        quirks,
    };

    #[unsafe(link_section = ".kip")]
    static KIP: Page = kip::page_g();

    #[unsafe(link_section = ".kopt")]
    static OPTIONS: Page = kip::options(1);

    #[unsafe(no_mangle)]
    extern "C" fn kernel_main() -> ! {
        thaw_testkernel::start(&quirks::G, Kip::new(&KIP, &OPTIONS))
    }
}

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is a kernel for QEMU virt; build it for armv7a-none-eabi");
}
