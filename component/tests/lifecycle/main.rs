//! Checkpoint and restore from end to end against a world of the test's own: order of requests, what is
//! left when any one of them fails, and that an image brings everything back.

mod checkpoint;
mod disk;
mod examine;
mod parts;
mod restore;
mod setup;
mod trace;
mod world;
