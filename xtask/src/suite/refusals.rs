//! Files that are refused on the host, before anything boots: each with its own message and exit code.

use std::{path::Path, process::Command};

use super::{Case, Context, ensure, one};
use crate::{
    failure::{Failure, Kind, Result, write},
    paths,
};

/// All refusals.
pub fn cases() -> Vec<Case> {
    vec![
        one("refusal: a text as kernel", |c| text_as(c, "--kernel", Kind::Kernel, "no ELF file")),
        one("refusal: a program as kernel", |c| {
            program_as(c, "thaw-sigma0", "--kernel", Kind::Kernel, "no Fiasco.OC kernel")
        }),
        one("refusal: no file as kernel", |c| missing_as(c, "--kernel")),
        one("refusal: a text as target", |c| text_as(c, "--target", Kind::Program, "no ELF file")),
        one("refusal: a kernel as target", |c| {
            program_as(c, "testkernel-g", "--target", Kind::Program, "link it there")
        }),
        one("refusal: a host program as target", |c| {
            let own = std::env::current_exe().map_err(|e| Failure::new(Kind::Tool, e.to_string()))?;
            demo(c, "--target", &own, Kind::Program, "no 32-bit little-endian ELF file")
        }),
        one("refusal: no file as target", |c| missing_as(c, "--target")),
    ]
}

fn text_as(context: &Context, option: &str, kind: Kind, message: &str) -> Result<()> {
    let path = context.out.join("text");
    write(&path, "no program")?;
    demo(context, option, &path, kind, message)
}

fn program_as(context: &Context, program: &str, option: &str, kind: Kind, message: &str) -> Result<()> {
    demo(context, option, &paths::program(program), kind, message)
}

fn missing_as(context: &Context, option: &str) -> Result<()> {
    demo(context, option, &context.out.join("none"), Kind::File, "No such file")
}

/// Runs the demo as a user would and looks at what it says and how it ends.
fn demo(context: &Context, option: &str, path: &Path, kind: Kind, message: &str) -> Result<()> {
    let own = std::env::current_exe().map_err(|e| Failure::new(Kind::Tool, e.to_string()))?;
    let mut command = Command::new(own);
    command.args(["demo", "--no-build", "--quiet", option]).arg(path).arg("--out").arg(&context.out);
    let output = command.output().map_err(|e| Failure::new(Kind::Tool, e.to_string()))?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    write(&context.out.join("stderr.log"), &errors)?;
    ensure(output.status.code() == Some(kind as i32), || {
        format!("exit code {:?}: {errors}", output.status.code())
    })?;
    let named = errors.contains(message) && errors.contains(&path.display().to_string());
    ensure(named, || format!("says not \"{message}\" with the file's name: {errors}"))
}
