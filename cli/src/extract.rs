//! `thaw extract`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use thaw_image::{Expect, Source};

use crate::failure::Failure;
use crate::input::{Image, Input, SCRATCH, at};
use crate::print;
use crate::whole::{apart, whole};

/// Writes the newest image of the disk at `path` to `out`, whole or not at all.
pub fn extract(path: &Path, out: &Path, json: bool) -> Result<(), Failure> {
    apart(out, &[path])?;
    let mut input = Input::open(path)?;
    let mut image = input.image(path)?;
    if matches!(image, Image::File(_)) {
        return Err(Failure::NotADisk(path.into()));
    }
    let mut scratch = vec![0; SCRATCH];
    let verified = thaw_image::verify(&mut image, &Expect::ANY, &mut scratch).map_err(at(path))?;
    let length = verified.header().total_length;
    whole(out, |part| copy(path, &mut image, length, part, &mut scratch))?;
    let written = Extracted { image: out.display().to_string(), bytes: length };
    print::result(json, &written, |_, _| Ok(()))
}

/// What was written; the text is silent, as `cp` is.
#[derive(Serialize)]
struct Extracted {
    image: String,
    bytes: u64,
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
