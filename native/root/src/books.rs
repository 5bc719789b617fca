//! Root's books and the small operations that all kinds of objects share.

use core::fmt::Write;

use heapless::Vec;
use thaw_l4::{Cap, CapIndex, Gate, Irq, Thread, raw};

use crate::dataspaces::Dataspaces;
use crate::error::{Error, Result};
use crate::faults;
use crate::frames::Frames;
use crate::label::{Label, PDS_MAX, PdId};
use crate::line::Text;
use crate::machine::{FACTORY, LOG, MAIN_THREAD, Machine, TASK};
use crate::orphans::Gone;
use crate::pd::Pds;
use crate::slots::Slots;
use crate::start::Waiting;

/// The announced block service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockService {
    /// Gate of the driver.
    pub gate: CapIndex,
    /// Dataspace of the shared buffer and offset in it.
    pub buffer: Option<(u32, u32)>,
}

/// Everything that root knows.
pub struct Root {
    /// Free page frames.
    pub frames: Frames,
    /// Root's own capability slots.
    pub slots: Slots,
    /// Dataspaces of all PDs, and ROM.
    pub dataspaces: Dataspaces,
    /// Protection domains.
    pub pds: Pds,
    /// Where the search for a free badge begins.
    pub next_badge: u32,
    /// Physical address of the info page.
    pub info_page: u32,
    /// The block service, once announced.
    pub block: Option<BlockService>,
    /// PDs that wait for it.
    pub waiting: Vec<Waiting, PDS_MAX>,
    /// The thread that passes when nothing above it is ready, see [`crate::destroy`].
    pub helper: Option<Cap<Thread>>,
    /// Receives requests to the checkpoint service.
    pub front: Option<Cap<Thread>>,
    /// Wakes the front when a client of the service is gone.
    pub gone_irq: Option<Cap<Irq>>,
    /// Clients of the service that are gone, of which it does not know yet.
    pub gone: Vec<Gone, PDS_MAX>,
    /// Threads of root besides the main one.
    pub own_threads: u32,
    /// Threads ever made for PDs.
    pub threads_made: u32,
}

impl Root {
    /// Empty books.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            frames: Frames::new(),
            slots: Slots::new(),
            dataspaces: Dataspaces::new(),
            pds: Pds::new(),
            next_badge: crate::objects::FIRST_BADGE,
            info_page: 0,
            block: None,
            waiting: Vec::new(),
            helper: None,
            front: None,
            gone_irq: None,
            gone: Vec::new(),
            own_threads: 0,
            threads_made: 0,
        }
    }

    /// Takes a slot of root's own and lets `make` fill it; the slot is free again if that fails.
    pub fn fill_slot<T>(&mut self, make: impl FnOnce(CapIndex) -> thaw_l4::Result<T>) -> Result<T> {
        faults::allocation(Error::TableFull)?;
        let slot = self.slots.alloc().ok_or(Error::TableFull)?;
        make(slot).map_err(|e| {
            self.slots.free(slot);
            Error::Kernel(e)
        })
    }

    /// Deletes the object in a slot of root's own and frees the slot.
    pub fn delete_object(&mut self, m: &impl Machine, slot: CapIndex) {
        // The kernel refuses only a malformed request.
        let _ = TASK.delete(m, slot);
        self.slots.free(slot);
    }

    /// Makes a gate bound to root's main thread and puts it into a slot of a task.
    pub fn give_gate(
        &mut self,
        m: &impl Machine,
        to: Cap<thaw_l4::Task>,
        slot: u32,
        label: Label,
    ) -> Result<Cap<Gate>> {
        let gate = self.fill_slot(|own| FACTORY.create_gate(m, own, MAIN_THREAD, label.encode()))?;
        match to.map_cap(m, TASK, gate.index(), CapIndex(slot), raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W, 0)
        {
            Ok(()) => Ok(gate),
            Err(e) => {
                self.delete_object(m, gate.index());
                Err(e.into())
            }
        }
    }

    /// Name of a PD for the log.
    #[must_use]
    pub fn name(&self, pd: PdId) -> crate::pd::Name {
        self.pds.get(pd).map(|pd| pd.name).unwrap_or_default()
    }
}

impl Default for Root {
    fn default() -> Self {
        Self::new()
    }
}

/// Prints a line of root's own to the kernel's log.
#[track_caller]
pub fn say(m: &impl Machine, text: core::fmt::Arguments<'_>) {
    let mut line = Text::new();
    line.push(b"[root] ");
    // A line that is too long is cut, it never fails.
    let _ = line.write_fmt(text);
    write_line(m, &mut line);
    m.record(text);
}

/// Prints a finished line in one system call, so that it is never interleaved.
pub fn write_line(m: &impl Machine, line: &mut Text) {
    // There is nowhere to report a failing log.
    let _ = LOG.write(m, line.finish());
}
