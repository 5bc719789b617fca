//! Upper bounds of everything an image may contain.
//!
//! A bound is part of the format: a writer refuses to exceed it and a reader refuses an image
//! that does, so that a component can size its tables once. Overflow is
//! [`Refusal::Limit`](crate::Refusal::Limit), which names the [`Bound`](crate::Bound).

/// Size of a page and alignment of everything in an image, in bytes.
pub const PAGE_SIZE: usize = 4096;
/// Size of the header block at the start of an image, in bytes.
pub const HEADER_BLOCK: usize = 4096;
/// Protection domains in one image.
pub const MAX_TARGETS: u32 = 8;
/// Sessions and services of the outside.
pub const MAX_EXTERNALS: u32 = 64;
/// Dataspaces, shared ones counted once.
pub const MAX_DATASPACES: u32 = 128;
/// Attached regions of all protection domains.
pub const MAX_REGIONS: u32 = 256;
/// Threads, holes in the slot order included. The rules keep one bit per thread in a `u64`.
pub const MAX_THREADS: u32 = 64;
/// IPC gates.
pub const MAX_GATES: u32 = 256;
/// IRQ objects.
pub const MAX_IRQS: u32 = 128;
/// Objects that a Genode component names by badge: five a thread, and as many again.
pub const MAX_OBJECTS: u32 = 1024;
/// Occupied capability slots of all protection domains.
pub const MAX_SLOTS: u32 = 4096;
/// One past the highest slot index: a capability word carries it in bits 12 to 31.
pub const MAX_SLOT_INDEX: u32 = 1 << 20;
/// Extents of all dataspaces.
pub const MAX_EXTENTS: u32 = 8192;
/// Pages of one stored extent (1 MiB), so that a buffer for a whole one stays possible.
pub const MAX_EXTENT_PAGES: u32 = 256;
/// Pages of all RAM dataspaces (256 MiB).
pub const MAX_PAGES: u32 = 65536;
/// Bytes of a name, without any terminator.
pub const MAX_NAME: usize = 32;
/// Bytes of the kernel's version string.
pub const MAX_KERNEL_NAME: usize = 64;
/// Bytes of the record table.
pub const MAX_TABLE: u64 = 2 << 20;
/// Bytes of one record without its record header; a thread is the largest.
pub const MAX_PAYLOAD: usize = 1024;

/// Returns the length of an extent table that suffices for `pages` pages in `dataspaces`
/// dataspaces, however zero and non-zero pages alternate.
///
/// The writer elides every zero page while half of the table is free and only ever longer runs
/// afterwards (see [`Writer`](crate::Writer)); the last quarter takes runs of 256 pages, of which
/// `pages` pages hold at most three extents per 256 pages and four per dataspace.
pub const fn extent_table_len(pages: u32, dataspaces: u32) -> u32 {
    12 * (pages / MAX_EXTENT_PAGES) + 16 * (dataspaces + 1)
}
