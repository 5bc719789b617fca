//! The program's defmt stream: whole records, written to a file of the host by semihosting.
// UNSAFETY: implements defmt's logger, whose state only the owner of the open record touches.
#![expect(unsafe_code)]

use core::{
    cell::UnsafeCell,
    fmt,
    panic::Location,
    sync::atomic::{AtomicU32, Ordering},
};

use l4_sys::syscall;
use thaw_native_abi::settings::STREAMS_MODULE;

use crate::{owner::Owner, semihosting::File};

/// Bytes of an encoded record at most; a longer one is dropped and counted.
const RECORD_BYTES: usize = 1024;
/// Bytes of a path at most, its zero byte included.
const PATH_BYTES: usize = 256;

static OWNER: Owner = Owner::new();
/// Handle of the open file plus one, 0 if there is none.
static FILE: AtomicU32 = AtomicU32::new(0);
/// Frequency of the counter, 0 if there is none.
static COUNTER_HZ: AtomicU32 = AtomicU32::new(0);
static RECORD: Record = Record(UnsafeCell::new(Open::new()));

struct Record(UnsafeCell<Open>);

// SAFETY: only the thread that `OWNER` names touches the contents.
unsafe impl Sync for Record {}

/// The open record.
struct Open {
    encoder: defmt::Encoder,
    bytes: [u8; RECORD_BYTES],
    len: usize,
    is_too_long: bool,
}

impl Open {
    const fn new() -> Self {
        Self { encoder: defmt::Encoder::new(), bytes: [0; RECORD_BYTES], len: 0, is_too_long: false }
    }

    fn encode(&mut self, step: impl FnOnce(&mut defmt::Encoder, &mut dyn FnMut(&[u8]))) {
        let Self { encoder, bytes, len, is_too_long } = self;
        step(encoder, &mut |more| match bytes.get_mut(*len..*len + more.len()) {
            Some(place) => {
                place.copy_from_slice(more);
                *len += more.len();
            }
            None => *is_too_long = true,
        });
    }
}

/// Opens the stream `PREFIX` + `name` + `.defmt`; false if it cannot. The machine must have semihosting for
/// user mode.
pub fn start(prefix: &[u8], name: &str) -> bool {
    let hz = thaw_rt::boot_info().map(|info| info.counter_hz);
    let hz = hz.or_else(|| thaw_rt::info_page().map(|info| info.counter_hz));
    COUNTER_HZ.store(hz.unwrap_or(0), Ordering::Relaxed);
    let mut path = [0; PATH_BYTES];
    let parts = [prefix.trim_ascii(), name.as_bytes(), b".defmt\0"];
    let mut len = 0;
    for part in parts {
        let Some(place) = path.get_mut(len..len + part.len()) else { return false };
        place.copy_from_slice(part);
        len += part.len();
    }
    match File::create(&path[..len]) {
        Some(File(handle)) => FILE.store(handle.wrapping_add(1), Ordering::Release),
        None => return false,
    }
    true
}

/// Opens the stream of a program in a PD if the archive has a module that says where; says if it cannot.
pub fn start_from_rom(name: &str) {
    let Ok((address, bytes)) = thaw_rt::request::rom_attach(STREAMS_MODULE) else { return };
    let mut prefix = [0; PATH_BYTES];
    let len = (bytes as usize).min(PATH_BYTES);
    for (i, byte) in prefix[..len].iter_mut().enumerate() {
        // SAFETY: root attached so many bytes there, read-only and for as long as the program runs.
        *byte = unsafe { (address as usize as *const u8).add(i).read_volatile() };
    }
    if !start(&prefix[..len], name) {
        thaw_rt::println!("stream: cannot be opened: run with semihosting for user mode");
    }
}

/// Whether there is a stream.
pub fn is_on() -> bool {
    let is_on = FILE.load(Ordering::Relaxed) != 0;
    if is_on {
        tell_dropped();
    }
    is_on
}

fn tell_dropped() {
    let dropped = OWNER.take_dropped();
    if dropped != 0 {
        defmt::warn!("{=u32} records were dropped: their threads interrupted an open one", dropped);
    }
}

/// Records a finished line with the place it comes from, for libraries that speak through a trait.
#[track_caller]
pub fn record(line: fmt::Arguments<'_>) {
    if is_on() {
        let at = Location::caller();
        // The runner takes the place from the beginning of the text.
        defmt::info!("@{=str}:{=u32} {}", at.file(), at.line(), defmt::Display2Format(&line));
    }
}

fn now_us() -> u64 {
    match u64::from(COUNTER_HZ.load(Ordering::Relaxed)) {
        0 => 0,
        hz => syscall::cntvct() * 1_000_000 / hz,
    }
}

defmt::timestamp!("{=u64}", now_us());

/// Address of the calling thread's UTCB: no two threads of a program have the same.
fn me() -> u32 {
    let base: u32;
    // SAFETY: reads a register that user mode may read.
    unsafe {
        core::arch::asm!("mrc p15, 0, {}, c13, c0, 2", out(reg) base, options(nomem, nostack, preserves_flags));
    }
    base
}

/// Runs `step` on the open record if it is the caller's.
fn with_open(step: impl FnOnce(&mut Open)) {
    if OWNER.writes(me()) {
        // SAFETY: the record is the calling thread's until it ends it, and `step` logs nothing.
        step(unsafe { &mut *RECORD.0.get() });
    }
}

#[defmt::global_logger]
struct Logger;

// SAFETY: `acquire` admits one thread at a time; what others write meanwhile is dropped, and the owner's
// inner records, too. defmt calls `write` and `release` on the thread that called `acquire`.
unsafe impl defmt::Logger for Logger {
    fn acquire() {
        if OWNER.begin(me()) {
            with_open(|open| {
                (open.len, open.is_too_long) = (0, false);
                open.encode(|encoder, out| encoder.start_frame(out));
            });
        }
    }

    unsafe fn flush() {
        // Each record is written when it ends.
    }

    unsafe fn release() {
        with_open(|open| {
            open.encode(|encoder, out| encoder.end_frame(out));
            let handle = FILE.load(Ordering::Relaxed).wrapping_sub(1);
            if open.is_too_long || !File(handle).write(&open.bytes[..open.len]) {
                OWNER.drop_one();
            }
        });
        OWNER.end(me());
    }

    unsafe fn write(bytes: &[u8]) {
        with_open(|open| open.encode(|encoder, out| encoder.write(bytes, out)));
    }
}
