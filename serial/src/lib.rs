//! The serial store: a disk for checkpoint images at the other end of a serial line that also carries text.
//!
//! The target asks, the host answers; each request says everything, so it can be repeated, and each frame
//! is checked, so one that was torn or changed counts as never sent. docs/serial-store.md is the
//! specification. Nothing here waits, allocates or touches a device: [`Client`] reaches its line through
//! [`Port`], [`Server`] is handed frames and hands out answers.
#![no_std]
#![forbid(unsafe_code)]

mod client;
mod frame;
mod line;
mod server;

pub use client::{Client, ClientError, Port, Store, Times};
pub use frame::{DATA_MAX, FRAME_MAX, Frame, Kind, SECTOR_BYTES, Status};
pub use line::{Found, LINE_MAX, Line, Scanner};
pub use server::{Disk, Server};
