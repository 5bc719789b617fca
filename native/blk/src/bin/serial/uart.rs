//! The board's console UART, beside the kernel, which prints on it.
//!
//! Both wait for room before each byte and neither keeps anything of its own, so bytes of the two may mix
//! but none is lost. Received bytes are ours: a kernel takes them only where its option `serial_esc` is on.
//! Nothing is configured here, the kernel has done that.
// UNSAFETY: reads and writes registers of a device that root attached.
#![expect(unsafe_code)]

use core::fmt;

use l4_sys::syscall;
use thaw_l4::{Error, Timeout, Timeouts, ipc};
use thaw_native_abi::boot::board;
use thaw_rt::{info_page, kernel, request};
use thaw_serial::Port;

/// Looks at the line between two looks at the clock.
const LOOKS: u32 = 64;
/// Turns of an empty loop between two looks at the line: a microsecond or two.
const BETWEEN_LOOKS: u32 = 500;

/// Registers of a kind of UART, as offsets.
struct Registers {
    /// Bytes to be sent are written here.
    send: u32,
    /// Received bytes are read here.
    receive: u32,
    /// Tells what is possible.
    status: u32,
    /// Bits of `status`, and what they are while another byte can be sent.
    room: (u32, u32),
    /// Bits of `status`, and what they are while a byte waits.
    waiting: (u32, u32),
}

/// PL011: UARTDR; UARTFR with TXFF and RXFE.
const PL011: Registers =
    Registers { send: 0x00, receive: 0x00, status: 0x18, room: (1 << 5, 0), waiting: (1 << 4, 0) };
/// i.MX: UTXD, URXD; UTS with TXFULL and RXEMPTY.
const IMX: Registers =
    Registers { send: 0x40, receive: 0x00, status: 0xb4, room: (1 << 4, 0), waiting: (1 << 5, 0) };
/// OMAP: THR, RHR; LSR with THRE and DR.
const OMAP: Registers =
    Registers { send: 0x00, receive: 0x00, status: 0x14, room: (1 << 5, 1 << 5), waiting: (1, 1) };

/// Page of the console's registers, and their kind. Addresses: as in the loader's board table.
const fn console(board: u32) -> Option<(u32, &'static Registers)> {
    match board {
        board::VIRT => Some((0x0900_0000, &PL011)),
        board::PBXA9 => Some((0x1000_9000, &PL011)),
        board::IMX6 => Some((0x0202_0000, &IMX)),
        board::IMX7 => Some((0x3086_0000, &IMX)),
        board::PANDA => Some((0x4802_0000, &OMAP)),
        _ => None,
    }
}

/// Why there is no line.
#[derive(Clone, Copy, Debug)]
pub enum NoLine {
    /// No console is known of this board.
    Board(u32),
    /// Root refused the registers.
    Registers(Error),
}

impl fmt::Display for NoLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Board(n) => write!(f, "board {n}: its console is not known; add it to this driver"),
            Self::Registers(e) => {
                write!(f, "console registers: root refused them ({e}); give this pd `devices`")
            }
        }
    }
}

/// The console's UART.
pub struct Uart {
    base: u32,
    registers: &'static Registers,
    counter_hz: u32,
    sleeps: bool,
}

impl Uart {
    /// Attaches the registers; `sleeps` says whether others run while it waits.
    pub fn open(sleeps: bool) -> Result<Self, NoLine> {
        let info = info_page();
        let (board, counter_hz) = info.map_or((0, 0), |info| (info.board, info.counter_hz));
        let (page, registers) = console(board).ok_or(NoLine::Board(board))?;
        let base = request::device_attach(page, 4096).map_err(NoLine::Registers)?;
        Ok(Self { base, registers, counter_hz, sleeps })
    }

    fn load(&self, register: u32) -> u32 {
        // SAFETY: root attached the page of registers for good; the offsets are those of the device.
        unsafe { ((self.base + register) as *const u32).read_volatile() }
    }

    fn is(&self, (bits, value): (u32, u32)) -> bool {
        self.load(self.registers.status) & bits == value
    }
}

impl Port for Uart {
    fn send(&mut self, bytes: &[u8]) {
        for byte in bytes {
            while !self.is(self.registers.room) {}
            let register = (self.base + self.registers.send) as *mut u32;
            // SAFETY: as in `load`; writing sends a byte and has no other effect.
            unsafe { register.write_volatile(u32::from(*byte)) };
        }
    }

    fn receive(&mut self, until_ms: u64) -> Option<u8> {
        loop {
            for _ in 0..if self.sleeps { 1 } else { LOOKS } {
                if self.is(self.registers.waiting) {
                    return Some(self.load(self.registers.receive) as u8);
                }
                // An emulator that answers each look does not get to read what comes in.
                for _ in 0..BETWEEN_LOOKS {
                    core::hint::spin_loop();
                }
            }
            if self.now_ms() >= until_ms {
                return None;
            }
            if self.sleeps {
                self.pause_ms(1);
            }
        }
    }

    fn now_ms(&mut self) -> u64 {
        match self.counter_hz {
            // Root's clock is there before anything else; should it refuse, time stands still.
            0 => request::clock_us().unwrap_or(0) / 1000,
            hz => syscall::cntvct() / u64::from(hz / 1000),
        }
    }

    fn pause_ms(&mut self, ms: u32) {
        ipc::sleep(&kernel(), Timeouts::new(Timeout::NEVER, Timeout::from_us(ms * 1000)));
    }
}
