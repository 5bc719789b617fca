//! Tests of the tool as its users see it: arguments in; text, JSON, files and an exit code out.

mod common;
mod damage;
mod diff;
mod golden;
mod large;
mod line;
mod to_core;
