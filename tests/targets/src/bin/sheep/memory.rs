//! The memory worker.

use core::sync::atomic::Ordering;

use thaw_targets::{
    chain::{CELLS, Chain},
    witness::requests,
};

use crate::{HEAP_MIB, me::Me};

/// Steps between two publications of the progress.
const BATCH: u32 = 1024;
const _: () = assert!(CELLS.is_multiple_of(BATCH));

/// Fills the heap, then follows the chain for ever.
pub fn run(me: &Me) -> ! {
    let heap_mib = HEAP_MIB.load(Ordering::Acquire);
    let heap = requests::heap(heap_mib << 20).unwrap_or_else(|e| me.refused("heap", e));
    let Some(mut chain) = Chain::new(heap, 0x5eed) else {
        me.fail(format_args!("memory.heap expected at least 1 MiB got {heap_mib} MiB"))
    };
    me.started();
    let mut steps = 0;
    loop {
        for _ in 0..BATCH {
            if let Err(link) = chain.advance() {
                me.fail(format_args!(
                    "memory.chain at heap offset {:#x} expected {:#x} got {:#x}",
                    link.offset, link.expected, link.got
                ));
            }
        }
        steps += u64::from(BATCH);
        me.reached(steps);
    }
}
