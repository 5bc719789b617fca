//! What stands in a core: which memory of which protection domain, and where its content comes from.

use std::io;
use std::path::Path;

use thaw_image::{
    Access, Body, Dataspace, Encoding, Error, Extent, Kind, PAGE_SIZE, Region, Source, Thread, ThreadState,
    Verified,
};

use super::Request;
use super::rom::{Module, Modules};
use crate::failure::Failure;
use crate::input::at;

const PAGE: u32 = PAGE_SIZE as u32;
/// Bytes of a UTCB.
const UTCB_BYTES: u32 = 512;

/// All that goes into a core.
pub struct Plan {
    /// Index of the protection domain.
    pub pd: u32,
    /// Its name.
    pub name: String,
    /// Its threads with their indices in the image; holes are left out.
    pub threads: Vec<(u32, Thread)>,
    /// Its memory.
    pub segments: Vec<Segment>,
    modules: Modules,
    /// Extents of all dataspaces, in order of dataspace and page.
    extents: Vec<Extent>,
}

/// A piece of the address space.
pub struct Segment {
    /// First address.
    pub addr: u32,
    /// Bytes.
    pub bytes: u32,
    /// What the program may do there.
    pub access: Access,
    /// What stands there.
    pub content: Content,
}

/// What stands in a segment.
pub enum Content {
    /// Pages of a dataspace, from that one on.
    Pages {
        /// The dataspace.
        dataspace: u32,
        /// Its first page in the segment.
        first_page: u32,
    },
    /// A module that was given.
    Rom {
        /// Its name.
        module: String,
        /// Which of the given files.
        file: usize,
        /// First byte of the file in the segment.
        offset: u64,
    },
    /// A module that was not given.
    LeftOut {
        /// Its name.
        module: String,
    },
    /// UTCBs of threads, one after the other.
    Utcbs {
        /// First of them in the list of threads.
        first: usize,
    },
}

/// A part of the content of a segment.
pub enum Piece<'a> {
    /// These bytes.
    Bytes(&'a [u8]),
    /// So many zeros.
    Zeros(u64),
}

impl Segment {
    /// Whether the core holds it; else a debugger finds no memory there rather than zeros.
    pub fn is_stored(&self) -> bool {
        !matches!(self.content, Content::LeftOut { .. })
    }
}

impl Plan {
    /// Reads the records and opens the modules given; refuses a module of another content.
    pub fn read<S: Source<Error = io::Error>>(
        path: &Path,
        request: &Request<'_>,
        verified: &Verified,
        image: &mut S,
    ) -> Result<Self, Failure> {
        let (pd, name) = choose(path, request.pd, verified, image)?;
        let mut plan = Self {
            pd,
            name,
            threads: vec![],
            segments: vec![],
            modules: Modules::default(),
            extents: Vec::with_capacity(verified.summary().count(Kind::Extent) as usize),
        };
        let mut dataspaces = vec![];
        let mut regions = vec![];
        let mut cursor = verified.records();
        while let Some(record) = cursor.next(image).map_err(at(path))? {
            match record.body {
                Body::Dataspace(dataspace) => dataspaces.push(dataspace),
                Body::Region(region) if record.pd == pd => regions.push(region),
                Body::Thread(thread) if record.pd == pd && thread.state != ThreadState::Hole => {
                    plan.threads.push((record.index, thread));
                }
                Body::Extent(extent) => plan.extents.push(extent),
                _ => {}
            }
        }
        plan.modules = Modules::open(path, &dataspaces, request.roms)?;
        plan.segments = regions.iter().map(|region| plan.segment(region, &dataspaces)).collect();
        plan.add_utcbs();
        Ok(plan)
    }

    fn segment(&self, region: &Region, dataspaces: &[Dataspace]) -> Segment {
        let content = match dataspaces[region.dataspace as usize].content {
            thaw_image::Content::Ram => Content::Pages {
                dataspace: region.dataspace,
                first_page: (region.offset / u64::from(PAGE)) as u32,
            },
            thaw_image::Content::Rom { module, .. } => {
                let module = module.to_string();
                match self.modules.find(&module) {
                    Some(file) => Content::Rom { module, file, offset: region.offset },
                    None => Content::LeftOut { module },
                }
            }
            // What is seen through it is attached elsewhere, too, or in nobody's reach.
            thaw_image::Content::Managed => Content::LeftOut { module: "managed dataspace".into() },
        };
        Segment { addr: region.addr, bytes: region.size_bytes, access: region.access, content }
    }

    /// UTCBs are no region, but where a debugger looks for messages.
    fn add_utcbs(&mut self) {
        let access = Access { read: true, write: true, execute: false };
        let mut runs: Vec<Segment> = vec![];
        for (at, (_, thread)) in self.threads.iter().enumerate() {
            let addr = thread.utcb_addr;
            match runs.last_mut().filter(|run| run.addr.checked_add(run.bytes) == Some(addr)) {
                Some(run) => run.bytes += UTCB_BYTES,
                None => {
                    let content = Content::Utcbs { first: at };
                    runs.push(Segment { addr, bytes: UTCB_BYTES, access, content });
                }
            }
        }
        self.segments.extend(runs);
    }

    /// Names the modules that were not given.
    pub fn missing_modules(&self) -> Vec<String> {
        let mut names: Vec<String> = self.segments.iter().filter_map(|s| s.missing().cloned()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Hands the content of a segment to `take`, piece by piece.
    pub fn copy<S: Source<Error = io::Error>>(
        &self,
        segment: &Segment,
        verified: &Verified,
        image: &mut S,
        scratch: &mut [u8],
        take: &mut impl FnMut(Piece<'_>),
    ) -> Result<(), Error<io::Error>> {
        match segment.content {
            Content::Pages { dataspace, first_page } => {
                let pages = first_page..first_page + segment.bytes / PAGE;
                self.copy_pages(dataspace, pages, verified, image, scratch, take)
            }
            Content::Rom { file, offset, .. } => {
                let module: &Module = self.modules.get(file);
                module.copy(offset, segment.bytes, scratch, take).map_err(Error::Io)
            }
            Content::Utcbs { first } => {
                let count = (segment.bytes / UTCB_BYTES) as usize;
                for (_, thread) in &self.threads[first..first + count] {
                    thread.utcb.iter().for_each(|word| take(Piece::Bytes(&word.to_le_bytes())));
                }
                Ok(())
            }
            Content::LeftOut { .. } => Ok(()),
        }
    }

    fn copy_pages<S: Source<Error = io::Error>>(
        &self,
        dataspace: u32,
        pages: std::ops::Range<u32>,
        verified: &Verified,
        image: &mut S,
        scratch: &mut [u8],
        take: &mut impl FnMut(Piece<'_>),
    ) -> Result<(), Error<io::Error>> {
        let from = self.extents.partition_point(|extent| {
            (extent.dataspace, extent.first_page + extent.page_count) <= (dataspace, pages.start)
        });
        let mut next = pages.start;
        for extent in &self.extents[from..] {
            if next == pages.end {
                break;
            }
            let end = pages.end.min(extent.first_page + extent.page_count);
            if extent.encoding == Encoding::Zero {
                take(Piece::Zeros(u64::from(end - next) * u64::from(PAGE)));
                next = end;
            }
            while next < end {
                let bytes = ((end - next) as usize * PAGE_SIZE).min(scratch.len());
                let buffer = &mut scratch[..bytes - bytes % PAGE_SIZE];
                verified.read_pages(image, extent, next - extent.first_page, buffer)?;
                take(Piece::Bytes(buffer));
                next += (buffer.len() / PAGE_SIZE) as u32;
            }
        }
        Ok(())
    }
}

impl Segment {
    fn missing(&self) -> Option<&String> {
        match &self.content {
            Content::LeftOut { module } => Some(module),
            _ => None,
        }
    }
}

/// Returns the protection domain asked for, or the only one.
fn choose<S: Source<Error = io::Error>>(
    path: &Path,
    wanted: Option<&str>,
    verified: &Verified,
    image: &mut S,
) -> Result<(u32, String), Failure> {
    let mut names = vec![];
    let mut cursor = verified.records_of(Kind::Target);
    while let Some(record) = cursor.next(image).map_err(at(path))? {
        if let Body::Target(target) = record.body {
            names.push(target.name.to_string());
        }
    }
    let found = match wanted {
        Some(wanted) => names.iter().position(|name| name == wanted),
        None if names.len() == 1 => Some(0),
        None => return Err(Failure::ManyPds(path.into(), names)),
    };
    match (found, wanted) {
        (Some(index), _) => Ok((index as u32, names.swap_remove(index))),
        (None, wanted) => Err(Failure::NoSuchPd(path.into(), wanted.unwrap_or_default().into(), names)),
    }
}
