//! Everything in which the two revisions differ. The rest of the kernel asks this table and never
//! the revision itself.

use l4_sys::raw as abi;

/// One row per observed difference (facts section 5).
#[derive(Clone, Copy, Debug)]
pub struct Quirks {
    /// Letter of the revision.
    pub name: char,
    /// System calls jump to the page at 0xfffff000 and give their return address in lr; otherwise
    /// they are `svc` with r5 = 0 or 1.
    pub syscall_page: bool,
    /// Words of an exception message, and the least number that a reply needs.
    pub exception_words: u32,
    /// The pc of an undefined instruction is reported after it, not on it.
    pub undefined_pc_after: bool,
    /// Sending through a gate writes label and rights to the sender's own r4.
    pub gate_writes_sender_label: bool,
    /// A pager refuses a fault by MR0 = -1 (otherwise by a negative label).
    pub refuse_fault_by_word: bool,
    /// A cancelled sender at a gate without a thread leaves the kernel in disorder.
    pub gate_cancel_corrupts: bool,
    /// IRQ objects know the old attach operation.
    pub irq_attach: bool,
    /// IRQ objects count triggers; otherwise they only remember that there was one.
    pub irq_counts: bool,
    /// The low two bits of gate labels must be zero, and binding a gate takes the right S and a label.
    pub strict_labels: bool,
    /// Creating a task and adding kernel-user memory return the flexpage.
    pub returns_flexpages: bool,
    /// The answer of a factory holds the item of the new capability.
    pub returns_new_item: bool,
    /// A send item that maps nothing is reported as such.
    pub reports_empty_map: bool,
    /// The scheduler's info has a third word.
    pub scheduler_classes: bool,
    /// Reply slots can be chosen; only open waits make a reply link; overwriting one is reported;
    /// a direct send to a caller takes the link away.
    pub reply_slots: bool,
    /// Selector operation 0 means "call".
    pub bare_selector_calls: bool,
    /// A sender whose items failed still enters its receive phase.
    pub failed_send_receives: bool,
    /// A send phase whose point of time is over waits for the next tick all the same; and a reply link
    /// goes only when the caller comes to wait for the answer, not if it has been answered before that.
    pub lazy_sender: bool,
    /// The receive timeout starts when the receive phase does, not before the partner runs.
    pub late_receive_timeout: bool,
    /// KU pages of the first user task.
    pub root_utcb_pages: u32,
    /// Number of interrupts the ICU reports, 0: those of the controller.
    pub icu_pins: u32,
    /// The clock is the counter, not the number of ticks.
    pub fine_clock: bool,
    /// Type word of the descriptor of the kernel's heap.
    pub heap_descriptor: u32,
    /// A new trigger mode holds for the interrupt object that is bound already.
    pub mode_applies_at_once: bool,
    /// What a factory says when the thread for a gate does not exist.
    pub gate_without_thread: i32,
    /// Deleting a semaphore wakes those who wait, and waiting takes the right S. Otherwise a wait that is
    /// aborted fails, even if the semaphore has gone or has let the thread go.
    pub semaphore_strict: bool,
    /// Words that an empty item takes.
    pub void_item_words: u32,
    /// What a factory says to a message without words.
    pub factory_too_short: i32,
    /// Priority 0 is one like others.
    pub priority_zero: bool,
    /// A thread switch returns a time.
    pub switch_returns_time: bool,
    /// Alignment of UTCBs
    pub utcb_alignment: u32,
    /// A thread may be bound without a UTCB, by address 0.
    pub utcb_zero: bool,
    /// What the kernel says to areas of kernel-user memory that are too large or not user's.
    pub ku_errors: (u32, u32),
    /// The console answers every request that it does not know by success, and nothing to an empty one.
    pub console_silent: bool,
    /// What the interrupt controller says of the mode of a pin that does not exist.
    pub no_such_pin: u32,
    /// A deleted factory gives its quota back at once, not when all that it paid for has gone.
    pub quota_back_at_once: bool,
    /// A thread that was bound and never started keeps its task for ever when it is deleted. One that was started and
    /// never scheduled does so with both.
    pub unstarted_keeps_task: bool,
}

/// Fiasco.OC of 2019, which Genode's is based on.
pub const G: Quirks = Quirks {
    name: 'G',
    syscall_page: true,
    exception_words: 21,
    undefined_pc_after: true,
    gate_writes_sender_label: true,
    refuse_fault_by_word: true,
    gate_cancel_corrupts: true,
    irq_attach: true,
    irq_counts: true,
    strict_labels: false,
    returns_flexpages: false,
    returns_new_item: false,
    reports_empty_map: false,
    scheduler_classes: false,
    reply_slots: false,
    bare_selector_calls: true,
    failed_send_receives: true,
    lazy_sender: true,
    late_receive_timeout: true,
    root_utcb_pages: 4,
    icu_pins: 512,
    fine_clock: false,
    heap_descriptor: 0x2,
    mode_applies_at_once: false,
    gate_without_thread: 2,
    semaphore_strict: false,
    void_item_words: 1,
    factory_too_short: -22,
    priority_zero: true,
    switch_returns_time: true,
    utcb_alignment: 8,
    utcb_zero: true,
    ku_errors: (abi::L4_ENOMEM, abi::L4_EEXIST),
    console_silent: true,
    no_such_pin: abi::L4_ENODEV,
    quota_back_at_once: true,
    unstarted_keeps_task: true,
};

/// Fiasco.OC of 2026.
pub const M: Quirks = Quirks {
    name: 'M',
    syscall_page: false,
    exception_words: 22,
    undefined_pc_after: false,
    gate_writes_sender_label: false,
    refuse_fault_by_word: false,
    gate_cancel_corrupts: false,
    irq_attach: false,
    irq_counts: false,
    strict_labels: true,
    returns_flexpages: true,
    returns_new_item: true,
    reports_empty_map: true,
    scheduler_classes: true,
    reply_slots: true,
    bare_selector_calls: false,
    failed_send_receives: false,
    lazy_sender: false,
    late_receive_timeout: false,
    root_utcb_pages: 1,
    icu_pins: 0,
    fine_clock: true,
    heap_descriptor: 0x12,
    mode_applies_at_once: true,
    gate_without_thread: 22,
    semaphore_strict: true,
    void_item_words: 2,
    factory_too_short: -1001,
    priority_zero: false,
    switch_returns_time: false,
    utcb_alignment: 4,
    utcb_zero: false,
    ku_errors: (abi::L4_EINVAL, abi::L4_EINVAL),
    console_silent: false,
    no_such_pin: abi::L4_EINVAL,
    quota_back_at_once: false,
    unstarted_keeps_task: false,
};
