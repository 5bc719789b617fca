// SPDX-License-Identifier: AGPL-3.0-only
//! Genode's core as the engine's host.
// UNSAFETY: the stop window's data page is shared with a stopped target's thread while it runs a stub.
#![expect(unsafe_code)]

use core::ptr::NonNull;

use thaw_core_patch::{Env, Host, HostResult, ObjectInfo, ObjectKind, PdInfo, ThreadInfo, ThreadLookup};
use thaw_l4::{Cap, CapIndex, raw};
use thaw_protocol::slot_kind;
use volatile::VolatilePtr;

use crate::abi;

/// One page that core sees at an address.
pub(crate) struct Page(NonNull<[u32; 1024]>);

impl Page {
    /// Wraps the page at `addr`.
    ///
    /// # Safety
    ///
    /// The page is mapped and aligned, and belongs to the service for good.
    pub(crate) unsafe fn new(addr: u32) -> Option<Self> {
        NonNull::new(addr as usize as *mut [u32; 1024]).map(Self)
    }

    fn word(&self, i: usize) -> VolatilePtr<'_, u32> {
        assert!(i < 1024, "word outside the page");
        // SAFETY: `new` was promised a mapped and aligned page, and `i` lies in it.
        unsafe { VolatilePtr::new(self.0.cast::<u32>().add(i)) }
    }

    pub(crate) fn set(&self, i: usize, value: u32) {
        self.word(i).write(value);
    }

    fn get(&self, i: usize) -> u32 {
        self.word(i).read()
    }
}

/// Core's objects, asked for one fact at a time.
pub(crate) struct CoreHost {
    pub(crate) env: Env,
    pub(crate) window: Page,
}

impl Host for CoreHost {
    fn env(&self) -> Env {
        self.env
    }

    /// The C++ part has checked whose PD it is before it lets anybody open it.
    fn pd(&mut self, _client: u32, _pd: u32) -> Option<PdInfo> {
        let task = abi::thaw_core_task();
        (task != 0).then(|| PdInfo { id: task, task: Cap::new(CapIndex(task)) })
    }

    fn is_there(&mut self, pd: PdInfo) -> bool {
        abi::thaw_core_has(pd.id) != 0
    }

    fn thread(&mut self, _pd: PdInfo, i: usize) -> HostResult<ThreadLookup> {
        let mut raw = abi::RawThread::default();
        Ok(match abi::thaw_core_thread(i as u32, &mut raw) {
            abi::THREAD => ThreadLookup::Thread(ThreadInfo {
                cap: Cap::new(CapIndex(raw.cap)),
                utcb: raw.utcb,
                priority: raw.priority,
                exc_handler: CapIndex(raw.exc_handler),
                started: raw.started != 0,
                serial: raw.serial,
                enters_thumb: false,
            }),
            abi::HOLE => ThreadLookup::Hole,
            _ => ThreadLookup::End,
        })
    }

    fn object(&mut self, _pd: PdInfo, n: usize) -> HostResult<Option<ObjectInfo>> {
        let mut found = abi::RawObject::default();
        match abi::thaw_core_object(n as u32, &mut found) {
            0 => return Ok(None),
            abi::FAULTING => return Err(raw::L4_EFAULT),
            _ => {}
        }
        let cap = CapIndex(found.cap);
        let kind = match found.kind {
            slot_kind::GATE => ObjectKind::Gate(Cap::new(cap)),
            slot_kind::IRQ => ObjectKind::Irq(Cap::new(cap)),
            _ => ObjectKind::Thread,
        };
        let thread = (found.thread != abi::NO_THREAD).then_some(found.thread as usize);
        Ok(Some(ObjectInfo { slot: CapIndex(found.slot), kind, badge: found.badge, thread }))
    }

    /// Core looks up what each slot holds by the kernel's global id.
    fn looks_into_slots(&self) -> bool {
        true
    }

    fn maybe_filled(&mut self, _pd: PdInfo, from: CapIndex) -> HostResult<Option<CapIndex>> {
        let slot = abi::thaw_core_maybe_filled(from.0);
        Ok((slot != abi::NO_SLOT).then_some(CapIndex(slot)))
    }

    /// Nobody but a thread of the PD itself makes or destroys anything in it, and those stand still: what was listed
    /// before they did counts no longer.
    fn freeze(&mut self, _pd: PdInfo) -> HostResult<()> {
        abi::thaw_core_forget_slots();
        Ok(())
    }

    fn thaw(&mut self, _pd: PdInfo) {}

    /// Genode's pager does not answer a triggered exception, so it goes to the mender.
    fn late_handler(&mut self, _pd: PdInfo, i: usize, info: &ThreadInfo) -> CapIndex {
        match abi::thaw_core_late(i as u32) {
            0 => info.exc_handler,
            slot => CapIndex(slot),
        }
    }

    fn bind(&mut self, _pd: PdInfo, i: usize) -> HostResult<()> {
        if abi::thaw_core_bind(i as u32) == 0 { Err(raw::L4_EINVAL) } else { Ok(()) }
    }

    fn started(&mut self, _pd: PdInfo, i: usize) {
        abi::thaw_core_started(i as u32);
    }

    fn peek(&mut self, _pd: PdInfo, addr: u32) -> Option<u32> {
        let mut value = 0;
        (abi::thaw_core_peek(addr, &mut value) != 0).then_some(value)
    }

    fn is_fixed_slot(&self, slot: CapIndex) -> bool {
        abi::thaw_core_slot(slot.0, &mut 0) == slot_kind::FIXED
    }

    fn window_word(&self, i: usize) -> u32 {
        self.window.get(i)
    }

    fn set_window_word(&self, i: usize, value: u32) {
        self.window.set(i, value);
    }
}
