//! One relocatable object of a Rust library, for a build system that links C++.

use std::{path::PathBuf, process::Command};

use clap::Args;

use crate::{
    build::run,
    failure::{Kind, Result},
    paths,
    toolchain::Toolchain,
};

/// Symbols that start with this are the interface to C++; everything else becomes local, so that two objects in one
/// program do not meet.
const PREFIX: &str = "thaw_";

#[derive(Args)]
pub struct ObjectArgs {
    /// Package of the library.
    package: String,
    /// Prefix of the linker's and objcopy's names.
    prefix: String,
    /// Object to write.
    out: PathBuf,
    /// Symbols that C++ calls.
    #[arg(long = "entry", required = true)]
    entries: Vec<String>,
}

/// Builds the library and links it.
pub fn object(args: &ObjectArgs) -> Result<()> {
    let mut command = Toolchain::need()?.command("build");
    run(command.args(["--quiet", "-p", &args.package]), Kind::Build, "building the library")?;
    let archive = paths::target_dir()
        .join(paths::TARGET)
        .join("release")
        .join(format!("lib{}.a", args.package.replace('-', "_")));
    let whole = args.out.with_extension("whole.o");
    let mut link = Command::new(format!("{}ld", args.prefix));
    link.args(["-r", "--gc-sections"]);
    args.entries.iter().for_each(|entry| {
        link.args(["-u", entry]);
    });
    run(link.arg("-o").arg(&whole).arg(&archive), Kind::Build, "linking the library")?;
    let mut copy = Command::new(format!("{}objcopy", args.prefix));
    // Genode's linker script has no place for these, and its own objects tell the ABI.
    copy.args([
        "--remove-section",
        ".note.GNU-stack",
        "--remove-section",
        ".ARM.attributes",
        "--strip-debug",
    ]);
    copy.args(["--wildcard", "--keep-global-symbol", &format!("{PREFIX}*")]);
    run(copy.arg(&whole).arg(&args.out), Kind::Build, "reducing the object")?;
    let _ = std::fs::remove_file(&whole);
    Ok(())
}
