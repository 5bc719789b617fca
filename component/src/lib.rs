//! The checkpointer: policy, order, image, rollback.
#![no_std]
