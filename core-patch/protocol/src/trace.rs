//! Trace events: which step of a stop, a capture, a restore or a commit ended when.
//!
//! A trace is a sequence of *laps*: each record says that a step has just ended, and what the counter
//! went on by since the record before it. So the costs of a trace add up to the whole, and a record costs
//! one reading of the counter and four words. The service and the checkpointer each keep a [`Ring`].

/// Bits of the counter that a record keeps: 52 days at 62.5 MHz.
const TICKS_BITS: u32 = 48;
/// In a record: no thread.
const NO_THREAD: u8 = 0xff;

macro_rules! events {
    ($($(#[$doc:meta])* $event:ident = $number:literal $name:literal,)+) => {
        /// A step. The number is the wire form; names never change, tools look for them.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Event {
            $($(#[$doc])* $event = $number,)+
        }

        impl Event {
            /// All events, in order of number.
            pub const ALL: &[Self] = &[$(Self::$event,)+];

            /// The name that tools look for.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$event => $name,)+ }
            }

            /// The event with that number.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$event),)+ _ => None }
            }
        }
    };
}

events! {
    /// A verb of the service begins, or the checkpointer begins something. Costs nothing: it separates
    /// what comes from the waiting before it. Argument: the verb.
    Begin = 1 "begin",
    /// A verb of the service ended. Argument: 0, or the number of its error.
    End = 2 "end",
    /// The core's books of threads and objects were read. Argument: objects.
    Book = 3 "book",
    /// Our handler became the thread's handler, its priority was raised. Argument: slot of the gate.
    Hook = 4 "hook",
    /// An exception was triggered on the thread.
    Trigger = 5 "trigger",
    /// The barrier was passed. Argument: 1, or 0 if something stayed ready.
    Barrier = 6 "barrier",
    /// The thread's exception arrived. Argument: its pc.
    Exception = 7 "exception",
    /// An IRQ object was bound to the handler. Argument: its slot.
    IrqCapture = 8 "irq-capture",
    /// The thread's IPC was aborted.
    Cancel = 9 "cancel",
    /// A message was taken out of the thread's queue. Argument: its tag.
    Drain = 10 "drain",
    /// The thread ran a stub to its end. Argument: offset of the stub's first instruction.
    Stub = 11 "stub",
    /// It was found out what the thread was doing. Argument: the kind of activity.
    Classify = 12 "classify",
    /// The link between the thread, a client, and its server was made. Argument: the server.
    Stage = 13 "stage",
    /// The thread was sent back into its receiver's queue. Argument: the receiver.
    Queue = 14 "queue",
    /// An IRQ object was given back to its thread. Argument: its slot.
    IrqReturn = 15 "irq-return",
    /// The thread was let go with its whole frame. Argument: its pc.
    Release = 16 "release",
    /// The stop window was mapped or unmapped.
    Window = 17 "window",
    /// The thread was started up to its first exception.
    Prepare = 18 "prepare",
    /// The whole set goes on after a failed stop.
    LetGo = 19 "let-go",
    /// The thread was sent an empty message, which only an open wait takes. Argument: 1 if it took it.
    Probe = 20 "probe",
    /// The thread gave an empty answer to whom it owed one.
    Answer = 21 "answer",
    /// All slots were looked at. Argument: how many are filled.
    Slots = 22 "slots",

    /// The target's memory, threads and objects were listed.
    Scan = 40 "scan",
    /// It was checked that the target can be saved.
    Check = 41 "check",
    /// The service stopped the target. Argument: threads.
    Stop = 42 "stop",
    /// Memory was copied. Argument: KiB.
    Copy = 43 "copy",
    /// A thread's state was read.
    Read = 44 "read",
    /// The target went on.
    Resume = 45 "resume",
    /// The image's body went to the disk, all pieces together. Argument: KiB.
    Write = 46 "write",
    /// The image's body was put together and hashed, all pieces together. Argument: records.
    Hash = 47 "hash",
    /// The disk was flushed: once before the header, once after it.
    Flush = 48 "flush",
    /// The header that makes the image the newest was written.
    Header = 49 "header",
    /// The image was read. Argument: KiB.
    Load = 50 "load",
    /// The image was verified as a whole.
    Verify = 51 "verify",
    /// A PD was made.
    Create = 52 "create",
    /// Memory was made and filled. Argument: KiB.
    Memory = 53 "memory",
    /// Threads, gates and IRQ objects were made. Argument: threads.
    Objects = 54 "objects",
    /// All threads were started up to their first exception.
    PrepareAll = 55 "prepare-all",
    /// A thread got its state.
    SetThread = 56 "set-thread",
    /// All threads started.
    Commit = 57 "commit",
    /// The target was destroyed.
    Destroy = 58 "destroy",
    /// All is there that a stop needs: spare RAM, views of the memory, a session, what the slots hold.
    Ready = 59 "ready",
}

/// What a record says, before it has a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    event: Event,
    thread: u8,
    argument: u32,
}

impl Event {
    /// A step that concerns thread `index`.
    #[must_use]
    pub const fn of(self, index: usize) -> Step {
        // A thread index is below 64.
        Step { event: self, thread: index as u8, argument: 0 }
    }

    /// A step that concerns no single thread.
    #[must_use]
    pub const fn of_all(self) -> Step {
        Step { event: self, thread: NO_THREAD, argument: 0 }
    }
}

impl Step {
    /// Adds the event's argument.
    #[must_use]
    pub const fn with(self, argument: u32) -> Self {
        Self { argument, ..self }
    }
}

/// One record of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record {
    /// Which step ended.
    pub event: Event,
    /// Index of the thread it concerns.
    pub thread: Option<u8>,
    /// See [`Event`].
    pub argument: u32,
    /// Counter when it ended, the low 48 bits.
    pub ticks: u64,
    /// What the counter went on by since the record before.
    pub cost: u32,
}

impl Record {
    /// Words of the wire form.
    pub const WORDS: usize = 4;

    /// Reads the wire form; `None` for an event of another version.
    #[must_use]
    pub fn from_words(w: [u32; Self::WORDS]) -> Option<Self> {
        let thread = (w[0] >> 8) as u8;
        Some(Self {
            event: Event::from_number(w[0] as u8)?,
            thread: (thread != NO_THREAD).then_some(thread),
            argument: w[1],
            ticks: u64::from(w[0] >> 16) << 32 | u64::from(w[2]),
            cost: w[3],
        })
    }
}

/// The last `N` records. Switched off it costs one test of a flag per step.
pub struct Ring<const N: usize> {
    on: bool,
    /// Counter at the last record.
    last: u64,
    /// Number of the next record; they are counted from 0.
    next: u32,
    words: [[u32; Record::WORDS]; N],
}

impl<const N: usize> Ring<N> {
    /// Switched off and empty.
    #[must_use]
    pub const fn new() -> Self {
        Self { on: false, last: 0, next: 0, words: [[0; Record::WORDS]; N] }
    }

    /// Whether steps are recorded.
    #[must_use]
    pub const fn is_on(&self) -> bool {
        self.on
    }

    /// Switches recording on or off.
    pub const fn switch(&mut self, on: bool) {
        self.on = on;
    }

    /// Forgets all records.
    pub const fn clear(&mut self) {
        self.next = 0;
    }

    /// Records that a step ended at `now`; [`Event::Begin`] starts the first lap.
    pub fn note(&mut self, step: Step, now: u64) {
        let lap = if matches!(step.event, Event::Begin) { 0 } else { now.saturating_sub(self.last) };
        let high = (now >> 32) as u32 & ((1 << (TICKS_BITS - 32)) - 1);
        let first = u32::from(step.event as u8) | u32::from(step.thread) << 8 | high << 16;
        let cost = u32::try_from(lap).unwrap_or(u32::MAX);
        self.words[self.next as usize % N] = [first, step.argument, now as u32, cost];
        self.next = self.next.wrapping_add(1);
        self.last = now;
    }

    /// Records that a step took `cost`, wherever between the last record and the next it did.
    pub fn note_part(&mut self, step: Step, cost: u64) {
        self.note(step, self.last.saturating_add(cost));
    }

    /// Number of the first record from `from` on that is still there.
    #[must_use]
    pub fn first(&self, from: u32) -> u32 {
        let oldest = self.next.saturating_sub(N as u32);
        from.clamp(oldest, self.next)
    }

    /// Wire form of record `number`; `None` if it is gone or not there yet.
    #[must_use]
    pub fn words(&self, number: u32) -> Option<[u32; Record::WORDS]> {
        let there = number < self.next && self.next - number <= N as u32;
        there.then(|| self.words[number as usize % N])
    }
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records<const N: usize>(ring: &Ring<N>, from: u32) -> Vec<Record> {
        let words = (ring.first(from)..).map_while(|n| ring.words(n));
        words.map(|w| Record::from_words(w).expect("an event of this version")).collect()
    }

    #[test]
    fn laps_add_up_and_begin_costs_nothing() {
        let mut ring = Ring::<8>::new();
        ring.note(Event::Begin.of_all().with(3), 0x3_0000_0010);
        ring.note(Event::Trigger.of(63), 0x3_0000_0050);
        ring.note(Event::Barrier.of_all().with(1), 0x3_0000_0051);
        ring.note(Event::Begin.of_all(), 0x4_0000_0000);
        let all = records(&ring, 0);
        assert_eq!(all.iter().map(|r| r.cost).collect::<Vec<_>>(), [0, 0x40, 1, 0]);
        assert_eq!((all[1].event, all[1].thread, all[1].ticks), (Event::Trigger, Some(63), 0x3_0000_0050));
        assert_eq!((all[2].thread, all[2].argument), (None, 1));
    }

    #[test]
    fn the_newest_records_stay_and_the_lost_are_countable() {
        let mut ring = Ring::<4>::new();
        (0..10).for_each(|n| ring.note(Event::Stub.of(0).with(n), n.into()));
        assert_eq!(ring.first(0), 6);
        assert_eq!(ring.words(5), None);
        let seen: Vec<u32> = records(&ring, 0).iter().map(|r| r.argument).collect();
        assert_eq!(seen, [6, 7, 8, 9]);
        assert_eq!(records(&ring, 9).len(), 1);
        assert_eq!(records(&ring, 99).len(), 0);
    }

    #[test]
    fn a_counter_that_jumps_back_or_far_is_no_harm() {
        let mut ring = Ring::<4>::new();
        ring.note(Event::Begin.of_all(), 100);
        ring.note(Event::Stub.of(1), 50);
        ring.note(Event::Stub.of(1), u64::MAX);
        let all = records(&ring, 0);
        assert_eq!((all[1].cost, all[2].cost), (0, u32::MAX));
    }

    #[test]
    fn numbers_and_names_are_one_to_one() {
        for (i, event) in Event::ALL.iter().enumerate() {
            assert_eq!(Event::from_number(*event as u8), Some(*event));
            assert!(Event::ALL[..i].iter().all(|e| e.name() != event.name()), "{event:?}");
        }
        assert_eq!(Event::from_number(0), None);
        assert_eq!(Record::from_words([0xff, 0, 0, 0]), None);
    }
}
