//! What root does from its first instruction on.

use thaw_bootimage::kernel::memory_descriptors;
use thaw_l4::{Kernel, MsgTag, Timeouts, ipc};
use thaw_native_abi::boot::BootInfo;
use thaw_native_abi::layout::priority;
use thaw_native_abi::settings::STREAMS_MODULE;
use thaw_root::archive::Archive;
use thaw_root::books::{Root, say};
use thaw_root::destroy::HELPER_PRIORITY;
use thaw_root::machine::{MAIN_THREAD, SCHEDULER};
use thaw_root::{ram, server};
use thaw_rt::{boot_info, kernel};

use thaw_rt::Once;

use crate::real::{RealMachine, Stack};
use crate::service;

/// Bytes of the helper's stack.
const HELPER_STACK_BYTES: usize = 4096;

static ROOT: Once<Root> = Once::new(Root::new());
static HELPER_STACK: Stack<HELPER_STACK_BYTES> = Stack::new();

/// Takes over the machine, starts the PDs, and serves for ever.
pub fn run() -> ! {
    let info = boot_info().expect("boot information of the loader");
    let m = RealMachine::new(kernel(), &info);
    let root = ROOT.take().expect("main runs once");
    SCHEDULER.run_thread(&m, MAIN_THREAD, priority::ROOT).expect("root's priority");
    take_memory(root, &m, &info);
    let helper = root.spawn(&m, helper as *const () as u32, HELPER_STACK.end(), HELPER_PRIORITY);
    root.helper = Some(helper.expect("helper thread"));
    start_stream(&m);
    say(
        &m,
        format_args!(
            "revision {:?}, board {}, {} of {} MiB free",
            m.revision(),
            info.board,
            root.frames.free_pages() >> 8,
            info.ram_size >> 20
        ),
    );
    service::start(root, &m).expect("threads of the checkpoint service");
    match Archive::parse(m.archive()) {
        Ok(archive) => match root.add_modules(&archive, info.archive) {
            Ok(()) => root.start_all(&m, &archive),
            Err(e) => say(&m, format_args!("modules: {e}")),
        },
        Err(e) => say(&m, format_args!("{e}")),
    }
    server::serve(root, &m)
}

/// Learns what RAM is free, has it mapped by sigma0, and makes the info page.
fn take_memory(root: &mut Root, m: &RealMachine, info: &BootInfo) {
    let descriptors = memory_descriptors(info.revision, |offset| m.kip_word(offset));
    let descriptors = descriptors.expect("memory descriptors of the kernel");
    let mut list = heapless::Vec::<_, 64>::new();
    // A kernel has room for at most 64 of them.
    list.extend(descriptors.take(64));
    ram::take_over(&mut root.frames, info, list.iter().copied());
    m.touch(&root.frames, info);
    root.info_page = root.frames.alloc(1).expect("a page for the info page");
    m.write_info_page(root.info_page, info);
}

/// Opens root's stream of log records if the archive says where.
fn start_stream(m: &RealMachine) {
    let archive = Archive::parse(m.archive()).ok();
    if let Some(place) = archive.and_then(|archive| archive.find(STREAMS_MODULE)) {
        thaw_log::start(place.bytes, "root");
    }
}

/// The helper: passes whenever nothing above it is ready.
extern "C" fn helper() -> ! {
    let k = kernel();
    loop {
        let mut next = ipc::wait(&k, Timeouts::NEVER);
        while next.is_ok() {
            next = ipc::reply_and_wait(&k, MsgTag::default(), Timeouts::NEVER);
        }
    }
}
