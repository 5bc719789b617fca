//! The C ABI: what C++ calls here, and what is called there. Counterpart: `src/app/thaw/abi.h`.

// UNSAFETY: symbols are exported to C++ and imported from there, and static tables are lent out.
#![expect(unsafe_code)]

use core::cell::UnsafeCell;
use core::fmt::{self, Write};
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use thaw_image::{KernelName, Name};

use crate::checkpoint::{After, Machine, Order, Tables, checkpoint};
use crate::error::{Error, Result};
use crate::lines::print_image;
use crate::restore::restore;
use crate::store::{File, Files, Stored, find, load, save};
use crate::world::{
    Asked, Attachment, Buffer, CoreResult, Handle, Handlers, Message, Nested, Region, SessionInfo, Slot,
    Span, ThreadInfo, TimerInfo, Wish, World,
};

/// Bytes of a line at most; a LOG session takes 232 at once.
const LINE: usize = 224;

// SAFETY: these are the functions of abi.h with the same types; each reads and writes only through the
// references and the pointers with lengths that it is given, for the time of the call.
unsafe extern "C" {
    safe fn thaw_open(id: &mut u32) -> u32;
    safe fn thaw_call(message: &mut Message);
    safe fn thaw_region(n: u32, region: &mut Region);
    safe fn thaw_nested(client_id: u32, n: u32, nested: &mut Nested);
    safe fn thaw_nested_region(map: u32, n: u32, region: &mut Region);
    safe fn thaw_handlers(badges: &mut [u32; 7]);
    safe fn thaw_slot(n: u32, slot: &mut Slot);
    safe fn thaw_thread(index: u32, thread: &mut ThreadInfo);
    safe fn thaw_session(n: u32, session: &mut SessionInfo);
    safe fn thaw_parent() -> u32;
    safe fn thaw_target(name: &mut [u8; 32], ram: &mut u32, caps: &mut u32);
    safe fn thaw_freeze(frozen: u32);
    safe fn thaw_wait_until_quiet() -> u32;
    safe fn thaw_announced(service: &mut [u8; 32]);
    safe fn thaw_exited() -> u32;
    safe fn thaw_destroy();
    safe fn thaw_view(ds_badge: u32, span: &mut Span) -> u32;
    safe fn thaw_unview() -> u32;
    /// The span is a view, which does not end during the call.
    safe fn thaw_coherent(span: &Span);
    safe fn thaw_take(buffer: u32, bytes: u32, span: &mut Span) -> u32;
    /// Both spans are ours: views, buffers or modules, none of which ends during the call.
    safe fn thaw_copy(to: &Span, from: &Span);
    fn thaw_read(from: u32, to: *mut u8, bytes: u32);
    fn thaw_write(to: u32, from: *const u8, bytes: u32);
    safe fn thaw_now_us() -> u64;
    safe fn thaw_pause();
    fn thaw_say(text: *const u8, bytes: u32);
    fn thaw_wish(parent: u32, sessions: *const Wish, count: u32) -> u32;
    safe fn thaw_quota(ram: u32, caps: u32);
    safe fn thaw_make(id: &mut u32) -> u32;
    safe fn thaw_make_session(session: &SessionInfo) -> u32;
    safe fn thaw_set_timer(client_id: u32, timer: &TimerInfo, sigh: u32) -> u32;
    safe fn thaw_ram(bytes: u32, badge: u32, handle: &mut u32, span: &mut Span) -> u32;
    safe fn thaw_rom(client_id: u32, handle: &mut u32) -> u32;
    safe fn thaw_session_handle(client_id: u32, handle: &mut u32) -> u32;
    safe fn thaw_object(kind: u32, a: u32, badge: u32, handle: &mut u32) -> u32;
    safe fn thaw_attach(dataspace: u32, attachment: &Attachment) -> u32;
    safe fn thaw_make_map(client_id: u32, map: &Nested, handle: &mut u32, ds_handle: &mut u32) -> u32;
    safe fn thaw_attach_nested(map: u32, dataspace: u32, attachment: &Attachment) -> u32;
    safe fn thaw_fault_handler(map: u32, sigh: u32) -> u32;
    safe fn thaw_set_handler(which: u32, sigh: u32) -> u32;
    safe fn thaw_make_thread(index: u32, thread: &ThreadInfo) -> u32;
    safe fn thaw_gate(thread: u32, badge: u32, handle: &mut u32) -> u32;
    safe fn thaw_context(imprint: u32, badge: u32, pending: u32, handle: &mut u32) -> u32;
    safe fn thaw_signal_source(badge: u32, semaphore: u32, handle: &mut u32) -> u32;
    safe fn thaw_semaphore(thread: u32, handle: &mut u32) -> u32;
    safe fn thaw_install(slot: u32, handle: u32) -> u32;
    safe fn thaw_file_size(file: u32, bytes: &mut u64) -> u32;
    fn thaw_file_read(file: u32, offset: u32, to: *mut u8, bytes: u32) -> u32;
    /// Both spans are ours: buffers, none of which ends during the call.
    safe fn thaw_file_write(file: u32, offset: u32, from: &Span) -> u32;
    safe fn thaw_file_read_into(file: u32, offset: u32, to: &Span) -> u32;
    safe fn thaw_file_empty(file: u32) -> u32;
    safe fn thaw_file_sync(file: u32) -> u32;
    safe fn thaw_system(name: &mut [u8; 32]);
    safe fn thaw_abort() -> !;
}

/// The world behind the C ABI.
struct Cxx;

fn asked(result: u32) -> Asked<()> {
    if result == CoreResult::OK { Ok(()) } else { Err(CoreResult(result)) }
}

/// A handle that a function filled in.
fn handle(fill: impl FnOnce(&mut u32) -> u32) -> Asked<Handle> {
    let mut handle = 0;
    asked(fill(&mut handle)).map(|()| Handle(handle))
}

/// A value that a function filled in.
fn filled<T: Default>(fill: impl FnOnce(&mut T)) -> T {
    let mut value = T::default();
    fill(&mut value);
    value
}

/// No capability.
const NO_HANDLE: u32 = !0;

impl World for Cxx {
    fn open(&self) -> Asked<u32> {
        let mut id = 0;
        asked(thaw_open(&mut id)).map(|()| id)
    }

    fn call(&self, message: &mut Message) {
        thaw_call(message);
    }

    fn region(&self, n: u32) -> Region {
        filled(|region| thaw_region(n, region))
    }

    fn nested(&self, client_id: u32, n: u32) -> Nested {
        filled(|nested| thaw_nested(client_id, n, nested))
    }

    fn nested_region(&self, map: u32, n: u32) -> Region {
        filled(|region| thaw_nested_region(map, n, region))
    }

    fn handlers(&self) -> Handlers {
        filled(|badges| thaw_handlers(badges))
    }

    fn slot(&self, n: u32) -> Slot {
        filled(|slot| thaw_slot(n, slot))
    }

    fn thread(&self, index: u32) -> ThreadInfo {
        filled(|thread| thaw_thread(index, thread))
    }

    fn session(&self, n: u32) -> SessionInfo {
        filled(|session| thaw_session(n, session))
    }

    fn parent(&self) -> u32 {
        thaw_parent()
    }

    fn target(&self, name: &mut [u8; 32]) -> (u32, u32) {
        let (mut ram, mut caps) = (0, 0);
        thaw_target(name, &mut ram, &mut caps);
        (ram, caps)
    }

    fn freeze(&self, frozen: bool) {
        thaw_freeze(frozen.into());
    }

    fn wait_until_quiet(&self) -> u32 {
        thaw_wait_until_quiet()
    }

    fn announced(&self) -> [u8; 32] {
        filled(|service| thaw_announced(service))
    }

    fn exited(&self) -> bool {
        thaw_exited() != 0
    }

    fn destroy(&self) {
        thaw_destroy();
    }

    fn view(&self, ds_badge: u32) -> Asked<Span> {
        let mut span = Span::default();
        asked(thaw_view(ds_badge, &mut span)).map(|()| span)
    }

    fn unview(&self) -> bool {
        thaw_unview() != 0
    }

    fn coherent(&self, span: Span) {
        thaw_coherent(&span);
    }

    fn take(&self, buffer: Buffer, bytes: u32) -> Asked<Span> {
        let mut span = Span::default();
        asked(thaw_take(buffer as u32, bytes, &mut span)).map(|()| span)
    }

    fn copy(&self, to: Span, from: Span) {
        thaw_copy(&to, &from);
    }

    fn read(&self, from: Span, to: &mut [u8]) {
        let bytes = to.len().min(from.bytes as usize) as u32;
        // SAFETY: `to` has that many bytes; spans come from C++ and are valid until given back.
        unsafe { thaw_read(from.addr, to.as_mut_ptr(), bytes) }
    }

    fn write(&self, to: Span, from: &[u8]) {
        let bytes = from.len().min(to.bytes as usize) as u32;
        // SAFETY: `from` has that many bytes; spans come from C++ and are valid until given back.
        unsafe { thaw_write(to.addr, from.as_ptr(), bytes) }
    }

    fn now_us(&self) -> u64 {
        thaw_now_us()
    }

    fn pause(&self) {
        thaw_pause();
    }

    fn say(&self, line: fmt::Arguments<'_>) {
        let mut text = heapless::String::<LINE>::new();
        // What does not fit is cut off.
        let _ = text.write_fmt(line);
        // SAFETY: the text has that many bytes.
        unsafe { thaw_say(text.as_ptr(), text.len() as u32) }
    }

    fn wish(&self, parent: u32, sessions: &[Wish]) -> Asked<()> {
        // SAFETY: the slice has that many elements of a `repr(C)` type.
        asked(unsafe { thaw_wish(parent, sessions.as_ptr(), sessions.len() as u32) })
    }

    fn quota(&self, ram: u32, caps: u32) {
        thaw_quota(ram, caps);
    }

    fn make(&self) -> Asked<u32> {
        let mut id = 0;
        asked(thaw_make(&mut id)).map(|()| id)
    }

    fn make_session(&self, session: &SessionInfo) -> Asked<()> {
        asked(thaw_make_session(session))
    }

    fn set_timer(&self, client_id: u32, timer: &TimerInfo, sigh: Option<Handle>) -> Asked<()> {
        asked(thaw_set_timer(client_id, timer, sigh.map_or(NO_HANDLE, |handle| handle.0)))
    }

    fn ram(&self, bytes: u32, badge: u32) -> Asked<(Handle, Span)> {
        let mut span = Span::default();
        let handle = handle(|handle| thaw_ram(bytes, badge, handle, &mut span))?;
        Ok((handle, span))
    }

    fn rom(&self, client_id: u32) -> Asked<Handle> {
        handle(|handle| thaw_rom(client_id, handle))
    }

    fn session_handle(&self, client_id: u32) -> Asked<Handle> {
        handle(|handle| thaw_session_handle(client_id, handle))
    }

    fn object(&self, kind: u32, a: u32, badge: u32) -> Asked<Handle> {
        handle(|handle| thaw_object(kind, a, badge, handle))
    }

    fn attach(&self, dataspace: Handle, attachment: &Attachment) -> Asked<()> {
        asked(thaw_attach(dataspace.0, attachment))
    }

    fn make_map(&self, client_id: u32, map: &Nested) -> Asked<(Handle, Handle)> {
        let mut dataspace = 0;
        let handle = handle(|handle| thaw_make_map(client_id, map, handle, &mut dataspace))?;
        Ok((handle, Handle(dataspace)))
    }

    fn attach_nested(&self, map: Handle, dataspace: Handle, attachment: &Attachment) -> Asked<()> {
        asked(thaw_attach_nested(map.0, dataspace.0, attachment))
    }

    fn fault_handler(&self, map: Handle, sigh: Handle) -> Asked<()> {
        asked(thaw_fault_handler(map.0, sigh.0))
    }

    fn set_handler(&self, which: u32, sigh: Handle) -> Asked<()> {
        asked(thaw_set_handler(which, sigh.0))
    }

    fn make_thread(&self, index: u32, thread: &ThreadInfo) -> Asked<()> {
        asked(thaw_make_thread(index, thread))
    }

    fn gate(&self, thread: u32, badge: u32) -> Asked<Handle> {
        handle(|handle| thaw_gate(thread, badge, handle))
    }

    fn context(&self, imprint: u32, badge: u32, pending: u32) -> Asked<Handle> {
        handle(|handle| thaw_context(imprint, badge, pending, handle))
    }

    fn signal_source(&self, badge: u32, semaphore: u32) -> Asked<Handle> {
        handle(|handle| thaw_signal_source(badge, semaphore, handle))
    }

    fn semaphore(&self, thread: u32) -> Asked<Handle> {
        handle(|handle| thaw_semaphore(thread, handle))
    }

    fn install(&self, slot: u32, handle: Handle) -> Asked<()> {
        asked(thaw_install(slot, handle.0))
    }
}

impl Files for Cxx {
    fn size(&self, file: File) -> Asked<u64> {
        let mut bytes = 0;
        asked(thaw_file_size(file as u32, &mut bytes)).map(|()| bytes)
    }

    fn read(&self, file: File, offset: u32, to: &mut [u8]) -> Asked<()> {
        // SAFETY: `to` has that many bytes.
        asked(unsafe { thaw_file_read(file as u32, offset, to.as_mut_ptr(), to.len() as u32) })
    }

    fn read_into(&self, file: File, offset: u32, to: Span) -> Asked<()> {
        asked(thaw_file_read_into(file as u32, offset, &to))
    }

    fn write_from(&self, file: File, offset: u32, from: Span) -> Asked<()> {
        asked(thaw_file_write(file as u32, offset, &from))
    }

    fn empty(&self, file: File) -> Asked<()> {
        asked(thaw_file_empty(file as u32))
    }

    fn sync(&self, file: File) -> Asked<()> {
        asked(thaw_file_sync(file as u32))
    }
}

/// Tables in static memory, lent to one caller at a time.
struct Lent {
    busy: AtomicBool,
    tables: UnsafeCell<Tables>,
}

// SAFETY: `busy` admits one borrower at a time.
unsafe impl Sync for Lent {}

static TABLES: Lent = Lent { busy: AtomicBool::new(false), tables: UnsafeCell::new(Tables::new()) };

impl Lent {
    fn with<R>(&self, work: impl FnOnce(&mut Tables) -> R) -> Option<R> {
        if self.busy.swap(true, Ordering::Acquire) {
            return None;
        }
        // SAFETY: nobody else has passed the swap until it is undone below.
        let result = work(unsafe { &mut *self.tables.get() });
        self.busy.store(false, Ordering::Release);
        Some(result)
    }
}

/// The machine: its board and its version of Genode.
fn machine(board: &[u8; 32]) -> Machine {
    let system: [u8; 32] = filled(|name| thaw_system(name));
    let length = system.iter().position(|byte| *byte == 0).unwrap_or(system.len());
    let kernel = str::from_utf8(&system[..length]).ok().and_then(|name| KernelName::new(name).ok());
    let kernel = kernel.unwrap_or(KernelName::EMPTY);
    Machine { board: Name::from_padded(*board).unwrap_or(Name::EMPTY), kernel }
}

/// What is to be done, in words.
#[repr(C)]
struct Job {
    board: [u8; 32],
    /// Number of a new checkpoint.
    generation: u64,
    /// How often the target was restored.
    clones: u32,
    reserved: u32,
    /// 1: the target is destroyed by its checkpoint.
    destroy: u32,
    /// 1: the image goes into the store.
    store: u32,
    stored: Stored,
}

/// What was done, in words.
#[repr(C)]
struct Outcome {
    generation: u64,
    us: u64,
    image: Span,
    threads: u32,
    dataspaces: u32,
    ram_bytes: u32,
    /// 1: it was done.
    ok: u32,
    /// Why not, padded with zeros.
    error: [u8; ERROR],
}

/// Bytes of an error's text.
const ERROR: usize = 128;

const _: () = assert!(size_of::<Job>() == 72 && size_of::<Outcome>() == 40 + ERROR);

impl Outcome {
    fn refuse(&mut self, what: &str, error: &Error) -> u32 {
        Cxx.say(format_args!("{what}: {error}"));
        let mut text = heapless::String::<{ 4 * ERROR }>::new();
        // What does not fit is cut off.
        let _ = write!(text, "{error}");
        let length = text.len().min(ERROR - 1);
        self.error = [0; ERROR];
        self.error[..length].copy_from_slice(&text.as_bytes()[..length]);
        0
    }
}

/// Checkpoints the target. Returns whether there is an image.
#[unsafe(no_mangle)]
extern "C" fn thaw_rust_checkpoint(job: &mut Job, out: &mut Outcome) -> u32 {
    let after = if job.destroy == 0 { After::GoOn } else { After::Destroy };
    let order = Order { machine: machine(&job.board), generation: job.generation, clones: job.clones, after };
    let (store, stored) = (job.store != 0, &mut job.stored);
    let mut keep = |image: Span, buffer: &mut [u8]| -> Result<()> {
        if store {
            let file = save(&Cxx, &Cxx, stored, image, buffer)?;
            Cxx.say(format_args!("stored image {} is checkpoint {}", file.letter(), order.generation));
        }
        Ok(())
    };
    match TABLES.with(|tables| checkpoint(&Cxx, tables, &order, &mut keep)) {
        Some(Ok(done)) => {
            (out.generation, out.us, out.image) = (order.generation, done.stop_us, done.image);
            (out.threads, out.dataspaces, out.ram_bytes) = (done.threads, done.dataspaces, done.ram_bytes);
            out.ok = 1;
            Cxx.say(format_args!(
                "checkpoint {}: {} threads, {} KiB of RAM, image of {} KiB, stopped for {} us, \
                 a copy takes {} us, shape {:08x}",
                order.generation,
                done.threads,
                done.ram_bytes / 1024,
                done.image.bytes / 1024,
                done.stop_us,
                done.copy_us,
                done.shape
            ));
            1
        }
        Some(Err(error)) => out.refuse("checkpoint failed", &error),
        None => 0,
    }
}

/// Makes the target of an image; returns whether it runs.
#[unsafe(no_mangle)]
extern "C" fn thaw_rust_restore(job: &mut Job, image: &Span, out: &mut Outcome) -> u32 {
    match TABLES.with(|tables| restore(&Cxx, tables, &machine(&job.board), *image)) {
        Some(Ok(done)) => {
            job.clones = done.clones;
            (out.generation, out.us, out.image) = (done.generation, done.us, *image);
            (out.threads, out.dataspaces, out.ram_bytes) = (done.threads, done.dataspaces, done.ram_bytes);
            out.ok = 1;
            Cxx.say(format_args!(
                "restored checkpoint {}: {} threads, {} KiB of RAM in {} us",
                done.generation,
                done.threads,
                done.ram_bytes / 1024,
                done.us
            ));
            1
        }
        Some(Err(error)) => out.refuse("restore failed, nothing is left of it", &error),
        None => 0,
    }
}

/// Finds the number of the newest image in the store, 0 if there is none; returns whether it could look.
#[unsafe(no_mangle)]
extern "C" fn thaw_rust_find(job: &mut Job, out: &mut Outcome) -> u32 {
    match TABLES.with(|tables| find(&Cxx, &Cxx, &mut job.stored, &mut tables.buffer)) {
        Some(Ok(newest)) => {
            out.generation = newest.map_or(0, |(_, generation)| generation);
            1
        }
        Some(Err(error)) => out.refuse("store", &error),
        None => 0,
    }
}

/// Reads the newest image of the store into memory; returns whether it is there.
#[unsafe(no_mangle)]
extern "C" fn thaw_rust_load(job: &mut Job, out: &mut Outcome) -> u32 {
    match TABLES.with(|tables| load(&Cxx, &Cxx, &mut job.stored, &mut tables.buffer)) {
        Some(Ok((image, generation))) => {
            (out.image, out.generation) = (image, generation);
            1
        }
        Some(Err(error)) => out.refuse("restore failed", &error),
        None => 0,
    }
}

/// Prints an image as lines of the log.
#[unsafe(no_mangle)]
extern "C" fn thaw_rust_print(image: &Span) {
    print_image(&Cxx, *image);
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    Cxx.say(format_args!("{info}"));
    thaw_abort()
}
