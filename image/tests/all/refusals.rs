//! Each refusal is reached: a reader's by an image that only a wrong writer could make (its hashes
//! are right), a writer's by a wrong model.

use crate::common::{Body, Model, genode, header_of, name, reseal, sheep, tiny};
use thaw_image::*;

fn check(image: &[u8], expect: &Expect) -> Result<(), Refusal> {
    match verify(&mut &image[..], expect, &mut [0; 4096]) {
        Ok(_) => Ok(()),
        Err(Error::Refused(refusal)) => Err(refusal),
        Err(Error::Io(outside)) => panic!("read outside of the image: {outside}"),
    }
}

/// Checks the tiny image with `bytes` put at `at` and all hashes right.
fn edited(at: usize, bytes: &[u8]) -> Refusal {
    let mut image = tiny().image();
    image[at..at + bytes.len()].copy_from_slice(bytes);
    reseal(&mut image);
    check(&image, &Expect::ANY).expect_err("the edit is refused")
}

/// Offset in the image of the first record of `kind` in the tiny image.
fn record_at(kind: Kind) -> usize {
    let image = tiny().image();
    let mut at = header_of(&image).table_offset as usize;
    loop {
        let half = |at: usize| u16::from_le_bytes([image[at], image[at + 1]]);
        if half(at) == kind.number() {
            return at;
        }
        at += 16 + u32::from_le_bytes(image[at + 4..at + 8].try_into().expect("four bytes")) as usize;
    }
}

#[test]
fn headers_of_other_versions_and_places() {
    assert!(matches!(edited(0, b"NOTHING!"), Refusal::NotAnImage { found } if &found == b"NOTHING!"));
    assert_eq!(edited(8, &[2, 0]), Refusal::Major { found: 2 });
    assert_eq!(edited(10, &[5, 0]), Refusal::Minor { found: 5 });
    assert_eq!(edited(10, &[1, 0]), Refusal::HeaderField { field: "minor", value: 1 });
    assert_eq!(edited(12, &[0, 4]), Refusal::HeaderField { field: "header_length", value: 0x400 });
    assert_eq!(edited(16, &[2, 0]), Refusal::Architecture { found: 2 });
    assert_eq!(edited(18, &[9, 0]), Refusal::Abi { found: 9, here: 0 });
    assert_eq!(edited(20, &[13]), Refusal::HeaderField { field: "page_shift", value: 13 });
    assert_eq!(edited(24, &[4]), Refusal::HeaderField { field: "flags", value: 4 });
    assert_eq!(edited(50, b"x"), Refusal::NameByte { byte: b'x', position: 18 });
    assert_eq!(edited(204, &[7]), Refusal::HeaderField { field: "reserved", value: 7 });
    assert_eq!(edited(300, &[7]), Refusal::HeaderField { field: "reserved", value: 7 });
    assert_eq!(edited(176, &[1]), Refusal::HeaderField { field: "total_length", value: 0x3001 });
    assert_eq!(edited(184, &[1]), Refusal::HeaderField { field: "table_offset", value: 0x2001 });
    assert_eq!(edited(192, &[0; 8]), Refusal::HeaderField { field: "table_length", value: 0 });
    assert_eq!(edited(480, &[1]), Refusal::Padding { offset: 480 });
}

#[test]
fn expectations() {
    let image = tiny().image();
    let expect = |expect| check(&image, &expect);
    let any = Expect::ANY;
    let here = name("realview");
    assert_eq!(expect(Expect { abi: Some(Abi::M), ..any }), Err(Refusal::Abi { found: 1, here: 2 }));
    assert_eq!(expect(Expect { abi: Some(Abi::G), ..any }), Ok(()));
    let found = name("virt");
    assert_eq!(expect(Expect { board: Some((2, here)), ..any }), Err(Refusal::Board { found, here }));
    assert_eq!(expect(Expect { board: Some((1, found)), ..any }), Ok(()));
    let given = Digest::of(b"parent");
    let refused = Refusal::Parent { found: Digest::NONE, given };
    assert_eq!(expect(Expect { parent: Some(given), ..any }), Err(refused));
    let refused = Refusal::Generation { found: 3, wanted: 4 };
    assert_eq!(expect(Expect { generation: Some(4), ..any }), Err(refused));
    assert_eq!(expect(Expect { generation: Some(3), ..any }), Ok(()));
    assert_eq!(expect(Expect { architecture: Some(Architecture::Arm32), ..any }), Ok(()));
}

#[test]
fn records_of_other_versions_and_shapes() {
    let target = record_at(Kind::Target);
    let gate = record_at(Kind::Gate);
    let at = |offset: usize| (offset - record_at(Kind::Target)) as u64;
    assert_eq!(edited(gate, &[99]), Refusal::UnknownKind { kind: 99, offset: at(gate) });
    let (kind, index) = (Kind::Gate, 0);
    assert_eq!(edited(gate + 2, &[2]), Refusal::RecordVersion { kind, index, found: 2 });
    assert_eq!(edited(gate + 4, &[9]), Refusal::RecordLength { kind, index, found: 9, expected: 8 });
    assert_eq!(edited(200, &[3]), Refusal::RecordCount { found: 3, expected: 3 });
    assert_eq!(edited(200, &[99]), Refusal::RecordCount { found: 8, expected: 99 });
    let to = Kind::Target;
    assert_eq!(edited(gate + 8, &[1]), Refusal::Reference { kind, index, to, target: 1 });
    assert_eq!(edited(gate + 12, &[1]), Refusal::Order { kind, index: 1 });
    assert_eq!(edited(gate, &[1, 0]), Refusal::RecordLength { kind: to, index, found: 8, expected: 64 });
    let abi = Refusal::Field { kind: to, index, field: "abi", value: 3 };
    assert_eq!(edited(target + 16 + 32, &[3]), abi);
    let rule = "abi-equal";
    assert_eq!(edited(target + 16 + 32, &[2]), Refusal::Contradiction { kind: to, index, rule });
}

#[test]
fn fields_of_records() {
    let thread = record_at(Kind::Thread) + 16;
    let activity = thread + 968 - 56;
    let field = |kind, index, field, value| Refusal::Field { kind, index, field, value };
    assert_eq!(edited(thread, &[9]), field(Kind::Thread, 0, "state", 9));
    assert_eq!(edited(thread + 52, &[9]), field(Kind::Thread, 0, "pager", 9));
    assert_eq!(edited(activity, &[99]), field(Kind::Thread, 0, "activity", 99));
    let contradiction = |kind, rule| Refusal::Contradiction { kind, index: 0, rule };
    assert_eq!(edited(thread, &[3]), contradiction(Kind::Thread, "live-activity"));
    let offset = 968 - 56 + 16;
    let unused = Refusal::ReservedBytes { kind: Kind::Thread, index: 0, offset };
    assert_eq!(edited(activity + 16, &[1]), unused, "a sleeper has no badge");
    let slot = record_at(Kind::Slot) + 16;
    assert_eq!(edited(slot, &[99]), field(Kind::Slot, 0x200, "kind", 99));
    assert_eq!(edited(slot + 12, &[0x40]), field(Kind::Slot, 0x200, "rights", 0x40));
    let dataspace = record_at(Kind::Dataspace) + 16;
    assert_eq!(edited(dataspace + 8, &[4]), field(Kind::Dataspace, 0, "kind", 4));
    let region = record_at(Kind::Region) + 16;
    assert_eq!(edited(region + 12, &[8]), field(Kind::Region, 0, "access", 8));
    let extent = record_at(Kind::Extent) + 16;
    for reserved in [3, 4, 5] {
        assert_eq!(edited(extent + 12, &[reserved]), Refusal::Encoding { index: 0, found: reserved.into() });
    }
}

#[test]
fn extents_out_of_place() {
    let extent = record_at(Kind::Extent) + 16;
    let place = |index, dataspace, first_page, expected_page| Refusal::ExtentPlace {
        index,
        dataspace,
        first_page,
        expected_page,
    };
    assert_eq!(edited(extent + 4, &[1]), place(0, 0, 1, 0), "a hole before the first page");
    assert_eq!(edited(extent + 16, &[0, 0x20]), place(0, 0, 0, 0), "not where the bytes before end");
    let (kind, to) = (Kind::Extent, Kind::Dataspace);
    assert_eq!(edited(extent, &[7]), Refusal::Reference { kind, index: 0, to, target: 7 });
    let dataspace = record_at(Kind::Dataspace) + 16;
    let refused = Refusal::PageCount { dataspace: 0, found: 2, expected: 3 };
    assert_eq!(edited(dataspace, &[1, 0x20]), refused, "a page is missing");
    let region_of_two_pages = Refusal::Field { kind: Kind::Region, index: 0, field: "offset", value: 0 };
    assert_eq!(edited(dataspace, &[0, 0x10]), region_of_two_pages);
}

/// Tells why the model made from the flock by `change` is refused.
fn changed(change: impl FnOnce(&mut Model)) -> Refusal {
    let mut model = sheep();
    change(&mut model);
    model.try_image(64).expect_err("the change is refused")
}

fn contradiction(kind: Kind, index: u32, rule: &'static str) -> Refusal {
    Refusal::Contradiction { kind, index, rule }
}

#[test]
fn rules_of_memory() {
    let region = |index, field, value| Refusal::Field { kind: Kind::Region, index, field, value };
    assert_eq!(changed(|m| m.regions[0].addr += 1), region(0, "addr", 0x0100_0001));
    assert_eq!(changed(|m| m.regions[0].size_bytes = 0), region(0, "size_bytes", 0));
    assert_eq!(changed(|m| m.regions[3].addr = 0xffff_f000), region(3, "size_bytes", 0x2000));
    assert_eq!(changed(|m| m.regions[1].offset = 0x3000), region(1, "offset", 0x3000));
    assert_eq!(changed(|m| m.regions[1].offset = u64::MAX), region(1, "offset", u64::MAX));
    let ascend = contradiction(Kind::Region, 1, "regions-ascend");
    assert_eq!(changed(|m| m.regions[1].addr = 0x0100_3000), ascend);
    let nowhere = Access::from_bits(0).expect("known");
    assert_eq!(changed(|m| m.regions[1].access = nowhere), region(1, "access", 0));
    let (kind, to) = (Kind::Region, Kind::Dataspace);
    let refused = Refusal::Reference { kind, index: 0, to, target: 3 };
    assert_eq!(changed(|m| m.regions[0].dataspace = 3), refused);
    let unnamed = Content::Rom { module: Name::EMPTY, hash: Digest::NONE };
    let refused = contradiction(Kind::Dataspace, 1, "rom-named");
    assert_eq!(changed(|m| m.dataspaces[1].0.content = unnamed), refused);
    let empty = Refusal::Field { kind: Kind::Dataspace, index: 1, field: "size_bytes", value: 0 };
    assert_eq!(changed(|m| m.dataspaces[1].0.size_bytes = 0), empty);
}

#[test]
fn rules_of_threads() {
    let (missing_link, missing_place) = (Kind::Link, Kind::Queued);
    let missing = |kind, index| Refusal::Missing { kind, index };
    assert_eq!(changed(|m| m.links.clear()), missing(missing_link, 3));
    assert_eq!(changed(|m| m.queued.truncate(1)), missing(missing_place, 5));
    let link = |rule| contradiction(Kind::Link, 0, rule);
    assert_eq!(changed(|m| m.links[0].client = 1), link("link-of-call"));
    assert_eq!(changed(|m| m.links[0].server = 1), link("link-of-call"));
    assert_eq!(changed(|m| m.links[0].client = 8), link("thread-lives"));
    assert_eq!(changed(|m| m.links[0].server = 9), link("thread-lives"));
    let reference = |kind, to, target| Refusal::Reference { kind, index: 0, to, target };
    assert_eq!(changed(|m| m.links[0].client = 14), reference(Kind::Link, Kind::Thread, 14));
    assert_eq!(changed(|m| m.links.push(m.links[0])), contradiction(Kind::Link, 1, "one-link"));
    let place = |index, rule| contradiction(Kind::Queued, index, rule);
    assert_eq!(changed(|m| m.queued[1].sender = 4), place(1, "one-place"));
    assert_eq!(changed(|m| m.queued[0].sender = 3), place(0, "place-of-send"));
    assert_eq!(changed(|m| m.queued[0].receiver = 1), place(0, "place-of-send"));
    let position = |index, value| Refusal::Field { kind: Kind::Queued, index, field: "position", value };
    assert_eq!(changed(|m| m.queued[0].position = 1), position(0, 1));
    assert_eq!(changed(|m| m.queued[1].position = 0), position(1, 0));
    assert_eq!(changed(|m| m.threads[8].priority = 1), contradiction(Kind::Thread, 8, "hole-empty"));
    let irq = Refusal::Reference { kind: Kind::Thread, index: 6, to: Kind::Irq, target: 0 };
    let no_irqs = |m: &mut Model| {
        m.irqs.clear();
        m.slots.retain(|slot| !matches!(slot.object, SlotObject::Irq(_)));
    };
    assert_eq!(changed(no_irqs), irq);
}

#[test]
fn rules_of_objects() {
    let reference = |kind, index, to, target| Refusal::Reference { kind, index, to, target };
    let gate = reference(Kind::Gate, 0, Kind::Thread, 14);
    assert_eq!(changed(|m| m.gates[0].thread = Some(14)), gate);
    assert_eq!(changed(|m| m.irqs[0].thread = Some(14)), reference(Kind::Irq, 0, Kind::Thread, 14));
    for (object, to, target) in [
        (SlotObject::Gate(2), Kind::Gate, 2),
        (SlotObject::Irq(2), Kind::Irq, 2),
        (SlotObject::Thread(14), Kind::Thread, 14),
        (SlotObject::External(2), Kind::External, 2),
    ] {
        assert_eq!(changed(|m| m.slots[0].object = object), reference(Kind::Slot, 0x10, to, target));
    }
    let server = Rights::from_bits(Rights::SERVER).expect("known");
    let refused = contradiction(Kind::Slot, 0x10, "server-right-of-gate");
    assert_eq!(changed(|m| m.slots[0].rights = server), refused);
    let copy = Rights::from_bits(Rights::R | Rights::COPY).expect("known");
    let refused = contradiction(Kind::Slot, 0x10, "copy-of-object");
    assert_eq!(changed(|m| m.slots[0].rights = copy), refused);
    assert_eq!(changed(|m| m.slots[1].slot = 0x10), Refusal::Duplicate { kind: Kind::Slot, index: 0x10 });
    assert_eq!(changed(|m| m.slots[1].slot = 0x0f), Refusal::Order { kind: Kind::Slot, index: 0x0f });
    let index = Refusal::Field { kind: Kind::Slot, index: 1 << 20, field: "index", value: 1 << 20 };
    assert_eq!(changed(|m| m.slots[8].slot = 1 << 20), index);
    assert_eq!(changed(|m| m.target.name = Name::EMPTY), contradiction(Kind::Target, 0, "target-named"));
    assert_eq!(changed(|m| m.target.abi = Abi::M), contradiction(Kind::Target, 0, "abi-equal"));
    let unnamed = contradiction(Kind::External, 0, "service-named");
    assert_eq!(changed(|m| m.externals[0].service = Name::EMPTY), unnamed);
}

#[test]
fn rules_of_genode() {
    let changed = |change: fn(&mut Model)| {
        let mut model = genode();
        change(&mut model);
        model.try_image(64).expect_err("refused")
    };
    let reference = |kind, index, to, target| Refusal::Reference { kind, index, to, target };
    let badge = Refusal::Field { kind: Kind::Object, index: 1, field: "badge", value: 0x102 };
    assert_eq!(changed(|m| m.objects[1].badge = 0x102), badge);
    assert_eq!(changed(|m| m.objects[0].badge = 4), contradiction(Kind::Object, 0, "quota-unbadged"));
    let thread = reference(Kind::Object, 9, Kind::Thread, 99);
    assert_eq!(changed(|m| m.objects[9].role = Role::CpuThread(99)), thread);
    let dataspace = reference(Kind::Object, 8, Kind::Dataspace, 99);
    assert_eq!(changed(|m| m.objects[8].role = Role::Dataspace(99)), dataspace);
    let slot = reference(Kind::Slot, 0x300, Kind::Object, 17);
    assert_eq!(changed(|m| m.slots[0].object = SlotObject::Object(17)), slot);
}

#[test]
fn bounds() {
    let limit =
        |bound, limit: u32| Refusal::Limit { bound, found: u64::from(limit) + 1, limit: limit.into() };
    let records = |kind, max| limit(Bound::Records(kind), max);
    let threads = |m: &mut Model| m.threads.resize(65, Thread::HOLE);
    assert_eq!(changed(threads), records(Kind::Thread, MAX_THREADS));
    let gates = |m: &mut Model| m.gates.resize(257, m.gates[0]);
    assert_eq!(changed(gates), records(Kind::Gate, MAX_GATES));
    assert_eq!(changed(|m| m.irqs.resize(129, m.irqs[0])), records(Kind::Irq, MAX_IRQS));
    let slot = |slot| Slot { slot, object: SlotObject::Log, badge: 0, rights: Rights::default() };
    let slots = |m: &mut Model| m.slots = (0..4097).map(slot).collect();
    assert_eq!(changed(slots), records(Kind::Slot, MAX_SLOTS));
    let region = |i: u32| Region { addr: i * 4096, size_bytes: 4096, ..sheep().regions[0] };
    let regions = |m: &mut Model| m.regions = (0..257).map(region).collect();
    assert_eq!(changed(regions), records(Kind::Region, MAX_REGIONS));
    let rom = sheep().dataspaces[1].clone();
    let roms = |m: &mut Model| m.dataspaces.resize(129, rom.clone());
    assert_eq!(changed(roms), records(Kind::Dataspace, MAX_DATASPACES));
    let externals = |m: &mut Model| m.externals.resize(65, m.externals[0]);
    assert_eq!(changed(externals), records(Kind::External, MAX_EXTERNALS));
    assert_eq!(sheep().try_image(2), Err(limit(Bound::ExtentTable, 2)));
}

#[test]
fn pages_beyond_the_limit_are_refused_before_they_are_believed() {
    let dataspace = record_at(Kind::Dataspace) + 16;
    let refused = edited(dataspace, &(u64::from(MAX_PAGES) * 4096 + 1).to_le_bytes());
    let (found, limit) = (u64::from(MAX_PAGES) + 1, MAX_PAGES.into());
    assert_eq!(refused, Refusal::Limit { bound: Bound::Pages, found, limit });
}

#[test]
fn misuse_of_the_writer() {
    fn refused(
        steps: impl FnOnce(&mut Writer<'_, Body>) -> Result<(), Error<core::convert::Infallible>>,
    ) -> Refusal {
        let mut table = [Extent::EMPTY; 4];
        let mut writer = Writer::new(Body::default(), tiny().identity, &mut table);
        match steps(&mut writer) {
            Err(Error::Refused(refusal)) => refusal,
            _ => panic!("accepted"),
        }
    }
    let missing = Refusal::Missing { kind: Kind::Dataspace, index: 0 };
    assert_eq!(refused(|w| w.pages(&[1; 4096])), missing);
    assert_eq!(refused(|w| w.zero_pages(1)), missing);
    let odd = Refusal::Buffer { needed: 8192, available: 4097 };
    assert_eq!(refused(|w| w.begin_dataspace(0, 2).and_then(|()| w.pages(&[1; 4097]))), odd);
    let count = |found| Refusal::PageCount { dataspace: 0, found, expected: 2 };
    assert_eq!(refused(|w| w.begin_dataspace(0, 2).and_then(|()| w.pages(&[1; 3 * 4096]))), count(3));
    assert_eq!(refused(|w| w.begin_dataspace(0, 2).and_then(|()| w.zero_pages(3))), count(3));
    assert_eq!(refused(|w| w.begin_dataspace(0, 2).and_then(|()| w.begin_dataspace(1, 2))), count(0));
    let order = Refusal::Order { kind: Kind::Dataspace, index: 0 };
    assert_eq!(refused(|w| w.begin_dataspace(0, 0).and_then(|()| w.begin_dataspace(0, 2))), order);
}

#[test]
fn records_come_in_the_order_of_their_kinds() {
    let mut table = [Extent::EMPTY; 4];
    let writer = Writer::new(Body::default(), tiny().identity, &mut table);
    let mut records = writer.begin_table().expect("no pages");
    let gate = Gate { badge: 0, thread: None };
    let (kind, to) = (Kind::Gate, Kind::Target);
    let refused = Err(Error::Refused(Refusal::Reference { kind, index: 0, to, target: 0 }));
    assert_eq!(records.put(0, &gate), refused);
    records.put(0, &tiny().target).expect("first");
    records.put(0, &gate).expect("second");
    let order = Refusal::Order { kind: Kind::Target, index: 1 };
    assert_eq!(records.put(1, &tiny().target), Err(Error::Refused(order)));
}

#[test]
fn an_image_without_a_target_is_none() {
    let mut table = [Extent::EMPTY; 4];
    let writer = Writer::new(Body::default(), tiny().identity, &mut table);
    let refused = writer.begin_table().expect("no pages").finish();
    assert_eq!(refused, Err(Error::Refused(Refusal::Missing { kind: Kind::Target, index: 0 })));
}

#[test]
fn buffers_have_a_least_size() {
    let image = tiny().image();
    let refused = verify(&mut &image[..], &Expect::ANY, &mut [0; 4095]);
    assert_eq!(refused, Err(Error::Refused(Refusal::Buffer { needed: 4096, available: 4095 })));
}
