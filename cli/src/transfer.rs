//! `thaw receive` and `thaw send`: images over a serial line.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use thaw_serial::Disk;
use thaw_serial_host::{HostError, Incoming, Outgoing, Session};

use crate::failure::Failure;
use crate::line::{self, Line};

/// Quiet after which nothing more is expected of a transfer that is complete: an answer that got lost
/// would be asked for again before.
const LINGER: Duration = Duration::from_secs(5);

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        match error {
            HostError::File(path, error) => Self::Output(path, error),
            HostError::Image(path, refusal) => Self::Refused(path, refusal),
        }
    }
}

/// Where an image goes over.
pub struct Way<'a> {
    /// Name of the line.
    pub line: &'a str,
    /// Bits per second of a serial device.
    pub baud: u32,
    /// Whether to stay when the transfer is complete.
    pub stay: bool,
}

/// Receives images into `out`.
pub fn receive(way: &Way<'_>, out: &Path) -> Result<(), Failure> {
    let mut incoming = Incoming::open(out)?;
    let bar = ProgressBar::new_spinner();
    bar.set_style(style("{spinner} {bytes} {bytes_per_sec} {msg}"));
    if incoming.is_resumed() {
        bar.println(format!("thaw: {}: goes on with an earlier transfer", out.display()));
    }
    let is_complete = |incoming: &mut Incoming, complete: &mut bool| {
        if let Some(refusal) = incoming.take_refusal() {
            note(&bar, &format!("thaw: refused: {refusal}"));
        }
        if let Some(image) = incoming.take_accepted() {
            let (generation, bytes) = (image.generation, image.bytes);
            note(&bar, &format!("thaw: {}: checkpoint {generation}, {bytes} bytes", out.display()));
            *complete = true;
        }
    };
    exchange(way, &mut incoming, &bar, is_complete)?;
    bar.finish_and_clear();
    Ok(incoming.close()?)
}

/// Sends the image at `path` to whoever asks for it.
pub fn send(way: &Way<'_>, path: &Path) -> Result<(), Failure> {
    let mut outgoing = Outgoing::open(path)?;
    let bar = ProgressBar::new(outgoing.bytes());
    bar.set_style(style("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta} {msg}"));
    exchange(way, &mut outgoing, &bar, |outgoing, complete| {
        if outgoing.is_read_to_end() && !*complete {
            note(&bar, &format!("thaw: {}: sent", path.display()));
            *complete = true;
        }
    })?;
    bar.finish_and_clear();
    Ok(())
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this module; the default is no worse.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn note(bar: &ProgressBar, text: &str) {
    bar.suspend(|| eprintln!("{text}"));
}

/// Serves the target until the transfer is complete; its text goes to standard output.
fn exchange<D: Disk>(
    way: &Way<'_>,
    disk: &mut D,
    bar: &ProgressBar,
    mut is_complete: impl FnMut(&mut D, &mut bool),
) -> Result<(), Failure> {
    let failed = |error| Failure::Line(way.line.into(), error);
    let mut line = line::open(way.line, way.baud).map_err(failed)?;
    let mut session = Session::default();
    let (mut bytes, mut text) = ([0; 4096], Vec::new());
    let (mut complete, mut heard) = (false, Instant::now());
    while way.stay || !complete || heard.elapsed() < LINGER {
        let Some(count) = line::look(&mut *line, &mut bytes).map_err(failed)? else { continue };
        if count == 0 {
            // The other end was switched off.
            return if complete { Ok(()) } else { Err(Failure::Unfinished(way.line.into())) };
        }
        let requests = session.counts().requests;
        let answers = session.push(&bytes[..count], disk, &mut text);
        is_complete(disk, &mut complete);
        send_all(&mut *line, &answers).map_err(failed)?;
        let counts = session.counts();
        if counts.requests != requests {
            heard = Instant::now();
            bar.set_position(counts.bytes);
            if counts.damaged != 0 {
                bar.set_message(format!("{} damaged frames", counts.damaged));
            }
        }
        print(bar, &mut text)?;
    }
    Ok(())
}

fn send_all(line: &mut dyn Line, bytes: &[u8]) -> io::Result<()> {
    line.write_all(bytes)?;
    line.flush()
}

/// Prints what the target said.
fn print(bar: &ProgressBar, text: &mut Vec<u8>) -> Result<(), Failure> {
    if text.is_empty() {
        return Ok(());
    }
    let mut out = io::stdout();
    let printed = bar.suspend(|| out.write_all(text).and_then(|()| out.flush()));
    text.clear();
    printed.map_err(Failure::stdout)
}
