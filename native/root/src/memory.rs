//! Memory of PDs: making dataspaces, attaching them, giving them back.

use thaw_l4::{Fpage, Kernel, Message, SendItem, raw};
use thaw_native_abi::sigma0;

use crate::books::Root;
use crate::dataspaces::{Dataspace, Kind};
use crate::error::{Error, Result};
use crate::faults;
use crate::frames::{PAGE_BYTES, pages_of};
use crate::label::PdId;
use crate::machine::{Machine, SIGMA0, TASK};
use crate::regions::{Region, check_range};

/// Log2 of the largest flexpage root sends: 2 MiB.
pub const LARGE_ORDER: u32 = 21;

/// Where a dataspace is to be attached.
#[derive(Clone, Copy, Debug)]
pub struct AttachSpec {
    /// Dataspace id.
    pub dataspace: u32,
    /// Address, 0 for any.
    pub addr: u32,
    /// Offset in the dataspace.
    pub offset: u32,
    /// Bytes, `None` for all from the offset.
    pub bytes: Option<u32>,
    /// `L4_FPAGE_*`.
    pub rights: u32,
}

/// Splits `bytes` at `to` and `from` into the largest flexpages both allow: `(to, from, order)`.
pub fn flexpages(to: u32, from: u32, bytes: u32) -> impl Iterator<Item = (u32, u32, u32)> {
    let mut done = 0;
    core::iter::from_fn(move || {
        let left = bytes.checked_sub(done).filter(|left| *left != 0)?;
        let (to, from) = (to.wrapping_add(done), from.wrapping_add(done));
        let order = (to | from).trailing_zeros().min(left.ilog2()).min(LARGE_ORDER);
        done += 1 << order;
        Some((to, from, order))
    })
}

/// Cache attributes with which a dataspace is mapped.
#[must_use]
pub const fn attributes(kind: Kind) -> u32 {
    match kind {
        Kind::Ram | Kind::Rom => 0,
        Kind::Device => raw::THAW_MEM_ATTR_SET | raw::THAW_MEM_UNCACHED,
    }
}

impl Root {
    /// Makes zeroed, physically contiguous RAM charged to `owner`; returns its id.
    pub fn ram_create(&mut self, m: &impl Machine, owner: PdId, bytes: u32) -> Result<u32> {
        let id = self.ram_blank(owner, bytes)?;
        let bytes = self.dataspaces.get(id).map_or(0, |dataspace| dataspace.bytes);
        self.ram_fill(m, owner, id, bytes, None)?;
        Ok(id)
    }

    /// As [`ram_create`](Self::ram_create), but of no use until [`ram_fill`](Self::ram_fill) has filled all of it.
    pub fn ram_blank(&mut self, owner: PdId, bytes: u32) -> Result<u32> {
        let pages = pages_of(bytes).filter(|pages| *pages != 0).ok_or(Error::BadSize)?;
        if !self.dataspaces.has_room() {
            return Err(Error::TableFull);
        }
        faults::allocation(Error::OverQuota)?;
        self.pds.get_mut(owner)?.quota.take(pages)?;
        let found = faults::allocation(Error::NoMemory).ok().and_then(|()| self.frames.alloc(pages));
        let Some(phys) = found else {
            self.pds.get_mut(owner)?.quota.give(pages);
            return Err(Error::NoMemory);
        };
        let dataspace = Dataspace {
            id: 0,
            kind: Kind::Ram,
            owner: Some(owner),
            phys,
            bytes: pages * PAGE_BYTES,
            filled: 0,
            name: [0; 4],
        };
        self.dataspaces.add(dataspace)
    }

    /// Fills the next `bytes` bytes of blank RAM: with what stands at `from` in the memory of a PD, or with zeros.
    pub fn ram_fill(
        &mut self,
        m: &impl Machine,
        owner: PdId,
        id: u32,
        bytes: u32,
        from: Option<(PdId, u32)>,
    ) -> Result<()> {
        let source = from.map(|(pd, addr)| self.attached(pd, addr, bytes)).transpose()?;
        let dataspace = self.dataspaces.get_mut(id).ok_or(Error::NoSuchObject)?;
        if dataspace.owner != Some(owner) || dataspace.kind != Kind::Ram {
            return Err(Error::NotOwner);
        }
        if bytes == 0 || !bytes.is_multiple_of(PAGE_BYTES) || bytes > dataspace.bytes - dataspace.filled {
            return Err(Error::BadSize);
        }
        let to = dataspace.phys + dataspace.filled;
        match source {
            Some(phys) => m.copy(to, phys, bytes),
            None => m.zero(to, bytes),
        }
        dataspace.filled += bytes;
        Ok(())
    }

    /// Physical address of whole pages that are attached in a PD in one piece.
    fn attached(&self, pd: PdId, addr: u32, bytes: u32) -> Result<u32> {
        let region = self.pds.get(pd)?.regions.find(addr).ok_or(Error::BadAddress)?;
        let end = addr.checked_add(bytes).ok_or(Error::BadAddress)?;
        if end > region.end() || !addr.is_multiple_of(PAGE_BYTES) {
            return Err(Error::BadAddress);
        }
        let dataspace = self.dataspaces.get(region.dataspace).ok_or(Error::NoSuchObject)?;
        Ok(dataspace.phys + region.offset + (addr - region.addr))
    }

    /// The dataspace, if `pd` may attach it: its own, or a ROM.
    pub fn dataspace_of(&self, pd: PdId, id: u32) -> Result<Dataspace> {
        let dataspace = *self.dataspaces.get(id).ok_or(Error::NoSuchObject)?;
        match dataspace.owner {
            Some(owner) if owner != pd => Err(Error::NotOwner),
            _ => Ok(dataspace),
        }
    }

    /// Attaches a dataspace that the caller has checked to be allowed; nothing is mapped yet.
    pub fn attach(&mut self, pd: PdId, spec: AttachSpec) -> Result<Region> {
        let dataspace = *self.dataspaces.get(spec.dataspace).ok_or(Error::NoSuchObject)?;
        check_rights(dataspace.kind, spec.rights)?;
        if dataspace.is_blank() {
            return Err(Error::Blank);
        }
        let rest = dataspace.mapped_bytes().checked_sub(spec.offset).ok_or(Error::BadSize)?;
        let bytes = spec.bytes.unwrap_or(rest);
        let bytes = pages_of(bytes).ok_or(Error::BadSize)? * PAGE_BYTES;
        if bytes == 0 || bytes > rest || !spec.offset.is_multiple_of(PAGE_BYTES) {
            return Err(Error::BadSize);
        }
        let regions = &mut self.pds.get_mut(pd)?.regions;
        let addr = match spec.addr {
            0 => regions.place(bytes, dataspace.phys + spec.offset).ok_or(Error::NoMemory)?,
            addr => addr,
        };
        check_range(addr, bytes)?;
        let region =
            Region { addr, bytes, dataspace: spec.dataspace, offset: spec.offset, rights: spec.rights };
        regions.insert(region)?;
        Ok(region)
    }

    /// Maps a whole region at once, with the largest pages possible.
    pub fn map_region(&self, m: &impl Machine, pd: PdId, region: &Region) -> Result<()> {
        let dataspace = *self.dataspaces.get(region.dataspace).ok_or(Error::NoSuchObject)?;
        let task = self.pds.get(pd)?.task;
        let attr = attributes(dataspace.kind);
        for (to, from, order) in flexpages(region.addr, dataspace.phys + region.offset, region.bytes) {
            task.map(m, TASK, Fpage::memory(from, order, region.rights), to, attr)?;
        }
        Ok(())
    }

    /// Removes the region that starts at `addr` and takes its pages away.
    pub fn detach(&mut self, m: &impl Machine, pd: PdId, addr: u32) -> Result<Region> {
        let pd = self.pds.get_mut(pd)?;
        let region = pd.regions.remove(addr).ok_or(Error::NoSuchObject)?;
        for (to, _, order) in flexpages(region.addr, region.addr, region.bytes) {
            let page = Fpage::memory(to, order, raw::L4_FPAGE_RWX);
            pd.task.unmap(m, page, raw::THAW_UNMAP_SELF_BIT)?;
        }
        Ok(region)
    }

    /// Frees memory that starts at `addr` in `pd`: the region must be a whole dataspace of its own.
    pub fn memory_free(&mut self, m: &impl Machine, pd: PdId, addr: u32) -> Result<()> {
        let region =
            *self.pds.get(pd)?.regions.find(addr).filter(|r| r.addr == addr).ok_or(Error::NoSuchObject)?;
        let dataspace = self.dataspace_of(pd, region.dataspace)?;
        if dataspace.owner.is_none() {
            return Err(Error::NotOwner);
        }
        if region.bytes != dataspace.bytes {
            return Err(Error::BadSize);
        }
        self.dataspace_free(m, dataspace.id);
        Ok(())
    }

    /// Takes a dataspace away from everybody and frees its frames.
    pub fn dataspace_free(&mut self, m: &impl Machine, id: u32) {
        let Some(dataspace) = self.dataspaces.remove(id) else { return };
        for pd in self.pds.iter_mut() {
            while pd.regions.remove_of(id).is_some() {}
        }
        if self.block.is_some_and(|b| b.buffer.is_some_and(|(buffer, _)| buffer == id)) {
            self.block = None;
        }
        for (_, from, order) in flexpages(dataspace.phys, dataspace.phys, dataspace.mapped_bytes()) {
            // The kernel refuses only a malformed request; the pages stay root's.
            let _ = TASK.unmap(m, Fpage::memory(from, order, raw::L4_FPAGE_RWX), raw::L4_FP_OTHER_SPACES);
        }
        if dataspace.kind != Kind::Ram {
            return;
        }
        let pages = dataspace.bytes / PAGE_BYTES;
        self.frames.free(dataspace.phys, pages);
        if let Some(owner) = dataspace.owner
            && let Ok(pd) = self.pds.get_mut(owner)
        {
            pd.quota.give(pages);
        }
    }

    /// Makes a dataspace and attaches all of it; undone if the second step fails.
    pub fn allocate(
        &mut self,
        m: &impl Machine,
        pd: PdId,
        bytes: u32,
        addr: u32,
        rights: u32,
    ) -> Result<Region> {
        let dataspace = self.ram_create(m, pd, bytes)?;
        let attached = self.attach(pd, AttachSpec { dataspace, addr, offset: 0, bytes: None, rights });
        if attached.is_err() {
            self.dataspace_free(m, dataspace);
        }
        attached
    }

    /// Makes device memory known and attaches it.
    pub fn device_attach(&mut self, m: &impl Machine, pd: PdId, phys: u32, bytes: u32) -> Result<Region> {
        let pages = pages_of(bytes).filter(|pages| *pages != 0).ok_or(Error::BadSize)?;
        if !phys.is_multiple_of(PAGE_BYTES) || phys.checked_add(pages * PAGE_BYTES).is_none() {
            return Err(Error::BadAddress);
        }
        for (to, _, order) in flexpages(phys, phys, pages * PAGE_BYTES) {
            ask_for_device(m, to, order)?;
        }
        let dataspace = Dataspace {
            id: 0,
            kind: Kind::Device,
            owner: Some(pd),
            phys,
            bytes: pages * PAGE_BYTES,
            filled: 0,
            name: [0; 4],
        };
        let dataspace = self.dataspaces.add(dataspace)?;
        let attached = self
            .attach(pd, AttachSpec { dataspace, addr: 0, offset: 0, bytes: None, rights: raw::L4_FPAGE_RW });
        if attached.is_err() {
            self.dataspace_free(m, dataspace);
        }
        attached
    }

    /// Physical address behind an address of a PD.
    #[must_use]
    pub fn translate(&self, pd: PdId, addr: u32) -> Option<u32> {
        let region = self.pds.get(pd).ok()?.regions.find(addr)?;
        let dataspace = self.dataspaces.get(region.dataspace)?;
        Some(dataspace.phys + region.offset + (addr - region.addr))
    }
}

fn check_rights(kind: Kind, rights: u32) -> Result<()> {
    let writable = kind != Kind::Rom;
    let known = rights & !raw::L4_FPAGE_RWX == 0 && rights & raw::L4_FPAGE_RO != 0;
    if known && (writable || rights & raw::L4_FPAGE_W == 0) { Ok(()) } else { Err(Error::BadRights) }
}

/// Has sigma0 map device memory into root's task, at its physical address. RAM is refused.
fn ask_for_device<K: Kernel>(m: &K, phys: u32, order: u32) -> Result<()> {
    let first = raw::THAW_UTCB_BR_WORD as usize;
    m.set_utcb_word(raw::THAW_UTCB_BDR_WORD as usize, 0);
    m.set_utcb_word(first, raw::L4_ITEM_MAP);
    m.set_utcb_word(first + 1, raw::L4_WHOLE_ADDRESS_SPACE << 6);
    m.set_utcb_word(first + 2, 0);
    let message = Message::new(m).word(sigma0::MAP_DEVICE).word(phys).word(order);
    message.call(SIGMA0, raw::L4_PROTO_SIGMA0)?;
    Ok(())
}

/// The item that answers a page fault at `addr` in a region.
#[must_use]
pub fn fault_item(region: &Region, dataspace: &Dataspace, addr: u32) -> SendItem {
    let page = addr & !(PAGE_BYTES - 1);
    let phys = dataspace.phys + region.offset + (page - region.addr);
    SendItem::memory(page, Fpage::memory(phys, 12, region.rights), attributes(dataspace.kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(to: u32, from: u32, bytes: u32) -> std::vec::Vec<(u32, u32, u32)> {
        flexpages(to, from, bytes).collect()
    }

    #[test]
    fn flexpages_are_as_large_as_both_addresses_allow() {
        assert_eq!(
            split(0x20_0000, 0x4040_0000, 0x40_0000),
            [(0x20_0000, 0x4040_0000, 21), (0x40_0000, 0x4060_0000, 21)]
        );
        assert_eq!(split(0x1000, 0x3000, 0x3000), [(0x1000, 0x3000, 12), (0x2000, 0x4000, 13)]);
        assert_eq!(split(0, 0x1000, 0), []);
    }

    #[test]
    fn flexpages_cover_exactly_the_range() {
        for (to, from, bytes) in [(0x1f_f000, 0x40ff_f000, 0x60_3000), (0x7000, 0x5000, 0x1_1000)] {
            let mut at = 0;
            for (t, f, order) in flexpages(to, from, bytes) {
                assert_eq!((t, f), (to + at, from + at));
                assert!((t | f).is_multiple_of(1 << order), "{t:#x} {f:#x} {order}");
                at += 1 << order;
            }
            assert_eq!(at, bytes);
        }
    }

    #[test]
    fn rights_are_checked_by_kind() {
        for (kind, rights, good) in [
            (Kind::Ram, raw::L4_FPAGE_RWX, true),
            (Kind::Ram, raw::L4_FPAGE_W, false),
            (Kind::Ram, 8 | raw::L4_FPAGE_RO, false),
            (Kind::Rom, raw::L4_FPAGE_RX, true),
            (Kind::Rom, raw::L4_FPAGE_RW, false),
        ] {
            assert_eq!(check_rights(kind, rights).is_ok(), good, "{kind:?} {rights}");
        }
    }
}
