//! Kernel memory and what is kept in it.

pub mod arena;
pub mod frames;
pub mod map;
pub mod mapdb;
pub mod table;
