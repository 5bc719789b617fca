//! Making threads: stacks, entry, and the TLS register by which a thread knows who it is.
// UNSAFETY: provides the entry points and the stacks.
#![expect(unsafe_code)]

use core::{
    cell::UnsafeCell,
    mem::MaybeUninit,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use thaw_rt::{
    kernel,
    request::{self, NewThread},
};
use thaw_targets::witness::tls::tls;

use crate::{
    lock,
    me::{Me, ROLES, Role},
    memory, product, rpc,
};

const STACK_BYTES: usize = 16 * 1024;

#[repr(align(4096))]
struct Stack(UnsafeCell<MaybeUninit<[u8; STACK_BYTES]>>);

// SAFETY: only the thread that runs on it touches a stack.
unsafe impl Sync for Stack {}

/// Thread-local storage: its address is in TPIDRURO, its place in the table is the role.
#[repr(align(64))]
struct Local {
    index: AtomicU32,
}

static STACKS: [Stack; ROLES] = [const { Stack(UnsafeCell::new(MaybeUninit::uninit())) }; ROLES];
static LOCALS: [Local; ROLES] = [const { Local { index: AtomicU32::new(0) } }; ROLES];
static RUN: AtomicBool = AtomicBool::new(false);

fn local(role: Role) -> u32 {
    (&raw const LOCALS[role as usize]).addr() as u32
}

/// Makes and starts the thread of a role; all but the memory worker wait for [`let_run`].
pub fn start(me: &Me, role: Role) {
    let stack_top = STACKS[role as usize].0.get().addr() + STACK_BYTES;
    let entry: extern "C" fn() -> ! = worker;
    let made = request::thread_create(&NewThread {
        ip: entry as usize as u32,
        sp: stack_top as u32,
        priority: role.priority(),
        tpidruro: local(role),
        name: role.name(),
    });
    match made {
        Ok(index) => LOCALS[role as usize].index.store(index, Ordering::Release),
        Err(e) => me.refused("thread", e),
    }
}

/// Index of a started thread in the PD.
pub fn index(role: Role) -> u32 {
    LOCALS[role as usize].index.load(Ordering::Acquire)
}

/// Lets the threads begin.
pub fn let_run() {
    RUN.store(true, Ordering::Release);
}

/// The first thread; its stack is root's.
pub fn first() -> Me {
    Me { kernel: kernel(), role: Role::Counter }
}

/// Entry of all other threads.
extern "C" fn worker() -> ! {
    let tls = tls();
    let role = Role::ALL.into_iter().find(|role| local(*role) == tls);
    let me = Me { kernel: kernel(), role: role.unwrap_or(Role::Counter) };
    if role.is_none() {
        me.fail(format_args!("tls expected a thread of the table got {tls:#x}"));
    }
    while me.role != Role::Memory && !RUN.load(Ordering::Acquire) {
        me.nap(1_000);
    }
    match me.role {
        Role::Counter => me.fail(format_args!("tls expected a worker got the counter")),
        Role::Memory => memory::run(&me),
        Role::Vfp => product::run(&me),
        Role::LockA | Role::LockB => lock::run(&me),
        Role::Server => rpc::server(&me),
        Role::Client => rpc::client(&me),
    }
}
