//! Gates and IRQ objects of PDs, and the badge space of the whole system.

use thaw_l4::{CapIndex, raw};
use thaw_native_abi::layout;

use crate::books::Root;
use crate::error::{Error, Result};
use crate::label::{PdId, ROOT_LABELS};
use crate::machine::{FACTORY, ICU, Machine, TASK};
use crate::pd::{NO_THREAD, Object, ObjectKind};

/// Badges begin here.
pub const FIRST_BADGE: u32 = 0x1000;
const BADGE_STEP: u32 = 4;

/// What an object is to be made with.
#[derive(Clone, Copy, Debug)]
pub struct ObjectSpec {
    /// The PD's slot.
    pub slot: u32,
    /// Index of the thread it is bound to.
    pub thread: u32,
    /// Badge or label; for a gate 0 means any.
    pub label: u32,
}

impl Root {
    fn badge_taken(&self, badge: u32) -> bool {
        let objects = self.pds.iter().flat_map(|pd| pd.objects.iter());
        objects.filter(|o| matches!(o.kind, ObjectKind::Gate(_))).any(|o| o.label == badge)
    }

    /// A badge nobody has: the one asked for, or any.
    pub fn choose_badge(&mut self, wanted: u32) -> Result<u32> {
        if wanted != 0 {
            if !wanted.is_multiple_of(BADGE_STEP) || wanted >= ROOT_LABELS {
                return Err(Error::BadBadge);
            }
            return if self.badge_taken(wanted) { Err(Error::InUse) } else { Ok(wanted) };
        }
        // There are far more badges than gates, so the search ends.
        while self.badge_taken(self.next_badge) {
            self.advance_badge();
        }
        let badge = self.next_badge;
        self.advance_badge();
        Ok(badge)
    }

    fn advance_badge(&mut self) {
        self.next_badge += BADGE_STEP;
        if self.next_badge >= ROOT_LABELS {
            self.next_badge = FIRST_BADGE;
        }
    }

    pub(crate) fn check_slot(&self, m: &impl Machine, pd: PdId, slot: u32) -> Result<()> {
        let pd = self.pds.get(pd)?;
        if !(layout::SLOT_USER..layout::SLOT_END).contains(&slot) {
            return Err(Error::BadSlot);
        }
        // The program may have received a capability there.
        if pd.object_at(slot).is_some() || pd.task.cap_valid(m, CapIndex(slot))? {
            return Err(Error::InUse);
        }
        if pd.objects.is_full() { Err(Error::TableFull) } else { Ok(()) }
    }

    /// Makes a gate; returns its badge.
    pub fn gate_create(&mut self, m: &impl Machine, pd: PdId, spec: ObjectSpec) -> Result<u32> {
        self.check_slot(m, pd, spec.slot)?;
        let thread = self.pds.get(pd)?.thread(spec.thread)?.cap;
        let badge = self.choose_badge(spec.label)?;
        let gate = self.fill_slot(|own| FACTORY.create_gate(m, own, thread, badge))?;
        self.install(m, pd, spec, ObjectKind::Gate(gate), badge)?;
        Ok(badge)
    }

    /// Makes an IRQ object, for `line` of the interrupt controller if given.
    pub fn irq_create(
        &mut self,
        m: &impl Machine,
        pd: PdId,
        spec: ObjectSpec,
        line: Option<u32>,
    ) -> Result<()> {
        self.check_slot(m, pd, spec.slot)?;
        if !spec.label.is_multiple_of(BADGE_STEP) {
            return Err(Error::BadBadge);
        }
        let thread = self.pds.get(pd)?.thread(spec.thread)?.cap;
        let irq = self.fill_slot(|own| FACTORY.create_irq(m, own))?;
        let bound = irq.bind(m, thread, spec.label).and_then(|()| match line {
            Some(line) => ICU.bind(m, line, irq),
            None => Ok(()),
        });
        if let Err(e) = bound {
            self.delete_object(m, irq.index());
            return Err(e.into());
        }
        self.install(m, pd, spec, ObjectKind::Irq(irq), spec.label)
    }

    /// Makes a semaphore.
    pub fn semaphore_create(&mut self, m: &impl Machine, pd: PdId, slot: u32) -> Result<()> {
        self.check_slot(m, pd, slot)?;
        let semaphore = self.fill_slot(|own| FACTORY.create_semaphore(m, own))?;
        let spec = ObjectSpec { slot, thread: u32::from(NO_THREAD), label: 0 };
        self.install(m, pd, spec, ObjectKind::Semaphore(semaphore), 0)
    }

    fn install(
        &mut self,
        m: &impl Machine,
        pd: PdId,
        spec: ObjectSpec,
        kind: ObjectKind,
        label: u32,
    ) -> Result<()> {
        let task = self.pds.get(pd)?.task;
        // Without the server right: a program cannot bind its objects again, so the books stay true.
        let mapped = task.map(
            m,
            TASK,
            thaw_l4::Fpage::object(kind.index(), raw::L4_CAP_FPAGE_RWS),
            CapIndex(spec.slot).word(),
            0,
        );
        if let Err(e) = mapped {
            self.delete_object(m, kind.index());
            return Err(e.into());
        }
        let object = Object { slot: spec.slot, kind, label, thread: spec.thread as u8 };
        // `check_slot` saw that there is room.
        self.pds.get_mut(pd)?.objects.push(object).map_err(|_| Error::TableFull)
    }

    /// Deletes the object in a slot of the PD.
    pub fn object_delete(&mut self, m: &impl Machine, pd: PdId, slot: u32) -> Result<()> {
        let objects = &mut self.pds.get_mut(pd)?.objects;
        let at = objects.iter().position(|o| o.slot == slot).ok_or(Error::NoSuchObject)?;
        let object = objects.remove(at);
        self.forget_service(object.kind.index());
        self.delete_object(m, object.kind.index());
        Ok(())
    }

    /// Deletes all objects bound to a thread, or all of the PD.
    pub fn objects_delete(&mut self, m: &impl Machine, pd: PdId, thread: Option<u32>) -> Result<()> {
        while let Some(slot) = {
            let objects = &self.pds.get(pd)?.objects;
            objects.iter().find(|o| thread.is_none_or(|t| u32::from(o.thread) == t)).map(|o| o.slot)
        } {
            self.object_delete(m, pd, slot)?;
        }
        Ok(())
    }

    fn forget_service(&mut self, gate: CapIndex) {
        if self.block.is_some_and(|block| block.gate == gate) {
            self.block = None;
        }
    }
}
