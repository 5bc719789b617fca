//! Slips that the check must see: copies of the glue, each with one mistake.

use std::path::{Path, PathBuf};

use super::{PROGRAMS, SESSION, compile, includes_of, paths};
use crate::{
    failure::{Failure, Kind, Result, read, write},
    suite::{Context, Verdict, ensure},
};

/// A mistake in one file.
struct Slip {
    name: &'static str,
    /// Directory of headers of which the file is a copy; the unit's own if it is a unit.
    directory: &'static str,
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
    /// Unit that sees it, and its directories of headers.
    unit: &'static str,
    includes: &'static [&'static str],
    /// What the compiler must name.
    named: &'static str,
}

const THAW: &str = "core-patch/genode/src/core/thaw";
const BOOKS: &str = "core-patch/genode/src/core/thaw/thaw_books.cc";
const TEST: &str = "core-patch/genode/src/test/thaw_core/main.cc";

const SLIPS: [Slip; 7] = [
    Slip {
        name: "wrong member",
        directory: THAW,
        file: "thaw_books.cc",
        right: "region.with_dataspace(",
        wrong: "region.with_data_space(",
        unit: BOOKS,
        includes: PROGRAMS[0].includes,
        named: "with_data_space",
    },
    Slip {
        name: "wrong member in the body of a template",
        directory: THAW,
        file: "books.h",
        right: "t.platform_thread().gate()",
        wrong: "t.platform_thread().gates()",
        unit: BOOKS,
        includes: PROGRAMS[0].includes,
        named: "gates",
    },
    Slip {
        name: "wrong private member",
        directory: THAW,
        file: "private_members.h",
        right: "&Core::Platform_pd::_threads",
        wrong: "&Core::Platform_pd::_thread_list",
        unit: BOOKS,
        includes: PROGRAMS[0].includes,
        named: "_thread_list",
    },
    Slip {
        name: "argument of a call left out",
        directory: SESSION,
        file: "thaw_core_session/connection.h",
        right: "call_rpc<Rpc_gate>(thread, badge)",
        wrong: "call_rpc<Rpc_gate>(thread)",
        unit: TEST,
        includes: &[SESSION],
        named: "Rpc_gate",
    },
    Slip {
        name: "RPC function that the session does not have",
        directory: SESSION,
        file: "thaw_core_session/thaw_core_session.h",
        right: "Cap_result, gate, Word, Word)",
        wrong: "Cap_result, gates, Word, Word)",
        unit: "core-patch/genode/src/core/thaw/thaw_service.cc",
        includes: PROGRAMS[0].includes,
        named: "gates",
    },
    Slip {
        name: "result not looked at",
        directory: THAW,
        file: "thaw_make.cc",
        right: "pd.alloc_rpc_cap(serving).with_result([&] (Cap c) { cap = c; }, [&] (Alloc_error) { });",
        wrong: "pd.alloc_rpc_cap(serving);",
        unit: "core-patch/genode/src/core/thaw/thaw_make.cc",
        includes: PROGRAMS[0].includes,
        named: "nodiscard",
    },
    Slip {
        name: "method of a policy that Genode does not ask for",
        directory: "component/genode/src/app/thaw",
        file: "target.h",
        right: "void resource_request(",
        wrong: "void resources_request(",
        unit: "component/genode/src/app/thaw/world.cc",
        includes: PROGRAMS[1].includes,
        named: "resources_request",
    },
];

/// Each slip fails, and the same copy without it compiles.
pub(super) fn verdicts(context: &Context) -> Result<Vec<Verdict>> {
    Ok(SLIPS.iter().map(|slip| Verdict::of(slip.name, check(slip, &context.out))).collect())
}

fn check(slip: &Slip, out: &Path) -> Result<()> {
    let original = paths::root().join(slip.directory).join(slip.file);
    let text = String::from_utf8_lossy(&read(&original)?).into_owned();
    ensure(text.contains(slip.right), || {
        format!("{}: no `{}` in it; give this check another slip", slip.file, slip.right)
    })?;
    try_copy(slip, out, &text)?;
    match try_copy(slip, out, &text.replace(slip.right, slip.wrong)) {
        Ok(()) => Err(Failure::new(Kind::Check, format!("`{}` compiles", slip.wrong))),
        Err(f) if f.to_string().contains(slip.named) => Ok(()),
        Err(f) => Err(Failure::new(Kind::Check, format!("fails, but not for `{}`: {f}", slip.named))),
    }
}

/// Compiles the slip's unit with `text` in place of the file.
fn try_copy(slip: &Slip, out: &Path, text: &str) -> Result<()> {
    let copies = out.join("copies");
    let _ = std::fs::remove_dir_all(&copies);
    let copy = copies.join(slip.file);
    write(&copy, text)?;
    let unit = if slip.unit.ends_with(slip.file) { copy } else { paths::root().join(slip.unit) };
    let all: Vec<PathBuf> = [copies].into_iter().chain(includes_of(slip.includes)).collect();
    compile(&unit, &all, &out.join("slip.o"))
}
