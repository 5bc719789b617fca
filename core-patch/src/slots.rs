//! A PD's capability slots: what is in them, and putting something in.

use l4_sys::{CapIndex, raw};
use thaw_l4::Kernel;
use thaw_protocol::{
    Error, ErrorKind, NO_THREAD, PROBE_ENTRIES, PROBE_SLOTS, THREADS_MAX, slot_kind, trace::Event,
};

use crate::{
    Engine, Host, ObjectKind, Reply,
    receive::{at, step},
    set::{Filled, Named, SLOTS_MAX},
};

/// Rights with which a capability may be held, those that the core gives first.
const RIGHTS: [u32; 4] = [
    raw::L4_CAP_FPAGE_RWS,
    raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_W,
    raw::L4_CAP_FPAGE_R | raw::L4_CAP_FPAGE_S,
    raw::L4_CAP_FPAGE_R,
];

/// Rights that the core gives, in the word of a slot.
const GIVEN: u32 = raw::L4_CAP_FPAGE_RWS << slot_kind::RIGHTS_SHIFT;

impl<K: Kernel, H: Host> Engine<'_, K, H> {
    /// Looks at up to `PROBE_SLOTS` slots from `first`. Identities only: nothing the caller could use.
    pub(crate) fn probe(&mut self, first: u32) -> Result<Reply, Error> {
        let pd = self.pd()?;
        let end = first.saturating_add(PROBE_SLOTS).min(self.env.slots.1);
        let mut reply = Reply::default();
        let mut looked = 0;
        let mut found = heapless::Vec::<Filled, PROBE_ENTRIES>::new();
        for slot in first..end {
            if found.is_full() {
                break;
            }
            looked += 1;
            // Our own gates are in the PD for the time of the stop only.
            let is_ours = self.holds_stop_gate(slot);
            if is_ours || !pd.task.cap_valid(self.k, CapIndex(slot)).map_err(at(step::SLOT))? {
                continue;
            }
            let _ = found.push(self.booked(CapIndex(slot)));
        }
        self.name(&mut found)?;
        reply.push(&[looked, found.len() as u32]);
        for filled in &found {
            reply.push(&[filled.slot, filled.kind, filled.badge]);
        }
        Ok(reply)
    }

    /// The same from the books of the last stop.
    pub(crate) fn probe_snapshot(&self, first: u32) -> Reply {
        let found = || self.set.slots.iter().filter(|filled| filled.slot >= first);
        let next = found().nth(PROBE_ENTRIES).map_or(self.env.slots.1, |filled| filled.slot);
        let count = found().count().min(PROBE_ENTRIES) as u32;
        let mut reply = Reply::default();
        reply.push(&[next.saturating_sub(first), count]);
        for filled in found().take(PROBE_ENTRIES) {
            reply.push(&[filled.slot, filled.kind, filled.badge]);
        }
        reply
    }

    fn holds_stop_gate(&self, slot: u32) -> bool {
        let mut gates = self.set.entries.iter().enumerate().filter(|(_, entry)| entry.gate_mapped);
        gates.any(|(i, _)| self.env.stop_slot_of(i).0 == slot)
    }

    /// What the core's books say of a slot.
    fn booked(&self, slot: CapIndex) -> Filled {
        let of = |kind, badge, named| Filled { slot: slot.0, kind, badge, named };
        match self.set.booked_at(slot) {
            Some(n) => {
                let (kind, badge) = self.kind_of(n);
                of(kind | GIVEN, badge, Named::Object(n))
            }
            None if self.host.is_fixed_slot(slot) => of(slot_kind::FIXED | GIVEN, 0, Named::Other),
            None => of(slot_kind::UNKNOWN, 0, Named::Other),
        }
    }

    fn kind_of(&self, n: usize) -> (u32, u32) {
        let object = &self.set.objects[n];
        match object.kind {
            ObjectKind::Gate(_) => (slot_kind::GATE, object.badge),
            ObjectKind::Irq(_) => (slot_kind::IRQ, object.badge),
            ObjectKind::Semaphore(_) => (slot_kind::SEMAPHORE, 0),
            ObjectKind::Thread => (slot_kind::THREAD, object.thread.map_or(NO_THREAD, |i| i as u32)),
        }
    }

    /// Looks at all slots into the books; refuses a capability to something outside that the core does not
    /// know to answer promptly: a thread may be in a call to it.
    pub(crate) fn scan_slots(&mut self) -> Result<(), Error> {
        let looked = self.host.looks_into_slots();
        let result = self.try_scan(looked);
        if !looked {
            // What was put there to be compared: messages are received there next.
            let pd = self.pd()?;
            pd.task.unmap_cap(self.k, self.env.scratch_slots).map_err(at(step::SLOT))?;
        }
        result
    }

    fn try_scan(&mut self, looked: bool) -> Result<(), Error> {
        let pd = self.pd()?;
        self.set.slots.clear();
        let mut next = CapIndex(0);
        while let Some(slot) = self.maybe_filled(next)? {
            next = slot.plus(1);
            let filled = pd.task.cap_valid(self.k, slot).map_err(at(step::SLOT))?;
            if !filled || self.holds_stop_gate(slot.0) {
                continue;
            }
            let mut filled = self.booked(slot);
            if !looked {
                filled = self.confirmed(filled)?;
            }
            let full = ErrorKind::TooMany.with(SLOTS_MAX as u32, 0, 0);
            self.set.slots.push(filled).map_err(|_| full)?;
        }
        self.name_all()?;
        if !looked {
            self.note_moved()?;
        }
        self.trace(Event::Slots.of_all().with(self.set.slots.len() as u32));
        Ok(())
    }

    fn maybe_filled(&mut self, from: CapIndex) -> Result<Option<CapIndex>, Error> {
        let pd = self.pd()?;
        let slot = self.host.maybe_filled(pd, from).map_err(|e| ErrorKind::Kernel.with(e, step::HOST, 0))?;
        Ok(slot.filter(|slot| slot.0 < self.env.slots.1))
    }

    /// Names what the core did not put into its slot, a few at a time; who cannot be named is refused.
    fn name_all(&mut self) -> Result<(), Error> {
        loop {
            let unknown = self.set.slots.iter().filter(|filled| is_unknown(filled)).copied();
            let mut some: heapless::Vec<Filled, PROBE_ENTRIES> = unknown.take(PROBE_ENTRIES).collect();
            if some.is_empty() {
                return Ok(());
            }
            self.name(&mut some)?;
            for named in some {
                if is_unknown(&named) {
                    return Err(ErrorKind::UnknownPeer.with(named.slot, 0, 0));
                }
                if let Some(filled) = self.set.slots.iter_mut().find(|filled| filled.slot == named.slot) {
                    *filled = named;
                }
            }
        }
    }

    fn name(&self, slots: &mut [Filled]) -> Result<(), Error> {
        if self.host.looks_into_slots() { self.name_equals(slots) } else { self.name_strangers(slots) }
    }

    /// Compares what is in an object's slot with what the core put there.
    fn confirmed(&self, filled: Filled) -> Result<Filled, Error> {
        let Named::Object(n) = filled.named else { return Ok(filled) };
        let same = match self.own_cap(n) {
            Some(own) => {
                self.put_beside(own, RIGHTS[0])?;
                self.is_beside(filled.slot)?
            }
            None => false,
        };
        let changed = Filled { kind: slot_kind::UNKNOWN, badge: 0, named: Named::Other, ..filled };
        Ok(if same { filled } else { changed })
    }

    fn own_cap(&self, n: usize) -> Option<CapIndex> {
        let object = self.set.objects.get(n)?;
        match object.kind {
            ObjectKind::Gate(cap) => Some(cap.index()),
            ObjectKind::Irq(cap) | ObjectKind::Semaphore(cap) => Some(cap.index()),
            ObjectKind::Thread => {
                object.thread.and_then(|i| self.set.entries[i].info).map(|info| info.cap.index())
            }
        }
    }

    /// Puts a capability of the core's into a slot of the PD that is kept empty, to be compared with others.
    fn put_beside(&self, own: CapIndex, rights: u32) -> Result<(), Error> {
        let (pd, beside) = (self.pd()?, self.env.scratch_slots);
        pd.task.map_cap(self.k, self.env.core_task, own, beside, rights, 0).map_err(at(step::SLOT))
    }

    fn is_beside(&self, slot: u32) -> Result<bool, Error> {
        let pd = self.pd()?;
        pd.task.cap_equal(self.k, CapIndex(slot), self.env.scratch_slots).map_err(at(step::SLOT))
    }

    /// Finds out what slots hold that the core did not fill, or whose contents changed: each object and each thread
    /// of the set is compared with them, with all rights that it can have there.
    fn name_strangers(&self, slots: &mut [Filled]) -> Result<(), Error> {
        let objects = self.set.objects.len();
        if !slots.iter().any(is_unknown) {
            return Ok(());
        }
        for candidate in 0..objects + THREADS_MAX {
            let (own, named) = match candidate.checked_sub(objects) {
                None => (self.own_cap(candidate), Named::Object(candidate)),
                Some(i) => (self.set.entries[i].info.map(|info| info.cap.index()), Named::Thread(i)),
            };
            let Some(own) = own else { continue };
            for rights in RIGHTS {
                if !slots.iter().any(is_unknown) {
                    break;
                }
                self.put_beside(own, rights)?;
                for filled in slots.iter_mut().filter(|filled| is_unknown(filled)) {
                    if self.is_beside(filled.slot)? {
                        *filled = self.stranger(*filled, named, rights);
                    }
                }
            }
        }
        let pd = self.pd()?;
        pd.task.unmap_cap(self.k, self.env.scratch_slots).map_err(at(step::SLOT))
    }

    fn stranger(&self, filled: Filled, named: Named, rights: u32) -> Filled {
        let rights = rights << slot_kind::RIGHTS_SHIFT;
        let (kind, badge) = match named {
            Named::Object(n) => {
                let (kind, badge) = self.kind_of(n);
                let home = self.set.objects[n].slot.0;
                match self.set.objects[n].kind {
                    ObjectKind::Thread => (kind, badge),
                    _ if home == filled.slot => (kind, badge),
                    // Another object's slot: the core's books could not be made true again.
                    _ if self.set.booked_at(CapIndex(filled.slot)).is_some() => (slot_kind::UNKNOWN, 0),
                    _ => (kind | slot_kind::COPY, home),
                }
            }
            Named::Thread(i) => (slot_kind::THREAD, i as u32),
            Named::Other => (slot_kind::UNKNOWN, 0),
        };
        Filled { kind: kind | rights, badge, named, ..filled }
    }

    /// Notes objects whose slots the program has emptied: the core's books have them there.
    fn note_moved(&mut self) -> Result<(), Error> {
        for n in 0..self.set.objects.len() {
            let slot = self.set.objects[n].slot.0;
            let place = self.set.slots.iter().position(|filled| filled.slot >= slot);
            let place = place.unwrap_or(self.set.slots.len());
            if self.set.slots.get(place).is_some_and(|filled| filled.slot == slot) {
                continue;
            }
            let (kind, badge) = self.kind_of(n);
            let moved = Filled { slot, kind, badge, named: Named::Other };
            let full = ErrorKind::TooMany.with(SLOTS_MAX as u32, 0, 0);
            self.set.slots.insert(place, moved).map_err(|_| full)?;
        }
        Ok(())
    }

    /// Gives slots of the set back what a message that was taken out of a queue has moved away.
    pub(crate) fn refill_slots(&self) -> Result<(), Error> {
        let pd = self.pd()?;
        for filled in &self.set.slots {
            let rights = filled.kind >> slot_kind::RIGHTS_SHIFT & raw::L4_CAP_FPAGE_RWS;
            let own = match filled.named {
                Named::Object(n) => self.own_cap(n),
                Named::Thread(i) => self.set.entries[i].info.map(|info| info.cap.index()),
                Named::Other => None,
            };
            let Some(own) = own.filter(|_| rights & raw::L4_CAP_FPAGE_R != 0) else { continue };
            let slot = CapIndex(filled.slot);
            if !pd.task.cap_valid(self.k, slot).map_err(at(step::SLOT))? {
                pd.task.map_cap(self.k, self.env.core_task, own, slot, rights, 0).map_err(at(step::SLOT))?;
            }
        }
        Ok(())
    }

    /// Where the core has looked into the slots itself: a copy, with the same rights, of what is in another slot?
    fn name_equals(&self, slots: &mut [Filled]) -> Result<(), Error> {
        let pd = self.pd()?;
        for filled in slots.iter_mut().filter(|filled| is_unknown(filled)) {
            for n in 0..self.set.objects.len() {
                let slot = self.set.objects[n].slot;
                if pd.task.cap_equal(self.k, CapIndex(filled.slot), slot).map_err(at(step::SLOT))? {
                    let (kind, badge) = self.kind_of(n);
                    *filled = Filled { kind: kind | GIVEN, badge, named: Named::Object(n), ..*filled };
                    break;
                }
            }
        }
        Ok(())
    }

    /// Installs a capability of the caller's in an empty slot of a prepared PD.
    pub(crate) fn install(&mut self, slot: u32, rights: u32, held: CapIndex) -> Result<(), Error> {
        let pd = self.pd()?;
        let target = CapIndex(slot);
        let inside = slot >= self.env.slots.0 && slot < self.env.slots.1;
        if !inside || pd.task.cap_valid(self.k, target).map_err(at(step::SLOT))? {
            return Err(ErrorKind::BadSlot.with(slot, 0, 0));
        }
        let rights = rights & raw::L4_CAP_FPAGE_RWS;
        pd.task.map_cap(self.k, self.env.core_task, held, target, rights, 0).map_err(at(step::SLOT))?;
        // Without the right R the kernel maps nothing and calls it success.
        if pd.task.cap_valid(self.k, target).map_err(at(step::SLOT))? {
            Ok(())
        } else {
            Err(ErrorKind::BadSlot.with(slot, rights, 0))
        }
    }
}

const fn is_unknown(filled: &Filled) -> bool {
    filled.kind & slot_kind::KIND == slot_kind::UNKNOWN
}
