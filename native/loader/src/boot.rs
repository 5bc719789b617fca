//! The steps of a boot, in order.

use core::{convert::Infallible, fmt};

use thaw_bootimage::{
    elf::Elf,
    fdt,
    kernel::{self, Descriptor, Kernel, Tables, memory},
    payload::{Extent, HEADER_BYTES, Payload},
};
use thaw_native_abi::boot::{BOOT_INFO_OFFSET, BOOT_MAGIC, BOOT_VERSION, BootInfo, DTB_OFFSET};

use crate::{
    board::{self, Board},
    console::{self, say},
    machine,
    place::{self, BOOT_INFO_BYTES, DEVICE_TREE_MAX, LoadError},
};

// The numbers of the boot image are those of the ABI.
const _: () = {
    use l4_sys::raw;
    assert!(kernel::KIP_MAGIC == raw::THAW_KIP_MAGIC && kernel::KIP_VERSION == raw::THAW_KIP_VERSION);
    assert!(kernel::OPTIONS_MAGIC == raw::THAW_KOPT_MAGIC);
    assert!(kernel::PHDR_KIP == raw::THAW_PHDR_KIP && kernel::PHDR_OPTIONS == raw::THAW_PHDR_OPTIONS);
    assert!(memory::RAM == raw::THAW_MEM_CONVENTIONAL && memory::RESERVED == raw::THAW_MEM_RESERVED);
    assert!(memory::SIGMA0 == raw::THAW_MEM_DEDICATED && memory::ROOT == raw::THAW_MEM_BOOTLOADER);
    assert!(kernel::KernelRevision::G.number() == l4_sys::Revision::G.number());
    assert!(kernel::KernelRevision::M.number() == l4_sys::Revision::M.number());
};

/// Everything behind the loader, found and checked.
struct Parts<'a> {
    kernel: Kernel<'a>,
    sigma0: Elf<'a>,
    root: Elf<'a>,
    /// Physical range of the module archive.
    archive: Extent,
}

/// The kernel's features, each behind a blank.
struct Features<'a>(&'a Kernel<'a>);

impl fmt::Display for Features<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.features().try_for_each(|feature| write!(f, " {feature}"))
    }
}

/// Boots; returns only to say why not. Nothing outside the loader is written before all is checked,
/// except that the device tree is moved out of the kernel's way.
pub fn boot() -> Result<Infallible, LoadError> {
    let board = board::this().ok_or(LoadError::UnknownBoard(machine::board_number()))?;
    console::enable(board);
    if machine::is_cached() {
        return Err(LoadError::Cached);
    }
    let base = machine::payload_address();
    let payload = header(board, base)?;
    let (device_tree, ram_size) = ram(board, &payload)?;
    place::check_ram(board, ram_size, base + payload.bytes)?;
    let parts = parts(base, &payload)?;
    let kernel_range = place::check_kernel(board, &parts.kernel.elf)?;
    let sigma0_range = place::check_sigma0(board, &parts.sigma0)?;
    let root_range = place::check_root(board, &parts.root)?;
    say!("kernel {} \"{}\"", parts.kernel.revision, parts.kernel.version());
    say!("kernel features{}", Features(&parts.kernel));
    say!("board {}, ram {:#010x}-{:#010x}", board.name, board.ram_base, board.ram_base + (ram_size - 1));

    for elf in [&parts.kernel.elf, &parts.sigma0, &parts.root] {
        machine::load(elf);
    }
    let archive_last = parts.archive.offset + (parts.archive.bytes - 1);
    let boot_info = board.ram_base + BOOT_INFO_OFFSET;
    let tree = board.ram_base + DTB_OFFSET;
    let tables = Tables {
        sigma0_entry: parts.sigma0.entry(),
        root_entry: parts.root.entry(),
        device_tree,
        memory: &[
            Descriptor { start: board.ram_base, last: board.ram_base + (ram_size - 1), kind: memory::RAM },
            Descriptor::pages(kernel_range.0, kernel_range.1, memory::RESERVED),
            Descriptor::pages(sigma0_range.0, sigma0_range.1, memory::SIGMA0),
            Descriptor::pages(root_range.0, root_range.1, memory::ROOT),
            Descriptor::pages(boot_info, boot_info + (BOOT_INFO_BYTES - 1), memory::ROOT),
            Descriptor::pages(parts.archive.offset, archive_last, memory::ROOT),
            Descriptor::pages(tree, tree + (DEVICE_TREE_MAX - 1), memory::RESERVED),
        ],
        uart: board.uart,
    };
    parts.kernel.fill(&tables, machine::write_word);
    store_boot_info(
        boot_info,
        &BootInfo {
            magic: BOOT_MAGIC,
            version: BOOT_VERSION,
            revision: parts.kernel.revision.number(),
            board: board.number,
            ram_base: board.ram_base,
            ram_size,
            kip: parts.kernel.kip,
            archive: parts.archive.offset,
            archive_size: parts.archive.bytes,
            root_end: root_range.1 + 1,
            counter_hz: board.timer_hz.map_or(0, machine::open_timer),
        },
    );
    machine::enter(parts.kernel.elf.entry())
}

fn header(board: &Board, base: u32) -> Result<Payload, LoadError> {
    let bytes = machine::bytes(base, HEADER_BYTES as u32);
    let payload = Payload::decode(bytes.try_into().unwrap_or(&[0; HEADER_BYTES]))?;
    if payload.board != board.number {
        return Err(LoadError::OtherBoard(payload.board));
    }
    Ok(payload)
}

fn parts(base: u32, payload: &Payload) -> Result<Parts<'static>, LoadError> {
    let file = |e: Extent| machine::bytes(base + e.offset, e.bytes);
    let task = |name, e| Elf::parse(file(e)).map_err(|error| LoadError::Task(name, error));
    Ok(Parts {
        kernel: Kernel::recognise(file(payload.kernel))?,
        sigma0: task("sigma0", payload.sigma0)?,
        root: task("root", payload.root)?,
        archive: Extent { offset: base + payload.archive.offset, bytes: payload.archive.bytes.max(1) },
    })
}

/// Finds the device tree (where a board has one) and the size of RAM. The tree lies where the kernel
/// goes, so it is moved.
fn ram(board: &Board, payload: &Payload) -> Result<(u32, u32), LoadError> {
    let (tree, have) = match board.ram_size {
        Some(size) => (0, size),
        None => {
            let start = [machine::read_word(board.ram_base), machine::read_word(board.ram_base + 4)];
            let head: [u8; 8] = core::array::from_fn(|i| start[i / 4].to_le_bytes()[i % 4]);
            let bytes = fdt::total_bytes(&head).ok_or(LoadError::NoDeviceTree)?;
            if bytes > DEVICE_TREE_MAX {
                return Err(LoadError::DeviceTreeBytes(bytes));
            }
            let tree = board.ram_base + DTB_OFFSET;
            machine::copy(board.ram_base, tree, bytes);
            match fdt::memory(machine::bytes(tree, bytes)) {
                Some((start, size)) if start == board.ram_base => (tree, size),
                _ => return Err(LoadError::DeviceTreeRam),
            }
        }
    };
    match payload.ram_size {
        0 => Ok((tree, have)),
        wanted if wanted <= have => Ok((tree, wanted)),
        wanted => Err(LoadError::Ram(have, wanted)),
    }
}

fn store_boot_info(at: u32, info: &BootInfo) {
    let words = [
        info.magic,
        info.version,
        info.revision,
        info.board,
        info.ram_base,
        info.ram_size,
        info.kip,
        info.archive,
        info.archive_size,
        info.root_end,
        info.counter_hz,
    ];
    const { assert!(size_of::<BootInfo>() == 11 * 4, "one word per field, in order") };
    for (at, word) in (at..).step_by(4).zip(words) {
        machine::write_word(at, word);
    }
}
