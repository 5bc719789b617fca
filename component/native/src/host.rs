//! The native system: requests to root, one function per request.

use core::cell::Cell;
use core::fmt;

use thaw_component::host::{
    CopyRoutine, Counts, Dataspace, DataspaceKind, FixedSlot, Held, Host, HostError, HostResult, Life,
    Listed, Memory, NewThread, Object, ObjectKind, PdInfo, Region, Span, ThreadAt, ThreadInfo, Whose,
};
use thaw_component::trace::Tracer;
use thaw_image::Name;
use thaw_l4::faults::FaultKind;
use thaw_l4::{CapIndex, Kernel, RecvBuffer, ipc, raw};
use thaw_native_abi::layout::{
    AREA_PAGER, SLOT_END, SLOT_LOG, SLOT_MANAGER, SLOT_PD, SLOT_THREADS, SLOT_USER, THREADS_MAX, UTCB_AREA,
};
use thaw_native_abi::{manager, name_bytes, name_words, pd, target};

use crate::Platform;
use crate::request::{ask, until};

/// PDs that the checkpointer can hold at once.
const PDS_MAX: u32 = 8;
/// First slot for the capabilities of PDs.
const FIRST_PD: u32 = SLOT_USER;

/// Root, seen from the checkpointer's PD.
pub struct NativeHost<'k, K: Kernel, P: Platform> {
    kernel: &'k K,
    platform: P,
    /// Slots with PDs, one bit each.
    held: Cell<u32>,
    tracer: Tracer,
}

impl<'k, K: Kernel, P: Platform> NativeHost<'k, K, P> {
    /// Holds no PD yet.
    pub const fn new(kernel: &'k K, platform: P) -> Self {
        Self { kernel, platform, held: Cell::new(0), tracer: Tracer::new() }
    }

    /// The platform.
    pub const fn platform(&self) -> &P {
        &self.platform
    }

    fn manager<const N: usize>(&self, words: &[u32]) -> HostResult<[u32; N]> {
        ask(self.kernel, SLOT_MANAGER, words)
    }

    /// A request whose answer is the capability of a PD.
    fn take_pd(&self, words: &[u32]) -> HostResult<CapIndex> {
        let n = (!self.held.get()).trailing_zeros();
        if n >= PDS_MAX {
            return Err(HostError(raw::L4_ENOMEM));
        }
        let slot = CapIndex(FIRST_PD + n);
        ipc::set_buffers(self.kernel, &[RecvBuffer::capability(slot)], false);
        let made = self.manager::<1>(words);
        // No other answer may put anything into the slot.
        ipc::set_buffers(self.kernel, &[], false);
        made.map(|_| {
            self.held.set(self.held.get() | 1 << n);
            slot
        })
    }

    fn own<const N: usize>(&self, words: &[u32]) -> HostResult<[u32; N]> {
        ask(self.kernel, SLOT_PD, words)
    }

    fn pd<const N: usize>(&self, pd: CapIndex, words: &[u32]) -> HostResult<[u32; N]> {
        ask(self.kernel, pd.0, words)
    }

    fn list<const N: usize>(&self, pd: CapIndex, request: u32, n: u32) -> Listed<[u32; N]> {
        until(self.pd(pd, &[request, n]), raw::L4_ENOENT)
    }

    /// Makes zeroed RAM charged to a PD; returns its id.
    pub fn ram_zeroed(&self, pd: CapIndex, bytes: u32) -> HostResult<u32> {
        self.pd(pd, &[pd::RAM_CREATE, bytes]).map(|[id]| id)
    }

    /// Makes and starts the first thread of a program.
    pub fn thread_start(&self, pd: CapIndex, ip: u32, sp: u32, priority: u32, name: &str) -> HostResult<()> {
        let n = name_words(name);
        let words = [pd::THREAD_CREATE, 0, ip, sp, priority, 0, pd::THREAD_START, n[0], n[1], n[2], n[3]];
        self.pd::<0>(pd, &words).map(|_| ())
    }

    /// Ends the run.
    pub fn power_off(&self) {
        // Should root refuse, whoever watches ends the run by its timeout.
        let _ = self.manager::<0>(&[manager::POWER_OFF]);
    }
}

/// The words of a name that fits; a longer one names nothing here.
fn words_of(name: Name) -> HostResult<[u32; 4]> {
    if name.as_str().len() > 16 { Err(HostError(raw::L4_ENOENT)) } else { Ok(name_words(name.as_str())) }
}

/// The name in an answer; what is no text is shown as such.
fn name_of(words: [u32; 4]) -> Name {
    let (bytes, len) = name_bytes(words);
    let text = core::str::from_utf8(&bytes[..len]).unwrap_or("?");
    Name::new(text).unwrap_or(Name::EMPTY)
}

impl<K: Kernel, P: Platform> Host for NativeHost<'_, K, P> {
    type Pd = CapIndex;

    fn pd_create(&self, name: Name, quota_pages: u32) -> HostResult<CapIndex> {
        let w = name_words(name.as_str());
        self.take_pd(&[manager::PD_CREATE, quota_pages, w[0], w[1], w[2], w[3]])
    }

    fn pd_adopt(&self, name: Name) -> Listed<CapIndex> {
        let w = name_words(name.as_str());
        until(self.take_pd(&[manager::PD_ADOPT, w[0], w[1], w[2], w[3]]), raw::L4_ENOENT)
    }

    fn pd_destroy(&self, pd: CapIndex) -> HostResult<()> {
        self.pd::<0>(pd, &[pd::DESTROY])?;
        // The kernel empties the slot with the object.
        self.held.set(self.held.get() & !(1 << (pd.0 - FIRST_PD)));
        Ok(())
    }

    fn pd_info(&self, pd: CapIndex) -> HostResult<PdInfo> {
        let [badge, quota_pages, _, _, flags, code, n @ ..] = self.pd::<10>(pd, &[pd::INFO])?;
        let life = match flags {
            f if f & pd::FLAG_FAULTED != 0 => Life::Faulted,
            f if f & pd::FLAG_EXITED != 0 => Life::Exited(code),
            _ => Life::Running,
        };
        Ok(PdInfo { badge, quota_pages, life, name: name_of(n) })
    }

    fn changes(&self, pd: CapIndex) -> Option<u32> {
        self.pd::<11>(pd, &[pd::INFO]).map(|words| words[10]).ok()
    }

    fn ram_blank(&self, pd: CapIndex, bytes: u32) -> HostResult<u32> {
        self.pd(pd, &[pd::RAM_BLANK, bytes]).map(|[id]| id)
    }

    fn ram_fill(&self, pd: CapIndex, dataspace: u32, bytes: u32, from: Option<Span>) -> HostResult<()> {
        let addr = from.map_or(0, |span| span.addr);
        self.pd::<0>(pd, &[pd::RAM_FILL, dataspace, bytes, addr]).map(|_| ())
    }

    fn attach(&self, pd: CapIndex, region: &Region) -> HostResult<()> {
        let Region { addr, bytes, dataspace, offset, rights } = *region;
        self.pd::<0>(pd, &[pd::ATTACH, dataspace, addr, offset, bytes, rights]).map(|_| ())
    }

    fn thread_create(&self, pd: CapIndex, thread: &NewThread) -> HostResult<()> {
        let n = name_words(thread.name.as_str());
        let NewThread { index, priority, .. } = *thread;
        let words = [pd::THREAD_CREATE, index, 0, 0, priority, 0, 0, n[0], n[1], n[2], n[3]];
        self.pd::<0>(pd, &words).map(|_| ())
    }

    fn gate_create(&self, pd: CapIndex, slot: u32, thread: u32, badge: u32) -> HostResult<()> {
        self.pd::<0>(pd, &[pd::GATE_CREATE, slot, thread, badge]).map(|_| ())
    }

    fn irq_create(&self, pd: CapIndex, slot: u32, thread: u32, label: u32) -> HostResult<()> {
        self.pd::<0>(pd, &[pd::IRQ_CREATE, slot, thread, label]).map(|_| ())
    }

    fn semaphore_create(&self, pd: CapIndex, slot: u32) -> HostResult<()> {
        self.pd::<0>(pd, &[pd::SEMAPHORE_CREATE, slot]).map(|_| ())
    }

    fn slot_set(&self, pd: CapIndex, slot: u32, rights: u32, what: Held) -> HostResult<()> {
        let (what, number) = match what {
            Held::Object(slot) => (pd::HELD_OBJECT, slot),
            Held::Thread(index) => (pd::HELD_THREAD, index),
        };
        self.pd::<0>(pd, &[pd::SLOT_SET, slot, rights, what, number]).map(|_| ())
    }

    fn region(&self, pd: CapIndex, n: u32) -> Listed<Region> {
        let found = self.list(pd, pd::REGION_GET, n)?;
        Ok(found.map(|[addr, bytes, dataspace, offset, rights]| Region {
            addr,
            bytes,
            dataspace,
            offset,
            rights,
        }))
    }

    fn dataspace(&self, pd: CapIndex, n: u32) -> Listed<Dataspace> {
        let found = self.list::<7>(pd, pd::DATASPACE_GET, n)?;
        Ok(found.map(|[id, bytes, kind, n @ ..]| {
            let kind = match kind {
                pd::dataspace::RAM => DataspaceKind::Ram,
                pd::dataspace::ROM => DataspaceKind::Rom(name_of(n)),
                _ => DataspaceKind::Other,
            };
            Dataspace { id, bytes, kind }
        }))
    }

    fn object(&self, pd: CapIndex, n: u32) -> Listed<Object> {
        let found = self.list(pd, pd::OBJECT_GET, n)?;
        Ok(found.map(|[slot, kind, badge, thread]| {
            let kind = match kind {
                pd::object::GATE => ObjectKind::Gate,
                pd::object::SEMAPHORE => ObjectKind::Semaphore,
                _ => ObjectKind::Irq,
            };
            Object { slot, kind, badge, thread }
        }))
    }

    fn thread(&self, pd: CapIndex, index: u32) -> HostResult<ThreadAt> {
        match self.list::<6>(pd, pd::THREAD_GET, index) {
            Ok(None) => Ok(ThreadAt::Hole),
            Ok(Some([flags, priority, n @ ..])) => {
                let started = flags & pd::THREAD_STARTED != 0;
                Ok(ThreadAt::Thread(ThreadInfo { started, priority, name: name_of(n) }))
            }
            Err(HostError(raw::L4_ERANGE)) => Ok(ThreadAt::End),
            Err(error) => Err(error),
        }
    }

    fn clock_us(&self, pd: CapIndex) -> HostResult<u64> {
        self.pd(pd, &[pd::CLOCK_GET]).map(|[low, high]| u64::from(high) << 32 | u64::from(low))
    }

    fn kernel_us(&self, pd: CapIndex) -> Listed<u64> {
        let clocks: [u32; 4] = self.pd(pd, &[pd::CLOCK_GET])?;
        Ok(Some(u64::from(clocks[3]) << 32 | u64::from(clocks[2])))
    }

    fn set_clock_us(&self, pd: CapIndex, us: u64) -> HostResult<()> {
        self.pd::<0>(pd, &[pd::CLOCK_SET, us as u32, (us >> 32) as u32]).map(|_| ())
    }

    fn utcb_addr(&self, index: u32) -> u32 {
        UTCB_AREA + raw::THAW_UTCB_BYTES * index
    }

    fn fixed_slot(&self, slot: u32) -> Option<FixedSlot> {
        let area = slot.wrapping_sub(SLOT_THREADS);
        match slot {
            SLOT_PD => Some(FixedSlot::Service(SLOT_PD)),
            SLOT_LOG => Some(FixedSlot::Log),
            _ if area < 4 * THREADS_MAX && area % 4 == AREA_PAGER => Some(FixedSlot::Pager),
            _ => None,
        }
    }

    fn slot_end(&self) -> u32 {
        SLOT_END
    }

    fn rom(&self, name: Name) -> Listed<(u32, u32)> {
        let opened = words_of(name).and_then(|w| self.manager(&[manager::ROM_OPEN, w[0], w[1], w[2], w[3]]));
        Ok(until(opened, raw::L4_ENOENT)?.map(|[id, bytes]| (id, bytes)))
    }

    fn show(&self, dataspace: u32, writable: bool) -> HostResult<Span> {
        let rights = if writable { raw::L4_FPAGE_RW } else { raw::L4_FPAGE_RO };
        self.manager(&[manager::ATTACH, dataspace, 0, rights]).map(|[addr, bytes]| Span { addr, bytes })
    }

    fn hide(&self, span: Span) -> HostResult<()> {
        self.manager::<0>(&[manager::DETACH, span.addr]).map(|_| ())
    }

    fn take_spare(&self, bytes: u32) -> HostResult<Span> {
        let [addr] = self.own(&[target::MEMORY_ALLOC, bytes, 0])?;
        let span = Span { addr, bytes };
        self.platform.touch(span);
        Ok(span)
    }

    fn give_spare(&self, span: Span) -> HostResult<()> {
        self.own::<0>(&[target::MEMORY_FREE, span.addr]).map(|_| ())
    }

    fn memory(&self) -> HostResult<Memory> {
        self.manager(&[manager::MEMORY_INFO])
            .map(|[free_pages, _total, own_pages]| Memory { free_pages, own_pages })
    }

    fn counts(&self) -> HostResult<Counts> {
        self.manager(&[manager::COUNTS]).map(Counts)
    }

    fn copy(&self, to: Span, from: Span, routine: CopyRoutine) {
        self.platform.copy(to, from, routine);
    }

    fn read(&self, from: Span, to: &mut [u8]) {
        self.platform.read(from, to);
    }

    fn write(&self, to: Span, from: &[u8]) {
        self.platform.write(to, from);
    }

    fn make_coherent(&self, span: Span) {
        self.platform.make_coherent(span);
    }

    fn ticks(&self) -> Option<u64> {
        self.platform.ticks()
    }

    fn counter_hz(&self) -> u32 {
        self.platform.counter_hz()
    }

    fn sleep_ms(&self, ms: u32) {
        self.platform.sleep_ms(ms);
    }

    fn pause(&self, ticks: u64, turns: u32, us: u32) {
        self.platform.pause(ticks, turns, us);
    }

    fn say(&self, line: fmt::Arguments<'_>) {
        self.platform.say(line);
    }

    fn order_fault(&self, whose: Whose, kind: FaultKind, n: u32) -> HostResult<u32> {
        let whose = match whose {
            Whose::Main => manager::MAIN,
            Whose::Service => manager::SERVICE,
            Whose::Life => manager::LIFE,
            Whose::Own => {
                let faults = self.platform.faults().ok_or(HostError(raw::L4_ENOSYS))?;
                return Ok(faults.order(kind, n));
            }
        };
        self.manager(&[manager::FAULT, whose, kind as u32, n]).map(|[left]| left)
    }

    fn lives(&self) -> HostResult<u32> {
        self.manager(&[manager::LIVES]).map(|[lives]| lives)
    }

    fn kernel_counts(&self) -> Listed<[u32; 7]> {
        until(self.manager(&[manager::KERNEL_COUNTS]), raw::L4_ENOSYS)
    }

    fn tracer(&self) -> Option<&Tracer> {
        Some(&self.tracer)
    }
}
