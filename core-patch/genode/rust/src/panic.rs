// SPDX-License-Identifier: AGPL-3.0-only
//! The end of a thread of core that found a mistake of this crate.

use core::panic::PanicInfo;

use crate::abi;

/// Core must not go down with the service: the thread says where it was and stops for good.
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    abi::thaw_core_panic(info.location().map_or(0, core::panic::Location::line))
}
