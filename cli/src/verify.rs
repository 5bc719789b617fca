//! `thaw verify`.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use thaw_image::{Abi, Digest, Expect, Kind, Name, Refusal};

use crate::failure::Failure;
use crate::input::{Input, SCRATCH, at};
use crate::print;

/// What the image has to be, beside whole.
#[derive(Default)]
pub struct Wanted<'a> {
    /// ABI revision of the kernel.
    pub abi: Option<Abi>,
    /// Name of the board.
    pub board: Option<&'a str>,
    /// Number of the checkpoint.
    pub generation: Option<u64>,
    /// Image or disk that it builds on.
    pub parent: Option<&'a Path>,
}

/// Checks every byte of the image at `path` and says so in one line.
pub fn verify(path: &Path, wanted: &Wanted<'_>, json: bool) -> Result<(), Failure> {
    let mut scratch = vec![0; SCRATCH];
    let parent = wanted.parent.map(|parent| hash_of(parent, &mut scratch)).transpose()?;
    let mut input = Input::open(path)?;
    let mut image = input.image(path)?;
    let expect = Expect { abi: wanted.abi, generation: wanted.generation, parent, ..Expect::ANY };
    let verified = thaw_image::verify(&mut image, &expect, &mut scratch).map_err(at(path))?;
    let identity = &verified.header().identity;
    if let Some(board) = wanted.board {
        let refused = |refusal| Failure::Refused(path.into(), refusal);
        let here = Name::new(board).map_err(refused)?;
        if here != identity.board {
            return Err(refused(Refusal::Board { found: identity.board, here }));
        }
    }
    let summary = verified.summary();
    let whole = Whole {
        file: path.display().to_string(),
        target: identity.target.to_string(),
        generation: identity.generation,
        threads: summary.count(Kind::Thread),
        pages: summary.pages,
        stored_pages: summary.stored_pages,
        records: verified.header().record_count,
        bytes: verified.header().total_length,
        hash: verified.header().hash.to_string(),
    };
    print::result(json, &whole, Whole::text)
}

/// What was checked.
#[derive(Serialize)]
struct Whole {
    file: String,
    target: String,
    generation: u64,
    threads: u32,
    pages: u32,
    stored_pages: u32,
    records: u32,
    bytes: u64,
    hash: String,
}

impl Whole {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { file, target, generation, threads, pages, stored_pages, records, bytes, .. } = self;
        writeln!(
            out,
            "{file}: whole: checkpoint {generation} of {target}, {threads} threads, {pages} pages of memory, \
             {stored_pages} of them stored, {records} records, {bytes} bytes"
        )
    }
}

/// Returns the identity of a whole image.
fn hash_of(path: &Path, scratch: &mut [u8]) -> Result<Digest, Failure> {
    let mut input = Input::open(path)?;
    let mut image = input.image(path)?;
    let verified = thaw_image::verify(&mut image, &Expect::ANY, scratch).map_err(at(path))?;
    Ok(verified.header().hash)
}
