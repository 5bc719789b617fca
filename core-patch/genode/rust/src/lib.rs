// SPDX-License-Identifier: AGPL-3.0-only
//! The checkpoint service's engine as a part of Genode's core.
//!
//! The C++ part (`core-patch/genode/src/core`) finds core's objects, makes the threads and the session; this part
//! runs [`Engine`](thaw_core_patch::Engine) on the handler thread. Both meet in `thaw_core_abi.h`.
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod abi;
#[cfg(target_os = "none")]
mod front;
#[cfg(target_os = "none")]
mod handler;
#[cfg(target_os = "none")]
mod host;
#[cfg(target_os = "none")]
mod mender;
#[cfg(target_os = "none")]
mod panic;
