//! Requests of a program on its own session: [`thaw_native_abi::target`].

use thaw_l4::raw;
use thaw_native_abi::target as op;

use crate::books::Root;
use crate::error::{Error, Result};
use crate::label::PdId;
use crate::machine::Machine;
use crate::memory::AttachSpec;
use crate::objects::ObjectSpec;
use crate::pd::Name;
use crate::request::{Args, Outcome, low_high};
use crate::threads::ThreadSpec;

impl Root {
    /// Serves one request.
    pub fn program_request(
        &mut self,
        m: &impl Machine,
        pd: PdId,
        operation: u32,
        args: Args<'_>,
    ) -> Result<Outcome> {
        if operation == op::CLOCK {
            return Ok(Outcome::words(&low_high(self.pds.get(pd)?.clock.now(m.now_us()))));
        }
        if operation == op::KERNEL_CLOCK {
            // The kernel's first: who adds a time to it sleeps rather longer than shorter by the other.
            let kernel = low_high(m.kernel_us());
            let own = low_high(self.pds.get(pd)?.clock.now(m.now_us()));
            return Ok(Outcome::words(&[kernel[0], kernel[1], own[0], own[1]]));
        }
        self.pds.get_mut(pd)?.change()?;
        match operation {
            op::THREAD_CREATE => {
                let index = self.thread_create(m, pd, &thread_spec(args)?)?;
                Ok(Outcome::words(&[index]))
            }
            op::THREAD_EXIT => self.thread_end(m, pd, args.get(1)?).map(|()| Outcome::EMPTY),
            op::GATE_CREATE => {
                let badge = self.gate_create(m, pd, object_spec(args, 0)?)?;
                Ok(Outcome::words(&[badge]))
            }
            op::IRQ_CREATE => {
                self.irq_create(m, pd, object_spec(args, args.get(3)?)?, None).map(|()| Outcome::EMPTY)
            }
            op::OBJECT_DELETE => self.object_delete(m, pd, args.get(1)?).map(|()| Outcome::EMPTY),
            op::SEMAPHORE_CREATE => self.semaphore_create(m, pd, args.get(1)?).map(|()| Outcome::EMPTY),
            op::THREAD_CAP => self.thread_cap(m, pd, args.get(1)?, args.get(2)?).map(|()| Outcome::EMPTY),
            op::SLOT_CLEAR => self.slot_clear(m, pd, args.get(1)?).map(|()| Outcome::EMPTY),
            op::EXIT => self.pd_exit(m, pd, args.get(1)?).map(|()| Outcome::NoReply),
            op::MEMORY_ALLOC..=op::MEMORY_FREE | op::ROM_ATTACH => {
                self.memory_request(m, pd, operation, args)
            }
            op::ANNOUNCE..=op::DEVICE_IRQ => self.driver_request(m, pd, operation, args),
            _ => Err(Error::UnknownRequest),
        }
    }

    fn memory_request(
        &mut self,
        m: &impl Machine,
        pd: PdId,
        operation: u32,
        args: Args<'_>,
    ) -> Result<Outcome> {
        match operation {
            op::MEMORY_ALLOC => {
                let region = self.allocate(m, pd, args.get(1)?, args.get(2)?, raw::L4_FPAGE_RW)?;
                Ok(Outcome::words(&[region.addr]))
            }
            op::MEMORY_FREE => self.memory_free(m, pd, args.get(1)?).map(|()| Outcome::EMPTY),
            _ => {
                let rom = *self.dataspaces.rom(args.name(1)?).ok_or(Error::NoSuchObject)?;
                let spec = AttachSpec {
                    dataspace: rom.id,
                    addr: 0,
                    offset: 0,
                    bytes: None,
                    rights: raw::L4_FPAGE_RO,
                };
                let region = self.attach(pd, spec)?;
                Ok(Outcome::words(&[region.addr, rom.bytes]))
            }
        }
    }

    fn driver_request(
        &mut self,
        m: &impl Machine,
        id: PdId,
        operation: u32,
        args: Args<'_>,
    ) -> Result<Outcome> {
        let pd = self.pds.get(id)?;
        let allowed = if operation == op::ANNOUNCE { pd.provides_block } else { pd.devices };
        if !allowed {
            return Err(Error::NotConfigured);
        }
        match operation {
            op::ANNOUNCE => self.announce(m, id, args.get(1)?, args.get(2)?).map(|()| Outcome::EMPTY),
            op::DMA_ALLOC => {
                let region = self.allocate(m, id, args.get(1)?, 0, raw::L4_FPAGE_RW)?;
                let phys = self.translate(id, region.addr).ok_or(Error::NoSuchObject)?;
                Ok(Outcome::words(&[region.addr, phys]))
            }
            op::DEVICE_ATTACH => {
                let region = self.device_attach(m, id, args.get(1)?, args.get(2)?)?;
                Ok(Outcome::words(&[region.addr]))
            }
            op::DEVICE_IRQ => {
                let spec = object_spec(args, args.get(3)?)?;
                self.irq_create(m, id, spec, Some(args.get(4)?)).map(|()| Outcome::EMPTY)
            }
            _ => Err(Error::UnknownRequest),
        }
    }
}

fn thread_spec(args: Args<'_>) -> Result<ThreadSpec> {
    Ok(ThreadSpec {
        index: None,
        ip: args.get(1)?,
        sp: args.get(2)?,
        priority: args.get(3)?,
        tpidruro: args.get(4)?,
        start: true,
        name: Name(args.name(5)?),
    })
}

fn object_spec(args: Args<'_>, label: u32) -> Result<ObjectSpec> {
    Ok(ObjectSpec { slot: args.get(1)?, thread: args.get(2)?, label })
}
