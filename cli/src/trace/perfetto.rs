//! A trace in the trace-event format, which Perfetto and Chrome's trace viewer open.
//!
//! Three processes: the checkpointer, the service, and the target with a lane per thread that repeats
//! the service's steps for that thread. A step is a complete event (`X`) that ends when the step ended.

use serde::Serialize;

use super::log::{Side, Step, Trace};
use super::table::argument;

/// Process of the target's threads.
const TARGET: u32 = 3;

/// The whole file.
#[derive(Serialize)]
pub struct File {
    #[serde(rename = "displayTimeUnit")]
    unit: &'static str,
    #[serde(rename = "traceEvents")]
    events: Vec<Event>,
}

#[derive(Serialize)]
struct Event {
    name: String,
    ph: &'static str,
    pid: u32,
    tid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    cat: Option<&'static str>,
    /// Microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    ts: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    args: Arguments,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Arguments {
    Name { name: String },
    Step { argument: String, ticks: u64, thread: Option<u32> },
}

/// Returns the file of a trace. Without a counter a tick is shown as a microsecond.
pub fn file(trace: &Trace) -> File {
    let lanes = Lanes { first: first(trace), hz: trace.hz.unwrap_or(1_000_000) };
    let mut events = vec![
        named("process_name", 1, 1, "checkpointer"),
        named("process_name", 2, 1, "checkpoint service"),
        named("process_name", TARGET, 1, "target"),
    ];
    let mut threads: Vec<u32> = trace.steps.iter().filter_map(|step| step.thread).collect();
    threads.sort_unstable();
    threads.dedup();
    events.extend(threads.iter().map(|t| named("thread_name", TARGET, t + 1, &format!("thread {t}"))));
    events.extend(lanes.verbs(trace));
    for step in &trace.steps {
        events.push(lanes.event(step, process(step.side), 1));
        if let Some(thread) = step.thread {
            events.push(lanes.event(step, TARGET, thread + 1));
        }
    }
    File { unit: "ns", events }
}

const fn process(side: Side) -> u32 {
    match side {
        Side::Checkpointer => 1,
        Side::Service => 2,
    }
}

fn first(trace: &Trace) -> u64 {
    trace.steps.iter().map(|step| step.ticks.saturating_sub(step.cost)).min().unwrap_or(0)
}

fn named(what: &str, pid: u32, tid: u32, name: &str) -> Event {
    let args = Arguments::Name { name: name.into() };
    Event { name: what.into(), ph: "M", pid, tid, cat: None, ts: None, dur: None, args }
}

struct Lanes {
    first: u64,
    hz: u64,
}

impl Lanes {
    /// Nanoseconds since the first step. Whole ones, so that the end of a step is the start of the next.
    fn ns(&self, ticks: u64) -> u64 {
        let ticks = u128::from(ticks.saturating_sub(self.first));
        (ticks * 1_000_000_000 / u128::from(self.hz)) as u64
    }

    fn event(&self, step: &Step, pid: u32, tid: u32) -> Event {
        let start = self.ns(step.ticks.saturating_sub(step.cost));
        let end = self.ns(step.ticks);
        Event {
            name: step.event.clone(),
            ph: "X",
            pid,
            tid,
            cat: Some(step.side.name()),
            ts: Some(start as f64 / 1e3),
            dur: Some((end - start) as f64 / 1e3),
            args: Arguments::Step { argument: argument(step), ticks: step.cost, thread: step.thread },
        }
    }

    /// A slice around all steps of each verb of the service.
    fn verbs(&self, trace: &Trace) -> Vec<Event> {
        let mut verbs = Vec::new();
        let mut open: Option<&Step> = None;
        for step in trace.steps.iter().filter(|step| step.side == Side::Service) {
            if step.event == "begin" {
                open = Some(step);
            }
            if let Some(begin) = open.filter(|_| step.event == "end") {
                let name = begin.what.clone().unwrap_or_else(|| format!("verb {}", begin.argument));
                let whole = Step { cost: step.ticks.saturating_sub(begin.ticks), ..step.clone() };
                verbs.push(Event { name, ..self.event(&whole, process(Side::Service), 1) });
                open = None;
            }
        }
        verbs
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::trace::log::SAMPLE;

    fn events() -> Vec<Value> {
        let text = serde_json::to_string(&file(&Trace::read(SAMPLE))).expect("plain data");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        file["traceEvents"].as_array().expect("an array").clone()
    }

    /// What the trace-event format asks of each phase that is used here.
    #[test]
    fn every_event_has_what_the_format_asks_for() {
        let events = events();
        for event in &events {
            assert!(event["name"].is_string() && event["pid"].is_u64() && event["tid"].is_u64(), "{event}");
            match event["ph"].as_str() {
                Some("X") => {
                    let (ts, dur) = (event["ts"].as_f64(), event["dur"].as_f64());
                    assert!(ts.is_some_and(|ts| ts >= 0.0) && dur.is_some_and(|d| d >= 0.0), "{event}");
                    assert!(event["cat"].is_string(), "{event}");
                }
                Some("M") => {
                    let known = ["process_name", "thread_name"];
                    assert!(event["name"].as_str().is_some_and(|n| known.contains(&n)), "{event}");
                    assert!(event["args"]["name"].is_string(), "{event}");
                }
                other => panic!("phase {other:?}"),
            }
        }
    }

    /// Slices of one lane must nest, or a viewer shows them wrong.
    #[test]
    fn slices_of_a_lane_nest() {
        let events = events();
        let slices: Vec<(u64, u64, u64, u64)> = events
            .iter()
            .filter(|e| e["ph"] == "X")
            .map(|e| {
                let ns = |key: &str| (e[key].as_f64().expect("a number") * 1e3).round() as u64;
                let lane = (e["pid"].as_u64().expect("a pid"), e["tid"].as_u64().expect("a tid"));
                (lane.0, lane.1, ns("ts"), ns("ts") + ns("dur"))
            })
            .collect();
        for (i, a) in slices.iter().enumerate() {
            for b in slices[i + 1..].iter().filter(|b| (b.0, b.1) == (a.0, a.1)) {
                let apart = a.3 <= b.2 || b.3 <= a.2;
                let inside = a.2 <= b.2 && b.3 <= a.3 || b.2 <= a.2 && a.3 <= b.3;
                assert!(apart || inside, "{a:?} {b:?}");
            }
        }
        assert!(slices.len() > 7, "{slices:?}");
    }

    #[test]
    fn a_verb_encloses_its_steps() {
        let events = events();
        let find = |name: &str, pid: u64| {
            events.iter().find(|e| e["name"] == name && e["pid"] == pid).expect("there").clone()
        };
        let stop = find("stop", 2);
        assert_eq!((stop["ts"].as_f64(), stop["dur"].as_f64()), (Some(1.6), Some(12.0)));
        assert_eq!(find("trigger", 2)["dur"].as_f64(), Some(0.8));
        assert_eq!(find("trigger", 3)["tid"].as_u64(), Some(1));
    }
}
