//! Build-script helper: tells cargo which linker script a bare-metal program is linked with.
//!
//! The first tasks (loader, sigma0, root) run where they are loaded, so each board has a script for
//! each; all other programs are linked at one virtual address. `THAW_BOARD` names the board, `virt` if unset.

use std::{env, path::PathBuf};

/// Scripts that others include.
const INCLUDED: [&str; 2] = ["sections.ld", "defmt.ld"];

/// For the build script of a program that the loader puts at a fixed physical address.
pub fn first_task(role: &str) {
    println!("cargo:rerun-if-env-changed=THAW_BOARD");
    let board = env::var("THAW_BOARD").unwrap_or_else(|_| "virt".into());
    link(&format!("{board}/{role}.ld"), "bins");
}

/// For the build script of a program that root starts in a PD.
pub fn program() {
    link("program.ld", "bins");
}

/// Like [`first_task`], for the examples of a library.
pub fn first_task_examples(role: &str) {
    println!("cargo:rerun-if-env-changed=THAW_BOARD");
    let board = env::var("THAW_BOARD").unwrap_or_else(|_| "virt".into());
    link(&format!("{board}/{role}.ld"), "examples");
}

fn link(script: &str, kind: &str) {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let script = directory.join(script);
    assert!(script.is_file(), "no linker script {}: write one for this board", script.display());
    println!("cargo:rerun-if-changed={}", script.display());
    for included in INCLUDED {
        println!("cargo:rerun-if-changed={}", directory.join(included).display());
    }
    // A host build (tests, tools) has nothing to do with these scripts.
    if env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("none") {
        println!("cargo:rustc-link-arg-{kind}=-L{}", directory.display());
        println!("cargo:rustc-link-arg-{kind}=-T{}", script.display());
    }
}
