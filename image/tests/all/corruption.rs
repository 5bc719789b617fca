//! No damaged image is accepted: every bit, every length.

use crate::common::{sheep, tiny};
use thaw_image::*;

fn check(image: &[u8]) -> Result<Verified, Refusal> {
    match verify(&mut &image[..], &Expect::ANY, &mut [0; 4096]) {
        Ok(verified) => Ok(verified),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(Error::Io(outside)) => panic!("read outside of the image: {outside}"),
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let mut image = tiny().image();
    check(&image).expect("whole");
    assert_eq!(image.len(), 3 * PAGE_SIZE);
    for at in 0..image.len() {
        for bit in 0..8 {
            image[at] ^= 1 << bit;
            let refusal = check(&image).expect_err("damaged");
            assert!((10..40).contains(&refusal.code()), "byte {at} bit {bit}: {refusal}");
            assert!(!refusal.to_string().is_empty());
            image[at] ^= 1 << bit;
        }
    }
    check(&image).expect("whole again");
}

#[test]
fn every_changed_byte_of_a_large_image_is_refused() {
    let mut image = sheep().image();
    for at in 0..image.len() {
        for change in [0xff, 1 << (at % 8)] {
            image[at] ^= change;
            check(&image).expect_err("damaged");
            image[at] ^= change;
        }
    }
    check(&image).expect("whole again");
}

#[test]
fn every_truncation_is_refused() {
    for image in [tiny().image(), sheep().image()] {
        let needed = image.len() as u64;
        for length in 0..image.len() {
            let refusal = check(&image[..length]).expect_err("cut off");
            let available = length as u64;
            match length {
                // Not even a header: what is there cannot say how much is missing.
                0..512 => assert_eq!(refusal, Refusal::Truncated { needed: 4096, available }),
                _ => assert_eq!(refusal, Refusal::Truncated { needed, available }),
            }
        }
    }
}

#[test]
fn every_extension_is_refused() {
    let mut image = tiny().image();
    let end = image.len() as u64;
    for more in [1u64, 511, 4096, 5000] {
        image.resize((end + more) as usize, 0);
        assert_eq!(check(&image), Err(Refusal::Leftover { end, available: end + more }));
    }
}

/// Where a byte stands decides what is reported: the reader of the message looks there.
#[test]
fn damage_is_named_by_its_place() {
    let image = sheep().image();
    let header = crate::common::header_of(&image);
    let flip = |at: usize| {
        let mut damaged = image.clone();
        damaged[at] ^= 0x10;
        check(&damaged).expect_err("damaged")
    };
    let table = header.table_offset as usize;
    assert!(matches!(flip(0), Refusal::NotAnImage { .. }));
    assert!(matches!(flip(8), Refusal::Major { .. }));
    assert!(matches!(flip(10), Refusal::Minor { .. }));
    assert_eq!(flip(40), Refusal::HeaderDamaged);
    assert_eq!(flip(480), Refusal::Padding { offset: 480 });
    assert_eq!(flip(4095), Refusal::Padding { offset: 4095 });
    let damaged = Refusal::ExtentDamaged { dataspace: 0, first_page: 0, page_count: 2 };
    assert_eq!(flip(4096 + 5000), damaged);
    assert_eq!(flip(table), Refusal::TableDamaged);
    let end = table + header.table_length as usize;
    assert_eq!(flip(end), Refusal::Padding { offset: end as u64 });
}
