//! What a thread was doing when it was stopped.

/// In [`Activity::peer`]: no thread of the PD.
pub const NO_THREAD: u32 = !0;
/// In [`Activity::position`] of a delivered call: the server has taken a later call since and owes this one no answer.
pub const CALL_FORGOTTEN: u32 = 1;

/// Values of [`Activity::kind`].
pub mod activity_kind {
    /// Ran user code; its frame is all there is.
    pub const USER: u32 = 1;
    /// Received from one partner or slept (operation 2).
    pub const RECEIVE: u32 = 2;
    /// Waited for a message from anybody (operations 6, 7 and 0xf after their send phase).
    pub const OPEN_WAIT: u32 = 3;
    /// Waited for an IRQ or semaphore object.
    pub const IRQ_WAIT: u32 = 4;
    /// In a call whose request the server `peer` has and has not answered; `position` may be
    /// [`CALL_FORGOTTEN`](super::CALL_FORGOTTEN).
    pub const CALL_DELIVERED: u32 = 5;
    /// In the send phase of a message to `peer`, at `position` of its queue.
    pub const SEND_QUEUED: u32 = 6;
    /// Waited for its pager to answer a page fault; it will fault again.
    pub const PAGE_FAULT: u32 = 7;
    /// In the send phase of a message whose receiver is not of this PD; the call is repeated.
    pub const SEND_OUTSIDE: u32 = 8;
    /// In a call whose request a server outside the PD has and has not answered: the stop fails, and the
    /// call is made again.
    pub const CALL_OUTSIDE: u32 = 9;
    /// Waited for a semaphore, whose slot in the core's books is `badge`, at `position` of its queue.
    pub const SEMAPHORE_WAIT: u32 = 10;
}

/// What a thread was doing, and with whom.
///
/// The thread's frame is already such that it continues correctly; this says in which order threads are
/// continued and what a person wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activity {
    /// One of [`activity_kind`].
    pub kind: u32,
    /// r2 of the system call, 0 in user code.
    pub selector: u32,
    /// r3 of the system call.
    pub timeouts: u32,
    /// Server or receiver: index of a thread of the same PD, or [`NO_THREAD`].
    pub peer: u32,
    /// Badge of the gate or label of the IRQ that `selector` names, 0 if unknown.
    pub badge: u32,
    /// Place in the receiver's queue, from 0.
    pub position: u32,
    /// Tag of the system call, also where the kernel had forgotten it; 0 for a delivered call, whose tag only its
    /// server has seen.
    pub tag: u32,
    /// Label that the receiver sees. Of a sleep: how many microseconds are left at most, where an earlier stop has
    /// bounded it; else 0.
    pub label: u32,
}

impl Activity {
    /// Running user code.
    pub const USER: Self = Self {
        kind: activity_kind::USER,
        selector: 0,
        timeouts: 0,
        peer: NO_THREAD,
        badge: 0,
        position: 0,
        tag: 0,
        label: 0,
    };

    /// The wire form.
    #[must_use]
    pub const fn to_words(self) -> [u32; 8] {
        [self.kind, self.selector, self.timeouts, self.peer, self.badge, self.position, self.tag, self.label]
    }

    /// Reads the wire form.
    #[must_use]
    pub const fn from_words(w: [u32; 8]) -> Self {
        Self {
            kind: w[0],
            selector: w[1],
            timeouts: w[2],
            peer: w[3],
            badge: w[4],
            position: w[5],
            tag: w[6],
            label: w[7],
        }
    }
}
