//! Root task of the native system: a small core, one module per kind of object.
//!
//! One main thread is pager and server in one open-wait loop ([`server`]); everything it knows is in
//! [`books::Root`]. Requests come in through gates whose label names session, PD and thread ([`label`]).
//! All of it is generic over the kernel and the machine ([`machine`]), so that it is tested on the host.
#![cfg_attr(not(test), no_std)]

pub mod archive;
pub mod books;
pub mod client;
pub mod clock;
pub mod create;
pub mod dataspaces;
pub mod destroy;
pub mod error;
pub mod faults;
pub mod frames;
pub mod held;
pub mod helpers;
pub mod internal;
pub mod label;
pub mod line;
pub mod machine;
pub mod manager;
pub mod memory;
pub mod objects;
pub mod orphans;
pub mod pager;
pub mod parent;
pub mod pd;
pub mod ram;
pub mod regions;
pub mod request;
pub mod server;
pub mod slots;
pub mod start;
pub mod target;
pub mod threads;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod trace_tests;
