//! The image for the PandaBoard, which no emulator has: is everything where the board needs it?

use thaw_bootimage::{elf::Elf, payload::Payload};
use thaw_native_abi::boot::{LOADER_OFFSET, ROOT_OFFSET, SIGMA0_OFFSET, board};

use super::{Case, Context, ensure, one};
use crate::{
    board::Board,
    build,
    failure::{Result, read, write},
    pack::{self, File, Parts},
    paths,
    run::Abi,
    uboot::{self, HEADER_BYTES},
};

/// RAM of the OMAP4 begins here.
const RAM: u32 = 0x8000_0000;

/// The case.
pub fn cases() -> Vec<Case> {
    vec![one("image for U-Boot on the PandaBoard", panda)]
}

fn panda(context: &Context) -> Result<()> {
    build::build_first_tasks(Board::Panda, None)?;
    let first_task =
        |name: &str| Ok(File { name: name.into(), bytes: read(&Board::Panda.first_task(name))? });
    // Any kernel will do: where it is loaded is the loader's business, and checked by it.
    let kernel = read(&paths::program(Abi::M.test_kernel()))?;
    let parts = Parts {
        loader: first_task("thaw-loader")?,
        kernel: File { name: "kernel".into(), bytes: kernel.clone() },
        sigma0: first_task("thaw-sigma0")?,
        root: first_task("thaw-root")?,
        modules: vec![File { name: "system".into(), bytes: b"# nothing\n".to_vec() }],
        board: Board::Panda.number(),
    };
    let flat = uboot::flatten(&pack::pack(&parts)?)?;
    let image = uboot::with_header(&flat);
    write(&context.out.join("panda.uimage"), &image)?;
    header(&image)?;
    let end = loader_end(&parts.loader)?;
    ensure(flat.load == RAM + LOADER_OFFSET && flat.entry == flat.load, || {
        format!("loaded to {:#x}, entered at {:#x}", flat.load, flat.entry)
    })?;
    let payload = &flat.bytes[(end - flat.load) as usize..];
    let found = payload.first_chunk().map(Payload::decode);
    let Some(Ok(found)) = found else { return ensure(false, || format!("payload header: {found:?}")) };
    ensure(found.board == board::PANDA, || format!("board {}", found.board))?;
    let (start, len) = (found.kernel.offset as usize, found.kernel.bytes as usize);
    ensure(payload.get(start..start + len) == Some(&kernel[..]), || "the kernel is not in its place".into())?;
    for (file, offset) in [(&parts.sigma0, SIGMA0_OFFSET), (&parts.root, ROOT_OFFSET)] {
        let start = Elf::parse(&file.bytes).map(|elf| elf.physical_range().0);
        ensure(start == Ok(RAM + offset), || format!("{} is linked for {start:x?}", file.name))?;
    }
    Ok(())
}

/// First page behind the loader's memory.
fn loader_end(loader: &File) -> Result<u32> {
    let last = Elf::parse(&loader.bytes).map(|elf| elf.physical_range().1);
    ensure(last.is_ok(), || format!("loader: {last:?}"))?;
    Ok(last.map_or(0, |last| (last + 1).next_multiple_of(4096)))
}

/// What U-Boot's `bootm` looks at before it believes the image.
fn header(image: &[u8]) -> Result<()> {
    let word = |at: usize| image[at..at + 4].iter().fold(0_u32, |w, b| w << 8 | u32::from(*b));
    let (mut header, body) = (image[..HEADER_BYTES].to_vec(), &image[HEADER_BYTES..]);
    let check = word(4);
    header[4..8].fill(0);
    ensure(word(0) == 0x2705_1956 && crc32fast::hash(&header) == check, || "the header's checksum".into())?;
    ensure(word(12) as usize == body.len() && crc32fast::hash(body) == word(24), || {
        "the data's checksum".into()
    })?;
    ensure(image[28..32] == [5, 2, 2, 0], || format!("kind {:?}", &image[28..32]))
}
