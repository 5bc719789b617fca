//! Decisions without state: what has no hardware in it and is unit-tested on the host.

pub mod flexpage;
pub mod rights;
pub mod tag;
pub mod timeout;
