//! Requests on the manager session and on a PD's capability.

use thaw_l4::{Cap, CapIndex, Gate, Kernel, Message, RecvBuffer, Result, ipc};
use thaw_native_abi::layout::SLOT_MANAGER;
use thaw_native_abi::{manager, name_words, pd};
use thaw_rt::kernel;

/// A request; results are copied out of the message registers.
fn request(to: CapIndex, operation: u32, arguments: &[u32]) -> Result<[u32; 10]> {
    let k = kernel();
    Message::new(&k).word(operation).slice(arguments).call(Cap::<Gate>::new(to), 0)?;
    Ok(core::array::from_fn(|i| k.mr(i)))
}

/// A request on the manager session.
pub fn manage(operation: u32, arguments: &[u32]) -> Result<[u32; 10]> {
    request(CapIndex(SLOT_MANAGER), operation, arguments)
}

/// A PD that this program made, by the slot of its capability.
#[derive(Clone, Copy)]
pub struct Child(pub CapIndex);

impl Child {
    /// Makes a PD whose capability arrives in `slot`; returns it and its badge.
    pub fn create(slot: CapIndex, quota: u32, name: &str) -> Result<(Self, u32)> {
        let n = name_words(name);
        ipc::set_buffers(&kernel(), &[RecvBuffer::capability(slot)], false);
        let made = manage(manager::PD_CREATE, &[quota, n[0], n[1], n[2], n[3]]);
        ipc::set_buffers(&kernel(), &[], false);
        made.map(|words| (Self(slot), words[0]))
    }

    /// A request on the PD's capability.
    pub fn request(self, operation: u32, arguments: &[u32]) -> Result<[u32; 10]> {
        request(self.0, operation, arguments)
    }

    /// Makes RAM and attaches all of it.
    pub fn memory(self, bytes: u32, addr: u32, rights: u32) -> Result<u32> {
        let dataspace = self.request(pd::RAM_CREATE, &[bytes])?[0];
        self.request(pd::ATTACH, &[dataspace, addr, 0, bytes, rights])?;
        Ok(dataspace)
    }

    /// Makes a thread.
    pub fn thread(self, index: u32, ip: u32, sp: u32, flags: u32) -> Result<u32> {
        let n = name_words("child main");
        let arguments = [index, ip, sp, 10, 0, flags, n[0], n[1], n[2], n[3]];
        self.request(pd::THREAD_CREATE, &arguments).map(|words| words[0])
    }

    /// Destroys it.
    pub fn destroy(self) -> Result<()> {
        self.request(pd::DESTROY, &[]).map(|_| ())
    }
}
