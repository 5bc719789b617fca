//! Memory as the device sees it.
//!
//! The device works on two pieces of memory that are never Rust objects: a page with the header and the
//! status of the request in progress, and the buffer shared with the users. To the queue, which takes
//! slices, the buffer is represented by [`StandIn`], memory of the same size that nobody ever touches;
//! [`DmaHal::share`] translates its addresses.
// UNSAFETY: implements the trait by which the queue trusts addresses, and copies to and from the page.
#![expect(unsafe_code)]

use core::{
    cell::UnsafeCell,
    mem::MaybeUninit,
    ptr::NonNull,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
};

use thaw_l4::Result;
use thaw_native_abi::layout::BLOCK_BUFFER_BYTES;
use thaw_rt::{println, request};
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// Bytes of the header, and of the largest piece that is copied.
const PIECE_BYTES: usize = 16;
/// Where in the page the device writes; before, it reads.
const STATUS_OFFSET: u32 = 64;

static BUFFER_PHYSICAL: AtomicU32 = AtomicU32::new(0);
static PAGE: AtomicU32 = AtomicU32::new(0);
static PAGE_PHYSICAL: AtomicU32 = AtomicU32::new(0);

#[repr(align(4096))]
struct Window(UnsafeCell<MaybeUninit<[u8; BLOCK_BUFFER_BYTES as usize]>>);

// SAFETY: handed out once, by `StandIn::take`.
unsafe impl Sync for Window {}

static WINDOW: Window = Window(UnsafeCell::new(MaybeUninit::zeroed()));
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Represents the shared buffer; its content means nothing.
pub type StandIn = &'static mut [u8; BLOCK_BUFFER_BYTES as usize];

/// The stand-in, to whoever asks first.
pub fn stand_in() -> Option<StandIn> {
    if TAKEN.swap(true, Relaxed) {
        return None;
    }
    // SAFETY: 1. zeroed bytes are initialised; 2. the flag lets only one reference come into being.
    Some(unsafe { (*WINDOW.0.get()).assume_init_mut() })
}

/// Says where the shared buffer is, and allocates the page for headers.
pub fn set_buffer(physical: u32) -> Result<()> {
    let (page, page_physical) = request::dma_alloc(PAGE_SIZE as u32)?;
    BUFFER_PHYSICAL.store(physical, Relaxed);
    PAGE.store(page, Relaxed);
    PAGE_PHYSICAL.store(page_physical, Relaxed);
    Ok(())
}

/// Offset in the stand-in, if the piece lies there.
fn window_offset(piece: NonNull<[u8]>) -> Option<u32> {
    let offset = piece.cast::<u8>().addr().get().checked_sub(WINDOW.0.get().addr())?;
    (offset + piece.len() <= BLOCK_BUFFER_BYTES as usize).then_some(offset as u32)
}

/// Place of a piece in the page.
fn page_offset(piece: NonNull<[u8]>, direction: BufferDirection) -> u32 {
    assert!(piece.len() <= PIECE_BYTES, "only header and status are copied");
    if let BufferDirection::DriverToDevice = direction { 0 } else { STATUS_OFFSET }
}

fn page_pointer(offset: u32) -> *mut u8 {
    (PAGE.load(Relaxed) + offset) as *mut u8
}

/// The device's view of memory; one request at a time.
pub struct DmaHal;

// SAFETY: `dma_alloc` returns pages that root gave out once, zeroed and contiguous; the other functions
// state their own arguments.
unsafe impl Hal for DmaHal {
    fn dma_alloc(pages: usize, _: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        match request::dma_alloc((pages * PAGE_SIZE) as u32) {
            Ok((address, physical)) => match NonNull::new(address as *mut u8) {
                Some(pointer) => (physical.into(), pointer),
                None => (0, NonNull::dangling()),
            },
            Err(e) => {
                println!("no memory for a queue: {e}");
                // The crate's sign of failure.
                (0, NonNull::dangling())
            }
        }
    }

    unsafe fn dma_dealloc(_: PhysAddr, _: NonNull<u8>, _: usize) -> i32 {
        // A device that failed may still write there: the pages stay allocated.
        0
    }

    unsafe fn mmio_phys_to_virt(_: PhysAddr, _: usize) -> NonNull<u8> {
        unreachable!("only PCI asks")
    }

    unsafe fn share(piece: NonNull<[u8]>, direction: BufferDirection) -> PhysAddr {
        if let Some(offset) = window_offset(piece) {
            return (BUFFER_PHYSICAL.load(Relaxed) + offset).into();
        }
        let offset = page_offset(piece, direction);
        if let BufferDirection::DriverToDevice = direction {
            for i in 0..piece.len() {
                // SAFETY: 1. the caller lends `piece`; 2. the page is ours and the piece fits.
                unsafe { page_pointer(offset).add(i).write_volatile(piece.cast::<u8>().add(i).read()) };
            }
        }
        (PAGE_PHYSICAL.load(Relaxed) + offset).into()
    }

    unsafe fn unshare(_: PhysAddr, piece: NonNull<[u8]>, direction: BufferDirection) {
        if window_offset(piece).is_some() || direction == BufferDirection::DriverToDevice {
            return;
        }
        let offset = page_offset(piece, direction);
        for i in 0..piece.len() {
            // SAFETY: as in `share`; volatile because the device wrote it.
            unsafe { piece.cast::<u8>().add(i).write(page_pointer(offset).add(i).read_volatile()) };
        }
    }
}
