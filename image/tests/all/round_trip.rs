//! What was written is what is read, for any valid target.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use crate::common::{Model, genode, held, nested, sheep, tiny};
use thaw_image::*;

fn read(image: &[u8], scratch: usize) -> Model {
    let mut source = image;
    let verified = verify(&mut source, &Expect::ANY, &mut vec![0; scratch]).expect("whole");
    Model::read(&verified, &mut source)
}

#[test]
fn samples() {
    for model in [tiny(), sheep(), genode(), held(), nested()] {
        for scratch in [4096, 4097, 1 << 20] {
            assert_eq!(read(&model.image(), scratch), model);
        }
    }
}

#[test]
fn the_minor_version_is_the_oldest_that_suffices() {
    let with = |change: fn(&mut Model)| {
        let mut model = sheep();
        change(&mut model);
        model
    };
    let copy = with(|m| m.slots[4].rights = Rights::from_bits(Rights::R | Rights::COPY).expect("known"));
    let moved = with(|m| m.slots[4].rights = Rights::default());
    let mut faults = nested();
    faults.objects.push(Object { badge: 0x108, role: Role::Handler(4) });
    let rest = [(copy, 2), (moved, 2), (nested(), 3), (faults, 4)];
    for (model, minor) in [(sheep(), 0), (genode(), 1), (held(), 2)].into_iter().chain(rest) {
        let image = model.image();
        let verified = verify(&mut &image[..], &Expect::ANY, &mut [0; 4096]).expect("whole");
        assert_eq!(verified.header().minor, minor);
    }
}

#[test]
fn records_of_one_kind_are_found_without_the_others() {
    let image = sheep().image();
    let mut source = &image[..];
    let verified = verify(&mut source, &Expect::ANY, &mut [0; 4096]).expect("whole");
    for kind in Kind::ALL {
        let mut count = 0;
        let mut visit = |_: &mut &[u8], record: &Record| {
            assert_eq!(record.body.kind(), kind);
            count += 1;
            Ok::<(), Error<OutsideSlice>>(())
        };
        verified.for_each(&mut source, kind, &mut visit).expect("verified");
        assert_eq!(count, verified.summary().count(kind), "{kind}");
    }
}

#[test]
fn zero_pages_are_not_stored() {
    let model = sheep();
    let image = model.image();
    let verified = verify(&mut &image[..], &Expect::ANY, &mut [0; 4096]).expect("whole");
    let summary = verified.summary();
    assert_eq!((summary.pages, summary.stored_pages, summary.stored_bytes), (8, 3, 3 * 4096));
    assert_eq!(summary.count(Kind::Extent), 5);
}

/// The worst that memory can do to the extent table: zero and stored pages in turn.
#[test]
fn a_table_of_the_stated_length_never_overflows() {
    for (pages, run) in [(16384u32, 1u32), (16384, 2), (16384, 15), (16384, 16), (8192, 17), (65536, 256)] {
        let table_len = extent_table_len(pages, 1);
        let mut table = vec![Extent::EMPTY; table_len as usize];
        let mut writer = Writer::new(Discard, tiny().identity, &mut table);
        writer.begin_dataspace(0, pages).expect("empty");
        let mut page = 0;
        while page < pages {
            writer.pages(&[1; 4096]).expect("fits");
            page += 1;
            let zeros = run.min(pages - page);
            writer.zero_pages(zeros).expect("fits");
            page += zeros;
        }
        let mut records = writer.begin_table().expect("complete");
        records.put(0, &tiny().target).expect("fits");
        let size_bytes = u64::from(pages) * 4096;
        records.put(0, &Dataspace { size_bytes, content: Content::Ram }).expect("fits");
        let finished = records.finish().expect("valid");
        assert!(finished.summary.count(Kind::Extent) <= table_len);
        assert!(finished.summary.stored_pages < pages, "some zeros are elided");
    }
}

struct Discard;

impl Sink for Discard {
    type Error = core::convert::Infallible;

    fn write(&mut self, _: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// Contents of a dataspace: for each page a fill byte, often zero.
fn pages() -> impl Strategy<Value = Vec<u8>> {
    let fill = prop_oneof![2 => Just(0u8), 1 => any::<u8>()];
    vec((fill, 1usize..6), 1..12).prop_map(|runs| {
        let page = |fill: u8| {
            let mut page = vec![0; PAGE_SIZE];
            page[PAGE_SIZE - 1] = fill;
            page
        };
        runs.into_iter().flat_map(|(fill, count)| page(fill).repeat(count)).collect()
    })
}

fn waits() -> impl Strategy<Value = Wait> {
    let remaining = proptest::option::of(0..u64::MAX);
    (any::<u32>(), any::<u32>(), remaining).prop_map(|(selector, timeout, remaining_us)| Wait {
        selector,
        timeout,
        remaining_us,
    })
}

/// Activities that need no other record.
fn activities() -> impl Strategy<Value = Activity> {
    prop_oneof![
        Just(Activity::User),
        waits().prop_map(|wait| Activity::Asleep { wait }),
        waits().prop_map(|wait| Activity::OpenWait { wait }),
        (any::<u32>(), waits()).prop_map(|(slot, wait)| Activity::Receive { slot, wait }),
        (any::<u32>(), waits()).prop_map(|(slot, wait)| Activity::IrqWait { slot, irq: None, wait }),
        any::<(u32, u32)>().prop_map(|(addr, access)| Activity::PageFault { addr, access }),
        any::<(u32, u32)>().prop_map(|(code, addr)| Activity::Exception { code, addr }),
    ]
}

fn states() -> impl Strategy<Value = ThreadState> {
    prop_oneof![
        6 => activities().prop_map(ThreadState::Live),
        1 => Just(ThreadState::NeverStarted),
        1 => Just(ThreadState::Dead),
    ]
}

fn threads() -> impl Strategy<Value = Thread> {
    let words = (vec(any::<u32>(), 18), vec(any::<u32>(), 65), vec(any::<u32>(), 128));
    (states(), "[ -~]{0,32}", any::<[u32; 4]>(), words).prop_map(
        |(state, text, numbers, (frame, vfp, utcb))| Thread {
            state,
            name: Name::new(&text).expect("printable"),
            priority: numbers[0],
            affinity: Affinity { offset: numbers[1], mask: numbers[2] },
            utcb_addr: numbers[3],
            pager: Pager::Slot(numbers[0]),
            handler: Pager::None,
            frame: Frame {
                r: frame[..13].try_into().expect("13"),
                sp: frame[13],
                lr: frame[14],
                pc: frame[15],
                cpsr: frame[16],
                tpidruro: frame[17],
            },
            vfp: Vfp { d: vfp[..64].try_into().expect("64"), fpscr: vfp[64] },
            utcb: utcb.try_into().expect("128"),
        },
    )
}

/// Lets thread 0 serve: thread 1 has a call to it under way, the others stand in its queue.
fn connect(model: &mut Model, clients: usize) {
    model.threads[0].state = ThreadState::Live(Activity::User);
    let wait = Wait { selector: 3, timeout: 0, remaining_us: None };
    let count = model.threads.len();
    for (client, thread) in (0..).zip(&mut model.threads).skip(1).take(clients.min(count - 1)) {
        let (slot, badge, tag, label) = (0x200, 0x10 * client, 0x40 + client, client);
        if client == 1 {
            thread.state =
                ThreadState::Live(Activity::Call { slot, badge, server: 0, tag, owed: false, wait });
            model.links.push(Link { client, server: 0, tag, shadow: 1 });
            continue;
        }
        let (receiver, position) = (0, client - 2);
        let send = Activity::Send { slot, badge, receiver, position, tag, label, wait };
        thread.state = ThreadState::Live(send);
        model.queued.push(Queued { receiver, position, sender: client, tag, label });
    }
}

prop_compose! {
    fn models()(
        memory in vec(pages(), 0..5),
        threads in vec(threads(), 1..12),
        clients in 0usize..8,
        gates in vec(any::<(u32, bool)>(), 0..9),
        irqs in vec(any::<(u32, bool, u32)>(), 0..9),
        slots in proptest::collection::btree_map(0u32..MAX_SLOT_INDEX, any::<(u32, u32)>(), 0..40),
        generation: u64,
        clock_us: u64,
    ) -> Model {
        let ram = |pages: Vec<u8>| {
            (Dataspace { size_bytes: pages.len() as u64, content: Content::Ram }, pages)
        };
        let mut identity = tiny().identity;
        identity.generation = generation;
        identity.clock_us = clock_us;
        let mut model = Model {
            identity,
            dataspaces: memory.into_iter().map(ram).collect(),
            regions: vec![],
            threads,
            gates: gates.iter().map(|&(badge, bound)| Gate { badge, thread: bound.then_some(0) }).collect(),
            irqs: irqs
                .iter()
                .map(|&(badge, bound, pending)| Irq { badge, thread: bound.then_some(0), pending })
                .collect(),
            slots: slots
                .into_iter()
                .map(|(slot, (badge, bits))| Slot {
                    slot,
                    object: SlotObject::Service(badge),
                    badge,
                    rights: Rights::from_bits(bits & 0xf).expect("masked"),
                })
                .collect(),
            ..tiny()
        };
        connect(&mut model, clients);
        model
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_target(model in models(), table_len in 70usize..200) {
        // Whatever table the writer had, the same memory comes back.
        let image = model.try_image(table_len).expect("valid");
        prop_assert_eq!(read(&image, 4096), model);
    }
}
