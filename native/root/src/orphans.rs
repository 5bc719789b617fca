//! The end of a checkpointer, and what becomes of the PDs that it made.
//!
//! A checkpointer may end at any step: by itself, by an exception, or by an order of a test. Its targets do not
//! depend on it. Those that run go on; one that is stopped is resumed by the checkpoint service; what was only
//! half made, or given up to be destroyed, is destroyed. Then a checkpointer that is started again takes its
//! targets over by name ([`PD_ADOPT`](thaw_native_abi::manager::PD_ADOPT)).
//!
//! Root's main thread ends the PD and wakes the service's front, which ends the session and asks for the rest.

use thaw_l4::{SendItem, raw};
use thaw_native_abi::layout::SLOT_CHECKPOINT;

use crate::books::{Root, say};
use crate::error::{Error, Result};
use crate::label::{Kind, Label, PdId};
use crate::machine::Machine;
use crate::pd::{Name, Pd};
use crate::request::Outcome;
use crate::start::Waiting;

/// Label of the IRQ object that wakes the front.
pub const GONE_LABEL: u32 = 0x600;

/// A client of the service that is gone.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    /// Label of its session at the service.
    pub label: u32,
    /// With what it is started again.
    pub restart: Option<Waiting>,
}

/// Whether a PD is a client of the checkpoint service that nobody but root looks after.
fn is_checkpointer(pd: &Pd) -> bool {
    pd.parent.is_none() && pd.sessions.iter().any(|s| s.slot == SLOT_CHECKPOINT)
}

/// Whether a PD cannot run: no thread of it ever started, or the service gave them up.
fn cannot_run(pd: &Pd) -> bool {
    pd.abandoned || !pd.threads.iter().flatten().any(|thread| thread.started)
}

impl Root {
    /// Ends a checkpointer; does nothing to another PD. Whether it was one.
    pub fn checkpointer_end(&mut self, m: &impl Machine, id: PdId) -> Result<bool> {
        let pd = self.pds.get(id)?;
        if !is_checkpointer(pd) {
            return Ok(false);
        }
        let gone = Gone { label: Label::session(Kind::Checkpoint, id).encode(), restart: pd.restart };
        let name = pd.name;
        let mut targets = 0;
        for child in self.pds.iter_mut().filter(|pd| pd.parent == Some(id)) {
            (child.parent, child.orphan) = (None, true);
            targets += 1;
        }
        self.pd_destroy(m, id)?;
        say(m, format_args!("pd `{name}` has ended; {targets} PDs that it made are looked after"));
        // One entry per PD that can be.
        let _ = self.gone.push(gone);
        match self.gone_irq {
            Some(irq) => irq.trigger(m)?,
            None => self.reap(m)?,
        }
        Ok(true)
    }

    /// The client that the service has to forget next.
    #[must_use]
    pub fn gone_first(&self) -> Option<u32> {
        self.gone.first().map(|gone| gone.label)
    }

    /// Destroys what the client that is gone first left unfinished, and starts it again.
    pub fn reap(&mut self, m: &impl Machine) -> Result<()> {
        if self.gone.is_empty() {
            return Err(Error::EndOfList);
        }
        let gone = self.gone.remove(0);
        loop {
            let unfinished = self.pds.iter().find(|pd| pd.orphan && cannot_run(pd));
            let Some((id, name)) = unfinished.map(|pd| (pd.id, pd.name)) else { break };
            self.pd_destroy(m, id)?;
            say(m, format_args!("pd `{name}` was not finished and is destroyed"));
        }
        if let Some(waiting) = &gone.restart {
            self.start_pd(m, waiting);
        }
        Ok(())
    }

    /// Gives an orphan to a manager.
    pub fn adopt(&mut self, manager: PdId, name: [u32; 4]) -> Result<Outcome> {
        let found = self.pds.iter().find(|pd| pd.orphan && pd.name == Name(name));
        let pd = found.ok_or(Error::EndOfList)?;
        let (id, limit, gate) = (pd.id, pd.quota.limit, pd.parent_gate.ok_or(Error::NoSuchObject)?);
        self.pds.get_mut(manager)?.quota.take(limit)?;
        let pd = self.pds.get_mut(id)?;
        (pd.parent, pd.orphan) = (Some(manager), false);
        let badge = Label::session(Kind::Parent, id).encode();
        let mut outcome = Outcome::words(&[badge]);
        if let Outcome::Answer { item, .. } = &mut outcome {
            *item = Some(SendItem::capability(gate, raw::L4_CAP_FPAGE_RWS, 0));
        }
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{FakeMachine, books, spec};
    use crate::pd::Session;
    use crate::threads::ThreadSpec;
    use thaw_l4::CapIndex;

    fn checkpointer(m: &FakeMachine, root: &mut Root) -> PdId {
        let mut with_room = spec(None);
        with_room.quota_pages = 1000;
        let id = root.pd_create(m, &with_room).expect("room");
        let session = Session { slot: SLOT_CHECKPOINT, gate: CapIndex(0x300), own: false };
        let pd = root.pds.get_mut(id).expect("there");
        pd.quota.limit = 1000;
        pd.sessions.push(session).expect("room");
        id
    }

    fn child(m: &FakeMachine, root: &mut Root, parent: PdId, name: &str, start: bool) -> PdId {
        let mut named = spec(Some(parent));
        named.name = Name::new(name);
        let id = root.pd_create(m, &named).expect("room");
        root.parent_capability(m, id).expect("room");
        let thread = ThreadSpec {
            index: None,
            ip: 0x100,
            sp: 0,
            priority: 1,
            tpidruro: 0,
            start,
            name: Name::new("t"),
        };
        root.thread_create(m, id, &thread).expect("room");
        id
    }

    #[test]
    fn what_runs_stays_and_what_never_ran_goes() {
        let (m, mut root) = (FakeMachine::new(), books());
        let first = checkpointer(&m, &mut root);
        let running = child(&m, &mut root, first, "running", true);
        let half_made = child(&m, &mut root, first, "half", false);
        let given_up = child(&m, &mut root, first, "given", true);
        root.pds.get_mut(given_up).expect("there").abandoned = true;
        assert_eq!(root.checkpointer_end(&m, first), Ok(true));
        assert!(root.pds.get(first).is_err() && root.pds.get(half_made).is_err());
        assert!(root.pds.get(given_up).is_err() && root.pds.get(running).is_ok());

        let second = checkpointer(&m, &mut root);
        let adopt = |root: &mut Root, name| root.adopt(second, Name::new(name).0).map(|_| ());
        assert_eq!(adopt(&mut root, "half"), Err(Error::EndOfList));
        assert_eq!(adopt(&mut root, "running"), Ok(()));
        assert_eq!(adopt(&mut root, "running"), Err(Error::EndOfList));
        let (pd, quota) = (root.pds.get(running).expect("there"), root.pds.get(second).expect("there").quota);
        assert_eq!((pd.parent, quota.used), (Some(second), 64));
    }

    #[test]
    fn other_pds_end_as_ever() {
        let (m, mut root) = (FakeMachine::new(), books());
        let id = root.pd_create(&m, &spec(None)).expect("room");
        assert_eq!(root.checkpointer_end(&m, id), Ok(false));
        assert!(root.pds.get(id).is_ok());
    }
}
