//! Relations between threads that the kernel keeps: reply links and queues of senders.

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{At, Kind, raw, sealed::Codec};
use crate::Refusal;
use crate::rules::Rules;

/// A delivered call that waits for its reply: the server holds the reply link to the client.
/// Links stand in the order in which they have to be made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Calling thread.
    pub client: u32,
    /// Thread that owes the reply.
    pub server: u32,
    /// Message tag of the original request.
    pub tag: u32,
    /// Index of the shadow record that keeps the tag while the link was made by staging.
    pub shadow: u32,
}

/// A thread that waits in the queue of a receiver, with what it will send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Thread whose queue it is.
    pub receiver: u32,
    /// Place in that queue, from 0.
    pub position: u32,
    /// Thread that waits.
    pub sender: u32,
    /// Message tag.
    pub tag: u32,
    /// Label that the receiver will see.
    pub label: u32,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RawLink {
    client: U32,
    server: U32,
    tag: U32,
    shadow: U32,
}

#[derive(FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
#[repr(C)]
pub struct RawQueued {
    receiver: U32,
    position: U32,
    sender: U32,
    tag: U32,
    label: U32,
}

impl Codec for Link {
    const LENGTH: usize = size_of::<RawLink>();

    fn encode(&self, out: &mut [u8]) {
        let raw = RawLink {
            client: self.client.into(),
            server: self.server.into(),
            tag: self.tag.into(),
            shadow: self.shadow.into(),
        };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &RawLink = raw(Kind::Link, at, bytes)?;
        Ok(Self {
            client: raw.client.get(),
            server: raw.server.get(),
            tag: raw.tag.get(),
            shadow: raw.shadow.get(),
        })
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.link(at, self)
    }
}

impl Codec for Queued {
    const LENGTH: usize = size_of::<RawQueued>();

    fn encode(&self, out: &mut [u8]) {
        let raw = RawQueued {
            receiver: self.receiver.into(),
            position: self.position.into(),
            sender: self.sender.into(),
            tag: self.tag.into(),
            label: self.label.into(),
        };
        out.copy_from_slice(raw.as_bytes());
    }

    fn decode(at: At, bytes: &[u8]) -> Result<Self, Refusal> {
        let raw: &RawQueued = raw(Kind::Queued, at, bytes)?;
        Ok(Self {
            receiver: raw.receiver.get(),
            position: raw.position.get(),
            sender: raw.sender.get(),
            tag: raw.tag.get(),
            label: raw.label.get(),
        })
    }

    fn check(&self, at: At, rules: &mut Rules) -> Result<(), Refusal> {
        rules.queued(at, self)
    }
}
