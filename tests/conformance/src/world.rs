//! What a case has: a task of its own, threads in it, and root as pager, handler and partner.
//!
//! Root runs above all others, so whatever it does is done before a child moves. [`World::settle`] lets the
//! children run until none of them is ready; nothing here waits for time to pass, except for threads that
//! count for ever.

use core::cell::Cell;

use thaw_l4::{
    Answer, Cap, CapIndex, Error, ExRegs, Factory, Fpage, Gate, Kernel, Message, MsgTag, ObjectError, Op,
    Real, Result, Revision, Scheduler, Selector, Task, Thread, ThreadControl, Timeout, Timeouts, ipc, raw,
};

use crate::{
    code::Code,
    data,
    step::{RESULT, STEPS, Step, WORDS},
};

/// Root's own task.
pub const OWN_TASK: Cap<Task> = Cap::new(CapIndex(raw::THAW_INDEX_TASK));
/// Root's own thread.
pub const OWN_THREAD: Cap<Thread> = Cap::new(CapIndex(raw::THAW_INDEX_THREAD));
/// The factory.
pub const FACTORY: Cap<Factory> = Cap::new(CapIndex(raw::THAW_INDEX_FACTORY));
/// The scheduler.
pub const SCHEDULER: Cap<Scheduler> = Cap::new(CapIndex(raw::THAW_INDEX_SCHEDULER));

/// Priority of root.
const ROOT_PRIORITY: u32 = 200;
/// Priority of children, unless a case says otherwise.
pub const CHILD: u32 = 50;
/// Priority of the thread that runs when no child is ready.
pub const BARRIER: u32 = 20;
/// Priority of children that count for ever.
pub const BACKGROUND: u32 = 10;

/// Where children have their UTCBs.
pub const UTCBS: u32 = 0xb000_0000;
/// Root's slots for the barrier.
const BARRIER_SLOTS: u32 = 0x100;
/// Root's first slot for cases, and how many there are.
const CASE_SLOTS: u32 = 0x200;
const CASE_SLOT_COUNT: u32 = 0x60;
/// In a child: slot of its handler gate, and the first free one.
pub const HANDLER_SLOT: CapIndex = CapIndex(0x10);
const FREE_SLOT: u32 = 0x20;
/// Page with the steps of the barrier.
const BARRIER_PAGE: u32 = 11;

/// Function in the information page of revision M that returns microseconds.
const M_CLOCK_FUNCTION: u32 = 0x900;

/// Start of RAM that nobody uses, from the start of RAM: superpage-aligned, behind everything packed.
pub const SPARE_OFFSET: u32 = 0x0800_0000;

/// Start of RAM that nobody uses.
pub fn spare() -> u32 {
    thaw_rt::boot_info().expect("started by the loader").ram_base + SPARE_OFFSET
}

/// What lasts from case to case.
pub struct Ground {
    barrier: Cap<Gate>,
}

impl Ground {
    /// Makes the barrier and raises root above all.
    pub fn new(k: &Real) -> Result<Self> {
        SCHEDULER.run_thread(k, OWN_THREAD, ROOT_PRIORITY)?;
        data::clear();
        let slot = |n| CapIndex(BARRIER_SLOTS + n);
        let task = FACTORY.create_task(k, slot(0), Fpage::memory(UTCBS, 12, 0))?;
        map_program(k, task)?;
        let thread = FACTORY.create_thread(k, slot(1))?;
        let gate = FACTORY.create_gate(k, slot(2), thread, 0)?;
        thread.control(k, ThreadControl { bind: Some((task, UTCBS)), ..ThreadControl::default() })?;
        write_step(BARRIER_PAGE, 0, &Step::ANSWER);
        let code = Code::of(k.revision());
        thread.ex_regs(k, ExRegs { ip: Some(code.start), sp: Some(data::page(BARRIER_PAGE)), flags: 0 })?;
        SCHEDULER.run_thread(k, thread, BARRIER)?;
        Ok(Self { barrier: gate })
    }
}

/// Maps the interpreter and the shared area into a task, at root's addresses.
pub fn map_program(k: &Real, task: Cap<Task>) -> Result<()> {
    let code = Code::of(k.revision());
    for page in (code.start..code.end).step_by(4096) {
        data::read(page);
        task.map(k, OWN_TASK, Fpage::memory(page, 12, raw::L4_FPAGE_RX), page, 0)?;
    }
    for n in 0..data::PAGES {
        task.map(k, OWN_TASK, Fpage::memory(data::page(n), 12, raw::L4_FPAGE_RW), data::page(n), 0)?;
    }
    Ok(())
}

fn write_step(page: u32, n: u32, step: &Step) {
    let base = data::page(page) + n * WORDS * 4;
    for i in 0..WORDS {
        data::write(base + 4 * i, step.0.get(i as usize).copied().unwrap_or(0));
    }
}

/// A message that arrived at root.
pub struct Event {
    /// Its tag.
    pub tag: MsgTag,
    /// Its label.
    pub label: u32,
    /// Message registers.
    pub mr: [u32; 63],
    /// Error word, valid with the tag's error bit.
    pub error: u32,
}

impl Event {
    /// Whether it is an exception.
    pub fn is_exception(&self) -> bool {
        !self.tag.has_error() && self.tag.label() == raw::L4_PROTO_EXCEPTION
    }

    /// Whether it is a page fault.
    pub fn is_fault(&self) -> bool {
        !self.tag.has_error() && self.tag.label() == raw::L4_PROTO_PAGE_FAULT
    }
}

/// One case's surroundings.
pub struct World<'g> {
    /// Root's access to the kernel.
    pub k: Real,
    /// The interpreter of the running revision.
    pub code: Code,
    /// The children's task.
    pub task: Cap<Task>,
    ground: &'g Ground,
    next_slot: Cell<u32>,
    next_child_slot: Cell<u32>,
    threads: Cell<u32>,
    /// Which of the case's slots hold threads.
    thread_slots: Cell<u128>,
}

impl<'g> World<'g> {
    /// Makes a task without threads.
    pub fn new(k: Real, ground: &'g Ground) -> Result<Self> {
        for page in (0..data::PAGES).filter(|p| *p != BARRIER_PAGE) {
            (0..1024).for_each(|i| data::write(data::page(page) + 4 * i, 0));
        }
        let task = FACTORY.create_task(&k, CapIndex(CASE_SLOTS), Fpage::memory(UTCBS, 13, 0))?;
        map_program(&k, task)?;
        Ok(Self {
            k,
            code: Code::of(k.revision()),
            task,
            ground,
            next_slot: Cell::new(CASE_SLOTS + 1),
            next_child_slot: Cell::new(FREE_SLOT),
            threads: Cell::new(0),
            thread_slots: Cell::new(0),
        })
    }

    /// Whether the kernel is of the older revision.
    pub fn is_g(&self) -> bool {
        self.k.revision() == Revision::G
    }

    /// An empty slot of root's.
    pub fn slot(&self) -> CapIndex {
        let n = self.next_slot.get();
        assert!(n < CASE_SLOTS + CASE_SLOT_COUNT, "slots of a case");
        self.next_slot.set(n + 1);
        CapIndex(n)
    }

    /// An empty slot of the children's task.
    pub fn child_slot(&self) -> CapIndex {
        let n = self.next_child_slot.get();
        self.next_child_slot.set(n + 1);
        CapIndex(n)
    }

    /// Makes a gate with a label, bound to a thread.
    pub fn gate(&self, thread: Cap<Thread>, label: u32) -> Cap<Gate> {
        FACTORY.create_gate(&self.k, self.slot(), thread, label).expect("gate")
    }

    /// Makes a gate that is bound to nobody.
    pub fn unbound_gate(&self) -> Cap<Gate> {
        let slot = self.slot();
        self.create(slot, Message::new(&self.k).word(raw::THAW_FACTORY_GATE)).expect("unbound gate");
        Cap::new(slot)
    }

    /// Asks the factory for an object.
    pub fn create(&self, slot: CapIndex, message: Message<'_, Real>) -> Result<MsgTag> {
        ipc::set_buffers(&self.k, &[thaw_l4::RecvBuffer::capability(slot)], false);
        message.call(FACTORY, raw::L4_PROTO_FACTORY)
    }

    /// Maps one of root's capabilities to the children, with all rights but that to delete; returns their slot.
    pub fn give<T>(&self, cap: Cap<T>) -> CapIndex {
        self.give_with(cap, raw::L4_CAP_FPAGE_RWS, 0)
    }

    /// Maps one of root's capabilities to the children.
    pub fn give_with<T>(&self, cap: Cap<T>, rights: u32, attr: u32) -> CapIndex {
        let slot = self.child_slot();
        let fpage = Fpage::object(cap.index(), rights);
        self.task.map(&self.k, OWN_TASK, fpage, slot.word(), attr).expect("capability for children");
        slot
    }

    /// Makes a child thread that has root as pager and exception handler; it does not run yet.
    pub fn thread(&self) -> Child<'_, 'g> {
        let handler = CapIndex(HANDLER_SLOT.0 + self.threads.get());
        let gate = self.gate(OWN_THREAD, 0xa00 + 0x10 * self.threads.get());
        let fpage = Fpage::object(gate.index(), raw::L4_CAP_FPAGE_RWS);
        self.task.map(&self.k, OWN_TASK, fpage, handler.word(), 0).expect("handler gate");
        self.thread_with(self.task, Some(handler))
    }

    /// Makes a child thread in that task, with pager and handler in that slot of it.
    pub fn thread_with(&self, task: Cap<Task>, handler: Option<CapIndex>) -> Child<'_, 'g> {
        let n = self.threads.get();
        assert!(n < BARRIER_PAGE, "threads of a case");
        self.threads.set(n + 1);
        let cap = self.bare_thread();
        let bind = Some((task, UTCBS + 512 * n));
        cap.control(&self.k, ThreadControl { pager: handler, exc_handler: handler, bind }).expect("control");
        Child { world: self, cap, n }
    }

    /// Makes a thread that is bound to no task.
    pub fn bare_thread(&self) -> Cap<Thread> {
        let slot = self.slot();
        self.thread_slots.set(self.thread_slots.get() | 1 << (slot.0 - CASE_SLOTS));
        FACTORY.create_thread(&self.k, slot).expect("thread")
    }

    /// Lets children run until none is ready.
    pub fn settle(&self) {
        let to = self.ground.barrier.select(Op::CALL);
        let tag = MsgTag::new(0, 0, 0, raw::L4_MSGTAG_SCHEDULE);
        let answer = self.k.ipc(to, tag, Timeouts::NEVER, 0);
        assert!(!answer.tag.has_error(), "barrier");
    }

    /// Lets children run for some time, also those that count for ever.
    pub fn let_run(&self) {
        self.sleep_us(3000);
    }

    /// Sleeps, with nothing received.
    pub fn sleep_us(&self, us: u32) {
        ipc::sleep(&self.k, Timeouts::new(Timeout::NEVER, Timeout::from_us(us)));
    }

    /// Microseconds of the kernel's clock.
    pub fn clock_us(&self) -> u64 {
        let kip = thaw_rt::boot_info().expect("started by the loader").kip;
        if !self.is_g() {
            return data::time_by_function(&self.k, kip, M_CLOCK_FUNCTION);
        }
        let at = kip + raw::THAW_KIP_G_CLOCK;
        u64::from(data::read(at)) | u64::from(data::read(at + 4)) << 32
    }

    /// Performs a system call of root.
    pub fn ipc(&self, to: Selector, tag: MsgTag, timeouts: Timeouts) -> Answer {
        self.k.ipc(to, tag, timeouts, 0)
    }

    /// What a system call of root returned, with the message registers.
    pub fn event(&self, answer: Answer) -> Event {
        let mut mr = [0; 63];
        mr.iter_mut().enumerate().for_each(|(i, w)| *w = self.k.mr(i));
        let error = self.k.utcb_word(raw::THAW_UTCB_ERROR_WORD as usize);
        Event { tag: answer.tag, label: answer.label, mr, error }
    }

    /// Lets children run, then takes the first message that waits for root.
    pub fn next(&self) -> Option<Event> {
        self.next_with(0, &[])
    }

    /// As [`next`](Self::next), with a buffer descriptor and buffer registers.
    pub fn next_with(&self, bdr: u32, buffers: &[u32]) -> Option<Event> {
        self.settle();
        self.poll_with(bdr, buffers)
    }

    /// Takes the first message that waits for root, without letting anybody run.
    pub fn poll_with(&self, bdr: u32, buffers: &[u32]) -> Option<Event> {
        self.set_buffers(bdr, buffers);
        let timeouts = Timeouts::new(Timeout::NEVER, Timeout::ZERO);
        let event = self.event(self.ipc(Selector::nobody(Op::WAIT), MsgTag::default(), timeouts));
        self.set_buffers(0, &[]);
        let nothing = event.tag.has_error() && event.error & raw::L4_IPC_ERROR_MASK == raw::L4_IPC_RETIMEOUT;
        (!nothing).then_some(event)
    }

    /// Sets root's buffer descriptor and registers.
    pub fn set_buffers(&self, bdr: u32, buffers: &[u32]) {
        self.k.set_utcb_word(raw::THAW_UTCB_BDR_WORD as usize, bdr);
        for i in 0..8 {
            let value = buffers.get(i).copied().unwrap_or(0);
            self.k.set_utcb_word(raw::THAW_UTCB_BR_WORD as usize + i, value);
        }
    }

    /// Sets message registers of root.
    pub fn set_words(&self, words: &[u32]) {
        words.iter().enumerate().for_each(|(i, w)| self.k.set_mr(i, *w));
    }

    /// Replies to the last caller, without giving it the processor.
    pub fn reply(&self, protocol: i32, words: &[u32]) -> Event {
        self.reply_tag(MsgTag::new(protocol, words.len() as u32, 0, 0), words)
    }

    /// As [`reply`](Self::reply), with any tag.
    pub fn reply_tag(&self, tag: MsgTag, words: &[u32]) -> Event {
        self.set_words(words);
        let timeouts = Timeouts::new(Timeout::ZERO, Timeout::NEVER);
        let tag = tag.with_flags(raw::L4_MSGTAG_SCHEDULE);
        self.event(self.ipc(Selector::nobody(Op::REPLY), tag, timeouts))
    }

    /// Words of an exception frame.
    pub fn frame_words(&self) -> u32 {
        self.k.revision().exception_words()
    }

    /// Deletes everything that the case made; threads first, and with a chance to die.
    pub fn clean_up(&self) -> Result<()> {
        for phase in 0..2 {
            for n in (CASE_SLOTS..self.next_slot.get()).rev() {
                let slot = CapIndex(n);
                let is_thread = self.thread_slots.get() & (1 << (n - CASE_SLOTS)) != 0;
                if !OWN_TASK.cap_valid(&self.k, slot)? || (is_thread != (phase == 0)) {
                    continue;
                }
                if is_thread {
                    // One that counts in the background would not get to die.
                    SCHEDULER.run_thread(&self.k, Cap::new(slot), CHILD).ok();
                }
                OWN_TASK.delete(&self.k, slot)?;
            }
            self.settle();
        }
        while self.next().is_some() {}
        Ok(())
    }
}

/// A thread that runs steps.
pub struct Child<'w, 'g> {
    world: &'w World<'g>,
    /// Root's capability for it.
    pub cap: Cap<Thread>,
    /// Its number: page of steps, and place of its UTCB.
    pub n: u32,
}

impl Child<'_, '_> {
    /// Writes the steps that the thread runs.
    pub fn script(&self, steps: &[Step]) -> &Self {
        self.script_from(0, steps)
    }

    /// Writes steps from number `first` on.
    pub fn script_from(&self, first: u32, steps: &[Step]) -> &Self {
        for (n, step) in (first..).zip(steps) {
            assert!(n < STEPS, "steps of a thread");
            write_step(self.n, n, step);
        }
        self
    }

    /// Address of step `n`, which is what sp is while it runs.
    pub fn step(&self, n: u32) -> u32 {
        data::page(self.n) + n * WORDS * 4
    }

    /// Word `word` of step `n`.
    pub fn word(&self, n: u32, word: u32) -> u32 {
        data::read(self.step(n) + 4 * word)
    }

    /// How often step `n` was done.
    pub fn done(&self, n: u32) -> u32 {
        self.word(n, RESULT)
    }

    /// Sets where it begins, without letting it run.
    pub fn prepare(&self) -> &Self {
        self.ex_regs(Some(self.world.code.start), Some(self.step(0)), 0).expect("first ex_regs");
        self
    }

    /// Lets it run.
    pub fn start(&self) -> &Self {
        self.start_at(CHILD)
    }

    /// Lets it run with that priority.
    pub fn start_at(&self, priority: u32) -> &Self {
        self.prepare().priority(priority)
    }

    /// Sets its priority; the first time lets it run.
    pub fn priority(&self, priority: u32) -> &Self {
        SCHEDULER.run_thread(&self.world.k, self.cap, priority).expect("run_thread");
        self
    }

    /// Exchanges registers.
    pub fn ex_regs(&self, ip: Option<u32>, sp: Option<u32>, flags: u32) -> Result<thaw_l4::OldExRegs> {
        self.cap.ex_regs(&self.world.k, ExRegs { ip, sp, flags })
    }

    /// Ends a sleep of the thread, which goes on with its next step.
    pub fn wake(&self) {
        self.ex_regs(None, None, raw::L4_THREAD_EX_REGS_CANCEL).expect("wake");
    }
}

/// A result as one number: 0, the negative number of an object's error, or 2000 plus that of the IPC.
pub fn code_of<T>(result: &Result<T>) -> i32 {
    match result {
        Ok(_) => 0,
        Err(Error::Object(ObjectError(n))) => -(*n as i32),
        Err(Error::Ipc(e)) => 2000 + e.0 as i32,
    }
}
