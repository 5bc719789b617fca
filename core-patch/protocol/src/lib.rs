//! Wire protocol of the privileged checkpoint service.
#![no_std]
