//! The interface of target programs is written down three times: in `native/abi`, in
//! `examples/thaw_target.h` and in `docs/target-abi.md`. Here they are compared, number by number.

use std::{collections::BTreeMap, fs, path::Path};

use l4_sys::raw;
use thaw_native_abi::{layout, target};

type Numbers = &'static [(&'static str, i64)];

/// Addresses, slots, limits, magic words and system-call numbers of the header.
const GENERAL: Numbers = &[
    ("INFO_PAGE", layout::INFO_PAGE as i64),
    ("USER_START", layout::USER_START as i64),
    ("PROGRAM_BASE", layout::PROGRAM_BASE as i64),
    ("USER_END", layout::USER_END as i64),
    ("STACK_BYTES", layout::STACK_BYTES as i64),
    ("UTCB_AREA", layout::UTCB_AREA as i64),
    ("SLOT_PD", layout::SLOT_PD as i64),
    ("SLOT_LOG", layout::SLOT_LOG as i64),
    ("SLOT_USER", layout::SLOT_USER as i64),
    ("SLOT_END", layout::SLOT_END as i64),
    ("THREADS_MAX", layout::THREADS_MAX as i64),
    ("LOG_BYTES_MAX", target::LOG_BYTES_MAX as i64),
    ("IPC_FAILED", thaw_l4::Error::Ipc(thaw_l4::IpcError(0)).number() as i64),
    ("INFO_MAGIC", layout::INFO_MAGIC as i64),
    ("INFO_VERSION", layout::INFO_VERSION as i64),
    ("REVISION_G", l4_sys::Revision::G.number() as i64),
    ("REVISION_M", l4_sys::Revision::M.number() as i64),
    ("SEND", l4_sys::Op::SEND.0 as i64),
    ("RECEIVE", l4_sys::Op::RECEIVE.0 as i64),
    ("CALL", l4_sys::Op::CALL.0 as i64),
    ("WAIT", l4_sys::Op::WAIT.0 as i64),
    ("REPLY_AND_WAIT", l4_sys::Op::REPLY_AND_WAIT.0 as i64),
    ("TAG_ERROR", raw::L4_MSGTAG_ERROR as i64),
    ("NEVER", l4_sys::Timeout::NEVER.0 as i64),
    ("ZERO", l4_sys::Timeout::ZERO.0 as i64),
    ("PROTO_IRQ", raw::L4_PROTO_IRQ as i64),
    ("IRQ_TRIGGER", raw::THAW_IRQ_TRIGGER_OP as i64),
    ("IRQ_WAIT", raw::THAW_IRQ_EOI_OP as i64),
    ("PROTO_SEMAPHORE", raw::L4_PROTO_SEMAPHORE as i64),
    ("SEMAPHORE_DOWN", raw::THAW_SEMAPHORE_DOWN_OP as i64),
    ("MR", 0),
    ("BDR", raw::THAW_UTCB_BDR_WORD as i64),
    ("BR", raw::THAW_UTCB_BR_WORD as i64),
    ("ERROR", raw::THAW_UTCB_ERROR_WORD as i64),
    ("USER", raw::THAW_UTCB_USER_WORD as i64),
];

/// Requests of target programs: in the header and in the document.
const REQUESTS: Numbers = &[
    ("THREAD_CREATE", target::THREAD_CREATE as i64),
    ("THREAD_EXIT", target::THREAD_EXIT as i64),
    ("GATE_CREATE", target::GATE_CREATE as i64),
    ("IRQ_CREATE", target::IRQ_CREATE as i64),
    ("MEMORY_ALLOC", target::MEMORY_ALLOC as i64),
    ("MEMORY_FREE", target::MEMORY_FREE as i64),
    ("CLOCK", target::CLOCK as i64),
    ("ROM_ATTACH", target::ROM_ATTACH as i64),
    ("EXIT", target::EXIT as i64),
    ("OBJECT_DELETE", target::OBJECT_DELETE as i64),
    ("SEMAPHORE_CREATE", target::SEMAPHORE_CREATE as i64),
    ("THREAD_CAP", target::THREAD_CAP as i64),
    ("SLOT_CLEAR", target::SLOT_CLEAR as i64),
    ("KERNEL_CLOCK", target::KERNEL_CLOCK as i64),
];

/// Requests of drivers: in the document only.
const DRIVER_REQUESTS: Numbers = &[
    ("ANNOUNCE", target::ANNOUNCE as i64),
    ("DMA_ALLOC", target::DMA_ALLOC as i64),
    ("DEVICE_ATTACH", target::DEVICE_ATTACH as i64),
    ("DEVICE_IRQ", target::DEVICE_IRQ as i64),
];

/// Errors: in both.
const ERRORS: Numbers = &[
    ("EPERM", raw::L4_EPERM as i64),
    ("ENOENT", raw::L4_ENOENT as i64),
    ("EIO", raw::L4_EIO as i64),
    ("ENOMEM", raw::L4_ENOMEM as i64),
    ("EFAULT", raw::L4_EFAULT as i64),
    ("EBUSY", raw::L4_EBUSY as i64),
    ("EEXIST", raw::L4_EEXIST as i64),
    ("ENODEV", raw::L4_ENODEV as i64),
    ("EINVAL", raw::L4_EINVAL as i64),
    ("ERANGE", raw::L4_ERANGE as i64),
    ("ENOSYS", raw::L4_ENOSYS as i64),
    ("EMSGTOOSHORT", raw::L4_EMSGTOOSHORT as i64),
];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The value of a C or Markdown number: decimal or hexadecimal, perhaps in parentheses or with a suffix.
fn number(text: &str) -> Option<i64> {
    let text = text.trim_matches(['(', ')', 'u']);
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A table from name to number, in which no name may come twice.
fn table<'a>(numbers: impl IntoIterator<Item = (&'a str, i64)>) -> BTreeMap<&'a str, i64> {
    let mut table = BTreeMap::new();
    for (name, value) in numbers {
        assert!(table.insert(name, value).is_none(), "{name} is listed twice");
    }
    table
}

fn all(lists: &[Numbers]) -> BTreeMap<&'static str, i64> {
    table(lists.iter().flat_map(|list| list.iter().copied()))
}

/// Macros of the header that are numbers, without their prefix.
fn macros(header: &str) -> BTreeMap<&str, i64> {
    table(header.lines().filter_map(|line| {
        let mut words = line.strip_prefix("#define THAW_")?.split_whitespace();
        let name = words.next().filter(|name| !name.contains('('))?;
        Some((name, number(words.next()?)?))
    }))
}

/// Rows of the document's tables that begin with a number and a name in backquotes.
fn rows(document: &str) -> BTreeMap<&str, i64> {
    table(document.lines().filter_map(|line| {
        let mut cells = line.strip_prefix('|')?.split('|').map(str::trim);
        let value = number(cells.next()?)?;
        Some((cells.next()?.strip_prefix('`')?.strip_suffix('`')?, value))
    }))
}

#[test]
fn the_header_has_the_numbers_of_native_abi() {
    let text = read("examples/thaw_target.h");
    assert_eq!(macros(&text), all(&[GENERAL, REQUESTS, ERRORS]));
}

#[test]
fn the_document_lists_every_request_and_error_with_its_number() {
    let text = read("docs/target-abi.md");
    assert_eq!(rows(&text), all(&[REQUESTS, DRIVER_REQUESTS, ERRORS]));
}

#[test]
fn the_document_has_the_addresses_and_slots_of_native_abi() {
    let text = read("docs/target-abi.md");
    let block_end = layout::BLOCK_BUFFER + layout::BLOCK_BUFFER_BYTES;
    let utcb_end = layout::UTCB_AREA + (1 << layout::UTCB_AREA_ORDER);
    let thread_slots_end = layout::SLOT_THREADS + 4 * layout::THREADS_MAX - 1;
    for wanted in [
        format!("| {:#x} | {:#x} | info page", layout::INFO_PAGE, layout::INFO_PAGE + 0x1000),
        format!("| {:#x} | {:#x} | regions", layout::USER_START, layout::USER_END),
        format!("| {:#x} | {block_end:#x} | buffer", layout::BLOCK_BUFFER),
        format!("| {:#x} | {:#x} | kept free", layout::STOP_WINDOW, layout::STOP_WINDOW + 0x2000),
        format!("| {:#x} | {utcb_end:#x} | UTCBs", layout::UTCB_AREA),
        format!("between {:#x} and {:#x}", layout::USER_START, layout::USER_END - layout::STACK_BYTES),
        format!("| sp | {:#x}, the end of a stack of {:#x} bytes", layout::USER_END, layout::STACK_BYTES),
        format!("linked at\n{:#x};", layout::PROGRAM_BASE),
        format!("up to {} threads", layout::THREADS_MAX),
        format!("| 0 | magic {:#x} |", layout::INFO_MAGIC),
        format!("| 1 | version of this interface, {} |", layout::INFO_VERSION),
        format!("MR0 bytes (at most {})", target::LOG_BYTES_MAX),
        format!("| {:#x} | the PD's session", layout::SLOT_PD),
        format!("| {:#x} | log |", layout::SLOT_LOG),
        format!("| {:#x} | manager", layout::SLOT_MANAGER),
        format!("| {:#x} | checkpoint", layout::SLOT_CHECKPOINT),
        format!("| {:#x} | block", layout::SLOT_BLOCK),
        format!("| {:#x}-{thread_slots_end:#x} | four for each thread", layout::SLOT_THREADS),
        format!("| {:#x}-{:#x} | the program's own", layout::SLOT_USER, layout::SLOT_END - 1),
        format!("| 0-{} | message registers", raw::L4_UTCB_GENERIC_DATA_SIZE - 1),
        format!("| {} | buffer descriptor", raw::THAW_UTCB_BDR_WORD),
        format!(
            "| {}-{} | buffer registers",
            raw::THAW_UTCB_BR_WORD,
            raw::THAW_UTCB_BR_WORD + raw::L4_UTCB_GENERIC_BUFFERS_SIZE - 1
        ),
        format!("| {} | error of the last", raw::THAW_UTCB_ERROR_WORD),
        format!(
            "| {}-{} | the program's own",
            raw::THAW_UTCB_USER_WORD,
            raw::THAW_UTCB_USER_WORD + raw::THAW_UTCB_USER_WORDS - 1
        ),
    ] {
        assert!(text.contains(&wanted), "docs/target-abi.md does not say `{wanted}`");
    }
}

#[test]
fn the_linker_script_of_the_examples_uses_the_address_of_ours() {
    let wanted = format!(". = 0x{:08x};", layout::PROGRAM_BASE);
    assert!(read("examples/target.ld").contains(&wanted), "{wanted}");
}
