//! The host tool thaw: looks into checkpoint images.

fn main() {}
