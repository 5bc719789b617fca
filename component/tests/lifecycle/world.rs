//! A world of the test's own: it keeps books, models no kernel, and refuses the request it is told to.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::rc::Rc;

use thaw_component::host::*;
use thaw_component::service::{Abilities, Probe, ServiceError, SlotEntry, ThreadState, Traced};
use thaw_component::trace::Tracer;
use thaw_image::Name;
use thaw_l4::raw;
use thaw_protocol::{ErrorKind, slot_kind, trace::Record};

/// Number of an injected refusal.
pub const INJECTED: u32 = 99;
const PAGE: u32 = 4096;

pub type Bytes = Rc<RefCell<Vec<u8>>>;

/// What becomes of a PD's threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Run {
    /// No thread has run.
    Fresh,
    /// They run.
    Runs,
    /// They stand still and can go on.
    Stands,
    /// They wait for their state.
    Waits,
    /// They never run again.
    Given,
}

#[derive(Clone, Debug)]
pub struct FakeDataspace {
    pub bytes: u32,
    pub kind: DataspaceKind,
    pub owner: Option<u32>,
    pub data: Bytes,
    pub filled: u32,
}

#[derive(Clone, Debug)]
pub struct FakePd {
    pub name: Name,
    pub quota: u32,
    pub life: Life,
    pub run: Run,
    pub regions: Vec<Region>,
    pub threads: BTreeMap<u32, ThreadInfo>,
    pub states: BTreeMap<u32, ThreadState>,
    pub objects: Vec<Object>,
    pub pending: BTreeMap<u32, u32>,
    pub foreign: Vec<SlotEntry>,
    pub clock: u64,
}

pub struct World {
    pub pds: RefCell<BTreeMap<u32, FakePd>>,
    pub dataspaces: RefCell<BTreeMap<u32, FakeDataspace>>,
    views: RefCell<BTreeMap<u32, (Bytes, bool)>>,
    session: RefCell<Option<(u32, u32)>>,
    next: Cell<u32>,
    pub own_pages: Cell<u32>,
    pub calls: Cell<u32>,
    pub fail_at: Cell<Option<u32>>,
    pub log: RefCell<Vec<String>>,
    /// The request that was refused as told.
    pub failed: RefCell<String>,
    /// Writes until the disk is broken.
    pub writes_left: Cell<u32>,
    /// What the target does right before each stop.
    pub at_stop: RefCell<VecDeque<fn(&World)>>,
    /// What it does when a session is opened.
    pub at_open: RefCell<Option<fn(&World)>>,
    /// Whether the target's changes are counted.
    pub counts_changes: Cell<bool>,
    ticks: Cell<u64>,
    tracer: Tracer,
}

impl World {
    pub fn new() -> Self {
        Self {
            pds: RefCell::default(),
            dataspaces: RefCell::default(),
            views: RefCell::default(),
            session: RefCell::default(),
            next: Cell::new(0x100),
            own_pages: Cell::new(10_000),
            calls: Cell::new(0),
            fail_at: Cell::new(None),
            log: RefCell::default(),
            failed: RefCell::default(),
            writes_left: Cell::new(u32::MAX),
            at_stop: RefCell::default(),
            at_open: RefCell::default(),
            counts_changes: Cell::new(false),
            ticks: Cell::new(0),
            tracer: Tracer::new(),
        }
    }

    fn number(&self) -> u32 {
        self.next.replace(self.next.get() + 1)
    }

    /// Counts a call and says whether it is the one to fail.
    pub fn fails(&self, name: &str) -> bool {
        let n = self.calls.replace(self.calls.get() + 1);
        self.log.borrow_mut().push(name.to_owned());
        let fails = self.fail_at.get() == Some(n);
        if fails {
            *self.failed.borrow_mut() = name.to_owned();
        }
        fails
    }

    fn ask(&self, name: &str) -> HostResult<()> {
        if self.fails(name) { Err(HostError(INJECTED)) } else { Ok(()) }
    }

    fn serve(&self, name: &str, session: u32) -> Result<u32, ServiceError> {
        if self.fails(name) {
            return Err(ServiceError::Refused(ErrorKind::Kernel.with(INJECTED, 0, 0)));
        }
        let open = *self.session.borrow();
        let (id, pd) = open.ok_or(ServiceError::Refused(ErrorKind::NoSuchSession.into()))?;
        assert_eq!(id, session);
        Ok(pd)
    }

    /// The names of all calls but readings.
    pub fn order(&self) -> Vec<String> {
        let silent = ["region", "dataspace", "object", "thread", "slot_probe", "thread_get", "thread_set"];
        let mut order: Vec<String> = self.log.borrow().clone();
        order.retain(|name| !silent.contains(&name.as_str()));
        order.dedup();
        order
    }

    pub fn add_dataspace(&self, owner: Option<u32>, kind: DataspaceKind, data: Vec<u8>) -> u32 {
        let id = self.number();
        let (bytes, mut data) = (data.len() as u32, data);
        data.resize(bytes.next_multiple_of(PAGE) as usize, 0);
        let data = Rc::new(RefCell::new(data));
        self.dataspaces.borrow_mut().insert(id, FakeDataspace { bytes, kind, owner, data, filled: bytes });
        id
    }

    /// Takes a dataspace away from everybody.
    pub fn free_dataspace(&self, id: u32) {
        let freed = self.dataspaces.borrow_mut().remove(&id).expect("a dataspace that exists");
        self.pds.borrow_mut().values_mut().for_each(|pd| pd.regions.retain(|r| r.dataspace != id));
        self.views.borrow_mut().retain(|_, (data, _)| !Rc::ptr_eq(data, &freed.data));
    }

    pub fn add_pd(&self, name: Name, quota: u32) -> u32 {
        let pd = FakePd {
            name,
            quota,
            life: Life::Running,
            run: Run::Fresh,
            regions: Vec::new(),
            threads: BTreeMap::new(),
            states: BTreeMap::new(),
            objects: Vec::new(),
            pending: BTreeMap::new(),
            foreign: Vec::new(),
            clock: 0,
        };
        let id = self.number();
        self.own_pages.set(self.own_pages.get() - quota);
        self.pds.borrow_mut().insert(id, pd);
        id
    }

    pub fn pd<T>(&self, pd: u32, with: impl FnOnce(&mut FakePd) -> T) -> T {
        with(self.pds.borrow_mut().get_mut(&pd).expect("a pd that exists"))
    }

    fn view(&self, data: Bytes, writable: bool) -> Span {
        let bytes = data.borrow().len() as u32;
        let addr = self.number() << 20;
        self.views.borrow_mut().insert(addr, (data, writable));
        Span { addr, bytes }
    }

    fn find(&self, span: Span) -> (Bytes, usize, bool) {
        let views = self.views.borrow();
        let (addr, (data, writable)) = views.range(..=span.addr).next_back().expect("a view");
        let offset = (span.addr - addr) as usize;
        assert!(offset + span.bytes as usize <= data.borrow().len(), "outside of a view");
        (data.clone(), offset, *writable)
    }

    fn seen(&self, pd: u32) -> Vec<u32> {
        let regions = self.pd(pd, |pd| pd.regions.clone());
        let here =
            |id: &u32, d: &FakeDataspace| d.owner == Some(pd) || regions.iter().any(|r| r.dataspace == *id);
        self.dataspaces.borrow().iter().filter(|(id, d)| here(id, d)).map(|(id, _)| *id).collect()
    }
}

impl Host for World {
    type Pd = u32;

    fn pd_create(&self, name: Name, quota_pages: u32) -> HostResult<u32> {
        self.ask("pd_create")?;
        Ok(self.add_pd(name, quota_pages))
    }

    fn pd_destroy(&self, pd: u32) -> HostResult<()> {
        self.ask("pd_destroy")?;
        let gone = self.pds.borrow_mut().remove(&pd).expect("a pd that exists");
        assert_ne!(gone.run, Run::Stands, "a frozen pd is not destroyed");
        self.dataspaces.borrow_mut().retain(|_, d| d.owner != Some(pd));
        self.own_pages.set(self.own_pages.get() + gone.quota);
        Ok(())
    }

    fn pd_info(&self, pd: u32) -> HostResult<PdInfo> {
        self.ask("pd_info")?;
        Ok(self.pd(pd, |p| PdInfo { badge: 7, quota_pages: p.quota, life: p.life, name: p.name }))
    }

    fn changes(&self, pd: u32) -> Option<u32> {
        let count = |p: &FakePd| (p.objects.len() + p.regions.len() + p.threads.len()) as u32;
        self.counts_changes.get().then(|| self.pd(pd, |p| count(p)))
    }

    fn ram_blank(&self, pd: u32, bytes: u32) -> HostResult<u32> {
        self.ask("ram_blank")?;
        let id = self.add_dataspace(Some(pd), DataspaceKind::Ram, vec![0xdd; bytes as usize]);
        self.dataspaces.borrow_mut().get_mut(&id).expect("just made").filled = 0;
        Ok(id)
    }

    fn ram_fill(&self, _pd: u32, dataspace: u32, bytes: u32, from: Option<Span>) -> HostResult<()> {
        self.ask("ram_fill")?;
        let content = from.map_or(vec![0; bytes as usize], |span| {
            let mut content = vec![0; bytes as usize];
            self.read(span, &mut content);
            content
        });
        let mut all = self.dataspaces.borrow_mut();
        let blank = all.get_mut(&dataspace).expect("there");
        let to = blank.filled as usize;
        blank.data.borrow_mut()[to..to + content.len()].copy_from_slice(&content);
        blank.filled += bytes;
        Ok(())
    }

    fn attach(&self, pd: u32, region: &Region) -> HostResult<()> {
        self.ask("attach")?;
        let attached = &self.dataspaces.borrow()[&region.dataspace];
        assert!(attached.filled >= attached.bytes, "nobody sees what another left in memory");
        self.pd(pd, |pd| pd.regions.push(*region));
        Ok(())
    }

    fn thread_create(&self, pd: u32, thread: &NewThread) -> HostResult<()> {
        self.ask("thread_create")?;
        let info = ThreadInfo { started: false, priority: thread.priority, name: thread.name };
        self.pd(pd, |pd| assert!(pd.threads.insert(thread.index, info).is_none()));
        Ok(())
    }

    fn gate_create(&self, pd: u32, slot: u32, thread: u32, badge: u32) -> HostResult<()> {
        self.ask("gate_create")?;
        let taken = |o: &Object| o.kind == ObjectKind::Gate && o.badge == badge;
        if self.pds.borrow().values().any(|pd| pd.objects.iter().any(taken)) {
            return Err(HostError(raw::L4_EEXIST));
        }
        self.pd(pd, |pd| pd.objects.push(Object { slot, kind: ObjectKind::Gate, badge, thread }));
        Ok(())
    }

    fn irq_create(&self, pd: u32, slot: u32, thread: u32, label: u32) -> HostResult<()> {
        self.ask("irq_create")?;
        self.pd(pd, |pd| pd.objects.push(Object { slot, kind: ObjectKind::Irq, badge: label, thread }));
        Ok(())
    }

    fn region(&self, pd: u32, n: u32) -> Listed<Region> {
        self.ask("region")?;
        Ok(self.pd(pd, |pd| pd.regions.get(n as usize).copied()))
    }

    fn dataspace(&self, pd: u32, n: u32) -> Listed<Dataspace> {
        self.ask("dataspace")?;
        let Some(id) = self.seen(pd).get(n as usize).copied() else { return Ok(None) };
        let all = self.dataspaces.borrow();
        Ok(Some(Dataspace { id, bytes: all[&id].bytes, kind: all[&id].kind }))
    }

    fn object(&self, pd: u32, n: u32) -> Listed<Object> {
        self.ask("object")?;
        Ok(self.pd(pd, |pd| pd.objects.get(n as usize).copied()))
    }

    fn thread(&self, pd: u32, index: u32) -> HostResult<ThreadAt> {
        self.ask("thread")?;
        Ok(self.pd(pd, |pd| match pd.threads.get(&index) {
            Some(info) => ThreadAt::Thread(*info),
            None if pd.threads.keys().all(|i| *i < index) => ThreadAt::End,
            None => ThreadAt::Hole,
        }))
    }

    fn clock_us(&self, pd: u32) -> HostResult<u64> {
        self.ask("clock_us")?;
        Ok(self.pd(pd, |pd| pd.clock))
    }

    fn set_clock_us(&self, pd: u32, us: u64) -> HostResult<()> {
        self.ask("set_clock_us")?;
        self.pd(pd, |pd| pd.clock = us);
        Ok(())
    }

    fn utcb_addr(&self, index: u32) -> u32 {
        0xb000_0000 + 512 * index
    }

    fn fixed_slot(&self, slot: u32) -> Option<FixedSlot> {
        match slot {
            0x10 => Some(FixedSlot::Service(0x10)),
            0x11 => Some(FixedSlot::Log),
            0x40..0x140 if slot.is_multiple_of(4) => Some(FixedSlot::Pager),
            _ => None,
        }
    }

    fn slot_end(&self) -> u32 {
        0x400
    }

    fn rom(&self, name: Name) -> Listed<(u32, u32)> {
        self.ask("rom")?;
        let all = self.dataspaces.borrow();
        let found = all.iter().find(|(_, d)| d.kind == DataspaceKind::Rom(name));
        Ok(found.map(|(id, d)| (*id, d.bytes)))
    }

    fn show(&self, dataspace: u32, writable: bool) -> HostResult<Span> {
        self.ask("show")?;
        let data = {
            let shown = &self.dataspaces.borrow()[&dataspace];
            assert!(shown.filled >= shown.bytes, "nobody sees what another left in memory");
            shown.data.clone()
        };
        Ok(self.view(data, writable))
    }

    fn hide(&self, span: Span) -> HostResult<()> {
        assert!(self.views.borrow_mut().remove(&span.addr).is_some());
        Ok(())
    }

    fn take_spare(&self, bytes: u32) -> HostResult<Span> {
        self.ask("take_spare")?;
        assert!(bytes < 1 << 20, "views are 1 MiB apart");
        let pages = bytes.div_ceil(PAGE);
        assert!(pages <= self.own_pages.get(), "checked before");
        self.own_pages.set(self.own_pages.get() - pages);
        let span = self.view(Rc::new(RefCell::new(vec![0xee; (pages * PAGE) as usize])), true);
        Ok(Span { bytes, ..span })
    }

    fn give_spare(&self, span: Span) -> HostResult<()> {
        self.own_pages.set(self.own_pages.get() + span.bytes.div_ceil(PAGE));
        assert!(self.views.borrow_mut().remove(&span.addr).is_some());
        Ok(())
    }

    fn memory(&self) -> HostResult<Memory> {
        self.ask("memory")?;
        Ok(Memory { free_pages: 1 << 20, own_pages: self.own_pages.get() })
    }

    fn counts(&self) -> HostResult<Counts> {
        let pds = self.pds.borrow();
        let sum = |of: fn(&FakePd) -> usize| pds.values().map(of).sum::<usize>() as u32;
        Ok(Counts([
            pds.len() as u32,
            sum(|pd| pd.threads.len()),
            sum(|pd| pd.objects.len()),
            u32::from(self.session.borrow().is_some()),
            self.dataspaces.borrow().len() as u32,
            sum(|pd| pd.regions.len()),
            self.views.borrow().len() as u32,
            self.own_pages.get(),
        ]))
    }

    fn copy(&self, to: Span, from: Span, _routine: CopyRoutine) {
        let (data, offset, _) = self.find(from);
        let bytes = data.borrow()[offset..offset + from.bytes as usize].to_vec();
        self.write(to, &bytes);
    }

    fn read(&self, from: Span, to: &mut [u8]) {
        let (data, offset, _) = self.find(from);
        to.copy_from_slice(&data.borrow()[offset..offset + to.len()]);
    }

    fn write(&self, to: Span, from: &[u8]) {
        let (data, offset, writable) = self.find(to);
        assert!(writable, "written through a read-only view");
        data.borrow_mut()[offset..offset + from.len()].copy_from_slice(from);
    }

    fn make_coherent(&self, span: Span) {
        self.find(span);
        self.log.borrow_mut().push("make_coherent".into());
    }

    fn ticks(&self) -> Option<u64> {
        self.ticks.set(self.ticks.get() + 10);
        Some(self.ticks.get())
    }

    fn counter_hz(&self) -> u32 {
        1_000_000
    }

    fn sleep_ms(&self, _ms: u32) {}

    fn pause(&self, _ticks: u64, _turns: u32, _us: u32) {}

    fn say(&self, line: fmt::Arguments<'_>) {
        self.log.borrow_mut().push(format!("say {line}"));
    }

    fn tracer(&self) -> Option<&Tracer> {
        Some(&self.tracer)
    }
}

impl thaw_component::service::Service for World {
    type Pd = u32;

    fn open(&self, pd: u32) -> Result<u32, ServiceError> {
        assert!(self.session.borrow().is_none(), "one session at a time");
        *self.session.borrow_mut() = Some((1, pd));
        let opened = self.serve("open", 1);
        if opened.is_err() {
            *self.session.borrow_mut() = None;
        }
        let change = self.at_open.borrow_mut().take();
        if let Some(change) = change {
            change(self);
        }
        opened.map(|_| 1)
    }

    fn close(&self, session: u32) -> Result<(), ServiceError> {
        self.log.borrow_mut().push("close".into());
        let (id, pd) = self.session.borrow_mut().take().expect("an open session");
        assert_eq!(id, session);
        if let Some(pd) = self.pds.borrow_mut().get_mut(&pd) {
            match pd.run {
                Run::Stands => pd.run = Run::Runs,
                Run::Waits => pd.run = Run::Given,
                _ => {}
            }
        }
        Ok(())
    }

    fn abandon(&self, session: u32) -> Result<(), ServiceError> {
        let pd = self.serve("abandon", session)?;
        self.pd(pd, |pd| pd.run = Run::Given);
        *self.session.borrow_mut() = None;
        Ok(())
    }

    fn stop(&self, session: u32) -> Result<thaw_protocol::StopReport, ServiceError> {
        let pd = self.serve("stop", session)?;
        let change = self.at_stop.borrow_mut().pop_front();
        if let Some(change) = change {
            change(self);
        }
        let threads = self.pd(pd, |pd| {
            assert_eq!(pd.run, Run::Runs);
            pd.run = Run::Stands;
            pd.states.len() as u32
        });
        Ok(thaw_protocol::StopReport { threads, ..Default::default() })
    }

    fn prepare(&self, session: u32, threads: u64) -> Result<(), ServiceError> {
        let pd = self.serve("prepare", session)?;
        self.pd(pd, |pd| {
            assert_eq!(pd.run, Run::Fresh);
            pd.run = Run::Waits;
            let taken: Vec<u32> = (0..64).filter(|i| threads & (1 << i) != 0).collect();
            for i in taken {
                assert!(pd.threads.contains_key(&i));
                pd.states.insert(i, ThreadState::ZERO);
            }
        });
        Ok(())
    }

    fn commit(&self, session: u32) -> Result<(), ServiceError> {
        let pd = self.serve("commit", session)?;
        self.pd(pd, |pd| {
            assert!(matches!(pd.run, Run::Stands | Run::Waits));
            pd.run = Run::Runs;
            for i in pd.states.keys() {
                pd.threads.get_mut(i).expect("prepared").started = true;
            }
        });
        Ok(())
    }

    fn thread_get(&self, session: u32, index: u32, part: u32, words: &mut [u32]) -> Result<(), ServiceError> {
        let pd = self.serve("thread_get", session)?;
        self.pd(pd, |pd| words.copy_from_slice(&crate::parts::get(&pd.states[&index], part)));
        Ok(())
    }

    fn thread_set(&self, session: u32, index: u32, part: u32, words: &[u32]) -> Result<(), ServiceError> {
        let pd = self.serve("thread_set", session)?;
        self.pd(pd, |pd| crate::parts::set(pd.states.get_mut(&index).expect("prepared"), part, words));
        Ok(())
    }

    fn irq_get(&self, session: u32, n: u32) -> Result<(u32, u32), ServiceError> {
        let pd = self.serve("irq_get", session)?;
        self.pd(pd, |pd| {
            let irqs: Vec<u32> =
                pd.objects.iter().filter(|o| o.kind == ObjectKind::Irq).map(|o| o.slot).collect();
            let slot = irqs.get(n as usize).copied();
            let slot = slot.ok_or(ServiceError::Refused(ErrorKind::NoSuchObject.with(n, 0, 0)))?;
            Ok((slot, pd.pending.get(&slot).copied().unwrap_or(0)))
        })
    }

    fn irq_set(&self, session: u32, slot: u32, pending: u32) -> Result<(), ServiceError> {
        let pd = self.serve("irq_set", session)?;
        self.pd(pd, |pd| pd.pending.insert(slot, pending));
        Ok(())
    }

    fn slot_probe(&self, session: u32, first: u32) -> Result<Probe, ServiceError> {
        let pd = self.serve("slot_probe", session)?;
        let mut filled = vec![(0x10, slot_kind::FIXED, 0), (0x11, slot_kind::FIXED, 0)];
        self.pd(pd, |pd| {
            filled
                .extend(pd.threads.keys().filter(|i| **i < 64).map(|i| (0x40 + 4 * i, slot_kind::FIXED, 0)));
            for o in &pd.objects {
                let kind = if o.kind == ObjectKind::Gate { slot_kind::GATE } else { slot_kind::IRQ };
                filled.push((o.slot, kind, o.badge));
            }
            filled.extend(pd.foreign.iter().map(|e| (e.slot, e.kind, e.badge)));
        });
        filled.sort_unstable();
        let mut probe = Probe { looked: 64, ..Probe::default() };
        for (slot, kind, badge) in filled.into_iter().filter(|(s, ..)| (first..first + 64).contains(s)) {
            if probe.entries.push(SlotEntry::given(slot, kind, badge)).is_err() {
                probe.looked = slot - first;
                break;
            }
        }
        Ok(probe)
    }

    fn trace(&self, _on: bool) -> Result<(), ServiceError> {
        Ok(())
    }

    fn trace_get(&self, from: u32) -> Result<Traced, ServiceError> {
        // Two records, of which the first was overwritten.
        let words = Record::WORDS as u32;
        let mut traced = Traced { first: from.max(1), ..Traced::default() };
        if from < 2 {
            traced.records.push([5 | 3 << 8, 0, 1000, words]).expect("room");
        }
        Ok(traced)
    }

    fn abilities(&self) -> Result<Abilities, ServiceError> {
        let bits = thaw_protocol::ability::RESUME | thaw_protocol::ability::RESTORE;
        Ok(Abilities { version: 1, limits: [64; 3], bits, slots: (0x200, 0x400) })
    }
}
