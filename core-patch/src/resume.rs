//! Continuing all threads of a set, live or fresh.

use l4_sys::{CapIndex, Frame, MsgTag, Op, Selector, Timeout, Timeouts, raw};
use thaw_l4::{ExRegs, Fpage, Kernel, ThreadControl};
use thaw_protocol::{Activity, Error, ErrorKind, trace::Event};

use crate::{
    Engine, Host, PdInfo, plan,
    receive::{at, step},
    set::{Phase, State, bits},
    stub::Stub,
};

/// r0 of a client whose call is staged: no words. A later stop may find it in the aborted call's r0.
const STAGED_CALL: u32 = 0x5e57_0000;
/// Tag of our call to a server that owes nobody an answer: no words.
const FORGET: u32 = 0x6010_0000;

/// What becomes of threads that wait without being in anybody's queue.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Waits {
    /// They enter the kernel when they are let go.
    Left,
    /// They enter it in the window.
    Made,
}

const ZERO_BOTH: Timeouts = Timeouts::new(Timeout::ZERO, Timeout::ZERO);

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Takes hold of the threads in `mask` of a fresh PD before their first instruction.
    pub(crate) fn prepare(&mut self, mask: u64) -> Result<(), Error> {
        let pd = self.pd()?;
        self.hold(pd)?;
        self.set.snapshot = false;
        self.set.letting_go = false;
        let result = self.try_prepare(pd, mask);
        match result {
            Ok(()) => self.set.state = State::Prepared,
            Err(_) => self.host.thaw(pd),
        }
        result
    }

    fn try_prepare(&mut self, pd: PdInfo, mask: u64) -> Result<(), Error> {
        self.book_threads()?;
        self.book_objects()?;
        if let Some(i) = self.set.live().next() {
            return Err(ErrorKind::BadState.with(i as u32, 0, 0));
        }
        self.map_window()?;
        for i in bits(mask) {
            let none = ErrorKind::NoSuchThread.with(i as u32, 0, 0);
            let info = self.set.entries[i].info.as_mut().ok_or(none)?;
            info.started = true;
            let thread = info.cap.index().0;
            self.set.naps.forget(thread);
            self.host.bind(pd, i).map_err(|e| ErrorKind::Kernel.with(e, step::HOST, i as u32))?;
            self.hook(i)?;
            self.lift(i, self.env.lift)?;
            // Starts the thread, which raises the exception before its first instruction.
            self.ex_regs(i, ExRegs { ip: Some(0), sp: Some(0), flags: ExRegs::TRIGGER.flags })?;
            self.trace(Event::Prepare.of(i));
        }
        self.quiesce()?;
        let missing = bits(self.set.mask(Phase::Triggered)).next();
        if let Some(i) = missing {
            return Err(ErrorKind::ThreadDidNotStop.with(i as u32, 0, 0));
        }
        for i in bits(self.set.mask(Phase::Held)) {
            self.set.entries[i].frame = Frame::ZERO;
            self.set.entries[i].utcb_stale = true;
        }
        Ok(())
    }

    /// Continues all held threads. Everything is checked before the first one is touched; after a failure
    /// it can be tried again.
    ///
    /// Callers and senders make their system calls in the stop window, so that one whose timeout expires
    /// meanwhile is caught there; only when all stand as they stood are they moved out and the others let go.
    pub(crate) fn continue_all(&mut self) -> Result<(), Error> {
        if !self.set.letting_go {
            self.put_back(Waits::Left)?;
            self.set.letting_go = true;
        }
        let mut result = Ok(());
        for i in bits(self.set.mask(Phase::Held)) {
            // Some run already: there is no way back, so what failed is tried again, and the others go on.
            if let Err(error) = self.release(i).or_else(|_| self.release(i)) {
                result = Err(error);
            }
        }
        result
    }

    /// Everybody stands where it stood, in the kernel too, and nobody runs.
    pub(crate) fn put_back(&mut self, waits: Waits) -> Result<(), Error> {
        let activities = self.activities();
        let links = plan::links(&activities)?;
        let queue = plan::queue(&activities)?;
        self.map_window()?;
        let stale = bits(self.set.mask(Phase::Held)).filter(|i| self.set.entries[*i].utcb_stale);
        let stale = stale.fold(0, |mask, i| mask | 1 << i);
        self.load_utcbs(stale)?;
        for (n, link) in links.iter().enumerate() {
            self.stage(link.client, link.server)?;
            let is_last = !links[n + 1..].iter().any(|later| later.server == link.server);
            if is_last && !link.owed {
                self.forget_caller(link.server)?;
            }
        }
        for sender in &queue {
            self.stage_sender(*sender)?;
            self.trace(Event::Queue.of(*sender).with(self.set.entries[*sender].activity.peer));
        }
        for waiter in plan::waiters(&activities) {
            // Nothing is left in its semaphore, so it blocks.
            self.stage_sender(waiter)?;
            self.trace(Event::Queue.of(waiter).with(self.set.entries[waiter].activity.badge));
        }
        self.return_irqs()?;
        for waiter in plan::others(&activities).filter(|_| waits == Waits::Made) {
            self.stage_sender(waiter)?;
        }
        // Before anybody can make a request.
        self.host.thaw(self.pd()?);
        self.move_all_out()?;
        self.unmap_window()?;
        self.trace(Event::Window.of_all());
        Ok(())
    }

    /// Makes the kernel's reply link from `server` to `client` again without sending the request again.
    ///
    /// The server waits openly in a stub; the client repeats its own call with an empty message. Then the
    /// server is back in its exception, and the kernel owes the client an answer.
    fn stage(&mut self, client: usize, server: usize) -> Result<(), Error> {
        if self.is_done(client) {
            return Ok(());
        }
        let lent = self.lend_way(client, server)?;
        let result = self.stage_call(client, server);
        if let Some(slot) = lent {
            self.pd()?.task.unmap_cap(self.k, slot).map_err(at(step::SLOT))?;
        }
        result
    }

    /// Fills the slot through which a client called, if the program has emptied it since, with a capability of the
    /// server. Returns the slot, which has to be emptied again.
    fn lend_way(&self, client: usize, server: usize) -> Result<Option<CapIndex>, Error> {
        let (pd, selector) = (self.pd()?, Selector(self.set.entries[client].frame.reg(2)));
        let (Some(slot), Some(info)) = (selector.cap(), self.set.entries[server].info) else {
            return Ok(None);
        };
        if pd.task.cap_valid(self.k, slot).map_err(at(step::SLOT))? {
            return Ok(None);
        }
        let rights = raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W;
        pd.task
            .map_cap(self.k, self.env.core_task, info.cap.index(), slot, rights, 0)
            .map_err(at(step::SLOT))?;
        Ok(Some(slot))
    }

    fn stage_call(&mut self, client: usize, server: usize) -> Result<(), Error> {
        let wait = [(0, 0), (2, Selector::nobody(Op::WAIT).0), (3, 0), (4, 0), (5, 0)];
        self.start_stub(server, Stub::Syscall, &wait)?;
        // Before the client calls: its send timeout may be zero.
        self.quiesce()?;
        let stub = self.start_own_syscall(client, STAGED_CALL)?;
        self.quiesce()?;
        self.note_own_syscall(client, stub)?;
        let got = self.finish_stub(server, Stub::Syscall)?;
        if MsgTag(got.reg(0)).0 != STAGED_CALL {
            return Err(ErrorKind::StubFailed.with(server as u32, got.reg(0), got.reg(4)));
        }
        self.trace(Event::Stage.of(client).with(server as u32));
        Ok(())
    }

    /// Makes a held server owe nobody an answer: a call of ours takes the place of its last caller's and is given
    /// up at once.
    fn forget_caller(&mut self, server: usize) -> Result<(), Error> {
        let Some(info) = self.set.entries[server].info else { return Ok(()) };
        let wait = [(0, 0), (2, Selector::nobody(Op::WAIT).0), (3, 0), (4, 0), (5, 0)];
        self.start_stub(server, Stub::Syscall, &wait)?;
        self.quiesce()?;
        let tag = MsgTag(FORGET | raw::L4_MSGTAG_SCHEDULE);
        // Its timeout of zero is over when it is received, so this ends in an error.
        self.k.ipc(info.cap.select(Op::CALL), tag, ZERO_BOTH, 0);
        self.quiesce()?;
        let got = self.finish_stub(server, Stub::Syscall)?;
        if got.reg(0) & !raw::L4_MSGTAG_SCHEDULE != FORGET {
            return Err(ErrorKind::StubFailed.with(server as u32, got.reg(0), got.reg(4)));
        }
        Ok(())
    }

    /// Makes a sender stand in its receiver's queue again, or a waiter in its semaphore's.
    fn stage_sender(&mut self, sender: usize) -> Result<(), Error> {
        if self.is_done(sender) {
            return Ok(());
        }
        let tag = self.set.entries[sender].frame.reg(0);
        self.level(sender)?;
        let stub = self.start_own_syscall(sender, tag)?;
        self.quiesce()?;
        self.note_own_syscall(sender, stub)
    }

    /// Gives thread `i` the highest priority of the set: a queue is sorted by priority, and the order in which senders
    /// stood may be another, because some were staged by an earlier stop.
    fn level(&mut self, i: usize) -> Result<(), Error> {
        let priorities = self.set.live().filter_map(|i| self.set.entries[i].info).map(|info| info.priority);
        let (Some(top), Some(info)) = (priorities.max(), self.set.entries[i].info) else { return Ok(()) };
        self.lift(i, self.env.lift + top - info.priority)
    }

    /// Makes those who are blocked in the window return to their own code. One whose timeout expires from
    /// now on does so as if there had been no stop.
    fn move_all_out(&mut self) -> Result<(), Error> {
        self.poll()?;
        for i in bits(self.set.mask(Phase::Held)) {
            if !self.set.entries[i].staged {
                continue;
            }
            if self.set.entries[i].last == Frame::ZERO {
                self.move_out(i)?;
            } else {
                let thumb = self.set.entries[i].frame.is_thumb();
                let stub = if thumb { Stub::ThumbSyscall } else { Stub::Syscall };
                self.note_own_syscall(i, stub)?;
                self.set.entries[i].staged = false;
            }
        }
        Ok(())
    }

    fn is_done(&self, i: usize) -> bool {
        self.set.entries[i].staged || self.set.entries[i].ended.is_some()
    }

    /// Gives thread `i` back its handler and priority, and lets it go with its frame and VFP state.
    pub(crate) fn release(&mut self, i: usize) -> Result<(), Error> {
        self.lift(i, 0)?;
        self.unhook(i)?;
        if !self.set.entries[i].staged {
            let entry = &self.set.entries[i];
            let frame = entry.ended.unwrap_or(entry.frame);
            self.send_frame(i, &frame, true)?;
        }
        self.set.entries[i].phase = Phase::Free;
        if let (Some(info), Some(now)) = (self.set.entries[i].info, self.host.now_us()) {
            self.set.naps.continued(info.cap.index().0, now);
        }
        if let Some(pd) = self.set.pd.filter(|_| self.set.state == State::Prepared) {
            self.host.started(pd, i);
        }
        self.trace(Event::Release.of(i).with(self.set.entries[i].frame.pc()));
        Ok(())
    }

    /// Gives thread `i` back its ordinary exception handler.
    fn unhook(&mut self, i: usize) -> Result<(), Error> {
        let Some(info) = self.set.entries[i].info else { return Ok(()) };
        let set = ThreadControl { exc_handler: Some(info.exc_handler), ..ThreadControl::default() };
        info.cap.control(self.k, set).map(|_| ()).map_err(at(step::HANDLER))
    }

    /// Gives thread `i`, which has not come out, a handler that answers its exception when it does.
    fn leave_late(&mut self, i: usize) -> Result<(), Error> {
        let (pd, Some(info)) = (self.pd()?, self.set.entries[i].info) else { return Ok(()) };
        let set = ThreadControl {
            exc_handler: Some(self.host.late_handler(pd, i, &info)),
            ..ThreadControl::default()
        };
        info.cap.control(self.k, set).map(|_| ()).map_err(at(step::HANDLER))
    }

    /// After a failed stop: everybody runs on as if nothing had happened.
    ///
    /// Whoever is still blocked keeps its trigger. When its IPC ends, the exception goes to its late handler,
    /// which answers it at once and changes nothing.
    pub(crate) fn let_go(&mut self) {
        // Best effort all the way: the error that brought us here is the one that is reported.
        // A stub may be under way; its thread has to be back before anything is asked of it.
        let _ = self.quiesce();
        let held = self.set.mask(Phase::Held);
        let _ = self.save_utcbs(held);
        for i in bits(held) {
            if self.set.entries[i].activity == Activity::USER && self.classify(i).is_err() {
                self.set.entries[i].activity = Activity::USER;
            }
        }
        if self.continue_all().is_err() {
            if let Some(pd) = self.set.pd {
                self.host.thaw(pd);
            }
            for i in bits(self.set.mask(Phase::Held)) {
                let _ = self.release(i);
            }
        }
        let _ = self.return_irqs();
        // Only now: whoever comes out before is raised above the barrier and must not run.
        for i in bits(self.set.mask(Phase::Triggered)) {
            let _ = self.leave_late(i);
        }
        // Exceptions that were on their way to us.
        let _ = self.poll();
        for i in bits(self.set.mask(Phase::Held)) {
            let _ = self.enter_thumb(i);
            let _ = self.release(i);
        }
        for i in bits(self.set.mask(Phase::Triggered)) {
            let _ = self.lift(i, 0);
            self.set.entries[i].phase = Phase::Free;
        }
        let _ = self.unmap_window();
        self.trace(Event::LetGo.of_all());
    }

    /// Maps the stop window into the PD.
    pub(crate) fn map_window(&mut self) -> Result<(), Error> {
        let (pd, env) = (self.pd()?, self.env);
        if self.set.window_mapped {
            return Ok(());
        }
        let code = Fpage::memory(env.window_code, 12, raw::L4_FPAGE_RX);
        let data = Fpage::memory(env.window_data, 12, raw::L4_FPAGE_RW);
        pd.task.map(self.k, env.core_task, code, env.pd_window, 0).map_err(at(step::WINDOW))?;
        pd.task.map(self.k, env.core_task, data, env.pd_window + 4096, 0).map_err(at(step::WINDOW))?;
        self.set.window_mapped = true;
        Ok(())
    }

    fn unmap_window(&mut self) -> Result<(), Error> {
        if !self.set.window_mapped {
            return Ok(());
        }
        let pd = self.pd()?;
        for page in 0..2 {
            let what = Fpage::memory(self.env.pd_window + page * 4096, 12, raw::L4_FPAGE_RWX);
            pd.task.unmap(self.k, what, raw::THAW_UNMAP_SELF_BIT).map_err(at(step::WINDOW))?;
        }
        self.set.window_mapped = false;
        Ok(())
    }

    /// Takes the stop gates out of the PD.
    pub(crate) fn unmap_gates(&mut self) {
        let Some(pd) = self.set.pd else { return };
        for i in 0..self.set.entries.len() {
            let entry = &mut self.set.entries[i];
            if entry.gate_mapped {
                // An emptied slot is what is wanted; a PD that is gone has none.
                let _ = pd.task.unmap_cap(self.k, self.env.stop_slot_of(i));
                entry.gate_mapped = false;
            }
        }
    }
}
