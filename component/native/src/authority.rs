//! Requests that go beyond what a checkpointer may: each has to be refused by its name. **For tests only.**
//!
//! The target runs meanwhile, is stopped, and goes on; at its end it says itself whether it was harmed.

use thaw_component::host::{Counts, Host, HostResult, NewThread};
use thaw_image::Name;
use thaw_l4::{Cap, CapIndex, Error, Gate, Kernel, Message, SendItem, raw};
use thaw_native_abi::layout::{SLOT_CHECKPOINT, SLOT_END, SLOT_LOG, SLOT_MANAGER, SLOT_PD, SLOT_USER};
use thaw_native_abi::{manager, target};
use thaw_protocol::{ErrorKind, part, verb};

use crate::{NativeHost, Platform, request::ask};

/// Where a foreign capability is planted.
const PLANTED: u32 = SLOT_USER + 0x180;
/// A slot of the checkpointer's own with nothing in it.
const EMPTY: CapIndex = CapIndex(SLOT_USER + 0x100);
/// A gate of the checkpointer's own, which it gives away.
const GIVEN: CapIndex = CapIndex(SLOT_USER + 0x101);
/// How many PDs come and go of which no thread is started.
const UNSTARTED: u32 = 64;
/// How long the kernel may take to give back what was deleted.
const SETTLE_MS: u32 = 20;
/// Rights of a capability that is passed.
const RIGHTS: u32 = raw::L4_CAP_FPAGE_RWS;

struct Attempts<'a, 'k, K: Kernel, P: Platform> {
    k: &'k K,
    host: &'a NativeHost<'k, K, P>,
}

/// Tries everything on the running target `pd`, and on a PD that is being made.
pub fn attempt<'k, K: Kernel, P: Platform>(
    k: &'k K,
    host: &NativeHost<'k, K, P>,
    pd: CapIndex,
) -> HostResult<()> {
    let attempts = Attempts { k, host };
    attempts.without_session();
    attempts.on_target(pd)?;
    attempts.on_fresh_pd()?;
    attempts.destroyed()?;
    attempts.unstarted()
}

/// All that root and the kernel count.
pub fn held<K: Kernel, P: Platform>(host: &NativeHost<'_, K, P>) -> HostResult<(Counts, Option<[u32; 7]>)> {
    host.sleep_ms(SETTLE_MS);
    Ok((host.counts()?, host.kernel_counts()?))
}

impl<K: Kernel, P: Platform> Attempts<'_, '_, K, P> {
    fn call(&self, words: &[u32], item: Option<CapIndex>) -> Result<(), Error> {
        let message = Message::new(self.k).slice(words);
        let message = match item {
            Some(slot) => message.item(SendItem::capability(slot, RIGHTS, 0)),
            None => message,
        };
        message.call(Cap::<Gate>::new(CapIndex(SLOT_CHECKPOINT)), raw::L4_PROTO_NONE).map(|_| ())
    }

    fn refused(&self, what: &str, kinds: &[ErrorKind], words: &[u32], item: Option<CapIndex>) {
        let result = self.call(words, item);
        let kind = match result {
            Err(Error::Object(e)) => ErrorKind::from_number(e.0),
            _ => None,
        };
        match kind.filter(|kind| kinds.contains(kind)) {
            Some(kind) => self.host.say(format_args!("authority: {what}: refused as {kind:?}")),
            None => self.host.say(format_args!("authority: {what}: BROKEN, {result:?}")),
        }
    }

    fn granted(&self, what: &str, words: &[u32], item: Option<CapIndex>) {
        if let Err(error) = self.call(words, item) {
            self.host.say(format_args!("authority: {what}: BROKEN, not granted: {error:?}"));
        }
    }

    fn open(&self, pd: CapIndex) -> u32 {
        self.granted("the caller's pd", &[verb::OPEN], Some(pd));
        self.k.mr(0)
    }

    fn without_session(&self) {
        use ErrorKind::{NoSuchSession, NotYourPd};
        self.refused("no capability as a pd", &[NotYourPd], &[verb::OPEN], None);
        for (what, slot) in [
            ("the caller's own session as a pd", CapIndex(SLOT_PD)),
            ("the caller's own log as a pd", CapIndex(SLOT_LOG)),
            ("the service itself as a pd", CapIndex(SLOT_CHECKPOINT)),
            ("a capability that is not held as a pd", EMPTY),
        ] {
            self.refused(what, &[NotYourPd], &[verb::OPEN], Some(slot));
        }
        self.refused("a session that nobody opened", &[NoSuchSession], &[verb::STOP, 0x7777], None);
    }

    fn plant(&self, what: u32) -> HostResult<()> {
        ask::<_, 0>(self.k, SLOT_MANAGER, &[manager::PLANT, PLANTED, what]).map(|_| ())
    }

    fn on_target(&self, pd: CapIndex) -> HostResult<()> {
        use ErrorKind::{NoFreeSession, NoSuchSession, NoSuchThread, UnknownPeer, WrongState};
        self.plant(manager::PLANT_AWAY)?;
        self.refused("a pd that is another's", &[ErrorKind::NotYourPd], &[verb::OPEN], Some(pd));
        self.plant(manager::PLANT_BACK)?;
        self.plant(manager::PLANT_THREAD)?;
        let s = self.open(pd);
        self.refused("a foreign thread in its slots", &[UnknownPeer], &[verb::STOP, s], None);
        self.plant(manager::PLANT_NOTHING)?;
        self.refused("a second session", &[NoFreeSession], &[verb::OPEN], Some(pd));
        self.refused("another session than the caller's", &[NoSuchSession], &[verb::STOP, s + 1], None);
        self.refused("letting go what runs", &[WrongState], &[verb::COMMIT, s], None);
        self.granted("the stop", &[verb::STOP, s], None);
        for (what, index) in [("a thread that it does not have", 63), ("a thread beyond all tables", 4096)] {
            let words = [verb::THREAD_GET, s, index, part::FRAME];
            self.refused(what, &[NoSuchThread], &words, None);
        }
        let set = [verb::THREAD_SET, s, 0, part::FRAME];
        self.refused("changing a thread of a running program", &[WrongState], &set, None);
        let install = [verb::SLOT_INSTALL, s, SLOT_END - 1, RIGHTS];
        let log = Some(CapIndex(SLOT_LOG));
        self.refused("giving a running program a capability", &[WrongState], &install, log);
        self.granted("the end", &[verb::CLOSE, s], None);
        Ok(())
    }

    fn on_fresh_pd(&self) -> HostResult<()> {
        use ErrorKind::{BadRequest, BadSlot, BadState, NoSuchObject, NoSuchThread};
        let name = Name::new("fresh").unwrap_or(Name::EMPTY);
        let pd = self.host.pd_create(name, 16)?;
        for index in [0, 2] {
            self.host.thread_create(pd, &NewThread { index, priority: 1, name })?;
        }
        let s = self.open(pd);
        self.refused("a thread that was not made", &[NoSuchThread], &[verb::PREPARE, s, 2, 0], None);
        self.granted("its thread", &[verb::PREPARE, s, 1, 0], None);
        let own = Some(GIVEN);
        ask::<_, 1>(self.k, SLOT_PD, &[target::GATE_CREATE, GIVEN.0, 0])?;
        let install = |slot| [verb::SLOT_INSTALL, s, slot, RIGHTS];
        for (what, slot) in [
            ("a slot of the system's", SLOT_PD),
            ("the first slot beyond", SLOT_END),
            ("a slot beyond all", u32::MAX),
        ] {
            self.refused(what, &[BadSlot], &install(slot), own);
        }
        self.granted("a slot that is free", &install(SLOT_USER), own);
        self.refused("a slot that is full", &[BadSlot], &install(SLOT_USER), own);
        // G does not tell that nothing came; there the slot that stays empty does.
        let missing = [BadRequest, BadSlot];
        self.refused("a capability that is not held", &missing, &install(SLOT_USER + 1), Some(EMPTY));
        self.refused("no capability", &missing, &install(SLOT_USER + 1), None);
        self.refused(
            "an irq object that it does not have",
            &[NoSuchObject],
            &[verb::IRQ_SET, s, PLANTED, 1],
            None,
        );
        // A frame of zeros is none of user mode.
        self.refused("a thread that would run in the kernel's mode", &[BadState], &[verb::COMMIT, s], None);
        let root_own = Some(CapIndex(SLOT_LOG));
        self.refused("a gate of root's", &[BadRequest], &install(SLOT_USER + 1), root_own);
        self.granted("giving it up", &[verb::ABANDON, s], None);
        self.host.pd_destroy(pd)?;
        ask::<_, 0>(self.k, SLOT_PD, &[target::OBJECT_DELETE, GIVEN.0]).map(|_| ())
    }

    /// A session outlives its PD, and another PD may get the slots that root had for it.
    fn destroyed(&self) -> HostResult<()> {
        let name = Name::new("destroyed").unwrap_or(Name::EMPTY);
        let pd = self.host.pd_create(name, 1)?;
        let s = self.open(pd);
        self.host.pd_destroy(pd)?;
        let next = self.host.pd_create(name, 1)?;
        self.refused("a pd that was destroyed", &[ErrorKind::NoSuchSession], &[verb::STOP, s], None);
        let s = self.open(next);
        self.granted("its end", &[verb::CLOSE, s], None);
        self.host.pd_destroy(next)
    }

    /// The kernel would keep the task of a thread that was bound to it and never ran.
    fn unstarted(&self) -> HostResult<()> {
        let name = Name::new("unstarted").unwrap_or(Name::EMPTY);
        for _ in 0..UNSTARTED {
            let pd = self.host.pd_create(name, 1)?;
            self.host.thread_create(pd, &NewThread { index: 0, priority: 1, name })?;
            self.host.pd_destroy(pd)?;
        }
        Ok(())
    }
}
