//! Runtime of the native system's programs: entry, log, panic.
#![no_std]
