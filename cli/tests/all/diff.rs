//! Comparisons: equal states are equal however they are stored, each kind of difference is named.

use std::path::PathBuf;

use serde_json::Value;

use crate::common::{golden, reseal, text, thaw, word};

/// Files of a test.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    /// An image edited at offsets and sealed again.
    fn sealed(&self, name: &str, edits: &[(usize, &[u8])]) -> PathBuf {
        let mut image = golden("sheep.thaw");
        for (at, bytes) in edits {
            image[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        seal_pages(&mut image);
        reseal(&mut image);
        let path = self.0.path().join(name);
        std::fs::write(&path, image).expect("written");
        path
    }
}

/// Makes the hashes of the stored extents right again.
fn seal_pages(image: &mut [u8]) {
    for at in records(image, 12) {
        let number = |i: usize| word(image, at + 16 + i) as usize;
        let (offset, length) = (number(16), number(24) & 0xffff_ffff);
        if offset != 0 {
            let digest = thaw_image::Digest::of(&image[offset..offset + length]);
            image[at + 48..at + 80].copy_from_slice(&digest.0);
        }
    }
}

/// Offsets of the records of a kind.
fn records(image: &[u8], wanted: u16) -> Vec<usize> {
    let (mut at, mut found) = (word(image, 184) as usize, vec![]);
    let end = at + word(image, 192) as usize;
    while at < end {
        if u16::from_le_bytes([image[at], image[at + 1]]) == wanted {
            found.push(at);
        }
        at += 16 + u32::from_le_bytes(image[at + 4..at + 8].try_into().expect("inside")) as usize;
    }
    found
}

/// Payload of the thread with that index.
fn thread(index: usize) -> usize {
    records(&golden("sheep.thaw"), 5)[index] + 16
}

/// Lines of a comparison with the golden image, without the verdict, and its exit code.
fn compared(path: &std::path::Path, arguments: &[&str]) -> (i32, Vec<String>) {
    let ran = thaw(&[&["diff", "sheep.thaw", text(path)], arguments].concat());
    assert_eq!(ran.err, "");
    let mut lines: Vec<String> = ran.out.lines().map(String::from).collect();
    let verdict = lines.pop().expect("a verdict");
    assert_eq!(verdict.contains("are equal"), ran.code == 0, "{verdict}");
    (ran.code, lines)
}

/// Offsets in a thread's payload.
const R0: usize = 68;
const R4: usize = R0 + 16;
const LR: usize = R0 + 56;
const D8: usize = R0 + 72 + 8 * 8;
const UTCB: usize = R0 + 72 + 256 + 4;
const REMAINING: usize = 968 - 8;

#[test]
fn an_image_equals_itself_and_the_same_on_a_disk() {
    let ran = thaw(&["diff", "sheep.thaw", "sheep.thaw"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "sheep.thaw and sheep.thaw are equal\n"));
    assert_eq!(thaw(&["diff", "sheep.thaw", "disk.img"]).code, 0);
}

#[test]
fn another_checkpoint_of_the_same_state_is_equal() {
    let files = Files::new();
    let target = records(&golden("sheep.thaw"), 1)[0] + 16;
    let header: [(usize, &[u8]); 4] = [(160, &[9]), (168, &[9]), (208, &[7; 32]), (24, &[0])];
    let clocks: [(usize, &[u8]); 3] = [(target + 44, &[5]), (target + 48, &[1]), (target + 56, &[9])];
    assert_eq!(compared(&files.sealed("b", &[&header[..], &clocks].concat()), &[]), (0, vec![]));
}

#[test]
fn registers_words_and_bytes_are_named() {
    let files = Files::new();
    let memory = thread(1);
    let edits: [(usize, &[u8]); 4] =
        [(memory + R4, &[0; 4]), (memory + D8, &[0; 8]), (memory + UTCB + 4, &[0; 4]), (4096 + 20, &[1, 2])];
    let (code, lines) = compared(&files.sealed("b", &edits), &["--continued"]);
    assert_eq!(code, 1);
    assert_eq!(
        lines,
        [
            "thread 1 memory d8: 0x0100311101003011 became 0x0000000000000000",
            "thread 1 memory r4: 0x01000411 became 0x00000000",
            "thread 1 memory utcb[1]: 0x01006111 became 0x00000000",
            "dataspace 0 page 0 at 0x02000000, 2 bytes, first at 0x02000014: 0xa5a5a5a5 became 0xa5a50201",
        ]
    );
}

#[test]
fn a_continuation_may_change_outputs_clobbers_and_time_only() {
    let files = Files::new();
    let sleeper = thread(0);
    let shorter = 311_999u64.to_le_bytes();
    let edits: [(usize, &[u8]); 5] = [
        (sleeper + R0, &[9]),
        (sleeper + R4, &[9]),
        (sleeper + LR, &[9]),
        (sleeper + UTCB + 4 * 123, &[9]),
        (sleeper + REMAINING, &shorter),
    ];
    let path = files.sealed("b", &edits);
    let (code, lines) = compared(&path, &["--continued"]);
    assert_eq!((code, lines.len()), (0, 5), "{lines:?}");
    assert!(lines.iter().all(|line| line.ends_with("(a continuation may)")), "{lines:?}");
    assert_eq!(compared(&path, &[]).0, 1, "without the option they differ");

    for (what, at, bytes) in [
        ("r5 of a sleeper", sleeper + R4 + 4, &[9u8; 1][..]),
        ("time that grew", sleeper + REMAINING, &10_000_000u64.to_le_bytes()),
        ("r0 of a thread in user code", thread(1) + R0, &[9]),
        ("utcb word of a sleeper", sleeper + UTCB + 4 * 122, &[9]),
    ] {
        assert_eq!(compared(&files.sealed("c", &[(at, bytes)]), &["--continued"]).0, 1, "{what}");
    }
}

#[test]
fn a_wait_whose_time_is_over_is_behind_its_system_call() {
    let files = Files::new();
    let (sleeper, image) = (thread(0), golden("sheep.thaw"));
    let activity = [&1u32.to_le_bytes()[..], &[0; 52]].concat();
    let word = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().expect("inside"));
    let pc = (word(sleeper + LR + 4) + 4).to_le_bytes();
    let r0 = (word(sleeper + R0) | 0x8000).to_le_bytes();
    let over: [(usize, &[u8]); 4] = [
        (sleeper + 968 - 56, &activity),
        (sleeper + LR + 4, &pc),
        (sleeper + R0, &r0),
        (sleeper + UTCB + 4 * 123, &3u32.to_le_bytes()),
    ];
    let (code, lines) = compared(&files.sealed("b", &over), &["--continued"]);
    assert_eq!(code, 0, "{lines:?}");
    for left_out in 1..over.len() {
        let mut some = over.to_vec();
        some.remove(left_out);
        assert_eq!(compared(&files.sealed("c", &some), &["--continued"]).0, 1, "without {left_out}");
    }
    let more = [&over[..], &[(sleeper + R4 + 4, &[9][..])]].concat();
    assert_eq!(compared(&files.sealed("d", &more), &["--continued"]).0, 1, "and nothing else changes");
}

#[test]
fn what_a_thread_was_doing_is_told_in_words() {
    let files = Files::new();
    let sleeper = thread(0);
    // User code has no operands.
    let activity = [&1u32.to_le_bytes()[..], &[0; 52]].concat();
    let (code, lines) = compared(&files.sealed("b", &[(sleeper + 968 - 56, &activity)]), &["--continued"]);
    assert_eq!(code, 1);
    assert_eq!(lines, ["thread 0 sheep was: asleep, at most 312 ms left became in user code at 0x1000000"]);
}

#[test]
fn slots_and_objects_are_named() {
    let files = Files::new();
    let image = golden("sheep.thaw");
    let (slot, irq) = (records(&image, 11)[4], records(&image, 9)[1] + 16);
    let moved: [(usize, &[u8]); 2] = [(slot + 12, &[0x10, 2]), (irq + 8, &[3])];
    // Slots ascend: the fifth may only move up to below the sixth, so take the last instead.
    let last = *records(&image, 11).last().expect("slots");
    let moved = [(last + 12, moved[0].1), moved[1]];
    let (code, lines) = compared(&files.sealed("b", &moved), &[]);
    assert_eq!(code, 1);
    assert_eq!(
        lines,
        ["irq 1 pending: 2 became 3", "slot 0x205: there became nothing", "slot 0x210: nothing became there",]
    );
    let rights = files.sealed("c", &[(slot + 16 + 12, &[4])]);
    assert_eq!(compared(&rights, &[]).1, ["slot 0x201 rights: RWS- became R---"]);
}

#[test]
fn the_text_stays_short() {
    let files = Files::new();
    let path = files.sealed("b", &[(thread(1) + UTCB, &[0x77; 4 * 40])]);
    let (code, lines) = compared(&path, &[]);
    assert_eq!((code, lines.len()), (1, 5), "{lines:?}");
    assert_eq!(lines[4], "thread 1 memory: 36 more words of the utcb, --json lists them");
    let ran = thaw(&["diff", "--json", "sheep.thaw", text(&path)]);
    let value: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(value["differences"].as_array().map(Vec::len), Some(40));
}

#[test]
fn json_has_the_same() {
    let files = Files::new();
    let path = files.sealed("b", &[(thread(1) + R4, &[0; 4])]);
    let ran = thaw(&["diff", "--json", "sheep.thaw", text(&path)]);
    assert_eq!(ran.code, 1);
    let value: Value = serde_json::from_str(&ran.out).expect("JSON");
    assert_eq!(value["equal"], false);
    let found = &value["differences"][0];
    assert_eq!(found["object"], "thread 1 memory");
    assert_eq!(
        (&found["field"], &found["a"], &found["b"]),
        (&"r4".into(), &"0x01000411".into(), &"0x00000000".into())
    );
    assert_eq!(found["class"], "state");
}

#[test]
fn what_cannot_be_compared_is_refused_by_its_reason() {
    let files = Files::new();
    let mut image = golden("sheep.thaw");
    image[4096 + 17] ^= 1;
    let path = files.0.path().join("damaged");
    std::fs::write(&path, image).expect("written");
    for arguments in [["diff", "sheep.thaw", text(&path)], ["diff", text(&path), "sheep.thaw"]] {
        let ran = thaw(&arguments);
        assert_eq!((ran.code, ran.out.as_str()), (20, ""));
        assert!(ran.err.contains("damaged: memory is damaged"), "{}", ran.err);
    }
    assert_eq!(thaw(&["diff", "sheep.thaw", "no-such-file"]).code, 3);
}
