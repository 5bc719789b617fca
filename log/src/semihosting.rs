//! Files of the host that runs QEMU. Only for programs that know that semihosting is on for user mode:
//! anywhere else the instruction enters the kernel as a system call nobody made.
// UNSAFETY: the call is an instruction whose arguments are addresses.
#![expect(unsafe_code)]

use core::arch::asm;

/// Operation numbers of the ARM semihosting specification.
const SYS_OPEN: u32 = 0x01;
const SYS_WRITE: u32 = 0x05;
/// Mode `wb` of SYS_OPEN.
const MODE_WRITE: u32 = 5;
/// Result of an operation that failed.
const FAILED: u32 = !0;

/// A file of the host, open for writing.
#[derive(Clone, Copy)]
pub struct File(pub u32);

impl File {
    /// Makes a file; `path` ends in a zero byte.
    pub fn create(path: &[u8]) -> Option<Self> {
        let (&0, text) = path.split_last()? else { return None };
        let handle = call(SYS_OPEN, [address(path), MODE_WRITE, text.len() as u32]);
        (handle != FAILED).then_some(Self(handle))
    }

    /// Writes all bytes; false if the host did not take them.
    pub fn write(self, bytes: &[u8]) -> bool {
        call(SYS_WRITE, [self.0, address(bytes), bytes.len() as u32]) == 0
    }
}

fn address(bytes: &[u8]) -> u32 {
    bytes.as_ptr() as usize as u32
}

/// Calls the host. QEMU reads the block and what it points to by itself and takes no page faults, so both
/// must be mapped: they are on the stack or were just written.
#[instruction_set(arm::a32)]
#[inline(never)]
fn call(operation: u32, block: [u32; 3]) -> u32 {
    let result;
    // SAFETY: the two operations used read the block and memory that it names, which the caller borrows, and
    // write none. The host changes no register but r0.
    unsafe {
        asm!("svc 0x123456", inlateout("r0") operation => result, in("r1") &raw const block, options(nostack));
    }
    result
}
