//! `setup`: installs by apt-get what is missing, and says what and why.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    build,
    failure::{Failure, Kind, Result},
    toolchain::Toolchain,
};

/// Something that building and running needs.
struct Need {
    what: &'static str,
    why: &'static str,
    is_there: fn() -> bool,
    /// Debian packages that bring it.
    packages: fn() -> Result<Vec<String>>,
}

const NEEDS: [Need; 8] = [
    Need {
        what: "qemu-system-arm",
        why: "runs everything",
        is_there: || works("qemu-system-arm"),
        packages: || named(&["qemu-system-arm"]),
    },
    Need {
        what: "arm-none-eabi-ld",
        why: "links the bare-metal programs",
        is_there: || works("arm-none-eabi-ld"),
        packages: || named(&["binutils-arm-none-eabi"]),
    },
    Need {
        what: "arm-none-eabi-gcc",
        why: "compiles the example targets in C",
        is_there: || works("arm-none-eabi-gcc"),
        packages: || named(&["gcc-arm-none-eabi"]),
    },
    Need {
        what: "arm-none-eabi-g++",
        why: "compiles the glue for Genode against declarations of our own",
        is_there: || works("arm-none-eabi-g++"),
        packages: || named(&["gcc-arm-none-eabi"]),
    },
    Need {
        what: "gdb-multiarch",
        why: "opens cores of checkpoints and debugs targets in QEMU",
        is_there: || works("gdb-multiarch"),
        packages: || named(&["gdb-multiarch"]),
    },
    Need {
        what: "libclang",
        why: "bindgen reads the header of the kernel ABI with it",
        is_there: has_libclang,
        packages: || Ok(vec![newest("libclang1")?]),
    },
    Need {
        what: "a compiler for armv7a-none-eabi",
        why: "builds the bare-metal programs; `rustup target add armv7a-none-eabi` would do as well",
        is_there: || Toolchain::find().is_some(),
        packages: || named(&["rustc-web", "cargo-web", "rust-web-src"]),
    },
    Need {
        what: "clippy of that compiler",
        why: "lints the bare-metal programs; `rustup component add clippy` would do as well",
        is_there: || Toolchain::find().is_some_and(|t| t.has_clippy()),
        packages: || named(&["rust-web-clippy"]),
    },
];

/// Installs what is missing.
pub fn setup() -> Result<()> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|n| !(n.is_there)()).collect();
    if missing.is_empty() {
        println!("setup: nothing is missing");
        return Ok(());
    }
    for need in &missing {
        println!("setup: {} is missing: {}", need.what, need.why);
    }
    apt_get(&["update", "-q"])?;
    let mut packages = Vec::new();
    for need in &missing {
        packages.extend((need.packages)()?);
    }
    println!("setup: installing {}", packages.join(" "));
    let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
    arguments.extend(packages.iter().map(String::as_str));
    apt_get(&arguments)?;
    match missing.iter().find(|n| !(n.is_there)()) {
        None => Ok(()),
        Some(need) => {
            let message = format!("{} is still missing after installing {}", need.what, packages.join(" "));
            Err(Failure::new(Kind::Tool, message))
        }
    }
}

fn named(packages: &[&str]) -> Result<Vec<String>> {
    Ok(packages.iter().map(|p| (*p).to_owned()).collect())
}

/// Whether a program can be started.
pub fn works(program: &str) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|s| s.success())
}

/// Looks where bindgen looks: `LIBCLANG_PATH`, the loader's directories, LLVM's own.
fn has_libclang() -> bool {
    let is_libclang =
        |name: &str| name.starts_with("libclang") && !name.contains("cpp") && name.contains(".so");
    let holds = |directory: &Path| {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries.map(|e| e.file_name()).any(|name| is_libclang(&name.to_string_lossy()))
    };
    if let Some(path) = std::env::var_os("LIBCLANG_PATH") {
        return Path::new(&path).is_file() || holds(Path::new(&path));
    }
    let fixed = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(Path::new);
    let multiarch = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|e| e.path());
    let llvm = multiarch.flat_map(|d| {
        let name = d.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with("llvm-") { [d.join("lib"), d] } else { [d.clone(), d] }
    });
    fixed.into_iter().any(holds) || llvm.into_iter().any(|d| holds(&d))
}

/// The package `PREFIX-N` with the largest N that Debian has.
fn newest(prefix: &str) -> Result<String> {
    let pattern = format!("^{prefix}-[0-9]+$");
    let output = Command::new("apt-cache")
        .args(["search", "--names-only", &pattern])
        .output()
        .map_err(|e| Failure::new(Kind::Tool, format!("apt-cache: {e}; install {prefix} by hand")))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    newest_of(&text, prefix).ok_or_else(|| {
        Failure::new(Kind::Tool, format!("apt knows no package {prefix}-N; install libclang by hand"))
    })
}

fn newest_of(listing: &str, prefix: &str) -> Option<String> {
    let names = listing.lines().filter_map(|l| l.split_whitespace().next());
    let versions = names.filter_map(|n| n.strip_prefix(prefix)?.strip_prefix('-')?.parse::<u32>().ok());
    versions.max().map(|v| format!("{prefix}-{v}"))
}

/// Runs apt-get, through sudo unless we are root.
fn apt_get(arguments: &[&str]) -> Result<()> {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.trim_ascii() == b"0");
    let mut command = if is_root {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    };
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    build::run(&mut command, Kind::Tool, "installing packages")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_newest_package() {
        let listing = "libclang1-9 - old\nlibclang1-14 - C interface library\nlibclang1-14-dbg - no\n";
        assert_eq!(newest_of(listing, "libclang1").as_deref(), Some("libclang1-14"));
        assert_eq!(newest_of("", "libclang1"), None);
    }

    #[test]
    fn knows_what_starts() {
        assert!(works("rustc"));
        assert!(!works("no-such-program-of-ours"));
    }
}
