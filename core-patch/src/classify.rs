//! What a stopped thread was doing, and the frame with which it continues. Pure.

use l4_sys::{Frame, MsgTag, Op, Revision, Selector, raw};
use thaw_protocol::{Activity, Error, ErrorKind, NO_THREAD, activity_kind};

use crate::set::{Drained, Rest};

/// What the slot named by r2 leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// Nobody in particular.
    Nobody,
    /// A gate of the set.
    Gate { badge: u32, thread: Option<usize> },
    /// An IRQ object of the set.
    Irq { label: u32 },
    /// A semaphore of the set.
    Semaphore,
    /// A thread of the set, by its own capability.
    Thread { index: usize },
    /// Anything else: a server outside, or something the core did not make.
    Outside,
}

/// All that is known of a stopped thread.
pub(crate) struct Stopped<'a> {
    pub(crate) index: usize,
    pub(crate) frame: &'a Frame,
    /// How it came to rest.
    pub(crate) rest: Rest,
    /// Error word of its UTCB.
    pub(crate) utcb_error: u32,
    pub(crate) target: Target,
    /// The instructions before its pc, as many as [`syscall_at`] asks for.
    pub(crate) code: Option<[u32; 2]>,
    /// First message register: the operation of a message to an IRQ object.
    pub(crate) first_word: u32,
}

/// Bytes to go back to repeat the system call that ended at the frame's pc, if the words there are one.
///
/// `code` holds the two words before pc (the word-aligned ones before it in Thumb state).
pub(crate) fn syscall_at(revision: Revision, frame: &Frame, code: Option<[u32; 2]>) -> Result<u32, u32> {
    let Some([first, second]) = code else { return Err(0) };
    if frame.is_thumb() {
        // pc may be on either half of a word: the halfword before it is svc.
        let halfword = if frame.pc() & 2 != 0 { second & 0xffff } else { second >> 16 };
        return match revision.thumb_syscall_bytes() {
            Some(bytes) if halfword & 0xff00 == 0xdf00 => Ok(bytes),
            _ => Err(halfword),
        };
    }
    let matches = match revision {
        // mov lr, pc; mvn pc, #11
        Revision::G => first == 0xe1a0_e00f && second == 0xe3e0_f00b,
        // svc with any condition, which held, and any number, which the kernel does not look at
        Revision::M => second & 0x0f00_0000 == 0x0f00_0000,
    };
    if matches { Ok(revision.syscall_bytes()) } else { Err(second) }
}

/// How a blocked thread may have entered the kernel, as far as its code tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    /// By a system call that can be repeated, or by a fault or exception.
    Known,
    /// By a jump that is none of the system-call sequence, or by a fault of the instruction behind one.
    Unknown,
}

/// Looks at the two words before the pc of a blocked thread, `None` where there is no memory.
///
/// M is entered by `svc` alone. G is entered by any jump to its page: a thread behind a jump that is not the
/// sequence cannot be told from one whose instruction there faults.
pub(crate) fn entry_before(revision: Revision, words: [Option<u32>; 2]) -> Entry {
    let [first, Some(second)] = words else { return Entry::Known };
    let sequence = first == Some(0xe1a0_e00f) && second == 0xe3e0_f00b;
    match revision {
        Revision::M => Entry::Known,
        Revision::G if sequence || !may_jump(second) => Entry::Known,
        Revision::G => Entry::Unknown,
    }
}

/// Whether a thread that is blocked behind these three words is in a receive from nobody: the instruction before
/// the system call sets r2.
pub(crate) fn is_sleep(revision: Revision, words: [Option<u32>; 3]) -> bool {
    match revision {
        Revision::G => words == [Some(Selector::SLEEP_MARK), Some(0xe1a0_e00f), Some(0xe3e0_f00b)],
        Revision::M => words[1..] == [Some(Selector::SLEEP_MARK), Some(0xef00_0000)],
    }
}

/// Whether an ARM instruction can write the pc.
const fn may_jump(word: u32) -> bool {
    let branch = word & 0x0e00_0000 == 0x0a00_0000;
    let branch_to_register = word & 0x0fff_ff10 == 0x012f_ff10;
    let computed = word & 0x0c00_f000 == 0x0000_f000;
    let loaded = word & 0x0c10_f000 == 0x0410_f000 || word & 0x0e10_8000 == 0x0810_8000;
    branch || branch_to_register || computed || loaded
}

/// The activity of a stopped thread and its frame to continue with.
///
/// An error is a thread that cannot be continued as if nothing had happened.
pub(crate) fn classify(revision: Revision, stopped: &Stopped<'_>) -> Result<(Activity, Frame), Error> {
    let tag = MsgTag(stopped.frame.reg(0));
    let aborted = matches!(stopped.utcb_error, raw::L4_IPC_SECANCELED | raw::L4_IPC_RECANCELED);
    match stopped.rest {
        Rest::Trap => return Ok((Activity::USER, *stopped.frame)),
        Rest::Cancelled if !tag.has_error() || !aborted => return Ok((Activity::USER, *stopped.frame)),
        _ => {}
    }
    // Whoever was silent after a completed barrier was blocked, so the pc is behind the instruction that
    // entered the kernel.
    let back = syscall_at(revision, stopped.frame, stopped.code)
        .map_err(|word| ErrorKind::UnknownSyscall.with(stopped.index as u32, stopped.frame.pc(), word))?;
    match stopped.rest {
        Rest::Drained(drained) => resend(stopped, back, drained),
        Rest::Probed => receive_phase(stopped, back, MsgTag::default()),
        Rest::Answered(server) => Ok(answered(stopped, back, server)),
        Rest::Fired => receive_phase(stopped, back, MsgTag::new(raw::L4_PROTO_IRQ, 1, 0, 0)),
        Rest::Down { semaphore, position } => Ok(down_again(stopped, back, semaphore.0, position)),
        _ if stopped.utcb_error == raw::L4_IPC_SECANCELED => send_phase(stopped),
        _ => receive_phase(stopped, back, tag),
    }
}

fn activity(stopped: &Stopped<'_>, kind: u32, tag: MsgTag) -> Activity {
    let (badge, peer) = match stopped.target {
        Target::Gate { badge, thread } => (badge, thread.map_or(NO_THREAD, |t| t as u32)),
        Target::Irq { label } => (label, NO_THREAD),
        Target::Thread { index } => (0, index as u32),
        Target::Nobody | Target::Outside | Target::Semaphore => (0, NO_THREAD),
    };
    let frame = stopped.frame;
    Activity {
        kind,
        selector: frame.reg(2),
        timeouts: frame.reg(3),
        peer,
        badge,
        position: 0,
        tag: tag.0,
        label: 0,
    }
}

fn rewound(frame: &Frame, back: u32, tag: MsgTag) -> Frame {
    let mut again = *frame;
    again.set_pc(frame.pc() - back);
    again.set_reg(0, tag.0);
    again
}

fn receive_phase(stopped: &Stopped<'_>, back: u32, tag: MsgTag) -> Result<(Activity, Frame), Error> {
    let selector = Selector(stopped.frame.reg(2));
    let tag = tag.without_error();
    let again = |kind| Ok((activity(stopped, kind, tag), rewound(stopped.frame, back, tag)));
    match (selector.op(), stopped.target) {
        // The send to an IRQ object acts at once, and to unmask twice is as good as once. Anything else is not
        // sent again.
        (Op::CALL, Target::Irq { .. }) if stopped.first_word != raw::THAW_IRQ_EOI_OP => {
            let mut again = rewound(stopped.frame, back, MsgTag::default());
            again.set_reg(2, selector.with_op(Op::RECEIVE).0);
            Ok((activity(stopped, activity_kind::IRQ_WAIT, MsgTag::default()), again))
        }
        (Op::RECEIVE | Op::CALL, Target::Irq { .. }) => again(activity_kind::IRQ_WAIT),
        (Op::RECEIVE, _) => again(activity_kind::RECEIVE),
        (Op::WAIT, _) => again(activity_kind::OPEN_WAIT),
        // The reply or send is out: repeating it would answer twice, so only the wait is repeated.
        (Op::REPLY_AND_WAIT | Op::SEND_AND_WAIT, _) => {
            let mut again = rewound(stopped.frame, back, MsgTag::default());
            again.set_reg(2, selector.with_op(Op::WAIT).0);
            Ok((activity(stopped, activity_kind::OPEN_WAIT, MsgTag::default()), again))
        }
        // Never sent again: the reply link is staged with a frame made for it.
        (Op::CALL, Target::Gate { .. } | Target::Thread { .. }) => again(activity_kind::CALL_DELIVERED),
        // Its answer is lost. The stop fails and the call is made again.
        // A wait for a semaphore is never aborted, so this one is none that the kernel knows.
        (Op::CALL, Target::Nobody | Target::Outside | Target::Semaphore) => {
            again(activity_kind::CALL_OUTSIDE)
        }
        _ => Err(ErrorKind::UnknownOperation.with(stopped.index as u32, selector.0, 0)),
    }
}

/// A caller whose server was made to answer it: the request was delivered and the server held its reply.
fn answered(stopped: &Stopped<'_>, back: u32, server: usize) -> (Activity, Frame) {
    let tag = MsgTag::default();
    let mut activity = activity(stopped, activity_kind::CALL_DELIVERED, tag);
    activity.peer = server as u32;
    (activity, rewound(stopped.frame, back, tag))
}

/// A thread that waited for a semaphore: it takes its place again and takes nothing.
fn down_again(stopped: &Stopped<'_>, back: u32, semaphore: u32, position: u32) -> (Activity, Frame) {
    let tag = MsgTag::new(raw::L4_PROTO_SEMAPHORE, 1, 0, 0);
    let mut activity = activity(stopped, activity_kind::SEMAPHORE_WAIT, tag);
    (activity.badge, activity.position) = (semaphore, position);
    (activity, rewound(stopped.frame, back, tag))
}

fn send_phase(stopped: &Stopped<'_>) -> Result<(Activity, Frame), Error> {
    let selector = Selector(stopped.frame.reg(2));
    let slot = selector.0 >> raw::L4_CAP_SHIFT;
    // Every queue of the set was drained, so the receiver is none of it, or the gate has no thread; the
    // kernel has forgotten the tag.
    match stopped.target {
        Target::Gate { thread: None, .. } => Err(ErrorKind::UnboundGate.with(stopped.index as u32, slot, 0)),
        Target::Gate { .. } | Target::Thread { .. } => {
            Err(ErrorKind::Cycle.with(stopped.index as u32, slot, 0))
        }
        _ => Err(ErrorKind::OutsideCall.with(stopped.index as u32, slot, 0)),
    }
}

fn resend(stopped: &Stopped<'_>, back: u32, drained: Drained) -> Result<(Activity, Frame), Error> {
    let selector = Selector(stopped.frame.reg(2));
    if !matches!(selector.op(), Op::SEND | Op::CALL | Op::SEND_AND_WAIT) {
        return Err(ErrorKind::UnknownOperation.with(stopped.index as u32, selector.0, 0));
    }
    let mut again = rewound(stopped.frame, back, MsgTag(drained.tag));
    // A message to a bare thread capability carries r4 as its label. Behind a gate the kernel ignores r4, and
    // one that only sends finds it again.
    if matches!(stopped.target, Target::Thread { .. }) {
        again.set_reg(4, drained.label);
    }
    let mut activity = activity(stopped, activity_kind::SEND_QUEUED, MsgTag(drained.tag));
    activity.peer = drained.receiver as u32;
    activity.position = drained.position;
    activity.label = drained.label;
    Ok((activity, again))
}

#[cfg(test)]
mod tests {
    use super::*;

    const G_CALL: [u32; 2] = [0xe1a0_e00f, 0xe3e0_f00b];
    const M_CALL: [u32; 2] = [0, 0xef00_0000];
    const GATE: Target = Target::Gate { badge: 0x5b0, thread: Some(3) };

    fn frame(r0: u32, r2: u32) -> Frame {
        let mut frame = Frame::ZERO;
        frame.set_reg(0, r0);
        frame.set_reg(2, r2);
        frame.set_pc(0x2000);
        frame.0[raw::THAW_EXC_CPSR as usize] = 0x10;
        frame
    }

    fn stopped<'a>(frame: &'a Frame, target: Target, utcb_error: u32, code: [u32; 2]) -> Stopped<'a> {
        let first_word = raw::THAW_IRQ_EOI_OP;
        Stopped { index: 7, frame, rest: Rest::Cancelled, utcb_error, target, code: Some(code), first_word }
    }

    #[test]
    fn a_thread_in_user_code_keeps_its_frame() {
        let frame = frame(0x8000, 0x30003);
        let mut running = stopped(&frame, GATE, raw::L4_IPC_RECANCELED, G_CALL);
        running.rest = Rest::Trap;
        assert_eq!(classify(Revision::G, &running), Ok((Activity::USER, frame)));
    }

    #[test]
    fn an_expired_timeout_is_never_repeated() {
        let frame = frame(0x8000, 0x802);
        let expired = stopped(&frame, Target::Nobody, raw::L4_IPC_RETIMEOUT, M_CALL);
        assert_eq!(classify(Revision::M, &expired), Ok((Activity::USER, frame)));
    }

    #[test]
    fn a_sleep_is_repeated_with_its_own_tag() {
        for (revision, code, back) in [(Revision::G, G_CALL, 8), (Revision::M, M_CALL, 4)] {
            let frame = frame(0x0011_8002, 0x802);
            let (activity, again) =
                classify(revision, &stopped(&frame, Target::Nobody, raw::L4_IPC_RECANCELED, code))
                    .expect("sleep");
            assert_eq!(activity.kind, activity_kind::RECEIVE);
            assert_eq!((again.pc(), again.reg(0), again.reg(2)), (0x2000 - back, 0x0011_0002, 0x802));
        }
    }

    #[test]
    fn a_reply_that_is_out_becomes_a_plain_wait() {
        let frame = frame(0x0033_8001, 0x80f);
        let (activity, again) =
            classify(Revision::G, &stopped(&frame, Target::Nobody, raw::L4_IPC_RECANCELED, G_CALL))
                .expect("wait");
        assert_eq!(activity.kind, activity_kind::OPEN_WAIT);
        assert_eq!((again.reg(0), again.reg(2)), (0, 0x806));
    }

    #[test]
    fn a_delivered_call_names_its_server() {
        let frame = frame(0x0044_8002, 0x30003);
        let (activity, again) =
            classify(Revision::M, &stopped(&frame, GATE, raw::L4_IPC_RECANCELED, M_CALL)).expect("call");
        assert_eq!((activity.kind, activity.peer, activity.badge), (activity_kind::CALL_DELIVERED, 3, 0x5b0));
        assert_eq!((activity.tag, again.reg(0)), (0x0044_0002, 0x0044_0002));
    }

    #[test]
    fn a_wait_for_an_irq_is_repeated_whole() {
        let frame = frame(0xffff_8001, 0x20_1003);
        let irq = Target::Irq { label: 0x70 };
        let (activity, again) =
            classify(Revision::G, &stopped(&frame, irq, raw::L4_IPC_RECANCELED, G_CALL)).expect("irq");
        assert_eq!((activity.kind, activity.badge), (activity_kind::IRQ_WAIT, 0x70));
        assert_eq!((again.reg(0), again.reg(2)), (0xffff_0001, 0x20_1003));
    }

    #[test]
    fn what_was_sent_to_an_irq_is_repeated_only_if_it_unmasks() {
        let irq = Target::Irq { label: 0x70 };
        let fired = frame(0, 0x20_1003);
        let mut waiter = stopped(&fired, irq, 0, M_CALL);
        waiter.rest = Rest::Fired;
        let (activity, again) = classify(Revision::M, &waiter).expect("irq");
        assert_eq!(
            (activity.kind, again.reg(0), again.reg(2)),
            (activity_kind::IRQ_WAIT, 0xffff_0001, 0x20_1003)
        );
        waiter.first_word = 2;
        let (_, again) = classify(Revision::M, &waiter).expect("irq");
        assert_eq!((again.reg(0), again.reg(2)), (0, 0x20_1002));
    }

    #[test]
    fn a_sleep_is_known_by_the_instruction_before_it() {
        let mark = Some(Selector::SLEEP_MARK);
        let (g, m) = ([Some(0xe1a0_e00f), Some(0xe3e0_f00b)], Some(0xef00_0000));
        assert!(is_sleep(Revision::G, [mark, g[0], g[1]]) && is_sleep(Revision::M, [None, mark, m]));
        assert!(!is_sleep(Revision::G, [Some(0), g[0], g[1]]) && !is_sleep(Revision::M, [mark, Some(0), m]));
        assert!(!is_sleep(Revision::G, [None, mark, m]) && !is_sleep(Revision::M, [mark, g[0], g[1]]));
    }

    #[test]
    fn what_would_be_lost_is_refused_by_name() {
        let call = frame(0x0044_8002, 0x30003);
        let odd = stopped(&call, GATE, raw::L4_IPC_RECANCELED, [0, 0xe12f_ff1e]);
        assert_eq!(classify(Revision::G, &odd), Err(ErrorKind::UnknownSyscall.with(7, 0x2000, 0xe12f_ff1e)));
        let lost = frame(0x8000, 0x30003);
        let unbound = Target::Gate { badge: 0x5b0, thread: None };
        let blocked = |target| stopped(&lost, target, raw::L4_IPC_SECANCELED, M_CALL);
        let refused = |target| classify(Revision::M, &blocked(target)).expect_err("tag is lost").kind;
        assert_eq!(refused(unbound), ErrorKind::UnboundGate);
        assert_eq!(refused(GATE), ErrorKind::Cycle);
        assert_eq!(refused(Target::Outside), ErrorKind::OutsideCall);
    }

    #[test]
    fn a_delivered_call_to_the_outside_is_named_and_made_again() {
        let call = frame(0x0044_8002, 0x30003);
        let outside = stopped(&call, Target::Outside, raw::L4_IPC_RECANCELED, G_CALL);
        let (activity, again) = classify(Revision::G, &outside).expect("repeated");
        assert_eq!(activity.kind, activity_kind::CALL_OUTSIDE);
        assert_eq!((again.pc(), again.reg(0)), (0x1ff8, 0x0044_0002));
    }

    #[test]
    fn a_drained_message_is_sent_whole_again() {
        let frame_of = |r2| frame(0x600d_0000, r2);
        let drained = Drained { receiver: 3, position: 2, tag: 0x0077_0041, label: 0x5b3 };
        for r2 in [0x30001, 0x30003, 0x30007] {
            let frame = frame_of(r2);
            let mut sender = stopped(&frame, GATE, 0, G_CALL);
            sender.rest = Rest::Drained(drained);
            let (activity, again) = classify(Revision::G, &sender).expect("queued");
            assert_eq!((activity.kind, activity.peer, activity.position), (activity_kind::SEND_QUEUED, 3, 2));
            assert_eq!((again.pc(), again.reg(0), again.reg(4)), (0x1ff8, 0x0077_0041, 0));
            assert_eq!(again.reg(2), r2);
            sender.target = Target::Thread { index: 3 };
            assert_eq!(classify(Revision::G, &sender).expect("queued").1.reg(4), 0x5b3);
        }
        let waits = frame_of(0x806);
        let mut sender = stopped(&waits, GATE, 0, G_CALL);
        sender.rest = Rest::Drained(drained);
        assert_eq!(
            classify(Revision::G, &sender).expect_err("sends nothing").kind,
            ErrorKind::UnknownOperation
        );
    }

    #[test]
    fn a_caller_that_was_answered_by_us_owes_its_link_to_that_server() {
        let frame = frame(0x600e_0000, 0x30003);
        let mut caller = stopped(&frame, GATE, 0, M_CALL);
        caller.rest = Rest::Answered(3);
        let (activity, again) = classify(Revision::M, &caller).expect("link");
        assert_eq!((activity.kind, activity.peer, again.pc()), (activity_kind::CALL_DELIVERED, 3, 0x1ffc));
    }

    #[test]
    fn an_open_wait_that_was_probed_is_repeated() {
        for (r2, expected) in [(0x806, 0x806), (0x80f, 0x806), (0x30007, 0x30006)] {
            let frame = frame(0x600f_0000, r2);
            let mut waiter = stopped(&frame, Target::Nobody, 0, M_CALL);
            waiter.rest = Rest::Probed;
            let (activity, again) = classify(Revision::M, &waiter).expect("wait");
            assert_eq!((activity.kind, again.reg(0), again.reg(2)), (activity_kind::OPEN_WAIT, 0, expected));
        }
    }

    #[test]
    fn a_thumb_call_is_found_on_either_half_of_a_word() {
        let mut thumb = frame(0x8000, 0x802);
        thumb.0[raw::THAW_EXC_CPSR as usize] = 0x30;
        assert_eq!(syscall_at(Revision::M, &thumb, Some([0, 0xdf00_4770])), Ok(2));
        thumb.set_pc(0x2002);
        assert_eq!(syscall_at(Revision::M, &thumb, Some([0, 0x4770_df00])), Ok(2));
        assert_eq!(syscall_at(Revision::M, &thumb, Some([0, 0xdf00_4770])), Err(0x4770));
        assert_eq!(syscall_at(Revision::M, &thumb, Some([0, 0x4770_df07])), Ok(2));
        assert_eq!(syscall_at(Revision::G, &thumb, Some([0, 0x4770_df00])), Err(0xdf00));
    }

    #[test]
    fn a_jump_that_is_no_system_call_is_seen_before_anything_is_aborted() {
        let before = |first, second| entry_before(Revision::G, [Some(first), Some(second)]);
        assert_eq!(before(0xe1a0_e00f, 0xe3e0_f00b), Entry::Known);
        // ldr r0, [r1]; add r0, r0, r1; str pc, [r0]
        for word in [0xe591_0000, 0xe080_0001, 0xe580_f000] {
            assert_eq!(before(0, word), Entry::Known, "{word:#x}");
        }
        // bx r12; blx r3; mov pc, r7; mvn pc, #11 alone; ldr pc, [r1]; pop {r4, pc}; bl
        for word in
            [0xe12f_ff1c, 0xe12f_ff33, 0xe1a0_f007, 0xe3e0_f00b, 0xe591_f000, 0xe8bd_8010, 0xeb00_0000]
        {
            assert_eq!(before(0, word), Entry::Unknown, "{word:#x}");
            assert_eq!(entry_before(Revision::M, [Some(0), Some(word)]), Entry::Known);
        }
        assert_eq!(entry_before(Revision::G, [None, None]), Entry::Known);
    }
}
