//! Bytes made to confuse the reader: it refuses or accepts, it never panics, and what it accepts is
//! exactly what a writer would have written.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use crate::common::{self, Disk, header_of, reseal, seal, seal_labels, sheep, tiny};
use thaw_image::store::Store;
use thaw_image::*;

fn judge(image: &[u8]) -> Result<(), TestCaseError> {
    common::judge(image).map_err(TestCaseError::fail)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1024,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_bytes(bytes in vec(any::<u8>(), 0..1200)) {
        judge(&bytes)?;
        let _ = Header::parse(&bytes);
    }

    /// Random bytes behind a magic and version that lead on.
    #[test]
    fn random_headers(mut bytes in vec(any::<u8>(), 448..480), length in 4096usize..9000, seal: bool) {
        bytes.resize(length, 0);
        bytes[..12].copy_from_slice(&sheep().image()[..12]);
        if seal {
            let digest = Digest::of(&bytes[..448]);
            bytes[448..480].copy_from_slice(&digest.0);
        }
        judge(&bytes)?;
    }

    /// A writer gone wrong in the table: all hashes are right, some bytes are not.
    #[test]
    fn sealed_edits_of_the_table(edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let mut image = sheep().image();
        let header = header_of(&image);
        for (at, byte) in edits {
            image[header.table_offset as usize + at.index(header.table_length as usize)] = byte;
        }
        reseal(&mut image);
        judge(&image)?;
    }

    /// The same with small numbers, which pass for kinds, counts and indices.
    #[test]
    fn sealed_words_of_the_table(at in any::<prop::sample::Index>(), word in 0u32..20) {
        let mut image = sheep().image();
        let header = header_of(&image);
        let at = header.table_offset as usize + 4 * at.index(header.table_length as usize / 4);
        image[at..at + 4].copy_from_slice(&word.to_le_bytes());
        reseal(&mut image);
        judge(&image)?;
    }

    #[test]
    fn sealed_edits_of_the_header(at in 0usize..448, byte: u8, high in any::<bool>()) {
        let mut image = sheep().image();
        image[at] = if high { byte } else { byte & 3 };
        let digest = Digest::of(&image[..448]);
        image[448..480].copy_from_slice(&digest.0);
        // A header may state other names or clocks and be right; its fields come back as stated.
        if let Ok(verified) = verify(&mut &image[..], &Expect::ANY, &mut [0; 4096]) {
            prop_assert_eq!(&verified.header().to_block()[..], &image[..4096]);
        }
    }

    #[test]
    fn random_disks(a in vec(any::<u8>(), 0..600), b in vec(any::<u8>(), 0..600), magic_a: bool, magic_b: bool) {
        let mut bytes = vec![0; 64 * 512];
        bytes[..a.len()].copy_from_slice(&a);
        bytes[4096..4096 + b.len()].copy_from_slice(&b);
        for (is_set, at) in [(magic_a, 0), (magic_b, 4096)] {
            if is_set {
                bytes[at..at + 8].copy_from_slice(&thaw_image::store::DISK_MAGIC);
            }
        }
        let opened = Store::open(Disk::of(bytes)).map(|store| store.label().is_ok());
        prop_assert!(opened != Ok(true), "no label has the right hash by chance");
    }

    /// Any edits anywhere, all hashes right: what only a writer gone wrong could make.
    #[test]
    fn sealed_edits_of_the_whole(edits in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), small: bool) {
        let mut image = if small { tiny() } else { sheep() }.image();
        for (at, byte) in edits {
            let at = at.index(image.len());
            image[at] = byte;
        }
        seal(&mut image);
        judge(&image)?;
    }

    /// A cut or lengthened image whose header knows about it.
    #[test]
    fn sealed_lengths(pages in 1usize..12, table in 0u64..12_000, count in 0u32..64) {
        let mut image = sheep().image();
        image.resize(pages * PAGE_SIZE, 0);
        image[176..184].copy_from_slice(&((pages * PAGE_SIZE) as u64).to_le_bytes());
        image[192..200].copy_from_slice(&table.to_le_bytes());
        image[200..204].copy_from_slice(&count.to_le_bytes());
        seal(&mut image);
        judge(&image)?;
    }

    /// Disks whose labels have right hashes whatever they say.
    #[test]
    fn sealed_edits_of_labels(edits in vec((0usize..8192, any::<u8>()), 1..6)) {
        let mut disk = crate::golden::disk(&tiny(), &sheep());
        for (at, byte) in edits {
            // Most of a label is zeros that may not change; its fields stand in front.
            let at = if at % 4 == 0 { at } else { at / 4096 * 4096 + at % 1024 };
            disk[at] = byte;
        }
        seal_labels(&mut disk);
        common::judge_disk(disk).map_err(TestCaseError::fail)?;
    }
}
