//! The server loop: faults and requests of root.

use thaw_bootimage::ram::RamMap;
use thaw_l4::{Fpage, Incoming, Kernel, Message, MsgTag, Real, SendItem, Timeouts, ipc, raw};
use thaw_native_abi::sigma0::MAP_DEVICE;
use thaw_rt::{boot_info, kernel, println};

use crate::memory;

/// Log2 of the largest mapping sent for a fault: a superpage of both page-table formats.
const FAULT_ORDER: u32 = 21;
/// Log2 of the largest device mapping.
const DEVICE_ORDER_MAX: u32 = 28;

/// Serves for ever.
pub fn run() -> ! {
    let info = boot_info().expect("boot information from the loader");
    let map = memory::read(&info);
    let k = kernel();
    let mut next = ipc::wait(&k, Timeouts::NEVER);
    loop {
        next = match next {
            Ok(message) => ipc::reply_and_wait(&k, answer(&k, &map, &message), Timeouts::NEVER),
            Err(e) => {
                println!("sigma0: receive failed: {e}");
                ipc::wait(&k, Timeouts::NEVER)
            }
        };
    }
}

/// Puts the answer into the message registers and returns its tag.
fn answer(k: &Real, map: &RamMap, message: &Incoming) -> MsgTag {
    let (first, second, third) = (k.mr(0), k.mr(1), k.mr(2));
    match message.tag.label() {
        raw::L4_PROTO_PAGE_FAULT => fault(k, map, first, second),
        raw::L4_PROTO_SIGMA0 if first == MAP_DEVICE => device(k, map, second, third),
        other => {
            println!("sigma0: refused protocol {other}, operation {first}");
            refusal(raw::L4_ENOSYS)
        }
    }
}

fn refusal(error: u32) -> MsgTag {
    MsgTag::new(-(error as i32), 0, 0, 0)
}

fn reply_item(k: &Real, item: SendItem) -> MsgTag {
    // One item always fits.
    Message::new(k).item(item).tag(0, 0).unwrap_or_default()
}

/// A fault: the address with flags in the low three bits (2: write), and the program counter.
fn fault(k: &Real, map: &RamMap, address: u32, pc: u32) -> MsgTag {
    let write = address & 2 != 0;
    match map.block(address, FAULT_ORDER) {
        Some(block) if block.writable || !write => {
            let rights = if block.writable { raw::L4_FPAGE_RWX } else { raw::L4_FPAGE_RO };
            reply_item(k, SendItem::memory(block.base, Fpage::memory(block.base, block.order, rights), 0))
        }
        found => {
            let why = if found.is_some() { "memory of the kernel" } else { "no RAM" };
            let kind = if write { "write" } else { "access" };
            println!("sigma0: refused root's {kind} at {:#010x}, pc {pc:#010x}: {why}", address & !7);
            // M wants a negative label, G all ones in the first word; each ignores the other.
            k.set_mr(0, !0);
            MsgTag::new(-(raw::L4_EFAULT as i32), 1, 0, 0)
        }
    }
}

fn device(k: &Real, map: &RamMap, base: u32, order: u32) -> MsgTag {
    if !(12..=DEVICE_ORDER_MAX).contains(&order) || !base.is_multiple_of(1 << order) {
        return refusal(raw::L4_EINVAL);
    }
    if map.overlaps(base, base + ((1 << order) - 1)) {
        return refusal(raw::L4_EPERM);
    }
    let page = Fpage::memory(base, order, raw::L4_FPAGE_RW);
    reply_item(k, SendItem::memory(base, page, raw::THAW_MEM_ATTR_SET | raw::THAW_MEM_UNCACHED))
}
