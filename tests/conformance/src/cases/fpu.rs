//! VFP state: how it moves with messages, and how it gets lost.

use thaw_l4::{CapIndex, Kernel, MsgTag, Op, Selector, Vfp, raw};

use super::parts::{AT_ONCE, NO_WAITING, SLEEP, WAIT, run};
use crate::{
    Runner, data, fact, show,
    step::Step,
    world::{Child, Event, OWN_THREAD, World},
};

const ACCEPT: u32 = raw::L4_UTCB_INHERIT_FPU;
const FPU: u32 = raw::L4_MSGTAG_TRANSFER_FPU;
const CANCEL: u32 = raw::L4_THREAD_EX_REGS_CANCEL;
const TRIGGER: u32 = raw::L4_THREAD_EX_REGS_TRIGGER_EXCEPTION;
/// Words of the registers d0-d31.
const WORDS: u32 = 64;
const ALL_RIGHTS: u32 = raw::L4_CAP_FPAGE_RWS;

/// How a stopped thread is continued.
#[derive(Clone, Copy)]
enum Back {
    Flag,
    NoFlag,
    Empty,
    Cancel,
    Send,
    Changed,
}

/// All cases.
pub fn run_all(r: &Runner) {
    r.case("a new thread's registers", |w| {
        let t = run(w, &[Step::vfp_publish(publish())]);
        fact!("step0: done {}", t.done(0));
        published(w);
    });
    let backs = [
        ("a frame with the flag", Back::Flag),
        ("a frame without the flag", Back::NoFlag),
        ("an empty answer", Back::Empty),
        ("a cancel", Back::Cancel),
        ("a send of the frame with the flag", Back::Send),
        ("other registers and the flag", Back::Changed),
    ];
    for taken in [true, false] {
        let how = if taken { "taken" } else { "not taken" };
        for (name, back) in backs {
            r.case(format_args!("{how}, continued by {name}"), |w| stopped(w, taken, ALL_RIGHTS, back));
        }
    }
    for rights in [raw::L4_CAP_FPAGE_R, raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W] {
        r.case(format_args!("handler gate with rights {rights:#x}, given back"), |w| {
            stopped(w, true, rights, Back::Flag);
        });
    }
    r.case("taken twice and given back twice", twice);
    r.case("thread that never used the unit, taken and given back", never_used);
    r.case("taken, changed to zero and the thread triggered again", triggered_again);
    for rights in [raw::L4_CAP_FPAGE_R, raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W, ALL_RIGHTS] {
        for accept in [true, false] {
            let how = if accept { "accepted" } else { "not accepted" };
            r.case(format_args!("message with the flag through rights {rights:#x}, {how}"), |w| {
                message(w, rights, accept);
            });
        }
    }
    r.case("message with the flag to a thread", message_to_thread);
    r.case("reply with the flag", reply_with_flag);
    r.case("flag in a call that is cancelled in its send phase", cancelled_send);
    r.case("the unit changes hands", many_owners);
}

/// Page with register contents number `n`.
fn contents(n: u32) -> u32 {
    let page = data::page(data::FIRST_FREE + n);
    (0..WORDS).for_each(|i| data::write(page + 4 * i, value(n, i)));
    data::write(page + 4 * WORDS, fpscr(n));
    page
}

const fn value(n: u32, i: u32) -> u32 {
    0xf000_0000 + n * 0x10_0000 + i
}

const fn fpscr(n: u32) -> u32 {
    0x0080_0000 + (n << 28)
}

/// Page to which children publish their registers.
fn publish() -> u32 {
    data::page(data::FIRST_FREE + 8)
}

/// Says whose registers these are.
fn whose(words: impl Fn(u32) -> u32) -> &'static str {
    let is = |n: u32| (0..WORDS).all(|i| words(i) == value(n, i)) && words(WORDS) == fpscr(n);
    let zero = (0..=WORDS).all(|i| words(i) == 0);
    match (is(1), is(2), is(3)) {
        (true, ..) => "first contents",
        (_, true, _) => "second contents",
        (.., true) => "third contents",
        _ if zero => "zero",
        _ => "something else",
    }
}

fn published(_: &World<'_>) {
    fact!("the thread has {}", whose(|i| data::read(publish() + 4 * i)));
}

fn own(w: &World<'_>) {
    let mut vfp = Vfp::ZERO;
    w.k.vfp_save(&mut vfp);
    fact!("root has {}", whose(|i| if i == WORDS { vfp.fpscr } else { vfp.d[i as usize] }));
}

fn load_own(w: &World<'_>, n: u32) {
    let mut vfp = Vfp::ZERO;
    vfp.d.iter_mut().zip(0..).for_each(|(word, i)| *word = value(n, i));
    vfp.fpscr = fpscr(n);
    w.k.vfp_load(&vfp);
}

/// A thread with the first contents that stops at an undefined instruction, and root with the second.
fn stopping<'w, 'g>(w: &'w World<'g>, handler: CapIndex) -> Child<'w, 'g> {
    let t = w.thread_with(w.task, Some(handler));
    t.script(&[Step::vfp_fill(contents(1)), Step::UNDEFINED, Step::vfp_publish(publish()), Step::END])
        .start();
    load_own(w, 2);
    t
}

fn behind(w: &World<'_>, e: &Event) -> [u32; 63] {
    let mut mr = e.mr;
    mr[raw::THAW_EXC_PC as usize] = w.code.undef + 4;
    mr
}

fn resume(w: &World<'_>, t: &Child<'_, '_>, e: &Event, back: Back) {
    let mr = behind(w, e);
    let words = w.frame_words();
    let frame = &mr[..words as usize];
    match back {
        Back::Flag => show::replied(&w.reply_tag(MsgTag::new(0, words, 0, FPU), frame)),
        Back::NoFlag => show::replied(&w.reply(0, frame)),
        Back::Empty => show::replied(&w.reply(0, &[])),
        Back::Cancel => {
            let result = t.ex_regs(Some(w.code.undef + 4), None, CANCEL);
            show::old_registers(w, &result);
        }
        Back::Send => {
            w.set_words(frame);
            let tag = MsgTag::new(0, words, 0, FPU | raw::L4_MSGTAG_SCHEDULE);
            let e = w.event(w.ipc(t.cap.select(Op::SEND), tag, NO_WAITING));
            fact!("root sends: error={}", show::Failure(e.tag, e.error));
        }
        Back::Changed => {
            load_own(w, 3);
            show::replied(&w.reply_tag(MsgTag::new(0, words, 0, FPU), frame));
        }
    }
    w.settle();
}

fn stopped(w: &World<'_>, taken: bool, rights: u32, back: Back) {
    let handler = w.give_with(w.gate(OWN_THREAD, 0xdd0), rights, 0);
    let t = stopping(w, handler);
    let Some(e) = w.next_with(if taken { ACCEPT } else { 0 }, &[]) else { return show::event(w, None) };
    show::event(w, Some(&e));
    own(w);
    resume(w, &t, &e, back);
    if matches!(back, Back::Empty) && w.is_g() {
        fact!("the instruction was skipped: done {}", t.done(1));
    } else if let (Back::Empty, Some(again)) = (back, w.next()) {
        show::event(w, Some(&again));
        resume(w, &t, &again, Back::NoFlag);
    }
    w.settle();
    published(w);
    fact!("step2: done {}", t.done(2));
    own(w);
}

fn twice(w: &World<'_>) {
    let handler = w.give(w.gate(OWN_THREAD, 0xdd0));
    let t = stopping(w, handler);
    for _ in 0..2 {
        let Some(e) = w.next_with(ACCEPT, &[]) else { return show::event(w, None) };
        own(w);
        let words = w.frame_words();
        let mut mr = e.mr;
        mr[raw::THAW_EXC_PC as usize] = w.code.undef;
        show::replied(&w.reply_tag(MsgTag::new(0, words, 0, FPU), &mr[..words as usize]));
        own(w);
    }
    let Some(e) = w.next_with(0, &[]) else { return show::event(w, None) };
    resume(w, &t, &e, Back::NoFlag);
    published(w);
}

fn never_used(w: &World<'_>) {
    let handler = w.give(w.gate(OWN_THREAD, 0xdd0));
    let t = w.thread_with(w.task, Some(handler));
    t.script(&[Step::UNDEFINED, Step::vfp_publish(publish()), Step::END]).start();
    load_own(w, 2);
    let Some(e) = w.next_with(ACCEPT, &[]) else { return show::event(w, None) };
    own(w);
    resume(w, &t, &e, Back::Flag);
    published(w);
}

fn triggered_again(w: &World<'_>) {
    let handler = w.give(w.gate(OWN_THREAD, 0xdd0));
    let t = stopping(w, handler);
    let Some(e) = w.next_with(ACCEPT, &[]) else { return show::event(w, None) };
    own(w);
    w.k.vfp_load(&Vfp::ZERO);
    let mut mr = e.mr;
    mr[raw::THAW_EXC_PC as usize] = w.code.undef + 4;
    let words = w.frame_words();
    show::replied(&w.reply_tag(MsgTag::new(0, words, 0, FPU), &mr[..words as usize]));
    let again = t.ex_regs(None, None, CANCEL | TRIGGER);
    show::old_registers(w, &again);
    let Some(e) = w.next_with(ACCEPT, &[]) else { return show::event(w, None) };
    show::event(w, Some(&e));
    own(w);
    load_own(w, 3);
    show::replied(&w.reply_tag(MsgTag::new(0, words, 0, FPU), &e.mr[..words as usize]));
    w.settle();
    published(w);
}

/// A sender with the first contents, root as receiver with the second.
fn message(w: &World<'_>, rights: u32, accept: bool) {
    let gate = w.give_with(w.gate(OWN_THREAD, 0xdd0), rights, 0);
    let tag = MsgTag::new(0x11, 0, 0, FPU);
    let send = Step::invoke(gate.select(Op::SEND), tag);
    run(w, &[Step::vfp_fill(contents(1)), send, Step::vfp_publish(publish())]);
    load_own(w, 2);
    let event = w.next_with(if accept { ACCEPT } else { 0 }, &[]);
    show::event(w, event.as_ref());
    own(w);
    w.settle();
    published(w);
}

fn message_to_thread(w: &World<'_>) {
    let to = w.give(OWN_THREAD);
    let send = Step::invoke(to.select(Op::SEND), MsgTag::new(0x11, 0, 0, FPU));
    run(w, &[Step::vfp_fill(contents(1)), send, Step::vfp_publish(publish())]);
    load_own(w, 2);
    show::event(w, w.next_with(ACCEPT, &[]).as_ref());
    own(w);
    w.settle();
    published(w);
}

fn reply_with_flag(w: &World<'_>) {
    let answer = Step::invoke(Selector::nobody(Op::REPLY), MsgTag::new(5, 0, 0, FPU)).timeouts(AT_ONCE);
    let s = run(w, &[Step::vfp_fill(contents(1)), WAIT, answer, SLEEP]);
    let gate = w.give(w.gate(s.cap, 0xbb0));
    let call = Step::invoke(gate.select(Op::CALL), MsgTag::new(0x11, 0, 0, 0)).buffers(ACCEPT, &[]);
    let t = run(w, &[Step::vfp_fill(contents(2)), call, Step::vfp_publish(publish())]);
    fact!("call: done {}", t.done(1));
    published(w);
}

fn cancelled_send(w: &World<'_>) {
    let busy = run(w, &[SLEEP]);
    let send = Step::invoke(w.give(busy.cap).select(Op::CALL), MsgTag::new(0x11, 0, 0, FPU));
    let t = run(w, &[Step::vfp_fill(contents(1)), send, Step::vfp_publish(publish())]);
    t.wake();
    w.settle();
    show::step(w, &t, 1);
    published(w);
}

fn many_owners(w: &World<'_>) {
    let fill = |n| Step::vfp_fill(contents(n));
    let a = run(w, &[fill(1), SLEEP, Step::vfp_publish(publish())]);
    let b = run(w, &[fill(3), SLEEP, Step::vfp_publish(publish())]);
    load_own(w, 2);
    for t in [&a, &b] {
        t.wake();
        w.settle();
        published(w);
    }
    own(w);
}
