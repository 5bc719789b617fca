//! What must hold for any bytes whatever: they are refused by a reason, or are exactly what a writer writes.

use super::{Disk, Model, reseal};
use thaw_image::store::Store;
use thaw_image::*;

/// Verifies `image`; if accepted, the model read from it must give the very same bytes again.
pub fn judge(image: &[u8]) -> Result<(), String> {
    let mut source = image;
    match verify(&mut source, &Expect::ANY, &mut [0; 4096]) {
        Ok(verified) => {
            let mut source = image;
            let model = Model::read(&verified, &mut source);
            match model.try_image(8192) {
                Ok(again) if again == image => Ok(()),
                // A writer stores pages in one way only, a reader admits any split into extents.
                Ok(again) if is_same_but_for_extents(&again, &model) => Ok(()),
                Ok(_) => Err("accepted, but written otherwise".into()),
                Err(refusal) => Err(format!("accepted, but no writer writes it: {refusal}")),
            }
        }
        Err(Error::Refused(refusal)) => refused(refusal),
        Err(Error::Io(outside)) => Err(format!("read outside of the image: {outside}")),
    }
}

fn is_same_but_for_extents(again: &[u8], model: &Model) -> bool {
    let mut source = again;
    verify(&mut source, &Expect::ANY, &mut [0; 4096]).is_ok_and(|verified| {
        let mut source = again;
        Model::read(&verified, &mut source) == *model
    })
}

/// A refusal has a code of the image or the store and says something.
fn refused(refusal: Refusal) -> Result<(), String> {
    match refusal.code() {
        10..40 if !refusal.to_string().is_empty() => Ok(()),
        code => Err(format!("refused with code {code}: {refusal}")),
    }
}

/// Opens `bytes` as a disk and judges the image that it names as the newest.
pub fn judge_disk(bytes: Vec<u8>) -> Result<(), String> {
    let mut store = match Store::open(Disk::of(bytes)) {
        Ok(store) => store,
        Err(Error::Refused(refusal)) => return refused(refusal),
        Err(Error::Io(error)) => return Err(format!("read outside of the disk: {error}")),
    };
    let mut source = match store.image() {
        Ok(source) => source,
        Err(refusal) => return refused(refusal),
    };
    match verify(&mut source, &Expect::ANY, &mut [0; 4096]) {
        Ok(_) => Ok(()),
        Err(Error::Refused(refusal)) => refused(refusal),
        Err(Error::Io(error)) => Err(format!("read outside of the disk: {error}")),
    }
}

/// Makes all hashes of an image right, as far as it has the parts: extents, table, header.
pub fn seal(image: &mut [u8]) {
    const RECORD: usize = 16 + 64;
    let word =
        |image: &[u8], at: usize| u64::from_le_bytes(image[at..at + 8].try_into().expect("eight bytes"));
    if image.len() < HEADER_BLOCK {
        return;
    }
    let (start, length) = (word(image, 184) as usize, word(image, 192) as usize);
    let end = start.saturating_add(length).min(image.len());
    let mut at = start;
    while at.saturating_add(RECORD) <= end {
        let payload = u32::from_le_bytes(image[at + 4..at + 8].try_into().expect("four bytes")) as usize;
        if image[at..at + 2] == Kind::Extent.number().to_le_bytes() && payload == RECORD - 16 {
            let (offset, stored) = (word(image, at + 32) as usize, word(image, at + 40) as u32 as usize);
            let bytes = image.get(offset..offset.saturating_add(stored)).filter(|bytes| !bytes.is_empty());
            if let Some(digest) = bytes.map(Digest::of) {
                image[at + 48..at + 80].copy_from_slice(&digest.0);
            }
        }
        at = at.saturating_add(16).saturating_add(payload);
    }
    reseal(image);
}

/// Makes the hashes of both labels of a disk right.
pub fn seal_labels(disk: &mut [u8]) {
    for label in disk.chunks_exact_mut(4096).take(2) {
        let header = Digest::of(&label[512..512 + 448]);
        label[512 + 448..512 + 480].copy_from_slice(&header.0);
        let hashed = [&label[..480], &label[512..]].concat();
        label[480..512].copy_from_slice(&Digest::of(&hashed).0);
    }
}
