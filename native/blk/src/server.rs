//! Serving the gate: one request at a time, whatever the device is.

use thaw_l4::{CapIndex, Kernel, MsgTag, Timeout, Timeouts, ipc};
use thaw_log::say;
use thaw_native_abi::layout::SLOT_USER;
use thaw_rt::{kernel, request};

use crate::{Extent, Geometry, Refusal, Request, decode};

/// Slot of the gate that is announced.
const GATE: CapIndex = CapIndex(SLOT_USER);
/// The first thread serves the gate and takes the interrupt.
pub const THREAD: u32 = 0;
/// Words of a request at most.
const REQUEST_WORDS: usize = 4;

/// A device that sectors are kept on.
pub trait Device {
    /// Size and whether it may be written; nothing if it cannot be reached.
    fn geometry(&mut self) -> Option<Geometry>;
    /// Reads into the start of the shared buffer.
    fn read(&mut self, extent: Extent) -> Result<(), Refusal>;
    /// Writes from the start of the shared buffer.
    fn write(&mut self, extent: Extent) -> Result<(), Refusal>;
    /// Waits until everything written is on the medium.
    fn flush(&mut self) -> Result<(), Refusal>;
}

/// Announces the service with its buffer; returns the badge of its gate.
pub fn announce(buffer: u32) -> thaw_l4::Result<u32> {
    let badge = request::gate_create(GATE, THREAD)?;
    request::announce(GATE, Some(buffer))?;
    Ok(badge)
}

/// Serves for ever. A message of another origin than the gate is the interrupt of a request that is over.
pub fn serve<D: Device>(badge: u32, mut disk: Option<D>) -> ! {
    let k = kernel();
    ipc::set_buffers(&k, &[], false);
    // A client that does not wait for its answer must not hold up the others.
    let timeouts = Timeouts::new(Timeout::ZERO, Timeout::NEVER);
    let mut incoming = ipc::wait(&k, timeouts);
    loop {
        incoming = match incoming {
            Ok(message) if message.label & !3 == badge => {
                let mut words = [0; REQUEST_WORDS];
                let count = (message.tag.words() as usize).min(REQUEST_WORDS);
                for (i, word) in words[..count].iter_mut().enumerate() {
                    *word = k.mr(i);
                }
                let reply = match carry_out(&words[..count], &mut disk) {
                    Ok(results) => {
                        for (i, result) in results.into_iter().enumerate() {
                            k.set_mr(i, result);
                        }
                        MsgTag::new(0, results.len() as u32, 0, 0)
                    }
                    Err(refusal) => MsgTag::new(-(refusal.code() as i32), 0, 0, 0),
                };
                ipc::reply_and_wait(&k, reply, timeouts)
            }
            _ => ipc::wait(&k, timeouts),
        };
    }
}

/// The results of a request: of INFO sectors (low, high word) and read-only flag, of others nothing.
fn carry_out<D: Device>(words: &[u32], disk: &mut Option<D>) -> Result<[u32; 3], Refusal> {
    let request = decode(words, disk.as_mut().and_then(Device::geometry))?;
    let Some(device) = disk else { return Err(Refusal::NoDisk) };
    let result = match request {
        Request::Info(g) => return Ok([g.sectors as u32, (g.sectors >> 32) as u32, g.read_only.into()]),
        Request::Read(extent) => device.read(extent),
        Request::Write(extent) => device.write(extent),
        Request::Flush => device.flush(),
    };
    if let Err(refusal) = result {
        say!("{request:?} failed: {refusal:?}");
        if refusal == Refusal::Timeout {
            // Dropping it resets the device, which so forgets the buffers.
            *disk = None;
        }
    }
    result.map(|()| [0; 3])
}
