//! The checkpointer's tables, half a MiB of static memory handed out once.
// UNSAFETY: a static that is borrowed mutably, once.
#![expect(unsafe_code)]

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

use thaw_component::Tables;

struct Once(UnsafeCell<Tables>);

// SAFETY: `take` hands the contents to one caller only.
unsafe impl Sync for Once {}

static TABLES: Once = Once(UnsafeCell::new(Tables::new()));
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The tables; nothing from the second call on.
pub fn take() -> Option<&'static mut Tables> {
    if TAKEN.swap(true, Ordering::Relaxed) {
        return None;
    }
    // SAFETY: the flag admits one caller, for good.
    Some(unsafe { &mut *TABLES.0.get() })
}
