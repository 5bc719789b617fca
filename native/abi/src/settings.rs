//! The module `config` of the checkpointer, and its like: lines `key=value`, `#` begins a comment line.
//!
//! Keys of the checkpointer; one that it does not know is an error:
//!
//! | key | value |
//! |---|---|
//! | `mode` | `checkpoint`: start the target, checkpoint it, write the image, destroy it, power off. `restore`: restore it from the disk, let it run on, power off |
//! | `name` | name of the target's PD, which is how its lines in the log begin |
//! | `quota` | quota of the target's PD in pages |
//! | `after_ms` | `checkpoint`: milliseconds of the system's clock that the target runs first |
//! | `run_ms` | `restore`: milliseconds that the restored target runs on |
//!
//! What it measured it prints in lines `thaw-summary key=value`, once per key:
//!
//! | key | value |
//! |---|---|
//! | `threads`, `bytes` | of the target, in both modes |
//! | `stop_ticks` | virtual counter from the first trigger to the end of copying in the stop |
//! | `restore_ticks` | from the verified image to the commit |
//! | `copy_ticks` | copying the same bytes by the routine that the stop uses |
//! | `copy_fastest_ticks` | the same by the fastest routine known |
//!
//! Ticks are left out where a board has no counter. Whoever runs the machine turns ticks into
//! microseconds and instructions.

/// Module with the checkpointer's settings.
pub const CONFIG_MODULE: &str = "config";
/// Module with the program to be checkpointed.
pub const TARGET_MODULE: &str = "target";

/// Module that tells programs where their streams of log records go, packed only for machines with
/// semihosting for user mode: what the path of every stream begins with.
pub const STREAMS_MODULE: &str = "streams";

/// A line with this word, a blank and `key=value` tells a measurement.
pub const SUMMARY_PREFIX: &str = "thaw-summary";

/// All pairs, trimmed, in order. A line without `=` is a key with an empty value.
pub fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines.map(|l| l.split_once('=').map_or((l, ""), |(k, v)| (k.trim(), v.trim())))
}

/// The value of `key`; the last line wins.
#[must_use]
pub fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    pairs(text).filter(|(k, _)| *k == key).map(|(_, v)| v).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_values() {
        let text = "mode = checkpoint\r\n# mode=restore\nempty=\nflag\nmode=both=1\n";
        assert_eq!(value(text, "mode"), Some("both=1"));
        assert_eq!(value(text, "empty"), Some(""));
        assert_eq!(value(text, "flag"), Some(""));
        assert_eq!(value(text, "none"), None);
        assert_eq!(pairs(text).count(), 4);
    }
}
