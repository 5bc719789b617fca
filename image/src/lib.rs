//! The checkpoint image: header, records, pages, hashes.
#![no_std]
