//! A task with the threads and objects of one case, and the engine's view of it.

use core::cell::Cell;

use thaw_core_patch::{Env, Host, HostResult, ObjectInfo, ObjectKind, PdInfo, ThreadInfo, ThreadLookup};
use thaw_l4::{
    Cap, CapIndex, ExRegs, Factory, Fpage, Gate, Irq, Kernel, MsgTag, Op, Real, Result, Scheduler, Selector,
    Task, Thread, ThreadControl, Timeout, Timeouts, raw,
};

use crate::cases::{self, Case, Object};
use crate::memory::Page;
use crate::script;

/// Root's own capabilities.
pub const ROOT_TASK: Cap<Task> = Cap::new(CapIndex(raw::THAW_INDEX_TASK));
const FACTORY: Cap<Factory> = Cap::new(CapIndex(raw::THAW_INDEX_FACTORY));
/// The thread that runs the engine.
pub const HANDLER: Cap<Thread> = Cap::new(CapIndex(raw::THAW_INDEX_THREAD));
const SCHEDULER: Cap<Scheduler> = Cap::new(CapIndex(raw::THAW_INDEX_SCHEDULER));

const UTCB_AREA: u32 = 0xb300_0000;
const UTCB_ORDER: u32 = 15;
const STOP_WINDOW: u32 = 0xafff_e000;
const STOP_GATES: CapIndex = CapIndex(0x100);
const BARRIER_GATE: CapIndex = CapIndex(0x180);
const BARRIER_THREAD: Cap<Thread> = Cap::new(CapIndex(0x181));
/// Page faults and exceptions of the threads come here.
const PAGER_GATE: CapIndex = CapIndex(0x182);
const PAGER_THREAD: Cap<Thread> = Cap::new(CapIndex(0x183));
/// Neighbours of the set: the one that is busy, the IRQ that wakes it, and the forger.
const BUSY_THREAD: Cap<Thread> = Cap::new(CapIndex(0x184));
const BUSY_IRQ: Cap<Irq> = Cap::new(CapIndex(0x185));
const FORGER_THREAD: Cap<Thread> = Cap::new(CapIndex(0x186));
const REPLY_SLOTS: CapIndex = CapIndex(0x200);
const PLACES: u32 = 0x400;
/// Root's slots of one place: task, threads, objects.
const PLACE_SLOTS: u32 = 0x60;
const THREADS_AT: u32 = 1;
const OBJECTS_AT: u32 = 0x48;
/// Slot, in the threads' task, of its pager.
pub const IN_PAGER: CapIndex = CapIndex(0x10);
const IN_SCRATCH: CapIndex = CapIndex(0x18);
const IN_STOP: CapIndex = CapIndex(0x40);
/// Slot of object 0.
pub const IN_OBJECTS: u32 = 0x100;
/// Slots that are looked at.
const SLOTS_END: u32 = 0x120;
const LIFT: u32 = 100;
/// Longest time that a pass of the barrier may take, and how long the busy neighbour works.
const BARRIER_US: u32 = 60_000;
const BUSY_US: u32 = 3 * BARRIER_US;

/// What is made once, before any place: handler, and threads with their stacks.
pub fn set_up_handler(
    k: &Real,
    (barrier, barrier_stack): (extern "C" fn() -> !, u32),
    (pager, pager_stack): (extern "C" fn() -> !, u32),
) -> Result<()> {
    SCHEDULER.run_thread(k, HANDLER, 200)?;
    for i in 0..script::THREADS {
        FACTORY.create_gate(k, STOP_GATES.plus(i as u32), HANDLER, Env::stop_label(i))?;
    }
    FACTORY.create_gate(k, BARRIER_GATE, HANDLER, Env::BARRIER_LABEL)?;
    spawn(k, BARRIER_THREAD, barrier, barrier_stack, 0xbfff_0200, LIFT)?;
    spawn(k, PAGER_THREAD, pager, pager_stack, 0xbfff_0400, 190)?;
    FACTORY.create_gate(k, PAGER_GATE, PAGER_THREAD, 0x6000).map(|_| ())
}

/// Makes those who are not of the set.
pub fn set_up_neighbours(
    k: &Real,
    (busy, busy_stack): (extern "C" fn() -> !, u32),
    (forger, forger_stack): (extern "C" fn() -> !, u32),
) -> Result<()> {
    FACTORY.create_irq(k, BUSY_IRQ.index())?;
    spawn(k, BUSY_THREAD, busy, busy_stack, 0xbfff_0600, 180)?;
    BUSY_IRQ.bind(k, BUSY_THREAD, 0x7000)?;
    spawn(k, FORGER_THREAD, forger, forger_stack, 0xbfff_0800, 5)
}

/// Works whenever it is woken.
pub fn busy_loop(k: &impl Kernel) -> ! {
    loop {
        k.ipc(Selector::nobody(Op::WAIT), MsgTag::default(), Timeouts::NEVER, 0);
        let frequency = l4_sys::syscall::cntfrq();
        let end = l4_sys::syscall::cntvct() + u64::from(BUSY_US) * u64::from(frequency) / 1_000_000;
        while l4_sys::syscall::cntvct() < end {}
    }
}

/// Says, as often as it may, that thread 1 is in an exception.
pub fn forger_loop(k: &impl Kernel, may: impl Fn() -> bool) -> ! {
    loop {
        if !may() {
            thaw_l4::ipc::sleep(k, Timeouts::new(Timeout::NEVER, Timeout::from_us(1_000)));
            continue;
        }
        let words = k.revision().exception_words();
        (0..words as usize).for_each(|i| k.set_mr(i, 0));
        k.set_mr(raw::THAW_EXC_CPSR as usize, 0x10);
        let tag = MsgTag::new(raw::L4_PROTO_EXCEPTION, words, 0, 0);
        // When nobody waits for it it is not left in a queue.
        let timeouts = Timeouts::new(Timeout::ZERO, Timeout::from_us(50_000));
        k.ipc(STOP_GATES.plus(1).select(Op::CALL), tag, timeouts, 0);
    }
}

fn spawn(
    k: &Real,
    thread: Cap<Thread>,
    entry: extern "C" fn() -> !,
    stack: u32,
    utcb: u32,
    priority: u32,
) -> Result<()> {
    FACTORY.create_thread(k, thread.index())?;
    let pager = Some(CapIndex(raw::THAW_INDEX_PAGER));
    thread.control(k, ThreadControl { pager, exc_handler: pager, bind: Some((ROOT_TASK, utcb)) })?;
    let start = ExRegs { ip: Some(entry as *const () as u32), sp: Some(stack), flags: 0 };
    thread.ex_regs(k, start)?;
    SCHEDULER.run_thread(k, thread, priority)
}

/// Answers triggered exceptions at once, and a page fault when it may; exceptions with a cause never.
pub fn pager_loop(k: &impl Kernel, may_answer: impl Fn() -> bool) -> ! {
    loop {
        thaw_l4::ipc::set_buffers(k, &[], false);
        let Ok(incoming) = thaw_l4::ipc::wait(k, Timeouts::NEVER) else { continue };
        match incoming.tag.label() {
            raw::L4_PROTO_EXCEPTION if k.mr(raw::THAW_EXC_ERR as usize) >> 26 == 0x3e => {}
            raw::L4_PROTO_PAGE_FAULT => {
                while !may_answer() {
                    thaw_l4::ipc::sleep(k, Timeouts::new(Timeout::NEVER, Timeout::from_us(300)));
                }
            }
            _ => continue,
        }
        let at_once = Timeouts::new(Timeout::ZERO, Timeout::ZERO);
        k.ipc(Selector::nobody(Op::REPLY), MsgTag::default(), at_once, 0);
    }
}

/// Calls the barrier gate for ever.
pub fn barrier_loop(k: &impl Kernel) -> ! {
    loop {
        k.ipc(BARRIER_GATE.select(Op::CALL), MsgTag::default(), Timeouts::NEVER, 0);
    }
}

/// One task with its threads.
#[derive(Clone, Copy)]
pub struct Place {
    case: &'static Case,
    base: u32,
    started: u64,
    ended: u64,
}

impl Place {
    /// Makes task, threads and objects; nothing runs yet. Each `generation` has its own root slots.
    pub fn make(k: &Real, case: &'static Case, generation: u32) -> Result<Self> {
        let base = PLACES + PLACE_SLOTS * generation;
        let place = Self { case, base, started: 0, ended: 0 };
        FACTORY.create_task(k, CapIndex(base), Fpage::memory(UTCB_AREA, UTCB_ORDER, 0))?;
        let task = place.task();
        task.map_cap(k, ROOT_TASK, PAGER_GATE, IN_PAGER, raw::L4_CAP_FPAGE_RWS, 0)?;
        for (start, end) in script::pages() {
            for page in (start..end).step_by(4096) {
                task.map(k, ROOT_TASK, Fpage::memory(page, 12, raw::L4_FPAGE_RWX), page, 0)?;
            }
        }
        let given = Fpage::memory(script::pages()[1].0, 12, raw::L4_FPAGE_RWX);
        task.map(k, ROOT_TASK, given, cases::GIVEN_PAGE, 0)?;
        for (i, (priority, _)) in case.threads.iter().enumerate() {
            let thread = place.thread(i);
            FACTORY.create_thread(k, thread.index())?;
            let pager = Some(IN_PAGER);
            thread.control(k, ThreadControl { pager, exc_handler: pager, bind: Some((task, utcb(i))) })?;
            SCHEDULER.run_thread(k, thread, *priority)?;
        }
        for (n, object) in case.objects.iter().enumerate() {
            let own = place.object(n);
            match *object {
                Object::Gate(thread, badge) => {
                    FACTORY.create_gate(k, own, place.thread(thread), badge)?;
                }
                Object::Irq(thread, label) => {
                    FACTORY.create_irq(k, own)?.bind(k, place.thread(thread), label)?;
                }
                Object::Thread(thread) => {
                    let what = place.thread(thread).index();
                    task.map_cap(k, ROOT_TASK, what, slot(n), raw::L4_CAP_FPAGE_RWS, 0)?;
                    continue;
                }
                Object::Semaphore => {
                    FACTORY.create_semaphore(k, own)?;
                }
                Object::Foreign => {
                    task.map_cap(k, ROOT_TASK, BARRIER_GATE, slot(n), raw::L4_CAP_FPAGE_RWS, 0)?;
                    continue;
                }
            }
            task.map_cap(k, ROOT_TASK, own, slot(n), raw::L4_CAP_FPAGE_RWS, 0)?;
        }
        Ok(place)
    }

    /// Starts all threads.
    pub fn start(&mut self, k: &Real) -> Result<()> {
        for i in 0..self.case.threads.len() {
            let start = ExRegs { ip: Some(script::entry()), sp: Some(script::script(i)), flags: 0 };
            self.thread(i).ex_regs(k, start)?;
            self.started |= 1 << i;
        }
        Ok(())
    }

    /// Deletes a thread, which runs its last in the kernel before the next barrier has passed.
    pub fn end(&mut self, k: &Real, i: usize) -> Result<()> {
        self.ended |= 1 << i;
        SCHEDULER.run_thread(k, self.thread(i), LIFT + 1)?;
        ROOT_TASK.delete(k, self.thread(i).index())
    }

    /// Deletes everything.
    pub fn destroy(self, k: &Real) -> Result<()> {
        for i in (0..self.case.threads.len()).filter(|i| self.ended & (1 << i) == 0) {
            ROOT_TASK.delete(k, self.thread(i).index())?;
        }
        for (n, object) in self.case.objects.iter().enumerate() {
            if !matches!(object, Object::Thread(_) | Object::Foreign) {
                ROOT_TASK.delete(k, self.object(n))?;
            }
        }
        ROOT_TASK.delete(k, self.task().index())
    }

    /// Its task.
    pub fn task(&self) -> Cap<Task> {
        Cap::new(CapIndex(self.base))
    }

    /// Thread `i`.
    pub fn thread(&self, i: usize) -> Cap<Thread> {
        Cap::new(CapIndex(self.base + THREADS_AT + i as u32))
    }

    /// IRQ object `n`.
    pub fn irq(&self, n: usize) -> Cap<Irq> {
        Cap::new(self.object(n))
    }

    fn object(&self, n: usize) -> CapIndex {
        CapIndex(self.base + OBJECTS_AT + n as u32)
    }

    fn gate(&self, n: usize) -> Cap<Gate> {
        Cap::new(self.object(n))
    }
}

const fn slot(n: usize) -> CapIndex {
    CapIndex(IN_OBJECTS + n as u32)
}

fn utcb(i: usize) -> u32 {
    UTCB_AREA + raw::THAW_UTCB_BYTES * i as u32
}

/// The engine's host: the place that is current.
pub struct Stage<'a> {
    /// The place; replaced by a restore.
    pub place: &'a Cell<Place>,
    /// The stop window as the handler sees it: code, data.
    pub window: [&'static Page; 2],
    /// Of the next stop: the busy neighbour is to be woken.
    pub wakes: &'a Cell<bool>,
}

impl Host for Stage<'_> {
    fn env(&self) -> Env {
        Env {
            core_task: ROOT_TASK,
            scheduler: SCHEDULER,
            handler: HANDLER,
            barrier: BARRIER_THREAD,
            stop_gates: STOP_GATES,
            stop_slot: IN_STOP,
            stop_slot_stride: 1,
            window_code: self.window[0].addr(),
            window_data: self.window[1].addr(),
            pd_window: STOP_WINDOW,
            reply_slots: REPLY_SLOTS,
            scratch_slots: IN_SCRATCH,
            lift: LIFT,
            slots: (IN_OBJECTS, SLOTS_END),
            barrier_us: BARRIER_US,
        }
    }

    fn pd(&mut self, _client: u32, _pd: u32) -> Option<PdInfo> {
        Some(PdInfo { id: 1, task: self.place.get().task() })
    }

    fn thread(&mut self, _pd: PdInfo, i: usize) -> HostResult<ThreadLookup> {
        let place = self.place.get();
        let Some((priority, _)) = place.case.threads.get(i) else { return Ok(ThreadLookup::End) };
        if place.ended & (1 << i) != 0 {
            return Ok(ThreadLookup::Hole);
        }
        Ok(ThreadLookup::Thread(ThreadInfo {
            cap: place.thread(i),
            utcb: utcb(i),
            priority: *priority,
            exc_handler: IN_PAGER,
            started: place.started & (1 << i) != 0,
            serial: place.thread(i).index().0,
            enters_thumb: false,
        }))
    }

    fn object(&mut self, _pd: PdInfo, n: usize) -> HostResult<Option<ObjectInfo>> {
        let place = self.place.get();
        let made = |o: &&Object| !matches!(o, Object::Foreign);
        let Some(object) = place.case.objects.iter().filter(made).nth(n) else { return Ok(None) };
        let at = place.case.objects.iter().position(|o| core::ptr::eq(o, object)).unwrap_or(0);
        let (kind, badge, thread) = match *object {
            Object::Gate(thread, badge) => (ObjectKind::Gate(place.gate(at)), badge, Some(thread)),
            Object::Irq(thread, label) => (ObjectKind::Irq(place.irq(at)), label, Some(thread)),
            Object::Semaphore => (ObjectKind::Semaphore(place.irq(at)), 0, None),
            Object::Thread(thread) => (ObjectKind::Thread, 0, Some(thread)),
            Object::Foreign => return Ok(None),
        };
        Ok(Some(ObjectInfo { slot: slot(at), kind, badge, thread }))
    }

    fn freeze(&mut self, _pd: PdInfo) -> HostResult<()> {
        Ok(())
    }

    fn thaw(&mut self, _pd: PdInfo) {}

    fn started(&mut self, _pd: PdInfo, i: usize) {
        let place = self.place.get();
        self.place.set(Place { started: place.started | 1 << i, ..place });
    }

    fn peek(&mut self, _pd: PdInfo, addr: u32) -> Option<u32> {
        if self.wakes.take() {
            BUSY_IRQ.trigger(&thaw_rt::kernel()).expect("trigger");
        }
        script::peek(addr)
    }

    fn is_fixed_slot(&self, slot: CapIndex) -> bool {
        slot == IN_PAGER
    }

    fn now_us(&self) -> Option<u64> {
        let frequency = u64::from(l4_sys::syscall::cntfrq().max(1));
        Some(l4_sys::syscall::cntvct() * 1_000 / (frequency / 1_000))
    }

    fn window_word(&self, i: usize) -> u32 {
        self.window[1].get(i)
    }

    fn set_window_word(&self, i: usize, value: u32) {
        self.window[1].set(i, value);
    }
}
