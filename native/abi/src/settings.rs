//! The module `config` of the checkpointer, and its like: lines `key=value`, `#` begins a comment line.

/// Module with the checkpointer's settings.
pub const CONFIG_MODULE: &str = "config";
/// Module with the program to be checkpointed.
pub const TARGET_MODULE: &str = "target";

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
