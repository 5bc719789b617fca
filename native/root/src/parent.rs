//! Requests of a parent on a PD's capability: [`thaw_native_abi::pd`].

use thaw_native_abi::pd as op;

use crate::books::Root;
use crate::dataspaces::{Dataspace, Kind};
use crate::error::{Error, Result};
use crate::held::Held;
use crate::label::{Kind as LabelKind, Label, PdId};
use crate::machine::Machine;
use crate::memory::AttachSpec;
use crate::objects::ObjectSpec;
use crate::pd::{Name, State};
use crate::request::{Args, Outcome, low_high};
use crate::threads::ThreadSpec;

impl Root {
    /// Serves one request.
    pub fn parent_request(
        &mut self,
        m: &impl Machine,
        id: PdId,
        operation: u32,
        args: Args<'_>,
    ) -> Result<Outcome> {
        match operation {
            op::INFO => self.pd_info(id),
            op::REGION_GET => self.region_get(id, args.get(1)?),
            op::DATASPACE_GET => self.dataspace_get(id, args.get(1)?),
            op::OBJECT_GET => self.object_get(id, args.get(1)?),
            op::THREAD_GET => self.thread_get(id, args.get(1)?),
            op::CLOCK_GET => {
                // The kernel's first: see `KERNEL_CLOCK`.
                let kernel = low_high(m.kernel_us());
                let own = low_high(self.pds.get(id)?.clock.now(m.now_us()));
                Ok(Outcome::words(&[own[0], own[1], kernel[0], kernel[1]]))
            }
            op::CLOCK_SET => {
                let us = u64::from(args.get(1)?) | u64::from(args.get(2)?) << 32;
                let now = m.now_us();
                let pd = self.pds.get_mut(id)?;
                let was_read = pd.threads.iter().flatten().any(|thread| thread.started);
                pd.clock.set(now, us, was_read).map(|()| Outcome::EMPTY)
            }
            op::DESTROY => {
                if self.pds.get(id)?.frozen {
                    return Err(Error::Frozen);
                }
                self.pd_destroy(m, id).map(|()| Outcome::EMPTY)
            }
            _ => self.parent_change(m, id, operation, args),
        }
    }

    fn parent_change(
        &mut self,
        m: &impl Machine,
        id: PdId,
        operation: u32,
        args: Args<'_>,
    ) -> Result<Outcome> {
        self.pds.get_mut(id)?.change()?;
        match operation {
            op::RAM_CREATE => {
                let dataspace = self.ram_create(m, id, args.get(1)?)?;
                Ok(Outcome::words(&[dataspace]))
            }
            op::RAM_BLANK => Ok(Outcome::words(&[self.ram_blank(id, args.get(1)?)?])),
            op::RAM_FILL => {
                let (dataspace, bytes, addr) = (args.get(1)?, args.get(2)?, args.get(3)?);
                let parent = self.pds.get(id)?.parent;
                let from = match addr {
                    0 => None,
                    _ => Some((parent.ok_or(Error::NotOwner)?, addr)),
                };
                self.ram_fill(m, id, dataspace, bytes, from).map(|()| Outcome::EMPTY)
            }
            op::ATTACH => {
                let dataspace = self.dataspace_of(id, args.get(1)?)?.id;
                let spec = AttachSpec {
                    dataspace,
                    addr: args.get(2)?,
                    offset: args.get(3)?,
                    bytes: Some(args.get(4)?),
                    rights: args.get(5)?,
                };
                let region = self.attach(id, spec)?;
                Ok(Outcome::words(&[region.addr]))
            }
            op::THREAD_CREATE => {
                let index = self.thread_create(m, id, &thread_spec(args)?)?;
                Ok(Outcome::words(&[index]))
            }
            op::GATE_CREATE => {
                let badge = self.gate_create(m, id, object_spec(args)?)?;
                Ok(Outcome::words(&[badge]))
            }
            op::IRQ_CREATE => self.irq_create(m, id, object_spec(args)?, None).map(|()| Outcome::EMPTY),
            op::SEMAPHORE_CREATE => self.semaphore_create(m, id, args.get(1)?).map(|()| Outcome::EMPTY),
            op::SLOT_SET => {
                let (slot, rights, number) = (args.get(1)?, args.get(2)?, args.get(4)?);
                let what = match args.get(3)? {
                    op::HELD_OBJECT => Held::Object(number),
                    op::HELD_THREAD => Held::Thread(number),
                    _ => return Err(Error::NoSuchObject),
                };
                self.slot_set(m, id, slot, rights, what).map(|()| Outcome::EMPTY)
            }
            _ => Err(Error::UnknownRequest),
        }
    }

    fn pd_info(&self, id: PdId) -> Result<Outcome> {
        let pd = self.pds.get(id)?;
        let (mut flags, mut code) = (0, 0);
        if let State::Exited(exit_code) = pd.state {
            flags |= op::FLAG_EXITED;
            code = exit_code;
        }
        if pd.faulted {
            flags |= op::FLAG_FAULTED;
        }
        let badge = Label::session(LabelKind::Parent, id).encode();
        let n = pd.name.0;
        Ok(Outcome::words(&[
            badge,
            pd.quota.limit,
            pd.quota.used,
            pd.threads_end(),
            flags,
            code,
            n[0],
            n[1],
            n[2],
            n[3],
            pd.changes,
        ]))
    }

    fn region_get(&self, id: PdId, n: u32) -> Result<Outcome> {
        let region = self.pds.get(id)?.regions.list().get(n as usize).ok_or(Error::EndOfList)?;
        Ok(Outcome::words(&[region.addr, region.bytes, region.dataspace, region.offset, region.rights]))
    }

    /// Dataspaces charged to the PD or attached in it, in order of id.
    fn dataspaces_of<'a>(&'a self, id: PdId) -> Result<impl Iterator<Item = &'a Dataspace> + use<'a>> {
        let regions = self.pds.get(id)?.regions.list();
        let seen = move |d: &&Dataspace| d.owner == Some(id) || regions.iter().any(|r| r.dataspace == d.id);
        Ok(self.dataspaces.list().iter().filter(seen))
    }

    fn dataspace_get(&self, id: PdId, n: u32) -> Result<Outcome> {
        let d = self.dataspaces_of(id)?.nth(n as usize).ok_or(Error::EndOfList)?;
        let kind = match d.kind {
            Kind::Ram => op::dataspace::RAM,
            Kind::Rom => op::dataspace::ROM,
            Kind::Device => op::dataspace::DEVICE,
        };
        Ok(Outcome::words(&[d.id, d.bytes, kind, d.name[0], d.name[1], d.name[2], d.name[3]]))
    }

    fn object_get(&self, id: PdId, n: u32) -> Result<Outcome> {
        let object = self.pds.get(id)?.objects.get(n as usize).ok_or(Error::EndOfList)?;
        let (kind, thread) = object.told();
        Ok(Outcome::words(&[object.slot, kind, object.label, thread]))
    }

    fn thread_get(&self, id: PdId, index: u32) -> Result<Outcome> {
        let pd = self.pds.get(id)?;
        if index >= pd.threads_end() {
            return Err(Error::EndOfThreads);
        }
        let thread = pd.thread(index).map_err(|_| Error::EndOfList)?;
        let flags = if thread.started { op::THREAD_STARTED } else { 0 };
        let n = thread.name.0;
        Ok(Outcome::words(&[flags, thread.priority, n[0], n[1], n[2], n[3]]))
    }
}

fn thread_spec(args: Args<'_>) -> Result<ThreadSpec> {
    let index = args.get(1)?;
    Ok(ThreadSpec {
        index: Some(index).filter(|i| *i != op::INDEX_ANY),
        ip: args.get(2)?,
        sp: args.get(3)?,
        priority: args.get(4)?,
        tpidruro: args.get(5)?,
        start: args.get(6)? & op::THREAD_START != 0,
        name: Name(args.name(7)?),
    })
}

fn object_spec(args: Args<'_>) -> Result<ObjectSpec> {
    Ok(ObjectSpec { slot: args.get(1)?, thread: args.get(2)?, label: args.get(3)? })
}
