//! ROM modules: an image has their names and hashes, their content the user may give.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use thaw_image::{Content, Dataspace, Digest, Hasher, Source};

use super::layout::Piece;
use crate::failure::Failure;
use crate::file::Bytes;

/// The modules given, each with the content that the image knows.
#[derive(Default)]
pub struct Modules(Vec<Module>);

/// A module with its file.
pub struct Module {
    name: String,
    file: std::cell::RefCell<Bytes>,
    length: u64,
}

impl Modules {
    /// Opens the files given and compares them with what the image says of `dataspaces`.
    pub fn open(
        image: &Path,
        dataspaces: &[Dataspace],
        given: &[(String, PathBuf)],
    ) -> Result<Self, Failure> {
        let mut modules = vec![];
        for (name, path) in given {
            let known = dataspaces.iter().find_map(|dataspace| match dataspace.content {
                Content::Rom { module, hash } if module.as_str() == name => {
                    Some((dataspace.size_bytes, hash))
                }
                _ => None,
            });
            let Some((bytes, hash)) = known else {
                return Err(Failure::NoSuchModule(image.into(), name.clone()));
            };
            let unreadable = |error| Failure::Input(path.clone(), error);
            let mut file = File::open(path).and_then(Bytes::new).map_err(unreadable)?;
            let length = file.length();
            if length != bytes || digest(&mut file).map_err(unreadable)? != hash {
                return Err(Failure::OtherModule(path.clone(), name.clone()));
            }
            modules.push(Module { name: name.clone(), file: file.into(), length });
        }
        Ok(Self(modules))
    }

    /// Finds a module by name.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|module| module.name == name)
    }

    /// Returns a module found.
    pub fn get(&self, index: usize) -> &Module {
        &self.0[index]
    }
}

impl Module {
    /// Hands `bytes` bytes from `offset` to `take`; behind the end of the file they are zero.
    pub fn copy(
        &self,
        offset: u64,
        bytes: u32,
        scratch: &mut [u8],
        take: &mut impl FnMut(Piece<'_>),
    ) -> io::Result<()> {
        let end = offset + u64::from(bytes);
        let mut next = offset;
        while next < end.min(self.length) {
            let part = (end.min(self.length) - next).min(scratch.len() as u64);
            let buffer = &mut scratch[..part as usize];
            self.file.borrow_mut().read_at(next, buffer)?;
            take(Piece::Bytes(buffer));
            next += part;
        }
        take(Piece::Zeros(end - next));
        Ok(())
    }
}

fn digest(file: &mut Bytes) -> io::Result<Digest> {
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 65536];
    let mut offset = 0;
    while offset < file.length() {
        let part = (file.length() - offset).min(buffer.len() as u64) as usize;
        file.read_at(offset, &mut buffer[..part])?;
        hasher.update(&buffer[..part]);
        offset += part as u64;
    }
    Ok(hasher.take())
}
