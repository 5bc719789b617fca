//! The block device: setting it up, and one request at a time.
//!
//! Built on the crate's queue rather than on its block driver, whose flush can only be waited for by
//! spinning. Numbers: Virtual I/O Device (VIRTIO) Version 1.2, sections 2.2, 5.2 and 6.
// UNSAFETY: lends buffers to the queue until the device is done with them.
#![expect(unsafe_code)]

use core::fmt;

use thaw_blk::{Extent, Geometry, Refusal, server::Device};
use thaw_l4::CapIndex;
use virtio_drivers::{
    queue::VirtQueue,
    transport::{DeviceStatus, Transport, mmio::MmioTransport},
};

use crate::{
    hal::{DmaHal, StandIn, stand_in},
    interrupt::Interrupt,
    probe::{NoDisk, Slot},
};

const QUEUE: u16 = 0;
const QUEUE_SIZE: usize = 4;
/// Feature bits: read-only, flush, and not being a legacy device.
const READ_ONLY: u64 = 1 << 5;
const CAN_FLUSH: u64 = 1 << 9;
const VERSION_1: u64 = 1 << 32;
/// Request types.
const IN: u32 = 0;
const OUT: u32 = 1;
const FLUSH: u32 = 4;
/// Request status; what the driver puts there is none that a device reports.
const STATUS_OK: u8 = 0;
const STATUS_NONE: u8 = 0xff;
/// Waits until a device that does not answer counts as dead.
const WAITS: u32 = 1_000_000;

/// A virtio block device.
pub struct Disk {
    transport: MmioTransport<'static>,
    queue: VirtQueue<DmaHal, QUEUE_SIZE>,
    interrupt: Interrupt,
    interrupt_number: u32,
    buffer: StandIn,
    geometry: Geometry,
    can_flush: bool,
}

/// Direction of a request's data.
enum Data {
    None,
    ToDevice(usize),
    FromDevice(usize),
}

impl Disk {
    /// Sets up the device in a slot.
    pub fn new(slot: Slot, irq: CapIndex) -> Result<Self, NoDisk> {
        // SAFETY: the slot's registers stay attached for the life of the program and nobody else here
        // uses them.
        let transport = unsafe { MmioTransport::new(slot.registers, slot.bytes) };
        let mut transport = transport.map_err(NoDisk::Transport)?;
        let features = negotiate(&mut transport)?;
        let low_high = transport.read_consistent(|| {
            Ok((transport.read_config_space::<u32>(0)?, transport.read_config_space::<u32>(4)?))
        });
        let (low, high) = low_high.map_err(NoDisk::Capacity)?;
        let geometry = Geometry {
            sectors: u64::from(high) << 32 | u64::from(low),
            read_only: features & READ_ONLY != 0,
        };
        let queue = VirtQueue::new(&mut transport, QUEUE, false, false).map_err(NoDisk::Queue)?;
        let buffer = stand_in().ok_or(NoDisk::Queue(virtio_drivers::Error::AlreadyUsed))?;
        let interrupt = Interrupt::new(irq, slot.interrupt);
        transport.finish_init();
        let can_flush = features & CAN_FLUSH != 0;
        Ok(Self {
            transport,
            queue,
            interrupt,
            interrupt_number: slot.interrupt,
            buffer,
            geometry,
            can_flush,
        })
    }

    fn perform(&mut self, kind: u32, first: u64, data: Data) -> Result<(), Refusal> {
        let mut header = [0; 16];
        header[..4].copy_from_slice(&kind.to_le_bytes());
        header[8..].copy_from_slice(&first.to_le_bytes());
        let mut status = [STATUS_NONE];
        let Self { transport, queue, interrupt, buffer, .. } = self;
        let (to_device, from_device): (&[u8], &mut [u8]) = match data {
            Data::None => (&[], &mut []),
            Data::ToDevice(bytes) => (&buffer[..bytes], &mut []),
            Data::FromDevice(bytes) => (&[], &mut buffer[..bytes]),
        };
        let inputs: &[&[u8]] = &[&header, to_device][..if to_device.is_empty() { 1 } else { 2 }];
        let mut outputs: [&mut [u8]; 2] = [from_device, &mut status];
        // The status comes last; without data it is all.
        let outputs = if outputs[0].is_empty() { &mut outputs[1..] } else { &mut outputs[..] };

        // SAFETY: the device is given copies of header and status and, for the stand-in, the shared
        // buffer (see `hal`): the slices themselves it never touches, whatever becomes of the request.
        let token = unsafe { queue.add(inputs, outputs) }.map_err(|_| Refusal::Device)?;
        if queue.should_notify() {
            transport.notify(QUEUE);
        }
        let mut waits = 0;
        while queue.peek_used().is_none() {
            if waits == WAITS {
                return Err(Refusal::Timeout);
            }
            waits += 1;
            interrupt.wait();
            transport.ack_interrupt();
        }
        // SAFETY: the same slices as above.
        unsafe { queue.pop_used(token, inputs, outputs) }.map_err(|_| Refusal::Device)?;
        transport.ack_interrupt();
        if status[0] == STATUS_OK { Ok(()) } else { Err(Refusal::Device) }
    }
}

impl Device for Disk {
    fn geometry(&mut self) -> Option<Geometry> {
        Some(self.geometry)
    }

    fn read(&mut self, extent: Extent) -> Result<(), Refusal> {
        self.perform(IN, extent.first, Data::FromDevice(extent.bytes as usize))
    }

    fn write(&mut self, extent: Extent) -> Result<(), Refusal> {
        self.perform(OUT, extent.first, Data::ToDevice(extent.bytes as usize))
    }

    /// A device that offers no flush has no cache that could lose anything (section 5.2.6.2).
    fn flush(&mut self) -> Result<(), Refusal> {
        if self.can_flush { self.perform(FLUSH, 0, Data::None) } else { Ok(()) }
    }
}

/// Resets the device and agrees on features; returns them.
fn negotiate(transport: &mut MmioTransport<'_>) -> Result<u64, NoDisk> {
    let status = DeviceStatus::ACKNOWLEDGE | DeviceStatus::DRIVER;
    transport.set_status(DeviceStatus::empty());
    transport.set_status(status);
    let features = transport.read_device_features() & (READ_ONLY | CAN_FLUSH | VERSION_1);
    transport.write_driver_features(features);
    if !transport.requires_legacy_layout() {
        transport.set_status(status | DeviceStatus::FEATURES_OK);
        if !transport.get_status().contains(DeviceStatus::FEATURES_OK) {
            return Err(NoDisk::Features);
        }
    }
    transport.set_guest_page_size(virtio_drivers::PAGE_SIZE as u32);
    Ok(features)
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "disk: {} sectors{}, {}, virtio {:?}, interrupt {}",
            self.geometry.sectors,
            if self.geometry.read_only { ", read-only" } else { "" },
            if self.can_flush { "flush" } else { "no cache to flush" },
            self.transport.version(),
            self.interrupt_number,
        )
    }
}
