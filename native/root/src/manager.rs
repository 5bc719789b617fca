//! Requests on the manager session: [`thaw_native_abi::manager`].

use thaw_l4::{SendItem, raw};
use thaw_native_abi::boot::POWER_OFF_LINE;
use thaw_native_abi::layout::priority::TARGET_MAX;
use thaw_native_abi::manager as op;

use crate::books::{Root, write_line};
use crate::dataspaces::{Dataspace, Kind};
use crate::error::{Error, Result};
use crate::label::{Kind as LabelKind, Label, PdId};
use crate::line::Text;
use crate::machine::Machine;
use crate::pd::{Name, ObjectKind, PdSpec};
use crate::request::{Args, Outcome};

impl Root {
    /// Serves one request.
    pub fn manager_request(
        &mut self,
        m: &impl Machine,
        pd: PdId,
        operation: u32,
        args: Args<'_>,
    ) -> Result<Outcome> {
        match operation {
            op::PD_CREATE => self.manager_pd_create(m, pd, args),
            op::ROM_OPEN => {
                let rom = self.dataspaces.rom(args.name(1)?).ok_or(Error::NoSuchObject)?;
                Ok(Outcome::words(&[rom.id, rom.bytes]))
            }
            op::ATTACH => {
                let dataspace = self.manageable(pd, args.get(1)?)?;
                let region = self.attach_mapped(m, pd, dataspace.id, args.get(2)?, args.get(3)?)?;
                Ok(Outcome::words(&[region.addr, dataspace.bytes]))
            }
            op::DETACH => {
                self.check_manager_region(pd, args.get(1)?)?;
                self.detach(m, pd, args.get(1)?).map(|_| Outcome::EMPTY)
            }
            op::MEMORY_INFO => {
                let left = self.pds.get(pd)?.quota.left();
                Ok(Outcome::words(&[self.frames.free_pages(), self.frames.total_pages(), left]))
            }
            op::POWER_OFF => {
                let mut line = Text::new();
                line.push(POWER_OFF_LINE.as_bytes());
                write_line(m, &mut line);
                Ok(Outcome::EMPTY)
            }
            op::COUNTS => Ok(Outcome::words(&self.counts())),
            op::PD_ADOPT => self.adopt(pd, args.name(1)?),
            op::FAULT..=op::LIVES | op::PLANT => self.fault_request(m, pd, operation, args),
            _ => Err(Error::UnknownRequest),
        }
    }

    fn manager_pd_create(&mut self, m: &impl Machine, parent: PdId, args: Args<'_>) -> Result<Outcome> {
        let spec = PdSpec {
            name: Name(args.name(2)?),
            parent: Some(parent),
            quota_pages: args.get(1)?,
            priority: TARGET_MAX,
        };
        let id = self.pd_create(m, &spec)?;
        let gate = match self.parent_capability(m, id) {
            Ok(gate) => gate,
            Err(e) => {
                self.pd_destroy(m, id)?;
                return Err(e);
            }
        };
        let badge = Label::session(LabelKind::Parent, id).encode();
        let mut outcome = Outcome::words(&[badge]);
        if let Outcome::Answer { item, .. } = &mut outcome {
            *item = Some(SendItem::capability(gate, raw::L4_CAP_FPAGE_RWS, 0));
        }
        Ok(outcome)
    }

    /// A dataspace that a manager may see: a ROM, or RAM of a PD that it made.
    fn manageable(&self, manager: PdId, id: u32) -> Result<Dataspace> {
        let dataspace = *self.dataspaces.get(id).ok_or(Error::NoSuchObject)?;
        let Some(owner) = dataspace.owner else { return Ok(dataspace) };
        let allowed = self.pds.get(owner)?.parent == Some(manager);
        if allowed && dataspace.kind == Kind::Ram { Ok(dataspace) } else { Err(Error::NotOwner) }
    }

    /// Only what was attached by `ATTACH` goes by `DETACH`, not the manager's own program.
    fn check_manager_region(&self, pd: PdId, addr: u32) -> Result<()> {
        let regions = &self.pds.get(pd)?.regions;
        let region = regions.find(addr).filter(|r| r.addr == addr).ok_or(Error::NoSuchObject)?;
        let dataspace = self.dataspaces.get(region.dataspace).ok_or(Error::NoSuchObject)?;
        if dataspace.owner == Some(pd) { Err(Error::NotOwner) } else { Ok(()) }
    }

    /// What root holds: see [`op::COUNTS`].
    #[must_use]
    pub fn counts(&self) -> [u32; 8] {
        let threads = self.pds.iter().map(|pd| pd.threads.iter().flatten().count());
        let objects = || self.pds.iter().flat_map(|pd| pd.objects.iter());
        let gates = objects().filter(|o| matches!(o.kind, ObjectKind::Gate(_))).count();
        [
            self.pds.iter().count() as u32,
            threads.sum::<usize>() as u32,
            gates as u32,
            (objects().count() - gates) as u32,
            self.dataspaces.list().len() as u32,
            self.pds.iter().map(|pd| pd.regions.list().len()).sum::<usize>() as u32,
            self.slots.in_use(),
            self.frames.free_pages(),
        ]
    }
}
