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
const WAITS: [&str; 6] = ["asleep", "receive", "open-wait", "irq-wait", "call", "send"];

/// UTCB word with the error of the last system call.
const UTCB_ERROR: &str = "utcb[123]";

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
        found.push(difference(Class::State, title, "was", Some(&a["doing"]), Some(&b["doing"])));
    }
    for (field, value) in a.iter().filter(|(field, _)| !skipped.contains(&field.as_str())) {
        if field == "activity" && kind(a) != kind(b) {
            continue;
        }
        for (field, a, b) in parts(field, value, &b[field]) {
            let class = if list == "threads" { call.class(&field, a, b) } else { Class::State };
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
#[derive(Clone, Copy)]
struct Call {
    is_same: bool,
    is_g: bool,
}

impl Call {
    fn of(a: &Map<String, Value>, b: &Map<String, Value>, is_g: bool) -> Self {
        Self { is_same: kind(a) == kind(b) && kind(a).is_some_and(|kind| WAITS.contains(&kind)), is_g }
    }

    /// The closed list: outputs and clobbers of the interrupted call, and time, which only passes.
    fn class(self, field: &str, a: &Value, b: &Value) -> Class {
        let may = match field {
            _ if !self.is_same => false,
            "r0" => true,
            "r4" | "lr" => self.is_g,
            "r2" | "selector" => is_same_capability(a, b),
            "remaining_us" => matches!((a.as_u64(), b.as_u64()), (Some(a), Some(b)) if b <= a),
            _ => field == UTCB_ERROR,
        };
        if may { Class::Continuation } else { Class::State }
    }
}

/// Tells whether two selectors name the same capability: a reply-and-wait goes on as a wait.
fn is_same_capability(a: &Value, b: &Value) -> bool {
    let selector = |value: &Value| u32::from_str_radix(value.as_str()?.strip_prefix("0x")?, 16).ok();
    matches!((selector(a), selector(b)), (Some(a), Some(b)) if a & !0xf == b & !0xf)
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
