//! Counting checks.

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use thaw_l4::{Error, ObjectError, Result};
use thaw_rt::println;

static PASSED: AtomicU32 = AtomicU32::new(0);
static FAILED: AtomicU32 = AtomicU32::new(0);

/// Notes one check; a failed one is named.
pub fn check(name: &str, good: bool) {
    if good {
        PASSED.store(PASSED.load(Relaxed) + 1, Relaxed);
    } else {
        FAILED.store(FAILED.load(Relaxed) + 1, Relaxed);
        println!("probe: FAILED {name}");
    }
}

/// Notes that a request was refused with that `L4_E*` number.
pub fn refused<T>(name: &str, got: Result<T>, number: u32) {
    let got = got.map(|_| ());
    if got != Err(Error::Object(ObjectError(number))) {
        println!("probe: {name}: {got:?} instead of -{number}");
    }
    check(name, got == Err(Error::Object(ObjectError(number))));
}

/// Prints how many checks there were.
pub fn summary(what: &str) {
    println!("probe: {what}: {} checks passed, {} failed", PASSED.load(Relaxed), FAILED.load(Relaxed));
}
