//! Where the bytes of an image go to and come from.

/// Takes the body of an image, strictly in order and without ever going back.
///
/// The body is everything after the 4096-byte header block; the block itself is the result of
/// [`TableWriter::finish`](crate::TableWriter::finish).
pub trait Sink {
    /// Why bytes could not be taken.
    type Error;

    /// Appends `bytes`; an error ends the image.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error>;
}

impl<S: Sink + ?Sized> Sink for &mut S {
    type Error = S::Error;

    fn write(&mut self, bytes: &[u8]) -> Result<(), S::Error> {
        (**self).write(bytes)
    }
}

/// Gives the bytes of a whole image, header block first.
///
/// The bytes must not change between [`verify`](crate::verify) and their use.
#[expect(clippy::len_without_is_empty, reason = "an empty image is refused like any cut one")]
pub trait Source {
    /// Why bytes could not be read.
    type Error;

    /// Returns the number of bytes there are.
    fn len(&mut self) -> Result<u64, Self::Error>;

    /// Fills `bytes` with what stands at `offset`. Readers stay below [`len`](Self::len).
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> Result<(), Self::Error>;
}

impl<S: Source + ?Sized> Source for &mut S {
    type Error = S::Error;

    fn len(&mut self) -> Result<u64, S::Error> {
        (**self).len()
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> Result<(), S::Error> {
        (**self).read_at(offset, bytes)
    }
}

/// Bytes outside a slice were asked for or offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideSlice {
    /// First byte of the access.
    pub offset: u64,
    /// Bytes of the access.
    pub length: usize,
    /// Bytes of the slice.
    pub available: usize,
}

impl core::fmt::Display for OutsideSlice {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { offset, length, available } = self;
        write!(f, "{length} bytes at offset {offset} are outside of a buffer of {available} bytes")
    }
}

impl core::error::Error for OutsideSlice {}

/// An image in memory.
impl Source for &[u8] {
    type Error = OutsideSlice;

    fn len(&mut self) -> Result<u64, OutsideSlice> {
        Ok(<[u8]>::len(self) as u64)
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> Result<(), OutsideSlice> {
        let outside = OutsideSlice { offset, length: bytes.len(), available: <[u8]>::len(self) };
        let start = usize::try_from(offset).map_err(|_| outside)?;
        let end = start.checked_add(bytes.len()).ok_or(outside)?;
        bytes.copy_from_slice(self.get(start..end).ok_or(outside)?);
        Ok(())
    }
}

/// A body or image that grows inside a caller's buffer.
pub struct SliceSink<'b> {
    buffer: &'b mut [u8],
    used: usize,
}

impl<'b> SliceSink<'b> {
    /// Starts to fill `buffer` at its beginning.
    pub fn new(buffer: &'b mut [u8]) -> Self {
        Self { buffer, used: 0 }
    }

    /// Returns how many bytes were written.
    pub fn used(&self) -> usize {
        self.used
    }
}

impl Sink for SliceSink<'_> {
    type Error = OutsideSlice;

    fn write(&mut self, bytes: &[u8]) -> Result<(), OutsideSlice> {
        let outside =
            OutsideSlice { offset: self.used as u64, length: bytes.len(), available: self.buffer.len() };
        let room = self.buffer[self.used..].get_mut(..bytes.len()).ok_or(outside)?;
        room.copy_from_slice(bytes);
        self.used += bytes.len();
        Ok(())
    }
}
