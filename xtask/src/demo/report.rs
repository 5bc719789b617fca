//! The table and `summary.json` of a demo.

use std::{collections::BTreeMap, fmt::Write};

use super::{evidence::Finding, measure::Measures};

/// A value of the summary.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Text.
    Text(String),
    /// A whole number.
    Number(u64),
    /// A ratio.
    Ratio(f64),
    /// Nothing, and why.
    Null(&'static str),
}

/// What `summary.json` holds, in order.
pub type Summary = Vec<(String, Value)>;

/// JSON of a summary. A missing value is `null`, with its reason under `KEY_reason`.
pub fn json(summary: &Summary) -> String {
    let mut out = String::from("{\n");
    let mut fields: Vec<String> = Vec::new();
    for (key, value) in summary {
        let shown = match value {
            Value::Text(text) => quote(text),
            Value::Number(number) => number.to_string(),
            Value::Ratio(ratio) => format!("{ratio:.3}"),
            Value::Null(_) => "null".into(),
        };
        fields.push(format!("  {}: {shown}", quote(key)));
        if let Value::Null(reason) = value {
            fields.push(format!("  {}: {}", quote(&format!("{key}_reason")), quote(reason)));
        }
    }
    out += &fields.join(",\n");
    out += "\n}\n";
    out
}

/// JSON of a text.
pub fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            c if u32::from(c) < 0x20 => {
                // Writing to a string cannot fail.
                write!(out, "\\u{:04x}", u32::from(c)).ok();
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The measured lines of the table: what, instructions, microseconds, ratio to a copy.
fn measured(measures: &Measures) -> Vec<[String; 4]> {
    let dash = || "-".to_owned();
    let row = |what: &str, ticks: Option<u64>| {
        let shown = |f: &dyn Fn(u64) -> String| ticks.map_or_else(dash, f);
        let ratio = |t: u64| match measures.copy {
            Some(copy @ 1..) => format!("{:.2}", t as f64 / copy as f64),
            _ => dash(),
        };
        [
            what.to_owned(),
            shown(&|t| measures.instructions(t).to_string()),
            shown(&|t| measures.microseconds(t).to_string()),
            shown(&ratio),
        ]
    };
    vec![
        row("stop", measures.stop),
        row("restore", measures.restore),
        row("copy as in the stop", measures.copy),
        row("copy, fastest known", measures.copy_fastest),
    ]
}

/// The final table.
pub fn table(facts: &[(&str, String)], measures: &Measures, findings: &[Finding]) -> String {
    let mut out = String::new();
    for (what, value) in facts {
        out += &format!("  {what:<22} {value}\n");
    }
    out += &format!("\n  {:<22} {:>14} {:>14} {:>14}\n", "", "instructions", "virtual us", "ratio to copy");
    for [what, instructions, us, ratio] in measured(measures) {
        out += &format!("  {what:<22} {instructions:>14} {us:>14} {ratio:>14}\n");
    }
    out.push('\n');
    for f in findings {
        let mark = if f.holds { "yes" } else { "NO" };
        out += &format!("  {:<34} {mark:<4} {}\n", f.question, f.seen);
    }
    let verdict =
        if findings.iter().all(|f| f.holds) { "continued where it stopped" } else { "NOT CONTINUED" };
    out += &format!("\n  verdict: {verdict}\n");
    out
}

/// Measurements that the summary takes over as they are, beside those it names itself.
pub fn others(summary: &BTreeMap<String, String>, prefix: &str) -> Summary {
    let fields = summary.iter().map(|(key, text)| {
        let value = text.parse().map_or_else(|_| Value::Text(text.clone()), Value::Number);
        (format!("{prefix}{key}"), value)
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_json() {
        let summary = vec![
            ("kernel".into(), Value::Text("a \"b\"\\\n".into())),
            ("threads".into(), Value::Number(7)),
            ("stop_ratio".into(), Value::Ratio(1.25)),
            ("restore_ratio".into(), Value::Null("no counter")),
        ];
        let expected = "{\n  \"kernel\": \"a \\\"b\\\"\\\\\\u000a\",\n  \"threads\": 7,\n  \"stop_ratio\": 1.250,\n  \
                        \"restore_ratio\": null,\n  \"restore_ratio_reason\": \"no counter\"\n}\n";
        assert_eq!(json(&summary), expected);
    }

    #[test]
    fn table_tells_ratio_and_verdict() {
        let measures = Measures {
            stop: Some(300),
            restore: None,
            copy: Some(200),
            copy_fastest: Some(100),
            scale: None,
        };
        let finding = |holds| Finding { question: "it counted on", holds, seen: "2 counts".into() };
        let good = table(&[("kernel", "x".into())], &measures, &[finding(true)]);
        assert!(good.contains("1.50") && good.contains("verdict: continued"), "{good}");
        assert!(table(&[], &measures, &[finding(false)]).contains("verdict: NOT CONTINUED"));
    }
}
