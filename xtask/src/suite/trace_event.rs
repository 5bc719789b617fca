//! Whether a file is what the trace-event format asks for, so that Perfetto and Chrome's viewer open it.
//!
//! Of the format's phases only complete events (`X`) and metadata (`M`) are used, so nothing can be left open;
//! slices of one thread have to nest.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Process and thread.
type Lane = (u64, u64);
/// Start and end in nanoseconds.
type Slice = (u64, u64);

/// Checks a whole file; returns how many slices it has, or what is wrong.
pub fn check(bytes: &[u8]) -> Result<usize, String> {
    let file: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    if !matches!(file["displayTimeUnit"].as_str(), Some("ms" | "ns")) {
        return Err("displayTimeUnit is neither ms nor ns".into());
    }
    let events = file["traceEvents"].as_array().ok_or("no array traceEvents")?;
    let mut lanes: BTreeMap<Lane, Vec<Slice>> = BTreeMap::new();
    let mut named = BTreeSet::new();
    for event in events {
        let lane = lane(event).ok_or_else(|| format!("name, pid or tid: {event}"))?;
        match event["ph"].as_str() {
            Some("X") => {
                let slice = slice(event).ok_or_else(|| format!("cat, ts or dur: {event}"))?;
                lanes.entry(lane).or_default().push(slice);
            }
            Some("M") if event["name"] == "process_name" && event["args"]["name"].is_string() => {
                named.insert(lane.0);
            }
            Some("M") if event["name"] == "thread_name" && event["args"]["name"].is_string() => {}
            _ => return Err(format!("phase that is not used here: {event}")),
        }
    }
    for (lane, slices) in &mut lanes {
        if !named.contains(&lane.0) {
            return Err(format!("process {} has no name", lane.0));
        }
        nest(slices).map_err(|(a, b)| format!("slices {a:?} and {b:?} of {lane:?} overlap"))?;
    }
    Ok(lanes.values().map(Vec::len).sum())
}

fn lane(event: &Value) -> Option<Lane> {
    let is_object = event["args"].is_object() && event["name"].is_string();
    is_object.then_some((event["pid"].as_u64()?, event["tid"].as_u64()?))
}

/// Start and duration are microseconds with fractions.
fn slice(event: &Value) -> Option<Slice> {
    let ns = |key: &str| event[key].as_f64().filter(|us| *us >= 0.0).map(|us| (us * 1e3).round() as u64);
    event["cat"].as_str()?;
    let start = ns("ts")?;
    Some((start, start + ns("dur")?))
}

/// Sorts slices so that those around come before those inside; fails at two that overlap.
fn nest(slices: &mut [Slice]) -> Result<(), (Slice, Slice)> {
    slices.sort_unstable_by_key(|(start, end)| (*start, u64::MAX - end));
    let mut around: Vec<Slice> = Vec::new();
    for slice in slices {
        while around.last().is_some_and(|outer| outer.1 <= slice.0) {
            around.pop();
        }
        match around.last() {
            Some(outer) if slice.1 > outer.1 => return Err((*outer, *slice)),
            _ => around.push(*slice),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = r#"{"name":"process_name","ph":"M","pid":1,"tid":1,"args":{"name":"p"}}"#;

    fn step(ts: &str, dur: &str) -> String {
        format!(r#"{{"name":"s","ph":"X","pid":1,"tid":1,"cat":"c","ts":{ts},"dur":{dur},"args":{{}}}}"#)
    }

    fn file(events: &[&str]) -> String {
        format!(r#"{{"displayTimeUnit":"ns","traceEvents":[{}]}}"#, events.join(","))
    }

    fn refused(events: &[&str]) -> String {
        check(file(events).as_bytes()).expect_err("not the format")
    }

    #[test]
    fn slices_that_follow_or_enclose_each_other_are_taken() {
        let steps = [step("0", "3"), step("0.5", "1"), step("1.5", "1.5"), step("3", "0"), step("3", "1")];
        let mut events = vec![NAME];
        events.extend(steps.iter().map(String::as_str));
        assert_eq!(check(file(&events).as_bytes()), Ok(5));
    }

    #[test]
    fn what_a_viewer_cannot_show_is_refused() {
        let whole = step("1", "2");
        assert!(check(b"{").is_err());
        assert!(check(br#"{"traceEvents":[]}"#).expect_err("no unit").contains("displayTimeUnit"));
        assert!(refused(&[&whole]).contains("process 1 has no name"));
        assert!(refused(&[NAME, &whole, &step("2", "2")]).contains("overlap"));
        assert!(refused(&[NAME, &step("-1", "2")]).contains("ts or dur"));
        assert!(refused(&[NAME, &step("\"1\"", "2")]).contains("ts or dur"));
        assert!(refused(&[NAME, &whole.replace(r#","dur":2"#, "")]).contains("ts or dur"));
        assert!(refused(&[NAME, &whole.replace(r#""tid":1"#, r#""tid":"1""#)]).contains("tid"));
        // An opened slice would need its end.
        assert!(refused(&[NAME, &whole.replace(r#""X""#, r#""B""#)]).contains("phase"));
    }
}
