//! Making a PD of the books: memory, map, threads, gates, IRQs. No thread runs.

use thaw_image::{Encoding, Extent, Name};
use thaw_l4::raw;
use thaw_protocol::slot_kind;

use crate::books::{Books, Content, PAGE_BYTES};
use crate::error::{Asked, Error, Request, Result, surely};
use crate::host::{Held, Host, NewThread, ObjectKind, Region, Span};
use crate::memory::Views;
use crate::scan;

/// A PD that is destroyed with everything in it unless it is [kept](Self::keep).
pub struct Building<'h, H: Host> {
    host: &'h H,
    pd: H::Pd,
    kept: bool,
}

impl<'h, H: Host> Building<'h, H> {
    /// Makes an empty PD.
    pub fn new(host: &'h H, name: Name, quota_pages: u32) -> Result<Self> {
        let pd = host.pd_create(name, quota_pages).asked(Request::PdCreate)?;
        Ok(Self { host, pd, kept: false })
    }

    /// The PD.
    pub fn pd(&self) -> H::Pd {
        self.pd
    }

    /// It is complete.
    pub fn keep(mut self) -> H::Pd {
        self.kept = true;
        self.pd
    }
}

impl<H: Host> Drop for Building<'_, H> {
    fn drop(&mut self) {
        if !self.kept {
            // What stays is noticed when counts are compared.
            let _ = surely(|| self.host.pd_destroy(self.pd));
        }
    }
}

/// Makes the RAM, fills it from the image, and attaches everything.
pub fn build_memory<H: Host>(
    host: &H,
    pd: H::Pd,
    books: &mut Books,
    image: Span,
    extents: &[Extent],
) -> Result<()> {
    for (index, dataspace) in (0..).zip(&mut books.dataspaces) {
        match dataspace.content {
            Content::Ram { .. } => {
                dataspace.id = host.ram_blank(pd, dataspace.bytes).asked_of(Request::RamCreate, index)?;
            }
            Content::Rom { name, .. } => {
                let found = host.rom(name).asked(Request::Rom)?;
                dataspace.id = found.ok_or(Error::RomMissing(name))?.0;
            }
        }
    }
    // The image is verified: its extents tile the dataspaces in order.
    runs(extents).try_for_each(|run| fill(host, pd, books, image, &run))?;
    for (_, dataspace) in books.ram().filter(|(index, _)| books.is_executable(*index)) {
        host.make_coherent(Views::new(host).add(dataspace.id, false)?);
    }
    for region in &books.regions {
        let id = books.dataspaces.get(region.dataspace as usize).map_or(0, |d| d.id);
        host.attach(pd, &Region { dataspace: id, ..*region }).asked_of(Request::Attach, region.addr)?;
    }
    Ok(())
}

/// Most pages that are filled at once: for so long nobody below the world runs.
const RUN_PAGES: u32 = 4096;

/// Extents, those that continue each other as one: each is a request, and those of an image are short.
fn runs(extents: &[Extent]) -> impl Iterator<Item = Extent> {
    let mut rest = extents.iter().peekable();
    core::iter::from_fn(move || {
        let mut run = *rest.next()?;
        while let Some(next) = rest.next_if(|next| continues(&run, next)) {
            run.page_count += next.page_count;
            run.stored_length += next.stored_length;
        }
        Some(run)
    })
}

fn continues(run: &Extent, next: &Extent) -> bool {
    let stored = run.encoding == Encoding::Raw && next.encoding == Encoding::Raw;
    let behind = next.offset == run.offset + u64::from(run.stored_length);
    stored && behind && next.dataspace == run.dataspace && run.page_count + next.page_count <= RUN_PAGES
}

fn fill<H: Host>(host: &H, pd: H::Pd, books: &Books, image: Span, extent: &Extent) -> Result<()> {
    let not_there = Error::Unsupported("extent of dataspace", extent.dataspace);
    let dataspace = books.dataspaces.get(extent.dataspace as usize).ok_or(not_there)?;
    let from = match extent.encoding {
        Encoding::Zero => None,
        Encoding::Raw => {
            let at = u32::try_from(extent.offset).ok();
            Some(at.and_then(|at| image.part(at, extent.stored_length)).ok_or(not_there)?)
        }
    };
    host.ram_fill(pd, dataspace.id, extent.page_count * PAGE_BYTES, from).asked(Request::RamFill)
}

/// Makes threads that have not run, gates and IRQ objects.
pub fn build_objects<H: Host>(host: &H, pd: H::Pd, books: &Books) -> Result<()> {
    for (index, thread) in (0..).zip(&books.threads) {
        let Some(info) = thread.info else { continue };
        let new = NewThread { index, priority: info.priority, name: info.name };
        host.thread_create(pd, &new).asked_of(Request::ThreadCreate, index)?;
    }
    for booked in &books.objects {
        let o = &booked.object;
        match o.kind {
            ObjectKind::Gate => match host.gate_create(pd, o.slot, o.thread, o.badge) {
                Err(e) if e.0 == raw::L4_EEXIST => return Err(Error::BadgeTaken(o.badge)),
                made => made.asked_of(Request::GateCreate, o.slot)?,
            },
            ObjectKind::Irq => {
                host.irq_create(pd, o.slot, o.thread, o.badge).asked_of(Request::IrqCreate, o.slot)?;
            }
            ObjectKind::Semaphore => {
                host.semaphore_create(pd, o.slot).asked_of(Request::SemaphoreCreate, o.slot)?;
            }
        }
    }
    Ok(())
}

/// Gives the PD what it holds besides the one capability of each object, and takes away what it has not any more.
pub fn build_slots<H: Host>(host: &H, pd: H::Pd, books: &Books) -> Result<()> {
    for entry in &books.slots {
        let what = match entry.kind {
            slot_kind::THREAD => Held::Thread(entry.badge),
            slot_kind::GATE | slot_kind::IRQ | slot_kind::SEMAPHORE if entry.copy => {
                Held::Object(entry.badge)
            }
            slot_kind::GATE | slot_kind::IRQ | slot_kind::SEMAPHORE
                if entry.rights != raw::L4_CAP_FPAGE_RWS =>
            {
                Held::Object(entry.slot)
            }
            _ => continue,
        };
        host.slot_set(pd, entry.slot, entry.rights, what).asked_of(Request::SlotSet, entry.slot)?;
    }
    Ok(())
}

/// Checks ROM modules and memory before anything is made.
pub fn check_place<H: Host>(host: &H, books: &Books, buffer: &mut [u8]) -> Result<()> {
    for dataspace in &books.dataspaces {
        let Content::Rom { name, hash } = dataspace.content else { continue };
        let (id, bytes) = host.rom(name).asked(Request::Rom)?.ok_or(Error::RomMissing(name))?;
        if bytes != dataspace.bytes || scan::hash_rom(host, id, bytes, buffer)? != hash {
            return Err(Error::RomDiffers(name));
        }
    }
    // The quota is taken from the checkpointer's own; the RAM must be there, too.
    crate::memory::check_free(host, u64::from(books.quota_pages) * u64::from(PAGE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use thaw_image::Digest;

    fn raw(dataspace: u32, first_page: u32, page_count: u32, offset: u64) -> Extent {
        let (encoding, hash) = (Encoding::Raw, Digest::NONE);
        let stored_length = page_count * PAGE_BYTES;
        Extent { dataspace, first_page, page_count, encoding, offset, stored_length, hash }
    }

    #[test]
    fn only_what_continues_in_memory_and_image_is_filled_at_once() {
        let zero = Extent { encoding: Encoding::Zero, offset: 0, stored_length: 0, ..raw(0, 512, 9, 0) };
        let extents = [
            raw(0, 0, 256, 0x1000),
            raw(0, 256, 256, 0x10_1000),
            zero,
            raw(0, 521, 1, 0x20_1000),
            raw(1, 0, 1, 0x20_2000),
            raw(1, 1, 1, 0x20_4000),
        ];
        let pages: Vec<u32> = runs(&extents).map(|run| run.page_count).collect();
        assert_eq!(pages, [512, 9, 1, 1, 1]);
        assert_eq!(runs(&extents).next().map(|run| run.stored_length), Some(512 * PAGE_BYTES));
    }

    #[test]
    fn a_run_is_no_longer_than_others_can_wait() {
        let extents: Vec<Extent> =
            (0..40).map(|n| raw(0, 256 * n, 256, 0x1000 + u64::from(256 * n * PAGE_BYTES))).collect();
        let pages: Vec<u32> = runs(&extents).map(|run| run.page_count).collect();
        assert_eq!(pages, [RUN_PAGES, RUN_PAGES, 2048]);
    }
}
