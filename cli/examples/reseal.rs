//! Makes the hashes of table and header of an edited image right again, in place.
//!
//! For tests: what a reader refuses beyond damage (another version, board or ABI, a wrong record) can
//! only be tried with images whose hashes hold.

use std::error::Error;

use thaw_image::Digest;

/// Field offsets of docs/image-format.md.
const TABLE_OFFSET: usize = 184;
const TABLE_LENGTH: usize = 192;
const TABLE_HASH: usize = 240;
const HEADER_HASH: usize = 448;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: reseal FILE")?;
    let mut image = std::fs::read(&path)?;
    let start = number(&image, TABLE_OFFSET)?;
    let end = start.checked_add(number(&image, TABLE_LENGTH)?).ok_or("table length out of range")?;
    let table = Digest::of(image.get(start..end).ok_or("table outside of the file")?);
    image[TABLE_HASH..TABLE_HASH + 32].copy_from_slice(&table.0);
    let header = Digest::of(&image[..HEADER_HASH]);
    image[HEADER_HASH..HEADER_HASH + 32].copy_from_slice(&header.0);
    std::fs::write(&path, image)?;
    Ok(())
}

fn number(image: &[u8], at: usize) -> Result<usize, Box<dyn Error>> {
    let bytes = image.get(at..at + 8).ok_or("shorter than a header")?;
    Ok(usize::try_from(u64::from_le_bytes(bytes.try_into()?))?)
}
