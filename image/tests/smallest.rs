//! What was written is what is read.

mod common;

use common::{Body, identity, name};
use thaw_image::*;

#[test]
fn smallest_image() {
    let mut table = [Extent::EMPTY; 8];
    let mut body = Body::default();
    let mut writer = Writer::new(&mut body, identity(), &mut table);
    writer.begin_dataspace(0, 5).unwrap();
    let mut pages = vec![0u8; 4 * 4096];
    pages[4096 + 7] = 1;
    pages[2 * 4096] = 2;
    writer.pages(&pages).unwrap();
    writer.zero_pages(1).unwrap();
    let mut records = writer.begin_table().unwrap();
    let target = Target {
        name: name("sheep"),
        abi: Abi::G,
        quota_pages: 512,
        badge: 1,
        clock_us: 5,
        generation: 3,
        clones: 0,
    };
    records.put(0, &target).unwrap();
    records.put(0, &Dataspace { size_bytes: 5 * 4096, content: Content::Ram }).unwrap();
    let finished = records.finish().unwrap();
    let mut image = finished.block.to_vec();
    image.extend_from_slice(&body.0);

    let mut source = &image[..];
    let verified = verify(&mut source, &Expect::ANY, &mut [0; 4096]).unwrap();
    assert_eq!(verified.header(), &finished.header);
    assert_eq!(verified.summary(), &finished.summary);
    let mut extents = Vec::new();
    verified
        .for_each(&mut source, Kind::Extent, |_, record| {
            let thaw_image::Body::Extent(extent) = record.body else { unreachable!() };
            extents.push(extent);
            Ok::<(), Error<OutsideSlice>>(())
        })
        .unwrap();
    assert_eq!(extents.len(), 3);
    let mut memory = vec![0xff; 5 * 4096];
    for extent in &extents {
        let mut buffer = [0; 4096];
        verified
            .copy_extent(&mut source, extent, &mut buffer, |page, bytes| {
                memory[page as usize * 4096..][..bytes.len()].copy_from_slice(bytes);
                Ok::<(), Error<OutsideSlice>>(())
            })
            .unwrap();
    }
    assert_eq!(memory[..4 * 4096], pages);
    assert_eq!(memory[4 * 4096..], [0; 4096]);
}
