//! Cores: every register and every byte of memory stands where a debugger looks for it.

use std::collections::BTreeMap;
use std::path::Path;

use object::elf::{FileHeader32, NT_ARM_TLS, NT_ARM_VFP, NT_PRSTATUS};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, elf};
use serde_json::Value;

use crate::common::{done, golden, json, text, thaw};

const ENDIAN: Endianness = Endianness::Little;

/// A core as read back: memory by address with flags, notes by kind in order.
struct Core {
    memory: Vec<(u32, elf::ProgramFlags, Vec<u8>)>,
    notes: BTreeMap<u32, Vec<Vec<u8>>>,
}

impl Core {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).expect("written");
        let header = FileHeader32::<Endianness>::parse(&*bytes).expect("an ELF file");
        assert_eq!((header.e_type(ENDIAN), header.e_machine(ENDIAN)), (elf::ET_CORE, elf::EM_ARM));
        let mut core = Self { memory: vec![], notes: BTreeMap::new() };
        for segment in header.program_headers(ENDIAN, &*bytes).expect("program headers") {
            if let Some(mut notes) = segment.notes(ENDIAN, &*bytes).expect("inside") {
                while let Some(note) = notes.next().expect("well-formed") {
                    core.notes.entry(note.n_type(ENDIAN).0).or_default().push(note.desc().to_vec());
                }
                continue;
            }
            assert_eq!(segment.p_type(ENDIAN), elf::PT_LOAD);
            assert_eq!(segment.p_filesz(ENDIAN), segment.p_memsz(ENDIAN), "all of it is there");
            let data = segment.data(ENDIAN, &*bytes).expect("inside").to_vec();
            core.memory.push((segment.p_vaddr(ENDIAN), segment.p_flags(ENDIAN), data));
        }
        core
    }

    fn at(&self, address: u32, bytes: usize) -> &[u8] {
        let holds = |start: &u32, data: &Vec<u8>| address >= *start && address - start < data.len() as u32;
        let (start, _, data) =
            self.memory.iter().find(|(start, _, data)| holds(start, data)).expect("mapped there");
        &data[(address - start) as usize..][..bytes]
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("inside"))
}

fn hex(value: &Value) -> u64 {
    let digits = value.as_str().and_then(|text| text.strip_prefix("0x")).expect("hexadecimal");
    u64::from_str_radix(digits, 16).expect("hexadecimal")
}

/// Threads of the image that a core has, as `thaw show` tells.
fn threads(image: &str) -> Vec<Value> {
    let shown = json(&["show", image]);
    let all = shown["threads"].as_array().expect("a list").clone();
    all.into_iter().filter(|thread| thread["state"] != "hole").collect()
}

#[test]
fn every_register_of_every_thread() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("core");
    done(&["to-core", "sheep.thaw", "-o", text(&path)]);
    let core = Core::read(&path);
    let threads = threads("sheep.thaw");
    assert_eq!(core.notes[&NT_PRSTATUS.0].len(), threads.len());
    assert_eq!(threads.len(), 13, "14 threads, one of them a hole");
    for (i, thread) in threads.iter().enumerate() {
        let status = &core.notes[&NT_PRSTATUS.0][i];
        assert_eq!(status.len(), 148);
        assert_eq!(u64::from(word(status, 24)), 1000 + thread["index"].as_u64().expect("a number"));
        let registers = thread["r"].as_array().expect("a list");
        let named = ["sp", "lr", "pc", "cpsr"].map(|name| &thread[name]);
        for (n, value) in registers.iter().chain(named).enumerate() {
            assert_eq!(u64::from(word(status, 72 + 4 * n)), hex(value), "thread {i} register {n}");
        }
        let vfp = &core.notes[&NT_ARM_VFP.0][i];
        assert_eq!(vfp.len(), 260);
        for (n, value) in thread["d"].as_array().expect("a list").iter().enumerate() {
            let double = u64::from_le_bytes(vfp[8 * n..8 * n + 8].try_into().expect("inside"));
            assert_eq!(double, hex(value), "thread {i} d{n}");
        }
        assert_eq!(u64::from(word(vfp, 256)), hex(&thread["fpscr"]));
        assert_eq!(u64::from(word(&core.notes[&NT_ARM_TLS.0][i], 0)), hex(&thread["tpidruro"]));
        let utcb = core.at(hex(&thread["utcb_addr"]) as u32, 512);
        for (n, value) in thread["utcb"].as_array().expect("a list").iter().enumerate() {
            assert_eq!(u64::from(word(utcb, 4 * n)), hex(value), "thread {i} utcb word {n}");
        }
    }
}

/// Pages of the sample: stored, stored, zero, zero, stored, zero; a region begins at the third.
#[test]
fn memory_with_its_access() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("core");
    done(&["to-core", "sheep.thaw", "-o", text(&path)]);
    let core = Core::read(&path);
    let access: Vec<(u32, u32)> =
        core.memory[..3].iter().map(|(start, flags, _)| (*start, flags.0)).collect();
    let (read, write) = (elf::PF_R.0, elf::PF_W.0);
    assert_eq!(access, [(0x0101_0000, read | write), (0x0200_0000, read), (0x9fff_e000, read | write)]);
    let mut heap = vec![0; 6 * 4096];
    for (page, byte) in [(0, 0xa5), (1, 0x5a), (4, 0x3c)] {
        heap[page * 4096 + 17..page * 4096 + 170].fill(byte);
    }
    assert!(core.at(0x0101_0000, 4 * 4096) == &heap[2 * 4096..]);
    assert!(core.at(0x0200_0000, 2 * 4096) == &heap[..2 * 4096]);
    assert!(core.at(0x9fff_e000, 2 * 4096) == [0; 2 * 4096]);
}

#[test]
fn a_module_is_there_only_with_its_content() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path
    };
    let (core, module) = (directory.path().join("core"), vec![0x5a; 20_001]);
    // The sample's module has the hash of other bytes; one with the right hash is made here.
    let mut image = golden("sheep.thaw");
    let stated = thaw_image::Digest::of(b"sheep").0;
    let at = image.windows(32).position(|bytes| bytes == stated).expect("the module's record");
    image[at..at + 32].copy_from_slice(&thaw_image::Digest::of(&module).0);
    crate::common::reseal(&mut image);
    let image = file("image", &image);
    let (right, wrong) = (file("right", &module), file("wrong", &[0x5b; 20_001]));
    let run = |rom: &str| thaw(&["to-core", text(&image), "-o", text(&core), "--rom", rom]);
    let with = |path: &Path| format!("sheep.elf={}", text(path));

    let ran = run(&with(&right));
    assert_eq!(ran.code, 0, "{}", ran.err);
    let found = Core::read(&core);
    assert!(found.at(0x0100_0000, 4 * 4096) == &module[..4 * 4096]);
    assert_eq!(found.memory[0].1.0, elf::PF_R.0 | elf::PF_X.0);

    let ran = thaw(&["to-core", text(&image), "-o", text(&core)]);
    assert!(
        ran.out.contains("module sheep.elf is not in the core: give --rom sheep.elf=FILE"),
        "{}",
        ran.out
    );
    assert_eq!(Core::read(&core).memory[0].0, 0x0101_0000, "no zeros in its place");

    let before = std::fs::read(&core).expect("there");
    for (rom, code) in [
        (with(&wrong), 6),
        (with(&file("short", &module[1..])), 6),
        (format!("other={}", text(&right)), 7),
        ("sheep.elf=/no/such/file".into(), 3),
        ("sheep.elf".into(), 2),
    ] {
        let ran = run(&rom);
        assert_eq!(ran.code, code, "{rom}: {}", ran.err);
    }
    assert!(std::fs::read(&core).expect("there") == before, "a refusal leaves the old core");
}

#[test]
fn protection_domains_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let core = directory.path().join("core");
    let run = |pd: &str| thaw(&["to-core", "sheep.thaw", "-o", text(&core), "--pd", pd]).code;
    assert_eq!((run("sheep"), run("goat")), (0, 8));
}

#[test]
fn the_script_names_the_threads_as_gdb_counts_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let (core, script) = (directory.path().join("core"), directory.path().join("script"));
    done(&["to-core", "sheep.thaw", "-o", text(&core), "--script", text(&script)]);
    let script = std::fs::read_to_string(script).expect("written");
    assert!(script.contains("thread 1\nthread name sheep\n"), "{script}");
    // Thread 8 of the image is a hole.
    assert!(script.contains("thread 9\nthread name unborn\n# thread 9 is thread 9 of the image"), "{script}");
}
