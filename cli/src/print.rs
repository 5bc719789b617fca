//! Results on standard output: text, or the same as JSON.

use std::io::{self, BufWriter, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Prints `value` as JSON, or as what `text` makes of it.
pub fn result<T: Serialize>(
    json: bool,
    value: &T,
    text: impl FnOnce(&T, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = if json {
        serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from).and_then(|()| writeln!(out))
    } else {
        text(value, &mut out)
    };
    written.and_then(|()| out.flush()).map_err(Failure::stdout)
}
