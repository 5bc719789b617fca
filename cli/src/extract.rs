//! `thaw extract`.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thaw_image::{Expect, Source};

use crate::failure::Failure;
use crate::input::{Image, Input, SCRATCH, at};

/// Writes the newest image of the disk at `path` to `out`, whole or not at all.
pub fn extract(path: &Path, out: &Path) -> Result<(), Failure> {
    let mut input = Input::open(path)?;
    let mut image = input.image(path)?;
    if matches!(image, Image::File(_)) {
        return Err(Failure::NotADisk(path.into()));
    }
    let mut scratch = vec![0; SCRATCH];
    let verified = thaw_image::verify(&mut image, &Expect::ANY, &mut scratch).map_err(at(path))?;
    let part = part_of(out);
    let written = copy(path, &mut image, verified.header().total_length, &part, &mut scratch)
        .and_then(|()| std::fs::rename(&part, out).map_err(|error| Failure::Output(out.into(), error)));
    if written.is_err() {
        // The failure to tell is the first one; the part may not even exist.
        let _ = std::fs::remove_file(&part);
    }
    written
}

/// Returns the name under which a file grows until it is complete.
fn part_of(out: &Path) -> PathBuf {
    let mut name: OsString = out.as_os_str().into();
    name.push(".part");
    name.into()
}

fn copy(
    path: &Path,
    image: &mut Image<'_>,
    length: u64,
    part: &Path,
    scratch: &mut [u8],
) -> Result<(), Failure> {
    let unwritable = |error: io::Error| Failure::Output(part.into(), error);
    let mut file = File::create(part).map_err(unwritable)?;
    let mut offset = 0;
    while offset < length {
        let size = (length - offset).min(scratch.len() as u64) as usize;
        let bytes = &mut scratch[..size];
        image.read_at(offset, bytes).map_err(|error| Failure::Input(path.into(), error))?;
        file.write_all(bytes).map_err(unwritable)?;
        offset += size as u64;
    }
    file.sync_all().map_err(unwritable)
}
