//! Interfaces of the native system: root, block driver, boot information.
#![no_std]
