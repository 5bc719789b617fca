//! Rules about the text itself: length, leftovers, licence lines.

use super::{Breach, files::Source};

/// Lines that a file may have.
const LINES_MAX: usize = 600;
const CODE: [&str; 6] = ["rs", "c", "cc", "h", "ld", "sh"];

/// Words that say "not finished" or bypass a lint, each with what to do instead. Written in two halves,
/// or this file would break its own rule.
const LEFTOVERS: [(&str, &str, &str); 8] = [
    ("TO", "DO", "do it or open an issue"),
    ("FIX", "ME", "fix it or open an issue"),
    ("XX", "X", "say what is meant"),
    ("todo", "!(", "write it"),
    ("unimple", "mented!(", "write it"),
    ("dbg", "!(", "remove it"),
    ("#[al", "low(", "use `#[expect(.., reason = \"..\")]`"),
    ("#![al", "low(", "use `#![expect(.., reason = \"..\")]`"),
];

/// Checks length and leftovers.
pub fn check(sources: &[Source]) -> Vec<Breach> {
    let code = sources.iter().filter(|s| s.is(&CODE));
    code.flat_map(|s| too_long(s).into_iter().chain(leftovers(s))).collect()
}

fn too_long(source: &Source) -> Option<Breach> {
    let lines = source.text.lines().count();
    let message = || format!("{lines} lines, at most {LINES_MAX}: split it by ideas");
    (lines > LINES_MAX).then(|| Breach::new(&source.path, lines, message()))
}

fn leftovers(source: &Source) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (number, line) in source.lines() {
        for (first, second, remedy) in LEFTOVERS {
            let word = [first, second].concat();
            if line.contains(&word) {
                breaches.push(Breach::new(&source.path, number, format!("`{word}`: {remedy}")));
            }
        }
    }
    breaches
}

/// Checks that what is linked with Genode says that it is AGPL-3.0-only.
pub fn check_licences(sources: &[Source]) -> Vec<Breach> {
    const LINE: &str = "SPDX-License-Identifier: AGPL-3.0-only";
    const PLACES: [&str; 2] = ["core-patch/genode/", "component/genode/src/"];
    let ours = |path: &str| PLACES.iter().any(|place| path.starts_with(place));
    let linked = sources.iter().filter(|s| ours(&s.path) && s.is(&CODE));
    let silent = linked.filter(|s| !s.lines().take(16).any(|(_, l)| l.contains(LINE)));
    silent.map(|s| Breach::new(&s.path, 1, format!("no `{LINE}` in the first lines"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files::source;

    #[test]
    fn sees_length_and_leftovers() {
        assert_eq!(check(&[source("a.rs", &"x\n".repeat(LINES_MAX))]), []);
        assert_eq!(check(&[source("a.rs", &"x\n".repeat(LINES_MAX + 1))]).len(), 1);
        for (first, second, _) in LEFTOVERS {
            let breaches = check(&[source("a.rs", &format!("fine\n{first}{second}"))]);
            assert_eq!(breaches.iter().map(|b| b.line).collect::<Vec<_>>(), [2], "{first}{second}");
        }
        assert_eq!(check(&[source("a.md", &["TO", "DO"].concat())]), [], "prose may");
    }

    #[test]
    fn sees_a_missing_licence() {
        let good = source("core-patch/genode/a.cc", "/*\n * SPDX-License-Identifier: AGPL-3.0-only\n */");
        let bad = source("core-patch/genode/b.rs", "//! text");
        let elsewhere = source("core-patch/src/lib.rs", "//! text");
        assert_eq!(check_licences(&[good, elsewhere]), []);
        assert_eq!(check_licences(&[bad]).len(), 1);
    }
}
