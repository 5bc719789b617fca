//! Which compiler builds the bare-metal programs.
//!
//! In order: the toolchain that runs us if it has the target installed; the same with its library
//! sources; Debian's, whose library sources are a package. Both latter build `core` and `alloc` anew.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    failure::{Failure, Kind, Result},
    paths,
};

/// Debian's compiler for web browsers, recent enough even in Debian 12.
const DEBIAN: &str = "/usr/bin";

/// A compiler that can build for the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    /// Cargo.
    pub cargo: PathBuf,
    /// The compiler.
    pub rustc: PathBuf,
    /// Whether `core` and `alloc` have to be built as well.
    pub build_std: bool,
}

impl Toolchain {
    /// Finds one.
    pub fn find() -> Option<Self> {
        let own =
            |tool: &str| PathBuf::from(std::env::var_os(tool.to_uppercase()).unwrap_or_else(|| tool.into()));
        let debian = Path::new(DEBIAN);
        let candidates = [(own("cargo"), own("rustc")), (debian.join("cargo"), debian.join("rustc"))];
        candidates.into_iter().find_map(|(cargo, rustc)| Self::examine(cargo, rustc))
    }

    /// Like [`find`](Self::find); a missing one is an error.
    pub fn need() -> Result<Self> {
        Self::find().ok_or_else(|| {
            let target = paths::TARGET;
            Failure::new(
                Kind::Tool,
                format!("no compiler for {target}: run `cargo xtask setup`, or `rustup target add {target}`"),
            )
        })
    }

    fn examine(cargo: PathBuf, rustc: PathBuf) -> Option<Self> {
        let output = Command::new(&rustc).args(["--print", "sysroot"]).output().ok()?;
        let sysroot = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        if !output.status.success() || !Command::new(&cargo).arg("--version").output().ok()?.status.success()
        {
            return None;
        }
        if sysroot.join("lib/rustlib").join(paths::TARGET).join("lib").is_dir() {
            return Some(Self { cargo, rustc, build_std: false });
        }
        let sources = sysroot.join("lib/rustlib/src/rust/library/core/src/lib.rs").is_file();
        sources.then_some(Self { cargo, rustc, build_std: true })
    }

    /// Whether it has its own clippy. Another toolchain's on the path would not find these sources.
    pub fn has_clippy(&self) -> bool {
        if self.is_debian() {
            return self.cargo.with_file_name("cargo-clippy").is_file();
        }
        let mut command = self.cargo();
        command.args(["clippy", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|s| s.success())
    }

    fn is_debian(&self) -> bool {
        self.cargo.starts_with(DEBIAN)
    }

    /// Its cargo, with nothing said yet.
    pub fn cargo(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        command
            .current_dir(paths::root())
            .env("RUSTC", &self.rustc)
            .env("CARGO_TARGET_DIR", paths::target_dir());
        if self.is_debian() {
            // The toolchain that runs us tells cargo about itself; another one must not hear that, and
            // must find its own subcommands first.
            for variable in
                ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "RUSTFLAGS"]
            {
                command.env_remove(variable);
            }
            let path = std::env::var_os("PATH").unwrap_or_default();
            let directories = std::iter::once(PathBuf::from(DEBIAN)).chain(std::env::split_paths(&path));
            if let Ok(path) = std::env::join_paths(directories) {
                command.env("PATH", path);
            }
        }
        command
    }

    /// A cargo command for the target; `verb` is `build`, `clippy` and so on.
    pub fn command(&self, verb: &str) -> Command {
        let mut command = self.cargo();
        command.args([verb, "--release", "--target", paths::TARGET]);
        if self.build_std {
            // The nightly flags of a stable compiler: what they do is the same, what they are called may change.
            command.env("RUSTC_BOOTSTRAP", "1");
            command.args(["-Zbuild-std=core,alloc", "-Zbuild-std-features=compiler-builtins-mem"]);
        }
        command
    }
}
