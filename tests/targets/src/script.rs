//! The optional ROM module `target.cfg` of the scenarios: which ones run, and how long.

/// Name of the module.
pub const MODULE: &str = "target.cfg";
/// Bytes of the module that are read at most.
pub const BYTES_MAX: usize = 1024;

/// All scenarios, and how often one does its work in a round: so that all take about as long.
pub const SCENARIOS: [(&str, u32); 19] = [
    ("user", 8),
    ("thumb", 6),
    ("vfp", 6),
    ("deep", 6),
    ("lazy", 6),
    ("spin", 8),
    ("timeouts", 3),
    ("clients", 8),
    ("chain", 3),
    ("sends", 8),
    ("send-wait", 12),
    ("expired", 2),
    ("ping-pong", 6),
    ("lock", 6),
    ("churn", 2),
    ("semaphore", 6),
    ("threads", 6),
    ("items", 3),
    ("deadlines", 1),
];

/// What the module sets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Script<'a> {
    /// Names of scenarios with commas between, or `all`.
    scenarios: &'a str,
    /// How often each does its work.
    pub rounds: u32,
}

impl Script<'static> {
    /// Without a module.
    pub const DEFAULT: Self = Self { scenarios: "all", rounds: 10 };
}

impl<'a> Script<'a> {
    /// Reads lines `scenarios=NAME[,NAME..]` and `rounds=1..=1000000`; `Err` holds the number of the first
    /// line (from 1) that is neither.
    pub fn parse(text: &'a [u8]) -> Result<Self, u32> {
        let mut script: Self = Script::DEFAULT;
        for (line, number) in text.split(|b| *b == b'\n').zip(1..) {
            let line = core::str::from_utf8(line).map_err(|_| number)?.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let rounds = |v: &str| v.parse().ok().filter(|n| (1..=1_000_000).contains(n));
            match line.split_once('=') {
                Some(("scenarios", names)) if !names.is_empty() => script.scenarios = names,
                Some(("rounds", value)) => script.rounds = rounds(value).ok_or(number)?,
                _ => return Err(number),
            }
        }
        Ok(script)
    }

    /// Whether the scenario with that name is to run.
    #[must_use]
    pub fn wants(&self, name: &str) -> bool {
        self.scenarios == "all" || self.names().any(|n| n == name)
    }

    /// The names as written.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.scenarios.split(',').map(str::trim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_scenarios() {
        let script = Script::parse(b"# two\nscenarios=calls, lock\nrounds=7\n").expect("good");
        assert_eq!(script.rounds, 7);
        assert!(script.wants("calls") && script.wants("lock") && !script.wants("call"));
        assert!(Script::DEFAULT.wants("anything"));
    }

    #[test]
    fn names_the_line_that_is_wrong() {
        for (text, line) in [("rounds=0", 1), ("scenarios=a\nround=1", 2), ("scenarios=", 1), ("\nall", 2)] {
            assert_eq!(Script::parse(text.as_bytes()), Err(line), "{text:?}");
        }
    }
}
