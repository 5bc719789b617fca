//! A boot whose store is at the other end of the console line: the runner receives and sends.

use std::{io::ErrorKind, path::Path};

use thaw_serial::Disk;
use thaw_serial_host::{HostError, Incoming, Outgoing};

use super::series::{Mode, Series};
use crate::{
    failure::{Failure, Kind, Result},
    qemu::{Finished, Run},
    serial::Peer,
};

/// Runs to the end; after a checkpoint the image is in its file, for a restore it comes from there.
pub fn over_line(series: &Series<'_>, mode: Mode, run: &Run) -> Result<Finished> {
    let image = series.image();
    match mode {
        Mode::Checkpoint => {
            remove(&image)?;
            let mut incoming = Incoming::open(&image).map_err(failure)?;
            let finished = with_peer(series, run, &mut incoming)?;
            if let Some(refusal) = incoming.take_refusal() {
                return Err(failure(refusal));
            }
            incoming.close().map_err(failure)?;
            Ok(finished)
        }
        Mode::Check => {
            // Only asked whether there is room; nothing is written.
            let mut incoming = Incoming::open(&image.with_extension("check")).map_err(failure)?;
            let finished = with_peer(series, run, &mut incoming)?;
            incoming.close().map_err(failure)?;
            Ok(finished)
        }
        Mode::Restore => with_peer(series, run, &mut Outgoing::open(&image).map_err(failure)?),
    }
}

fn with_peer(series: &Series<'_>, run: &Run, disk: &mut dyn Disk) -> Result<Finished> {
    let mut peer = Peer::new(disk, series.args.faults);
    let finished = run.run_with(Some(&mut peer));
    let (counts, faults) = (peer.counts(), peer.faults());
    series.tell(&format!(
        "demo: serial store: {} requests, {} KiB, {faults} faults, {} damaged frames, {} late",
        counts.requests,
        counts.bytes / 1024,
        counts.damaged,
        counts.late
    ));
    finished?.powered_off()
}

fn failure(error: HostError) -> Failure {
    Failure::new(Kind::File, error.to_string())
}

/// Removes what an earlier run left, and the beginnings of it.
fn remove(image: &Path) -> Result<()> {
    for path in [image.to_path_buf(), image.with_extension("thaw.part")] {
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(Failure::file(&path, &e)),
            _ => {}
        }
    }
    Ok(())
}
