//! Threads of PDs.

use thaw_l4::{Cap, CapIndex, ExRegs, Task, Thread, ThreadControl, raw};
use thaw_native_abi::layout;

use crate::books::Root;
use crate::error::{Error, Result};
use crate::label::{Label, PdId};
use crate::machine::{FACTORY, Machine, SCHEDULER};
use crate::pd::{Name, ThreadRecord};

/// What a thread is to be made with.
#[derive(Clone, Copy, Debug)]
pub struct ThreadSpec {
    /// Index, `None` for the first free one.
    pub index: Option<u32>,
    /// First instruction; bit 0: Thumb.
    pub ip: u32,
    /// Stack pointer.
    pub sp: u32,
    /// Priority.
    pub priority: u32,
    /// TPIDRURO.
    pub tpidruro: u32,
    /// Whether it runs at once. If not it is bound and scheduled, but has never run.
    pub start: bool,
    /// Name.
    pub name: Name,
}

/// Slot of a thread's pager gate in its PD.
#[must_use]
pub const fn pager_slot(index: u32) -> u32 {
    layout::SLOT_THREADS + 4 * index + layout::AREA_PAGER
}

/// Address of a thread's UTCB in its PD.
#[must_use]
pub const fn utcb_addr(index: u32) -> u32 {
    layout::UTCB_AREA + raw::THAW_UTCB_BYTES * index
}

impl Root {
    fn free_thread_index(&self, pd: PdId, wanted: Option<u32>) -> Result<u32> {
        let threads = &self.pds.get(pd)?.threads;
        match wanted {
            None => threads.iter().position(Option::is_none).map(|i| i as u32).ok_or(Error::TableFull),
            Some(index) => match threads.get(index as usize) {
                None => Err(Error::TableFull),
                Some(Some(_)) => Err(Error::InUse),
                Some(None) => Ok(index),
            },
        }
    }

    /// Makes a thread, and starts it if asked to; returns its index.
    pub fn thread_create(&mut self, m: &impl Machine, pd: PdId, spec: &ThreadSpec) -> Result<u32> {
        let index = self.free_thread_index(pd, spec.index)?;
        let (task, most) = self.pds.get(pd).map(|pd| (pd.task, pd.priority))?;
        if spec.priority == 0 || spec.priority > most {
            return Err(Error::BadPriority);
        }
        let thread = self.fill_slot(|slot| FACTORY.create_thread(m, slot))?;
        let label = Label::pager(pd, index as u8);
        let gate = match self.give_gate(m, task, pager_slot(index), label) {
            Ok(gate) => gate.index(),
            Err(e) => {
                self.delete_object(m, thread.index());
                return Err(e);
            }
        };
        if let Err(e) = bind(m, thread, task, index)
            .and_then(|()| prepare(m, thread, spec).inspect_err(|_| self.halt_bound(m, thread)))
        {
            self.delete_object(m, thread.index());
            self.delete_object(m, gate);
            return Err(e.into());
        }
        self.threads_made = self.threads_made.wrapping_add(1);
        let thumb_entry = Some(spec.ip & !1).filter(|_| spec.start && spec.ip & 1 != 0);
        let record = ThreadRecord {
            cap: thread,
            gate,
            priority: spec.priority,
            started: spec.start,
            thumb_entry,
            serial: self.threads_made,
            name: spec.name,
        };
        self.pds.get_mut(pd)?.threads[index as usize] = Some(record);
        Ok(index)
    }

    /// Deletes a thread whose message no ready thread is about to receive (see [`crate::destroy`]), with
    /// its pager gate.
    pub fn thread_delete(&mut self, m: &impl Machine, pd: PdId, index: u32) -> Result<()> {
        let record = *self.pds.get(pd)?.thread(index)?;
        self.pds.get_mut(pd)?.threads[index as usize] = None;
        self.delete_object(m, record.cap.index());
        self.delete_object(m, record.gate);
        Ok(())
    }
}

fn bind(m: &impl Machine, thread: Cap<Thread>, task: Cap<Task>, index: u32) -> thaw_l4::Result<()> {
    let handler = Some(CapIndex(pager_slot(index)));
    let bind = Some((task, utcb_addr(index)));
    thread.control(m, ThreadControl { pager: handler, exc_handler: handler, bind }).map(|_| ())
}

fn prepare(m: &impl Machine, thread: Cap<Thread>, spec: &ThreadSpec) -> thaw_l4::Result<()> {
    thread.set_tpidruro(m, spec.tpidruro)?;
    if spec.start {
        // `ex_regs` does not reach the Thumb bit on G: a Thumb thread begins with an exception, and the
        // answer to it loads all registers.
        let flags = if spec.ip & 1 != 0 { raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION } else { 0 };
        thread.ex_regs(m, ExRegs { ip: Some(spec.ip & !1), sp: Some(spec.sp), flags })?;
    }
    SCHEDULER.run_thread(m, thread, spec.priority)
}
