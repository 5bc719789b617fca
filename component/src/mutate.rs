//! Deliberate damage to the restored state. **For tests only**: it shows that the demonstration fails
//! when a restore does not restore everything.

use core::fmt;

use thaw_l4::{Op, Selector, Timeout, raw};
use thaw_protocol::{Activity, activity_kind};

use crate::service::ThreadState;

/// What is damaged.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutation {
    /// Memory is restored, but the first thread starts at the program's entry.
    Entry,
    /// r4-r11 of all threads are zero.
    Callee,
    /// All VFP registers of all threads are zero.
    Vfp,
    /// The UTCBs are not restored.
    Utcb,
    /// TPIDRURO of all threads is zero.
    Tls,
    /// One page of the largest dataspace stays zero.
    Page,
    /// Waits are not repeated: they end as cancelled.
    Rewind,
    /// Sleeps have no time left.
    Timeout,
    /// Threads that wait after an answer or a send do that again.
    Twice,
    /// Calls whose request was delivered are made again.
    Link,
    /// Queued messages lose what their tags say.
    Tag,
    /// Pending triggers of IRQ objects are lost.
    Irq,
    /// Absolute timeouts are what they were by the kernel's clock.
    Clock,
    /// The program's own clock begins anew.
    Back,
    /// Capabilities have all rights that the program could have.
    Rights,
}

impl Mutation {
    /// All names, for messages.
    pub const NAMES: &'static str =
        "entry, callee, vfp, utcb, tls, page, rewind, timeout, twice, link, tag, irq, clock, back or rights";

    /// The mutation with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "entry" => Self::Entry,
            "callee" => Self::Callee,
            "vfp" => Self::Vfp,
            "utcb" => Self::Utcb,
            "tls" => Self::Tls,
            "page" => Self::Page,
            "rewind" => Self::Rewind,
            "timeout" => Self::Timeout,
            "twice" => Self::Twice,
            "link" => Self::Link,
            "tag" => Self::Tag,
            "irq" => Self::Irq,
            "clock" => Self::Clock,
            "back" => Self::Back,
            "rights" => Self::Rights,
            _ => return None,
        })
    }

    /// Damages the state of thread `index`. `entry` are first instruction and stack pointer of the program.
    pub fn apply(self, index: u32, state: &mut ThreadState, entry: (u32, u32)) {
        match self {
            Self::Entry if index == 0 => {
                let thumb = if entry.0 & 1 != 0 { 0x20 } else { 0 };
                *state = ThreadState::ZERO;
                state.frame.set_pc(entry.0 & !1);
                state.frame.set_reg(13, entry.1);
                state.frame.0[raw::THAW_EXC_CPSR as usize] = USER_MODE | thumb;
            }
            Self::Callee => (4..=11).for_each(|n| state.frame.set_reg(n, 0)),
            Self::Vfp => state.vfp = thaw_l4::Vfp::ZERO,
            Self::Utcb => state.utcb.fill(0),
            Self::Tls => state.frame.0[raw::THAW_EXC_TPIDRURO as usize] = 0,
            Self::Entry | Self::Page | Self::Irq | Self::Clock | Self::Back | Self::Rights => {}
            Self::Rewind | Self::Timeout | Self::Twice | Self::Link | Self::Tag => {}
        }
    }

    /// Damages the state of a thread in a system call whose code takes `bytes`.
    pub fn apply_to_call(self, state: &mut ThreadState, bytes: u32) {
        let ThreadState { activity, frame, .. } = state;
        let waits = matches!(
            activity.kind,
            activity_kind::RECEIVE | activity_kind::OPEN_WAIT | activity_kind::IRQ_WAIT
        );
        let done = matches!(Selector(activity.selector).op(), Op::REPLY_AND_WAIT | Op::SEND_AND_WAIT);
        match self {
            Self::Rewind if waits => {
                frame.set_pc(frame.pc() + bytes);
                frame.set_reg(0, frame.reg(0) | raw::L4_MSGTAG_ERROR);
            }
            Self::Timeout if activity.kind == activity_kind::RECEIVE => {
                activity.timeouts = activity.timeouts & !0xffff | u32::from(Timeout::ZERO.0);
                frame.set_reg(3, activity.timeouts);
            }
            Self::Twice if activity.kind == activity_kind::OPEN_WAIT && done => {
                frame.set_reg(2, activity.selector);
            }
            Self::Link if activity.kind == activity_kind::CALL_DELIVERED => *activity = Activity::USER,
            Self::Tag if activity.kind == activity_kind::SEND_QUEUED => {
                activity.tag = 0;
                frame.set_reg(0, 0);
            }
            _ => {}
        }
    }
}

/// User mode in cpsr.
const USER_MODE: u32 = 0x10;

impl fmt::Display for Mutation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entry => "first thread starts at the program's entry",
            Self::Callee => "r4-r11 are zero",
            Self::Vfp => "vfp registers are zero",
            Self::Utcb => "utcbs are not restored",
            Self::Tls => "tpidruro is zero",
            Self::Page => "one page is not restored",
            Self::Rewind => "waits are not repeated",
            Self::Timeout => "sleeps have no time left",
            Self::Twice => "what was answered or sent is so again",
            Self::Link => "calls that were delivered are made again",
            Self::Tag => "queued messages have an empty tag",
            Self::Irq => "pending irqs are lost",
            Self::Clock => "absolute timeouts are not moved",
            Self::Back => "the clock begins anew",
            Self::Rights => "capabilities have all rights",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> ThreadState {
        let mut state = ThreadState::ZERO;
        state.frame.0.fill(0x1234_5610);
        state.vfp.d.fill(7);
        state.vfp.fpscr = 8;
        state.utcb.fill(9);
        state
    }

    #[test]
    fn each_damages_what_it_names_and_nothing_else() {
        for name in ["entry", "callee", "vfp", "utcb", "tls", "page"] {
            let mutation = Mutation::from_name(name).expect("listed");
            assert!(Mutation::NAMES.contains(name));
            let mut state = full();
            mutation.apply(1, &mut state, (0x100_0001, 0x200));
            let changed = (
                (4..=11).any(|n| state.frame.reg(n) == 0),
                state.frame.tpidruro() == 0,
                state.vfp != full().vfp,
                state.utcb != full().utcb,
            );
            let expected = (name == "callee", name == "tls", name == "vfp", name == "utcb");
            assert_eq!(changed, expected, "{name}");
            assert_eq!(state.frame.pc(), full().frame.pc(), "{name}");
        }
    }

    #[test]
    fn calls_are_damaged_according_to_their_kind() {
        let waiting = |kind, selector| {
            let mut state = full();
            state.activity = Activity { kind, selector, tag: 7, ..Activity::USER };
            state
        };
        let damaged = |mutation: Mutation, mut state: ThreadState| {
            mutation.apply_to_call(&mut state, 8);
            state
        };
        let sleep = waiting(activity_kind::RECEIVE, 0x802);
        assert_eq!(damaged(Mutation::Rewind, sleep).frame.pc(), sleep.frame.pc() + 8);
        assert_eq!(damaged(Mutation::Timeout, sleep).frame.reg(3) & 0xffff, 0x400);
        let answered = waiting(activity_kind::OPEN_WAIT, 0x80f);
        assert_eq!(damaged(Mutation::Twice, answered).frame.reg(2), 0x80f);
        let call = waiting(activity_kind::CALL_DELIVERED, 0x20_0003);
        assert_eq!(damaged(Mutation::Link, call).activity, Activity::USER);
        let queued = waiting(activity_kind::SEND_QUEUED, 0x20_0003);
        assert_eq!(damaged(Mutation::Tag, queued).frame.reg(0), 0);
        for mutation in [Mutation::Timeout, Mutation::Twice, Mutation::Link, Mutation::Tag, Mutation::Irq] {
            let running = waiting(activity_kind::USER, 0);
            assert_eq!(damaged(mutation, running), running);
        }
    }

    #[test]
    fn the_entry_is_for_the_first_thread() {
        let mut state = full();
        Mutation::Entry.apply(0, &mut state, (0x100_0001, 0x9000_0000));
        assert_eq!((state.frame.pc(), state.frame.reg(13), state.frame.reg(4)), (0x100_0000, 0x9000_0000, 0));
        assert_eq!(state.frame.cpsr(), 0x30);
    }
}
