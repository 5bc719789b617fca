//! What root needs besides the kernel: memory by physical address, and time.

use thaw_l4::{Cap, CapIndex, Factory, Gate, Icu, Kernel, KernelObject, Log, Scheduler, Task, Thread, raw};

/// The kernel and the machine below it.
///
/// Physical addresses are those of frames that root's books say may be touched.
pub trait Machine: Kernel {
    /// Zeroes whole pages.
    fn zero(&self, phys: u32, bytes: u32);

    /// Copies whole pages from another physical address.
    fn copy(&self, to: u32, from: u32, bytes: u32);

    /// Copies bytes, perhaps code, to a physical address.
    fn copy_in(&self, phys: u32, bytes: &[u8]);

    /// Reads an aligned word.
    fn read_word(&self, phys: u32) -> u32;

    /// Microseconds since some point before the start; never runs backwards.
    fn now_us(&self) -> u64;

    /// Microseconds of the clock by which the kernel ends absolute timeouts.
    fn kernel_us(&self) -> u64 {
        self.now_us()
    }

    /// Records a line of root's own beside the console, where lines are recorded.
    #[track_caller]
    fn record(&self, _line: core::fmt::Arguments<'_>) {}
}

/// Root's own task.
pub const TASK: Cap<Task> = Cap::new(CapIndex(raw::THAW_INDEX_TASK));
/// The factory.
pub const FACTORY: Cap<Factory> = Cap::new(CapIndex(raw::THAW_INDEX_FACTORY));
/// Root's main thread: server and pager.
pub const MAIN_THREAD: Cap<Thread> = Cap::new(CapIndex(raw::THAW_INDEX_THREAD));
/// Gate to sigma0, pager of root's threads.
pub const SIGMA0: Cap<Gate> = Cap::new(CapIndex(raw::THAW_INDEX_PAGER));
/// The kernel's log.
pub const LOG: Cap<Log> = Cap::new(CapIndex(raw::THAW_INDEX_LOG));
/// The debugger, on kernels that have one.
pub const DEBUGGER: Cap<KernelObject> = Cap::new(CapIndex(raw::THAW_INDEX_DEBUGGER));
/// The interrupt controller.
pub const ICU: Cap<Icu> = Cap::new(CapIndex(raw::THAW_INDEX_ICU));
/// The scheduler.
pub const SCHEDULER: Cap<Scheduler> = Cap::new(CapIndex(raw::THAW_INDEX_SCHEDULER));
