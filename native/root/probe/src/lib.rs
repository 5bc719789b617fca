//! What the probes of root share.
#![no_std]

pub mod check;
pub mod client;
pub mod words;
