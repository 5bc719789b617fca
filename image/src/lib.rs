//! The checkpoint image: header, records, pages, hashes.
//!
//! One format for disk, wire and RAM, specified in `docs/image-format.md`: a [`Header`] readable
//! alone, page data in extents, then a table of records. [`Writer`] streams the body into a
//! [`Sink`] and returns the header block last; [`verify`] checks a whole [`Source`] and only its
//! result, [`Verified`], gives access to records and pages, so nothing can be used before all was
//! checked. [`store`] keeps an image on a block device across power cuts.
//!
//! The crate knows no kernel, allocates nothing and contains no unsafe code. State is bounded:
//! [`verify`] needs about 12 KiB of stack besides the caller's scratch buffer, [`Writer`] about
//! 3 KiB besides the caller's extent table. All bounds are in [`limits`](crate::MAX_THREADS) and
//! are part of the format.
#![no_std]
#![forbid(unsafe_code)]

mod error;
mod hash;
mod header;
mod io;
mod limits;
mod reader;
mod record;
mod refusal;
mod refusal_text;
mod rules;
pub mod store;
mod text;
mod writer;

pub use error::Error;
pub use hash::{Digest, Hasher};
pub use header::{Abi, Architecture, Flags, Header, Identity, MAGIC, MAJOR, MINOR};
pub use io::{OutsideSlice, Sink, SliceSink, Source};
pub use limits::*;
pub use reader::{Cursor, Expect, Summary, Verified, read_header, verify};
pub use record::{
    Access, Activity, Affinity, Body, Content, Dataspace, Encoding, Extent, External, Frame, Gate, Irq, Kind,
    Link, Object, Pager, Queued, Record, Region, Rights, Role, Saved, Slot, SlotObject, Target, Thread,
    ThreadState, Vfp, Wait,
};
pub use refusal::{Bound, Refusal};
pub use text::{KernelName, Name, Text};
pub use writer::{Finished, TableWriter, Writer};
