//! Names the linker script of the examples, which are root tasks.

fn main() {
    thaw_linker::first_task_examples("root");
}
