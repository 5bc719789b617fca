//! `thaw show`.

use std::io::{self, Write};
use std::path::Path;

use thaw_image::Expect;

use crate::failure::Failure;
use crate::input::{Input, SCRATCH, at};
use crate::print;
use crate::report::report;
use crate::view::{Hex, Report, Thread};

/// Shows the image at `path`, once all of it was checked.
pub fn show(path: &Path, json: bool, utcb: bool) -> Result<(), Failure> {
    let mut input = Input::open(path)?;
    let label = input.label();
    let mut image = input.image(path)?;
    let verified = thaw_image::verify(&mut image, &Expect::ANY, &mut vec![0; SCRATCH]).map_err(at(path))?;
    let report = report(&verified, &mut image, label.as_ref()).map_err(at(path))?;
    print::result(json, &report, |report, out| write_text(out, report, utcb))
}

fn write_text(out: &mut dyn Write, report: &Report, utcb: bool) -> io::Result<()> {
    write_header(out, report)?;
    write_targets(out, report)?;
    write_threads(out, report)?;
    for thread in &report.threads {
        write_thread(out, thread, utcb)?;
    }
    write_ipc(out, report)?;
    write_named(out, report)?;
    write_memory(out, report)?;
    write_slots(out, report)?;
    write_extents(out, report)
}

fn seconds(us: u64) -> String {
    format!("{}.{:06} s", us / 1_000_000, us % 1_000_000)
}

fn write_header(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let header = &report.header;
    let left = if header.left_running { "left running" } else { "ended with it" };
    writeln!(out, "checkpoint {} of {}, {left}", header.generation, header.target)?;
    if let Some(disk) = &report.disk {
        writeln!(out, "  disk    commit {}, area of {} bytes", disk.commit, disk.area_bytes)?;
    }
    writeln!(out, "  image   format {}, {} bytes, {} records", header.format, header.bytes, header.records)?;
    writeln!(out, "  kernel  {}, ABI revision {}, {}", header.kernel, header.abi, header.architecture)?;
    writeln!(out, "  board   {} ({})", header.board, header.board_id)?;
    writeln!(out, "  clock   {} since boot", seconds(header.clock_us))?;
    writeln!(
        out,
        "  memory  {} pages, {} stored in {} bytes",
        header.pages, header.stored_pages, header.stored_bytes
    )?;
    writeln!(out, "  hash    {}", header.hash)?;
    writeln!(out, "  parent  {}", header.parent.as_deref().unwrap_or("none"))
}

fn write_targets(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    for (index, target) in report.targets.iter().enumerate() {
        writeln!(out, "\ntarget {index} {}", target.name)?;
        writeln!(
            out,
            "  quota {} pages, badge {}, virtual clock {}, checkpoint {}, restores {}",
            target.quota_pages,
            target.badge,
            seconds(target.clock_us),
            target.generation,
            target.clones
        )?;
    }
    Ok(())
}

/// One line each, before the registers of all.
fn write_threads(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    if !report.threads.is_empty() {
        writeln!(out, "\nthreads")?;
    }
    let width = report.threads.iter().map(|thread| thread.name.len()).max().unwrap_or(0);
    for thread in &report.threads {
        writeln!(out, "  {:2} {:width$} {}", thread.index, thread.name, thread.doing)?;
    }
    Ok(())
}

fn write_thread(out: &mut dyn Write, thread: &Thread, utcb: bool) -> io::Result<()> {
    if thread.state == "hole" {
        return Ok(());
    }
    let title = format!("thread {} {}", thread.index, thread.name);
    writeln!(out, "\n{}", title.trim_end())?;
    writeln!(out, "  {}", thread.doing)?;
    writeln!(
        out,
        "  priority {}, cpus {} from {}, utcb {}, pager {}, handler {}",
        thread.priority,
        thread.affinity_mask,
        thread.affinity_offset,
        thread.utcb_addr,
        thread.pager,
        thread.handler
    )?;
    let mut registers: Vec<(String, Hex<8>)> =
        (0..).zip(&thread.r).map(|(i, &value)| (format!("r{i}"), value)).collect();
    let rest = [("sp", thread.sp), ("lr", thread.lr), ("pc", thread.pc), ("cpsr", thread.cpsr)];
    registers.extend(rest.map(|(name, value)| (name.into(), value)));
    registers.push(("tls".into(), thread.tpidruro));
    registers.push(("fpscr".into(), thread.fpscr));
    write_grid(out, &registers, 5)?;
    let doubles: Vec<_> = (0..).zip(&thread.d).map(|(i, &value)| (format!("d{i}"), value)).collect();
    write_grid(out, &doubles, 4)?;
    if utcb {
        writeln!(out, "  utcb")?;
        let words: Vec<_> = (0..).zip(&thread.utcb).map(|(i, &value)| (format!("{i}"), value)).collect();
        write_grid(out, &words, 8)?;
    }
    Ok(())
}

fn write_grid<const N: usize>(
    out: &mut dyn Write,
    cells: &[(String, Hex<N>)],
    columns: usize,
) -> io::Result<()> {
    for row in cells.chunks(columns) {
        let cells: Vec<String> = row.iter().map(|(name, value)| format!("{name:>5} {value}")).collect();
        writeln!(out, " {}", cells.join(" "))?;
    }
    Ok(())
}

fn write_ipc(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let name = |index: u32| match report.threads.get(index as usize) {
        Some(thread) if !thread.name.is_empty() => thread.name.clone(),
        _ => format!("#{index}"),
    };
    if !(report.links.is_empty() && report.queued.is_empty()) {
        writeln!(out, "\nmessages under way")?;
    }
    for link in &report.links {
        let (client, server) = (name(link.client), name(link.server));
        writeln!(out, "  {client} waits for the reply of {server} to {}", link.tag)?;
    }
    for queued in &report.queued {
        let (receiver, sender) = (name(queued.receiver), name(queued.sender));
        let place = queued.position;
        writeln!(out, "  {receiver} queue {place}: {sender} with {}, label {}", queued.tag, queued.label)?;
    }
    if !(report.gates.is_empty() && report.irqs.is_empty()) {
        writeln!(out, "\nobjects")?;
    }
    let receiver = |thread: Option<u32>| thread.map_or("nobody".into(), name);
    for gate in &report.gates {
        writeln!(out, "  gate {:3} badge {}, received by {}", gate.index, gate.badge, receiver(gate.thread))?;
    }
    for irq in &report.irqs {
        let receiver = receiver(irq.thread);
        let pending = irq.pending;
        writeln!(
            out,
            "  irq {:4} badge {}, received by {receiver}, {pending} pending",
            irq.index, irq.badge
        )?;
    }
    Ok(())
}

fn write_named(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    if !report.objects.is_empty() {
        writeln!(out, "\nobjects of Genode")?;
    }
    for object in &report.objects {
        writeln!(out, "  {:3} badge {:>7} {}", object.index, object.badge, object.role)?;
    }
    Ok(())
}

fn write_memory(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    if !report.dataspaces.is_empty() {
        writeln!(out, "\ndataspaces")?;
    }
    for dataspace in &report.dataspaces {
        write!(out, "  {:3} {} {:>9} bytes", dataspace.index, dataspace.kind, dataspace.bytes)?;
        if let (Some(module), Some(hash)) = (&dataspace.module, &dataspace.hash) {
            write!(out, ", module {module}, hash {hash}")?;
        }
        writeln!(out)?;
    }
    if !report.regions.is_empty() {
        writeln!(out, "\nregions")?;
    }
    for region in &report.regions {
        writeln!(
            out,
            "  {}-{} {} dataspace {} from {}",
            region.start, region.end, region.access, region.dataspace, region.offset
        )?;
    }
    Ok(())
}

fn write_slots(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    if !report.externals.is_empty() {
        writeln!(out, "\nsessions of the outside")?;
    }
    for external in &report.externals {
        let name = format!("{} {}", external.service, external.session);
        writeln!(out, "  {:3} {}", external.index, name.trim_end())?;
    }
    if !report.slots.is_empty() {
        writeln!(out, "\nslots")?;
    }
    for slot in &report.slots {
        writeln!(out, "  {:>7} {} badge {} {}", slot.slot, slot.rights, slot.badge, slot.object)?;
    }
    Ok(())
}

fn write_extents(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    if !report.extents.is_empty() {
        writeln!(out, "\nextents")?;
    }
    for extent in &report.extents {
        write!(
            out,
            "  dataspace {} page {:5} + {:5} {:4}",
            extent.dataspace, extent.first_page, extent.pages, extent.encoding
        )?;
        if let Some(hash) = &extent.hash {
            write!(out, " {} bytes at {} {hash}", extent.stored_bytes, extent.offset)?;
        }
        writeln!(out)?;
    }
    Ok(())
}
