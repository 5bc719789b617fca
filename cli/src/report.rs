//! From the records of a verified image to what is shown.

use std::io;

use thaw_image::store::Label;
use thaw_image::{Architecture, Body, Content, Encoding, Error, Source, Verified};

use crate::view::*;
use crate::words::{self, Names};

/// Reads all records of `image`.
pub fn report<S: Source<Error = io::Error>>(
    verified: &Verified,
    image: &mut S,
    label: Option<&Label>,
) -> Result<Report, Error<io::Error>> {
    let names = Names::read(verified, image)?;
    let mut report = Report {
        disk: label.map(|label| Disk { commit: label.sequence, area_bytes: label.geometry.area_bytes() }),
        header: header(verified),
        targets: vec![],
        threads: vec![],
        links: vec![],
        queued: vec![],
        gates: vec![],
        irqs: vec![],
        objects: vec![],
        externals: vec![],
        dataspaces: vec![],
        regions: vec![],
        slots: vec![],
        extents: vec![],
    };
    let mut cursor = verified.records();
    while let Some(record) = cursor.next(image)? {
        report.take(record.pd, record.index, &record.body, &names);
    }
    Ok(report)
}

fn header(verified: &Verified) -> Header {
    let header = verified.header();
    let identity = &header.identity;
    let summary = verified.summary();
    Header {
        format: format!("{}.{}", thaw_image::MAJOR, header.minor),
        target: identity.target.to_string(),
        generation: identity.generation,
        left_running: identity.flags.left_running,
        kernel: identity.kernel.to_string(),
        abi: format!("{:?}", identity.abi),
        architecture: match identity.architecture {
            Architecture::Arm32 => "32-bit ARM".into(),
        },
        board: identity.board.to_string(),
        board_id: identity.board_id,
        clock_us: identity.clock_us,
        bytes: header.total_length,
        pages: summary.pages,
        stored_pages: summary.stored_pages,
        stored_bytes: summary.stored_bytes,
        records: header.record_count,
        hash: header.hash.to_string(),
        parent: (!identity.parent.is_none()).then(|| identity.parent.to_string()),
    }
}

impl Report {
    fn take(&mut self, pd: u32, index: u32, body: &Body, names: &Names) {
        match body {
            Body::Target(target) => self.targets.push(target_view(target)),
            Body::Thread(thread) => self.threads.push(thread_view(pd, index, thread, names)),
            Body::Link(link) => self.links.push(Link {
                client: link.client,
                server: link.server,
                tag: link.tag.into(),
                shadow: link.shadow,
            }),
            Body::Queued(queued) => self.queued.push(Queued {
                receiver: queued.receiver,
                position: queued.position,
                sender: queued.sender,
                tag: queued.tag.into(),
                label: queued.label.into(),
            }),
            Body::Gate(gate) => {
                self.gates.push(Gate { index, pd, badge: gate.badge.into(), thread: gate.thread });
            }
            Body::Irq(irq) => {
                let (badge, thread, pending) = (irq.badge.into(), irq.thread, irq.pending);
                self.irqs.push(Irq { index, pd, badge, thread, pending });
            }
            Body::Object(object) => {
                let role = words::role(object.role, names);
                self.objects.push(Object { index, pd, badge: object.badge.into(), role });
            }
            _ => self.take_memory(pd, index, body, names),
        }
    }

    fn take_memory(&mut self, pd: u32, index: u32, body: &Body, names: &Names) {
        match body {
            Body::External(external) => self.externals.push(External {
                index,
                service: external.service.to_string(),
                session: external.session.to_string(),
            }),
            Body::Dataspace(dataspace) => self.dataspaces.push(dataspace_view(index, dataspace)),
            Body::Region(region) => self.regions.push(Region {
                pd,
                start: region.addr.into(),
                end: Hex(u64::from(region.addr) + u64::from(region.size_bytes)),
                bytes: region.size_bytes,
                access: words::access(region.access),
                dataspace: region.dataspace,
                offset: Hex(region.offset),
            }),
            Body::Slot(slot) => self.slots.push(Slot {
                pd,
                slot: slot.slot.into(),
                object: words::object(&slot.object, names),
                badge: slot.badge.into(),
                rights: words::rights(slot.rights),
            }),
            Body::Extent(extent) => self.extents.push(Extent {
                dataspace: extent.dataspace,
                first_page: extent.first_page,
                pages: extent.page_count,
                encoding: match extent.encoding {
                    Encoding::Zero => "zero",
                    Encoding::Raw => "raw",
                },
                offset: extent.offset,
                stored_bytes: extent.stored_length,
                hash: (!extent.hash.is_none()).then(|| extent.hash.to_string()),
            }),
            _ => {}
        }
    }
}

fn target_view(target: &thaw_image::Target) -> Target {
    Target {
        name: target.name.to_string(),
        abi: format!("{:?}", target.abi),
        quota_pages: target.quota_pages,
        badge: target.badge.into(),
        clock_us: target.clock_us,
        generation: target.generation,
        clones: target.clones,
    }
}

fn thread_view(pd: u32, index: u32, thread: &thaw_image::Thread, names: &Names) -> Thread {
    let frame = &thread.frame;
    let double = |i: usize| Hex(u64::from(thread.vfp.d[2 * i + 1]) << 32 | u64::from(thread.vfp.d[2 * i]));
    Thread {
        index,
        pd,
        name: thread.name.to_string(),
        state: words::state(&thread.state),
        doing: words::doing(thread, pd, names),
        activity: thread.state.activity().map(|activity| words::operands(&activity)),
        priority: thread.priority,
        affinity_offset: thread.affinity.offset,
        affinity_mask: thread.affinity.mask.into(),
        utcb_addr: thread.utcb_addr.into(),
        pager: words::pager(thread.pager),
        handler: words::pager(thread.handler),
        r: frame.r.map(Hex::from).into(),
        sp: frame.sp.into(),
        lr: frame.lr.into(),
        pc: frame.pc.into(),
        cpsr: frame.cpsr.into(),
        tpidruro: frame.tpidruro.into(),
        d: (0..32).map(double).collect(),
        fpscr: thread.vfp.fpscr.into(),
        utcb: thread.utcb.map(Hex::from).into(),
    }
}

fn dataspace_view(index: u32, dataspace: &thaw_image::Dataspace) -> Dataspace {
    let bytes = dataspace.size_bytes;
    match dataspace.content {
        Content::Ram => Dataspace { index, bytes, kind: "ram", module: None, hash: None },
        Content::Rom { module, hash } => {
            let (module, hash) = (Some(module.to_string()), Some(hash.to_string()));
            Dataspace { index, bytes, kind: "rom", module, hash }
        }
        Content::Managed => Dataspace { index, bytes, kind: "managed", module: None, hash: None },
    }
}
