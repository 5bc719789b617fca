//! What the console of a life tells.

use std::collections::BTreeMap;

use crate::console::split_name;

/// A thread as a stop found it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Found {
    /// Kind of its activity.
    pub kind: u32,
    /// Operation of its system call.
    pub operation: u32,
    /// Its pc; rewound if it was in a system call.
    pub pc: u32,
}

/// A life as far as the console tells it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// What the target declared, by scenario.
    pub verdicts: BTreeMap<String, String>,
    /// Checks of the target that broke.
    pub broken: Vec<String>,
    /// Stops by how they continued.
    pub continued: BTreeMap<String, u32>,
    /// Stops by the scenario that ran, as far as it is known.
    pub by_scenario: BTreeMap<String, u32>,
    /// Stops that failed, with their reasons.
    pub refused: Vec<String>,
    /// Attempts that failed and were repeated.
    pub retried: Vec<String>,
    /// What the stops found.
    pub found: Vec<Found>,
    /// The last boot ended with an image for the next.
    pub left: bool,
    /// The target exited with this code.
    pub exit: Option<String>,
    /// The last boot did not end well.
    pub trouble: Option<String>,
    /// Everything of target and checkpointer, in order.
    pub lines: Vec<String>,
    scenario: String,
}

impl Trace {
    /// Reads the console of a boot; `trouble` says why it did not end well.
    pub fn read(lines: &[String], trouble: Option<String>) -> Self {
        let mut trace = Self { trouble, ..Self::default() };
        for line in lines {
            let (who, text) = split_name(line);
            match who {
                "target" => trace.note_target(text),
                "thaw" => trace.note_checkpointer(text),
                _ => continue,
            }
            trace.lines.push(line.clone());
        }
        trace
    }

    fn note_target(&mut self, text: &str) {
        if let Some(verdict) = text.strip_prefix("verdict ") {
            let (name, rest) = verdict.split_once(' ').unwrap_or((verdict, ""));
            if self.verdicts.insert(name.into(), rest.into()).is_some() {
                self.broken.push(format!("second verdict of {name}"));
            }
        } else if let Some(name) = text.strip_prefix("scenario ") {
            self.scenario = name.into();
        } else if text.starts_with("FAIL") || text.starts_with("panic") {
            self.broken.push(text.into());
        }
    }

    fn note_checkpointer(&mut self, text: &str) {
        if let Some(rest) = text.strip_prefix("thaw: stop ") {
            self.retried.push(rest.split_once("failed: ").map_or(rest, |(_, why)| why).into());
        } else if text.starts_with("thaw-error ") || text.starts_with("panic") {
            self.trouble.get_or_insert_with(|| text.into());
        }
        let Some(text) = text.strip_prefix("soak: ") else { return };
        let words: Vec<&str> = text.split(' ').collect();
        match words[..] {
            ["stop", _, "failed:", ..] => {
                self.refused.push(text.split_once("failed: ").map_or("", |(_, why)| why).into());
            }
            ["stop", _, how, ..] => {
                *self.continued.entry(how.into()).or_default() += 1;
                *self.by_scenario.entry(self.scenario.clone()).or_default() += 1;
            }
            ["at", _, ..] => self.found.extend(words[2..].iter().filter_map(|w| found(w))),
            ["target", "exited", "with", "code", code, ..] => self.exit = Some(code.into()),
            ["target", "ended", ..] => self.exit = Some("an exception".into()),
            ["image", ..] => self.left = true,
            _ => {}
        }
    }

    /// Adds the boot that followed.
    pub fn append(&mut self, next: Self) {
        if self.scenario.is_empty() {
            *self = next;
            return;
        }
        for (name, verdict) in next.verdicts {
            if self.verdicts.insert(name.clone(), verdict).is_some() {
                self.broken.push(format!("second verdict of {name}"));
            }
        }
        for (how, n) in next.continued {
            *self.continued.entry(how).or_default() += n;
        }
        for (name, n) in next.by_scenario {
            // A boot does not tell which scenario it begins in.
            let name = if name.is_empty() { self.scenario.clone() } else { name };
            *self.by_scenario.entry(name).or_default() += n;
        }
        self.broken.extend(next.broken);
        self.refused.extend(next.refused);
        self.retried.extend(next.retried);
        self.found.extend(next.found);
        self.lines.extend(next.lines);
        (self.left, self.exit, self.trouble) = (next.left, next.exit, next.trouble);
        if !next.scenario.is_empty() {
            self.scenario = next.scenario;
        }
    }

    /// Why this life did not end as one without stops does.
    pub fn failure(&self) -> Option<String> {
        if let Some(broken) = self.broken.first() {
            return Some(broken.clone());
        }
        if let Some(trouble) = &self.trouble {
            return Some(trouble.clone());
        }
        match self.exit.as_deref() {
            Some("0") => None,
            Some(code) => Some(format!("the target ended with {code}")),
            None => Some("the target did not end".into()),
        }
    }

    /// Why this life differs from one without stops.
    pub fn mismatch(&self, control: &Self) -> Option<String> {
        if let Some(failure) = self.failure() {
            return Some(failure);
        }
        if self.verdicts == control.verdicts {
            return None;
        }
        let other = control.verdicts.iter().find(|(name, v)| self.verdicts.get(*name) != Some(v));
        Some(match other {
            Some((name, verdict)) => {
                let got = self.verdicts.get(name).map_or("nothing", String::as_str);
                format!("{name} declares {got}, without stops {verdict}")
            }
            None => "declares more than without stops".into(),
        })
    }
}

fn found(word: &str) -> Option<Found> {
    let mut numbers = word.split_once(':')?.1.split('.');
    let kind = numbers.next()?.parse().ok()?;
    let operation = u32::from_str_radix(numbers.next()?, 16).ok()?;
    let pc = u32::from_str_radix(numbers.next()?, 16).ok()?;
    Some(Found { kind, operation, pc })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(text: &str) -> Trace {
        Trace::read(&text.lines().map(String::from).collect::<Vec<_>>(), None)
    }

    const CONTROL: &str = "[root] boots\n[target] scenario lock\n[target] verdict lock hash=1 counts=2/3/4\n\
                           [thaw] soak: target exited with code 0 after 0";
    const STOPPED: &str = "[target] scenario lock\n[thaw] soak: stop 0 live us=5\n\
                           [thaw] soak: at 0 0:1.0.1000000 2:6.3.1000a04\n\
                           [thaw] thaw: stop 1 of 3 failed: target: its threads changed\n\
                           [thaw] soak: stop 1 fresh us=9\n\
                           [target] verdict lock hash=1 counts=2/3/4\n\
                           [thaw] soak: target exited with code 0 after 2";

    #[test]
    fn reads_a_life() {
        let stopped = trace(STOPPED);
        assert_eq!(stopped.mismatch(&trace(CONTROL)), None);
        assert_eq!((stopped.continued["live"], stopped.continued["fresh"]), (1, 1));
        assert_eq!(stopped.found[1], Found { kind: 6, operation: 3, pc: 0x0100_0a04 });
        assert_eq!((stopped.by_scenario["lock"], stopped.retried.len()), (2, 1));
    }

    #[test]
    fn each_difference_is_a_mismatch() {
        let control = trace(CONTROL);
        let differs = |text: String| trace(&text).mismatch(&control).is_some();
        assert!(differs(STOPPED.replace("hash=1", "hash=2")));
        assert!(differs(STOPPED.replace("[target] verdict lock", "[target] lost")));
        assert!(differs(format!("{STOPPED}\n[target] FAIL t1.r7 expected 0x1 got 0x2")));
        assert!(differs(format!("{STOPPED}\n[target] verdict lock hash=1 counts=2/3/4")));
        assert!(differs(STOPPED.replace("code 0", "code 99")));
        assert!(differs(STOPPED.replace("target exited", "nothing")));
        assert!(differs(format!("{STOPPED}\n[thaw] thaw-error code=x exit=1 y")));
    }

    #[test]
    fn boots_add_up() {
        let left = "[target] scenario lock\n[thaw] soak: stop 0 left us=5\n[thaw] soak: image is on the disk";
        let mut life = trace(left);
        assert!(life.left);
        life.append(trace(&STOPPED.replace("[target] scenario lock\n", "")));
        assert_eq!(life.by_scenario["lock"], 3);
        assert_eq!(life.mismatch(&trace(CONTROL)), None);
    }
}
