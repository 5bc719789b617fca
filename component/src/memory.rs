//! The checkpointer's hold on memory: spare RAM, and dataspaces it looks into. Both go back when dropped.

use heapless::Vec;
use thaw_image::MAX_DATASPACES;

use crate::books::{Books, Content, PAGE_BYTES};
use crate::error::{Asked, Error, Request, Result, surely};
use crate::host::{CopyRoutine, Host, Span};

/// RAM of the checkpointer.
pub struct Spare<'h, H: Host> {
    host: &'h H,
    span: Span,
}

impl<'h, H: Host> Spare<'h, H> {
    /// Takes `bytes`, all of it mapped.
    pub fn take(host: &'h H, bytes: u32) -> Result<Self> {
        Ok(Self { host, span: host.take_spare(bytes.max(PAGE_BYTES)).asked(Request::Spare)? })
    }

    /// Refuses if the RAM of the books is more than it.
    pub fn check_room(&self, books: &Books) -> Result<()> {
        if books.ram_bytes() > self.span.bytes { Err(Error::changed("memory")) } else { Ok(()) }
    }

    /// Where it is.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// A part of it; a part beyond its end is a mistake in the tables.
    pub fn part(&self, offset: u32, bytes: u32) -> Result<Span> {
        self.span.part(offset, bytes).ok_or(Error::changed("size"))
    }
}

impl<H: Host> Drop for Spare<'_, H> {
    fn drop(&mut self) {
        // What cannot be given back is noticed when counts are compared.
        let _ = surely(|| self.host.give_spare(self.span));
    }
}

/// Refuses a target of more than half of what the checkpointer may take.
pub fn check_room<H: Host>(host: &H, target_bytes: u32) -> Result<()> {
    let memory = host.memory().asked(Request::Memory)?;
    let pages = memory.free_pages.min(memory.own_pages);
    let target_pages = target_bytes / PAGE_BYTES;
    if u64::from(target_pages) * 2 > u64::from(pages) {
        return Err(Error::TargetTooLarge { target_kib: target_pages * 4, spare_kib: kib(pages) });
    }
    Ok(())
}

/// Refuses if less than `bytes` can be taken.
pub fn check_free<H: Host>(host: &H, bytes: u64) -> Result<()> {
    let memory = host.memory().asked(Request::Memory)?;
    let pages = memory.free_pages.min(memory.own_pages);
    if bytes > u64::from(pages) * u64::from(PAGE_BYTES) {
        let needed_kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        return Err(Error::MemoryShort { needed_kib, free_kib: kib(pages) });
    }
    Ok(())
}

fn kib(pages: u32) -> u32 {
    pages.saturating_mul(4)
}

/// Dataspaces that the checkpointer sees, by the world's number.
pub struct Views<'h, H: Host> {
    host: &'h H,
    spans: Vec<(u32, Span), { MAX_DATASPACES as usize }>,
}

impl<'h, H: Host> Views<'h, H> {
    /// Of nothing.
    pub fn new(host: &'h H) -> Self {
        Self { host, spans: Vec::new() }
    }

    /// Of all RAM of the books.
    pub fn of(host: &'h H, books: &Books) -> Result<Self> {
        let mut views = Self::new(host);
        views.follow(books)?;
        Ok(views)
    }

    /// Adds a dataspace; returns where it is seen.
    pub fn add(&mut self, id: u32, writable: bool) -> Result<Span> {
        let span = self.host.show(id, writable).asked(Request::Show)?;
        // The books hold no more dataspaces than fit.
        let _ = self.spans.push((id, span));
        Ok(span)
    }

    /// Shows what is new in the books. What is not in them any more was freed, and is seen by nobody.
    pub fn follow(&mut self, books: &Books) -> Result<()> {
        self.spans.retain(|(id, _)| books.ram().any(|(_, dataspace)| dataspace.id == *id));
        for (_, dataspace) in books.ram() {
            if self.find(dataspace.id).is_none() {
                self.add(dataspace.id, false)?;
            }
        }
        Ok(())
    }

    fn find(&self, id: u32) -> Option<Span> {
        self.spans.iter().find(|(seen, _)| *seen == id).map(|(_, span)| *span)
    }

    /// Copies all RAM of the books into `spare`.
    pub fn copy_out(&self, books: &Books, spare: &Spare<'_, H>) -> Result<()> {
        for (_, dataspace) in books.ram() {
            if let Content::Ram { offset } = dataspace.content {
                let bytes = dataspace.page_bytes();
                let seen = self.find(dataspace.id).and_then(|span| span.part(0, bytes));
                let from = seen.ok_or(Error::changed("size"))?;
                self.host.copy(spare.part(offset, bytes)?, from, CopyRoutine::Stop);
            }
        }
        Ok(())
    }
}

impl<H: Host> Drop for Views<'_, H> {
    fn drop(&mut self) {
        while let Some((_, span)) = self.spans.pop() {
            // What stays is noticed when counts are compared.
            let _ = surely(|| self.host.hide(span));
        }
    }
}
