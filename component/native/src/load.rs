//! Starting the target from its module: memory, contents, stack, first thread.

use thaw_bootimage::program::{Piece, Program};
use thaw_component::build::Building;
use thaw_component::error::{Error, Request, surely};
use thaw_component::host::{Host, HostResult, Region};
use thaw_image::Name;
use thaw_l4::{CapIndex, Kernel, raw};
use thaw_native_abi::layout::{STACK_BYTES, USER_END, priority};

use crate::{NativeHost, Platform};

/// Name of the first thread.
const FIRST_THREAD: &str = "main";

fn asked<T>(result: HostResult<T>, request: Request) -> Result<T, Error> {
    result.map_err(|error| Error::Host(request, error))
}

/// Makes a PD of a program and starts it. On an error nothing is left.
pub fn start<K: Kernel, P: Platform>(
    host: &NativeHost<'_, K, P>,
    program: &Program<'_>,
    name: Name,
    quota_pages: u32,
) -> Result<CapIndex, Error> {
    let building = Building::new(host, name, quota_pages)?;
    let pd = building.pd();
    for piece in program.pieces() {
        load(host, pd, program, *piece)?;
    }
    let stack = asked(host.ram_zeroed(pd, STACK_BYTES), Request::RamCreate)?;
    attach(host, pd, stack, USER_END - STACK_BYTES, STACK_BYTES, raw::L4_FPAGE_RW)?;
    let first = host.thread_start(pd, program.entry(), USER_END, priority::TARGET_DEFAULT, FIRST_THREAD);
    asked(first, Request::ThreadCreate)?;
    Ok(building.keep())
}

fn load<K: Kernel, P: Platform>(
    host: &NativeHost<'_, K, P>,
    pd: CapIndex,
    program: &Program<'_>,
    piece: Piece,
) -> Result<(), Error> {
    let id = asked(host.ram_zeroed(pd, piece.bytes), Request::RamCreate)?;
    let view = asked(host.show(id, true), Request::Show)?;
    for (offset, bytes) in program.contents(piece) {
        // The program was checked: its contents lie inside its pieces.
        if let Some(part) = view.part(offset, bytes.len() as u32) {
            host.write(part, bytes);
        }
    }
    if piece.rights & raw::L4_FPAGE_X != 0 {
        host.make_coherent(view);
    }
    asked(surely(|| host.hide(view)), Request::Show)?;
    attach(host, pd, id, piece.addr, piece.bytes, piece.rights)
}

fn attach<K: Kernel, P: Platform>(
    host: &NativeHost<'_, K, P>,
    pd: CapIndex,
    dataspace: u32,
    addr: u32,
    bytes: u32,
    rights: u32,
) -> Result<(), Error> {
    let region = Region { addr, bytes, dataspace, offset: 0, rights };
    asked(host.attach(pd, &region), Request::Attach)
}
