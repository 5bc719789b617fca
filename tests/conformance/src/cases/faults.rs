//! Page faults, their answers and refusals; write protection, unmapping, superpages.

use thaw_l4::{CapIndex, Fpage, MsgTag, raw};

use super::{
    give_page,
    parts::{run, show_steps},
    take_page,
};
use crate::{
    Runner, data, fact, show,
    step::{RESULT, Step},
    world::{CHILD, Child, Event, FACTORY, OWN_TASK, OWN_THREAD, World},
};

const SELF: u32 = raw::THAW_UNMAP_SELF_BIT;
const OTHERS: u32 = raw::L4_FP_OTHER_SPACES;
/// Large enough for the superpages of either format of page tables.
const LARGE_ORDER: u32 = 22;
/// Where children see spare memory, at an address that is aligned as it is in root.
const HIGH: u32 = 0x2000_0000;

/// How the pager answers.
#[derive(Clone, Copy)]
enum Answer {
    /// Words only, with that protocol.
    Words(i32, &'static [u32]),
    /// A map item with these rights.
    Item(u32),
    /// A map item of another page, placed elsewhere.
    Elsewhere,
    /// An item whose page root does not have.
    NothingThere,
    /// Mapped by the task operation, then an empty answer.
    Task(u32),
}

/// All cases.
pub fn run_all(r: &Runner) {
    r.case("load from a page that is not there", |w| fault(w, |page| Step::load(page + 4)));
    r.case("store to a page that is not there", |w| fault(w, |page| Step::store(1, page + 8)));
    r.case("execution of a page that is not there", |w| fault(w, |page| Step::jump(page + 12)));
    r.case("store to a page that may only be read", |w| {
        rights(w, raw::L4_FPAGE_RO, |page| Step::store(1, page));
    });
    r.case("execution of a page without the right", |w| {
        rights(w, raw::L4_FPAGE_RW, Step::jump);
    });
    r.case("load from a page with only the right to write", |w| rights(w, raw::L4_FPAGE_W, Step::load));
    r.case("load from a page with only the right to execute", |w| rights(w, raw::L4_FPAGE_X, Step::load));
    answers(r);
    r.case("pager that is no slot", |w| no_pager(w, None));
    r.case("pager in an empty slot", |w| no_pager(w, Some(CapIndex(0x77))));
    r.case("pager gate without rights", pager_rights);
    r.case("fault in the middle of a message to the pager's task", fault_of_two);
    for (name, mask) in [("from all", SELF), ("from others", OTHERS)] {
        for taken in [raw::L4_FPAGE_W, raw::L4_FPAGE_X, raw::L4_FPAGE_RO, raw::L4_FPAGE_RWX] {
            r.case(format_args!("rights {taken:#x} of the child's page taken {name}"), |w| {
                protect(w, w.task, mask, taken);
            });
        }
        r.case(format_args!("right to write of root's page taken {name}"), |w| root_protects(w, mask));
    }
    r.case("write right given again by the task operation", given_again);
    r.case("write right given again by the pager", given_by_pager);
    r.case("page mapped from child to child, taken from the first", chain);
    r.case("whole address space taken", whole_space);
    r.case("page mapped over another", mapped_over);
    r.case("page granted", granted);
    r.case("page with the same rights again", |w| again(w, raw::L4_FPAGE_RW));
    r.case("page with fewer rights again", |w| again(w, raw::L4_FPAGE_RO));
    r.case("kernel-user memory as a source", ku_source);
    r.case("kernel-user memory as a target", ku_target);
    r.case("superpage", |w| superpage(w, None));
    r.case("superpage, a page of it taken from the child", |w| superpage(w, Some((SELF, raw::L4_FPAGE_RWX))));
    r.case("superpage, a page of it write-protected", |w| superpage(w, Some((SELF, raw::L4_FPAGE_W))));
    r.case("superpage, a page of root's taken from others", |w| {
        superpage(w, Some((OTHERS, raw::L4_FPAGE_RWX)))
    });
    r.case("superpage, a page mapped onto it", superpage_page);
}

fn answers(r: &Runner) {
    let all = [
        ("no words", Answer::Words(0, &[])),
        ("label -1", Answer::Words(-1, &[])),
        ("label -22 and words", Answer::Words(-22, &[0, 0])),
        ("label 1", Answer::Words(1, &[])),
        ("the word -1", Answer::Words(0, &[!0])),
        ("the words -1 and 0", Answer::Words(0, &[!0, 0])),
        ("the words 0 and -1", Answer::Words(0, &[0, !0])),
        ("label -1 and the word -1", Answer::Words(-1, &[!0])),
        ("a map item", Answer::Item(raw::L4_FPAGE_RW)),
        ("a map item that may only be read", Answer::Item(raw::L4_FPAGE_RO)),
        ("a map item without rights", Answer::Item(0)),
        ("an item for another page", Answer::Elsewhere),
        ("an item of a page that is not there", Answer::NothingThere),
        ("the task operation", Answer::Task(raw::L4_FPAGE_RW)),
        ("the task operation, to be read only", Answer::Task(raw::L4_FPAGE_RO)),
    ];
    for (name, answer) in all {
        r.case(format_args!("store answered by {name}"), |w| answered(w, answer));
    }
}

/// A page of the shared area that root has and children do not.
fn taken_page(w: &World<'_>) -> u32 {
    let page = data::page(data::FIRST_FREE);
    take_page(w, page);
    page
}

/// Shows what arrives, as long as it is faults or exceptions; at most two.
fn arrivals(w: &World<'_>) {
    for _ in 0..2 {
        let event = w.next();
        show_fault(w, event.as_ref());
        match event {
            None => return,
            Some(e) if e.is_exception() => show::replied(&skip(w, &e)),
            Some(_) => {}
        }
    }
}

/// A fault, or an exception with what it says about the fault.
fn show_fault(w: &World<'_>, event: Option<&Event>) {
    show::event(w, event);
    if let Some(e) = event.filter(|e| e.is_exception()) {
        let write = if e.mr[1] & 0x40 != 0 { "write" } else { "no write" };
        fact!("pfa={} {write}", show::Address(e.mr[0]));
    }
}

/// Lets a thread that stopped go on with its next step.
fn skip(w: &World<'_>, e: &Event) -> Event {
    let mut mr = e.mr;
    mr[raw::THAW_EXC_PC as usize] = w.code.new;
    w.reply(0, &mr[..w.frame_words() as usize])
}

fn fault(w: &World<'_>, step: fn(u32) -> Step) {
    let page = taken_page(w);
    run(w, &[step(page)]);
    show::event(w, w.next().as_ref());
}

fn rights(w: &World<'_>, rights: u32, step: fn(u32) -> Step) {
    let page = taken_page(w);
    give_page(w, page, rights);
    let t = run(w, &[step(page)]);
    show::event(w, w.next().as_ref());
    fact!("step0: done {}", t.done(0));
}

fn answered(w: &World<'_>, answer: Answer) {
    let page = taken_page(w);
    data::write(page, 0);
    let t = run(w, &[Step::store(0x5707, page)]);
    show_fault(w, w.next().as_ref());
    let item =
        |at: u32, fpage: Fpage| w.reply_tag(MsgTag::new(0, 0, 1, 0), &[at | raw::L4_ITEM_MAP, fpage.0]);
    let replied = match answer {
        Answer::Words(protocol, words) => w.reply(protocol, words),
        Answer::Item(rights) => item(page, Fpage::memory(page, 12, rights)),
        Answer::Elsewhere => item(page + 0x1000, Fpage::memory(page + 0x1000, 12, raw::L4_FPAGE_RW)),
        Answer::NothingThere => item(page, Fpage::memory(0x7000_0000, 12, raw::L4_FPAGE_RW)),
        Answer::Task(rights) => {
            give_page(w, page, rights);
            w.reply(0, &[])
        }
    };
    show::replied(&replied);
    arrivals(w);
    fact!("step0: done {}, value {:#x}", t.done(0), data::read(page));
}

/// Such a thread ends; nobody is told.
fn no_pager(w: &World<'_>, pager: Option<CapIndex>) {
    let page = taken_page(w);
    let t = w.thread_with(w.task, pager);
    t.script(&[Step::load(page), Step::END]).start();
    w.settle();
    show::event(w, w.poll_with(0, &[]).as_ref());
    fact!("step0: done {}", t.done(0));
    super::parts::poke(w, &t);
}

fn pager_rights(w: &World<'_>) {
    let page = taken_page(w);
    let gate = w.give_with(w.gate(OWN_THREAD, 0xdd0), raw::L4_CAP_FPAGE_R, 0);
    let t = w.thread_with(w.task, Some(gate));
    t.script(&[Step::store(1, page), Step::END]).start();
    show::event(w, w.next().as_ref());
    let items = [page | raw::L4_ITEM_MAP, Fpage::memory(page, 12, raw::L4_FPAGE_RW).0];
    show::replied(&w.reply_tag(MsgTag::new(0, 0, 1, 0), &items));
    arrivals(w);
    fact!("step0: done {}", t.done(0));
}

/// Two threads fault at once; the later is answered first.
fn fault_of_two(w: &World<'_>) {
    let page = taken_page(w);
    let a = super::parts::ready(w, &[Step::store(1, page)], CHILD);
    let b = super::parts::ready(w, &[Step::store(2, page + 4)], CHILD);
    for _ in 0..2 {
        show::event(w, w.next().as_ref());
    }
    give_page(w, page, raw::L4_FPAGE_RW);
    show::replied(&w.reply(0, &[]));
    show::event(w, w.next().as_ref());
    fact!("step0: done {} and {}", a.done(0), b.done(0));
    super::parts::poke(w, &a);
    fact!("step0: done {} and {}", a.done(0), b.done(0));
}

/// What a thread can do with a page now: load, store, execute; each tried by a thread of its own.
fn access(w: &World<'_>, page: u32) {
    // A branch to itself would count for ever; this returns to the interpreter by an exception.
    let tries = [
        ("load", Step::load(page)),
        ("store", Step::store(0xe7f0_00f0, page)),
        ("execute", Step::jump(page)),
    ];
    for (name, step) in tries {
        let t = run(w, &[step]);
        let event = w.next();
        let outcome = match &event {
            None => "works",
            Some(e) if e.is_exception() => "works (undefined instruction)",
            Some(e) if e.is_fault() => match e.mr[0] & 7 {
                1 => "fault 1",
                2 => "fault 2",
                3 => "fault 3",
                4 => "fault 4",
                5 => "fault 5",
                _ => "another fault",
            },
            Some(_) => "something else arrives",
        };
        fact!("{name}: {outcome}");
        // It would wait in its fault for ever.
        OWN_TASK.delete(&w.k, t.cap.index()).expect("deletion of a thread");
        w.settle();
    }
}

fn protect(w: &World<'_>, task: thaw_l4::Cap<thaw_l4::Task>, mask: u32, taken: u32) {
    let page = taken_page(w);
    data::write(page, 0xe7f0_00f0);
    give_page(w, page, raw::L4_FPAGE_RWX);
    unmap(w, task, Fpage::memory(page, 12, taken), mask);
    access(w, page);
}

/// Shows what the unmap operation answers.
fn unmap(w: &World<'_>, task: thaw_l4::Cap<thaw_l4::Task>, fpage: Fpage, mask: u32) {
    w.set_words(&[raw::L4_TASK_UNMAP_OP, mask, fpage.0]);
    let tag = MsgTag::new(raw::L4_PROTO_TASK, 3, 0, 0);
    let e = w.event(w.ipc(task.select(thaw_l4::Op::CALL), tag, thaw_l4::Timeouts::NEVER));
    fact!("unmap: {} flags {:x}", show::Tag(e.tag), e.mr[2] & 0xf);
}

/// Root takes the right from its own page's copies; its own page keeps it or loses it.
fn root_protects(w: &World<'_>, mask: u32) {
    let spare = crate::world::spare();
    data::write(spare, 1);
    let at = HIGH;
    w.task.map(&w.k, OWN_TASK, Fpage::memory(spare, 12, raw::L4_FPAGE_RW), at, 0).expect("map");
    unmap(w, OWN_TASK, Fpage::memory(spare, 12, raw::L4_FPAGE_W), mask);
    access(w, at);
    // What root has is known by what it can give.
    w.task.map(&w.k, OWN_TASK, Fpage::memory(spare, 12, raw::L4_FPAGE_RW), at + 0x1000, 0).expect("map");
    fact!("what root can still give");
    access(w, at + 0x1000);
    restore_root(w, spare);
}

/// sigma0 gives the page back with all rights when root faults on it.
fn restore_root(w: &World<'_>, page: u32) {
    OWN_TASK.unmap(&w.k, Fpage::memory(page, 12, raw::L4_FPAGE_RWX), SELF).expect("unmap");
    data::write(page, 0);
}

fn given_again(w: &World<'_>) {
    let page = taken_page(w);
    give_page(w, page, raw::L4_FPAGE_RO);
    give_page(w, page, raw::L4_FPAGE_RW);
    access(w, page);
}

fn given_by_pager(w: &World<'_>) {
    let page = taken_page(w);
    give_page(w, page, raw::L4_FPAGE_RO);
    let t = run(w, &[Step::store(7, page)]);
    show::event(w, w.next().as_ref());
    let items = [page | raw::L4_ITEM_MAP, Fpage::memory(page, 12, raw::L4_FPAGE_RW).0];
    show::replied(&w.reply_tag(MsgTag::new(0, 0, 1, 0), &items));
    arrivals(w);
    fact!("step0: done {}, value {}", t.done(0), data::read(page));
    access(w, page);
}

/// A second task that runs the interpreter, with a thread whose pager and handler is root.
fn second_task<'w, 'g>(w: &'w World<'g>, steps: &[Step]) -> (thaw_l4::Cap<thaw_l4::Task>, Child<'w, 'g>) {
    let utcbs = Fpage::memory(crate::world::UTCBS, 13, 0);
    let task = FACTORY.create_task(&w.k, w.slot(), utcbs).expect("task");
    crate::world::map_program(&w.k, task).expect("program");
    let gate = w.gate(OWN_THREAD, 0xe00);
    let slot = CapIndex(0x10);
    task.map(&w.k, OWN_TASK, Fpage::object(gate.index(), raw::L4_CAP_FPAGE_RWS), slot.word(), 0)
        .expect("gate");
    let t = w.thread_with(task, Some(slot));
    t.script(steps).script_from(steps.len() as u32, &[Step::END]);
    (task, t)
}

fn chain(w: &World<'_>) {
    let page = taken_page(w);
    data::write(page, 5);
    give_page(w, page, raw::L4_FPAGE_RW);
    let (task, t) = second_task(w, &[Step::load(HIGH), Step::load(HIGH), Step::load(HIGH)]);
    task.map(&w.k, w.task, Fpage::memory(page, 12, raw::L4_FPAGE_RW), HIGH, 0).expect("map");
    t.start();
    w.settle();
    fact!("the second reads {}", t.word(0, RESULT + 1));
    unmap(w, w.task, Fpage::memory(page, 12, raw::L4_FPAGE_RWX), OTHERS);
    access(w, page);
    let (task, t) = second_task(w, &[Step::load(HIGH)]);
    task.map(&w.k, w.task, Fpage::memory(page, 12, raw::L4_FPAGE_RW), HIGH, 0).expect("map");
    unmap(w, OWN_TASK, Fpage::memory(page, 12, raw::L4_FPAGE_RWX), OTHERS);
    t.start();
    w.settle();
    show::event(w, w.next().as_ref());
}

fn whole_space(w: &World<'_>) {
    let page = data::page(data::FIRST_FREE);
    let (task, t) = second_task(w, &[Step::load(page)]);
    // Type 0, order 63: memory and capabilities.
    unmap(w, task, Fpage((raw::L4_WHOLE_ADDRESS_SPACE << 6) | raw::L4_FPAGE_RWX), SELF);
    fact!("handler slot: {}", task.cap_valid(&w.k, CapIndex(0x10)).unwrap_or(true));
    t.start();
    w.settle();
    fact!("step0: done {}", t.done(0));
    super::parts::poke(w, &t);
}

fn mapped_over(w: &World<'_>) {
    let (page, other) = (taken_page(w), data::page(data::FIRST_FREE + 1));
    data::write(page, 11);
    data::write(other, 22);
    w.task.map(&w.k, OWN_TASK, Fpage::memory(page, 12, raw::L4_FPAGE_RW), HIGH, 0).expect("map");
    w.task.map(&w.k, OWN_TASK, Fpage::memory(other, 12, raw::L4_FPAGE_RO), HIGH, 0).expect("map");
    let t = run(w, &[Step::load(HIGH), Step::store(1, HIGH)]);
    fact!("reads {}", t.word(0, RESULT + 1));
    show::event(w, w.next().as_ref());
}

/// From one child to another, with the grant bit.
fn granted(w: &World<'_>) {
    let page = taken_page(w);
    data::write(page, 5);
    give_page(w, page, raw::L4_FPAGE_RW);
    let (task, t) = second_task(w, &[Step::load(HIGH)]);
    let words = [
        raw::L4_TASK_MAP_OP,
        HIGH | raw::L4_ITEM_MAP | raw::L4_MAP_ITEM_GRANT,
        Fpage::memory(page, 12, raw::L4_FPAGE_RW).0,
        raw::L4_ITEM_MAP,
        Fpage::object(w.task.index(), raw::L4_CAP_FPAGE_RWSD).0,
    ];
    super::parts::ask(w, "grant", task, MsgTag::new(raw::L4_PROTO_TASK, 3, 1, 0), &words);
    t.start();
    w.settle();
    fact!("step0: done {}, reads {}", t.done(0), t.word(0, RESULT + 1));
    access(w, page);
}

fn again(w: &World<'_>, rights: u32) {
    let page = taken_page(w);
    give_page(w, page, raw::L4_FPAGE_RW);
    give_page(w, page, rights);
    access(w, page);
}

/// The page of UTCBs cannot be mapped elsewhere.
fn ku_source(w: &World<'_>) {
    run(w, &[Step::UNDEFINED]);
    let utcbs = crate::world::UTCBS;
    let result = w.task.map(&w.k, w.task, Fpage::memory(utcbs, 12, raw::L4_FPAGE_RW), HIGH, 0);
    fact!("map: {}", crate::world::code_of(&result));
    show::event(w, w.next().as_ref());
    let t = run(w, &[Step::load(HIGH)]);
    show::event(w, w.next().as_ref());
    show_steps(w, &t, 1);
}

fn ku_target(w: &World<'_>) {
    let page = data::page(data::FIRST_FREE);
    data::write(page, 0x77);
    let utcbs = crate::world::UTCBS;
    let result = w.task.map(&w.k, OWN_TASK, Fpage::memory(page, 12, raw::L4_FPAGE_RW), utcbs + 0x1000, 0);
    fact!("map onto UTCBs: {}", crate::world::code_of(&result));
    let t = run(w, &[Step::load(utcbs + 0x1000)]);
    show::event(w, w.next().as_ref());
    fact!("step0: done {}, page: {}", t.done(0), t.word(0, RESULT + 1) == 0x77);
    unmap(w, w.task, Fpage::memory(utcbs, 12, raw::L4_FPAGE_RWX), SELF);
    let t = run(w, &[Step::REGISTERS]);
    fact!("after an unmap of the UTCBs a thread still runs: {}", t.done(0));
}

/// Tells which of some places of a large area can be read and written.
fn probe(w: &World<'_>) {
    for (name, offset) in
        [("first page", 0), ("second page", 0x1000), ("page in another superpage", 0x20_0000)]
    {
        let t = run(w, &[Step::load(HIGH + offset), Step::store(3, HIGH + offset)]);
        let event = w.next();
        let fault = event.as_ref().filter(|e| e.is_fault()).map_or(0, |e| e.mr[0] & 7);
        fact!("{name}: read {}, written {}, fault {fault}", t.done(0), t.done(1));
        OWN_TASK.delete(&w.k, t.cap.index()).expect("deletion of a thread");
        w.settle();
    }
}

fn superpage(w: &World<'_>, taken: Option<(u32, u32)>) {
    let spare = crate::world::spare();
    for at in (0..1 << LARGE_ORDER).step_by(0x10_0000) {
        data::write(spare + at, 0);
    }
    let large = Fpage::memory(spare, LARGE_ORDER, raw::L4_FPAGE_RW);
    w.task.map(&w.k, OWN_TASK, large, HIGH, 0).expect("map");
    match taken {
        None => {}
        Some((SELF, rights)) => unmap(w, w.task, Fpage::memory(HIGH, 12, rights), SELF),
        Some((mask, rights)) => unmap(w, OWN_TASK, Fpage::memory(spare, 12, rights), mask),
    }
    probe(w);
}

/// A page with fewer rights, mapped onto a superpage.
fn superpage_page(w: &World<'_>) {
    let spare = crate::world::spare();
    data::write(spare, 0);
    data::write(spare + 0x20_0000, 0);
    let large = Fpage::memory(spare, LARGE_ORDER, raw::L4_FPAGE_RW);
    w.task.map(&w.k, OWN_TASK, large, HIGH, 0).expect("map");
    w.task.map(&w.k, OWN_TASK, Fpage::memory(spare, 12, raw::L4_FPAGE_RO), HIGH, 0).expect("map");
    probe(w);
}
