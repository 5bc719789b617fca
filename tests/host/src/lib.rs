//! Host tests that span crates.
