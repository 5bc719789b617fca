//! A task with eight threads, made by hand, and the engine's view of it.

use thaw_core_patch::{Env, Host, HostResult, ObjectInfo, ObjectKind, PdInfo, ThreadInfo, ThreadLookup};
use thaw_l4::{
    Cap, CapIndex, ExRegs, Factory, Fpage, Gate, Irq, Kernel, Real, Result, Scheduler, Task, Thread,
    ThreadControl, raw,
};

use crate::memory::Page;
use crate::programs::{self, Program};

/// Root's own capabilities.
pub const ROOT_TASK: Cap<Task> = Cap::new(CapIndex(raw::THAW_INDEX_TASK));
const FACTORY: Cap<Factory> = Cap::new(CapIndex(raw::THAW_INDEX_FACTORY));
/// The thread that runs the engine.
pub const HANDLER: Cap<Thread> = Cap::new(CapIndex(raw::THAW_INDEX_THREAD));
/// The scheduler.
pub const SCHEDULER: Cap<Scheduler> = Cap::new(CapIndex(raw::THAW_INDEX_SCHEDULER));

const UTCB_AREA: u32 = 0xb300_0000;
const STOP_WINDOW: u32 = 0xafff_e000;
const STOP_GATES: CapIndex = CapIndex(0x100);
const BARRIER_GATE: CapIndex = CapIndex(0x180);
const BARRIER_THREAD: Cap<Thread> = Cap::new(CapIndex(0x181));
const PAGER_GATE: CapIndex = CapIndex(0x182);
const REPLY_SLOTS: CapIndex = CapIndex(0x200);
const WORLDS: u32 = 0x400;
/// Slots of the threads' task.
const IN_PAGER: CapIndex = CapIndex(0x10);
const IN_GATE: CapIndex = CapIndex(0x30);
const IN_IRQ: CapIndex = CapIndex(0x31);
const IN_STOP: CapIndex = CapIndex(0x40);
const IN_SCRATCH: CapIndex = CapIndex(0x78);

/// Badge of the server's gate and label of the waiter's IRQ.
pub const BADGE: u32 = 0x5b0;
const IRQ_LABEL: u32 = 0x70;
const LIFT: u32 = 100;

/// What the threads run, with their priorities; `None` is never started.
pub const CAST: [(Option<Program>, u32); 8] = [
    (Some(Program::Vfp), 9),
    (Some(Program::Server), 11),
    (Some(Program::Client), 10),
    (Some(Program::Client), 10),
    (Some(Program::Sleeper), 12),
    (Some(Program::Waiter), 12),
    (None, 10),
    (Some(Program::Client), 12),
];
/// Index of the server.
pub const SERVER: usize = 1;
/// Index of the waiter.
pub const WAITER: usize = 5;

/// Bit mask of the threads that are started.
pub fn started_mask() -> u32 {
    (0..CAST.len()).filter(|i| CAST[*i].0.is_some()).fold(0, |mask, i| mask | 1 << i)
}

/// What is made once, before any world.
pub fn set_up_handler(k: &Real, barrier: extern "C" fn() -> !, stack: u32) -> Result<()> {
    SCHEDULER.run_thread(k, HANDLER, 200)?;
    for i in 0..CAST.len() {
        FACTORY.create_gate(k, STOP_GATES.plus(i as u32), HANDLER, Env::stop_label(i))?;
    }
    FACTORY.create_gate(k, BARRIER_GATE, HANDLER, Env::BARRIER_LABEL)?;
    FACTORY.create_gate(k, PAGER_GATE, HANDLER, 0x6000)?;
    FACTORY.create_thread(k, BARRIER_THREAD.index())?;
    let pager = Some(CapIndex(raw::THAW_INDEX_PAGER));
    let set = ThreadControl { pager, exc_handler: pager, bind: Some((ROOT_TASK, 0xbfff_0200)) };
    BARRIER_THREAD.control(k, set)?;
    let start = ExRegs { ip: Some(barrier as *const () as u32), sp: Some(stack), flags: 0 };
    BARRIER_THREAD.ex_regs(k, start)?;
    SCHEDULER.run_thread(k, BARRIER_THREAD, LIFT)
}

/// Calls the barrier gate for ever.
pub fn barrier_loop(k: &impl Kernel) -> ! {
    loop {
        k.ipc(
            BARRIER_GATE.select(thaw_l4::Op::CALL),
            thaw_l4::MsgTag::default(),
            thaw_l4::Timeouts::NEVER,
            0,
        );
    }
}

/// One task with its threads.
#[derive(Clone, Copy)]
pub struct World {
    /// Its task.
    pub task: Cap<Task>,
    base: u32,
    started: bool,
}

impl World {
    /// Makes task, threads, gate and IRQ; nothing runs yet. Each `generation` has its own root slots.
    pub fn make(k: &Real, generation: u32) -> Result<Self> {
        let base = WORLDS + 0x20 * generation;
        let task = FACTORY.create_task(k, CapIndex(base), Fpage::memory(UTCB_AREA, 12, 0))?;
        let world = Self { task, base, started: false };
        task.map_cap(k, ROOT_TASK, PAGER_GATE, IN_PAGER, raw::L4_CAP_FPAGE_RWS, 0)?;
        for (start, end) in programs::pages() {
            for page in (start..end).step_by(4096) {
                task.map(k, ROOT_TASK, Fpage::memory(page, 12, raw::L4_FPAGE_RWX), page, 0)?;
            }
        }
        for (i, (_, priority)) in CAST.iter().enumerate() {
            world.make_thread(k, i, *priority)?;
        }
        FACTORY.create_gate(k, world.gate().index(), world.thread_cap(SERVER), BADGE)?;
        task.map_cap(k, ROOT_TASK, world.gate().index(), IN_GATE, raw::L4_CAP_FPAGE_RWS, 0)?;
        FACTORY.create_irq(k, world.irq().index())?;
        world.irq().bind(k, world.thread_cap(WAITER), IRQ_LABEL)?;
        task.map_cap(k, ROOT_TASK, world.irq().index(), IN_IRQ, raw::L4_CAP_FPAGE_RWS, 0)?;
        Ok(world)
    }

    fn make_thread(&self, k: &Real, i: usize, priority: u32) -> Result<()> {
        let thread = self.thread_cap(i);
        FACTORY.create_thread(k, thread.index())?;
        let pager = Some(IN_PAGER);
        thread.control(k, ThreadControl { pager, exc_handler: pager, bind: Some((self.task, utcb(i))) })?;
        SCHEDULER.run_thread(k, thread, priority)
    }

    /// Starts the cast.
    pub fn start(&mut self, k: &Real) -> Result<()> {
        for (i, (program, _)) in CAST.iter().enumerate() {
            let Some(program) = program else { continue };
            let parameter = match program {
                Program::Client => IN_GATE.select(thaw_l4::Op::CALL).0,
                Program::Waiter => IN_IRQ.select(thaw_l4::Op::CALL).0,
                Program::Sleeper => u32::from(thaw_l4::Timeout::from_us(3000).0),
                Program::Vfp | Program::Server => 0,
            };
            programs::set(i, 0, parameter);
            let start = ExRegs { ip: Some(program.entry()), sp: Some(programs::block(i)), flags: 0 };
            self.thread_cap(i).ex_regs(k, start)?;
        }
        self.started = true;
        Ok(())
    }

    /// Deletes everything; the threads are held or were never started.
    pub fn destroy(self, k: &Real) -> Result<()> {
        for i in 0..CAST.len() {
            ROOT_TASK.delete(k, self.thread_cap(i).index())?;
        }
        ROOT_TASK.delete(k, self.gate().index())?;
        ROOT_TASK.delete(k, self.irq().index())?;
        ROOT_TASK.delete(k, self.task.index())
    }

    /// Thread `i`.
    pub fn thread_cap(&self, i: usize) -> Cap<Thread> {
        Cap::new(CapIndex(self.base + 1 + i as u32))
    }

    /// The waiter's IRQ.
    pub fn irq(&self) -> Cap<Irq> {
        Cap::new(CapIndex(self.base + 0x11))
    }

    fn gate(&self) -> Cap<Gate> {
        Cap::new(CapIndex(self.base + 0x10))
    }
}

fn utcb(i: usize) -> u32 {
    UTCB_AREA + raw::THAW_UTCB_BYTES * i as u32
}

/// The engine's host: the world that is current.
pub struct Stage<'a> {
    /// The world; replaced by a restore.
    pub world: &'a core::cell::Cell<World>,
    /// The stop window as the handler sees it: code, data.
    pub window: [&'static Page; 2],
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
            slots: (0x10, 0x80),
            barrier_us: 300_000,
        }
    }

    fn pd(&mut self, _client: u32, _pd: u32) -> Option<PdInfo> {
        Some(PdInfo { id: 1, task: self.world.get().task })
    }

    fn thread(&mut self, _pd: PdInfo, i: usize) -> HostResult<ThreadLookup> {
        let Some((program, priority)) = CAST.get(i) else { return Ok(ThreadLookup::End) };
        let world = self.world.get();
        Ok(ThreadLookup::Thread(ThreadInfo {
            cap: world.thread_cap(i),
            utcb: utcb(i),
            priority: *priority,
            exc_handler: IN_PAGER,
            started: world.started && program.is_some(),
            serial: 0,
            enters_thumb: false,
        }))
    }

    fn object(&mut self, _pd: PdInfo, n: usize) -> HostResult<Option<ObjectInfo>> {
        let world = self.world.get();
        Ok(match n {
            0 => Some(ObjectInfo {
                slot: IN_GATE,
                kind: ObjectKind::Gate(world.gate()),
                badge: BADGE,
                thread: Some(SERVER),
            }),
            1 => Some(ObjectInfo {
                slot: IN_IRQ,
                kind: ObjectKind::Irq(world.irq()),
                badge: IRQ_LABEL,
                thread: Some(WAITER),
            }),
            _ => None,
        })
    }

    fn freeze(&mut self, _pd: PdInfo) -> HostResult<()> {
        Ok(())
    }

    fn thaw(&mut self, _pd: PdInfo) {}

    fn started(&mut self, _pd: PdInfo, _i: usize) {
        self.world.set(World { started: true, ..self.world.get() });
    }

    fn peek(&mut self, _pd: PdInfo, addr: u32) -> Option<u32> {
        programs::peek(addr)
    }

    fn is_fixed_slot(&self, slot: CapIndex) -> bool {
        slot == IN_PAGER
    }

    fn window_word(&self, i: usize) -> u32 {
        self.window[1].get(i)
    }

    fn set_window_word(&self, i: usize, value: u32) {
        self.window[1].set(i, value);
    }
}
