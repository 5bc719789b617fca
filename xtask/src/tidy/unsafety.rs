//! Unsafe code is a zone, not a sprinkle: a module that has any says why in a line `// UNSAFETY:` and
//! opts in by `#![expect(unsafe_code)]`; every block has its argument. Tokens decide, not text, so
//! comments and strings do not count, and code inside macros does.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::{Breach, files::Source};

/// How many comment lines of an argument are looked through above a block.
const REACH: usize = 10;

/// Checks all Rust files.
pub fn check(sources: &[Source]) -> Vec<Breach> {
    sources.iter().filter(|s| s.is(&["rs"])).flat_map(check_file).collect()
}

fn check_file(source: &Source) -> Vec<Breach> {
    let Ok(tokens) = source.text.parse::<TokenStream>() else {
        return vec![Breach::new(&source.path, 0, "cannot be read as Rust")];
    };
    let mut found = Found::default();
    found.walk(tokens);
    let starts = |prefix: &str| source.lines().any(|(_, l)| l.starts_with(prefix));
    let (says_why, opts_in) = (starts("// UNSAFETY:"), source.lines().any(|(_, l)| is_opt_in(l)));
    let breach = |message: &str| Breach::new(&source.path, found.first, message);
    let mut breaches = Vec::new();
    if found.first != 0 && !says_why {
        breaches.push(breach("unsafe code in a module without a line `// UNSAFETY: why`"));
    }
    if found.first == 0 && (says_why || opts_in) {
        breaches.push(breach("says UNSAFETY but has no unsafe code: remove the line and the opt-in"));
    }
    if opts_in != says_why {
        breaches.push(breach("`// UNSAFETY: why` and `#![expect(unsafe_code)]` go together"));
    }
    let is_root = source.path.ends_with("/lib.rs") || source.path.ends_with("/main.rs");
    if is_root && opts_in && source.lines().any(|(_, l)| declares_module(l)) {
        breaches.push(breach("a crate root opts in for all its modules: move the unsafe code to one"));
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let silent = found.blocks.iter().filter(|line| !is_argued(&lines, **line));
    breaches.extend(silent.map(|line| Breach::new(&source.path, *line, "unsafe block without `// SAFETY:`")));
    breaches
}

fn is_opt_in(line: &str) -> bool {
    let conditional = line.starts_with("#![cfg_attr(") && line.contains(" expect(unsafe_code");
    conditional || line.starts_with("#![expect(unsafe_code")
}

fn declares_module(line: &str) -> bool {
    let line = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
    line.starts_with("mod ") && line.ends_with(';')
}

/// Whether a comment with the argument is on the line of the block or in the lines right above.
fn is_argued(lines: &[&str], block: usize) -> bool {
    let first = block.saturating_sub(REACH + 1);
    lines[first..block].iter().any(|l| l.contains("// SAFETY:"))
}

/// Uses of `unsafe` in a file.
#[derive(Default)]
struct Found {
    /// Line of the first, 0 if there is none.
    first: usize,
    /// Lines of blocks and implementations, which need an argument.
    blocks: Vec<usize>,
}

impl Found {
    fn walk(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Group(group) => self.walk(group.stream()),
                // The lint counts assembly outside functions as unsafe, though it takes no such word.
                TokenTree::Ident(ident) if ident == "unsafe" || ident == "global_asm" => {
                    let line = ident.span().start().line;
                    self.first = if self.first == 0 { line } else { self.first };
                    let argued = match tokens.peek() {
                        Some(TokenTree::Group(g)) => g.delimiter() == Delimiter::Brace,
                        Some(TokenTree::Ident(next)) => next == "impl",
                        _ => false,
                    };
                    if argued {
                        self.blocks.push(line);
                    }
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files::source;

    const ZONE: &str = "//! Doc.\n// UNSAFETY: why.\n#![expect(unsafe_code)]\n";

    fn messages(path: &str, text: &str) -> Vec<String> {
        check(&[source(path, text)]).into_iter().map(|b| b.message).collect()
    }

    #[test]
    fn accepts_safe_code_and_argued_zones() {
        let safe = "//! unsafe in a comment\nfn f() { print(\"unsafe { }\"); }";
        assert_eq!(messages("a.rs", safe), [""; 0]);
        let argued = format!("{ZONE}fn f() {{\n    // SAFETY: because.\n    unsafe {{ g() }}\n}}");
        assert_eq!(messages("a.rs", &argued), [""; 0]);
    }

    #[test]
    fn sees_each_breach() {
        let block = "fn f() {\n    // SAFETY: because.\n    unsafe { g() }\n}";
        assert!(messages("a.rs", block)[0].starts_with("unsafe code in a module without"));
        let in_macro = "macro_rules! m { () => { #[unsafe(no_mangle)] fn f() {} } }";
        assert!(messages("a.rs", in_macro)[0].starts_with("unsafe code in a module without"));
        assert!(messages("a.rs", "core::arch::global_asm!(\"\");")[0].starts_with("unsafe code in a module"));
        assert!(messages("a.rs", ZONE)[0].starts_with("says UNSAFETY but"));
        let silent = format!("{ZONE}fn f() {{ unsafe {{ g() }} }}");
        assert_eq!(messages("a.rs", &silent), ["unsafe block without `// SAFETY:`"]);
        let implementation = format!("{ZONE}unsafe impl Sync for T {{}}");
        assert_eq!(messages("a.rs", &implementation), ["unsafe block without `// SAFETY:`"]);
        let half = format!("// UNSAFETY: why.\n{block}");
        assert!(messages("a.rs", &half)[0].contains("go together"));
        let root = format!("{ZONE}mod other;\n{block}");
        assert!(messages("x/src/lib.rs", &root)[0].starts_with("a crate root"));
        assert_eq!(messages("a.rs", "fn f( {"), ["cannot be read as Rust"]);
    }
}
