//! Printing facts: lines that begin with a bar, the same on every kernel that behaves the same.
//!
//! Addresses appear as the names of what lies there, never as numbers.

use core::fmt;

use thaw_l4::{MsgTag, OldExRegs, Result, raw};

use crate::{
    code::pattern,
    data,
    step::{RESULT, STEPS, WORDS},
    world::{Child, Event, World, code_of},
};

/// Mode bits of cpsr, and user mode.
const MODE: u32 = 0x1f;
const USER_MODE: u32 = 0x10;

/// Prints a fact.
#[macro_export]
macro_rules! fact {
    ($($arg:tt)*) => { ::thaw_rt::println!("| {}", ::core::format_args!($($arg)*)) };
}

/// A tag in its parts: protocol, words, items, flags.
pub struct Tag(pub MsgTag);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}w{}i", self.0.label(), self.0.words(), self.0.items())?;
        let flags = self.0.0 & 0xf000;
        if flags != 0 { write!(f, "+{flags:x}") } else { Ok(()) }
    }
}

/// The error of an answer, or "none".
pub struct Failure(pub MsgTag, pub u32);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.has_error() { write!(f, "{:#x}", self.1) } else { f.write_str("none") }
    }
}

/// A stack pointer: the step it names, or a number.
pub struct Stack(pub u32);

impl fmt::Display for Stack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.0.wrapping_sub(data::page(0));
        let (page, step) = (offset / 4096, offset % 4096 / (WORDS * 4));
        if page < data::FIRST_FREE && offset.is_multiple_of(WORDS * 4) && step < STEPS {
            return write!(f, "step{step}");
        }
        write!(f, "{:#x}", self.0)
    }
}

/// An address in the shared area by page, or a number.
pub struct Address(pub u32);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let offset = self.0.wrapping_sub(data::page(0));
        if offset < data::PAGES * 4096 {
            return write!(f, "page{}+{:#x}", offset / 4096, offset % 4096);
        }
        write!(f, "{:#x}", self.0)
    }
}

/// The first words of a message.
pub struct Words<'a>(pub &'a [u32]);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, word) in self.0.iter().enumerate() {
            write!(f, "{}{word:x}", if i == 0 { "" } else { " " })?;
        }
        f.write_str("]")
    }
}

/// What ex_regs returned.
pub fn old_registers(w: &World<'_>, result: &Result<OldExRegs>) {
    match result {
        Ok(old) => fact!("ex_regs: 0 ip={} sp={}", w.code.place(old.ip), Stack(old.sp)),
        Err(_) => fact!("ex_regs: {}", code_of(result)),
    }
}

/// A message that arrived at root, or that nothing did.
pub fn event(w: &World<'_>, event: Option<&Event>) {
    let Some(e) = event else {
        fact!("root: nothing arrives");
        return;
    };
    if e.is_exception() {
        return exception(w, e);
    }
    if e.is_fault() {
        let flags = e.mr[0] & 7;
        let at = Address(e.mr[0] & !7);
        fact!(
            "root: fault {at} flags={flags} pc={} label={:#x} {}",
            w.code.place(e.mr[1]),
            e.label,
            Tag(e.tag)
        );
        return;
    }
    let used = (e.tag.words() + 2 * e.tag.items()).min(8) as usize;
    let failure = Failure(e.tag, e.error);
    fact!("root: message {} label={:#x} error={failure} {}", Tag(e.tag), e.label, Words(&e.mr[..used]));
}

/// An exception, without its general registers.
pub fn exception(w: &World<'_>, e: &Event) {
    let frame = &e.mr[..w.frame_words() as usize];
    if frame[raw::THAW_EXC_CPSR as usize] & MODE != USER_MODE {
        return fact!("root: exception of a thread that is not in user mode, {}", Tag(e.tag));
    }
    let class = frame[raw::THAW_EXC_ERR as usize] >> raw::THAW_ERR_CLASS_SHIFT;
    fact!(
        "root: exception {} label={:#x} class={class:#x} pc={} sp={} r0={} r4={:x} cpsr={:x}",
        Tag(e.tag),
        e.label,
        w.code.place(frame[raw::THAW_EXC_PC as usize]),
        Stack(frame[raw::THAW_EXC_SP as usize]),
        Address(frame[2]),
        frame[6],
        frame[raw::THAW_EXC_CPSR as usize]
    );
}

/// What a reply of root came to.
pub fn replied(e: &Event) {
    fact!("root: reply error={}", Failure(e.tag, e.error));
}

/// What step `n` of a child found.
pub fn step(w: &World<'_>, child: &Child<'_, '_>, n: u32) {
    let name = Name(child, n);
    let done = child.done(n);
    if done == 0 {
        fact!("{name}: not done");
        return;
    }
    let at = |i: u32| child.word(n, RESULT + 1 + i);
    let tag = MsgTag(at(0));
    let mark = if at(24) == 2 { "new" } else { "after" };
    let again = if done > 1 { " again" } else { "" };
    let mut first = [0; 4];
    first.iter_mut().zip(0..).for_each(|(word, i)| *word = at(16 + i));
    fact!(
        "{name}: {mark}{again} r0={:#x} ({}) r4={:#x} error={} {} {}",
        tag.0,
        Tag(tag),
        at(4),
        Failure(tag, at(15)),
        Words(&first),
        Registers { w, child, n }
    );
}

/// A child's step as lines begin.
pub struct Name<'c, 'w, 'g>(pub &'c Child<'w, 'g>, pub u32);

impl fmt::Display for Name<'_, '_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{} step{}", self.0.n, self.1)
    }
}

/// Registers that a system call should not change, if one did.
struct Registers<'a, 'w, 'g> {
    w: &'a World<'g>,
    child: &'a Child<'w, 'g>,
    n: u32,
}

impl fmt::Display for Registers<'_, '_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { w, child, n } = *self;
        let at = |i: u32| child.word(n, RESULT + 1 + i);
        let mut changed = false;
        for i in [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12] {
            let before = match i {
                2 => child.word(n, 2),
                3 => child.word(n, 3),
                5 => 0,
                _ => pattern(i),
            };
            if at(i) != before {
                changed = true;
                write!(f, "r{i}={:x} ", at(i))?;
            }
        }
        if at(13) != child.step(n) {
            write!(f, "sp={} ", Stack(at(13)))?;
        }
        let lr = at(14);
        match lr {
            0x0e0e_0e0e => f.write_str("lr kept")?,
            _ if lr == w.code.after => f.write_str("lr=after-call")?,
            _ => write!(f, "lr={lr:x}")?,
        }
        if changed { Ok(()) } else { f.write_str(" others kept") }
    }
}
