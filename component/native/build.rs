//! Names the linker script.

fn main() {
    thaw_linker::program();
}
