//! Exceptions: what a handler is told, word by word, and what its answer changes.

use thaw_l4::{CapIndex, MsgTag, Op, Selector, raw};
use thaw_rt::println;

use super::parts::{NO_WAITING, SLEEP, run, show_steps};
use crate::{
    Runner, data, fact, show,
    step::{RESULT, Step},
    world::{BACKGROUND, CHILD, Child, Event, OWN_THREAD, World},
};

const TRIGGER: u32 = raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION;
const CANCEL: u32 = raw::L4_THREAD_EX_REGS_CANCEL;
/// An address that only the kernel may use.
const KERNEL_ADDRESS: u32 = 0xf000_1000;
/// An address with nothing in the MiBs around it.
const FAR_ADDRESS: u32 = 0x7000_0000;
/// Step that a changed frame goes on with.
const NEW_STEP: u32 = 8;
/// Registers as the handler changes them.
const MARK: u32 = 0xa000_0000;

/// All cases.
pub fn run_all(r: &Runner) {
    r.case("triggered before the first instruction", |w| {
        let t = w.thread();
        t.script(&[Step::END]);
        t.ex_regs(Some(w.code.start), Some(t.step(0)), TRIGGER).expect("first ex_regs");
        t.priority(CHILD);
        frame(w);
    });
    r.case("undefined instruction", |w| faulting(w, Step::UNDEFINED));
    for r5 in [2, 3, 0x1000, !0] {
        r.case(format_args!("svc with r5 = {r5:#x}"), |w| faulting(w, Step::svc(r5)));
    }
    r.case("load from a kernel address", |w| faulting(w, Step::load(KERNEL_ADDRESS)));
    r.case("store to a kernel address", |w| faulting(w, Step::store(1, KERNEL_ADDRESS)));
    r.case("jump to a kernel address", |w| faulting(w, Step::jump(KERNEL_ADDRESS)));
    r.case("load where a page was taken, refused", |w| {
        let page = data::page(data::FIRST_FREE);
        super::take_page(w, page);
        refused(w, Step::load(page));
    });
    r.case("load far from all pages, refused", |w| refused(w, Step::load(FAR_ADDRESS)));
    r.case("store far from all pages, refused", |w| refused(w, Step::store(1, FAR_ADDRESS)));
    r.case("VFP store to an address that is not aligned", |w| {
        faulting(w, Step::vfp_publish(data::page(data::FIRST_FREE) + 2));
    });
    r.case("virtual timer read in user mode", |w| faulting(w, Step::VIRTUAL_TIMER));
    r.case("physical timer read in user mode", |w| faulting(w, Step::PHYSICAL_TIMER));
    for words in [0, 1, 19, 20, 21, 22, 23, 63] {
        r.case(format_args!("answered by {words} words"), |w| answered(w, 0, words));
    }
    for protocol in [-1, 1, -5] {
        r.case(format_args!("answered by a frame with protocol {protocol}"), |w| {
            answered(w, protocol, w.frame_words());
        });
    }
    r.case("answered by a send to the thread", answered_by_send);
    r.case("three at one handler, answered in another order", any_order);
    for psr in [0, 0xf800_0110, 0x11f, 0x113, 0x1d3, 0x310, 0x0100_0110, 0x0600_fd10] {
        r.case(format_args!("answered with cpsr {psr:#x}"), |w| status(w, psr));
    }
    r.case("answered with the Thumb bit", thumb);
    r.case("registers of the UTCB survive an exception", |w| utcb_survives(w, Step::UNDEFINED));
    r.case("registers of the UTCB survive a page fault", |w| {
        let page = data::page(data::FIRST_FREE + 2);
        super::take_page(w, page);
        utcb_survives(w, Step::store(1, page));
    });
    r.case("handler that is no slot", |w| no_handler(w, None));
    r.case("handler in an empty slot", |w| no_handler(w, Some(CapIndex(0x77))));
    r.case("handler gate without rights", |w| handler_rights(w, raw::L4_CAP_FPAGE_R));
    r.case("handler gate with right W", |w| handler_rights(w, raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W));
    r.case("handler that is a thread", handler_thread);
    r.case("handler that is an IRQ", handler_irq);
    r.case("queued exception cancelled", |w| queued(w, CANCEL));
    r.case("queued exception triggered again", |w| queued(w, TRIGGER));
    r.case("queued exception cancelled and triggered", |w| queued(w, CANCEL | TRIGGER));
    r.case("trigger right after the answer", trigger_after_answer);
    r.case("handler changed while an exception waits", handler_changed);
    r.case("TPIDRURO by the thread operation and by the frame", tpidruro);
    r.case("trigger during a call answered by a child", trigger_in_call);
    r.case("stopped and continued many times", many_stops);
}

/// Name of a fault status. The kernels tell it as long descriptors encode it, also where page tables have
/// short ones (bit 9 is clear then). The level, in the low two bits, follows the table and is left out.
fn status_name(err: u32) -> &'static str {
    match err & 0x3f {
        0 => "none",
        0x04..=0x07 => "translation",
        0x0c..=0x0f => "permission",
        0x21 => "alignment",
        _ => "other",
    }
}

/// Shows all words of the exception that waits for root; returns them.
fn frame(w: &World<'_>) -> Option<Event> {
    let event = w.next();
    let Some(e) = event.filter(Event::is_exception) else {
        fact!("root: no exception arrives");
        return None;
    };
    show::exception(w, &e);
    let at = |i: u32| e.mr[i as usize];
    let err = at(raw::THAW_EXC_ERR);
    let class = err >> raw::THAW_ERR_CLASS_SHIFT;
    let is_fault = matches!(class, raw::THAW_ERR_CLASS_DATA_ABORT | raw::THAW_ERR_CLASS_PREFETCH_ABORT);
    if is_fault {
        let write = if err & 0x40 != 0 { "write" } else { "no write" };
        // No fact: the level differs between boards.
        println!("err={err:#x}");
        fact!("pfa={} status {} {write}", show::Address(at(0)), status_name(err));
    } else {
        fact!("err={err:x}");
    }
    fact!("r0={} r6-r12={}", show::Address(at(2)), show::Words(&e.mr[8..15]));
    let tls = at(raw::THAW_EXC_TPIDRURO);
    fact!(
        "lr={:x} tpidruro is {}",
        at(raw::THAW_EXC_LR),
        if tls & 0xfff < 0x400 { "the UTCB" } else { "another" }
    );
    Some(e)
}

fn unchanged(w: &World<'_>, e: &Event) {
    show::replied(&w.reply(0, &e.mr[..w.frame_words() as usize]));
    w.settle();
}

fn faulting(w: &World<'_>, step: Step) {
    let t = run(w, &[step]);
    let Some(e) = frame(w) else { return show_steps(w, &t, 1) };
    // Goes on behind the step.
    let words = w.frame_words() as usize;
    let mut mr = e.mr;
    mr[raw::THAW_EXC_PC as usize] = w.code.new;
    mr[raw::THAW_EXC_SP as usize] = t.step(NEW_STEP);
    show::replied(&w.reply(0, &mr[..words]));
    w.settle();
    fact!("step0: done {}, step8: done {}", t.done(0), t.done(NEW_STEP));
}

/// A page fault that is refused, in the way of either revision, and so becomes an exception.
fn refused(w: &World<'_>, step: Step) {
    let t = run(w, &[step]);
    show::event(w, w.next().as_ref());
    show::replied(&w.reply(-1, &[!0]));
    frame(w);
    fact!("step0: done {}", t.done(0));
}

/// A thread that waits in its first exception, and that exception.
fn stopped<'w, 'g>(w: &'w World<'g>) -> (Child<'w, 'g>, Event) {
    let t = w.thread();
    t.script(&[Step::END]);
    t.ex_regs(Some(w.code.start), Some(t.step(0)), TRIGGER).expect("first ex_regs");
    t.priority(CHILD);
    let e = w.next().expect("the exception of a thread that was triggered");
    (t, e)
}

/// The frame with every register replaced.
fn marked(w: &World<'_>, t: &Child<'_, '_>, e: &Event) -> [u32; 63] {
    let mut mr = e.mr;
    (0..13).for_each(|i| mr[2 + i] = MARK + i as u32);
    mr[raw::THAW_EXC_SP as usize] = t.step(NEW_STEP);
    mr[raw::THAW_EXC_LR as usize] = MARK + 14;
    mr[raw::THAW_EXC_PC as usize] = w.code.new;
    mr[raw::THAW_EXC_TPIDRURO as usize] = MARK + 20;
    mr
}

fn replaced(t: &Child<'_, '_>) {
    let at = |i: u32| t.word(NEW_STEP, RESULT + 1 + i);
    // The interpreter itself uses r0, r6 and lr while it records.
    let kept = (0..13).filter(|i| at(*i) == MARK + *i).count();
    fact!(
        "step0: done {}, step8: done {}, {kept} of r0-r12 and lr {}",
        t.done(0),
        t.done(NEW_STEP),
        at(14) == MARK + 14
    );
}

fn answered(w: &World<'_>, protocol: i32, words: u32) {
    let (t, e) = stopped(w);
    let mr = marked(w, &t, &e);
    show::replied(&w.reply(protocol, &mr[..words as usize]));
    show::event(w, w.next().as_ref());
    replaced(&t);
}

fn send_frame(w: &World<'_>, t: &Child<'_, '_>, mr: &[u32]) {
    w.set_words(mr);
    let tag = MsgTag::new(0, mr.len() as u32, 0, raw::L4_MSGTAG_SCHEDULE);
    let e = w.event(w.ipc(t.cap.select(Op::SEND), tag, NO_WAITING));
    fact!("root sends to t{}: error={}", t.n, show::Failure(e.tag, e.error));
}

fn answered_by_send(w: &World<'_>) {
    let (t, e) = stopped(w);
    let mr = marked(w, &t, &e);
    send_frame(w, &t, &mr[..w.frame_words() as usize]);
    w.settle();
    replaced(&t);
    fact!("a reply after that");
    show::replied(&w.reply(0, &[]));
}

fn any_order(w: &World<'_>) {
    let all = [stopped(w), stopped(w), stopped(w)];
    for n in [1, 2, 0] {
        let (t, e) = &all[n];
        let mr = marked(w, t, e);
        send_frame(w, t, &mr[..w.frame_words() as usize]);
        w.settle();
        replaced(t);
    }
}

fn status(w: &World<'_>, psr: u32) {
    let (t, e) = stopped(w);
    let mut mr = e.mr;
    mr[raw::THAW_EXC_CPSR as usize] = psr;
    mr[raw::THAW_EXC_PC as usize] = w.code.undef;
    show::replied(&w.reply(0, &mr[..w.frame_words() as usize]));
    let again = w.next();
    match again {
        Some(e) if e.is_exception() => fact!("cpsr={:x}", e.mr[raw::THAW_EXC_CPSR as usize]),
        _ => show::event(w, again.as_ref()),
    }
    fact!("step0: done {}", t.done(0));
}

/// A loop of one Thumb instruction in a page of its own.
fn thumb(w: &World<'_>) {
    let page = data::page(data::FIRST_FREE);
    data::write(page, 0xe7fe_e7fe);
    super::give_page(w, page, raw::L4_FPAGE_RWX);
    let (t, e) = stopped(w);
    t.priority(BACKGROUND);
    let mut mr = e.mr;
    mr[raw::THAW_EXC_CPSR as usize] = 0x30;
    mr[raw::THAW_EXC_PC as usize] = page + 2;
    show::replied(&w.reply(0, &mr[..w.frame_words() as usize]));
    w.let_run();
    t.ex_regs(None, None, TRIGGER).expect("trigger");
    w.let_run();
    match w.poll_with(0, &[]) {
        Some(e) if e.is_exception() => {
            let pc = show::Address(e.mr[raw::THAW_EXC_PC as usize]);
            fact!("cpsr={:x} pc={pc}", e.mr[raw::THAW_EXC_CPSR as usize]);
        }
        other => show::event(w, other.as_ref()),
    }
}

fn utcb_survives(w: &World<'_>, step: Step) {
    let page = data::page(data::FIRST_FREE);
    let t = w.thread();
    t.script(&[Step::utcb_fill(0x5500), step, Step::utcb_publish(page), Step::END]).start();
    let Some(e) = w.next() else { return show::event(w, None) };
    show::event(w, Some(&e));
    if e.is_exception() {
        let mut mr = e.mr;
        mr[raw::THAW_EXC_PC as usize] = w.code.undef + 4;
        show::replied(&w.reply(0, &mr[..w.frame_words() as usize]));
    } else {
        super::give_page(w, data::page(data::FIRST_FREE + 2), raw::L4_FPAGE_RW);
        show::replied(&w.reply(0, &[]));
    }
    w.settle();
    let differ = |from: u32, to: u32| (from..to).filter(|i| data::read(page + 4 * i) != 0x5500 + i).count();
    fact!("done {}: {} message and {} buffer registers differ", t.done(2), differ(0, 63), differ(64, 123));
}

fn no_handler(w: &World<'_>, handler: Option<CapIndex>) {
    let t = w.thread_with(w.task, handler);
    t.script(&[Step::UNDEFINED, Step::END]).start();
    w.settle();
    show::event(w, w.poll_with(0, &[]).as_ref());
    let old = t.ex_regs(None, None, 0);
    show::old_registers(w, &old);
    let again = t.ex_regs(Some(w.code.new), Some(t.step(NEW_STEP)), CANCEL);
    show::old_registers(w, &again);
    w.settle();
    fact!("step0: done {}, step8: done {}", t.done(0), t.done(NEW_STEP));
}

fn handler_rights(w: &World<'_>, rights: u32) {
    let gate = w.give_with(w.gate(OWN_THREAD, 0xdd0), rights, 0);
    let t = w.thread_with(w.task, Some(gate));
    t.script(&[Step::UNDEFINED, Step::END]).start();
    let Some(e) = w.next() else { return show::event(w, None) };
    show::event(w, Some(&e));
    let mr = marked(w, &t, &e);
    show::replied(&w.reply(0, &mr[..w.frame_words() as usize]));
    w.settle();
    replaced(&t);
}

fn handler_thread(w: &World<'_>) {
    let t = w.thread_with(w.task, Some(w.give(OWN_THREAD)));
    t.script(&[Step::UNDEFINED, Step::END]).start();
    let Some(e) = w.next() else { return show::event(w, None) };
    show::event(w, Some(&e));
    unchanged(w, &e);
}

/// An IRQ object answers at once that it does not know the protocol: the instruction is tried for ever.
fn handler_irq(w: &World<'_>) {
    let irq = crate::world::FACTORY.create_irq(&w.k, w.slot()).expect("irq");
    let t = w.thread_with(w.task, Some(w.give(irq)));
    t.script(&[Step::UNDEFINED, Step::END]).start_at(BACKGROUND);
    w.let_run();
    show::event(w, w.poll_with(0, &[]).as_ref());
    let result = t.ex_regs(Some(w.code.new), Some(t.step(NEW_STEP)), CANCEL);
    show::old_registers(w, &result);
    w.let_run();
    fact!("step0: done {}, step8: done {}", t.done(0), t.done(NEW_STEP));
}

/// An exception that nobody has received yet.
fn queued(w: &World<'_>, flags: u32) {
    let t = run(w, &[Step::UNDEFINED]);
    let result = t.ex_regs(Some(w.code.new), Some(t.step(NEW_STEP)), flags);
    show::old_registers(w, &result);
    for _ in 0..2 {
        let event = w.next();
        show::event(w, event.as_ref());
        if let Some(e) = event {
            let mut mr = e.mr;
            mr[raw::THAW_EXC_PC as usize] = w.code.new;
            mr[raw::THAW_EXC_SP as usize] = t.step(NEW_STEP);
            show::replied(&w.reply(0, &mr[..w.frame_words() as usize]));
        }
    }
    fact!("step0: done {}, step8: done {}", t.done(0), t.done(NEW_STEP));
}

/// The thread has not run since its exception was answered.
fn trigger_after_answer(w: &World<'_>) {
    for flags in [TRIGGER, CANCEL | TRIGGER] {
        let (t, e) = stopped(w);
        show::replied(&w.reply(0, &e.mr[..w.frame_words() as usize]));
        let result = t.ex_regs(None, None, flags);
        show::old_registers(w, &result);
        show::event(w, w.next().as_ref());
        fact!("step0: done {}", t.done(0));
    }
}

fn handler_changed(w: &World<'_>) {
    let other = w.give(w.gate(OWN_THREAD, 0xee0));
    let t = run(w, &[Step::UNDEFINED, SLEEP]);
    let set = thaw_l4::ThreadControl { exc_handler: Some(other), ..thaw_l4::ThreadControl::default() };
    let old = t.cap.control(&w.k, set);
    fact!("old handler: {}", old.map_or(-1, |slot| slot.0 as i32));
    let Some(e) = w.next() else { return show::event(w, None) };
    show::event(w, Some(&e));
    let mut mr = e.mr;
    mr[raw::THAW_EXC_PC as usize] = w.code.undef;
    show::replied(&w.reply(0, &mr[..w.frame_words() as usize]));
    show::event(w, w.next().as_ref());
}

fn tpidruro(w: &World<'_>) {
    let (t, e) = stopped(w);
    t.script(&[Step::REGISTERS, Step::UNDEFINED, Step::END]);
    t.cap.set_tpidruro(&w.k, 0x7157_0002).expect("operation 0x10");
    let mut mr = e.mr;
    mr[raw::THAW_EXC_TPIDRURO as usize] = 0x7157_0003;
    show::replied(&w.reply(0, &mr[..1]));
    let event = w.next();
    fact!("set while it was stopped, short answer: {:x}", t.word(0, RESULT + 1));
    let Some(e) = event else { return show::event(w, None) };
    fact!("in the next frame: {:x}", e.mr[raw::THAW_EXC_TPIDRURO as usize]);
    let mut mr = e.mr;
    mr[raw::THAW_EXC_TPIDRURO as usize] = 0x7157_0004;
    mr[raw::THAW_EXC_PC as usize] = w.code.start;
    mr[raw::THAW_EXC_SP as usize] = t.step(0);
    show::replied(&w.reply(0, &mr[..w.frame_words() as usize]));
    w.settle();
    fact!("after an answer with the whole frame: {:x}", t.word(0, RESULT + 1));
}

fn trigger_in_call(w: &World<'_>) {
    let s = run(w, &[super::parts::WAIT, SLEEP, super::parts::reply()]);
    let gate = w.give(w.gate(s.cap, 0xbb0));
    let t = run(w, &[super::parts::call(gate, 1)]);
    t.ex_regs(None, None, TRIGGER).expect("trigger");
    fact!("triggered; step0: done {}", t.done(0));
    s.wake();
    let e = w.next();
    show::event(w, e.as_ref());
    if let Some(e) = e {
        unchanged(w, &e);
    }
    show_steps(w, &t, 1);
}

fn many_stops(w: &World<'_>) {
    let (t, e) = stopped(w);
    t.script(&[Step::invoke(Selector::nobody(Op::WAIT), MsgTag::new(0x22, 1, 0, 0)), Step::END]);
    show::replied(&w.reply(0, &e.mr[..w.frame_words() as usize]));
    w.settle();
    for _ in 0..20 {
        t.ex_regs(None, None, CANCEL | TRIGGER).expect("stop");
        let Some(e) = w.next().filter(Event::is_exception) else { return show::event(w, None) };
        let mut mr = e.mr;
        mr[raw::THAW_EXC_PC as usize] -= w.code.call_bytes;
        mr[raw::THAW_EXC_R0 as usize] &= !raw::L4_MSGTAG_ERROR;
        let answer = w.reply(0, &mr[..w.frame_words() as usize]);
        assert!(!answer.tag.has_error(), "a stopped thread takes its frame");
        w.settle();
    }
    super::parts::poke(w, &t);
    show_steps(w, &t, 1);
}
