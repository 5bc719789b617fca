//! What the two logs of a demo prove, without running anything.

use std::collections::BTreeMap;

use thaw_native_abi::settings::SUMMARY_PREFIX;

use crate::console::split_name;

/// What a log says about the target.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Evidence {
    /// Numbers of the target's `count N` lines, in order.
    pub counts: Vec<u64>,
    /// Lines of the target that say that something started.
    pub started: Vec<String>,
    /// Lines of the target that report a broken self-check.
    pub failed: Vec<String>,
    /// Lines that the target printed.
    pub lines: usize,
    /// Whether the word "started" is anywhere in the log.
    pub says_started: bool,
    /// Measurements of the checkpointer.
    pub summary: BTreeMap<String, String>,
    /// What the checkpointer refused.
    pub refusal: Option<Refusal>,
}

/// A line `thaw-error code=NAME exit=NUMBER TEXT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Name of the error.
    pub name: String,
    /// Exit code that it asks for.
    pub exit: u8,
    /// Object, reason and remedy.
    pub text: String,
}

impl Refusal {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("thaw-error code=")?.splitn(3, ' ');
        let name = parts.next()?.into();
        let exit = parts.next()?.strip_prefix("exit=")?.parse().ok()?;
        Some(Self { name, exit, text: parts.next()?.trim().into() })
    }
}

impl Evidence {
    /// Reads a console log; the target's lines begin with `[name]`.
    pub fn read(lines: &[String], name: &str) -> Self {
        let mut evidence = Self::default();
        for line in lines {
            evidence.says_started |= line.contains("started");
            let (who, text) = split_name(line);
            if who == name {
                evidence.note_target(text);
            } else if let Some(refusal) = Refusal::read(text) {
                evidence.refusal = Some(refusal);
            } else if let Some(pair) = text.strip_prefix(SUMMARY_PREFIX) {
                let (key, value) = pair.trim().split_once('=').unwrap_or((pair.trim(), ""));
                evidence.summary.insert(key.trim().into(), value.trim().into());
            }
        }
        evidence
    }

    fn note_target(&mut self, text: &str) {
        self.lines += 1;
        if let Some(count) = text.strip_prefix("count ").and_then(|n| n.trim().parse().ok()) {
            self.counts.push(count);
        }
        if text.starts_with("started") {
            self.started.push(text.into());
        }
        if text.starts_with("FAIL") || text.contains(" FAIL ") {
            self.failed.push(text.into());
        }
    }
}

/// One thing that must hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What was asked.
    pub question: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// What was seen.
    pub seen: String,
}

fn finding(question: &'static str, holds: bool, seen: impl Into<String>) -> Finding {
    Finding { question, holds, seen: seen.into() }
}

/// Judges the two logs of a demo.
///
/// A target that never counts is judged by what it prints; one that counts must go on without a gap.
pub fn judge(before: &Evidence, after: &Evidence) -> Vec<Finding> {
    let once = before.started.iter().all(|s| before.started.iter().filter(|t| *t == s).count() == 1);
    let mut findings = vec![
        finding(
            "the target started once",
            once && after.started.is_empty() && !after.says_started,
            format!("{} starts before, {} after", before.started.len(), after.started.len()),
        ),
        finding(
            "every self-check held",
            before.failed.is_empty() && after.failed.is_empty(),
            before.failed.first().or(after.failed.first()).map_or("no FAIL".into(), Clone::clone),
        ),
        finding(
            "it ran before and after",
            before.lines > 0 && after.lines > 0,
            format!("{} lines before, {} after", before.lines, after.lines),
        ),
    ];
    if !before.counts.is_empty() || !after.counts.is_empty() {
        findings.extend(judge_counts(&before.counts, &after.counts));
    }
    findings
}

fn judge_counts(before: &[u64], after: &[u64]) -> [Finding; 2] {
    let all: Vec<u64> = before.iter().chain(after).copied().collect();
    let gap = all.windows(2).find(|pair| pair[1] != pair[0] + 1);
    let seen = match gap {
        Some(pair) => format!("{} was followed by {}", pair[0], pair[1]),
        None => format!("{} numbers in a row", all.len()),
    };
    [
        finding("nothing was lost or repeated", gap.is_none() && !before.is_empty(), seen),
        // One number could have been on its way when the target was stopped; the second was not.
        finding("it counted on", after.len() >= 2, format!("{} counts after the restore", after.len())),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Evidence {
        let lines: Vec<String> = text.lines().map(String::from).collect();
        Evidence::read(&lines, "sheep")
    }

    const BEFORE: &str =
        "[sheep] started counter\n[sheep] count 1\n[sheep] count 2\n[thaw] thaw-summary bytes=4096";
    const AFTER: &str = "[sheep] count 3\n[sheep] checks: ok\n[sheep] count 4\nthaw-summary threads = 7";

    fn broken(before: &str, after: &str) -> Vec<&'static str> {
        let findings = judge(&log(before), &log(after));
        findings.into_iter().filter(|f| !f.holds).map(|f| f.question).collect()
    }

    #[test]
    fn a_good_pair_holds() {
        assert_eq!(broken(BEFORE, AFTER), [""; 0]);
        assert_eq!(log(BEFORE).summary["bytes"], "4096");
        assert_eq!(log(AFTER).summary["threads"], "7");
    }

    #[test]
    fn a_refusal_is_read_whole() {
        let refusal =
            log("[thaw] thaw-error code=disk-absent exit=50 disk: there is none: attach one").refusal;
        let expected =
            Refusal { name: "disk-absent".into(), exit: 50, text: "disk: there is none: attach one".into() };
        assert_eq!(refusal, Some(expected));
        assert_eq!(log(BEFORE).refusal, None);
        assert_eq!(log("[sheep] thaw-error code=x exit=1 forged").refusal, None);
    }

    #[test]
    fn each_defect_is_seen() {
        let lost = AFTER.replace("count 3", "count 4").replace("count 4\nthaw", "count 5\nthaw");
        assert_eq!(broken(BEFORE, &lost), ["nothing was lost or repeated"]);
        assert_eq!(broken(BEFORE, &AFTER.replace("count 3", "count 2")), ["nothing was lost or repeated"]);
        assert_eq!(broken(BEFORE, "[sheep] count 3"), ["it counted on"]);
        assert_eq!(broken(BEFORE, &format!("[sheep] started counter\n{AFTER}")), ["the target started once"]);
        assert_eq!(broken(BEFORE, &format!("[root] sheep started\n{AFTER}")), ["the target started once"]);
        assert_eq!(broken(&format!("{BEFORE}\n[sheep] started counter"), AFTER), ["the target started once"]);
        let failed = format!("{AFTER}\n[sheep] FAIL vfp expected 1 got 0");
        assert_eq!(broken(BEFORE, &failed), ["every self-check held"]);
        let silent = broken(BEFORE, "[thaw] restored");
        assert_eq!(silent, ["it ran before and after", "it counted on"]);
        assert_eq!(
            broken("[sheep] count 1\n[sheep] count 3", "[sheep] count 4\n[sheep] count 5"),
            ["nothing was lost or repeated"]
        );
        assert!(!broken("", "").is_empty());
    }

    #[test]
    fn a_target_that_does_not_count_must_still_speak() {
        assert_eq!(broken("[sheep] hello", "[sheep] still here"), [""; 0]);
        assert_eq!(broken("[sheep] hello", ""), ["it ran before and after"]);
    }

    #[test]
    fn others_are_not_the_target() {
        let other = log("[goat] count 5\n[goat] started x\n[goat] FAIL y");
        assert_eq!((other.counts.len(), other.started.len(), other.failed.len()), (0, 0, 0));
        assert!(other.says_started);
    }
}
