//! Capabilities that a PD holds besides the one of each object that root put there: of its threads, and copies.

use thaw_l4::{CapIndex, raw};
use thaw_native_abi::layout;

use crate::books::Root;
use crate::error::{Error, Result};
use crate::label::PdId;
use crate::machine::{Machine, TASK};

/// What a slot is filled with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Held {
    /// The object that root made in that slot.
    Object(u32),
    /// The thread with that index.
    Thread(u32),
}

impl Root {
    /// Puts the capability of a thread of the PD into one of its slots. Without the right S the kernel lets nobody
    /// control the thread with it, so root's books of its pager and exception handler stay true.
    pub fn thread_cap(&mut self, m: &impl Machine, pd: PdId, slot: u32, index: u32) -> Result<()> {
        let rights = raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W;
        self.slot_set(m, pd, slot, rights, Held::Thread(index))
    }

    /// Empties a slot in which root's books have nothing.
    pub fn slot_clear(&mut self, m: &impl Machine, pd: PdId, slot: u32) -> Result<()> {
        let pd = self.pds.get(pd)?;
        if !(layout::SLOT_USER..layout::SLOT_END).contains(&slot) {
            return Err(Error::BadSlot);
        }
        if pd.object_at(slot).is_some() {
            return Err(Error::InUse);
        }
        Ok(pd.task.unmap_cap(m, CapIndex(slot))?)
    }

    /// Fills an empty slot of the PD with what it has already, or empties the slot of one of its objects.
    pub fn slot_set(&mut self, m: &impl Machine, pd: PdId, slot: u32, rights: u32, what: Held) -> Result<()> {
        let pd = self.pds.get(pd)?;
        let (own, home) = match what {
            Held::Object(home) => (pd.object_at(home).ok_or(Error::NoSuchObject)?.kind.index(), Some(home)),
            Held::Thread(index) => (pd.thread(index)?.cap.index(), None),
        };
        if !(layout::SLOT_USER..layout::SLOT_END).contains(&slot) {
            return Err(Error::BadSlot);
        }
        // The slot of an object is filled already; it may have been given away, in part or as a whole.
        let is_home = home == Some(slot);
        if !is_home && (pd.object_at(slot).is_some() || pd.task.cap_valid(m, CapIndex(slot))?) {
            return Err(Error::InUse);
        }
        let rights = rights & raw::L4_CAP_FPAGE_RWS;
        if matches!(what, Held::Thread(_)) && rights & raw::L4_CAP_FPAGE_S != 0 {
            // As in `thread_cap`: no PD controls its threads.
            return Err(Error::BadRights);
        }
        if rights & raw::L4_CAP_FPAGE_R == 0 {
            return Ok(pd.task.unmap_cap(m, CapIndex(slot))?);
        }
        Ok(pd.task.map_cap(m, TASK, own, CapIndex(slot), rights, 0)?)
    }
}

#[cfg(test)]
mod tests {
    use std::boxed::Box;
    use std::vec;

    use super::*;
    use crate::fake::{FakeMachine, books, spec};
    use crate::label::{Kind, Label};
    use crate::pd::Name;
    use crate::threads::ThreadSpec;
    use thaw_native_abi::{pd as parent_op, target};

    fn place() -> (FakeMachine, Box<Root>, PdId) {
        let m = FakeMachine::new();
        let mut root = books();
        let pd = root.pd_create(&m, &spec(None)).expect("made");
        (m, root, pd)
    }

    #[test]
    fn a_semaphore_is_an_object_bound_to_nobody() {
        let (m, mut root, pd) = place();
        let label = Label::session(Kind::Program, pd).encode();
        assert_eq!(m.send(&mut root, label, &[target::SEMAPHORE_CREATE, 0x200]), Some((0, vec![])));
        let object = *root.pds.get(pd).expect("there").object_at(0x200).expect("made");
        assert_eq!(object.told(), (parent_op::object::SEMAPHORE, parent_op::INDEX_ANY));
        // The end of a thread is none of its business.
        root.objects_delete(&m, pd, Some(0)).expect("done");
        assert!(root.pds.get(pd).expect("there").object_at(0x200).is_some());
        assert_eq!(root.slot_clear(&m, pd, 0x200), Err(Error::InUse));
        assert_eq!(root.slot_clear(&m, pd, 0x10), Err(Error::BadSlot));
    }

    #[test]
    fn only_what_the_pd_has_is_put_into_its_slots() {
        let (m, mut root, pd) = place();
        assert_eq!(root.thread_cap(&m, pd, 0x201, 7), Err(Error::NoSuchObject));
        assert_eq!(root.slot_set(&m, pd, 0x201, 7, Held::Object(0x10)), Err(Error::NoSuchObject));
        assert_eq!(root.slot_set(&m, pd, 0x18, 7, Held::Thread(0)), Err(Error::NoSuchObject));
    }

    #[test]
    fn nobody_is_given_control_of_a_thread() {
        let (m, mut root, pd) = place();
        let spec = ThreadSpec {
            index: None,
            ip: 0x100,
            sp: 0,
            priority: 1,
            tpidruro: 0,
            start: false,
            name: Name::new("t"),
        };
        let thread = Held::Thread(root.thread_create(&m, pd, &spec).expect("made"));
        let given = raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W;
        // The scripted kernel calls every slot empty.
        for rights in [raw::L4_CAP_FPAGE_RWS, raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_S] {
            assert_eq!(root.slot_set(&m, pd, 0x201, rights, thread), Err(Error::BadRights));
        }
        assert_eq!(root.slot_set(&m, pd, 0x201, given, thread), Ok(()));
    }
}
