//! The C++ glue for Genode, where there is no Genode: it compiles against declarations of our own
//! (`tests/genode/declarations`), and agrees with its Rust part.

mod abi;
mod shape;
mod slips;
mod symbols;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{Case, Context, Verdict, ensure, many, one};
use crate::{
    failure::{Failure, Kind, Result},
    paths,
};

/// What Genode's own compiler builds for, too.
const COMPILER: &str = "arm-none-eabi-g++";
const OPTIONS: [&str; 11] = [
    "-std=gnu++20",
    "-march=armv7-a",
    "-mfpu=vfpv3",
    "-mfloat-abi=softfp",
    // Nothing but our declarations is found.
    "-ffreestanding",
    "-nostdinc",
    "-nostdinc++",
    "-Wall",
    "-Werror",
    "-fdiagnostics-color=never",
    "-c",
];
const DECLARATIONS: &str = "tests/genode/declarations";

/// A program of C++ with a part in Rust.
struct Program {
    /// Directory of its C++ sources, without those of its tests.
    sources: &'static str,
    /// Directories of headers, the most special first.
    includes: &'static [&'static str],
    /// Header of what both parts share.
    header: &'static str,
    /// Directory of its Rust sources.
    rust: &'static str,
    /// Rust's library.
    archive: &'static str,
    /// Makefile that names what C++ calls of it.
    makefile: &'static str,
}

const PROGRAMS: [Program; 2] = [
    Program {
        sources: "core-patch/genode/src/core",
        includes: &["core-patch/genode/src/core/include", "core-patch/genode/src/core/thaw", SESSION],
        header: "thaw_core_abi.h",
        rust: "core-patch/genode/rust/src",
        archive: "libthaw_core_genode.a",
        makefile: "core-patch/genode/lib/mk/spec/arm/core-foc.mk",
    },
    Program {
        sources: APP,
        includes: &[APP, CHECKPOINT_SESSION, SESSION],
        header: "abi.h",
        rust: "component/genode/rust/src",
        archive: "libthaw_genode.a",
        makefile: "component/genode/src/app/thaw/target.mk",
    },
];

/// Interface of the service in core.
const SESSION: &str = "core-patch/genode/include";
/// Interface that the component offers.
const CHECKPOINT_SESSION: &str = "component/genode/include";
/// Sources of the component, of which its tests use some.
const APP: &str = "component/genode/src/app/thaw";
/// Programs that only run on Genode.
const TESTS: [&str; 2] = ["core-patch/genode/src/test", "component/genode/src/test"];

/// All cases.
pub fn cases() -> Vec<Case> {
    vec![
        many("genode: glue compiles", compiles),
        many("genode: slips in the glue do not compile", slips::verdicts),
        one("genode: C++ and Rust name the same functions", symbols::check),
        one("genode: C++ and Rust pass the same words", abi::check),
    ]
}

fn compiles(context: &Context) -> Result<Vec<Verdict>> {
    let mut units = Vec::new();
    for program in &PROGRAMS {
        units.extend(units_of(program.sources)?.into_iter().map(|u| (u, program.includes)));
    }
    for directory in TESTS {
        units.extend(units_of(directory)?.into_iter().map(|u| (u, &[APP, CHECKPOINT_SESSION, SESSION][..])));
    }
    let verdict = |(unit, includes): (PathBuf, &[&str])| {
        let result = compile(&unit, &includes_of(includes), &context.out.join("unit.o"));
        Verdict::of(&shown(&unit), result)
    };
    Ok(units.into_iter().map(verdict).collect())
}

/// Compiles one unit; an error is what the compiler says.
fn compile(unit: &Path, includes: &[PathBuf], object: &Path) -> Result<()> {
    if let Some(directory) = object.parent() {
        std::fs::create_dir_all(directory).map_err(|e| Failure::file(directory, &e))?;
    }
    let mut command = Command::new(COMPILER);
    command.args(OPTIONS);
    for directory in includes.iter().chain([&paths::root().join(DECLARATIONS)]) {
        command.arg("-I").arg(directory);
    }
    command.arg("-o").arg(object).arg(unit);
    let output = command
        .output()
        .map_err(|e| Failure::new(Kind::Tool, format!("{COMPILER}: {e}; run `cargo xtask setup`")))?;
    ensure(output.status.success(), || {
        format!("{} does not compile:\n{}", shown(unit), String::from_utf8_lossy(&output.stderr))
    })
}

fn includes_of(directories: &[&str]) -> Vec<PathBuf> {
    directories.iter().map(|d| paths::root().join(d)).collect()
}

/// All C++ units below a directory, in order; none is an error.
fn units_of(directory: &str) -> Result<Vec<PathBuf>> {
    files_of(directory, "cc")
}

fn files_of(directory: &str, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    collect(&paths::root().join(directory), extension, &mut files)?;
    files.sort();
    ensure(!files.is_empty(), || format!("{directory}: no .{extension} below it"))?;
    Ok(files)
}

fn collect(directory: &Path, extension: &str, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(directory).map_err(|e| Failure::file(directory, &e))? {
        let path = entry.map_err(|e| Failure::file(directory, &e))?.path();
        if path.is_dir() {
            collect(&path, extension, files)?;
        } else if path.extension().is_some_and(|e| e == extension) {
            files.push(path);
        }
    }
    Ok(())
}

/// A path from the repository's root.
fn shown(path: &Path) -> String {
    path.strip_prefix(paths::root()).unwrap_or(path).display().to_string()
}
