//! Page faults and exceptions: messages that a thread sends without asking for it.

use crate::{
    arch::{cpu, vfp},
    ipc::{Kind, Op},
    kernel::Kernel,
    mem::table::USER_END,
    object::{Obj, ThreadId},
    pure::{
        flexpage::Flexpage,
        rights::{CAP_S, CAP_W},
        tag::{Selector, Tag},
    },
    thread::Fault,
};
use l4_sys::raw as abi;

const BDR: u32 = abi::THAW_UTCB_BDR_WORD;
const BR: u32 = abi::THAW_UTCB_BR_WORD;
/// Fault status bits that user mode sees: status (0-5) and "long descriptors" (9).
const STATUS_BITS: u32 = 0x23f;
const WRITE: u32 = 1 << 6;
const CLASS: u32 = abi::THAW_ERR_CLASS_SHIFT;

/// Fault status of a translation or access that is missing, as opposed to forbidden.
const fn is_translation(err: u32) -> bool {
    err & 0x3c == 0x04
}

const fn is_page_fault(err: u32) -> bool {
    is_translation(err) || err & 0x3c == 0x0c || err & 0x3c == 0x08
}

impl Kernel {
    /// An undefined instruction, or VFP use by a thread that does not own the unit.
    pub fn enter_undefined(&mut self) {
        let thread = self.current;
        let t = &mut self.threads[thread];
        let size = if t.regs.psr & 0x20 == 0 { 4 } else { 2 };
        if !vfp::enabled() {
            t.regs.pc -= size;
            return self.vfp_claim(thread);
        }
        if !self.q.undefined_pc_after {
            t.regs.pc -= size;
        }
        let junk = t.regs.r[0];
        self.raise(thread, junk, abi::THAW_ERR_CLASS_UNDEFINED << CLASS);
    }

    /// A prefetch abort.
    pub fn enter_prefetch(&mut self) {
        let err = cpu::ifsr() & STATUS_BITS | abi::THAW_ERR_CLASS_PREFETCH_ABORT << CLASS;
        self.abort(cpu::ifar(), err);
    }

    /// A data abort.
    pub fn enter_data(&mut self) {
        let status = cpu::dfsr();
        let write = if status & 1 << 11 == 0 { 0 } else { WRITE };
        let err = status & STATUS_BITS | write | abi::THAW_ERR_CLASS_DATA_ABORT << CLASS;
        self.abort(cpu::dfar(), err);
    }

    fn abort(&mut self, addr: u32, err: u32) {
        let thread = self.current;
        if !is_page_fault(err) || addr >= USER_END {
            return self.raise(thread, addr, err);
        }
        if self.threads[thread].task == Some(self.sigma0) {
            if !self.map_sigma0(addr) {
                panic!("sigma0 faults at {addr:#x}");
            }
            return;
        }
        self.threads[thread].flags.cancel = false;
        self.page_fault(thread, addr, err);
    }

    fn borrow(&mut self, thread: ThreadId) -> [u32; 3] {
        let saved = [self.utcb(thread, BDR), self.utcb(thread, BR), self.utcb(thread, BR + 1)];
        self.set_utcb(thread, BDR, abi::L4_UTCB_INHERIT_FPU);
        self.set_utcb(thread, BR, abi::L4_ITEM_MAP);
        self.set_utcb(thread, BR + 1, Flexpage::ALL.0);
        saved
    }

    fn page_fault(&mut self, thread: ThreadId, addr: u32, err: u32) {
        let (pager, pc) = (self.threads[thread].pager, self.threads[thread].regs.pc);
        let Some(cap) = self.own_cap(thread, pager) else {
            crate::warning!(
                "CPU0: Pager of {:x} is invalid (pfa={addr:08x}, errorcode/info={err:08x}) to {pager:x} (pc={pc:x})",
                thread.index()
            );
            return self.kill_thread(thread);
        };
        let [bdr, br0, br1] = self.borrow(thread);
        let kind = Kind::PageFault([bdr, br0, br1, self.utcb(thread, 0), self.utcb(thread, 1)]);
        let mut word = addr & !7;
        word |= u32::from(is_translation(err));
        word |= if err & WRITE == 0 { 0 } else { 2 };
        word |= if err >> CLASS == abi::THAW_ERR_CLASS_PREFETCH_ABORT { 4 } else { 0 };
        self.set_utcb(thread, 0, word);
        self.set_utcb(thread, 1, pc);
        let t = &mut self.threads[thread];
        t.fault = Fault { addr, err };
        t.op = Op {
            kind,
            tag: Tag::new(abi::L4_PROTO_PAGE_FAULT, 2, 0),
            selector: Selector::call(pager),
            ..Op::default()
        };
        self.invoke(thread, cap.obj, cap.attr.invoke_rights(), cap.attr.is_server());
    }

    /// The pager has answered, or the operation was cancelled.
    pub fn page_fault_done(&mut self, thread: ThreadId, saved: [u32; 5]) {
        let tag = self.threads[thread].op.result;
        let refused = if tag.is_error() {
            self.utcb(thread, abi::THAW_UTCB_ERROR_WORD) & abi::L4_IPC_ERROR_MASK == abi::L4_IPC_ENOT_EXISTENT
        } else if self.q.refuse_fault_by_word {
            self.utcb(thread, 0) == !0
        } else {
            tag.label() < 0
        };
        for (word, value) in [BDR, BR, BR + 1, 0, 1].into_iter().zip(saved) {
            self.set_utcb(thread, word, value);
        }
        self.threads[thread].op = Op::default();
        if refused {
            let fault = self.threads[thread].fault;
            self.raise(thread, fault.addr, fault.err);
        }
    }

    /// Sends an exception message to the thread's handler.
    pub fn raise(&mut self, thread: ThreadId, addr: u32, err: u32) {
        let handler = self.threads[thread].handler;
        let cap = self.own_cap(thread, handler);
        if cap.is_none() && self.threads[thread].task == Some(self.sigma0) {
            panic!(
                "sigma0 raised an exception: addr {addr:#x} err {err:#x} {:x?}",
                self.threads[thread].regs
            );
        }
        let saved = self.borrow(thread);
        let tag = Tag::new(abi::L4_PROTO_EXCEPTION, self.q.exception_words, 0)
            .with_flags(abi::L4_MSGTAG_TRANSFER_FPU);
        let t = &mut self.threads[thread];
        t.flags.cancel = false;
        t.flags.in_exception = true;
        t.fault = Fault { addr, err };
        t.op = Op { kind: Kind::Exception(saved), tag, selector: Selector::call(handler), ..Op::default() };
        match cap {
            Some(cap) => self.invoke(thread, cap.obj, cap.attr.invoke_rights(), cap.attr.is_server()),
            // Without a handler it waits for itself, that is until somebody cancels it.
            None => self.invoke(thread, Obj::Thread(thread), CAP_W | CAP_S, false),
        }
    }

    /// The handler has answered, or the operation was cancelled; errors are not told to anyone.
    pub fn exception_done(&mut self, thread: ThreadId, saved: [u32; 3]) {
        for (word, value) in [BDR, BR, BR + 1].into_iter().zip(saved) {
            self.set_utcb(thread, word, value);
        }
        let t = &mut self.threads[thread];
        t.flags.in_exception = false;
        t.op = Op::default();
    }

    /// The exception that `ex_regs` asked for.
    pub fn raise_triggered(&mut self, thread: ThreadId) {
        self.threads[thread].flags.trigger = false;
        self.raise(thread, !0, abi::THAW_ERR_CLASS_TRIGGERED << CLASS);
    }
}
