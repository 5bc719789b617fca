//! Comparing the records, by the fields that are shown.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Class, Difference};
use crate::view::Report;

/// Lists of a report, how one object of each is called, and the fields that name it.
const LISTS: [(&str, &str, &[&str]); 10] = [
    ("targets", "target", &[]),
    ("threads", "thread", &["index"]),
    ("links", "link", &["client"]),
    ("queued", "queued", &["receiver", "position"]),
    ("gates", "gate", &["index"]),
    ("irqs", "irq", &["index"]),
    ("externals", "external", &["index"]),
    ("dataspaces", "dataspace", &["index"]),
    ("regions", "region", &["pd", "start"]),
    ("slots", "slot", &["pd", "slot"]),
];

/// Fields that say which checkpoint it is or that follow from others.
const NOT_STATE: [(&str, &[&str]); 2] =
    [("targets", &["clock_us", "generation", "clones"]), ("threads", &["doing"])];

/// Fields of the header that belong to the state.
const HEADER: [&str; 5] = ["target", "abi", "architecture", "board", "board_id"];

/// Activities that are a system call to be repeated.
const WAITS: [&str; 7] = ["asleep", "receive", "open-wait", "irq-wait", "semaphore-wait", "call", "send"];

/// First UTCB word of the buffer registers.
const UTCB_BR: u32 = 65;

/// Bit of a tag: the system call ended in an error.
const TAG_ERROR: u32 = 0x8000;

/// UTCB word with the error of the last system call.
const UTCB_ERROR: usize = 123;

/// Returns what differs between the records behind two reports.
pub fn compare(a: &Report, b: &Report) -> serde_json::Result<Vec<Difference>> {
    let (a, b) = (serde_json::to_value(a)?, serde_json::to_value(b)?);
    let is_g = a["header"]["abi"] == "G";
    let mut found = vec![];
    for field in HEADER {
        let (a, b) = (&a["header"][field], &b["header"][field]);
        if a != b {
            found.push(difference(Class::State, "image", field, Some(a), Some(b)));
        }
    }
    for (list, what, keys) in LISTS {
        let (a, b) = (objects(&a[list], what, keys), objects(&b[list], what, keys));
        for (key, object) in &a {
            match b.get(key) {
                Some(other) => compare_objects((list, is_g), &object.0, &object.1, &other.1, &mut found),
                None => found.push(difference(Class::State, &object.0, "", Some(&"there".into()), None)),
            }
        }
        for (_, object) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
            found.push(difference(Class::State, &object.0, "", None, Some(&"there".into())));
        }
    }
    Ok(found)
}

type Objects = BTreeMap<Vec<String>, (String, Map<String, Value>)>;

/// Returns the objects of a list by their key, each with what it is called.
fn objects(list: &Value, what: &str, keys: &[&str]) -> Objects {
    let all = list.as_array().into_iter().flatten().filter_map(Value::as_object);
    let named = all.enumerate().map(|(place, object)| {
        let key: Vec<String> = match keys {
            [] => vec![place.to_string()],
            _ => keys.iter().map(|field| shown(&object[*field])).collect(),
        };
        // The protection domain is said only where there are several.
        let said = key.iter().skip(usize::from(keys.first() == Some(&"pd") && key[0] == "0"));
        let mut title = said.fold(what.to_owned(), |title, part| title + " " + part);
        if let Some(name) = object.get("name").and_then(Value::as_str).filter(|name| !name.is_empty()) {
            title = title + " " + name;
        }
        (key, (title, object.clone()))
    });
    named.collect()
}

fn compare_objects(
    (list, is_g): (&str, bool),
    title: &str,
    a: &Map<String, Value>,
    b: &Map<String, Value>,
    found: &mut Vec<Difference>,
) {
    let skipped = NOT_STATE.iter().filter(|(of, _)| *of == list).flat_map(|(_, fields)| *fields);
    let skipped: Vec<&str> = skipped.copied().collect();
    let call = Call::of(a, b, is_g);
    if list == "threads" && kind(a) != kind(b) {
        // All operands differ then; words say it better.
        let class = if call.is_over { Class::Continuation } else { Class::State };
        found.push(difference(class, title, "was", Some(&a["doing"]), Some(&b["doing"])));
    }
    for (field, value) in a.iter().filter(|(field, _)| !skipped.contains(&field.as_str())) {
        if field == "activity" && kind(a) != kind(b) {
            continue;
        }
        for (field, a, b) in parts(field, value, &b[field]) {
            let class = match (list, field.as_str()) {
                ("threads", _) => call.class(&field, a, b),
                // By which its parent tells it from others: it does not see it itself.
                ("targets", "badge") => Class::Continuation,
                _ => Class::State,
            };
            found.push(difference(class, title, &field, Some(a), Some(b)));
        }
    }
}

fn kind(thread: &Map<String, Value>) -> Option<&str> {
    thread.get("activity")?.get("kind")?.as_str()
}

/// Returns the parts of a field that differ: elements of a list, fields of an object, or itself.
fn parts<'v>(field: &str, a: &'v Value, b: &'v Value) -> Vec<(String, &'v Value, &'v Value)> {
    match (a, b) {
        _ if a == b => vec![],
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let name = |i| if field == "utcb" { format!("utcb[{i}]") } else { format!("{field}{i}") };
            let all = a.iter().zip(b).enumerate().filter(|(_, (a, b))| a != b);
            all.map(|(i, (a, b))| (name(i), a, b)).collect()
        }
        (Value::Object(x), Value::Object(_)) => {
            let all = x.iter().map(|(name, a)| (name.clone(), a, &b[name])).filter(|(_, a, b)| a != b);
            all.collect()
        }
        _ => vec![(field.to_owned(), a, b)],
    }
}

/// The system call in which a thread was in both images, if it was.
#[derive(Clone)]
struct Call {
    is_same: bool,
    /// It had a timeout, and in the second image the thread is behind it and was told that its time is over.
    is_over: bool,
    /// UTCB words with the points of time until which it lasts.
    times: Vec<String>,
    /// Its whole relative timeout: a restore does not know since when it lasts.
    whole_us: u64,
    is_g: bool,
}

impl Call {
    fn of(a: &Map<String, Value>, b: &Map<String, Value>, is_g: bool) -> Self {
        let waits = kind(a).is_some_and(|kind| WAITS.contains(&kind));
        let timeouts = a.get("activity").and_then(|a| number(a.get("timeout")?)).unwrap_or(0);
        let word = |thread: &Map<String, Value>, field: &str| thread.get(field).and_then(number).unwrap_or(0);
        let behind = matches!(word(b, "pc").wrapping_sub(word(a, "pc")), 2 | 4 | 8);
        let element = |thread: &Map<String, Value>, list: &str, n: usize| {
            thread.get(list).and_then(|list| number(&list[n])).unwrap_or(0)
        };
        let failed = element(b, "r", 0) == element(a, "r", 0) | TAG_ERROR;
        let timed_out = matches!(element(b, "utcb", UTCB_ERROR), 2 | 3);
        let is_over = waits && timeouts != 0 && kind(b) == Some("user") && behind && failed && timed_out;
        let absolute = [timeouts & 0xffff, timeouts >> 16].into_iter().filter(|half| half & 0x8000 != 0);
        let first = absolute.map(|half| UTCB_BR + (half & 0x3f));
        let times = first.flat_map(|word| [word, word + 1]).map(|word| format!("utcb[{word}]")).collect();
        // Mantissa and exponent; an absolute one has no whole.
        let whole_us =
            if timeouts & 0x8000 != 0 { 0 } else { u64::from(timeouts & 0x3ff) << (timeouts >> 10 & 31) };
        Self { is_same: waits && kind(a) == kind(b), is_over, times, whole_us, is_g }
    }

    /// The closed list: outputs and clobbers of the interrupted call, and time, which only passes.
    fn class(&self, field: &str, a: &Value, b: &Value) -> Class {
        let error = format!("utcb[{UTCB_ERROR}]");
        let may = match field {
            "pc" | "r0" if self.is_over => true,
            "r4" | "lr" if self.is_over => self.is_g,
            _ if self.is_over => field == error || self.times.iter().any(|time| time == field),
            _ if !self.is_same => false,
            _ if self.times.iter().any(|time| time == field) => true,
            "r0" => true,
            "r4" | "lr" => self.is_g,
            "r2" | "selector" => is_same_capability(a, b),
            "remaining_us" => {
                matches!((a.as_u64(), b.as_u64()), (Some(a), Some(b)) if b <= a.max(self.whole_us))
            }
            _ => field == error,
        };
        if may { Class::Continuation } else { Class::State }
    }
}

/// Tells whether two selectors name the same capability: a reply-and-wait goes on as a wait.
fn is_same_capability(a: &Value, b: &Value) -> bool {
    matches!((number(a), number(b)), (Some(a), Some(b)) if a & !0xf == b & !0xf)
}

/// The value of a word as it is shown.
fn number(value: &Value) -> Option<u32> {
    u32::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok()
}

fn difference(class: Class, object: &str, field: &str, a: Option<&Value>, b: Option<&Value>) -> Difference {
    let (object, field) = (object.to_owned(), field.to_owned());
    Difference { class, object, field, a: a.map(shown), b: b.map(shown) }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "nothing".into(),
        other => other.to_string(),
    }
}
