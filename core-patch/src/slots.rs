//! A PD's capability slots: what is in them, and putting something in.

use l4_sys::{CapIndex, raw};
use thaw_l4::Kernel;
use thaw_protocol::{Error, ErrorKind, NO_THREAD, PROBE_ENTRIES, PROBE_SLOTS, slot_kind, trace::Event};

use crate::{
    Engine, Host, ObjectKind, Reply,
    receive::{at, step},
    set::SLOTS_MAX,
};

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Looks at up to `PROBE_SLOTS` slots from `first`. Identities only: nothing the caller could use.
    pub(crate) fn probe(&mut self, first: u32) -> Result<Reply, Error> {
        let pd = self.pd()?;
        let end = first.saturating_add(PROBE_SLOTS).min(self.env.slots.1);
        let mut reply = Reply::default();
        let (mut looked, mut entries) = (0, 0);
        let mut found = heapless::Vec::<[u32; 3], PROBE_ENTRIES>::new();
        for slot in first..end {
            if found.is_full() {
                break;
            }
            looked += 1;
            // Our own gates are in the PD for the time of the stop only.
            let is_ours = self.holds_stop_gate(slot);
            if is_ours || !pd.task.cap_valid(self.k, CapIndex(slot)).map_err(at(step::SLOT))? {
                continue;
            }
            let (kind, badge) = self.identify(CapIndex(slot));
            let _ = found.push([slot, kind, badge]);
            entries += 1;
        }
        reply.push(&[looked, entries]);
        found.iter().for_each(|entry| reply.push(entry));
        Ok(reply)
    }

    /// The same from the books of the last stop.
    pub(crate) fn probe_snapshot(&self, first: u32) -> Reply {
        let found = || self.set.slots.iter().filter(|entry| entry[0] >= first);
        let next = found().nth(PROBE_ENTRIES).map_or(self.env.slots.1, |entry| entry[0]);
        let count = found().count().min(PROBE_ENTRIES) as u32;
        let mut reply = Reply::default();
        reply.push(&[next.saturating_sub(first), count]);
        found().take(PROBE_ENTRIES).for_each(|entry| reply.push(entry));
        reply
    }

    fn holds_stop_gate(&self, slot: u32) -> bool {
        let mut gates = self.set.entries.iter().enumerate().filter(|(_, entry)| entry.gate_mapped);
        gates.any(|(i, _)| self.env.stop_slot_of(i).0 == slot)
    }

    fn identify(&self, slot: CapIndex) -> (u32, u32) {
        match self.set.object_at(slot) {
            Some(object) => match object.kind {
                ObjectKind::Gate(_) => (slot_kind::GATE, object.badge),
                ObjectKind::Irq(_) => (slot_kind::IRQ, object.badge),
                ObjectKind::Thread => (slot_kind::THREAD, object.thread.map_or(NO_THREAD, |i| i as u32)),
            },
            None if self.host.is_fixed_slot(slot) => (slot_kind::FIXED, 0),
            None => (slot_kind::UNKNOWN, 0),
        }
    }

    /// Looks at all slots into the books; refuses a capability to something outside that the core does not
    /// know to answer promptly: a thread may be in a call to it.
    pub(crate) fn scan_slots(&mut self) -> Result<(), Error> {
        let pd = self.pd()?;
        self.set.slots.clear();
        for slot in 0..self.env.slots.1 {
            let filled = pd.task.cap_valid(self.k, CapIndex(slot)).map_err(at(step::SLOT))?;
            if !filled || self.holds_stop_gate(slot) {
                continue;
            }
            let (mut kind, mut badge) = self.identify(CapIndex(slot));
            if kind == slot_kind::UNKNOWN {
                (kind, badge) = self.identify_copy(CapIndex(slot))?;
            }
            if kind == slot_kind::UNKNOWN {
                return Err(ErrorKind::UnknownPeer.with(slot, 0, 0));
            }
            let full = ErrorKind::TooMany.with(SLOTS_MAX as u32, 0, 0);
            self.set.slots.push([slot, kind, badge]).map_err(|_| full)?;
        }
        self.trace(Event::Slots.of_all().with(self.set.slots.len() as u32));
        Ok(())
    }

    /// What a slot holds that the core did not fill: a copy, with the same rights, of what it put into another
    /// slot of the PD? One comparison for each object.
    fn identify_copy(&self, slot: CapIndex) -> Result<(u32, u32), Error> {
        let pd = self.pd()?;
        for object in &self.set.objects {
            if pd.task.cap_equal(self.k, slot, object.slot).map_err(at(step::SLOT))? {
                return Ok(self.identify(object.slot));
            }
        }
        Ok((slot_kind::UNKNOWN, 0))
    }

    /// Installs a capability of the caller's in an empty slot of a prepared PD.
    pub(crate) fn install(&mut self, slot: u32, rights: u32, held: CapIndex) -> Result<(), Error> {
        let pd = self.pd()?;
        let target = CapIndex(slot);
        let inside = slot >= self.env.slots.0 && slot < self.env.slots.1;
        if !inside || pd.task.cap_valid(self.k, target).map_err(at(step::SLOT))? {
            return Err(ErrorKind::BadSlot.with(slot, 0, 0));
        }
        let rights = rights & raw::L4_CAP_FPAGE_RWS;
        pd.task.map_cap(self.k, self.env.core_task, held, target, rights, 0).map_err(at(step::SLOT))?;
        // Without the right R the kernel maps nothing and calls it success.
        if pd.task.cap_valid(self.k, target).map_err(at(step::SLOT))? {
            Ok(())
        } else {
            Err(ErrorKind::BadSlot.with(slot, rights, 0))
        }
    }
}
