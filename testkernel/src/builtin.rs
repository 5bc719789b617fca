//! The objects that are always there: console, scheduler, interrupt controller.

use crate::{
    arch::{gic, uart},
    caps::Cap,
    invoke::{Answer, answer, result},
    kernel::Kernel,
    object::{IrqId, Obj, ThreadId},
    pure::{rights::CAP_W, tag::Tag},
    thread::{ItemObject, TIME_SLICE_US},
};
use l4_sys::raw as abi;

/// Interrupts of the largest controller.
pub const MAX_PINS: usize = 1020;
const MSI_INFO: u32 = 3;
const LOG_READ: u32 = 1;
const LOG_SET_ATTR: u32 = 2;
const LOG_GET_ATTR: u32 = 3;
/// Input, output and local flags of the console.
const LOG_ATTRIBUTES: [u32; 3] = [0x100, 4, 8];
/// Bit of the fixed-priority class.
const FIXED_PRIO_CLASS: u32 = 2;
const INVALID: i32 = -(abi::L4_EINVAL as i32);
const MODE_LEVEL: u32 = 2;

/// Requests to the interrupt controller that name an interrupt object.
const fn op_with_item(op: u32) -> bool {
    matches!(op, abi::THAW_ICU_BIND_OP | abi::THAW_ICU_UNBIND_OP)
}

impl Kernel {
    /// Protocol -13
    pub fn invoke_log(&mut self, caller: ThreadId, tag: Tag) -> Answer {
        if tag.label() == abi::L4_PROTO_IRQ {
            return self.one_pin_icu(caller, tag);
        }
        if tag.label() != abi::L4_PROTO_LOG {
            return result(-(abi::L4_EBADPROTO as i32));
        }
        if tag.words() < 1 {
            return if self.q.console_silent {
                Answer::NoReply
            } else {
                result(-(abi::L4_EMSGTOOSHORT as i32))
            };
        }
        match self.utcb(caller, 0) & 0xffff {
            abi::THAW_LOG_WRITE_OP => self.log_write(caller),
            LOG_SET_ATTR => result(0),
            LOG_GET_ATTR => {
                LOG_ATTRIBUTES.into_iter().zip(1..).for_each(|(word, i)| self.set_utcb(caller, i, word));
                answer(0, 4, 0)
            }
            LOG_READ => self.unsupported("log operation", LOG_READ),
            _ if self.q.console_silent => result(0),
            _ => Self::unknown(),
        }
    }

    fn log_write(&self, caller: ThreadId) -> Answer {
        let bytes = self.utcb(caller, 1);
        if bytes <= (abi::L4_UTCB_GENERIC_DATA_SIZE - 2) * 4 {
            for i in 0..bytes {
                let word = self.utcb(caller, 2 + i / 4);
                uart::put_text((word >> (i % 4 * 8)) as u8);
            }
        }
        Answer::NoReply
    }

    /// Protocol -14
    pub fn invoke_scheduler(&mut self, caller: ThreadId, tag: Tag) -> Answer {
        if tag.label() == abi::L4_PROTO_IRQ {
            return self.one_pin_icu(caller, tag);
        }
        if tag.label() != abi::L4_PROTO_SCHEDULER {
            return result(-(abi::L4_EBADPROTO as i32));
        }
        if tag.words() < 1 {
            return result(-(abi::L4_EMSGTOOSHORT as i32));
        }
        match self.utcb(caller, 0) {
            abi::L4_SCHEDULER_INFO_OP => self.scheduler_info(caller, tag),
            abi::L4_SCHEDULER_RUN_THREAD_OP => self.run_thread(caller, tag),
            abi::L4_SCHEDULER_IDLE_TIME_OP if tag.words() < 3 => result(-(abi::L4_EMSGTOOSHORT as i32)),
            abi::L4_SCHEDULER_IDLE_TIME_OP => {
                let us = self.threads[self.idle].sched.consumed;
                self.set_utcb(caller, 0, us as u32);
                self.set_utcb(caller, 1, (us >> 32) as u32);
                answer(0, 2, 0)
            }
            _ => Self::unknown(),
        }
    }

    fn scheduler_info(&mut self, caller: ThreadId, tag: Tag) -> Answer {
        if tag.words() < 2 {
            return result(-(abi::L4_EMSGTOOSHORT as i32));
        }
        if self.utcb(caller, 1) & 0xff_ffff != 0 {
            return result(-(abi::L4_ERANGE as i32));
        }
        self.set_utcb(caller, 0, 1);
        self.set_utcb(caller, 1, 1);
        if !self.q.scheduler_classes {
            return answer(0, 2, 0);
        }
        self.set_utcb(caller, 2, FIXED_PRIO_CLASS);
        answer(0, 3, 0)
    }

    fn run_thread(&mut self, caller: ThreadId, tag: Tag) -> Answer {
        if tag.words() < 5 {
            return result(INVALID);
        }
        let thread = match self.item_object(caller, tag, 0) {
            ItemObject::Cap(Cap { obj: Obj::Thread(thread), .. }) => thread,
            ItemObject::NotACap => return self.ipc_error(caller, abi::L4_IPC_SEMSGCUT),
            _ => return result(INVALID),
        };
        let (prio, quantum) = (self.utcb(caller, 3) as i32, self.utcb(caller, 4));
        if prio < 0 {
            // A scheduling class: fixed priorities (-1) are the only one, in another layout.
            return self.unsupported("scheduling class", prio as u32);
        }
        if prio == 0 && !self.q.priority_zero {
            return result(INVALID);
        }
        if self.threads[thread].flags.dead {
            return result(0);
        }
        let quantum = if quantum == 0 { TIME_SLICE_US } else { u64::from(quantum) };
        self.set_schedule(thread, prio.min(255) as u32, quantum);
        result(0)
    }

    /// Console and scheduler have one interrupt each (input, hotplug), which never comes here.
    fn one_pin_icu(&mut self, caller: ThreadId, tag: Tag) -> Answer {
        if tag.words() < 1 {
            return result(-(abi::L4_EMSGTOOSHORT as i32));
        }
        match self.utcb(caller, 0) {
            abi::THAW_ICU_INFO_OP => self.icu_info(caller, 1),
            abi::THAW_ICU_UNMASK_OP | abi::THAW_ICU_MASK_OP => Answer::NoReply,
            abi::THAW_ICU_BIND_OP | abi::THAW_ICU_UNBIND_OP | abi::THAW_ICU_SET_MODE_OP => result(0),
            _ => Self::unknown(),
        }
    }

    fn icu_info(&mut self, caller: ThreadId, pins: u32) -> Answer {
        for (i, word) in [0, pins, 0].into_iter().enumerate() {
            self.set_utcb(caller, i as u32, word);
        }
        answer(0, 3, 0)
    }

    fn pins(&self) -> u32 {
        if self.q.icu_pins == 0 { gic::count() } else { self.q.icu_pins }
    }

    /// A pin that user mode may have.
    fn usable_pin(&self, pin: u32) -> bool {
        pin >= gic::FIRST_SPI && pin < gic::count() && (pin as usize) < MAX_PINS
    }

    /// Protocol -1 to the controller
    pub fn invoke_icu(&mut self, caller: ThreadId, tag: Tag) -> Answer {
        if !matches!(tag.label(), abi::L4_PROTO_IRQ | abi::L4_PROTO_NONE) {
            return result(-(abi::L4_EBADPROTO as i32));
        }
        if tag.words() < 1 {
            return result(-(abi::L4_EMSGTOOSHORT as i32));
        }
        let pin = self.utcb(caller, 1);
        match self.utcb(caller, 0) {
            abi::THAW_ICU_INFO_OP => {
                let pins = self.pins();
                self.icu_info(caller, pins)
            }
            abi::THAW_ICU_UNMASK_OP | abi::THAW_ICU_MASK_OP if tag.words() < 2 => Answer::NoReply,
            op @ (abi::THAW_ICU_UNMASK_OP | abi::THAW_ICU_MASK_OP) => {
                if self.usable_pin(pin) && self.pin_irq[pin as usize].is_some() {
                    if op == abi::THAW_ICU_MASK_OP { gic::mask(pin) } else { gic::unmask(pin) }
                }
                Answer::NoReply
            }
            MSI_INFO => self.unsupported("ICU operation", MSI_INFO),
            abi::THAW_ICU_BIND_OP | abi::THAW_ICU_UNBIND_OP | abi::THAW_ICU_SET_MODE_OP
                if tag.words() < 2 || tag.items() == 0 && op_with_item(self.utcb(caller, 0)) =>
            {
                result(-(abi::L4_EMSGTOOSHORT as i32))
            }
            abi::THAW_ICU_BIND_OP => self.icu_bind(caller, pin, tag),
            abi::THAW_ICU_UNBIND_OP => {
                if self.usable_pin(pin)
                    && let Some(irq) = self.pin_irq[pin as usize]
                {
                    self.irq_unbind_pin(irq);
                }
                result(0)
            }
            abi::THAW_ICU_SET_MODE_OP => self.icu_set_mode(caller, pin, tag),
            _ => Self::unknown(),
        }
    }

    fn icu_bind(&mut self, caller: ThreadId, pin: u32, tag: Tag) -> Answer {
        let irq = match self.item_object(caller, tag, 0) {
            ItemObject::Cap(Cap { obj: Obj::Irq(irq), attr }) if attr.invoke_rights() & CAP_W != 0 => irq,
            ItemObject::Cap(Cap { obj: Obj::Irq(_), .. }) => return result(-(abi::L4_EPERM as i32)),
            ItemObject::Cap(Cap { obj: Obj::Semaphore(_), .. }) => {
                return self.unsupported("semaphore at pin", pin);
            }
            _ => return result(INVALID),
        };
        if !self.usable_pin(pin) {
            return result(INVALID);
        }
        self.irq_unbind_pin(irq);
        if self.pin_irq[pin as usize].is_some() {
            return result(INVALID);
        }
        self.pin_irq[pin as usize] = Some(irq);
        let i = &mut self.irqs[irq];
        (i.pin, i.edge) = (Some(pin), self.pin_edge[pin as usize]);
        result(0)
    }

    /// Separates an IRQ object from its pin.
    pub fn irq_unbind_pin(&mut self, irq: IrqId) {
        let Some(pin) = self.irqs.get_mut(irq).and_then(|i| i.pin.take()) else { return };
        gic::mask(pin);
        self.pin_irq[pin as usize] = None;
        self.irqs[irq].edge = true;
    }

    fn icu_set_mode(&mut self, caller: ThreadId, pin: u32, tag: Tag) -> Answer {
        if tag.words() < 3 {
            return result(-(abi::L4_EMSGTOOSHORT as i32));
        }
        if !self.usable_pin(pin) {
            return result(-(self.q.no_such_pin as i32));
        }
        // Bit 0: set trigger and polarity; bit 1: level; polarity is fixed to high or rising here.
        let mode = self.utcb(caller, 2);
        if mode & 1 == 0 {
            return result(0);
        }
        let edge = mode & MODE_LEVEL == 0;
        gic::set_edge(pin, edge);
        self.pin_edge[pin as usize] = edge;
        if let Some(irq) = self.pin_irq[pin as usize].filter(|_| self.q.mode_applies_at_once) {
            self.irqs[irq].edge = edge;
        }
        result(0)
    }

    /// Takes one interrupt of the hardware. Returns whether to schedule.
    pub fn enter_irq(&mut self) -> bool {
        let Some(pin) = gic::acknowledge() else { return false };
        if pin == gic::TIMER {
            let reschedule = self.tick();
            gic::end(pin);
            return reschedule;
        }
        match self.pin_irq.get(pin as usize).copied().flatten() {
            Some(irq) => self.irq_hit(irq),
            None => gic::mask(pin),
        }
        gic::end(pin);
        false
    }
}
