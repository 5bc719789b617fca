//! The checkpointer as a component of Genode: all of it but the objects of C++.
//!
//! [`checkpoint`] and [`restore`] work on a [`World`]: the target's parent and the session at core,
//! both of them C++ (`component/genode/src/app/thaw`), reached through plain words. What a target is
//! stands in [`Records`] between them and the image.
#![cfg_attr(target_os = "none", no_std)]

mod calls;
mod checkpoint;
mod decode;
mod encode;
#[cfg(target_os = "none")]
mod entry;
mod error;
mod lines;
mod records;
mod restore;
mod scan;
mod store;
mod world;

pub use checkpoint::{After, Done, Keep, Machine, Order, Tables, checkpoint};
pub use error::{Error, Result};
pub use lines::print_image;
pub use records::Records;
pub use restore::{Restored, restore};
pub use store::{File, Files, Stored, find, load, save};
pub use world::{
    Attachment, Buffer, CoreResult, Handle, Handlers, Message, Nested, Region, SessionInfo, Slot, Span,
    ThreadInfo, TimerInfo, Wish, World, kind, memory, policy,
};
