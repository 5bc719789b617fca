//! A file with holes where there are zeros.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use object::write::WritableBuffer;

/// Zeros shorter than this are written: a hole of less than a page saves nothing.
const HOLE: u64 = 4096;

/// A file that grows at its end and has holes where there are zeros.
pub struct Sparse {
    file: BufWriter<File>,
    /// The first error; nothing is written after it.
    result: io::Result<()>,
}

impl Sparse {
    /// Makes the file.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(File::create(path)?), result: Ok(()) })
    }

    /// Gives the file its full length and waits until it is on the disk.
    pub fn finish(mut self) -> io::Result<()> {
        self.result?;
        let length = self.file.stream_position()?;
        self.file.flush()?;
        self.file.get_ref().set_len(length)?;
        self.file.get_ref().sync_all()
    }

    fn attempt(&mut self, step: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        if self.result.is_ok() {
            self.result = step(&mut self.file);
        }
    }
}

impl WritableBuffer for Sparse {
    fn reserve(&mut self, _: u64) -> Result<(), ()> {
        Ok(())
    }

    fn write_bytes(&mut self, bytes: &[u8]) {
        self.attempt(|file| file.write_all(bytes));
    }

    fn write_zeros(&mut self, count: u64) {
        self.attempt(|file| match i64::try_from(count) {
            Ok(distance) if count >= HOLE => file.seek(SeekFrom::Current(distance)).map(|_| ()),
            _ => io::copy(&mut io::Read::take(io::repeat(0), count), file).map(|_| ()),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_read_as_zeros_up_to_the_end() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("sparse");
        let mut file = Sparse::create(&path).expect("made");
        file.write_bytes(b"ab");
        file.write_zeros(2);
        file.write_bytes(b"c");
        file.write_zeros(5000);
        file.finish().expect("written");
        let expected = [&b"ab\0\0c"[..], &[0; 5000]].concat();
        assert!(std::fs::read(&path).expect("there") == expected);
    }
}
