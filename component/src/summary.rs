//! Measurements, and the lines that tell them.

use crate::books::PAGE_BYTES;
use crate::host::{CopyRoutine, Host, Span};
use crate::stop::StopTimes;

/// Begins a line with a measurement.
pub const PREFIX: &str = "thaw-summary";

/// Ticks between two readings of the counter.
#[must_use]
pub fn between(from: Option<u64>, to: Option<u64>) -> Option<u64> {
    to?.checked_sub(from?)
}

/// Tells a number.
pub fn number<H: Host>(host: &H, key: &str, value: u64) {
    host.say(format_args!("{PREFIX} {key}={value}"));
}

/// Tells ticks, if there is a counter.
pub fn ticks<H: Host>(host: &H, key: &str, value: Option<u64>) {
    if let Some(value) = value {
        number(host, key, value);
    }
}

/// Tells what a stop took. A stop that ended in a continuation is counted to its end, another to
/// where all was read.
pub fn stop<H: Host>(host: &H, times: &StopTimes) {
    let StopTimes { begin, stopped, copied, read, resumed, report } = *times;
    ticks(host, "stop_ticks", between(begin, resumed.or(read)));
    ticks(host, "stop_threads_ticks", between(begin, stopped));
    ticks(host, "stop_copy_ticks", between(stopped, copied));
    ticks(host, "stop_read_ticks", between(copied, read));
    ticks(host, "stop_resume_ticks", between(read, resumed));
    for (key, value) in [
        ("stop_cancelled", report.cancelled),
        ("stop_drained", report.drained),
        ("stop_links", report.links),
        ("stop_barriers", report.barriers),
    ] {
        number(host, key, value.into());
    }
}

/// Copies `bytes` from the first half of `spare` to the second by both routines and tells the ticks.
pub fn measure_copy<H: Host>(host: &H, spare: Span, bytes: u32) {
    let half = spare.bytes / 2 / PAGE_BYTES * PAGE_BYTES;
    let bytes = bytes.min(half);
    let (Some(from), Some(to)) = (spare.part(0, bytes), spare.part(half, bytes)) else { return };
    let mut fastest: Option<u64> = None;
    for (key, routine) in [
        ("copy_ticks", CopyRoutine::Stop),
        ("copy_loop_ticks", CopyRoutine::Loop),
        ("copy_core_ticks", CopyRoutine::Core),
    ] {
        let begin = host.ticks();
        host.copy(to, from, routine);
        let took = between(begin, host.ticks());
        ticks(host, key, took);
        fastest = took.map(|t| fastest.map_or(t, |f| f.min(t)));
    }
    ticks(host, "copy_fastest_ticks", fastest);
}
