//! Reading trace lines out of a console log. docs/tracing.md has their form.

use std::collections::BTreeMap;

/// Begins a line with a step, with the name of the program that printed it: any program may print such
/// text, only the checkpointer has its name.
const PREFIX: &str = "[thaw] thaw-trace ";
/// Tells the counter's frequency.
const FREQUENCY: &str = "[thaw] thaw-summary counter_hz=";

/// Who did a step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Side {
    /// The checkpointer.
    Checkpointer,
    /// The privileged service.
    Service,
}

impl Side {
    fn from_name(name: &str) -> Option<Self> {
        [Self::Checkpointer, Self::Service].into_iter().find(|side| side.name() == name)
    }

    /// Its name in the lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Checkpointer => "checkpointer",
            Self::Service => "service",
        }
    }
}

/// A step that ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    pub side: Side,
    pub event: String,
    /// Index of the target's thread that it concerns.
    pub thread: Option<u32>,
    pub argument: u32,
    /// What the argument means, where the machine said.
    pub what: Option<String>,
    /// Counter when it ended.
    pub ticks: u64,
    /// What the counter went on by since the step before, of the same side.
    pub cost: u64,
}

/// What a log says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Trace {
    /// Steps of both sides in the order in which they ended.
    pub steps: Vec<Step>,
    /// Steps that were overwritten before they were told.
    pub lost: u32,
    /// Trace lines that cannot be read.
    pub damaged: u32,
    /// Frequency of the counter; nothing where there is none.
    pub hz: Option<u64>,
}

impl Trace {
    /// Reads a console log.
    pub fn read(text: &str) -> Self {
        let mut trace = Self::default();
        for line in text.lines().map(str::trim) {
            if let Some(hz) = line.strip_prefix(FREQUENCY) {
                trace.hz = hz.trim().parse().ok().filter(|hz| *hz != 0);
            } else if let Some(fields) = line.strip_prefix(PREFIX) {
                trace.note(fields);
            }
        }
        trace.steps.sort_by_key(|step| (step.ticks, step.side));
        trace
    }

    fn note(&mut self, text: &str) {
        let fields: BTreeMap<&str, &str> =
            text.split_whitespace().filter_map(|field| field.split_once('=')).collect();
        if let Some(lost) = fields.get("lost").and_then(|n| n.parse::<u32>().ok()) {
            self.lost += lost;
        } else if let Some(step) = step(&fields) {
            self.steps.push(step);
        } else {
            self.damaged += 1;
        }
    }
}

fn step(fields: &BTreeMap<&str, &str>) -> Option<Step> {
    let thread = match fields.get("thread") {
        Some(index) => Some(index.parse().ok()?),
        None => None,
    };
    let argument = fields.get("arg")?.strip_prefix("0x")?;
    Some(Step {
        side: Side::from_name(fields.get("side")?)?,
        event: fields.get("event")?.to_string(),
        thread,
        argument: u32::from_str_radix(argument, 16).ok()?,
        what: fields.get("what").map(ToString::to_string),
        ticks: fields.get("ticks")?.parse().ok()?,
        cost: fields.get("cost")?.parse().ok()?,
    })
}

#[cfg(test)]
pub(super) const SAMPLE: &str = "\
loader: kernel G\r
[thaw] thaw-summary counter_hz=62500000\r
[sheep] count 7\r
[sheep] thaw-trace side=service n=0 event=end arg=0x0 ticks=1 cost=1\r
[thaw] thaw-trace side=checkpointer n=0 event=begin arg=0x0 ticks=1000 cost=0\r
[thaw] thaw-trace side=checkpointer n=1 event=stop arg=0x2 ticks=1900 cost=900\r
[thaw] thaw-trace side=checkpointer n=2 event=read thread=1 arg=0x0 ticks=2200 cost=300\r
[thaw] thaw-trace side=service lost=3\r
[thaw] thaw-trace side=service n=3 event=begin arg=0x3 what=stop ticks=1100 cost=0\r
[thaw] thaw-trace side=service n=4 event=trigger thread=0 arg=0x0 ticks=1150 cost=50\r
[thaw] thaw-trace side=service n=5 event=barrier arg=0x1 ticks=1800 cost=650\r
[thaw] thaw-trace side=service n=6 event=end arg=0x0 ticks=1850 cost=50\r
[thaw] thaw-trace side=service n=7 event=cut th\r
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_both_sides_come_in_the_order_of_time() {
        let trace = Trace::read(SAMPLE);
        let order: Vec<&str> = trace.steps.iter().map(|step| step.event.as_str()).collect();
        assert_eq!(order, ["begin", "begin", "trigger", "barrier", "end", "stop", "read"]);
        assert_eq!((trace.lost, trace.damaged, trace.hz), (3, 1, Some(62_500_000)));
        let read = &trace.steps[6];
        assert_eq!((read.side, read.thread, read.cost), (Side::Checkpointer, Some(1), 300));
        assert_eq!(trace.steps[1].what.as_deref(), Some("stop"));
    }

    #[test]
    fn a_number_that_is_none_is_damage_not_zero() {
        for broken in ["thread=x", "thread=-1", "arg=7", "ticks=", "cost=1e3", "side=other"] {
            let mut fields = vec!["side=service", "event=stub", "arg=0x7", "ticks=5", "cost=1"];
            let key = broken.split('=').next().expect("a key");
            fields.retain(|field| field.split('=').next() != Some(key));
            fields.push(broken);
            let trace = Trace::read(&format!("[thaw] thaw-trace {}", fields.join(" ")));
            assert_eq!((trace.steps.len(), trace.damaged), (0, 1), "{broken}");
        }
    }
}
