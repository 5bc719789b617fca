//! Stopping all threads of a PD, harmlessly.
//!
//! 1. Trigger every started thread; those in user code trap, calls end first, no new ones begin.
//! 2. Barrier: nothing of the set is ready any more. Then the core's books are frozen.
//! 3. Catch pending IRQs.
//! 4. Bring out who is blocked (`resolve`): queues are drained, receivers before their senders. Never is
//!    an IPC aborted while a possible receiver of its message is ready: the kernels corrupt it then.
//! 5. Save UTCBs, and find out what each thread was doing.

use l4_sys::{Frame, Selector, Timeouts, raw};
use thaw_l4::{Error as KernelError, ExRegs, IpcError, Kernel, ThreadControl};
use thaw_protocol::{
    Activity, CALL_FORGOTTEN, Error, ErrorKind, NO_THREAD, StopReport, THREADS_MAX, activity_kind,
    trace::Event,
};

use crate::{
    Engine, Host, ObjectKind, PdInfo, ThreadInfo, ThreadLookup,
    classify::{Stopped, Target, classify},
    naps::Sleep,
    plan,
    receive::{at, step},
    set::{Named, OBJECTS_MAX, Phase, Rest, State, bits},
};

/// Rounds of trigger or cancel and barrier before a thread is given up.
const ROUNDS: u32 = 4;

/// Passes of the barrier that are waited for where giving up would lose something.
const PASSES: u32 = 20;

/// Who was let go and has not run yet is found where it was, and not before its first instruction, if it is not a
/// tick of the clock that ends the first pass.
const TWO_TICKS_US: u32 = 2_000;

/// Activities of a set, by thread index.
pub(crate) type Activities = heapless::Vec<(usize, Activity), THREADS_MAX>;

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Stops all started threads, or none: after an error the target runs on.
    pub(crate) fn stop(&mut self) -> Result<StopReport, Error> {
        self.set.report = StopReport::default();
        self.set.snapshot = false;
        self.set.letting_go = false;
        self.set.slots.clear();
        match self.try_stop() {
            Ok(()) => {
                self.set.state = State::Stopped;
                self.set.snapshot = true;
                Ok(self.set.report)
            }
            Err(e) => {
                self.let_go();
                Err(e)
            }
        }
    }

    fn try_stop(&mut self) -> Result<(), Error> {
        self.book_threads()?;
        self.book_objects()?;
        self.trace(Event::Book.of_all().with(self.set.objects.len() as u32));
        self.refuse_unbound_gates()?;
        self.map_window()?;
        self.trace(Event::Window.of_all());
        self.arrest()?;
        // Until here nothing was done that letting everybody go would not undo.
        self.look()
    }

    /// Brings out who is blocked, and finds out what everybody was doing.
    pub(crate) fn look(&mut self) -> Result<(), Error> {
        self.scan_slots()?;
        self.capture_irqs()?;
        self.resolve()?;
        self.save_utcbs(self.set.mask(Phase::Held))?;
        self.classify_all()?;
        self.refuse_outside_calls()?;
        self.set.report.threads = self.set.live().count() as u32;
        self.set.report.links = plan::links(&self.activities())?.len() as u32;
        plan::queue(&self.activities()).map(|_| ())
    }

    /// Makes everybody stand still or stay blocked, then freezes the core's books.
    ///
    /// Until then a thread may be in a request to the core, which is answered as ever: no thread of the set finds
    /// the PD frozen. What such a request made is stopped too.
    fn arrest(&mut self) -> Result<(), Error> {
        let pd = self.pd()?;
        for _ in 0..ROUNDS {
            self.trigger_all()?;
            self.settle()?;
            self.hold(pd)?;
            let more = self.book_again()?;
            self.book_objects()?;
            if !more {
                return self.refuse_unbound_gates();
            }
            self.host.thaw(pd);
        }
        Err(ErrorKind::BarrierTimeout.with(ROUNDS, 0, 0))
    }

    /// Freezes the core's books of the PD.
    pub(crate) fn hold(&mut self, pd: PdInfo) -> Result<(), Error> {
        self.host.freeze(pd).map_err(|e| match e {
            raw::L4_EBUSY => ErrorKind::Ending.into(),
            e => ErrorKind::Kernel.with(e, step::HOST, 0),
        })
    }

    /// Reads the core's books of the PD's threads.
    pub(crate) fn book_threads(&mut self) -> Result<(), Error> {
        let mut ended = false;
        for i in 0..THREADS_MAX {
            let info = self.look_up(i, &mut ended)?;
            self.set.entries[i].begin(info);
        }
        Ok(())
    }

    /// Reads them once more; whether there is a started thread that was not there before.
    fn book_again(&mut self) -> Result<bool, Error> {
        let (mut ended, mut more) = (false, false);
        for i in 0..THREADS_MAX {
            let info = self.look_up(i, &mut ended)?;
            if self.set.entries[i].info.map(is_who) == info.map(is_who) {
                continue;
            }
            self.drop_entry(i, info);
            more |= self.set.entries[i].live().is_some();
        }
        Ok(more)
    }

    /// Thread `i` has ended; another one may have its index.
    pub(crate) fn drop_entry(&mut self, i: usize, next: Option<ThreadInfo>) {
        let entry = &mut self.set.entries[i];
        // On M the kernel empties the reply slot of a thread that ends.
        if let Some(slot) = entry.reply.take() {
            self.set.replies &= !(1 << slot);
        }
        entry.begin(next);
    }

    fn look_up(&mut self, i: usize, ended: &mut bool) -> Result<Option<ThreadInfo>, Error> {
        let pd = self.pd()?;
        if *ended {
            return Ok(None);
        }
        let found = self.host.thread(pd, i).map_err(|e| ErrorKind::Kernel.with(e, step::HOST, 0))?;
        *ended = found == ThreadLookup::End;
        Ok(if let ThreadLookup::Thread(info) = found { Some(info) } else { None })
    }

    /// Reads the core's books of the PD's gates and IRQ objects.
    pub(crate) fn book_objects(&mut self) -> Result<(), Error> {
        let pd = self.pd()?;
        self.set.objects.clear();
        for n in 0.. {
            let object = self.host.object(pd, n).map_err(|e| ErrorKind::Kernel.with(e, step::HOST, 0))?;
            let Some(object) = object else { break };
            let full = ErrorKind::TooMany.with(OBJECTS_MAX as u32, 0, 0);
            self.set.objects.push(object).map_err(|_| full)?;
        }
        self.book_irqs()
    }

    fn trigger_all(&mut self) -> Result<(), Error> {
        for i in bits(self.set.mask(Phase::Free)) {
            self.hook(i)?;
            self.lift(i, self.env.lift)?;
            self.trace(Event::Hook.of(i).with(self.env.stop_slot_of(i).0));
        }
        for i in bits(self.set.mask(Phase::Triggered)) {
            self.ex_regs(i, ExRegs::TRIGGER)?;
            self.trace(Event::Trigger.of(i));
        }
        Ok(())
    }

    /// Makes our gate the exception handler of thread `i`.
    pub(crate) fn hook(&mut self, i: usize) -> Result<(), Error> {
        self.map_gate(i)?;
        let Some(info) = self.set.entries[i].info else { return Ok(()) };
        let set = ThreadControl { exc_handler: Some(self.env.stop_slot_of(i)), ..ThreadControl::default() };
        info.cap.control(self.k, set).map_err(at(step::HANDLER))?;
        self.set.entries[i].phase = Phase::Triggered;
        Ok(())
    }

    /// Maps the stop gate of thread `i` into the PD.
    pub(crate) fn map_gate(&mut self, i: usize) -> Result<(), Error> {
        if self.set.entries[i].gate_mapped {
            return Ok(());
        }
        let (pd, slot) = (self.pd()?, self.env.stop_slot_of(i));
        let gate = self.env.stop_gates.plus(i as u32);
        // Right S lets the VFP state travel with the exception.
        pd.task
            .map_cap(self.k, self.env.core_task, gate, slot, raw::L4_CAP_FPAGE_RWS, 0)
            .map_err(at(step::GATE))?;
        self.set.entries[i].gate_mapped = true;
        Ok(())
    }

    /// Sets the priority of thread `i` to its own plus `by`.
    pub(crate) fn lift(&mut self, i: usize, by: u32) -> Result<(), Error> {
        let Some(info) = self.set.entries[i].info else { return Ok(()) };
        if self.env.lift == 0 {
            return Ok(());
        }
        self.env.scheduler.run_thread(self.k, info.cap, info.priority + by).map_err(at(step::LIFT))
    }

    pub(crate) fn ex_regs(&mut self, i: usize, set: ExRegs) -> Result<(), Error> {
        let Some(info) = self.set.entries[i].info else { return Ok(()) };
        info.cap.ex_regs(self.k, set).map(|_| ()).map_err(at(step::EX_REGS))
    }

    /// As [`ex_regs`](Self::ex_regs), where there is no way back: what fails is tried again.
    pub(crate) fn ex_regs_surely(&mut self, i: usize, set: ExRegs) -> Result<(), Error> {
        self.ex_regs(i, set).or_else(|_| self.ex_regs(i, set))
    }

    /// Passes the barrier; if something stays ready its trigger was lost (a thread that was resumed and has
    /// not run yet still counts as in its exception), so it is triggered again. The first passes are short
    /// because that is the usual reason; correctness does not hang on their length.
    fn settle(&mut self) -> Result<(), Error> {
        for round in 0..ROUNDS {
            let us = (self.env.barrier_us >> (3 * (ROUNDS - 1 - round))).max(TWO_TICKS_US);
            let passed = self.pass_barrier(us)?;
            // Also after a pass: whoever lost its trigger may have entered the kernel meanwhile and is blocked
            // without one.
            for i in bits(self.set.mask(Phase::Triggered)) {
                self.trigger_again(i)?;
            }
            if passed {
                return Ok(());
            }
        }
        Err(ErrorKind::BarrierTimeout.with(ROUNDS, 0, 0))
    }

    /// Triggers thread `i`, unless it has ended meanwhile: the books are read again before anything else is done.
    fn trigger_again(&mut self, i: usize) -> Result<(), Error> {
        let Some(info) = self.set.entries[i].info else { return Ok(()) };
        match info.cap.ex_regs(self.k, ExRegs::TRIGGER) {
            Ok(_) => self.trace(Event::Trigger.of(i)),
            Err(KernelError::Ipc(IpcError(raw::L4_IPC_ENOT_EXISTENT))) => {}
            Err(e) => return Err(at(step::EX_REGS)(e)),
        }
        Ok(())
    }

    /// Passes the barrier; everything of the set must come to rest.
    ///
    /// Somebody above the set may be busy for longer than one pass may take. Meanwhile a message may be out of its
    /// queue, or a caller about to be told from others by an answer of ours, so it is waited for.
    pub(crate) fn quiesce(&mut self) -> Result<(), Error> {
        for _ in 0..PASSES {
            if self.pass_barrier(self.env.barrier_us)? {
                return Ok(());
            }
        }
        Err(ErrorKind::BarrierTimeout.with(PASSES, 0, 0))
    }

    pub(crate) fn saved(&self) -> u64 {
        self.set.live().filter(|i| self.set.entries[*i].utcb_saved).fold(0, |mask, i| mask | 1 << i)
    }

    /// Refuses gates that nobody could be drained from: a sender there could not be brought out without
    /// losing its message, and G's kernel does not survive the attempt.
    fn refuse_unbound_gates(&self) -> Result<(), Error> {
        for object in &self.set.objects {
            let started = |i: usize| self.set.entries[i].live().is_some();
            if matches!(object.kind, ObjectKind::Gate(_)) && !object.thread.is_some_and(started) {
                return Err(ErrorKind::UnboundGate.with(NO_THREAD, object.slot.0, 0));
            }
        }
        Ok(())
    }

    /// A call that a server outside has and has not answered was aborted: its answer is lost.
    fn refuse_outside_calls(&self) -> Result<(), Error> {
        let outside = |(_, activity): &&(usize, Activity)| activity.kind == activity_kind::CALL_OUTSIDE;
        match self.activities().iter().find(outside) {
            Some((i, activity)) => {
                Err(ErrorKind::OutsideCall.with(*i as u32, activity.selector >> raw::L4_CAP_SHIFT, 1))
            }
            None => Ok(()),
        }
    }

    fn classify_all(&mut self) -> Result<(), Error> {
        for i in bits(self.set.mask(Phase::Held)) {
            self.classify(i)?;
        }
        Ok(())
    }

    /// Lets held thread `i`, if it was stopped before its first instruction, begin in the state in which it has to: the
    /// exception at which the core would have done that came to us.
    pub(crate) fn enter_thumb(&mut self, i: usize) -> Result<(), Error> {
        let pd = self.pd()?;
        let entry = &mut self.set.entries[i];
        let Some(info) = entry.info.as_mut().filter(|info| info.enters_thumb) else { return Ok(()) };
        info.enters_thumb = false;
        if self.host.enter_thumb(pd, i) {
            self.set.entries[i].frame.set_thumb();
        }
        Ok(())
    }

    /// Finds out what held thread `i` was doing, and rewrites its frame accordingly.
    pub(crate) fn classify(&mut self, i: usize) -> Result<(), Error> {
        let pd = self.pd()?;
        self.enter_thumb(i)?;
        let entry = &self.set.entries[i];
        let frame = entry.frame;
        let code = if entry.rest != Rest::Trap {
            // In Thumb state the word that holds the halfword before pc; the first is not looked at.
            let last =
                if frame.is_thumb() { frame.pc().wrapping_sub(2) & !3 } else { frame.pc().wrapping_sub(4) };
            let first = self.host.peek(pd, last.wrapping_sub(4)).unwrap_or(0);
            self.host.peek(pd, last).map(|second| [first, second])
        } else {
            None
        };
        let entry = &self.set.entries[i];
        let stopped = Stopped {
            index: i,
            frame: &frame,
            rest: entry.rest,
            utcb_error: entry.utcb[raw::THAW_UTCB_ERROR_WORD as usize] & raw::L4_IPC_ERROR_MASK,
            target: self.target(frame.reg(2)),
            code,
            first_word: entry.utcb[0],
        };
        let (mut activity, mut frame) = classify(self.k.revision(), &stopped)?;
        let answered = |peer: u32| self.set.entries.get(peer as usize).is_some_and(|server| server.answered);
        if activity.kind == activity_kind::CALL_DELIVERED {
            // Most callers came out by our answer, and a staged one called with a tag of ours: what the program
            // called with is not known, nor needed.
            activity.tag = 0;
            frame.set_reg(0, 0);
            if self.set.entries[i].rest == Rest::Cancelled && answered(activity.peer) {
                activity.position = CALL_FORGOTTEN;
            }
        }
        if self.sleeps_no_longer(i, &mut activity, &frame) {
            // As the kernel ends it: behind the system call, with an error.
            (activity, frame) = (Activity::USER, self.set.entries[i].frame);
            let entry = &mut self.set.entries[i];
            entry.utcb[raw::THAW_UTCB_ERROR_WORD as usize] = raw::L4_IPC_RETIMEOUT;
            entry.utcb_stale = true;
        }
        let entry = &mut self.set.entries[i];
        entry.activity = activity;
        entry.frame = frame;
        self.trace(Event::Classify.of(i).with(activity.kind));
        Ok(())
    }

    /// Whether a thread that was found asleep would have woken by now but for our stops.
    fn sleeps_no_longer(&mut self, i: usize, activity: &mut Activity, frame: &Frame) -> bool {
        let entry = &self.set.entries[i];
        let (Some(info), Some(now)) = (entry.info, self.host.now_us()) else { return false };
        let thread = info.cap.index().0;
        let timeout = Timeouts(activity.timeouts).receive();
        let alone = activity.kind == activity_kind::RECEIVE && Selector(activity.selector).cap().is_none();
        let us = timeout.us().filter(|_| alone && !timeout.is_absolute() && entry.rest == Rest::Cancelled);
        let Some(us) = us else {
            self.set.naps.forget(thread);
            return false;
        };
        let (serial, sp) = (info.serial, frame.0[raw::THAW_EXC_SP as usize]);
        let sleep = Sleep { thread, serial, pc: frame.pc(), sp, us };
        let left = self.set.naps.found(sleep, now);
        if left < us {
            activity.label = u32::try_from(left).unwrap_or(0);
        }
        left == 0
    }

    fn target(&self, selector: u32) -> Target {
        let Some(slot) = Selector(selector).cap() else { return Target::Nobody };
        let object = match self.set.named(slot) {
            Named::Object(n) => self.set.objects.get(n),
            Named::Thread(index) => return Target::Thread { index },
            Named::Other => None,
        };
        let Some(object) = object else { return Target::Outside };
        match object.kind {
            ObjectKind::Gate(_) => Target::Gate { badge: object.badge, thread: object.thread },
            ObjectKind::Irq(_) => Target::Irq { label: object.badge },
            ObjectKind::Semaphore(_) => Target::Semaphore,
            ObjectKind::Thread => match object.thread {
                Some(index) => Target::Thread { index },
                None => Target::Outside,
            },
        }
    }

    /// What the held threads were doing.
    pub(crate) fn activities(&self) -> Activities {
        let held = bits(self.set.mask(Phase::Held));
        held.map(|i| (i, self.set.entries[i].activity)).collect()
    }
}

/// A thread without what changes when it begins to run.
const fn is_who(info: ThreadInfo) -> ThreadInfo {
    ThreadInfo { enters_thumb: false, ..info }
}
