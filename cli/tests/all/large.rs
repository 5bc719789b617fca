//! Large images: the tool's memory does not grow with them.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::Command;

use thaw_image::*;

use crate::common::{Ran, text};

/// More than what the tool may use, by far.
const PAGES: u32 = 64 * 256;
/// What the tool may use, in KiB of address space: more than it ever touches.
const LIMIT_KIB: u32 = 16 * 1024;
const ADDRESS: u32 = 0x2000_0000;

/// The body of an image in a file; the header block goes in front at the end.
struct Body(BufWriter<File>);

impl Sink for Body {
    type Error = std::io::Error;

    fn write(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.write_all(bytes)
    }
}

/// Content of a page: every eighth is zero, each other one begins with its number.
fn page(number: u32) -> [u8; PAGE_SIZE] {
    let mut page = [0; PAGE_SIZE];
    if !number.is_multiple_of(8) {
        page.fill(0xa5);
        page[..4].copy_from_slice(&number.to_le_bytes());
    }
    page
}

fn name(text: &str) -> Name {
    Name::new(text).expect("fits")
}

/// Writes an image of `pages` pages and one thread.
fn write_image(path: &Path, pages: u32) -> Result<(), Error<std::io::Error>> {
    let mut file = BufWriter::new(File::create(path).map_err(Error::Io)?);
    file.write_all(&[0; HEADER_BLOCK]).map_err(Error::Io)?;
    let identity = Identity {
        architecture: Architecture::Arm32,
        abi: Abi::M,
        board_id: 1,
        board: name("virt"),
        target: name("large"),
        kernel: KernelName::EMPTY,
        generation: 1,
        parent: Digest::NONE,
        clock_us: 1,
        flags: Flags { left_running: false },
    };
    let mut extents = vec![Extent::EMPTY; extent_table_len(pages, 1) as usize];
    let mut body = Body(file);
    let mut writer = Writer::new(&mut body, identity, &mut extents);
    writer.begin_dataspace(0, pages)?;
    for number in 0..pages {
        writer.pages(&page(number))?;
    }
    let mut table = writer.begin_table()?;
    let (quota_pages, badge, clock_us, generation, clones) = (pages, 0, 1, 1, 0);
    table.put(
        0,
        &Target { name: name("large"), abi: Abi::M, quota_pages, badge, clock_us, generation, clones },
    )?;
    let size_bytes = pages * PAGE_SIZE as u32;
    table.put(0, &Dataspace { size_bytes: size_bytes.into(), content: Content::Ram })?;
    let access = Access { read: true, write: true, execute: false };
    table.put(0, &Region { addr: ADDRESS, size_bytes, dataspace: 0, offset: 0, access })?;
    let state = ThreadState::Live(Activity::User);
    table.put(0, &Thread { state, utcb_addr: 0xb000_0000, ..Thread::HOLE })?;
    let finished = table.finish()?;
    let mut file = body.0.into_inner().expect("flushed");
    file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(&finished.block)).map_err(Error::Io)
}

/// Runs the tool with a limit on its address space.
fn limited(limit_kib: u32, arguments: &[&str]) -> Ran {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {limit_kib}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_thaw")]);
    command.args(arguments).output().expect("a shell").into()
}

#[test]
fn a_large_image_needs_no_more_memory_than_a_small_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let (image, core) = (directory.path().join("image"), directory.path().join("core"));
    write_image(&image, PAGES).expect("written");
    let bytes = std::fs::metadata(&image).expect("there").len();
    assert!(bytes > u64::from(3 * LIMIT_KIB) * 1024, "{bytes} bytes are no large image");
    let runs: [&[&str]; 4] = [
        &["to-core", text(&image), "-o", text(&core)],
        &["verify", text(&image)],
        &["show", "--json", text(&image)],
        &["diff", text(&image), text(&image)],
    ];
    for arguments in runs {
        let ran = limited(LIMIT_KIB, arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
    }
    check_core(&core);
}

/// The control: the limit is one.
#[test]
fn a_limit_below_the_program_itself_stops_it() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -v 1024; exec \"$0\" --help", env!("CARGO_BIN_EXE_thaw")]);
    assert!(!command.output().expect("a shell").status.success());
}

/// Looks at some pages of the core: their place is that of the only segment with all the bytes.
fn check_core(path: &Path) {
    let mut core = File::open(path).expect("written");
    let length = core.metadata().expect("there").len();
    let size = u64::from(PAGES) * PAGE_SIZE as u64;
    // Header and notes before it, one UTCB behind it.
    let start = (length - size) / PAGE_SIZE as u64 * PAGE_SIZE as u64;
    for number in [0, 1, 7, 8, 9, PAGES / 2 + 3, PAGES - 1] {
        let mut found = [0; PAGE_SIZE];
        core.seek(SeekFrom::Start(start + u64::from(number) * PAGE_SIZE as u64)).expect("inside");
        core.read_exact(&mut found).expect("inside");
        assert!(found == page(number), "page {number}");
    }
}
