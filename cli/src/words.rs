//! Words for what a thread was doing and for what a capability names.

use std::collections::BTreeMap;
use std::io;

use thaw_image::{
    Access, Activity, Body, Error, Kind, Object, Pager, Rights, Role, SlotObject, Source, Thread,
    ThreadState, Verified, Wait,
};

use crate::view;

/// Names of the objects of an image.
#[derive(Default)]
pub struct Names {
    threads: Vec<String>,
    gates: Vec<(u32, Option<u32>)>,
    irqs: Vec<(u32, Option<u32>)>,
    externals: Vec<String>,
    objects: Vec<Object>,
    slots: BTreeMap<(u32, u32), SlotObject>,
}

impl Names {
    /// Reads the names from the records of `image`.
    pub fn read<S: Source<Error = io::Error>>(
        verified: &Verified,
        image: &mut S,
    ) -> Result<Self, Error<io::Error>> {
        let mut names = Self::default();
        for kind in [Kind::External, Kind::Thread, Kind::Gate, Kind::Irq, Kind::Object, Kind::Slot] {
            let mut cursor = verified.records_of(kind);
            while let Some(record) = cursor.next(image)? {
                names.take(record.pd, record.index, &record.body);
            }
        }
        Ok(names)
    }

    fn take(&mut self, pd: u32, index: u32, body: &Body) {
        match body {
            Body::Thread(thread) if thread.name.is_empty() => self.threads.push(format!("#{index}")),
            Body::Thread(thread) => self.threads.push(thread.name.to_string()),
            Body::Gate(gate) => self.gates.push((gate.badge, gate.thread)),
            Body::Irq(irq) => self.irqs.push((irq.badge, irq.thread)),
            Body::Object(object) => self.objects.push(*object),
            Body::External(external) if external.session.is_empty() => {
                self.externals.push(external.service.to_string());
            }
            Body::External(external) => {
                self.externals.push(format!("{} ({})", external.service, external.session));
            }
            Body::Slot(slot) => {
                self.slots.insert((pd, slot.slot), slot.object);
            }
            _ => {}
        }
    }

    /// Returns the name of a thread, or its number where it has none.
    pub fn thread(&self, index: u32) -> &str {
        self.threads.get(index as usize).map_or("?", String::as_str)
    }

    fn gate(&self, index: u32) -> String {
        match self.gates.get(index as usize) {
            Some(&(badge, Some(thread))) => format!("gate {badge:#x} of thread {}", self.thread(thread)),
            Some(&(badge, None)) => format!("gate {badge:#x} without a thread"),
            None => format!("gate #{index}"),
        }
    }

    fn irq(&self, index: u32) -> String {
        match self.irqs.get(index as usize) {
            Some(&(badge, Some(thread))) => format!("irq {badge:#x} of thread {}", self.thread(thread)),
            Some(&(badge, None)) => format!("irq {badge:#x} without a thread"),
            None => format!("irq #{index}"),
        }
    }

    /// Returns what a slot of a protection domain holds.
    fn slot(&self, pd: u32, slot: u32) -> String {
        match self.slots.get(&(pd, slot)) {
            Some(found) => object(found, self),
            None => format!("slot {slot:#x}"),
        }
    }
}

/// Services of the native system by number, as in docs/target-abi.md.
const SERVICES: [(u32, &str); 4] =
    [(0x10, "requests to root"), (0x12, "manager"), (0x13, "checkpoint service"), (0x14, "block driver")];

/// Returns words for what a capability names.
pub fn object(object: &SlotObject, names: &Names) -> String {
    match *object {
        SlotObject::Gate(gate) => names.gate(gate),
        SlotObject::Irq(irq) => names.irq(irq),
        SlotObject::Thread(thread) => format!("thread {}", names.thread(thread)),
        SlotObject::PagerGate => "gate to the pager".into(),
        SlotObject::Service(number) => match SERVICES.iter().find(|(known, _)| *known == number) {
            Some((_, name)) => format!("platform service {number}, {name}"),
            None => format!("platform service {number}"),
        },
        SlotObject::External(external) => {
            let name = names.externals.get(external as usize).map_or("?", String::as_str);
            format!("session {name}")
        }
        SlotObject::Object(index) => match names.objects.get(index as usize) {
            Some(object) => role(object.role, names),
            None => format!("object #{index}"),
        },
        SlotObject::Task => "own task".into(),
        SlotObject::Log => "log".into(),
    }
}

/// Region maps of a PD by number.
const MAPS: [&str; 3] = ["address space", "stack area", "linker area"];

/// Returns words for what an object of Genode is.
pub fn role(role: Role, names: &Names) -> String {
    let map = |map: u32| MAPS.get(map as usize).copied().unwrap_or("region map");
    let session = |external: u32| names.externals.get(external as usize).map_or("?", String::as_str);
    match role {
        Role::Quota { ram, caps } => format!("quota of {ram} bytes and {caps} capabilities"),
        Role::Parent => "parent".into(),
        Role::Session { external, client_id, ram, caps } => {
            let name = session(external);
            format!("session {client_id} of {name}, {ram} bytes and {caps} capabilities donated")
        }
        Role::Timer { external, armed, elapsed_us, remaining_us, period_us } => {
            let name = session(external);
            match (armed, period_us) {
                (false, _) => format!("signal of {name} at {elapsed_us} us, none due"),
                (true, 0) => format!("signal of {name} at {elapsed_us} us, due in {remaining_us} us"),
                (true, _) => format!(
                    "signal of {name} at {elapsed_us} us, due in {remaining_us} us, then every {period_us} us"
                ),
            }
        }
        Role::RegionMap(n) => format!("region map, {}", map(n)),
        Role::AreaDataspace(n) => format!("dataspace of the {}", map(n)),
        Role::NativePd => "native PD".into(),
        Role::NativeCpu => "native CPU".into(),
        Role::Dataspace(dataspace) => format!("dataspace {dataspace}"),
        Role::CpuThread(thread) => format!("CPU thread {}", names.thread(thread)),
        Role::Thread(thread) => format!("kernel thread {}", names.thread(thread)),
        Role::ThreadGate(thread) => format!("gate of thread {}", names.thread(thread)),
        Role::ThreadIrq(thread) => format!("lock IRQ of thread {}", names.thread(thread)),
        Role::ThreadPager(thread) => format!("pager gate of thread {}", names.thread(thread)),
        Role::SignalSource => "signal source".into(),
        Role::Semaphore => "semaphore of the signal source".into(),
        Role::NativeSemaphore { count } => format!("semaphore with {count} in it"),
        Role::NestedMap { external, dataspace, handler } => {
            let told =
                if handler == 0 { "nobody told of faults".into() } else { format!("faults to {handler:#x}") };
            format!("region map of {}, seen through dataspace {dataspace}, {told}", session(external))
        }
        Role::NestedRegion { map, dataspace, addr, size_bytes, offset, access } => format!(
            "{addr:#x}, {size_bytes:#x} bytes in the map of object {map}: dataspace {dataspace} at {offset:#x}, {}",
            if access.write { "writeable" } else { "read-only" }
        ),
        Role::Handler(which) => {
            let what = [
                "the parent tells of resources",
                "the parent tells of a yield request",
                "the parent tells of sessions",
                "the parent tells of the heartbeat",
                "core tells of faults in the address space",
                "core tells of faults in the stack area",
                "core tells of faults in the linker area",
            ];
            format!("handler that {}", what.get(which as usize).copied().unwrap_or("nobody knows"))
        }
        Role::Context { imprint, pending } => {
            format!("signal context {imprint:#x}, {pending} signals pending")
        }
    }
}

/// Returns one word for the state of a thread.
pub fn state(state: &ThreadState) -> &'static str {
    match state {
        ThreadState::Hole => "hole",
        ThreadState::NeverStarted => "never started",
        ThreadState::Live(_) => "live",
        ThreadState::Dead => "dead",
    }
}

/// Returns words for who resolves faults or exceptions.
pub fn pager(pager: Pager) -> String {
    match pager {
        Pager::None => "none".into(),
        Pager::Platform => "platform".into(),
        Pager::Slot(slot) => format!("slot {slot:#x}"),
    }
}

/// Returns words for what a thread of protection domain `pd` was doing.
pub fn doing(thread: &Thread, pd: u32, names: &Names) -> String {
    let activity = match thread.state {
        ThreadState::Live(activity) => activity,
        ThreadState::Hole => return "no thread, its place is kept".into(),
        ThreadState::NeverStarted => return "never started".into(),
        ThreadState::Dead => return "ended".into(),
    };
    let pc = thread.frame.pc;
    match activity {
        Activity::User => format!("in user code at {pc:#x}"),
        Activity::Asleep { wait } => match wait.remaining_us {
            Some(_) => format!("asleep, {}", left(&wait)),
            None => "asleep for ever".into(),
        },
        Activity::Receive { slot, wait } => {
            format!("waiting for a message from {}, {}", names.slot(pd, slot), left(&wait))
        }
        Activity::OpenWait { wait } => format!("waiting for a message from anybody, {}", left(&wait)),
        Activity::IrqWait { slot, irq, wait } => {
            let irq = irq.map_or_else(|| names.slot(pd, slot), |irq| names.irq(irq));
            format!("waiting for {irq}, {}", left(&wait))
        }
        Activity::SemaphoreWait { slot, position, wait, .. } => {
            format!("waiting for {}, place {position} of its queue, {}", names.slot(pd, slot), left(&wait))
        }
        Activity::Call { badge, server, owed, .. } => {
            let forgotten = if owed { "" } else { " and forgotten for a later one" };
            format!("in a call to {}, request delivered{forgotten}", partner(badge, server, names))
        }
        Activity::Send { badge, receiver, position, .. } => {
            let partner = partner(badge, receiver, names);
            format!("waiting to send to {partner}, place {position} of its queue")
        }
        Activity::PageFault { addr, access } => fault(pc, addr, access),
        Activity::Exception { code, addr } if code >> 26 == 0x24 => {
            format!("in an exception at {pc:#x}, not yet handled: data abort at {addr:#x}")
        }
        Activity::Exception { code, .. } => {
            format!("in an exception at {pc:#x}, not yet handled: {}", exception(code))
        }
    }
}

fn partner(badge: u32, thread: u32, names: &Names) -> String {
    match badge {
        0 => format!("thread {}", names.thread(thread)),
        _ => format!("gate {badge:#x} of thread {}", names.thread(thread)),
    }
}

/// The stopped kernel does not always tell which access faulted; the instruction repeats it.
fn fault(pc: u32, addr: u32, access: u32) -> String {
    let kind = match access & 6 {
        4 => "execution",
        2 => "write",
        _ => "read",
    };
    match access {
        0 => format!("in a page fault of the instruction at {pc:#x}"),
        _ => format!("in a page fault at {pc:#x}: {kind} of {addr:#x}"),
    }
}

/// Classes of docs/abi.md; the lower bits of an error word belong to its class.
fn exception(code: u32) -> String {
    match code >> 26 {
        0x00 => "undefined instruction".into(),
        0x07 => "floating point".into(),
        0x11 => "system call".into(),
        0x20 => "instruction abort".into(),
        0x24 => "data abort".into(),
        0x3e => "triggered".into(),
        class => format!("class {class:#x}"),
    }
}

/// Receive timeout that is a time of the kernel's clock.
const ABSOLUTE: u32 = 0x8000;

fn left(wait: &Wait) -> String {
    match wait.remaining_us {
        _ if wait.timeout & ABSOLUTE != 0 => "until a time of the kernel's clock".into(),
        None => "for ever".into(),
        Some(us) => format!("at most {} left", time(us)),
    }
}

/// Returns a time in the largest unit that keeps it exact enough to compare.
fn time(us: u64) -> String {
    match us {
        0..10_000 => format!("{us} us"),
        10_000..10_000_000 => format!("{} ms", us.div_ceil(1000)),
        _ => format!("{} s", us.div_ceil(1_000_000)),
    }
}

/// Returns the operands of an activity.
pub fn operands(activity: &Activity) -> view::Activity {
    let waiting = |kind, wait: &Wait| view::Activity {
        kind,
        selector: Some(wait.selector.into()),
        timeout: Some(wait.timeout.into()),
        remaining_us: wait.remaining_us,
        ..Default::default()
    };
    match *activity {
        Activity::User => view::Activity { kind: "user", ..Default::default() },
        Activity::Asleep { wait } => waiting("asleep", &wait),
        Activity::Receive { slot, wait } => {
            view::Activity { slot: Some(slot.into()), ..waiting("receive", &wait) }
        }
        Activity::OpenWait { wait } => waiting("open-wait", &wait),
        Activity::IrqWait { slot, irq, wait } => {
            view::Activity { slot: Some(slot.into()), irq, ..waiting("irq-wait", &wait) }
        }
        Activity::SemaphoreWait { slot, position, wait, .. } => view::Activity {
            slot: Some(slot.into()),
            position: Some(position),
            ..waiting("semaphore-wait", &wait)
        },
        Activity::Call { slot, badge, server, tag, owed, wait } => view::Activity {
            position: (!owed).then_some(1),
            slot: Some(slot.into()),
            badge: Some(badge.into()),
            thread: Some(server),
            tag: Some(tag.into()),
            ..waiting("call", &wait)
        },
        Activity::Send { slot, badge, receiver, position, tag, label, wait } => view::Activity {
            slot: Some(slot.into()),
            badge: Some(badge.into()),
            thread: Some(receiver),
            position: Some(position),
            tag: Some(tag.into()),
            label: Some(label.into()),
            ..waiting("send", &wait)
        },
        Activity::PageFault { addr, access } => view::Activity {
            kind: "page-fault",
            addr: Some(addr.into()),
            code: Some(access.into()),
            ..Default::default()
        },
        Activity::Exception { code, addr } => view::Activity {
            kind: "exception",
            addr: Some(addr.into()),
            code: Some(code.into()),
            ..Default::default()
        },
    }
}

/// Returns letters in fixed places, a dash for what is missing.
fn letters(set: &[(bool, char)]) -> String {
    set.iter().map(|&(is_set, letter)| if is_set { letter } else { '-' }).collect()
}

/// Returns letters for what may be done with memory.
pub fn access(access: Access) -> String {
    letters(&[(access.read, 'r'), (access.write, 'w'), (access.execute, 'x')])
}

/// Returns letters for the rights of a capability.
pub fn rights(rights: Rights) -> String {
    let named = [(Rights::R, 'R'), (Rights::W, 'W'), (Rights::S, 'S'), (Rights::D, 'D')];
    let mut text = letters(&named.map(|(bit, letter)| (rights.has(bit), letter)));
    if rights.has(Rights::SERVER) {
        text.push_str("+server");
    }
    if rights.has(Rights::COPY) {
        text.push_str("+copy");
    }
    text
}
