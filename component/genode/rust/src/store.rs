//! Images in two files of a file system: a new one replaces the older, so one is always whole.
//!
//! A file is an image as it is. The body is written and synced before the header block, and what is chosen is the
//! newest file whose every hash is right: a commit that was cut off never was.

use thaw_image::{Expect, HEADER_BLOCK, Header, Refusal, Source};

use crate::error::{Error, Result};
use crate::world::{Asked, Buffer, CoreResult, Span, World};

/// Bytes of an image that no file has: more than memory can hold.
const LARGEST: u64 = 1 << 31;

/// One of the two files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum File {
    /// `NAME.a.thaw`.
    A = 0,
    /// `NAME.b.thaw`.
    B = 1,
}

impl File {
    /// Both of them.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// The letter in its name.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::A => 'a',
            Self::B => 'b',
        }
    }
}

/// The two files of a target.
pub trait Files {
    /// Bytes of a file, 0 if there is none.
    fn size(&self, file: File) -> Asked<u64>;
    /// Reads all of `to`.
    fn read(&self, file: File, offset: u32, to: &mut [u8]) -> Asked<()>;
    /// Reads `to.bytes` bytes into our memory.
    fn read_into(&self, file: File, offset: u32, to: Span) -> Asked<()>;
    /// Writes all of `from`; makes the file if there is none.
    fn write_from(&self, file: File, offset: u32, from: Span) -> Asked<()>;
    /// Cuts a file down to nothing.
    fn empty(&self, file: File) -> Asked<()>;
    /// Returns once all that was written stays.
    fn sync(&self, file: File) -> Asked<()>;
}

/// What is known of the files between two uses; nothing at first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Stored {
    /// Number of the newest checkpoint.
    pub generation: u64,
    /// 0: nothing was looked at; 1: there is no image; 2, 3: the newest is in file a, b.
    pub known: u32,
    /// Padding.
    pub reserved: u32,
}

impl Stored {
    const NOTHING: u32 = 1;

    const fn of(newest: Option<(File, u64)>) -> Self {
        match newest {
            None => Self { generation: 0, known: Self::NOTHING, reserved: 0 },
            Some((file, generation)) => Self { generation, known: file as u32 + 2, reserved: 0 },
        }
    }

    const fn newest(&self) -> Option<(File, u64)> {
        match self.known {
            2 => Some((File::A, self.generation)),
            3 => Some((File::B, self.generation)),
            _ => None,
        }
    }
}

/// A file as the source of an image.
struct InFile<'f, F: Files> {
    files: &'f F,
    file: File,
    size: u64,
}

impl<F: Files> Source for InFile<'_, F> {
    type Error = CoreResult;

    fn len(&mut self) -> Asked<u64> {
        Ok(self.size)
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> Asked<()> {
        let offset = u32::try_from(offset).map_err(|_| CoreResult(CoreResult::NOT_FOUND))?;
        self.files.read(self.file, offset, bytes)
    }
}

/// What is in a file.
enum Found {
    Nothing,
    Damaged(Refusal),
    Whole(u64),
}

/// Whether a refusal says that the image is of another version, not that it is damaged.
const fn is_version(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Major { .. } | Refusal::Minor { .. } | Refusal::RecordVersion { .. })
}

fn look<F: Files>(files: &F, file: File, buffer: &mut [u8]) -> Result<Found> {
    let refused = |e| Error::Store("reading", file, e);
    let size = files.size(file).map_err(refused)?;
    if size == 0 {
        return Ok(Found::Nothing);
    }
    let mut source = InFile { files, file, size };
    match thaw_image::verify(&mut source, &Expect::ANY, buffer) {
        Ok(image) => Ok(Found::Whole(image.header().identity.generation)),
        // Never pass over something newer than this build.
        Err(thaw_image::Error::Refused(refusal)) if is_version(&refusal) => Err(Error::Image(refusal)),
        Err(thaw_image::Error::Refused(refusal)) => Ok(Found::Damaged(refusal)),
        Err(thaw_image::Error::Io(e)) => Err(refused(e)),
    }
}

/// Finds the newest whole image, and says which file is damaged.
pub fn find<W: World, F: Files>(
    world: &W,
    files: &F,
    stored: &mut Stored,
    buffer: &mut [u8],
) -> Result<Option<(File, u64)>> {
    if stored.known != 0 {
        return Ok(stored.newest());
    }
    let mut newest: Option<(File, u64)> = None;
    for file in File::BOTH {
        match look(files, file, buffer)? {
            Found::Whole(generation) if newest.is_none_or(|(_, other)| other < generation) => {
                newest = Some((file, generation));
            }
            Found::Whole(_) | Found::Nothing => {}
            Found::Damaged(refusal) => {
                world.say(format_args!("stored image {} is passed over: {refusal}", file.letter()));
            }
        }
    }
    *stored = Stored::of(newest);
    Ok(newest)
}

/// Reads the newest whole image into memory.
pub fn load<W: World, F: Files>(
    world: &W,
    files: &F,
    stored: &mut Stored,
    buffer: &mut [u8],
) -> Result<(Span, u64)> {
    // What was found earlier may have been damaged meanwhile.
    stored.known = 0;
    let (file, generation) = find(world, files, stored, buffer)?.ok_or(Error::NoImage)?;
    let refused = |e| Error::Store("reading", file, e);
    let size = files.size(file).map_err(refused)?;
    let bytes = u32::try_from(size).ok().filter(|b| u64::from(*b) < LARGEST).ok_or(Error::NoImage)?;
    let image =
        world.take(Buffer::Image, bytes).map_err(|e| Error::World("memory for an image", bytes, e))?;
    files.read_into(file, 0, image).map_err(refused)?;
    world.say(format_args!("stored image {} is checkpoint {generation}", file.letter()));
    Ok((image, generation))
}

/// Replaces the older image. On an error the newest one is what it was.
pub fn save<W: World, F: Files>(
    world: &W,
    files: &F,
    stored: &mut Stored,
    image: Span,
    buffer: &mut [u8],
) -> Result<File> {
    let newest = find(world, files, stored, buffer)?;
    let file = newest.map_or(File::A, |(file, _)| file.other());
    let mut block = [0; HEADER_BLOCK];
    let header = image.part(0, HEADER_BLOCK as u32).ok_or(Error::NoImage)?;
    world.read(header, &mut block);
    let generation = Header::parse(&block).map_err(Error::Image)?.identity.generation;
    let written = write(files, file, header, image);
    if let Err(error) = written {
        // Not to fill the file system with what is of no use; the next one will do it otherwise.
        let _ = files.empty(file);
        return Err(Error::Store("writing", file, error));
    }
    *stored = Stored::of(Some((file, generation)));
    Ok(file)
}

fn write<F: Files>(files: &F, file: File, header: Span, image: Span) -> Asked<()> {
    let body =
        image.part(header.bytes, image.bytes - header.bytes).ok_or(CoreResult(CoreResult::NOT_FOUND))?;
    files.empty(file)?;
    files.write_from(file, header.bytes, body)?;
    files.sync(file)?;
    files.write_from(file, 0, header)?;
    files.sync(file)
}
