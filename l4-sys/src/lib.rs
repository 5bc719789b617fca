//! Raw Fiasco.OC ABI for 32-bit ARM: numbers, layouts, system-call stubs.
#![no_std]
