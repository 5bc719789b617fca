//! Page faults and exceptions of PDs' threads.

use thaw_l4::{Fpage, Kernel, SendItem};
use thaw_l4::{Frame, Message, MsgTag, raw};
use thaw_native_abi::layout;

use crate::books::{Root, say};
use crate::frames::PAGE_BYTES;
use crate::label::Label;
use crate::machine::Machine;
use crate::memory::fault_item;
use crate::pd::State;

/// A decoded fault message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Address.
    pub addr: u32,
    /// Right that is missing, one of `L4_FPAGE_*`.
    pub needs: u32,
    /// Program counter.
    pub pc: u32,
}

impl Fault {
    /// Decodes the two words of a fault message: bit 1 write, bit 2 instruction fetch.
    #[must_use]
    pub const fn decode(word: u32, pc: u32) -> Self {
        let needs = if word & 2 != 0 {
            raw::L4_FPAGE_W
        } else if word & 4 != 0 {
            raw::L4_FPAGE_X
        } else {
            raw::L4_FPAGE_RO
        };
        Self { addr: word & !7, needs, pc }
    }

    const fn verb(self) -> &'static str {
        match self.needs {
            raw::L4_FPAGE_W => "write",
            raw::L4_FPAGE_X => "execute",
            _ => "read",
        }
    }
}

/// The name of an exception's cause.
#[must_use]
pub const fn cause(class: u32) -> &'static str {
    match class {
        raw::THAW_ERR_CLASS_UNDEFINED => "undefined instruction",
        raw::THAW_ERR_CLASS_SVC => "system call the kernel does not know",
        raw::THAW_ERR_CLASS_PREFETCH_ABORT => "prefetch abort",
        raw::THAW_ERR_CLASS_DATA_ABORT => "data abort",
        raw::THAW_ERR_CLASS_TRIGGERED => "triggered exception",
        0x07 => "coprocessor access",
        _ => "exception",
    }
}

impl Root {
    /// Answers a fault or an exception; `None` leaves the thread waiting for good.
    pub fn pager_message(&mut self, m: &impl Machine, label: Label, tag: MsgTag) -> Option<MsgTag> {
        match tag.label() {
            raw::L4_PROTO_PAGE_FAULT => self.page_fault(m, label, Fault::decode(m.mr(0), m.mr(1))),
            raw::L4_PROTO_EXCEPTION => self.exception(m, label, tag),
            // A program called its own pager gate.
            _ => Some(MsgTag::new(-(raw::L4_ENOSYS as i32), 0, 0, 0)),
        }
    }

    fn page_fault(&mut self, m: &impl Machine, label: Label, fault: Fault) -> Option<MsgTag> {
        let pd = self.pds.get(label.pd).ok().filter(|pd| pd.state == State::Running)?;
        let why = match pd.regions.find(fault.addr) {
            Some(region) if region.rights & fault.needs != 0 => match self.dataspaces.get(region.dataspace) {
                Some(dataspace) => return item_tag(m, fault_item(region, dataspace, fault.addr)),
                None => "its dataspace is gone",
            },
            Some(_) => "the region's rights forbid it",
            None if fault.addr & !(PAGE_BYTES - 1) == layout::INFO_PAGE => {
                if fault.needs == raw::L4_FPAGE_RO {
                    return item_tag(m, self.info_item());
                }
                "the info page is read-only"
            }
            None => "no region is attached there",
        };
        self.stop_thread(label);
        say(
            m,
            format_args!(
                "pd `{}` thread {} `{}`: cannot {} {:#010x}, pc {:#010x}: {why}; the thread stays stopped",
                self.name(label.pd),
                label.thread,
                self.thread_name(label),
                fault.verb(),
                fault.addr,
                fault.pc
            ),
        );
        self.end_of_faulted(m, label);
        None
    }

    /// A checkpointer that cannot go on is ended for the sake of its targets.
    fn end_of_faulted(&mut self, m: &impl Machine, label: Label) {
        if let Err(e) = self.checkpointer_end(m, label.pd) {
            say(m, format_args!("pd `{}`: not ended: {e}", self.name(label.pd)));
        }
    }

    fn info_item(&self) -> SendItem {
        SendItem::memory(layout::INFO_PAGE, Fpage::memory(self.info_page, 12, raw::L4_FPAGE_RO), 0)
    }

    fn exception(&mut self, m: &impl Machine, label: Label, tag: MsgTag) -> Option<MsgTag> {
        let pd = self.pds.get_mut(label.pd).ok().filter(|pd| pd.state == State::Running)?;
        let thread = pd.threads.get_mut(usize::from(label.thread))?.as_mut()?;
        let words = m.revision().exception_words();
        if tag.words() < words {
            return Some(MsgTag::new(-(raw::L4_EMSGTOOSHORT as i32), 0, 0, 0));
        }
        let mut frame = Frame::ZERO;
        for (i, word) in frame.0.iter_mut().enumerate().take(words as usize) {
            *word = m.mr(i);
        }
        // A thread that is being deleted may deliver a last exception from inside the kernel.
        if !frame.is_user_mode() {
            return None;
        }
        if let Some(entry) = thread.thumb_entry.take() {
            frame.set_pc(entry);
            return Some(load_frame(m, &frame, true));
        }
        // A trigger whose sender let go of the thread: it goes on unchanged.
        if frame.is_triggered() {
            return Some(MsgTag::default());
        }
        self.stop_thread(label);
        self.report_exception(m, label, &frame);
        self.end_of_faulted(m, label);
        None
    }

    fn report_exception(&self, m: &impl Machine, label: Label, frame: &Frame) {
        let (name, thread) = (self.name(label.pd), self.thread_name(label));
        let cause = cause(frame.class());
        // The address means something for aborts only.
        let pfa = frame.0[raw::THAW_EXC_PFA as usize];
        let err = frame.0[raw::THAW_EXC_ERR as usize];
        let pc = frame.pc();
        let index = label.thread;
        say(
            m,
            format_args!(
                "pd `{name}` thread {index} `{thread}`: {cause}, pc {pc:#010x}, address {pfa:#010x}, \
                 err {err:#010x}; the thread stays stopped"
            ),
        );
    }

    fn stop_thread(&mut self, label: Label) {
        if let Ok(pd) = self.pds.get_mut(label.pd) {
            pd.faulted = true;
        }
    }

    fn thread_name(&self, label: Label) -> crate::pd::Name {
        let pd = self.pds.get(label.pd);
        pd.and_then(|pd| pd.thread(u32::from(label.thread))).map(|t| t.name).unwrap_or_default()
    }
}

fn item_tag(m: &impl Kernel, item: SendItem) -> Option<MsgTag> {
    // One item always fits.
    Message::new(m).item(item).tag(0, 0).ok()
}

/// Puts a frame into the message registers: the answer to an exception that loads every register.
fn load_frame(m: &impl Kernel, frame: &Frame, thumb: bool) -> MsgTag {
    const THUMB_BIT: u32 = 0x20;
    let words = m.revision().exception_words();
    for (i, word) in frame.0.iter().enumerate().take(words as usize) {
        m.set_mr(i, *word);
    }
    if thumb {
        m.set_mr(raw::THAW_EXC_CPSR as usize, frame.cpsr() | THUMB_BIT);
    }
    MsgTag::new(0, words, 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_words_are_decoded() {
        for (word, needs, verb) in [
            (0x40_0001, raw::L4_FPAGE_RO, "read"),
            (0x40_0003, raw::L4_FPAGE_W, "write"),
            (0x40_0002, raw::L4_FPAGE_W, "write"),
            (0x40_0005, raw::L4_FPAGE_X, "execute"),
        ] {
            let fault = Fault::decode(word, 0x1000);
            assert_eq!((fault.addr, fault.needs, fault.verb()), (0x40_0000, needs, verb));
        }
    }
}
