//! Compares our header of facts with a user's L4Re or Genode tree, constant by constant.
//!
//! `L4_INCLUDE` names the include directories of that tree, separated by `:`, the most special first
//! (for instance `.../include/arm/l4f:.../include/l4f:.../include/arm:.../include`). Without it there is
//! nothing to compare. Names that begin with `THAW_` are ours and have no counterpart.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use syn::{Item, Lit};

use super::{Breach, files::Source};
use crate::{
    failure::{Failure, Kind, Result},
    paths,
};

const HEADER: &str = "l4-sys/include/thaw_l4.h";
/// Headers of the tree that define what ours states.
const THEIRS: [&str; 13] = [
    "types.h",
    "consts.h",
    "ipc.h",
    "utcb.h",
    "err.h",
    "task.h",
    "thread.h",
    "scheduler.h",
    "factory.h",
    "irq.h",
    "icu.h",
    "kip.h",
    "ipc_gate.h",
];

type Constants = BTreeMap<String, i128>;

/// Compares, if there is something to compare with.
pub fn check(_: &[Source]) -> Result<Vec<Breach>> {
    let Some(tree) = std::env::var_os("L4_INCLUDE") else { return Ok(Vec::new()) };
    let directories: Vec<PathBuf> = std::env::split_paths(&tree).collect();
    let includes: String =
        existing(&directories).iter().map(|h| format!("#include <l4/sys/{h}>\n")).collect();
    if includes.is_empty() {
        let message = format!(
            "L4_INCLUDE {}: no l4/sys/*.h below it; name the directory that holds l4/",
            tree.display()
        );
        return Err(Failure::new(Kind::Config, message));
    }
    let ours = read(bindgen::Builder::default().header(paths::root().join(HEADER).display().to_string()))?;
    let mut arguments: Vec<String> = directories.iter().map(|d| format!("-I{}", d.display())).collect();
    arguments.extend(clang_headers().map(|d| format!("-I{}", d.display())));
    let theirs = bindgen::Builder::default().header_contents("tree.h", &includes).clang_args(arguments);
    let (breaches, compared) = compare(&ours, &read(theirs)?);
    println!("tidy: {compared} constants compared with {}", tree.display());
    Ok(breaches)
}

fn existing(directories: &[PathBuf]) -> Vec<&'static str> {
    let is_there = |h: &&str| directories.iter().any(|d| d.join("l4/sys").join(h).is_file());
    THEIRS.into_iter().filter(|h| is_there(h)).collect()
}

/// The compiler's own headers, which the tree's include; ours includes none.
fn clang_headers() -> Option<PathBuf> {
    let lists =
        |d: &Path| std::fs::read_dir(d).into_iter().flatten().flatten().map(|e| e.path()).collect::<Vec<_>>();
    let clang = lists(Path::new("/usr/lib")).into_iter().map(|d| d.join("lib/clang")).flat_map(|d| lists(&d));
    let gcc = lists(Path::new("/usr/lib/gcc/arm-none-eabi"));
    clang.chain(gcc).map(|d| d.join("include")).find(|d| d.join("stddef.h").is_file())
}

/// Differences between constants of the same name, and how many have the same name.
fn compare(ours: &Constants, theirs: &Constants) -> (Vec<Breach>, usize) {
    let shared = ours.iter().filter(|(name, _)| !name.starts_with("THAW_"));
    let pairs: Vec<_> = shared.filter_map(|(name, value)| Some((name, *value, *theirs.get(name)?))).collect();
    // Their enumerators may be unsigned where ours are not: the same 32 bits are the same number.
    let differ = pairs.iter().filter(|(_, a, b)| *a as u32 != *b as u32);
    let breaches = differ
        .map(|(name, a, b)| Breach::new(HEADER, 0, format!("{name} is {a:#x}, in the tree {b:#x}")))
        .collect();
    (breaches, pairs.len())
}

fn read(builder: bindgen::Builder) -> Result<Constants> {
    let bindings = builder
        .use_core()
        .ignore_functions()
        .generate_comments(false)
        .layout_tests(false)
        .prepend_enum_name(false)
        .default_enum_style(bindgen::EnumVariation::Consts)
        .formatter(bindgen::Formatter::None)
        .clang_args(["--target=armv7a-none-eabi", "-ffreestanding", "-nostdinc", "-fno-short-enums"])
        .generate()
        .map_err(|e| Failure::new(Kind::Config, format!("L4_INCLUDE: the headers cannot be read: {e}")))?;
    parse(&bindings.to_string())
}

fn parse(text: &str) -> Result<Constants> {
    let file = syn::parse_file(text)
        .map_err(|e| Failure::new(Kind::Tool, format!("bindgen wrote what cannot be read: {e}")))?;
    let constants = file.items.into_iter().filter_map(|item| match item {
        Item::Const(c) => Some((c.ident.to_string(), value(&c.expr)?)),
        _ => None,
    });
    Ok(constants.collect())
}

fn value(expression: &syn::Expr) -> Option<i128> {
    match expression {
        syn::Expr::Lit(l) => match &l.lit {
            Lit::Int(i) => i.base10_parse().ok(),
            _ => None,
        },
        syn::Expr::Unary(u) if matches!(u.op, syn::UnOp::Neg(_)) => value(&u.expr).map(|v| -v),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_by_name_and_bits() {
        let ours =
            parse("pub const A: i32 = -1; pub const B: u32 = 2; pub const THAW_C: u32 = 3;").expect("parses");
        let theirs = parse("pub const A: u32 = 4294967295; pub const B: u32 = 2; pub const THAW_C: u32 = 9;");
        assert_eq!(compare(&ours, &theirs.expect("parses")), (vec![], 2));
        let other = parse("pub const B: u32 = 5; pub const D: u32 = 1;").expect("parses");
        let (breaches, compared) = compare(&ours, &other);
        assert_eq!((breaches.len(), compared), (1, 1));
        assert_eq!(breaches[0].message, "B is 0x2, in the tree 0x5");
    }

    #[test]
    fn reads_our_own_header() {
        let header = paths::root().join(HEADER).display().to_string();
        let ours = read(bindgen::Builder::default().header(header)).expect("reads");
        assert_eq!((ours["L4_PROTO_IRQ"], ours["L4_SYSF_CALL"]), (-1, 3));
    }
}
