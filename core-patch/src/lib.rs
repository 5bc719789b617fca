//! The privileged checkpoint service, kernel-neutral.
//!
//! One thread of the core, the *handler*, runs an [`Engine`]: it is the exception handler of every thread
//! of a target for the time of a stop, holds their exceptions unanswered, learns what each was doing,
//! and continues them by sending a whole frame to the thread. Live resume and restore are the same code.
//!
//! The library never names a world: what a PD is and which threads it has comes from a [`Host`]
//! (the native system's root, or Genode's core); everything else is the kernel's.
//!
//! Order of modules along a checkpoint: [`engine`](Engine) (verbs), `stop`, `receive` (barrier and
//! exceptions), `irq`, `resolve`, `drain`, `classify` (pure), `plan` (pure), `resume`, `ended`; `stub` and `utcb` make a
//! stopped thread run a few instructions of ours.
#![no_std]

mod again;
mod classify;
mod drain;
mod ended;
mod engine;
mod host;
mod irq;
mod naps;
mod parts;
mod plan;
mod receive;
mod resolve;
mod resume;
mod semaphore;
mod set;
mod slots;
mod stop;
mod stub;
mod trace;
mod utcb;

pub use engine::{Engine, Reply, Request};
pub use host::{Env, Host, HostResult, ObjectInfo, ObjectKind, PdInfo, ThreadInfo, ThreadLookup};
pub use set::Set;
pub use stub::{CODE_WORDS, code as stub_code};
