//! The optional ROM module `target.cfg`: lines of `key=value`.

/// Name of the module.
pub const MODULE: &str = "target.cfg";
/// Bytes of the module that are read at most.
pub const BYTES_MAX: usize = 512;

/// What the module sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// Heap of the memory worker in MiB.
    pub heap_mib: u32,
    /// Period of the counting thread in milliseconds.
    pub period_ms: u32,
}

impl Config {
    /// Without a module.
    pub const DEFAULT: Self = Self { heap_mib: 1, period_ms: 100 };

    /// Reads the module's text; `Err` holds the number of the first line (from 1) that is none of
    /// `heap_mib=1..=1024`, `period_ms=1..=10000`, empty, or a comment starting with `#`.
    pub fn parse(text: &[u8]) -> Result<Self, u32> {
        let mut config = Self::DEFAULT;
        for (line, number) in text.split(|b| *b == b'\n').zip(1..) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let value = |key: &[u8], max: u32| {
                decimal(line.strip_prefix(key)?.trim_ascii()).filter(|v| (1..=max).contains(v))
            };
            match (value(b"heap_mib=", 1024), value(b"period_ms=", 10_000)) {
                (Some(mib), _) => config.heap_mib = mib,
                (_, Some(ms)) => config.period_ms = ms,
                _ => return Err(number),
            }
        }
        Ok(config)
    }
}

fn decimal(digits: &[u8]) -> Option<u32> {
    core::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_keys_and_keeps_defaults() {
        assert_eq!(Config::parse(b""), Ok(Config::DEFAULT));
        assert_eq!(Config::parse(b"heap_mib=64"), Ok(Config { heap_mib: 64, ..Config::DEFAULT }));
        let both = b"# big\r\n\nheap_mib=64\r\nperiod_ms=20\n";
        assert_eq!(Config::parse(both), Ok(Config { heap_mib: 64, period_ms: 20 }));
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        for (text, line) in
            [("heap_mib=0", 1), ("heap_mib=64\nheap=1", 2), ("\n\nperiod_ms=x", 3), ("heap_mib", 1)]
        {
            assert_eq!(Config::parse(text.as_bytes()), Err(line), "{text:?}");
        }
    }
}
