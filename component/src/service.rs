//! The privileged checkpoint service as its caller sees it: one session at a time, whose state is a type.

use core::{fmt, marker::PhantomData};

use thaw_l4::{Frame, UtcbImage, Vfp, raw};
use thaw_protocol::{
    Activity, ErrorKind, PROBE_ENTRIES, StopReport, THREAD_LIVE, TRACE_RECORDS, part, slot_kind,
    trace::Record,
};

use crate::error::surely;

/// Why the service did not do what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ServiceError {
    /// It refused.
    Refused(thaw_protocol::Error),
    /// The request or its answer was lost: number of the IPC error.
    Lost(u32),
    /// The answer has fewer words than the verb returns.
    Short,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Lost(number) => {
                write!(f, "call failed with ipc error {number}: is the service routed here?")
            }
            Self::Short => f.write_str("answer is too short: component and service differ in version"),
        }
    }
}

/// Result of a verb.
pub type ServiceResult<T> = Result<T, ServiceError>;

/// A filled slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotEntry {
    /// The slot.
    pub slot: u32,
    /// One of `thaw_protocol::slot_kind`.
    pub kind: u32,
    /// Badge of a gate, label of an IRQ, index of a thread, else 0. Of a copy the slot of the object.
    pub badge: u32,
    /// W (1), S (2), R (4); without R the slot of an object that was moved away.
    pub rights: u32,
    /// The program put it there: an object that has another slot.
    pub copy: bool,
}

impl SlotEntry {
    /// Reads the wire form.
    #[must_use]
    pub const fn from_words([slot, kind, badge]: [u32; 3]) -> Self {
        let rights = kind >> slot_kind::RIGHTS_SHIFT & raw::L4_CAP_FPAGE_RWS;
        Self { slot, kind: kind & slot_kind::KIND, badge, rights, copy: kind & slot_kind::COPY != 0 }
    }

    /// The wire form.
    #[must_use]
    pub const fn to_words(self) -> [u32; 3] {
        let copy = if self.copy { slot_kind::COPY } else { 0 };
        [self.slot, self.kind | self.rights << slot_kind::RIGHTS_SHIFT | copy, self.badge]
    }

    /// The rights that there could be, if there is anything.
    #[must_use]
    pub const fn rights_given(self) -> u32 {
        if self.rights & raw::L4_CAP_FPAGE_R == 0 { 0 } else { raw::L4_CAP_FPAGE_RWS }
    }

    /// What the world put there itself, with the rights that it gives.
    #[must_use]
    pub const fn given(slot: u32, kind: u32, badge: u32) -> Self {
        Self { slot, kind, badge, rights: raw::L4_CAP_FPAGE_RWS, copy: false }
    }
}

/// What one look at slots found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Probe {
    /// How many slots were looked at.
    pub looked: u32,
    /// The filled ones among them.
    pub entries: heapless::Vec<SlotEntry, PROBE_ENTRIES>,
}

/// The verbs of the service, one to one; [`Session`] gives them an order.
pub trait Service {
    /// Names a PD.
    type Pd: Copy;

    /// Corresponds to `verb::OPEN`.
    fn open(&self, pd: Self::Pd) -> ServiceResult<u32>;
    /// Corresponds to `verb::CLOSE`.
    fn close(&self, session: u32) -> ServiceResult<()>;
    /// Corresponds to `verb::ABANDON`.
    fn abandon(&self, session: u32) -> ServiceResult<()>;
    /// Corresponds to `verb::STOP`.
    fn stop(&self, session: u32) -> ServiceResult<StopReport>;
    /// Corresponds to `verb::PREPARE`; bit `i` of `threads` stands for thread `i`.
    fn prepare(&self, session: u32, threads: u64) -> ServiceResult<()>;
    /// Corresponds to `verb::COMMIT`.
    fn commit(&self, session: u32) -> ServiceResult<()>;
    /// Corresponds to `verb::THREAD_GET`; `words` has the length of the part.
    fn thread_get(&self, session: u32, index: u32, part: u32, words: &mut [u32]) -> ServiceResult<()>;
    /// Corresponds to `verb::THREAD_SET`.
    fn thread_set(&self, session: u32, index: u32, part: u32, words: &[u32]) -> ServiceResult<()>;
    /// Corresponds to `verb::IRQ_GET`: slot and pending triggers.
    fn irq_get(&self, session: u32, n: u32) -> ServiceResult<(u32, u32)>;
    /// Corresponds to `verb::IRQ_SET`.
    fn irq_set(&self, session: u32, slot: u32, pending: u32) -> ServiceResult<()>;
    /// Corresponds to `verb::SLOT_PROBE`.
    fn slot_probe(&self, session: u32, first: u32) -> ServiceResult<Probe>;
    /// Corresponds to `verb::TRACE`.
    fn trace(&self, on: bool) -> ServiceResult<()>;
    /// Corresponds to `verb::TRACE_GET`.
    fn trace_get(&self, from: u32) -> ServiceResult<Traced>;
    /// Corresponds to `verb::ABILITIES`.
    fn abilities(&self) -> ServiceResult<Abilities>;
}

/// Records of the service's trace.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Traced {
    /// Number of the first.
    pub first: u32,
    /// Their wire form; none: there are no more.
    pub records: heapless::Vec<[u32; Record::WORDS], TRACE_RECORDS>,
}

/// What a service can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Abilities {
    /// `thaw_protocol::VERSION` of the service.
    pub version: u32,
    /// Threads, gates and IRQ objects of a target at most.
    pub limits: [u32; 3],
    /// Bits of `thaw_protocol::ability`.
    pub bits: u32,
    /// First slot that can be filled, and end.
    pub slots: (u32, u32),
}

/// All that a thread is, between a stop and a continuation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ThreadState {
    /// What it was doing.
    pub activity: Activity,
    /// Registers with which it continues.
    pub frame: Frame,
    /// VFP registers.
    pub vfp: Vfp,
    /// Its UTCB.
    pub utcb: UtcbImage,
}

impl ThreadState {
    /// Nothing.
    pub const ZERO: Self =
        Self { activity: Activity::USER, frame: Frame::ZERO, vfp: Vfp::ZERO, utcb: [0; thaw_l4::UTCB_WORDS] };
}

/// State of a session: the target runs.
pub enum Open {}
/// State of a session: all threads stand still and can go on.
pub enum Stopped {}
/// State of a session: the target runs again, and what it was at the stop can be read.
pub enum Snapshot {}
/// A session that knows what the target was at its last stop.
pub trait Readable {}
impl Readable for Stopped {}
impl Readable for Snapshot {}
/// State of a session: the threads of a fresh PD wait for their state.
pub enum Prepared {}

/// A session. Dropping one closes it: a stopped target goes on, a prepared PD is given up.
pub struct Session<'s, S: Service, State> {
    service: &'s S,
    id: u32,
    state: PhantomData<State>,
}

impl<S: Service, State> Drop for Session<'_, S, State> {
    fn drop(&mut self) {
        // Nobody is left to tell; who wants to know ends the session by name.
        let _ = surely(|| self.service.close(self.id));
    }
}

impl<'s, S: Service, State> Session<'s, S, State> {
    fn into<Next>(self) -> Session<'s, S, Next> {
        let next = Session { service: self.service, id: self.id, state: PhantomData };
        core::mem::forget(self);
        next
    }

    /// Hands every filled slot below `end` to `each`.
    pub fn slots<E: From<ServiceError>>(
        &self,
        end: u32,
        mut each: impl FnMut(SlotEntry) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut first = 0;
        while first < end {
            let probe = self.service.slot_probe(self.id, first)?;
            if probe.looked == 0 {
                break;
            }
            probe.entries.iter().filter(|entry| entry.slot < end).try_for_each(|entry| each(*entry))?;
            first = first.saturating_add(probe.looked);
        }
        Ok(())
    }
}

impl<'s, S: Service> Session<'s, S, Open> {
    /// Opens a session for a PD.
    pub fn open(service: &'s S, pd: S::Pd) -> ServiceResult<Self> {
        Ok(Self { service, id: service.open(pd)?, state: PhantomData })
    }

    /// Stops all threads. If that fails the target runs on and the session is closed.
    pub fn stop(self) -> ServiceResult<(Session<'s, S, Stopped>, StopReport)> {
        let report = self.service.stop(self.id)?;
        Ok((self.into(), report))
    }

    /// Takes hold of the threads of a fresh PD whose bits are set.
    pub fn prepare(self, threads: u64) -> ServiceResult<Session<'s, S, Prepared>> {
        self.service.prepare(self.id, threads)?;
        Ok(self.into())
    }
}

impl<S: Service, State: Readable> Session<'_, S, State> {
    /// Reads all that thread `index` is.
    pub fn thread(&self, index: u32, state: &mut ThreadState) -> ServiceResult<()> {
        let get = |part, words: &mut [u32]| self.service.thread_get(self.id, index, part, words);
        let mut activity = [0; 9];
        get(part::ACTIVITY, &mut activity)?;
        state.activity = Activity::from_words(core::array::from_fn(|i| activity[i + 1]));
        get(part::FRAME, &mut state.frame.0)?;
        let mut low = [0; 33];
        get(part::VFP_LOW, &mut low)?;
        state.vfp.fpscr = low[0];
        state.vfp.d[..32].copy_from_slice(&low[1..]);
        get(part::VFP_HIGH, &mut state.vfp.d[32..])?;
        for (n, bounds) in (part::UTCB_0..).zip(part::UTCB_BOUNDS.windows(2)) {
            get(n, &mut state.utcb[bounds[0]..bounds[1]])?;
        }
        Ok(())
    }

    /// Hands slot and pending triggers of every IRQ object to `each`.
    pub fn irqs(&self, mut each: impl FnMut(u32, u32)) -> ServiceResult<()> {
        for n in 0.. {
            match self.service.irq_get(self.id, n) {
                Ok((slot, pending)) => each(slot, pending),
                Err(ServiceError::Refused(e)) if e.kind == ErrorKind::NoSuchObject => break,
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }
}

impl<'s, S: Service> Session<'s, S, Stopped> {
    /// Lets all threads go on; what they were at the stop can still be read.
    pub fn go_on(self) -> ServiceResult<Session<'s, S, Snapshot>> {
        self.service.commit(self.id)?;
        Ok(self.into())
    }

    /// Lets all threads go on.
    pub fn resume(self) -> ServiceResult<()> {
        self.service.commit(self.id)
    }

    /// Gives the threads up where they stand: they never run again.
    pub fn abandon(self) -> ServiceResult<()> {
        let (service, id) = (self.service, self.id);
        core::mem::forget(self);
        // If that is refused the session still has to end; the target is destroyed in any case.
        surely(|| service.abandon(id)).or_else(|_| service.close(id))
    }
}

impl<'s, S: Service> Session<'s, S, Prepared> {
    /// Stages all that thread `index` will be.
    pub fn set_thread(&self, index: u32, state: &ThreadState) -> ServiceResult<()> {
        let set = |part, words: &[u32]| self.service.thread_set(self.id, index, part, words);
        let mut activity = [THREAD_LIVE; 9];
        activity[1..].copy_from_slice(&state.activity.to_words());
        set(part::ACTIVITY, &activity)?;
        set(part::FRAME, &state.frame.0)?;
        let mut low = [state.vfp.fpscr; 33];
        low[1..].copy_from_slice(&state.vfp.d[..32]);
        set(part::VFP_LOW, &low)?;
        set(part::VFP_HIGH, &state.vfp.d[32..])?;
        for (n, bounds) in (part::UTCB_0..).zip(part::UTCB_BOUNDS.windows(2)) {
            set(n, &state.utcb[bounds[0]..bounds[1]])?;
        }
        Ok(())
    }

    /// Stages the pending triggers of the IRQ object in `slot`.
    pub fn set_irq(&self, slot: u32, pending: u32) -> ServiceResult<()> {
        self.service.irq_set(self.id, slot, pending)
    }

    /// Lets all threads go on to where they stand, and stops them there: none runs.
    pub fn stop_again(self) -> ServiceResult<(Session<'s, S, Stopped>, StopReport)> {
        let report = self.service.stop(self.id)?;
        Ok((self.into(), report))
    }

    /// Starts all threads.
    pub fn commit(self) -> ServiceResult<()> {
        self.service.commit(self.id)
    }
}
