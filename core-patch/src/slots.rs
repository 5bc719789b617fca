//! A PD's capability slots: what is in them, and putting something in.

use l4_sys::{CapIndex, raw};
use thaw_l4::Kernel;
use thaw_protocol::{Error, ErrorKind, PROBE_ENTRIES, PROBE_SLOTS, slot_kind};

use crate::{
    Engine, Host, ObjectKind, Reply,
    receive::{at, step},
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

    fn holds_stop_gate(&self, slot: u32) -> bool {
        let mut gates = self.set.entries.iter().enumerate().filter(|(_, entry)| entry.gate_mapped);
        gates.any(|(i, _)| self.env.stop_slot_of(i).0 == slot)
    }

    fn identify(&self, slot: CapIndex) -> (u32, u32) {
        match self.set.object_at(slot) {
            Some(object) => match object.kind {
                ObjectKind::Gate(_) => (slot_kind::GATE, object.badge),
                ObjectKind::Irq(_) => (slot_kind::IRQ, object.badge),
            },
            None if self.host.is_fixed_slot(slot) => (slot_kind::FIXED, 0),
            None => (slot_kind::UNKNOWN, 0),
        }
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
