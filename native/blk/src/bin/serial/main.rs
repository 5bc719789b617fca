//! The serial store as a block driver, a task of its own.
//!
//! Announces the block service like the driver of a disk; each request goes over the board's console line
//! to a host that runs `thaw receive` or `thaw send` (docs/serial-store.md). Until a host answers there
//! is no disk. While it waits for an answer this program keeps the processor: what arrives stays in a
//! FIFO of few bytes. Settings in the module `serial.cfg`: `patience_s`, `answer_ms`, `wait`.
#![no_std]
#![no_main]

mod buffer;
mod uart;

use buffer::Buffer;
use thaw_blk::{
    Extent, Geometry, Refusal,
    server::{Device, announce, serve},
};
use thaw_log::say;
use thaw_native_abi::layout::BLOCK_BUFFER_BYTES;
use thaw_native_abi::settings;
use thaw_rt::request;
use thaw_serial::{Client, ClientError, DATA_MAX, SECTOR_BYTES, Status, Times};
use uart::{NoLine, Uart};

thaw_rt::entry!(main);

/// Module with settings; none need be there.
const CONFIG_MODULE: &str = "serial.cfg";
/// Default of `patience_s`: seconds after which a request that nobody answers fails.
const PATIENCE_S: u32 = 120;
/// Default of `answer_ms`: milliseconds after which a request is said again.
const ANSWER_MS: u32 = 2000;
/// Value of `wait`: between two looks at the line, others run. For an emulator, which gets on with its own
/// work only while the machine is idle; a real UART would lose bytes meanwhile.
const WAIT_SLEEP: &str = "sleep";

fn main() -> ! {
    thaw_log::start_from_rom("serial");
    match start() {
        Ok((badge, device)) => serve(badge, device),
        Err(e) => {
            say!("cannot start: root refused a buffer or a gate ({e}); raise the quota of this pd");
            request::exit(1)
        }
    }
}

fn start() -> thaw_l4::Result<(u32, Option<Remote>)> {
    let (address, _) = request::dma_alloc(BLOCK_BUFFER_BYTES)?;
    let config = buffer::module(CONFIG_MODULE).ok().and_then(|bytes| core::str::from_utf8(bytes).ok());
    let config = config.unwrap_or_default();
    let number = |key, default| settings::value(config, key).and_then(|v| v.parse().ok()).unwrap_or(default);
    let patience_s = number("patience_s", PATIENCE_S);
    let times =
        Times { answer_ms: number("answer_ms", ANSWER_MS), patience_ms: patience_s.saturating_mul(1000) };
    let device = match Uart::open(settings::value(config, "wait") == Some(WAIT_SLEEP)) {
        Ok(uart) => {
            say!("serial store: waiting at most {patience_s} s for each answer of the host");
            let client = Client::new(uart, times);
            Some(Remote { client, buffer: Buffer::new(address) })
        }
        Err(e) => {
            tell(e);
            None
        }
    };
    Ok((announce(address)?, device))
}

fn tell(e: NoLine) {
    say!("no serial store: {e}");
}

/// The store at the other end of the line.
struct Remote {
    client: Client<Uart>,
    buffer: Buffer,
}

impl Remote {
    /// Does `piece(client, first sector, buffer, offset, bytes)` for each frame's worth of the extent.
    fn pieces(
        &mut self,
        extent: Extent,
        piece: impl Fn(&mut Client<Uart>, u32, &Buffer, u32, &mut [u8]) -> Result<(), ClientError>,
    ) -> Result<(), Refusal> {
        let first = u32::try_from(extent.first).map_err(|_| Refusal::BeyondEnd)?;
        let mut bytes = [0; DATA_MAX];
        let mut offset = 0;
        while offset < extent.bytes {
            let len = (extent.bytes - offset).min(DATA_MAX as u32);
            let at = first + offset / SECTOR_BYTES as u32;
            piece(&mut self.client, at, &self.buffer, offset, &mut bytes[..len as usize]).map_err(refusal)?;
            offset += len;
        }
        Ok(())
    }
}

impl Device for Remote {
    fn geometry(&mut self) -> Option<Geometry> {
        match self.client.store() {
            Ok(store) => Some(Geometry { sectors: store.sectors.into(), read_only: store.read_only }),
            Err(e) => {
                say!("no host answers on the line ({e:?}): run `thaw receive` or `thaw send` there");
                None
            }
        }
    }

    fn read(&mut self, extent: Extent) -> Result<(), Refusal> {
        self.pieces(extent, |client, first, buffer, offset, bytes| {
            client.read(first, bytes)?;
            buffer.write(offset, bytes);
            Ok(())
        })
    }

    fn write(&mut self, extent: Extent) -> Result<(), Refusal> {
        self.pieces(extent, |client, first, buffer, offset, bytes| {
            buffer.read(offset, bytes);
            client.write(first, bytes)
        })
    }

    fn flush(&mut self) -> Result<(), Refusal> {
        self.client.flush().map_err(refusal)
    }
}

/// A refusal in the words of the block service.
fn refusal(error: ClientError) -> Refusal {
    say!("the host did not carry out a request: {error:?}");
    match error {
        ClientError::Refused(Status::ReadOnly) => Refusal::ReadOnly,
        ClientError::Refused(Status::BeyondEnd) => Refusal::BeyondEnd,
        _ => Refusal::Device,
    }
}
