//! The checkpointer: policy, order, image, rollback.
//!
//! A [`Checkpointer`] works on a [`Host`](host::Host) (the world: PDs, memory, names), a
//! [`Service`](service::Service) (the privileged service that stops and continues threads) and a block
//! device. It names no world; the native system is in `component/native`.
//!
//! Modules in the order of a checkpoint: [`scan`], [`memory`], [`stop`], [`encode`],
//! [`checkpoint`]; of a restore: [`decode`], [`build`], [`restore`]. State that has to go back
//! when something fails is held by guards: [`service::Session`] lets the target go on,
//! [`build::Building`] destroys the PD, [`memory::Spare`] and [`memory::Views`] give memory back.
#![cfg_attr(not(test), no_std)]

pub mod activity;
mod again;
pub mod books;
pub mod build;
pub mod checkpoint;
pub mod config;
pub mod decode;
pub mod encode;
pub mod error;
pub mod examine;
pub mod faults;
pub mod forged;
pub mod host;
pub mod lives;
pub mod memory;
pub mod memory_disk;
pub mod mutate;
pub mod pause;
pub mod phase;
pub mod restore;
pub mod run;
pub mod scan;
pub mod service;
pub mod soak;
pub mod stop;
pub mod summary;
pub mod trace;
pub mod until;
pub mod wire;

pub use checkpoint::{Checkpointer, Done, Machine, Tables};
pub use error::{Error, Result};
pub use restore::Restored;
