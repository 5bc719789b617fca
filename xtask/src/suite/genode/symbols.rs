//! The functions that C++ calls are in Rust's library, and the other way round.

use std::{collections::BTreeSet, path::Path, process::Command};

use super::{PROGRAMS, Program, compile, includes_of, units_of};
use crate::{
    failure::{Failure, Kind, Result, read},
    paths,
    suite::{Context, ensure},
};

/// Names of the interface begin with it; those of C++ itself are mangled.
const PREFIX: &str = "thaw_";
const NM: &str = "arm-none-eabi-nm";

/// Names that a file defines, and those that it leaves to others.
#[derive(Default, PartialEq, Eq, Debug)]
struct Symbols {
    defined: BTreeSet<String>,
    undefined: BTreeSet<String>,
}

/// Checks every program.
pub(super) fn check(context: &Context) -> Result<()> {
    PROGRAMS.iter().try_for_each(|program| check_program(program, &context.out))
}

fn check_program(program: &Program, out: &Path) -> Result<()> {
    let mut cxx = Symbols::default();
    for unit in units_of(program.sources)? {
        let object = out.join("unit.o");
        compile(&unit, &includes_of(program.includes), &object)?;
        let symbols = symbols(&object)?;
        cxx.defined.extend(symbols.defined);
        cxx.undefined.extend(symbols.undefined);
    }
    let archive = paths::program(program.archive);
    let rust = symbols(&archive)?;
    let wanted: BTreeSet<_> = cxx.undefined.difference(&cxx.defined).cloned().collect();
    let asked: BTreeSet<_> = rust.undefined.difference(&rust.defined).cloned().collect();
    // What finds nothing would also find nothing missing.
    ensure(!wanted.is_empty() && !asked.is_empty(), || {
        format!("{}: C++ calls {wanted:?} and Rust {asked:?}: nothing to compare", program.sources)
    })?;
    none_missing("Rust", &wanted, &rust.defined)?;
    none_missing("C++", &asked, &cxx.defined)?;
    // The linker drops what the makefile does not name.
    let makefile = String::from_utf8_lossy(&read(&paths::root().join(program.makefile))?).into_owned();
    let kept = makefile.split_whitespace().map(str::to_owned).collect();
    none_missing(program.makefile, &wanted, &kept)
}

fn none_missing(where_: &str, wanted: &BTreeSet<String>, there: &BTreeSet<String>) -> Result<()> {
    let missing: Vec<_> = wanted.difference(there).collect();
    ensure(missing.is_empty(), || format!("called but not in {where_}: {missing:?}"))
}

fn symbols(file: &Path) -> Result<Symbols> {
    let output = Command::new(NM)
        .args(["--extern-only"])
        .arg(file)
        .output()
        .map_err(|e| Failure::new(Kind::Tool, format!("{NM}: {e}; run `cargo xtask setup`")))?;
    ensure(output.status.success(), || {
        format!("{}: {}", file.display(), String::from_utf8_lossy(&output.stderr).trim())
    })?;
    Ok(read_listing(&String::from_utf8_lossy(&output.stdout)))
}

/// Reads lines `[ADDRESS] LETTER NAME`; `U` is undefined, and a weak one is never part of the interface.
fn read_listing(text: &str) -> Symbols {
    let mut symbols = Symbols::default();
    for line in text.lines() {
        let mut words = line.split_whitespace().rev();
        let (Some(name), Some(letter)) = (words.next(), words.next()) else { continue };
        if name.starts_with(PREFIX) {
            let set = if letter == "U" { &mut symbols.undefined } else { &mut symbols.defined };
            set.insert(name.into());
        }
    }
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn reads_what_nm_prints() {
        let text = "\na.o:\n         U thaw_serve\n00000010 T thaw_core_task\n00000000 T _ZN4Thaw3endEv\n\
                    00000004 W memcpy\n";
        let expected = Symbols { defined: set(&["thaw_core_task"]), undefined: set(&["thaw_serve"]) };
        assert_eq!(read_listing(text), expected);
    }

    #[test]
    fn misses_what_is_not_there() {
        assert!(none_missing("Rust", &set(&["thaw_a"]), &set(&["thaw_a", "thaw_b"])).is_ok());
        let failure = none_missing("Rust", &set(&["thaw_a", "thaw_c"]), &set(&["thaw_a"])).unwrap_err();
        assert!(failure.to_string().contains("thaw_c"), "{failure}");
    }
}
