//! Names the linker script: the test is a root task.

fn main() {
    thaw_linker::first_task("root");
}
