//! Requests to the block driver, calls on [`SLOT_BLOCK`](crate::layout::SLOT_BLOCK).
//!
//! Data passes through the shared buffer at [`BLOCK_BUFFER`](crate::layout::BLOCK_BUFFER), always from
//! its start. MR0 is the operation; the reply's label is 0 or a negative `L4_E*` number: `ENODEV` no disk,
//! `EPERM` read-only, `ERANGE` beyond the end, `EINVAL` no sectors or more than the buffer holds, `ENOSYS` no
//! such operation, `EMSGTOOSHORT` words missing, `EIO` the device reports an error, `EBUSY` it does not answer
//! (from then on: no disk).

/// Bytes of a sector.
pub const SECTOR_BYTES: u32 = 512;
/// Result: sectors (low, high word), read-only flag.
pub const INFO: u32 = 1;
/// Reads into the buffer. MR1-2 first sector (low, high word), MR3 sectors.
pub const READ: u32 = 2;
/// Writes from the buffer. MR1-2 first sector (low, high word), MR3 sectors.
pub const WRITE: u32 = 3;
/// Returns when everything written is on the medium.
pub const FLUSH: u32 = 4;
