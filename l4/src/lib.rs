//! Typed Fiasco.OC kernel objects over a Kernel trait.
#![no_std]
