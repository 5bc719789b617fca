//! A life: saved, refused, made again.

use thaw_genode::{
    After, Attachment, CoreResult, Done, Error, Handle, Machine, Order, Region, Slot, Span, Tables,
    checkpoint, kind, policy, restore,
};
use thaw_image::{KernelName, Name};
use thaw_protocol::{part, verb};

use crate::world::{Fake, IRQ, MAP, NESTED, RAM, RAM_BADGE, ROM, ROM_BADGE, SIGH, Step, TWIN_BADGE, words};

fn machine() -> Machine {
    Machine {
        board: Name::new("pbxa9").expect("a name"),
        kernel: KernelName::new("Genode 26.02").expect("a name"),
    }
}

/// Tables are too large for a test's stack.
fn tables() -> Box<Tables> {
    std::thread::Builder::new()
        .stack_size(32 << 20)
        .spawn(|| Box::new(Tables::new()))
        .map(|thread| thread.join().expect("made"))
        .expect("a thread")
}

fn save(fake: &Fake, after: After) -> thaw_genode::Result<Done> {
    let order = Order { machine: machine(), generation: 1, clones: 0, after };
    checkpoint(fake, &mut tables(), &order, &mut |_, _| Ok(()))
}

/// A saved and destroyed target, all steps forgotten.
fn saved() -> (Fake, Span) {
    let fake = Fake::new();
    let done = save(&fake, After::Destroy).expect("saved");
    assert_eq!(fake.count(|s| *s == Step::Destroy), 1);
    fake.steps.borrow_mut().clear();
    (fake, done.image)
}

fn stops(fake: &Fake) -> usize {
    fake.count(|s| *s == Step::Verb(verb::STOP))
}

fn commits(fake: &Fake) -> usize {
    fake.count(|s| *s == Step::Verb(verb::COMMIT))
}

#[test]
fn a_module_that_stays_as_it_is_is_read_once() {
    let fake = Fake::new();
    let mut tables = tables();
    let mut read = |id| {
        fake.rom_id.set(id);
        fake.rom_read.set(0);
        let order = Order { machine: machine(), generation: 1, clones: 0, after: After::GoOn };
        checkpoint(&fake, &mut tables, &order, &mut |_, _| Ok(())).expect("saved");
        fake.rom_read.get()
    };
    assert_eq!([7, 7, 8, 7, 0, 0].map(&mut read), [ROM, 0, ROM, 0, ROM, ROM]);
}

#[test]
fn others_run_while_an_image_is_hashed() {
    for (tick_us, pauses) in [(100, false), (30_000, true)] {
        let (fake, image) = saved();
        fake.tick_us.set(tick_us);
        restore(&fake, &mut tables(), &machine(), image).expect("restored");
        assert_eq!(fake.pauses.replace(0) != 0, pauses);
        save(&fake, After::GoOn).expect("saved");
        assert_eq!(fake.pauses.get() != 0, pauses);
    }
}

#[test]
fn what_was_read_is_made_again() {
    let (fake, image) = saved();
    let before = fake.ram_bytes();
    let done = restore(&fake, &mut tables(), &machine(), image).expect("restored");
    assert_eq!((done.threads, done.ram_bytes, done.generation), (2, RAM, 1));
    assert_eq!(fake.ram_bytes(), before);
    let steps = fake.steps.borrow();
    for index in [0, 2] {
        for part in part::ACTIVITY..=part::UTCB_2 {
            assert!(
                steps.contains(&Step::Set(index, part, words(index, part))),
                "thread {index} part {part}"
            );
        }
    }
    assert!(steps.contains(&Step::Irq(IRQ.0, IRQ.1)));
    assert!(steps.contains(&Step::Ram(RAM, RAM_BADGE)));
    assert!(steps.iter().any(|s| matches!(s, Step::Timer(timer, true) if timer.remaining_us == 9)));
    assert!(steps.iter().any(|s| matches!(s, Step::Attach(a) if (a.map, a.at) == (1, 0xf_c000))));
    let installed: Vec<u32> =
        steps.iter().filter_map(|s| if let Step::Install(slot) = s { Some(*slot) } else { None }).collect();
    let mut sorted = installed.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0x304..=0x310).collect::<Vec<_>>(), "each slot once, the parent's by core");
    assert!(steps.contains(&Step::Quota(1 << 20, 100)));
    assert!(steps.contains(&Step::Map(9, MAP)));
    let (at, size, offset) = (NESTED.addr, NESTED.size, NESTED.offset);
    let piece = Attachment { map: 0, at, size, offset, writeable: 1, executable: 0 };
    assert!(steps.contains(&Step::AttachNested(piece)));
    assert!(
        steps.contains(&Step::FaultHandler)
            && [0, 4].iter().all(|which| steps.contains(&Step::Handler(*which)))
    );
    let place = |step: Step| steps.iter().position(|s| *s == step).expect("made");
    let source = place(Step::Object(kind::SIGNAL_SOURCE, 0, 0x8000_0038));
    let context = place(Step::Object(kind::CONTEXT, 0xdd250, SIGH));
    let semaphore = place(Step::Object(kind::SEMAPHORE, 2, 0));
    assert!(source < context && context < semaphore);
    assert!(!steps.contains(&Step::Destroy));
}

#[test]
fn an_image_tells_how_often_its_target_was_restored() {
    let (fake, mut image) = saved();
    let mut tables = tables();
    for times in 1..=3 {
        let restored = restore(&fake, &mut tables, &machine(), image).expect("restored");
        assert_eq!(restored.clones, times);
        let order =
            Order { machine: machine(), generation: 1, clones: restored.clones, after: After::Destroy };
        image = checkpoint(&fake, &mut tables, &order, &mut |_, _| Ok(())).expect("saved").image;
    }
}

#[test]
fn no_target_waits_for_the_end_of_our_views_and_all_end() {
    for after in [After::GoOn, After::Destroy] {
        let fake = Fake::new();
        let image = save(&fake, after).expect("saved").image;
        assert_eq!(fake.views.get(), 0);
        fake.tick_us.set(30_000);
        restore(&fake, &mut tables(), &machine(), image).expect("restored");
        assert_eq!(fake.views.get(), 0);
    }
}

#[test]
fn only_code_in_ram_is_made_executable() {
    for executable in [0, 1] {
        let fake = Fake::new();
        fake.regions.borrow_mut().iter_mut().for_each(|region| region.executable = executable);
        let image = save(&fake, After::Destroy).expect("saved").image;
        restore(&fake, &mut tables(), &machine(), image).expect("restored");
        assert_eq!(fake.count(|s| *s == Step::Coherent), executable as usize);
    }
}

#[test]
fn each_session_of_a_module_gets_its_own_dataspace() {
    let fake = Fake::new();
    fake.twin.set(true);
    let first = fake.regions.borrow()[0];
    // Seen before the other one, and of the later session.
    fake.regions.borrow_mut().insert(0, Region { addr: 0x8000, ds_badge: TWIN_BADGE, ..first });
    let image = save(&fake, After::Destroy).expect("saved").image;
    restore(&fake, &mut tables(), &machine(), image).expect("restored");
    let of = |id| fake.wishes.borrow().iter().find(|w| w.client_id == id).map(|w| w.dataspace);
    assert_eq!((of(4), of(10), of(6)), (Some(ROM_BADGE), Some(TWIN_BADGE), Some(0)));
    let attached = fake.attached.borrow();
    assert!(attached.contains(&(0x8000, Handle(9010))) && attached.contains(&(first.addr, Handle(9004))));
}

#[test]
fn one_dataspace_may_serve_all_sessions_of_a_module() {
    let fake = Fake::new();
    fake.twin.set(true);
    fake.shared.set(true);
    let image = save(&fake, After::Destroy).expect("saved").image;
    restore(&fake, &mut tables(), &machine(), image).expect("restored");
    let wished = |badge| fake.wishes.borrow().iter().filter(|w| w.dataspace == badge).count();
    assert_eq!((wished(ROM_BADGE), wished(0)), (2, 3));
}

#[test]
fn a_target_that_exits_before_it_is_stopped_is_not_saved() {
    let fake = Fake::new();
    fake.exits.set(true);
    assert_eq!(save(&fake, After::Destroy), Err(Error::Exited));
    assert_eq!((stops(&fake), commits(&fake)), (1, 1));
    assert_eq!(fake.count(|s| *s == Step::Destroy), 0);
}

#[test]
fn sessions_for_threads_and_domains_beside_the_environments_are_refused() {
    for (service, origin, is_refused) in
        [("CPU", 1, false), ("CPU", 2, true), ("PD", 2, true), ("Timer", 2, false)]
    {
        let fake = Fake::new();
        fake.service.set(service);
        fake.origin.set(origin);
        let refused = Err(Error::Second(Name::new(service).expect("a name")));
        let result = save(&fake, After::GoOn).map(|_| ());
        assert_eq!(result, if is_refused { refused } else { Ok(()) }, "{service} {origin}");
    }
}

#[test]
fn a_running_target_goes_on_and_is_not_destroyed() {
    let fake = Fake::new();
    save(&fake, After::GoOn).expect("saved");
    assert_eq!((stops(&fake), commits(&fake)), (1, 1));
    assert_eq!(fake.count(|s| *s == Step::Destroy), 0);
}

#[test]
fn what_cannot_be_saved_is_refused_before_the_stop() {
    for unsavable in [kind::UNKNOWN, kind::OUTSIDE, kind::CORE] {
        let fake = Fake::new();
        let slot = Slot { slot: 0x333, kind: unsavable, badge: 0x44, ..Slot::default() };
        fake.slots.borrow_mut().push(slot);
        assert_eq!(save(&fake, After::GoOn), Err(Error::Slot(0x333, unsavable, 0x44)));
        assert_eq!(stops(&fake), 0);
    }
    let fake = Fake::new();
    fake.regions.borrow_mut()[2].memory = 2;
    fake.regions.borrow_mut()[2].ds_badge = 0x1234;
    assert_eq!(save(&fake, After::GoOn), Err(Error::Memory(0x400f_c000, 2)));
    assert_eq!(stops(&fake), 0);
}

#[test]
fn sessions_of_others_are_refused_by_name_unless_they_are_forwarded() {
    let timer = Name::new("Timer").expect("a name");
    let of = |number| {
        let fake = Fake::new();
        fake.policy.set(number);
        let saved = save(&fake, After::GoOn).map(|_| ());
        (saved, stops(&fake))
    };
    assert_eq!(of(policy::ROUTED), (Err(Error::Session(timer)), 0));
    assert_eq!(of(policy::HOLDING), (Err(Error::Holding(timer)), 0));
    assert_eq!(of(policy::WITH_ARGUMENTS), (Err(Error::Arguments(timer)), 0));
    assert_eq!(of(policy::FORWARDED), (Ok(()), 1));
}

#[test]
fn a_server_that_does_not_answer_is_named() {
    let fake = Fake::new();
    fake.busy.set(6);
    assert_eq!(save(&fake, After::GoOn), Err(Error::Busy(Name::new("Timer").expect("a name"))));
    assert_eq!(stops(&fake), 0);
}

#[test]
fn a_target_that_serves_others_is_refused() {
    let fake = Fake::new();
    fake.announced.set("Nitpicker");
    assert_eq!(save(&fake, After::GoOn), Err(Error::Announces(Name::new("Nitpicker").expect("a name"))));
    assert_eq!(stops(&fake), 0);
}

#[test]
fn a_session_that_is_another_one_now_is_refused() {
    let (fake, image) = saved();
    fake.timer_badge.set(0x44);
    let refused = restore(&fake, &mut tables(), &machine(), image);
    let timer = Name::new("Timer").expect("a name");
    assert_eq!(refused, Err(Error::NoSession(timer, CoreResult(CoreResult::NOT_FOUND))));
    assert_eq!(fake.steps.borrow().last(), Some(&Step::Destroy));
    assert_eq!(commits(&fake), 0);
}

#[test]
fn an_image_of_another_system_is_refused() {
    let (fake, image) = saved();
    let other = Machine { kernel: KernelName::new("Genode 1").expect("a name"), ..machine() };
    assert_eq!(restore(&fake, &mut tables(), &other, image), Err(Error::System(machine().kernel)));
    assert_eq!(*fake.steps.borrow(), []);
}

#[test]
fn a_target_that_changed_goes_on_and_is_tried_again() {
    let fake = Fake::new();
    fake.grows.set(true);
    assert_eq!(save(&fake, After::Destroy), Err(Error::Changed("memory")));
    assert_eq!((stops(&fake), commits(&fake)), (5, 5));
    assert_eq!(fake.count(|s| *s == Step::Destroy), 0);
}

#[test]
fn a_thread_that_waits_in_a_fault_is_waited_for_and_then_named() {
    let fake = Fake::new();
    fake.faulting.set(3);
    save(&fake, After::GoOn).expect("saved once it is resolved");
    assert_eq!(stops(&fake), 1);
    let fake = Fake::new();
    fake.faulting.set(u32::MAX);
    assert_eq!(save(&fake, After::GoOn), Err(Error::Faulting(MAP.badge)));
    assert_eq!(stops(&fake), 0);
}

#[test]
fn a_target_without_its_program_is_only_starting() {
    let fake = Fake::new();
    fake.linker.set(true);
    assert_eq!(save(&fake, After::Destroy), Err(Error::Starting));
    assert_eq!((stops(&fake), fake.count(|s| *s == Step::Destroy)), (0, 0));
    let own = fake.regions.borrow()[2];
    fake.regions.borrow_mut().insert(2, Region { addr: 0x0100_0000, map: 2, ..own });
    save(&fake, After::GoOn).expect("saved once the program is there");
}

#[test]
fn nothing_is_made_of_a_damaged_image() {
    let (fake, image) = saved();
    for offset in (0..image.bytes).step_by(997) {
        fake.flip(image, offset);
        assert!(matches!(restore(&fake, &mut tables(), &machine(), image), Err(Error::Image(_))), "{offset}");
        fake.flip(image, offset);
    }
    assert_eq!(*fake.steps.borrow(), []);
    restore(&fake, &mut tables(), &machine(), image).expect("whole again");
}

#[test]
fn another_module_is_named() {
    let (fake, image) = saved();
    fake.change_rom();
    let binary = Name::new("binary").expect("a name");
    assert_eq!(restore(&fake, &mut tables(), &machine(), image), Err(Error::Rom(binary)));
    assert_eq!(fake.steps.borrow().last(), Some(&Step::Destroy));
    assert_eq!(commits(&fake), 0);
}

#[test]
fn whatever_is_refused_nothing_is_left_and_nothing_ran() {
    let (fake, image) = saved();
    restore(&fake, &mut tables(), &machine(), image).expect("control");
    let steps = fake.count(|s| {
        !matches!(s, Step::Verb(_) | Step::Destroy | Step::Set(..) | Step::Irq(..) | Step::Quota(..))
    });
    assert!(steps > 20, "{steps}");
    for refused in 0..steps {
        let (fake, image) = saved();
        fake.refused.set(refused);
        let error = restore(&fake, &mut tables(), &machine(), image).expect_err("refused");
        assert!(matches!(error, Error::World(..) | Error::NoSession(..)), "{error}");
        assert_eq!(fake.steps.borrow().last(), Some(&Step::Destroy), "step {refused}");
        assert_eq!(commits(&fake), 0, "step {refused}");
    }
}
