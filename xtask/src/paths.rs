//! Where things are.

use std::{env, path::PathBuf};

/// The bare-metal target.
pub const TARGET: &str = "armv7a-none-eabi";

/// The repository.
pub fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or_else(|| own.clone(), PathBuf::from)
}

/// Cargo's output directory.
pub fn target_dir() -> PathBuf {
    let given = env::var_os("CARGO_TARGET_DIR").map(|d| std::path::absolute(&d).unwrap_or_else(|_| d.into()));
    given.unwrap_or_else(|| root().join("target"))
}

/// A bare-metal program after `build`.
pub fn program(name: &str) -> PathBuf {
    target_dir().join(TARGET).join("release").join(name)
}

/// The host tool `thaw` after `build_tool`.
pub fn host_tool() -> PathBuf {
    target_dir().join("debug").join("thaw")
}

/// Default directory for what runs leave behind.
pub fn out() -> PathBuf {
    root().join("out")
}
