//! Tests of the image as its users see it: one program, so that the models are shared.

mod common;
mod corruption;
mod golden;
mod hostile;
mod power_cut;
mod refusals;
mod round_trip;
