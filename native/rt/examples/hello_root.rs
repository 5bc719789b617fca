//! A root task that shows what the loader, sigma0 and the runtime provide: it prints what it was handed,
//! reaches all RAM and a device through sigma0, sees a bad request refused, and ends the run.
#![no_std]
#![no_main]
// UNSAFETY: reads memory and a device register at addresses that sigma0 mapped.
#![expect(unsafe_code)]

use thaw_l4::{Cap, CapIndex, Fpage, Gate, Kernel, Message, Result, Timeouts, ipc, raw};
use thaw_native_abi::{boot, sigma0};
use thaw_rt::{boot_info, kernel, println};

thaw_rt::entry!(main);

/// Where the device page goes on each board: an address that is neither RAM nor a device.
const fn window(board: u32) -> u32 {
    match board {
        boot::board::VIRT => 0x9000_0000,
        _ => 0x7000_0000,
    }
}

/// On each board, a page of a device, the offset of a register that only reading has no effect on, and what it holds.
const fn device_of(board: u32) -> (u32, u32, u32) {
    match board {
        // PL011: first byte of its identification.
        boot::board::PBXA9 => (0x1000_9000, 0xfe0, 0x11),
        // i.MX UART: UCR1, enabled.
        boot::board::IMX6 => (0x0202_0000, 0x80, 1),
        boot::board::IMX7 => (0x3086_0000, 0x80, 1),
        boot::board::PANDA => (0x4802_0000, 0x50, 0),
        // First virtio slot, and the magic that every slot answers with.
        _ => (0x0a00_0000, 0, 0x7472_6976),
    }
}

fn main() -> ! {
    let info = boot_info().expect("started by the loader");
    println!("[root] hello on {:?}, {} MiB", kernel().revision(), info.ram_size >> 20);
    assert_eq!(read(info.archive), boot::ARCHIVE_MAGIC, "archive");
    assert_eq!(read(info.kip), raw::THAW_KIP_MAGIC, "interface page");
    // Right below the loader's image and near the end of RAM, where the kernel has its heap.
    for address in [info.ram_base + boot::LOADER_OFFSET - 4, info.ram_base + info.ram_size - 4] {
        println!("[root] ram {address:#x} is readable: {:#x}", read(address) & 0);
    }
    let (window, (page, offset, expected)) = (window(info.board), device_of(info.board));
    device(window, page, 12).expect("device memory");
    let found = read(window + offset);
    assert_eq!(found & expected, expected, "device register");
    println!("[root] device memory: {found:#x}");
    for (address, order) in [(info.ram_base, 12), (page, 11), (page | 0x1000, 13)] {
        println!(
            "[root] refused {address:#x} order {order}: {:?}",
            device(window, address, order).expect_err("refused")
        );
    }
    println!("{}", boot::POWER_OFF_LINE);
    loop {
        ipc::sleep(&kernel(), Timeouts::NEVER);
    }
}

/// Asks sigma0 for device memory.
fn device(window: u32, physical: u32, order: u32) -> Result<()> {
    let k = kernel();
    let first = raw::THAW_UTCB_BR_WORD as usize;
    let buffer = [raw::L4_ITEM_MAP, Fpage::memory(window, 12, raw::L4_FPAGE_RW).0, 0];
    k.set_utcb_word(raw::THAW_UTCB_BDR_WORD as usize, 0);
    for (i, word) in buffer.into_iter().enumerate() {
        k.set_utcb_word(first + i, word);
    }
    let message = Message::new(&k).word(sigma0::MAP_DEVICE).word(physical).word(order);
    message.call(Cap::<Gate>::new(CapIndex(raw::THAW_INDEX_PAGER)), raw::L4_PROTO_SIGMA0).map(|_| ())
}

fn read(address: u32) -> u32 {
    // SAFETY: sigma0 maps RAM on the fault and the device on request; a word is read once.
    unsafe { (address as *const u32).read_volatile() }
}
