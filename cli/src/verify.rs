//! `thaw verify`.

use std::io::Write;
use std::path::Path;

use thaw_image::{Abi, Expect, Kind, Name, Refusal};

use crate::failure::Failure;
use crate::input::{Input, SCRATCH, at};

/// Checks every byte of the image at `path` and says so in one line.
pub fn verify(path: &Path, abi: Option<Abi>, board: Option<&str>) -> Result<(), Failure> {
    let mut input = Input::open(path)?;
    let mut image = input.image(path)?;
    let expect = Expect { abi, ..Expect::ANY };
    let verified = thaw_image::verify(&mut image, &expect, &mut vec![0; SCRATCH]).map_err(at(path))?;
    let identity = &verified.header().identity;
    if let Some(board) = board {
        let refused = |refusal| Failure::Refused(path.into(), refusal);
        let here = Name::new(board).map_err(refused)?;
        if here != identity.board {
            return Err(refused(Refusal::Board { found: identity.board, here }));
        }
    }
    let summary = verified.summary();
    writeln!(
        std::io::stdout(),
        "{}: whole: checkpoint {} of {}, {} threads, {} pages of memory, {} of them stored, {} records, {} bytes",
        path.display(),
        identity.generation,
        identity.target,
        summary.count(Kind::Thread),
        summary.pages,
        summary.stored_pages,
        verified.header().record_count,
        verified.header().total_length,
    )
    .map_err(Failure::stdout)
}
