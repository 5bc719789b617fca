//! The kernel: everything it knows, and the loop around it.

use crate::{
    arch::{
        cpu,
        entry::{Cause, Regs},
        vfp,
    },
    builtin::MAX_PINS,
    clock::Ticks,
    factory::Factory,
    gate::Gate,
    irq::Irq,
    kip::Kip,
    lifecycle::ReapList,
    mem::{
        arena::Arena,
        frames::Frames,
        mapdb::{Node, Roots},
    },
    object::{IrqId, TaskId, ThreadId},
    quirks::Quirks,
    sched::ReadyQueue,
    semaphore::Semaphore,
    task::Task,
    thread::{Next, Thread},
};

/// The whole state. One CPU, interrupts masked while it is being changed: whoever has the reference
/// has the kernel.
pub struct Kernel {
    /// What this revision does differently
    pub q: &'static Quirks,
    /// Kernel interface page
    pub kip: Kip,
    /// Tables, UTCBs and the memory of the arenas
    pub frames: Frames,
    /// All tasks
    pub tasks: Arena<Task>,
    /// All threads
    pub threads: Arena<Thread>,
    /// All gates
    pub gates: Arena<Gate>,
    /// All IRQ objects
    pub irqs: Arena<Irq>,
    /// All semaphores
    pub semaphores: Arena<Semaphore>,
    /// All factories
    pub factories: Arena<Factory>,
    /// All memory mappings
    pub nodes: Arena<Node>,
    /// sigma0's mappings
    pub roots: Roots,
    /// The task that owns physical memory
    pub sigma0: TaskId,
    /// The thread that runs
    pub current: ThreadId,
    /// The thread that runs when no other does
    pub idle: ThreadId,
    /// Who is ready
    pub rq: ReadyQueue,
    /// Time in microseconds
    pub clock: u64,
    /// The timer
    pub ticks: Ticks,
    /// First of those who wait for a time
    pub timeouts: Option<ThreadId>,
    /// Whose state the VFP unit holds
    pub vfp_owner: Option<ThreadId>,
    /// Whose page tables are in use
    pub address_space: Option<TaskId>,
    /// Second-level descriptor of the kernel's own mappings
    pub kernel_l2: u32,
    /// Translations have changed
    pub tlb_dirty: bool,
    /// Objects to be destroyed
    pub reap_list: ReapList,
    /// IRQ object of each interrupt
    pub pin_irq: [Option<IrqId>; MAX_PINS],
    /// Trigger mode of each interrupt
    pub pin_edge: [bool; MAX_PINS],
    /// Number of the last object made
    pub serial: u32,
    /// Hazards that only destroy the offender's own objects are not fatal.
    pub lenient: bool,
}

impl Kernel {
    /// The kernel is entered from user mode with `regs`; they become those of the thread that goes
    /// on.
    pub fn enter(&mut self, cause: Cause, regs: &mut Regs) {
        let current = self.current;
        let t = &mut self.threads[current];
        t.regs = *regs;
        t.tpidrurw = cpu::tpidrurw();
        t.kernel_lr = if cause == Cause::Svc { regs.mode_lr } else { regs.psr };
        match cause {
            Cause::Svc => self.enter_svc(),
            Cause::Undefined => self.enter_undefined(),
            Cause::Prefetch => self.enter_prefetch(),
            Cause::Data => self.enter_data(),
            Cause::Irq => {
                if self.enter_irq() {
                    self.schedule();
                }
            }
            Cause::Other => panic!("unknown exception: {regs:x?}"),
        }
        self.run(regs);
    }

    /// Runs whatever is next until a thread enters user mode with `regs`.
    pub fn run(&mut self, regs: &mut Regs) {
        loop {
            let thread = self.current;
            match self.threads[thread].next {
                Next::User => {
                    if self.leave(thread) {
                        *regs = self.threads[thread].regs;
                        return;
                    }
                }
                Next::Send => self.send_step(thread),
                Next::Gate => self.gate_step(thread),
                Next::Listen => self.listen_step(thread),
                Next::Receive => self.receive_step(thread),
                Next::Finish => self.finish_step(thread),
                Next::Semaphore => self.semaphore_step(thread),
                Next::Idle => self.idle(),
            }
        }
    }

    /// Prepares a thread for user mode. `false`: it has something else to do first.
    fn leave(&mut self, thread: ThreadId) -> bool {
        let flags = self.threads[thread].flags;
        if !flags.ready {
            self.schedule();
            return false;
        }
        if flags.dying {
            self.die(thread);
            return false;
        }
        if flags.trigger {
            self.raise_triggered(thread);
            return false;
        }
        self.enter_address_space(thread);
        vfp::enable(self.vfp_owner == Some(thread));
        let t = &self.threads[thread];
        cpu::set_tpidruro(t.tpidruro);
        cpu::set_tpidrurw(t.tpidrurw);
        true
    }

    fn idle(&mut self) {
        cpu::wait_for_interrupt();
        if self.enter_irq() {
            self.schedule();
        }
    }

    fn enter_address_space(&mut self, thread: ThreadId) {
        let task = self.threads[thread].task;
        if self.address_space != task
            && let Some(task) = task
        {
            let root = self.tasks[task].tables.root;
            cpu::set_address_space(self.frames.phys(root));
            self.address_space = Some(task);
        }
    }

    /// The tables in use are about to go: uses sigma0's.
    pub fn leave_address_space(&mut self) {
        let root = self.tasks[self.sigma0].tables.root;
        cpu::set_address_space(self.frames.phys(root));
        self.address_space = Some(self.sigma0);
    }
}
