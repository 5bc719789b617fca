//! Messages with capabilities and memory: what arrives is what was sent, with the rights it was sent with, once.

use core::sync::atomic::{AtomicU32, Ordering};

use thaw_l4::{CapIndex, Fpage, Kernel, MsgTag, Op, RecvBuffer, Selector, SendItem, Timeout, Timeouts, raw};
use thaw_native_abi::layout::SLOT_USER;
use thaw_rt::request;
use thaw_targets::{
    mix::mix,
    witness::{
        Witness,
        carried::{Carried, Returned},
        page::{Page, WORDS},
        pattern,
    },
};

use crate::{crew, me::Me, scenario::Verdict, talk, talk::SERVE};

const WORKER: usize = 1;
const TAKER: usize = 2;
const GIVERS: core::ops::RangeInclusive<usize> = 3..=4;
/// Where the taker receives capabilities.
const WINDOW: CapIndex = CapIndex(SLOT_USER + 0x60);
/// Buffers for capabilities begin at the first register, those for memory at the third, none at the second.
const DESCRIPTOR: u32 = 2 | 1 << 5;
/// What the kernel says of memory that arrived.
const MEMORY_MAPPED: u32 = raw::L4_FPAGE_MEMORY << 4 | raw::L4_ITEM_MAP;
const RIGHTS: [u32; 3] =
    [raw::L4_CAP_FPAGE_R, raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W, raw::L4_CAP_FPAGE_RWS];

static WORKERS_BADGE: AtomicU32 = AtomicU32::new(0);
static TAKERS_BADGE: AtomicU32 = AtomicU32::new(0);
/// The page that is given, and the one in whose place it is received. They hold the same: which of the two is seen
/// there after a restore, docs/target-abi.md leaves open.
const PAGES: [usize; 2] = [0, 1];

/// What a message carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gift {
    /// The worker's gate, with those rights.
    Gate(u32),
    /// The worker's thread, which its giver has no more then.
    Thread,
    /// A page.
    Page,
}

impl Gift {
    fn of(sender: u32, n: u32) -> Self {
        match mix(sender, n, 0x91f) % 5 {
            kind @ 0..=2 => Self::Gate(RIGHTS[kind as usize]),
            3 => Self::Thread,
            _ => Self::Page,
        }
    }

    fn item(self, place: usize) -> SendItem {
        match self {
            Self::Gate(rights) => SendItem::capability(talk::gate(WORKER), rights, 0),
            Self::Thread => {
                let mut item = SendItem::capability(own(place), raw::L4_CAP_FPAGE_RWS, 0);
                item.base |= raw::L4_MAP_ITEM_GRANT;
                item
            }
            Self::Page => {
                let [given, taken] = PAGES.map(|page| Page::of(page).address());
                SendItem::memory(taken, Fpage::memory(given, 12, raw::L4_FPAGE_RO), 0)
            }
        }
    }

    /// What the worker, or the page, tells of it.
    fn answer(self, n: u32) -> u32 {
        match self {
            // W and S of the sender's capability are in the label.
            Self::Gate(rights) => mix(n, rights & 3, 1),
            Self::Thread => mix(n, 4, 1),
            Self::Page => mix(n, page_word(n as usize % WORDS), 2),
        }
    }
}

fn page_word(i: usize) -> u32 {
    mix(i as u32, 0x9a6e, 3)
}

/// Slot in which a giver has what it gives away.
const fn own(place: usize) -> CapIndex {
    CapIndex(SLOT_USER + 0x62 + place as u32)
}

/// Two givers, and one who takes what they give and uses it.
pub fn items(me: &Me, rounds: u32) -> Verdict {
    for page in PAGES {
        let made = me.granted("page", Page::new(page));
        (0..WORDS).for_each(|i| made.set(i, page_word(i)));
    }
    let total = 2 * 4 * rounds;
    crew::start(me, WORKER, 9, worker, total);
    crew::start(me, TAKER, 8, taker, total);
    for (place, badge) in [(WORKER, &WORKERS_BADGE), (TAKER, &TAKERS_BADGE)] {
        let made = request::gate_create(talk::gate(place), crew::index(place));
        badge.store(me.granted("gate", made), Ordering::Release);
    }
    for place in GIVERS {
        crew::start(me, place, 2 + place as u32, giver, 4 * rounds);
    }
    crew::run();
    Verdict::new(crew::join(me), [total, 0, 0])
}

fn salt_of(sender: u32, n: u32) -> u32 {
    mix(sender, n, 0x17e5)
}

fn giver(me: &Me, total: u32) {
    let sender = me.place as u32;
    for n in 1..=total {
        let gift = Gift::of(sender, n);
        if gift == Gift::Thread {
            me.granted("thread_cap", request::thread_cap(own(me.place), crew::index(WORKER)));
        }
        let salt = salt_of(sender, n);
        pattern::fill(&me.kernel, salt);
        let item = gift.item(me.place);
        for (i, word) in [sender, n, item.base, item.fpage.0].into_iter().enumerate() {
            me.kernel.set_mr(i, word);
        }
        let tag = MsgTag::new(0x71, 2, 1, 0);
        let back = me.enter(n, salt, talk::gate(TAKER).select(Op::CALL), tag, Timeouts::NEVER);
        me.expect_success("give", &back);
        me.expect("give.tag", MsgTag::new(0x72, 1, 0, 0).0, back.tag.0);
        me.expect("give.answer", gift.answer(n), me.kernel.mr(0));
        if gift == Gift::Thread {
            let gone = me.enter(n, salt, own(me.place).select(Op::SEND), MsgTag::default(), SERVE);
            me.expect_error("given", &gone, raw::L4_IPC_ENOT_EXISTENT);
        }
        if mix(n, sender, 6).is_multiple_of(3) {
            me.sleep(Timeout::from_us(900), n);
        }
        me.note(gift.answer(n));
    }
}

fn taker(me: &Me, total: u32) {
    let taken = Page::of(PAGES[1]).address();
    let window = Fpage::memory(taken, 12, raw::L4_FPAGE_RWX);
    let buffers = [RecvBuffer::capability(WINDOW).0, 0, raw::L4_ITEM_MAP, window.0, 0];
    let mut last = [0; crew::PLACES];
    for served in 0..total {
        let salt = mix(served, 0x7a6e, 2);
        pattern::fill(&me.kernel, salt);
        pattern::set_buffers(&me.kernel, DESCRIPTOR, &buffers);
        let wait = Selector::nobody(Op::WAIT);
        let back = me.enter(served, salt, wait, MsgTag::default(), Timeouts::NEVER);
        me.expect_success("take", &back);
        pattern::check_with(me, salt, 4, (DESCRIPTOR, &buffers));
        me.expect("take.label", TAKERS_BADGE.load(Ordering::Acquire), back.label & !3);
        me.expect("take.tag", MsgTag::new(0x71, 2, 1, 0).0, back.tag.0);
        let (sender, n) = (me.kernel.mr(0), me.kernel.mr(1));
        me.expect("take.number", last[sender as usize] + 1, n);
        last[sender as usize] = n;
        let mapped = if Gift::of(sender, n) == Gift::Page { MEMORY_MAPPED } else { raw::THAW_RETURN_MAPPED };
        me.expect("take.item", mapped, me.kernel.mr(2) & raw::THAW_RETURN_MAPPED);
        if mix(n, sender, 7).is_multiple_of(2) {
            me.sleep(Timeout::from_us(1_000), n);
        }
        let answer = use_gift(me, Gift::of(sender, n), n);
        me.note_unordered(mix(sender, n, answer));
        pattern::fill(&me.kernel, salt);
        me.kernel.set_mr(0, answer);
        let reply = Selector::nobody(Op::REPLY);
        let back = me.enter(n, salt, reply, MsgTag::new(0x72, 1, 0, 0), SERVE);
        me.expect_success("thank", &back);
    }
}

fn use_gift(me: &Me, gift: Gift, n: u32) -> u32 {
    if gift == Gift::Page {
        return mix(n, Page::of(PAGES[1]).word(n as usize % WORDS), 2);
    }
    let salt = mix(n, 0x05e, 1);
    pattern::fill(&me.kernel, salt);
    me.kernel.set_mr(0, n);
    me.kernel.set_mr(1, Carried::label(n, salt));
    let tag = MsgTag::new(0x73, 2, 0, 0);
    let back = me.enter(n, salt, WINDOW.select(Op::CALL), tag, Timeouts::NEVER);
    me.expect_success("use", &back);
    let answer = me.kernel.mr(0);
    if mix(n, 1, 5).is_multiple_of(3) {
        me.sleep(Timeout::from_us(800), n);
    }
    me.granted("slot_clear", request::slot_clear(WINDOW));
    answer
}

/// Answers with the rights of the capability through which it was called.
fn worker(me: &Me, total: u32) {
    let expected = GIVERS.flat_map(|giver| (1..=total / 2).map(move |n| Gift::of(giver as u32, n)));
    let calls = expected.filter(|gift| *gift != Gift::Page).count() as u32;
    for served in 0..calls {
        let salt = mix(served, 0x30, 9);
        pattern::fill(&me.kernel, salt);
        let back: Returned =
            me.enter(served, salt, Selector::nobody(Op::WAIT), MsgTag::default(), Timeouts::NEVER);
        me.expect_success("serve", &back);
        pattern::check(me, salt, 2);
        let (n, label) = (me.kernel.mr(0), me.kernel.mr(1));
        let badge = WORKERS_BADGE.load(Ordering::Acquire);
        let rights = if back.label & !3 == badge { back.label & 3 } else { 4 };
        if rights == 4 {
            me.expect("serve.label", label, back.label);
        }
        if n % 4 == 0 {
            me.sleep(Timeout::from_us(600), n);
        }
        pattern::fill(&me.kernel, salt);
        me.kernel.set_mr(0, mix(n, rights, 1));
        let reply = Selector::nobody(Op::REPLY);
        let back = me.enter(n, salt, reply, MsgTag::new(0x74, 1, 0, 0), SERVE);
        me.expect_success("answer", &back);
        me.note_unordered(mix(n, rights, 7));
    }
}
