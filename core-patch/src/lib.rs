//! The privileged checkpoint service, kernel-neutral.
#![no_std]
