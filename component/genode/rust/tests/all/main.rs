//! Checkpoint and restore over a world of the test's: what was read is what is made again.

mod life;
mod store;
mod world;
