//! The one door for building, running and checking.

fn main() {}
