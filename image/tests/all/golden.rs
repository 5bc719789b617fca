//! The images in `tests/golden` are what today's writer makes, byte for byte: a difference is a
//! change of the format. `UPDATE_EXPECT=1` writes them anew; look at the difference in docs, too.

use std::path::PathBuf;

use crate::common::{Disk, Model, sheep, tiny};
use thaw_image::Error;
use thaw_image::store::Store;

fn compare(file: &str, bytes: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden").join(file);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let golden = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let difference = golden.iter().zip(bytes).position(|(a, b)| a != b);
    assert!(
        golden == bytes,
        "{file}: {} bytes instead of {}, first difference at {difference:?}; UPDATE_EXPECT=1 if meant",
        bytes.len(),
        golden.len()
    );
}

/// A disk with two images, the newer one in area B.
pub fn disk(older: &Model, newer: &Model) -> Vec<u8> {
    let mut store = Store::open(Disk::new(16 + 2 * 96)).expect("large enough");
    for model in [older, newer] {
        let mut commit = store.begin(0).expect("fits");
        let finished = model.write(&mut commit, 64).map_err(Error::flatten).expect("fits");
        commit.finish(&finished).expect("power is on");
    }
    store.into_device().bytes
}

#[test]
fn tiny_image() {
    compare("tiny.thaw", &tiny().image());
}

#[test]
fn sheep_image() {
    compare("sheep.thaw", &sheep().image());
}

#[test]
fn two_images_on_a_disk() {
    compare("disk.img", &disk(&tiny(), &sheep()));
}
