//! Requests of root's own threads to its main thread, through a gate that only root's task holds.
//!
//! The checkpoint service runs in threads of its own. All books belong to the main thread, so the
//! service asks for what it needs. Message form as everywhere: MR0 operation, then arguments; the
//! reply's label is 0 or a negative `L4_E*` number.

use thaw_l4::{Cap, CapIndex, raw};
use thaw_native_abi::layout;

use crate::books::{Root, write_line};
use crate::destroy::prefixed;
use crate::error::{Error, Result};
use crate::frames::PAGE_BYTES;
use crate::label::{Kind, Label, PdId};
use crate::machine::{FACTORY, MAIN_THREAD, Machine, TASK};
use crate::pd::{Name, State};
use crate::request::{Args, Outcome};
use crate::threads::{pager_slot, utcb_addr};

/// Operations.
pub mod op {
    /// The PD behind a PD capability. MR1 label of the client's session, MR2 label of the PD
    /// capability. Refused unless the client is the PD's parent. Result: id, root's slot of the task,
    /// badge, name (4 words).
    pub const PD: u32 = 1;
    /// MR1 id, MR2 thread index. Result: root's slot of the thread, slot of its pager gate in the PD,
    /// priority, started (0 or 1), UTCB address in the PD, name (4 words), number among all threads ever made, whether its
    /// first exception would let it begin in Thumb state (0 or 1).
    /// `-L4_ENOENT`: no thread has that index; `-L4_ERANGE`: past the last.
    pub const THREAD: u32 = 2;
    /// MR1 id, MR2 number. Result: slot, kind ([`thaw_native_abi::pd::object`]), badge or label, thread
    /// index, root's slot of the object. `-L4_ENOENT` past the last.
    pub const OBJECT: u32 = 3;
    /// MR1 id. Until [`THAW`] everything that makes or destroys is refused with `-L4_EBUSY`. Refused if the PD has ended.
    pub const FREEZE: u32 = 4;
    /// MR1 id.
    pub const THAW: u32 = 5;
    /// MR1 id, MR2 thread index: the service has started it.
    pub const STARTED: u32 = 6;
    /// MR1 id, MR2 word-aligned address. Result: the word of the PD's memory there.
    pub const PEEK: u32 = 7;
    /// MR1 count. Result: first of that many slots of root in a row.
    pub const SLOTS_ALLOC: u32 = 8;
    /// MR1 first slot, MR2 count. The slots are emptied; no object is deleted for it.
    pub const SLOTS_FREE: u32 = 9;
    /// MR1 empty slot from [`SLOTS_ALLOC`], MR2 root's slot of a thread, MR3 label. Makes a gate.
    pub const GATE_CREATE: u32 = 10;
    /// MR1 slot. Deletes the object in it; the slot stays the service's.
    pub const OBJECT_DELETE: u32 = 11;
    /// MR1 entry, MR2 stack pointer, MR3 priority. Makes and starts a thread in root's task. Result:
    /// root's slot of it.
    pub const SPAWN: u32 = 12;
    /// MR1 pages. Result: physical address, which is also root's address, of zeroed frames.
    pub const FRAMES_ALLOC: u32 = 13;
    /// MR1 address, MR2 pages. Frames mapped to somebody are taken away first.
    pub const FRAMES_FREE: u32 = 14;
    /// MR1 bytes, text from MR2: one line for the log.
    pub const SAY: u32 = 15;
    /// Result: label of the client that is gone and that the service has to forget next. `-L4_ENOENT`: none.
    pub const GONE: u32 = 16;
    /// The service has forgotten that client.
    pub const REAP: u32 = 17;
    /// MR1 id: its threads were given up and never run again.
    pub const ABANDONED: u32 = 18;
    /// MR1 label of a client's session: its life ends here, by order of a test.
    pub const END: u32 = 19;
    /// MR1 id, MR2 thread index: the service has its first exception, and lets it begin. Result: whether in Thumb state.
    pub const ENTER_THUMB: u32 = 20;
    /// MR1 id: refused if that PD was destroyed.
    pub const THERE: u32 = 21;
}

/// The number by which the service names a PD.
#[must_use]
pub const fn id_word(id: PdId) -> u32 {
    id.index as u32 | (id.generation as u32) << 8
}

/// The PD that number names; stale ones are noticed when it is looked up.
#[must_use]
pub const fn word_id(word: u32) -> PdId {
    PdId { index: word as u8, generation: (word >> 8) as u16 }
}

/// Whether every PD has a capability of root in that slot, to a server that answers promptly.
#[must_use]
pub const fn is_fixed_slot(slot: u32) -> bool {
    let area = slot.wrapping_sub(layout::SLOT_THREADS);
    let is_pager = area < 4 * layout::THREADS_MAX && area % 4 == layout::AREA_PAGER;
    slot == layout::SLOT_PD || slot == layout::SLOT_LOG || is_pager
}

impl Root {
    /// Makes the gate for these requests; returns its slot, held by root's task alone.
    pub fn internal_gate(&mut self, m: &impl Machine) -> Result<CapIndex> {
        let label = Label::session(Kind::Internal, PdId { index: 0, generation: 0 }).encode();
        self.fill_slot(|own| FACTORY.create_gate(m, own, MAIN_THREAD, label)).map(Cap::index)
    }

    /// Serves one request.
    pub fn internal_request(&mut self, m: &impl Machine, operation: u32, args: Args<'_>) -> Result<Outcome> {
        match operation {
            op::PD => self.internal_pd(args.get(1)?, args.get(2)?),
            op::THREAD => self.internal_thread(word_id(args.get(1)?), args.get(2)?),
            op::OBJECT => self.internal_object(word_id(args.get(1)?), args.get(2)?),
            op::FREEZE | op::THAW => {
                let pd = self.pds.get_mut(word_id(args.get(1)?))?;
                // One that has just ended has a thread in a request that is never answered.
                if operation == op::FREEZE && pd.state != State::Running {
                    return Err(Error::Ending);
                }
                pd.frozen = operation == op::FREEZE;
                Ok(Outcome::EMPTY)
            }
            op::STARTED => {
                let pd = self.pds.get_mut(word_id(args.get(1)?))?;
                let thread = pd.threads.get_mut(args.get(2)? as usize).and_then(Option::as_mut);
                thread.ok_or(Error::NoSuchObject)?.started = true;
                Ok(Outcome::EMPTY)
            }
            op::PEEK => {
                let addr = args.get(2)?;
                let phys = self.translate(word_id(args.get(1)?), addr).filter(|_| addr.is_multiple_of(4));
                Ok(Outcome::words(&[m.read_word(phys.ok_or(Error::BadAddress)?)]))
            }
            op::SAY => {
                let bytes = args.0.get(2..).unwrap_or(&[]).iter().flat_map(|w| w.to_le_bytes());
                let mut line = prefixed(Name::new("root"), &[]);
                bytes.take(args.get(1)? as usize).for_each(|b| line.push(&[b]));
                write_line(m, &mut line);
                Ok(Outcome::EMPTY)
            }
            op::GONE => Ok(Outcome::words(&[self.gone_first().ok_or(Error::EndOfList)?])),
            op::REAP => self.reap(m).map(|()| Outcome::EMPTY),
            op::ABANDONED => {
                self.pds.get_mut(word_id(args.get(1)?))?.abandoned = true;
                Ok(Outcome::EMPTY)
            }
            op::ENTER_THUMB => {
                let pd = self.pds.get_mut(word_id(args.get(1)?))?;
                let thread = pd.threads.get_mut(args.get(2)? as usize).and_then(Option::as_mut);
                let entry = thread.ok_or(Error::NoSuchObject)?.thumb_entry.take();
                Ok(Outcome::words(&[entry.is_some().into()]))
            }
            op::THERE => self.pds.get(word_id(args.get(1)?)).map(|_| Outcome::EMPTY),
            op::END => {
                let client = Label::decode(args.get(1)?).ok_or(Error::NoSuchObject)?;
                self.checkpointer_end(m, client.pd).map(|_| Outcome::EMPTY)
            }
            _ => self.internal_resource(m, operation, args),
        }
    }

    fn internal_resource(&mut self, m: &impl Machine, operation: u32, args: Args<'_>) -> Result<Outcome> {
        match operation {
            op::SLOTS_ALLOC => {
                let first = self.slots.alloc_run(args.get(1)?).ok_or(Error::TableFull)?;
                Ok(Outcome::words(&[first.0]))
            }
            op::SLOTS_FREE => {
                let first = args.get(1)?;
                for slot in first..first.saturating_add(args.get(2)?) {
                    self.check_own_slot(slot)?;
                    TASK.unmap_cap(m, CapIndex(slot))?;
                    self.slots.free(CapIndex(slot));
                }
                Ok(Outcome::EMPTY)
            }
            op::GATE_CREATE => {
                let slot = self.check_own_slot(args.get(1)?)?;
                FACTORY.create_gate(m, slot, Cap::new(CapIndex(args.get(2)?)), args.get(3)?)?;
                Ok(Outcome::EMPTY)
            }
            op::OBJECT_DELETE => {
                TASK.delete(m, self.check_own_slot(args.get(1)?)?)?;
                Ok(Outcome::EMPTY)
            }
            op::SPAWN => {
                let thread = self.spawn(m, args.get(1)?, args.get(2)?, args.get(3)?)?;
                Ok(Outcome::words(&[thread.index().0]))
            }
            op::FRAMES_ALLOC => {
                let pages = args.get(1)?;
                let phys = self.frames.alloc(pages).ok_or(Error::NoMemory)?;
                m.zero(phys, pages * PAGE_BYTES);
                Ok(Outcome::words(&[phys]))
            }
            op::FRAMES_FREE => {
                let (phys, pages) = (args.get(1)?, args.get(2)?);
                for (_, from, order) in crate::memory::flexpages(phys, phys, pages * PAGE_BYTES) {
                    let page = thaw_l4::Fpage::memory(from, order, raw::L4_FPAGE_RWX);
                    TASK.unmap(m, page, raw::L4_FP_OTHER_SPACES)?;
                }
                self.frames.free(phys, pages);
                Ok(Outcome::EMPTY)
            }
            _ => Err(Error::UnknownRequest),
        }
    }

    fn check_own_slot(&self, slot: u32) -> Result<CapIndex> {
        let slot = CapIndex(slot);
        if self.slots.is_used(slot) { Ok(slot) } else { Err(Error::BadSlot) }
    }

    fn internal_pd(&self, client: u32, pd: u32) -> Result<Outcome> {
        let client = Label::decode(client).filter(|l| l.kind == Kind::Checkpoint).ok_or(Error::NotOwner)?;
        let label = Label::decode(pd).filter(|l| l.kind == Kind::Parent).ok_or(Error::NoSuchObject)?;
        let pd = self.pds.get(label.pd)?;
        if pd.parent != Some(client.pd) {
            return Err(Error::NotOwner);
        }
        let n = pd.name.0;
        Ok(Outcome::words(&[id_word(pd.id), pd.task.index().0, label.encode(), n[0], n[1], n[2], n[3]]))
    }

    fn internal_thread(&self, id: PdId, index: u32) -> Result<Outcome> {
        let pd = self.pds.get(id)?;
        if index >= pd.threads_end() {
            return Err(Error::EndOfThreads);
        }
        let thread = pd.thread(index)?;
        let n = thread.name.0;
        Ok(Outcome::words(&[
            thread.cap.index().0,
            pager_slot(index),
            thread.priority,
            u32::from(thread.started),
            utcb_addr(index),
            n[0],
            n[1],
            n[2],
            n[3],
            thread.serial,
            u32::from(thread.thumb_entry.is_some()),
        ]))
    }

    fn internal_object(&self, id: PdId, n: u32) -> Result<Outcome> {
        let object = self.pds.get(id)?.objects.get(n as usize).ok_or(Error::EndOfList)?;
        let (kind, thread) = object.told();
        let own = object.kind.index().0;
        Ok(Outcome::words(&[object.slot, kind, object.label, thread, own]))
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::fake::{FakeMachine, books, spec};
    use crate::threads::ThreadSpec;

    #[test]
    fn ids_survive_the_wire() {
        for id in [PdId { index: 0, generation: 1 }, PdId { index: 15, generation: 0x3fff }] {
            assert_eq!(word_id(id_word(id)), id);
        }
    }

    #[test]
    fn a_thread_begins_in_thumb_state_once() {
        let (m, mut root) = (FakeMachine::new(), books());
        let pd = root.pd_create(&m, &spec(None)).expect("room");
        let thread = ThreadSpec {
            index: None,
            ip: 0x101,
            sp: 0,
            priority: 1,
            tpidruro: 0,
            start: true,
            name: Name::new("t"),
        };
        root.thread_create(&m, pd, &thread).expect("room");
        let label = Label::session(Kind::Internal, PdId { index: 0, generation: 0 }).encode();
        let mut ask = |operation| m.send(&mut root, label, &[operation, id_word(pd), 0]).expect("answer").1;
        assert_eq!(ask(op::THREAD)[10], 1);
        assert_eq!((ask(op::ENTER_THUMB), ask(op::ENTER_THUMB)), (vec![1], vec![0]));
        assert_eq!(ask(op::THREAD)[10], 0);
    }

    #[test]
    fn fixed_slots_are_those_every_pd_has() {
        assert!(is_fixed_slot(layout::SLOT_PD) && is_fixed_slot(layout::SLOT_LOG));
        assert!(is_fixed_slot(layout::SLOT_THREADS) && is_fixed_slot(layout::SLOT_THREADS + 4 * 63));
        for slot in
            [0, layout::SLOT_MANAGER, layout::SLOT_THREADS + 1, layout::SLOT_THREADS + 256, layout::SLOT_USER]
        {
            assert!(!is_fixed_slot(slot), "{slot:#x}");
        }
    }
}
