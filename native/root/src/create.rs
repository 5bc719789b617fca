//! Making PDs and giving them their sessions.

use thaw_l4::{CapIndex, Fpage, raw};
use thaw_native_abi::layout;

use crate::books::{BlockService, Root};
use crate::error::{Error, Result};
use crate::faults;
use crate::label::{Kind, Label, PdId};
use crate::machine::{FACTORY, Machine, TASK};
use crate::memory::AttachSpec;
use crate::pd::{ObjectKind, Pd, PdSpec, Session};
use crate::regions::Region;

impl Root {
    /// Makes a PD with a task, its own session and a log session; no memory, no thread.
    pub fn pd_create(&mut self, m: &impl Machine, spec: &PdSpec) -> Result<PdId> {
        let id = self.pds.next_id()?;
        faults::allocation(Error::OverQuota)?;
        if let Some(parent) = spec.parent {
            self.pds.get_mut(parent)?.quota.take(spec.quota_pages)?;
        }
        let area = Fpage::memory(layout::UTCB_AREA, layout::UTCB_AREA_ORDER, 0);
        match self.fill_slot(|slot| FACTORY.create_task(m, slot, area)) {
            Ok(task) => self.pds.insert(Pd::new(id, spec, task)),
            Err(e) => {
                if let Some(parent) = spec.parent {
                    self.pds.get_mut(parent)?.quota.give(spec.quota_pages);
                }
                return Err(e);
            }
        }
        let given = self
            .session(m, id, layout::SLOT_PD, Kind::Program)
            .and_then(|()| self.session(m, id, layout::SLOT_LOG, Kind::Log));
        if let Err(e) = given {
            self.pd_destroy(m, id)?;
            return Err(e);
        }
        Ok(id)
    }

    /// Gives a PD a session at root.
    pub fn session(&mut self, m: &impl Machine, id: PdId, slot: u32, kind: Kind) -> Result<()> {
        let task = self.pds.get(id)?.task;
        let gate = self.give_gate(m, task, slot, Label::session(kind, id))?.index();
        self.note_session(id, Session { slot, gate, own: true })
    }

    fn note_session(&mut self, id: PdId, session: Session) -> Result<()> {
        self.pds.get_mut(id)?.sessions.push(session).map_err(|_| Error::TableFull)
    }

    /// Makes the capability of a PD, for its parent; returns root's slot of it.
    pub fn parent_capability(&mut self, m: &impl Machine, id: PdId) -> Result<CapIndex> {
        let label = Label::session(Kind::Parent, id).encode();
        let gate = self.fill_slot(|own| FACTORY.create_gate(m, own, crate::machine::MAIN_THREAD, label))?;
        self.pds.get_mut(id)?.parent_gate = Some(gate.index());
        Ok(gate.index())
    }

    /// Routes the checkpoint service to a PD: a gate bound to the service's front thread.
    pub fn checkpoint_session(&mut self, m: &impl Machine, id: PdId) -> Result<()> {
        let front = self.front.ok_or(Error::NoSuchObject)?;
        let label = Label::session(Kind::Checkpoint, id).encode();
        let gate = self.fill_slot(|own| FACTORY.create_gate(m, own, front, label))?;
        let task = self.pds.get(id)?.task;
        // A client passes capabilities through this gate; without the right S they would lose theirs.
        let rights = raw::L4_CAP_FPAGE_RWS;
        let given = task.map_cap(m, TASK, gate.index(), CapIndex(layout::SLOT_CHECKPOINT), rights, 0);
        if let Err(e) = given {
            self.delete_object(m, gate.index());
            return Err(e.into());
        }
        self.note_session(id, Session { slot: layout::SLOT_CHECKPOINT, gate: gate.index(), own: true })
    }

    /// Notes the block service that a driver announced in a gate of its own.
    pub fn announce(&mut self, m: &impl Machine, driver: PdId, slot: u32, buffer: u32) -> Result<()> {
        let pd = self.pds.get(driver)?;
        let gate = match pd.object_at(slot).map(|o| o.kind) {
            Some(ObjectKind::Gate(gate)) => gate.index(),
            _ => return Err(Error::NoSuchObject),
        };
        let buffer = match buffer {
            0 => None,
            addr => Some(buffer_of(pd.regions.find(addr).copied(), addr)?),
        };
        if self.block.is_some() {
            return Err(Error::InUse);
        }
        self.block = Some(BlockService { gate, buffer });
        self.start_waiting(m);
        Ok(())
    }

    /// Routes the block service to a PD: gate and shared buffer.
    pub fn block_session(&mut self, m: &impl Machine, id: PdId) -> Result<()> {
        let block = self.block.ok_or(Error::NoSuchObject)?;
        let task = self.pds.get(id)?.task;
        let rights = raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W;
        task.map_cap(m, TASK, block.gate, CapIndex(layout::SLOT_BLOCK), rights, 0)?;
        self.note_session(id, Session { slot: layout::SLOT_BLOCK, gate: block.gate, own: false })?;
        let Some((dataspace, offset)) = block.buffer else { return Ok(()) };
        let region = Region {
            addr: layout::BLOCK_BUFFER,
            bytes: layout::BLOCK_BUFFER_BYTES,
            dataspace,
            offset,
            rights: raw::L4_FPAGE_RW,
        };
        // Outside the range that `attach` checks: programs cannot have put anything there.
        self.pds.get_mut(id)?.regions.insert(region)
    }

    /// Attaches a whole dataspace to its manager and maps it at once.
    pub fn attach_mapped(
        &mut self,
        m: &impl Machine,
        pd: PdId,
        dataspace: u32,
        addr: u32,
        rights: u32,
    ) -> Result<Region> {
        let spec = AttachSpec { dataspace, addr, offset: 0, bytes: None, rights };
        let region = self.attach(pd, spec)?;
        if let Err(e) = self.map_region(m, pd, &region) {
            self.detach(m, pd, region.addr)?;
            return Err(e);
        }
        Ok(region)
    }
}

/// Dataspace and offset of a buffer that lies whole in one region.
fn buffer_of(region: Option<Region>, addr: u32) -> Result<(u32, u32)> {
    let region = region.ok_or(Error::NoSuchObject)?;
    let skip = addr - region.addr;
    if !addr.is_multiple_of(crate::frames::PAGE_BYTES) || region.bytes - skip < layout::BLOCK_BUFFER_BYTES {
        return Err(Error::BadSize);
    }
    Ok((region.dataspace, region.offset + skip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_buffer_lies_whole_in_one_region() {
        let region = Region { addr: 0x2000_0000, bytes: 0x1_2000, dataspace: 9, offset: 0x3000, rights: 6 };
        assert_eq!(buffer_of(Some(region), 0x2000_2000), Ok((9, 0x5000)));
        assert_eq!(buffer_of(Some(region), 0x2000_3000), Err(Error::BadSize));
        assert_eq!(buffer_of(Some(region), 0x2000_0800), Err(Error::BadSize));
        assert_eq!(buffer_of(None, 0x2000_0000), Err(Error::NoSuchObject));
    }
}
