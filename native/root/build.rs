//! Names the linker script.

fn main() {
    thaw_linker::first_task("root");
}
