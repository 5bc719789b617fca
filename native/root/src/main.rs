//! Root task of the native system: the program.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod real;
#[cfg(target_os = "none")]
mod run;
#[cfg(target_os = "none")]
mod service;

#[cfg(target_os = "none")]
thaw_rt::entry!(run::run);

#[cfg(not(target_os = "none"))]
fn main() {
    eprintln!("this is the root task of the native system; build it for armv7a-none-eabi");
}
