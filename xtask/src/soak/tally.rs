//! What the stops of a scenario came to.

use std::{collections::BTreeMap, fmt};

use super::trace::Trace;

/// Bytes of code that share a line of the histogram.
const BIN_BYTES: u32 = 16;
/// Columns of its longest bar.
const BAR_COLUMNS: u32 = 50;

/// Counts of a scenario.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Its name.
    pub name: String,
    /// Lives.
    pub lives: u32,
    /// Stops after which it resumed.
    pub live: u32,
    /// Stops after which it was restored in the same boot.
    pub fresh: u32,
    /// Stops after which it was restored in another boot.
    pub reboots: u32,
    /// Stops that were refused.
    pub refused: u32,
    /// Attempts that were repeated.
    pub retried: u32,
    /// Why lives differ from those without stops.
    pub mismatches: Vec<String>,
    /// How often each kind of activity and operation was found.
    rows: BTreeMap<(u32, u32), u32>,
    /// How often each reason of a failed stop was told.
    reasons: BTreeMap<String, u32>,
    /// How often threads in user code were found at an address.
    pcs: BTreeMap<u32, u32>,
    missing: Option<String>,
}

impl Tally {
    /// Of a scenario that has not run.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Stops that were continued.
    pub fn stops(&self) -> u32 {
        self.live + self.fresh + self.reboots
    }

    /// Adds a life.
    pub fn add(&mut self, control: &Trace, trace: &Trace) {
        let continued = |how| trace.continued.get(how).copied().unwrap_or(0);
        self.lives += 1;
        self.live += continued("live");
        self.fresh += continued("fresh");
        self.reboots += continued("left");
        self.refused += trace.refused.len() as u32;
        self.retried += trace.retried.len() as u32;
        for reason in trace.refused.iter().chain(&trace.retried) {
            *self.reasons.entry(reason.clone()).or_default() += 1;
        }
        for found in &trace.found {
            // The operation means something only in a system call.
            let operation = if found.kind == USER { 0 } else { found.operation };
            *self.rows.entry((found.kind, operation)).or_default() += 1;
            if found.kind == USER {
                *self.pcs.entry(found.pc).or_default() += 1;
            }
        }
        if let Some(mismatch) = trace.mismatch(control) {
            self.mismatches.push(format!("life {}: {mismatch}", self.lives - 1));
        }
    }

    /// Notes what was asked for and not reached.
    pub fn wanted(&mut self, stops: u32, reboots: u32) {
        if self.stops() < stops || self.reboots < reboots {
            self.missing = Some(format!("{stops} stops and {reboots} reboots were asked for"));
        }
    }

    /// Whether everything went as without stops, and every stop was continued.
    pub fn is_good(&self) -> bool {
        self.mismatches.is_empty() && self.refused == 0 && self.missing.is_none()
    }

    /// The histogram of stop pcs in user code.
    pub fn histogram(&self) -> String {
        let mut bins: BTreeMap<u32, u32> = BTreeMap::new();
        for (pc, n) in &self.pcs {
            *bins.entry(pc / BIN_BYTES).or_default() += n;
        }
        let most = bins.values().max().copied().unwrap_or(1);
        let line = |(bin, n): (&u32, &u32)| {
            let bar = "#".repeat((n * BAR_COLUMNS).div_ceil(most) as usize);
            format!("{:08x} {n:>6} {bar}\n", bin * BIN_BYTES)
        };
        bins.iter().map(line).collect()
    }

    /// All counts in one line.
    pub fn to_line(&self) -> String {
        let rows: Vec<String> = self.rows.iter().map(|((k, o), n)| format!("{k}.{o}:{n}")).collect();
        let pcs: Vec<String> = self.pcs.iter().map(|(pc, n)| format!("{pc}:{n}")).collect();
        let list = |items: Vec<String>| if items.is_empty() { "-".into() } else { items.join(",") };
        let Self { name, lives, live, fresh, reboots, refused, retried, .. } = self;
        format!(
            "{name} {lives} {live} {fresh} {reboots} {refused} {retried} {} {} {}",
            list(rows),
            list(pcs),
            self.mismatches.join("; ")
        )
    }

    /// Reads what [`to_line`](Self::to_line) wrote.
    pub fn from_line(line: &str) -> Option<Self> {
        let mut words = line.splitn(10, ' ');
        let mut tally = Self::new(words.next()?);
        let Self { lives, live, fresh, reboots, refused, retried, .. } = &mut tally;
        for count in [lives, live, fresh, reboots, refused, retried] {
            *count = words.next()?.parse().ok()?;
        }
        for row in words.next()?.split(',').filter(|w| *w != "-") {
            let (key, n) = row.split_once(':')?;
            let (kind, operation) = key.split_once('.')?;
            tally.rows.insert((kind.parse().ok()?, operation.parse().ok()?), n.parse().ok()?);
        }
        for pc in words.next()?.split(',').filter(|w| *w != "-") {
            let (pc, n) = pc.split_once(':')?;
            tally.pcs.insert(pc.parse().ok()?, n.parse().ok()?);
        }
        tally.mismatches = words.next()?.split("; ").filter(|m| !m.is_empty()).map(String::from).collect();
        Some(tally)
    }
}

/// Kind of activity of a thread in user code.
const USER: u32 = 1;

/// The row of the table of docs/sceptic.md.
fn row((kind, operation): (u32, u32)) -> String {
    let name = match (kind, operation) {
        (USER, _) => "user code",
        (2, _) => "receive or sleep",
        (3, 6) => "open wait",
        (3, 15) => "reply-and-wait, answered",
        (3, 7) => "send-and-wait, sent",
        (4, _) => "wait for an irq",
        (10, _) => "wait for a semaphore",
        (5, _) => "call, delivered",
        (6, 3) => "call, queued",
        (6, 1) => "send, queued",
        (6, 7) => "send-and-wait, queued",
        (6, 15) => "reply-and-wait, queued",
        (7, _) => "page fault",
        (8, _) => "send to the outside",
        (kind, operation) => return format!("kind {kind}, operation {operation}"),
    };
    name.into()
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.is_good() { "ok" } else { "FAILED" };
        let Self { name, lives, live, fresh, reboots, refused, retried, .. } = self;
        writeln!(
            f,
            "{mark:<7} {name:<10} {} stops in {lives} lives: {live} resumed, {fresh} restored, {reboots} restored \
             after a reboot; {refused} refused, {retried} repeated, {} mismatches",
            self.stops(),
            self.mismatches.len()
        )?;
        let threads: u32 = self.pcs.values().sum();
        writeln!(f, "        user code at {} addresses in {threads} findings", self.pcs.len())?;
        for (key, n) in &self.rows {
            writeln!(f, "        {n:>6} {}", row(*key))?;
        }
        for (reason, n) in &self.reasons {
            writeln!(f, "        {n:>6} times: {reason}")?;
        }
        for mismatch in self.mismatches.iter().chain(&self.missing) {
            writeln!(f, "        {mismatch}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_everything() {
        let mut tally = Tally { lives: 2, live: 30, fresh: 3, reboots: 1, ..Tally::new("lock") };
        assert_eq!(Tally::from_line(&tally.to_line()), Some(tally.clone()));
        tally.rows.insert((6, 3), 9);
        tally.pcs.insert(0x100_0000, 2);
        tally.mismatches = vec!["life 0: a b".into(), "life 1: c".into()];
        assert_eq!(Tally::from_line(&tally.to_line()), Some(tally.clone()));
        assert!(!tally.is_good());
    }

    #[test]
    fn what_is_missing_is_a_failure() {
        let mut tally = Tally { live: 10, ..Tally::new("lock") };
        tally.wanted(10, 0);
        assert!(tally.is_good());
        tally.wanted(11, 0);
        assert!(!tally.is_good());
        let mut refused = Tally { refused: 1, ..tally.clone() };
        refused.missing = None;
        assert!(!refused.is_good());
    }
}
