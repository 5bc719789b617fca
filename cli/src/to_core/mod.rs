//! `thaw to-core`: an ELF core file of one protection domain, as debuggers open it.
//!
//! Pages go from the image to the core in pieces of [`SCRATCH`] bytes, zeros are skipped over, so that
//! memory does not grow with the image.

mod layout;
mod notes;
mod output;
mod rom;
mod summary;

use std::io;
use std::path::Path;

use object::Endianness;
use object::elf;
use object::write::elf::{FileHeader, ProgramHeader, Writer};
use thaw_image::{Expect, Verified};

use crate::failure::Failure;
use crate::input::{Image, Input, SCRATCH, at};
use crate::print;
use crate::whole::{apart, whole};
use crate::words::Names;
use layout::{Piece, Plan, Segment};
use output::Sparse;
use summary::Core;

/// What is asked for.
pub struct Request<'a> {
    /// Image or disk.
    pub input: &'a Path,
    /// Core file to write.
    pub out: &'a Path,
    /// Protection domain, where an image has several.
    pub pd: Option<&'a str>,
    /// ROM modules given, `NAME=FILE`.
    pub roms: &'a [(String, std::path::PathBuf)],
    /// File for a debugger script that names the threads.
    pub script: Option<&'a Path>,
    /// Whether the summary is JSON.
    pub json: bool,
}

/// Alignment of memory in the core, so that it can be mapped.
const ALIGN: u64 = 4096;

/// Writes the core, whole or not at all, and says what is in it.
pub fn to_core(request: &Request<'_>) -> Result<(), Failure> {
    let path = request.input;
    let inputs: Vec<&Path> =
        [path].into_iter().chain(request.roms.iter().map(|(_, file)| file.as_path())).collect();
    apart(request.out, &inputs)?;
    request.script.map_or(Ok(()), |script| apart(script, &inputs))?;
    let mut input = Input::open(path)?;
    let mut image = input.image(path)?;
    let mut scratch = vec![0; SCRATCH];
    let verified = thaw_image::verify(&mut image, &Expect::ANY, &mut scratch).map_err(at(path))?;
    let names = Names::read(&verified, &mut image).map_err(at(path))?;
    let plan = Plan::read(path, request, &verified, &mut image)?;
    whole(request.out, |part| write(part, path, &plan, &verified, &mut image, &mut scratch))?;
    if let Some(script) = request.script {
        whole(script, |part| {
            std::fs::write(part, notes::script(&plan)).map_err(|error| Failure::Output(part.into(), error))
        })?;
    }
    print::result(request.json, &Core::new(request, &plan, &names), Core::text)
}

fn write(
    part: &Path,
    path: &Path,
    plan: &Plan,
    verified: &Verified,
    image: &mut Image<'_>,
    scratch: &mut [u8],
) -> Result<(), Failure> {
    let unwritable = |error: io::Error| Failure::Output(part.into(), error);
    let mut file = Sparse::create(part).map_err(unwritable)?;
    write_elf(&mut file, path, plan, verified, image, scratch)?;
    file.finish().map_err(unwritable)
}

fn write_elf(
    file: &mut Sparse,
    path: &Path,
    plan: &Plan,
    verified: &Verified,
    image: &mut Image<'_>,
    scratch: &mut [u8],
) -> Result<(), Failure> {
    let too_large = |_| Failure::Output(path.into(), io::ErrorKind::FileTooLarge.into());
    let notes = notes::all(plan, verified.header());
    let mut writer = Writer::new(Endianness::Little, false, file);
    writer.reserve_file_header();
    let stored = || plan.segments.iter().filter(|segment| segment.is_stored());
    writer.reserve_program_headers(1 + stored().count() as u32);
    let notes_at = writer.reserve(notes.len() as u64, 4);
    let offsets: Vec<u64> = stored().map(|segment| writer.reserve(segment.bytes.into(), ALIGN)).collect();
    writer.write_file_header(&core_header()).map_err(too_large)?;
    writer.write_align_program_headers();
    writer.write_program_header(&note_header(notes_at, notes.len() as u64));
    for (segment, offset) in stored().zip(&offsets) {
        writer.write_program_header(&load_header(segment, *offset));
    }
    writer.pad_until(notes_at);
    writer.write(&notes);
    for (segment, offset) in stored().zip(&offsets) {
        writer.pad_until(*offset);
        plan.copy(segment, verified, image, scratch, &mut |piece| match piece {
            Piece::Bytes(bytes) => writer.write(bytes),
            Piece::Zeros(count) => writer.pad_until(writer.offset() + count),
        })
        .map_err(at(path))?;
    }
    Ok(())
}

fn core_header() -> FileHeader {
    FileHeader {
        os_abi: elf::ELFOSABI_NONE,
        abi_version: 0,
        e_type: elf::ET_CORE,
        e_machine: elf::EM_ARM,
        e_entry: 0,
        e_flags: elf::EF_ARM_EABI_VER5,
    }
}

fn note_header(offset: u64, bytes: u64) -> ProgramHeader {
    ProgramHeader {
        p_type: elf::PT_NOTE,
        p_flags: elf::PF_R,
        p_offset: offset,
        p_vaddr: 0,
        p_paddr: 0,
        p_filesz: bytes,
        p_memsz: 0,
        p_align: 4,
    }
}

fn load_header(segment: &Segment, offset: u64) -> ProgramHeader {
    let bit = |is_set: bool, flag: elf::ProgramFlags| if is_set { flag } else { elf::ProgramFlags(0) };
    let access = segment.access;
    ProgramHeader {
        p_type: elf::PT_LOAD,
        p_flags: bit(access.read, elf::PF_R) | bit(access.write, elf::PF_W) | bit(access.execute, elf::PF_X),
        p_offset: offset,
        p_vaddr: segment.addr.into(),
        p_paddr: 0,
        p_filesz: segment.bytes.into(),
        p_memsz: segment.bytes.into(),
        p_align: ALIGN,
    }
}
