//! Generates `raw` from this crate's own header of facts.
//!
//! Types and constants only: every function of the ABI is written by hand in `syscall`.

use std::{env, path::PathBuf};

fn main() {
    let header = "include/thaw_l4.h";
    println!("cargo:rerun-if-changed={header}");
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("raw.rs");
    bindgen::Builder::default()
        .header(header)
        .use_core()
        .ignore_functions()
        .generate_comments(false)
        .layout_tests(true)
        .prepend_enum_name(false)
        .default_enum_style(bindgen::EnumVariation::Consts)
        .formatter(bindgen::Formatter::None)
        .clang_args(["--target=armv7a-none-eabi", "-ffreestanding", "-nostdinc", "-fno-short-enums"])
        .generate()
        .expect("bindgen reads include/thaw_l4.h; is libclang installed?")
        .write_to_file(out)
        .expect("OUT_DIR is writable");
}
