//! `thaw diff`: what differs between the states of two checkpoints.
//!
//! Compared is what a restore makes again: threads, memory, capabilities, objects, clock apart. Which
//! checkpoint it is, when it was made and how its pages are stored is not.

mod pages;
mod records;

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use thaw_image::{Error, Expect};

use crate::failure::Failure;
use crate::input::{Input, SCRATCH, at};
use crate::print;
use crate::report::report;
use pages::Memory;

/// Why two values may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// They may not.
    State,
    /// Outputs and clobbers of an interrupted system call, remaining time: what a continuation may change.
    Continuation,
}

/// Something that differs.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whether a continuation may change it.
    pub class: Class,
    /// What it belongs to.
    pub object: String,
    /// What differs.
    pub field: String,
    /// Value in the first image; nothing if it lacks the object.
    pub a: Option<String>,
    /// Value in the second image.
    pub b: Option<String>,
}

/// The result of a comparison.
#[derive(Serialize)]
struct Compared {
    a: String,
    b: String,
    equal: bool,
    differences: Vec<Difference>,
}

/// Compares the images at `a` and `b`; `continued` admits what a continuation may change.
pub fn diff(a: &Path, b: &Path, continued: bool, json: bool) -> Result<(), Failure> {
    let (mut input_a, mut input_b) = (Input::open(a)?, Input::open(b)?);
    let (mut image_a, mut image_b) = (input_a.image(a)?, input_b.image(b)?);
    let mut scratch = vec![0; SCRATCH];
    let verified_a = thaw_image::verify(&mut image_a, &Expect::ANY, &mut scratch).map_err(at(a))?;
    let verified_b = thaw_image::verify(&mut image_b, &Expect::ANY, &mut scratch).map_err(at(b))?;
    let report_a = report(&verified_a, &mut image_a, None).map_err(at(a))?;
    let report_b = report(&verified_b, &mut image_b, None).map_err(at(b))?;
    let mut differences = records::compare(&report_a, &report_b).map_err(|e| Failure::stdout(e.into()))?;
    let mut memory_a = Memory::read(&verified_a, &mut image_a).map_err(at(a))?;
    let mut memory_b = Memory::read(&verified_b, &mut image_b).map_err(at(b))?;
    let found = pages::compare(&mut memory_a, &mut memory_b, &report_a.regions);
    differences.extend(found.map_err(|(is_a, error)| pages_failure(if is_a { a } else { b }, error))?);
    let equal = differences.iter().all(|d| continued && d.class == Class::Continuation);
    let compared = Compared { a: a.display().to_string(), b: b.display().to_string(), equal, differences };
    print::result(json, &compared, |compared, out| compared.text(out))?;
    if equal { Ok(()) } else { Err(Failure::Differ) }
}

fn pages_failure(path: &Path, error: Error<io::Error>) -> Failure {
    Failure::of(path, error)
}

/// Words of one UTCB and pages of one dataspace that the text tells; JSON has all.
const TOLD: usize = 4;

impl Compared {
    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let alike = |a: &Difference, b: &Difference| a.object == b.object && a.family() == b.family();
        for group in self.differences.chunk_by(alike) {
            let told = if group[0].family().is_some() { group.len().min(TOLD) } else { group.len() };
            group[..told].iter().try_for_each(|difference| difference.text(out))?;
            if let (Some(family), more @ 1..) = (group[0].family(), group.len() - told) {
                writeln!(out, "{}: {more} more {family}, --json lists them", group[0].object)?;
            }
        }
        let count = self.differences.len();
        let verdict = if self.equal { "equal" } else { "different" };
        match count {
            0 => writeln!(out, "{} and {} are {verdict}", self.a, self.b),
            1 => writeln!(out, "{} and {} are {verdict}: 1 difference", self.a, self.b),
            _ => writeln!(out, "{} and {} are {verdict}: {count} differences", self.a, self.b),
        }
    }
}

impl Difference {
    /// What there may be very much of.
    fn family(&self) -> Option<&'static str> {
        match self.field.as_str() {
            field if field.starts_with("utcb[") => Some("words of the utcb"),
            field if field.starts_with("page ") => Some("pages"),
            _ => None,
        }
    }

    fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let Self { object, field, .. } = self;
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
        let (a, b) = (value(&self.a), value(&self.b));
        let note = if self.class == Class::Continuation { " (a continuation may)" } else { "" };
        let separator = if field.is_empty() { "" } else { " " };
        writeln!(out, "{object}{separator}{field}: {a} became {b}{note}")
    }
}
