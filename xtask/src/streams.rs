//! defmt streams: one file per program and boot, decoded to text with file and line.

use std::path::{Path, PathBuf};

use defmt_decoder::{DecodeError, Frame, Location, Locations, Table};

use crate::{
    failure::{Failure, Kind, Result, read, write},
    paths,
};

/// Programs that write a stream: its name, and the executable that holds its strings.
const PROGRAMS: [(&str, &str); 4] =
    [("root", "thaw-root"), ("thaw", "thaw-native-component"), ("blk", "blk"), ("serial", "serial")];
/// Begins a record that tells its own place.
const PLACE: char = '@';

/// Text of the module that tells programs where their streams go: what all their paths begin with.
pub fn prefix(directory: &Path, boot: &str) -> Result<String> {
    let whole = std::path::absolute(directory).map_err(|e| Failure::file(directory, &e))?;
    Ok(format!("{}/{boot}-", whole.display()))
}

/// Removes what an earlier run left: a stream that is there was written by this one.
pub fn clear(directory: &Path, boot: &str) {
    for (name, _) in PROGRAMS {
        // Usually there is none.
        std::fs::remove_file(stream(directory, boot, name)).ok();
        std::fs::remove_file(text(directory, boot, name)).ok();
    }
}

/// Decodes every stream of a boot that is there.
pub fn decode(directory: &Path, boot: &str) -> Result<()> {
    for (name, program) in PROGRAMS {
        let stream = stream(directory, boot, name);
        if stream.is_file() {
            let elf = paths::program(program);
            let lines = lines(&read(&elf)?, &read(&stream)?)
                .map_err(|why| Failure::new(Kind::Program, format!("{}: {why}", stream.display())))?;
            write(&text(directory, boot, name), lines)?;
        }
    }
    Ok(())
}

fn stream(directory: &Path, boot: &str, name: &str) -> PathBuf {
    directory.join(format!("{boot}-{name}.defmt"))
}

/// The decoded stream.
pub fn text(directory: &Path, boot: &str, name: &str) -> PathBuf {
    directory.join(format!("{boot}-{name}.defmt.log"))
}

/// All records of a stream, one a line.
fn lines(elf: &[u8], stream: &[u8]) -> std::result::Result<String, String> {
    let table = Table::parse(elf).map_err(|e| e.to_string())?;
    let table = table.ok_or("its program has no table of strings: rebuild it")?;
    let locations = table.get_locations(elf).map_err(|e| e.to_string())?;
    let mut decoder = table.new_stream_decoder();
    decoder.received(stream);
    let mut out = String::new();
    loop {
        match decoder.decode() {
            Ok(frame) => out += &line(&frame, &locations),
            Err(DecodeError::UnexpectedEof) => return Ok(out),
            Err(DecodeError::Malformed) => out += "(a damaged record: is this the program that ran?)\n",
        }
    }
}

fn line(frame: &Frame<'_>, locations: &Locations) -> String {
    let us = frame.display_timestamp().map_or_else(String::new, |t| t.to_string());
    let level = frame.level().map_or("", |level| level.as_str());
    let message = frame.display_message().to_string();
    let (place, message) = match own_place(&message) {
        Some((place, rest)) => (short(place), rest),
        None => (locations.get(&frame.index()).map_or_else(|| "?".into(), place), message.as_str()),
    };
    format!("{us:>10} {level:<5} {message} ({place})\n")
}

/// Place and text of a record that tells its place itself.
fn own_place(message: &str) -> Option<(&str, &str)> {
    message.strip_prefix(PLACE)?.split_once(' ')
}

fn place(location: &Location) -> String {
    short(&format!("{}:{}", location.file.display(), location.line))
}

/// A path within the repository without what leads there.
fn short(place: &str) -> String {
    let root = format!("{}/", paths::root().display());
    place.strip_prefix(&root).unwrap_or(place).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_may_tell_its_own_place() {
        assert_eq!(own_place("@a/b.rs:7 one two"), Some(("a/b.rs:7", "one two")));
        assert_eq!(own_place("one two"), None);
    }

    #[test]
    fn an_executable_without_strings_is_refused_by_name() {
        assert!(lines(b"no elf", b"").is_err());
        let own = std::env::current_exe().and_then(std::fs::read).expect("readable");
        assert!(lines(&own, b"").expect_err("no table").contains("no table of strings"));
    }
}
