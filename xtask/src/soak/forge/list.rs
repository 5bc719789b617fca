//! What is forged, and by which words it has to be refused.

use thaw_image::Kind;
use thaw_native_abi::layout;

use super::image::{Image, Record};
use crate::failure::Result;

/// A change that no checkpointer would have made.
pub struct Forgery {
    /// What it names.
    pub what: &'static str,
    /// Name of the error with which it has to be refused.
    pub error: &'static str,
    /// What the refusal has to say: the object and the reason.
    pub says: [&'static str; 2],
    /// The change.
    pub edit: fn(&mut Image) -> Result<()>,
}

/// Offsets of fields in the payloads of docs/image-format.md.
mod at {
    pub const QUOTA: usize = 36;
    pub const DATASPACE_KIND: usize = 8;
    pub const MODULE: usize = 16;
    pub const ADDR: usize = 0;
    pub const BYTES: usize = 4;
    pub const DATASPACE: usize = 8;
    pub const ACCESS: usize = 12;
    pub const PRIORITY: usize = 36;
    pub const AFFINITY: usize = 40;
    pub const UTCB: usize = 48;
    pub const PAGER: usize = 52;
    pub const HANDLER: usize = 60;
    pub const R2: usize = 76;
    pub const CPSR: usize = 132;
    pub const ACTIVITY: usize = 912;
    pub const POSITION: usize = ACTIVITY + 32;
    pub const BADGE: usize = 0;
    pub const BOUND: usize = 4;
    pub const PENDING: usize = 8;
    pub const OBJECT: usize = 4;
    pub const SEEN: usize = 8;
    pub const RIGHTS: usize = 12;
}

/// A slot that no scenario fills.
const FREE: u32 = layout::SLOT_END - 17;
/// Kinds of a slot.
const GATE: u32 = 1;
const IRQ: u32 = 2;
const THREAD: u32 = 3;
const PAGER_GATE: u32 = 4;
const SERVICE: u32 = 5;
const OWN_TASK: u32 = 7;
const LOG: u32 = 8;
/// Rights R, W and S.
const RWS: u32 = 7;
/// Right to delete.
const DELETE: u32 = 8;
const SERVER: u32 = 0x10;
/// Kinds of activity in an image.
const IN_CALL: u32 = 6;
const QUEUED: u32 = 7;
/// Operation of a call.
const CALL: u32 = 3;
const KERNEL_AREA: u32 = 0xc000_0000;

const IMAGE: &str = "image";
const PLACE: &str = "unsupported-image";
const HOST: &str = "host";
const CORE: &str = "service";

/// All forgeries; each is one change of the good image.
pub const FORGERIES: &[Forgery] = &[
    Forgery {
        what: "a session of the outside",
        error: PLACE,
        says: ["session 0", "no place"],
        edit: |image| {
            let mut external = Record::new(Kind::External, 0, 64);
            external.set_name(0, "LOG");
            external.set_name(32, "anybody");
            image.push(external);
            Ok(())
        },
    },
    Forgery {
        what: "a second program",
        error: PLACE,
        says: ["pd 1", "no place"],
        edit: |image| {
            let mut other = image.record(Kind::Target, 0)?.clone();
            (other.pd, other.index) = (1, 1);
            image.push(other);
            Ok(())
        },
    },
    Forgery {
        what: "a capability of gate 999",
        error: IMAGE,
        says: ["slot record", "names gate 999"],
        edit: |image| gate_slot(image).map(|slot| slot.set(at::OBJECT, 999)),
    },
    Forgery {
        what: "a slot of another program",
        error: IMAGE,
        says: ["slot record", "names target 1"],
        edit: |image| {
            image.record(Kind::Slot, 0)?.pd = 1;
            Ok(())
        },
    },
    Forgery {
        what: "the program's own task",
        error: PLACE,
        says: ["slot 1007", "no place"],
        edit: |image| filled(image, FREE, OWN_TASK, 0),
    },
    Forgery {
        what: "the manager's session",
        error: PLACE,
        says: ["slot 18", "no place"],
        edit: |image| filled(image, layout::SLOT_MANAGER, SERVICE, layout::SLOT_MANAGER),
    },
    Forgery {
        what: "the checkpoint service",
        error: PLACE,
        says: ["slot 19", "no place"],
        edit: |image| filled(image, layout::SLOT_CHECKPOINT, SERVICE, layout::SLOT_CHECKPOINT),
    },
    Forgery {
        what: "the checkpoint service in a slot of the program",
        error: PLACE,
        says: ["slot 1007", "no place"],
        edit: |image| filled(image, FREE, SERVICE, layout::SLOT_CHECKPOINT),
    },
    Forgery {
        what: "the log in a slot of the program",
        error: PLACE,
        says: ["slot 1007", "no place"],
        edit: |image| filled(image, FREE, LOG, 0),
    },
    Forgery {
        what: "a pager's gate where the checkpoint service has its own",
        error: PLACE,
        says: ["slot 65", "no place"],
        edit: |image| filled(image, layout::SLOT_THREADS + layout::AREA_STOP, PAGER_GATE, 0),
    },
    Forgery {
        what: "the right to delete a gate",
        error: PLACE,
        says: ["slot", "no place"],
        edit: |image| gate_slot(image).map(|slot| slot.set(at::RIGHTS, RWS | DELETE)),
    },
    Forgery {
        what: "the right to answer for a gate",
        error: PLACE,
        says: ["slot", "no place"],
        edit: |image| gate_slot(image).map(|slot| slot.set(at::RIGHTS, RWS | SERVER)),
    },
    Forgery {
        what: "control of a thread",
        error: HOST,
        says: ["filling a slot: 0x3ef", "refused"],
        edit: |image| filled(image, FREE, THREAD, 0),
    },
    Forgery {
        what: "a gate in a slot of the system",
        error: HOST,
        says: ["creating a gate: 0x18", "refused"],
        edit: |image| {
            gate_slot(image)?.index = layout::SLOT_SCRATCH;
            image.sort();
            Ok(())
        },
    },
    Forgery {
        what: "a slot beyond all",
        error: PLACE,
        says: ["slot 1024", "no place"],
        edit: |image| {
            gate_slot(image)?.index = layout::SLOT_END;
            image.sort();
            Ok(())
        },
    },
    Forgery {
        what: "a badge of root's",
        error: HOST,
        says: ["creating a gate", "refused"],
        edit: |image| badge(image, 0x8000_0000),
    },
    Forgery {
        what: "no badge, so that any would do",
        error: PLACE,
        says: ["gate without badge 0", "no place"],
        edit: |image| badge(image, 0),
    },
    Forgery {
        what: "a gate bound to thread 63",
        error: IMAGE,
        says: ["gate record 0", "names thread 63"],
        edit: |image| image.record(Kind::Gate, 0).map(|gate| gate.set(at::BOUND, 63)),
    },
    Forgery {
        what: "a gate bound to nobody",
        error: PLACE,
        says: ["object without thread 0", "no place"],
        edit: |image| image.record(Kind::Gate, 0).map(|gate| gate.set(at::BOUND, u32::MAX)),
    },
    Forgery {
        what: "an irq object that was triggered four billion times",
        error: CORE,
        says: ["slot 0x3ef", "was raised more than"],
        edit: |image| {
            let mut irq = Record::new(Kind::Irq, 0, 12);
            irq.set(at::PENDING, u32::MAX);
            image.push(irq);
            filled(image, FREE, IRQ, 0)
        },
    },
    Forgery {
        what: "a rom module that is not there",
        error: "rom-missing",
        says: ["rom module `nothing`", "not there"],
        edit: |image| rom(image).map(|rom| rom.set_name(at::MODULE, "nothing")),
    },
    Forgery {
        what: "a rom module of the checkpointer's",
        error: "rom-differs",
        says: ["rom module `config`", "another content"],
        edit: |image| rom(image).map(|rom| rom.set_name(at::MODULE, "config")),
    },
    Forgery {
        what: "a rom module that can be written",
        error: HOST,
        says: ["attaching a region", "refused"],
        edit: |image| {
            let rom = rom(image)?.index;
            let region = image.all(Kind::Region).find(|region| region.word(at::DATASPACE) == rom);
            region.map(|region| region.set(at::ACCESS, 6)).ok_or_else(|| missing("region of a rom module"))
        },
    },
    Forgery {
        what: "memory over the kernel's",
        error: HOST,
        says: ["attaching a region: 0xc0000000", "refused"],
        edit: |image| last_region(image, KERNEL_AREA),
    },
    Forgery {
        what: "memory over the UTCBs",
        error: HOST,
        says: ["attaching a region: 0xb0000000", "refused"],
        edit: |image| last_region(image, layout::UTCB_AREA),
    },
    Forgery {
        what: "memory over the stop window",
        error: HOST,
        says: ["attaching a region: 0xafffe000", "refused"],
        edit: |image| last_region(image, layout::STOP_WINDOW),
    },
    Forgery {
        what: "memory over other memory",
        error: IMAGE,
        says: ["region record", "regions-ascend"],
        edit: |image| {
            let first = image.record(Kind::Region, 0)?.word(at::ADDR);
            image.record(Kind::Region, 1).map(|region| region.set(at::ADDR, first))
        },
    },
    Forgery {
        what: "a region beyond its memory",
        error: IMAGE,
        says: ["region record 0", "field offset"],
        edit: |image| image.record(Kind::Region, 0).map(|region| region.set(at::BYTES, 0x1000_0000)),
    },
    Forgery {
        what: "registers of a device as memory",
        error: IMAGE,
        says: ["dataspace record 0", "kind"],
        edit: |image| image.record(Kind::Dataspace, 0).map(|d| d.set(at::DATASPACE_KIND, 4)),
    },
    Forgery {
        what: "more memory than the checkpointer has",
        error: "memory-short",
        says: ["memory", "are needed"],
        edit: |image| image.record(Kind::Target, 0).map(|target| target.set(at::QUOTA, 1 << 20)),
    },
    Forgery {
        what: "less memory than it has",
        error: HOST,
        says: ["creating a dataspace", "refused"],
        edit: |image| image.record(Kind::Target, 0).map(|target| target.set(at::QUOTA, 1)),
    },
    Forgery {
        what: "a pager outside",
        error: PLACE,
        says: ["thread 0", "no place"],
        edit: |image| outside(image, at::PAGER),
    },
    Forgery {
        what: "an exception handler outside",
        error: PLACE,
        says: ["thread 0", "no place"],
        edit: |image| outside(image, at::HANDLER),
    },
    Forgery {
        what: "a UTCB outside of the area",
        error: PLACE,
        says: ["thread 1", "no place"],
        edit: |image| thread(image, 1, at::UTCB, KERNEL_AREA),
    },
    Forgery {
        what: "the UTCB of another thread",
        error: PLACE,
        says: ["thread 1", "no place"],
        edit: |image| thread(image, 1, at::UTCB, layout::UTCB_AREA),
    },
    Forgery {
        what: "another processor",
        error: PLACE,
        says: ["thread 1", "no place"],
        edit: |image| thread(image, 1, at::AFFINITY, 1),
    },
    Forgery {
        what: "the highest priority",
        error: HOST,
        says: ["creating a thread: 0x1", "refused"],
        edit: |image| thread(image, 1, at::PRIORITY, 255),
    },
    Forgery {
        what: "the kernel's mode",
        error: CORE,
        says: ["thread 1", "is not valid"],
        edit: |image| thread(image, 1, at::CPSR, 0x13),
    },
    Forgery {
        what: "a call to itself",
        error: CORE,
        says: ["thread", "is not valid"],
        edit: |image| {
            let [client, _] = threads(image)?;
            call(image, client, client, layout::SLOT_USER)
        },
    },
    Forgery {
        what: "a call to another thread that goes to root",
        error: CORE,
        says: ["thread", "is not valid"],
        edit: |image| {
            let [client, server] = threads(image)?;
            call(image, client, server, layout::SLOT_PD)
        },
    },
    Forgery {
        what: "a message to another thread that goes to the checkpoint service",
        error: CORE,
        says: ["thread", "is not valid"],
        edit: |image| {
            let [sender, receiver] = threads(image)?;
            doing(image, sender, QUEUED, receiver, layout::SLOT_THREADS + 4 * receiver + layout::AREA_STOP)?;
            let position = image.all(Kind::Queued).filter(|place| place.word(0) == receiver).count() as u32;
            image.record(Kind::Thread, sender as usize)?.set(at::POSITION, position);
            let mut queued = Record::new(Kind::Queued, 0, 20);
            [receiver, position, sender]
                .into_iter()
                .zip([0, 4, 8])
                .for_each(|(word, at)| queued.set(at, word));
            image.push(queued);
            image.sort();
            Ok(())
        },
    },
];

fn missing(what: &str) -> crate::failure::Failure {
    crate::failure::Failure::new(
        crate::failure::Kind::Check,
        format!("the image has no {what} to be changed"),
    )
}

/// The first slot with a gate.
fn gate_slot(image: &mut Image) -> Result<&mut Record> {
    image.all(Kind::Slot).find(|slot| slot.word(0) == GATE).ok_or_else(|| missing("slot of a gate"))
}

/// Fills a slot that was empty.
fn filled(image: &mut Image, index: u32, kind: u32, object: u32) -> Result<()> {
    let mut slot = Record::new(Kind::Slot, index, 16);
    slot.set(0, kind);
    slot.set(at::OBJECT, object);
    slot.set(at::RIGHTS, RWS);
    image.push(slot);
    image.sort();
    Ok(())
}

/// Changes the badge of the first gate, in its slots too.
fn badge(image: &mut Image, badge: u32) -> Result<()> {
    let gate = image.record(Kind::Gate, 0)?;
    let before = gate.word(at::BADGE);
    gate.set(at::BADGE, badge);
    image.all(Kind::Slot).filter(|slot| slot.word(at::SEEN) == before).for_each(|s| s.set(at::SEEN, badge));
    Ok(())
}

fn rom(image: &mut Image) -> Result<&mut Record> {
    const ROM: u32 = 2;
    image
        .all(Kind::Dataspace)
        .find(|d| d.word(at::DATASPACE_KIND) == ROM)
        .ok_or_else(|| missing("rom module"))
}

fn last_region(image: &mut Image, addr: u32) -> Result<()> {
    image.all(Kind::Region).last().ok_or_else(|| missing("region")).map(|region| region.set(at::ADDR, addr))
}

fn thread(image: &mut Image, index: usize, at: usize, value: u32) -> Result<()> {
    image.record(Kind::Thread, index).map(|thread| thread.set(at, value))
}

/// Has the gate to the checkpoint service handle what thread 0 raises.
fn outside(image: &mut Image, at: usize) -> Result<()> {
    const IN_SLOT: u32 = 2;
    thread(image, 0, at, IN_SLOT)?;
    thread(image, 0, at + 4, layout::SLOT_CHECKPOINT)
}

/// Two threads that are neither in a call nor in a queue.
fn threads(image: &mut Image) -> Result<[u32; 2]> {
    let free = |thread: &Record| (1..IN_CALL).contains(&thread.word(at::ACTIVITY));
    let mut found = (0..).zip(image.all(Kind::Thread)).filter(|(_, thread)| free(thread)).map(|(n, _)| n);
    found.next().zip(found.next()).map(|(a, b)| [a, b]).ok_or_else(|| missing("two idle threads"))
}

/// Has a thread be in a system call with another one, by the capability in that slot.
fn doing(image: &mut Image, index: u32, kind: u32, peer: u32, slot: u32) -> Result<()> {
    let selector = slot << 12 | CALL;
    thread(image, index as usize, at::R2, selector)?;
    let thread = image.record(Kind::Thread, index as usize)?;
    for word in 0..14 {
        thread.set(at::ACTIVITY + 4 * word, 0);
    }
    for (word, value) in [(0, kind), (1, selector), (3, slot), (5, peer)] {
        thread.set(at::ACTIVITY + 4 * word, value);
    }
    for word in 12..14 {
        thread.set(at::ACTIVITY + 4 * word, u32::MAX);
    }
    Ok(())
}

/// Has thread `client` wait for the answer to a call that `server` has taken.
fn call(image: &mut Image, client: u32, server: u32, slot: u32) -> Result<()> {
    doing(image, client, IN_CALL, server, slot)?;
    let mut link = Record::new(Kind::Link, 0, 16);
    link.set(0, client);
    link.set(4, server);
    image.push(link);
    Ok(())
}
