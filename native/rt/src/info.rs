//! What runs below: found out once at the start from boot information or the info page.
// UNSAFETY: reads a page written by the loader or root, and vouches for the revision found there.
#![expect(unsafe_code)]

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use thaw_l4::{Real, Revision};
use thaw_native_abi::{
    boot::{BOOT_MAGIC, BOOT_VERSION, BootInfo},
    layout::{INFO_MAGIC, INFO_VERSION, InfoPage},
};

unsafe extern "C" {
    /// Placed by the linker script where the program's information lies.
    safe static __thaw_info: u32;
}

/// What kind of program this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// sigma0 or root: started by the kernel.
    FirstTask,
    /// A program in a PD: started by root.
    Program,
}

/// Number of the revision; set once by [`init`] before `main` runs, so never 0 afterwards.
static REVISION: AtomicU32 = AtomicU32::new(0);
static IS_PROGRAM: AtomicU32 = AtomicU32::new(0);

/// Stops the program without a word: nothing is known that a word could be said with.
fn stop() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Reads the information; a program without any cannot even say so.
pub(crate) fn init() {
    let number = match magic() {
        BOOT_MAGIC => boot_info().map(|i| i.revision),
        INFO_MAGIC => {
            IS_PROGRAM.store(1, Relaxed);
            info_page().map(|i| i.revision)
        }
        _ => None,
    };
    match number.and_then(Revision::from_number) {
        Some(revision) => REVISION.store(revision.number(), Relaxed),
        None => stop(),
    }
}

fn magic() -> u32 {
    // SAFETY: the linker script points to a mapped, word-aligned page; volatile because others write it.
    unsafe { (&raw const __thaw_info).read_volatile() }
}

/// The loader's information; `None` in a program, or if another version was left.
#[must_use]
pub fn boot_info() -> Option<BootInfo> {
    if magic() != BOOT_MAGIC {
        return None;
    }
    // SAFETY: the magic says that a `BootInfo` (words only, valid for any content) lies here.
    let info = unsafe { (&raw const __thaw_info).cast::<BootInfo>().read_volatile() };
    (info.version == BOOT_VERSION).then_some(info)
}

/// The PD's info page; `None` in a first task, or if another version was left.
#[must_use]
pub fn info_page() -> Option<InfoPage> {
    if magic() != INFO_MAGIC {
        return None;
    }
    // SAFETY: the magic says that an `InfoPage` (words only, valid for any content) lies here.
    let info = unsafe { (&raw const __thaw_info).cast::<InfoPage>().read_volatile() };
    (info.version == INFO_VERSION).then_some(info)
}

/// What kind of program this is.
#[must_use]
pub fn role() -> Role {
    if IS_PROGRAM.load(Relaxed) == 0 { Role::FirstTask } else { Role::Program }
}

/// The calling thread's access to the kernel.
///
/// The one obligation of [`Real::new`] that stays with the program: what it maps, unmaps or redirects
/// through the kernel or root must not be memory or threads of its own Rust objects.
#[must_use]
pub fn kernel() -> Real {
    let revision = Revision::from_number(REVISION.load(Relaxed)).unwrap_or_else(|| stop());
    // SAFETY: 1. the revision comes from the loader, which recognised the kernel; 2. nothing in this
    // runtime writes TPIDRURW; 3. is the program's obligation, stated above.
    unsafe { Real::new(revision) }
}
