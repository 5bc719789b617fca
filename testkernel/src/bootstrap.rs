//! From the loader's memory map to the first two tasks.
// UNSAFETY: claims a piece of RAM as kernel memory.
#![expect(unsafe_code)]

use core::mem::MaybeUninit;

use crate::{
    arch::{boot, cpu, entry, gic},
    caps::Cap,
    clock::Ticks,
    factory::Factory,
    gate::Gate,
    kernel::Kernel,
    kip::{Kip, Region, VIRTUAL},
    lifecycle::ReapList,
    mem::{
        arena::{Arena, Id},
        frames::{FRAME_BYTES, Frame, Frames},
        mapdb::Roots,
        table::{Tables, USER_END},
    },
    object::{FactoryId, Obj, TaskId, ThreadId},
    pure::{flexpage::Flexpage, rights::CapAttr},
    quirks::Quirks,
    sched::ReadyQueue,
    task::Task,
    thread::{NO_HANDLER, Next, Thread},
};
use l4_sys::raw as abi;

const BLOCK: u32 = 1 << 21;
/// UTCB of the first threads
const FIRST_UTCB: u32 = 0xbfff_0000;
/// Label of root's pager gate
const PAGER_LABEL: u32 = 0x40;
/// Kernel memory per MiB of RAM, in bytes: 22 MiB of 256, as the real kernels.
const HEAP_SHARE: u32 = 11 << 13;

/// Starts the kernel of this revision; called by the two binaries.
pub fn start(quirks: &'static Quirks, kip: Kip) -> ! {
    cpu::set_cpacr(0xf << 20); // VFP for both privilege levels
    cpu::set_cntkctl(3); // user mode reads the counters
    gic::init();
    entry::start(|cell| init(cell, quirks, kip))
}

fn heap_region(kip: &Kip) -> Region {
    let ram = kip.regions().filter(|r| r.kind == abi::THAW_MEM_CONVENTIONAL).max_by_key(|r| r.end - r.start);
    let ram = ram.expect("the KIP names RAM");
    let top = ram.end.saturating_add(1) & !(BLOCK - 1);
    let share = (((ram.end - ram.start) >> 20) + 1) * HEAP_SHARE;
    let bytes =
        kip.heap_bytes().unwrap_or(share).clamp(4 * BLOCK, boot::WINDOW_BYTES).next_multiple_of(BLOCK);
    let mut start = top - bytes;
    while let Some(taken) = kip
        .regions()
        .find(|r| r.kind != abi::THAW_MEM_CONVENTIONAL && r.start < start + bytes && r.end >= start)
    {
        start = (taken.start & !(BLOCK - 1)).checked_sub(bytes).expect("RAM for the kernel");
    }
    assert!(start >= ram.start, "no RAM for the kernel");
    Region { kind: abi::THAW_MEM_RESERVED, start, end: start + bytes - 1 }
}

fn init(cell: &mut MaybeUninit<Kernel>, q: &'static Quirks, kip: Kip) {
    let heap = heap_region(&kip);
    let bytes = heap.end - heap.start + 1;
    boot::map_window(heap.start, bytes);
    kip.add_region(Region { kind: abi::THAW_MEM_CONVENTIONAL | VIRTUAL, start: 0, end: USER_END - 1 });
    kip.add_region(Region { kind: q.heap_descriptor, ..heap });
    let (us, ns) = Ticks::scalers();
    kip.set_scalers(us, ns);
    // SAFETY: the window has just been mapped to RAM that no descriptor of the loader claims; it is
    // never unmapped, and sigma0 is told not to hand it out.
    let mut frames = unsafe { Frames::new(boot::WINDOW as *mut u32, heap.start, bytes / FRAME_BYTES) };
    let roots = Roots([(); 2].map(|()| frames.alloc().expect("first frames")));
    let lenient = kip.command_has(b"lenient");
    let nothing = Id::from_word(0);
    let kernel = cell.write(Kernel {
        q,
        kip,
        frames,
        tasks: Arena::new(),
        threads: Arena::new(),
        gates: Arena::new(),
        irqs: Arena::new(),
        semaphores: Arena::new(),
        factories: Arena::new(),
        nodes: Arena::new(),
        roots,
        sigma0: nothing,
        current: Id::from_word(0),
        idle: Id::from_word(0),
        rq: ReadyQueue::EMPTY,
        clock: 0,
        ticks: Ticks::start(),
        timeouts: None,
        vfp_owner: None,
        address_space: None,
        kernel_l2: boot::kernel_descriptor(),
        tlb_dirty: false,
        reap_list: ReapList::EMPTY,
        pin_irq: [None; crate::builtin::MAX_PINS],
        pin_edge: [false; crate::builtin::MAX_PINS],
        serial: 0,
        lenient,
    });
    gic::unmask(gic::TIMER);
    crate::kprint!(
        "\nthaw testkernel {}: not Fiasco.OC, but its ABI\nReserved {} MiB as kernel memory.\n",
        q.name,
        bytes >> 20
    );
    kernel.first_tasks();
}

impl Kernel {
    fn first_tasks(&mut self) {
        self.make_idle();
        self.map_last_pages();
        let head = self.new_head(None, 0);
        let factory = Factory { head, limit: None, used: 0, deleted: false };
        let factory = self.factories.insert(&mut self.frames, factory).expect("kernel memory");
        let (sigma0_pc, root_pc) = self.kip.entries();
        let (task, sigma0) = self.first_task(factory, sigma0_pc, 1);
        self.sigma0 = task;
        self.threads[sigma0].regs.r[0] = self.kip.phys();
        if root_pc != 0 || self.q.syscall_page {
            self.make_root(factory, root_pc, sigma0);
        }
        self.ready_insert(sigma0);
        self.schedule();
    }

    fn make_root(&mut self, factory: FactoryId, pc: u32, sigma0: ThreadId) {
        let (task, thread) = self.first_task(factory, pc, self.q.root_utcb_pages);
        let head = self.new_head(Some(factory), 0);
        let gate = Gate { head, thread: Some(sigma0), label: PAGER_LABEL, senders: None };
        let gate = self.gates.insert(&mut self.frames, gate).expect("kernel memory");
        // Without the server right: what root sends there goes to sigma0, whatever the protocol.
        let cap = Cap { obj: Obj::Gate(gate), attr: CapAttr(0x1f) };
        assert!(self.cap_insert(task, abi::THAW_INDEX_PAGER, cap), "kernel memory");
        self.threads[thread].pager = abi::THAW_INDEX_PAGER;
        self.ready_insert(thread);
    }

    fn make_idle(&mut self) {
        let head = self.new_head(None, 0);
        let mut thread = Thread::new(head);
        thread.next = Next::Idle;
        thread.flags.fresh = false;
        thread.flags.ready = true;
        thread.sched.prio = 0;
        thread.sched.placed = true;
        self.idle = self.threads.insert(&mut self.frames, thread).expect("kernel memory");
        self.current = self.idle;
        self.ready_insert(self.idle);
    }

    fn give(&mut self, task: TaskId, slot: u32, obj: Obj) {
        assert!(self.cap_insert(task, slot, Cap { obj, attr: CapAttr::FULL }), "kernel memory");
    }

    fn first_task(&mut self, factory: FactoryId, pc: u32, utcb_pages: u32) -> (TaskId, ThreadId) {
        let head = self.new_head(Some(factory), 0);
        let tables = Tables::new(&mut self.frames, self.kernel_l2).expect("kernel memory");
        let task = self.tasks.insert(&mut self.frames, Task::new(head, tables)).expect("kernel memory");
        let order = 12 + utcb_pages.ilog2();
        let area = Flexpage(FIRST_UTCB | order << 6 | abi::L4_FPAGE_MEMORY << 4);
        self.add_ku_memory(task, area).expect("kernel memory");
        let head = self.new_head(Some(factory), 0);
        let mut thread = Thread::new(head);
        thread.task = Some(task);
        thread.utcb = self.find_utcb(task, FIRST_UTCB);
        (thread.tpidruro, thread.tpidrurw) = (FIRST_UTCB, FIRST_UTCB);
        thread.regs.pc = pc;
        (thread.pager, thread.handler) = (NO_HANDLER, 0);
        thread.flags.fresh = false;
        thread.flags.ready = true;
        thread.sched.placed = true;
        let thread = self.threads.insert(&mut self.frames, thread).expect("kernel memory");
        self.tasks[task].threads = 1;
        for (slot, obj) in [
            (abi::THAW_INDEX_TASK, Obj::Task(task)),
            (abi::THAW_INDEX_FACTORY, Obj::Factory(factory)),
            (abi::THAW_INDEX_THREAD, Obj::Thread(thread)),
            (abi::THAW_INDEX_LOG, Obj::Log),
            (abi::THAW_INDEX_ICU, Obj::Icu),
            (abi::THAW_INDEX_SCHEDULER, Obj::Scheduler),
            (abi::THAW_INDEX_DEBUGGER, Obj::Debugger),
        ] {
            self.give(task, slot, obj);
        }
        (task, thread)
    }

    /// The last 2 MiB of the address space: a page at 0xffff0000 that user mode may not touch (the
    /// exception vectors of the real kernels), and the page revision G is called by, which M has
    /// kept readable.
    fn map_last_pages(&mut self) {
        const PRIVILEGED_PAGE: u32 = 0x703;
        const USER_READ_ONLY_PAGE: u32 = PRIVILEGED_PAGE | 0xc0;
        let table = self.frames.alloc().expect("kernel memory");
        let unused = self.frames.alloc().expect("kernel memory");
        self.frames.set(table, 496 * 2, self.frames.phys(unused) | PRIVILEGED_PAGE);
        let page = self.make_syscall_page();
        self.frames.set(table, 511 * 2, self.frames.phys(page) | USER_READ_ONLY_PAGE);
        boot::map_last_table(self.frames.phys(table));
    }

    /// What revision G's user mode finds at 0xfffff000.
    fn make_syscall_page(&mut self) -> Frame {
        const SVC: u32 = 0xef00_0000;
        let page = self.frames.alloc().expect("kernel memory");
        (0..1024).for_each(|i| self.frames.set(page, i, SVC));
        self.put_code(page, 0xf00, &[0xee1d_0f50, 0xe1a0_f00e]); // UTCB pointer: mrc p15, 0, r0, c13, c0, 2; mov pc, lr
        self.put_code(page, 0xf40, &[0xf57f_f05f, 0xe12f_ff1e]); // dmb; bx lr
        // Set TLS: thread operation 0x10 on the caller itself, by way of its own UTCB.
        self.put_code(
            page,
            0xf80,
            &[
                0xe92d_4030, // push {r4, r5, lr}
                0xee1d_4f50, // mrc p15, 0, r4, c13, c0, 2
                0xe584_0004, // str r0, [r4, #4]
                0xe3a0_2010, // mov r2, #0x10
                0xe584_2000, // str r2, [r4]
                0xe3a0_3000, // mov r3, #0
                0xe59f_200c, // ldr r2, [pc, #12]
                0xe59f_000c, // ldr r0, [pc, #12]
                0xe1a0_e00f, // mov lr, pc
                0xe3e0_f00b, // mvn pc, #11
                0xe8bd_8030, // pop {r4, r5, pc}: after this the words of the two loads
                0xffff_f803, // self, call
                0xfff4_0002, // protocol -12, two words
            ],
        );
        page
    }

    fn put_code(&mut self, page: Frame, at: u32, code: &[u32]) {
        for (i, &word) in code.iter().enumerate() {
            self.frames.set(page, at / 4 + i as u32, word);
        }
    }
}
