//! The corruption table: each kind of damage is refused with the code of its reason, in one line that names
//! the file, the reason and a remedy. Every byte and every bit are the image crate's own tests.

use crate::common::{Ran, golden, reseal, text, thaw, word};

/// Header fields of docs/image-format.md that only the header hash covers: name, offset.
const HASHED_FIELDS: [(&str, usize); 18] = [
    ("header_length", 12),
    ("architecture", 16),
    ("abi", 18),
    ("page_shift", 20),
    ("flags", 24),
    ("board_id", 28),
    ("board", 32),
    ("target", 64),
    ("kernel", 96),
    ("generation", 160),
    ("clock_us", 168),
    ("total_length", 176),
    ("table_offset", 184),
    ("table_length", 192),
    ("record_count", 200),
    ("parent", 208),
    ("table_hash", 240),
    ("reserved", 272),
];

/// Writes `bytes` to a file and verifies it with further `arguments`.
fn verify(bytes: &[u8], arguments: &[&str]) -> Ran {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("damaged");
    std::fs::write(&path, bytes).expect("written");
    let ran = thaw(&[&["verify", text(&path)], arguments].concat());
    assert_eq!(ran.out, "", "nothing is said of what is refused");
    ran
}

/// Asserts that `bytes` are refused with `code` in one line with object, reason and remedy.
fn refused(what: &str, bytes: &[u8], code: i32) {
    refused_with(what, bytes, &[], code);
}

fn refused_with(what: &str, bytes: &[u8], arguments: &[&str], code: i32) {
    let ran = verify(bytes, arguments);
    assert_eq!(ran.code, code, "{what}: {}", ran.err);
    let line = ran.err.strip_suffix('\n').unwrap_or_else(|| panic!("{what}: no line"));
    assert!(!line.contains('\n'), "{what}: more than a line: {line}");
    assert!(line.starts_with("thaw: ") && line.contains("damaged: "), "{what}: names no file: {line}");
    assert!(line.contains(';'), "{what}: names no remedy: {line}");
}

fn flipped(image: &[u8], at: usize) -> Vec<u8> {
    let mut image = image.to_vec();
    image[at] ^= 0x10;
    image
}

fn with(image: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = image.to_vec();
    image[at..at + bytes.len()].copy_from_slice(bytes);
    image
}

fn sealed(image: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = with(image, at, bytes);
    reseal(&mut image);
    image
}

/// Offsets in the image of all records, and of the end of the table.
fn boundaries(image: &[u8]) -> Vec<usize> {
    let (start, length) = (word(image, 184) as usize, word(image, 192) as usize);
    let mut all = vec![start];
    while let Some(&at) = all.last().filter(|&&at| at < start + length) {
        let payload = u32::from_le_bytes(image[at + 4..at + 8].try_into().expect("inside")) as usize;
        all.push(at + 16 + payload);
    }
    all
}

#[test]
fn the_undamaged_images_are_accepted() {
    for name in ["tiny.thaw", "sheep.thaw", "disk.img"] {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("copy");
        std::fs::write(&path, golden(name)).expect("written");
        assert_eq!(thaw(&["verify", text(&path)]).code, 0, "{name}");
    }
    let mut again = golden("sheep.thaw");
    reseal(&mut again);
    assert!(again == golden("sheep.thaw"), "sealing alone changes nothing");
}

#[test]
fn cut_at_every_record_and_every_page() {
    let image = golden("sheep.thaw");
    let pages = (0..image.len()).step_by(4096);
    let cuts: Vec<usize> = boundaries(&image).into_iter().chain(pages).collect();
    assert!(cuts.len() > 40, "{} places", cuts.len());
    for cut in cuts {
        refused(&format!("cut at {cut}"), &image[..cut], 17);
        refused(&format!("cut behind {cut}"), &image[..cut + 1], 17);
    }
}

/// A writer that stopped early: the hashes hold, records are missing.
#[test]
fn a_table_that_ends_at_every_record() {
    let image = golden("sheep.thaw");
    let all = boundaries(&image);
    let start = all[0];
    for (count, &end) in all[..all.len() - 1].iter().enumerate() {
        let mut short = image[..end].to_vec();
        short.resize(end.next_multiple_of(4096), 0);
        short[176..184].copy_from_slice(&((end.next_multiple_of(4096)) as u64).to_le_bytes());
        short[192..200].copy_from_slice(&((end - start) as u64).to_le_bytes());
        short[200..204].copy_from_slice(&(count as u32).to_le_bytes());
        reseal(&mut short);
        let ran = verify(&short, &[]);
        let known = [16, 25, 26, 28];
        assert!(known.contains(&ran.code), "{count} records: code {}: {}", ran.code, ran.err);
    }
}

#[test]
fn a_flip_in_every_class_of_bytes() {
    let image = golden("sheep.thaw");
    let (start, length) = (word(&image, 184) as usize, word(&image, 192) as usize);
    refused("magic", &flipped(&image, 0), 10);
    refused("major", &flipped(&image, 8), 11);
    refused("minor", &flipped(&image, 10), 11);
    for (field, at) in HASHED_FIELDS {
        refused(field, &flipped(&image, at), 16);
    }
    refused("header hash", &flipped(&image, 448), 16);
    refused("keyed hash", &flipped(&image, 480), 21);
    refused("padding of the header", &flipped(&image, 4000), 21);
    refused("page", &flipped(&image, 4096 + 17), 20);
    for at in boundaries(&image).into_iter().filter(|&at| at < start + length) {
        refused("record header", &flipped(&image, at), 19);
        refused("record payload", &flipped(&image, at + 16), 19);
    }
    refused("padding of the table", &flipped(&image, start + length), 21);
}

#[test]
fn other_versions_and_places_with_right_hashes() {
    let image = golden("sheep.thaw");
    refused("text", b"this is a text and no image of anything at all", 10);
    refused("nothing", b"", 17);
    refused("another file", &vec![0x7f; 8192], 10);
    refused("magic", &sealed(&image, 0, b"THAWIMG2"), 10);
    refused("newer major", &sealed(&image, 8, &[2, 0]), 11);
    refused("newer minor", &sealed(&image, 10, &[5, 0]), 11);
    refused("architecture", &sealed(&image, 16, &[2, 0]), 12);
    refused("unknown ABI", &sealed(&image, 18, &[3, 0]), 13);
    refused_with("other ABI", &image, &["--abi", "m"], 13);
    refused_with("other board", &image, &["--board", "pbxa9"], 14);
    refused_with("other generation", &image, &["--generation", "4"], 35);
    refused_with("no parent", &image, &["--parent", "tiny.thaw"], 15);
    refused_with("other parent", &sealed(&image, 208, &[7; 32]), &["--parent", "tiny.thaw"], 15);
    let child = sealed(&image, 208, &golden("tiny.thaw")[448..480]);
    let right = ["--parent", "tiny.thaw", "--generation", "3", "--abi", "g", "--board", "virt"];
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("child");
    std::fs::write(&path, child).expect("written");
    let ran = thaw(&[&["verify", text(&path)], &right[..]].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn records_of_a_wrong_writer() {
    let image = golden("sheep.thaw");
    let all = boundaries(&image);
    let kind = |at: usize| u16::from_le_bytes([image[at], image[at + 1]]);
    let first = |wanted: u16| *all.iter().find(|&&at| kind(at) == wanted).expect("every kind is there");
    for wanted in [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12] {
        let at = first(wanted);
        refused("unknown kind", &sealed(&image, at, &[99]), 22);
        refused("kind of another length", &sealed(&image, at, &[10]), 23);
        refused("newer record", &sealed(&image, at + 2, &[2]), 22);
        refused("longer record", &sealed(&image, at + 4, &[9]), 23);
        refused("owner", &sealed(&image, at + 8, &[7]), 26);
    }
    // Two gates with one index, two slots with one index; then one that skips an index.
    let second_gate = first(8) + 24;
    refused("duplicate gate", &sealed(&image, second_gate + 12, &[0]), 24);
    refused("skipped gate", &sealed(&image, second_gate + 12, &[2]), 25);
    let second_slot = first(11) + 32;
    refused("duplicate slot", &sealed(&image, second_slot + 12, &[0x10]), 24);
    refused("more records than stated", &sealed(&image, 200, &[1]), 23);
    refused("fewer records than stated", &sealed(&image, 200, &[0xff]), 23);
    refused("page encoding", &sealed(&image, first(12) + 16 + 12, &[3]), 29);
    refused("page order", &sealed(&image, first(12) + 16 + 4, &[1]), 28);
    refused("page limit", &sealed(&image, first(3) + 16, &[0xff; 6]), 27);
}

#[test]
fn bytes_behind_the_end() {
    for more in [1, 512, 4096] {
        let mut image = golden("tiny.thaw");
        image.resize(image.len() + more, 0);
        refused("leftover", &image, 18);
    }
}

/// Label A at 0, label B at 4096; the newer image is in area B.
#[test]
fn disks() {
    let disk = golden("disk.img");
    refused("empty disk", &vec![0; disk.len()], 30);
    refused("both labels", &flipped(&flipped(&disk, 100), 4096 + 100), 31);
    refused("too small", &vec![0; 8192], 32);
    refused("cut disk", &disk[..disk.len() / 2], 32);
    refused("newer layout", &relabelled(&disk, 4096 + 8, &[2, 0]), 34);
    let area = 8192 + word(&disk, 4096 + 24) as usize * 512;
    refused("newest image", &flipped(&disk, area + 100), 20);
    // A torn newer label leaves the older image.
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("disk");
    std::fs::write(&path, flipped(&disk, 4096 + 100)).expect("written");
    let ran = thaw(&["verify", text(&path)]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("1 threads"), "the older image has one thread: {}", ran.out);
}

/// Edits a label and makes its hash right again.
fn relabelled(disk: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut disk = with(disk, at, bytes);
    let label = at / 4096 * 4096;
    let hashed = [&disk[label..label + 480], &disk[label + 512..label + 4096]].concat();
    disk[label + 480..label + 512].copy_from_slice(&thaw_image::Digest::of(&hashed).0);
    disk
}

#[test]
fn files_that_are_none() {
    for verb in ["show", "verify"] {
        let ran = thaw(&[verb, "no-such-file"]);
        assert_eq!(ran.code, 3, "{}", ran.err);
        assert!(ran.err.contains("no-such-file: cannot be read"), "{}", ran.err);
    }
    assert_eq!(thaw(&["verify", "."]).code, 3, "a directory");
    assert_eq!(thaw(&["extract", "tiny.thaw", "/nowhere"]).code, 5);
    assert_eq!(thaw(&["extract", "disk.img", "/no/such/directory/out"]).code, 4);
    assert_eq!(thaw(&["verify"]).code, 2);
    assert_eq!(thaw(&["verify", "tiny.thaw", "--abi", "x"]).code, 2);
}

/// A checkpoint is never lost to a slip of the hand.
#[test]
fn no_verb_replaces_its_input() {
    let directory = tempfile::tempdir().expect("a directory");
    let (disk, image) = (directory.path().join("disk"), directory.path().join("image"));
    std::fs::write(&disk, golden("disk.img")).expect("written");
    std::fs::write(&image, golden("sheep.thaw")).expect("written");
    let other_name = directory.path().join(".").join("image");
    let (core, image_text) = (directory.path().join("core"), text(&image));
    let slips: [&[&str]; 4] = [
        &["extract", text(&disk), text(&disk)],
        &["to-core", image_text, "-o", image_text],
        &["to-core", image_text, "-o", text(&other_name)],
        &["to-core", image_text, "-o", text(&core), "--script", image_text],
    ];
    for arguments in slips {
        let ran = thaw(arguments);
        assert_eq!(ran.code, 4, "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains("is an input and would be replaced"), "{}", ran.err);
    }
    assert!(std::fs::read(&disk).expect("there") == golden("disk.img"));
    assert!(std::fs::read(&image).expect("there") == golden("sheep.thaw"));
    assert!(!core.exists());
}

/// What refuses an image refuses it in every verb.
#[test]
fn every_verb_verifies_first() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("damaged");
    std::fs::write(&path, flipped(&golden("sheep.thaw"), 4096 + 17)).expect("written");
    let out = directory.path().join("out");
    let damaged = text(&path);
    let verbs: [&[&str]; 4] = [
        &["show", damaged],
        &["to-core", damaged, "-o", text(&out)],
        &["verify", "sheep.thaw", "--parent", damaged],
        &["show", damaged, "--json"],
    ];
    for arguments in verbs {
        let ran = thaw(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (20, ""), "{arguments:?}: {}", ran.err);
    }
    assert!(!out.exists(), "a core of a damaged image was left");
}
