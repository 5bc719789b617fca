//! Kernel memory and what is kept in it.

pub mod arena;
pub mod frames;
#[cfg(target_os = "none")]
pub mod map;
#[cfg(target_os = "none")]
pub mod mapdb;
pub mod table;
