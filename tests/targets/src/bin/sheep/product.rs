//! The VFP worker: its product exists in d0 to d31 and FPSCR only.

use thaw_targets::{product::ITERATIONS, witness::vfp::Running};

use crate::me::Me;

/// Multiplies and checks for ever.
pub fn run(me: &Me) -> ! {
    let mut product = Running::start(0xf00d);
    me.started();
    let mut iterations = 0;
    loop {
        product.batch(me);
        iterations += u64::from(ITERATIONS);
        me.reached(iterations);
    }
}
