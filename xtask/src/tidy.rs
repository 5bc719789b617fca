//! `tidy`: the house rules that a program can check. Each rule is a module; each says what breaks it where.

mod constants;
mod files;
mod manifests;
mod raw;
mod text;
mod unsafety;

use std::fmt;

use crate::{
    failure::{Failure, Kind, Result},
    paths,
};
use files::Source;

/// Something that breaks a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Breach {
    /// File, from the repository's root.
    pub path: String,
    /// Line, from 1; 0: the file as a whole.
    pub line: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Breach {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// A rule.
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    check: fn(&[Source]) -> Result<Vec<Breach>>,
}

/// All rules.
pub const RULES: [Rule; 6] = [
    Rule { name: "manifests share the lint table", check: |s| Ok(manifests::check(s)) },
    Rule { name: "unsafe code is in named zones and argued", check: |s| Ok(unsafety::check(s)) },
    Rule { name: "files are short and finished", check: |s| Ok(text::check(s)) },
    Rule { name: "files for Genode's core say their licence", check: |s| Ok(text::check_licences(s)) },
    Rule { name: "raw ABI types can hold any bits", check: |s| Ok(raw::check(s)) },
    Rule { name: "constants equal the tree at L4_INCLUDE", check: constants::check },
];

impl Rule {
    /// Checks the repository; an error lists every breach.
    pub fn check(&self) -> Result<()> {
        let breaches = (self.check)(&files::sources()?)?;
        if breaches.is_empty() {
            return Ok(());
        }
        let list: String = breaches.iter().map(|b| format!("\n  {b}")).collect();
        Err(Failure::new(Kind::Check, format!("{}: {} breaches{list}", self.name, breaches.len())))
    }
}

/// Checks every rule and tells all that is broken.
pub fn tidy() -> Result<()> {
    let failures: Vec<String> = RULES.iter().filter_map(|r| r.check().err()).map(|f| f.to_string()).collect();
    if failures.is_empty() {
        println!("tidy: {} rules hold in {}", RULES.len(), paths::root().display());
        return Ok(());
    }
    Err(Failure::new(Kind::Check, failures.join("\n")))
}
