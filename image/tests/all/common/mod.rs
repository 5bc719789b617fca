//! What the tests of the image and of the tool share: models of targets, a disk that loses power.

mod disk;
mod judge;
mod model;
mod sample;

pub use disk::{Crash, Disk, NoPower};
pub use judge::{judge, judge_disk, seal, seal_labels};
pub use model::{Body, Model, header_of, reseal};
pub use sample::{genode, held, name, nested, sheep, tiny};
