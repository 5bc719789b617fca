//! Names the linker script: the program takes the place of root.

fn main() {
    thaw_linker::first_task("root");
}
