//! Root as the engine's host.
// UNSAFETY: the stop window's data page is shared with a stopped target's thread while it runs a stub.
#![expect(unsafe_code)]

use core::ptr::NonNull;

use thaw_core_patch::{Env, Host, HostResult, ObjectInfo, ObjectKind, PdInfo, ThreadInfo, ThreadLookup};
use thaw_l4::{Cap, CapIndex, Error, Kernel, ObjectError, Real, raw};
use thaw_native_abi::{layout::THREADS_MAX, pd::object};
use volatile::VolatilePtr;

use thaw_root::client::InternalClient;
use thaw_root::internal::is_fixed_slot;

/// The stop window's data page as root sees it.
pub(super) struct Window(NonNull<[u32; 1024]>);

impl Window {
    /// Wraps the page at `addr`.
    ///
    /// # Safety
    ///
    /// The page is mapped and aligned, and belongs to the service for good.
    pub(super) unsafe fn new(addr: u32) -> Option<Self> {
        NonNull::new(addr as usize as *mut [u32; 1024]).map(Self)
    }

    fn word(&self, i: usize) -> VolatilePtr<'_, u32> {
        assert!(i < 1024, "stop window word out of range");
        // SAFETY: `new` was promised a mapped and aligned page, and `i` lies in it.
        unsafe { VolatilePtr::new(self.0.cast::<u32>().add(i)) }
    }

    /// Writes word `i`.
    pub(super) fn set(&self, i: usize, value: u32) {
        self.word(i).write(value);
    }

    fn get(&self, i: usize) -> u32 {
        self.word(i).read()
    }
}

/// Root's books, asked for one fact at a time.
pub(super) struct RootHost<'k, K: Kernel> {
    pub(super) client: InternalClient<'k, K>,
    /// For what cannot be refused.
    pub(super) steady: InternalClient<'k, Real>,
    pub(super) env: Env,
    pub(super) window: Window,
    /// Whether user mode can read a counter on this board.
    pub(super) counter_hz: u32,
}

const END_OF_LIST: Error = Error::Object(ObjectError(raw::L4_ENOENT));
const END_OF_THREADS: Error = Error::Object(ObjectError(raw::L4_ERANGE));

impl<K: Kernel> Host for RootHost<'_, K> {
    fn env(&self) -> Env {
        self.env
    }

    fn pd(&mut self, client: u32, pd: u32) -> Option<PdInfo> {
        self.client.pd(client, pd).ok().map(|facts| PdInfo { id: facts.id, task: facts.task })
    }

    fn is_there(&mut self, pd: PdInfo) -> bool {
        // Must not fail: a target that stands still would be forgotten.
        self.steady.there(pd.id).is_ok()
    }

    fn thread(&mut self, pd: PdInfo, i: usize) -> HostResult<ThreadLookup> {
        match self.client.thread(pd.id, i as u32) {
            Ok(facts) => Ok(ThreadLookup::Thread(ThreadInfo {
                cap: facts.cap,
                utcb: facts.utcb,
                priority: facts.priority,
                exc_handler: facts.pager_slot,
                started: facts.started,
                serial: facts.serial,
                enters_thumb: facts.enters_thumb,
            })),
            Err(END_OF_LIST) => Ok(ThreadLookup::Hole),
            Err(END_OF_THREADS) => Ok(ThreadLookup::End),
            Err(e) => Err(e.number()),
        }
    }

    fn object(&mut self, pd: PdInfo, n: usize) -> HostResult<Option<ObjectInfo>> {
        let facts = match self.client.object(pd.id, n as u32) {
            Ok(facts) => facts,
            Err(END_OF_LIST) => return Ok(None),
            Err(e) => return Err(e.number()),
        };
        let kind = match facts.kind {
            object::GATE => ObjectKind::Gate(Cap::new(facts.own)),
            object::SEMAPHORE => ObjectKind::Semaphore(Cap::new(facts.own)),
            _ => ObjectKind::Irq(Cap::new(facts.own)),
        };
        Ok(Some(ObjectInfo {
            slot: facts.slot,
            kind,
            badge: facts.label,
            thread: Some(facts.thread as usize).filter(|i| *i < THREADS_MAX as usize),
        }))
    }

    fn freeze(&mut self, pd: PdInfo) -> HostResult<()> {
        self.client.freeze(pd.id).map_err(Error::number)
    }

    fn thaw(&mut self, pd: PdInfo) {
        // Fails only if the PD is gone, and then there is nothing to thaw.
        let _ = self.steady.thaw(pd.id);
    }

    fn abandoned(&mut self, pd: PdInfo) {
        // As above.
        let _ = self.steady.abandoned(pd.id);
    }

    fn enter_thumb(&mut self, pd: PdInfo, i: usize) -> bool {
        // As above.
        self.steady.enter_thumb(pd.id, i as u32).unwrap_or(false)
    }

    fn started(&mut self, pd: PdInfo, i: usize) {
        // As above.
        let _ = self.steady.started(pd.id, i as u32);
    }

    fn peek(&mut self, pd: PdInfo, addr: u32) -> Option<u32> {
        self.client.peek(pd.id, addr).ok()
    }

    fn is_fixed_slot(&self, slot: CapIndex) -> bool {
        is_fixed_slot(slot.0)
    }

    fn window_word(&self, i: usize) -> u32 {
        self.window.get(i)
    }

    fn set_window_word(&self, i: usize, value: u32) {
        self.window.set(i, value);
    }

    fn ticks(&self) -> Option<u64> {
        (self.counter_hz != 0).then(l4_sys::syscall::cntvct)
    }

    fn now_us(&self) -> Option<u64> {
        Some(self.ticks()?.saturating_mul(1_000) / u64::from((self.counter_hz / 1_000).max(1)))
    }
}
