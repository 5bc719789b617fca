//! Requests of root to sigma0, calls on capability index 4 (`l4_sys::raw::THAW_INDEX_PAGER`) with
//! protocol -6 (`L4_PROTO_SIGMA0`). Faults of root are answered without a request.
//!
//! Every other protocol or operation is refused with `-L4_ENOSYS`.

/// Maps device memory uncached. MR0 = this, MR1 physical address, MR2 log2 of the bytes (12-28; the
/// address is aligned to it). The receiver's first *memory* buffer says where it goes. The reply carries
/// one map item; `-L4_EINVAL` for a bad address or order, `-L4_EPERM` for RAM.
pub const MAP_DEVICE: u32 = 1;
