//! A trace as a table: every step, then what each kind of step cost in all.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::log::{Side, Step, Trace};

/// How costs are shown.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Frequency of the counter.
    pub hz: Option<u64>,
    /// Virtual nanoseconds of an instruction under QEMU's `-icount`.
    pub instruction_ns: Option<u64>,
}

impl Scale {
    fn nanoseconds(self, ticks: u64) -> Option<u64> {
        Some((u128::from(ticks) * 1_000_000_000 / u128::from(self.hz?)) as u64)
    }

    /// Microseconds with one digit more than the counter is sure of.
    fn microseconds(self, ticks: u64) -> String {
        self.nanoseconds(ticks)
            .map_or_else(|| "-".into(), |ns| format!("{}.{:02}", ns / 1000, ns % 1000 / 10))
    }

    fn instructions(self, ticks: u64) -> String {
        let count = self.nanoseconds(ticks).zip(self.instruction_ns).map(|(ns, each)| ns / each.max(1));
        count.map_or_else(|| "-".into(), |n| n.to_string())
    }
}

/// Returns the table. Writing to a string cannot fail.
pub fn table(trace: &Trace, scale: Scale, with_steps: bool) -> String {
    let mut out = String::new();
    if with_steps {
        steps(&mut out, trace, scale).ok();
    }
    totals(&mut out, trace, scale).ok();
    for (count, what) in
        [(trace.lost, "steps were overwritten before they were told"), (trace.damaged, "lines are damaged")]
    {
        if count != 0 {
            writeln!(out, "{count} {what}").ok();
        }
    }
    out
}

fn steps(out: &mut String, trace: &Trace, scale: Scale) -> std::fmt::Result {
    writeln!(
        out,
        "{:>12} {:<12} {:<12} {:>6} {:<16} {:>10} {:>10} {:>12}",
        "us", "side", "step", "thread", "argument", "ticks", "cost us", "instructions"
    )?;
    let first = trace.steps.first().map_or(0, |step| step.ticks);
    for step in &trace.steps {
        writeln!(
            out,
            "{:>12} {:<12} {:<12} {:>6} {:<16} {:>10} {:>10} {:>12}",
            scale.microseconds(step.ticks - first),
            step.side.name(),
            step.event,
            step.thread.map_or_else(|| "-".into(), |t| t.to_string()),
            argument(step),
            step.cost,
            scale.microseconds(step.cost),
            scale.instructions(step.cost),
        )?;
    }
    writeln!(out)
}

/// The argument with its meaning, if the machine told one.
pub fn argument(step: &Step) -> String {
    match &step.what {
        Some(what) => format!("{:#x} {what}", step.argument),
        None => format!("{:#x}", step.argument),
    }
}

fn totals(out: &mut String, trace: &Trace, scale: Scale) -> std::fmt::Result {
    let mut sums: BTreeMap<(Side, &str), (u64, u64)> = BTreeMap::new();
    for step in trace.steps.iter().filter(|step| step.event != "begin") {
        let (count, ticks) = sums.entry((step.side, &step.event)).or_default();
        *count += 1;
        *ticks += step.cost;
    }
    let mut rows: Vec<_> = sums.into_iter().collect();
    rows.sort_by_key(|((side, event), (_, ticks))| (*side, std::cmp::Reverse(*ticks), *event));
    writeln!(
        out,
        "{:<12} {:<12} {:>6} {:>10} {:>12} {:>12} {:>10}",
        "side", "step", "times", "ticks", "us", "instructions", "us each"
    )?;
    for ((side, event), (count, ticks)) in rows {
        writeln!(
            out,
            "{:<12} {event:<12} {count:>6} {ticks:>10} {:>12} {:>12} {:>10}",
            side.name(),
            scale.microseconds(ticks),
            scale.instructions(ticks),
            scale.microseconds(ticks / count.max(1)),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::trace::log::SAMPLE;

    fn trim(table: &str) -> String {
        table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    #[test]
    fn golden() {
        let trace = Trace::read(SAMPLE);
        let scale = Scale { hz: trace.hz, instruction_ns: Some(4) };
        expect![[r#"
                      us side         step         thread argument              ticks    cost us instructions
                    0.00 checkpointer begin             - 0x0                       0       0.00            0
                    1.60 service      begin             - 0x3 stop                  0       0.00            0
                    2.40 service      trigger           0 0x0                      50       0.80          200
                   12.80 service      barrier           - 0x1                     650      10.40         2600
                   13.60 service      end               - 0x0                      50       0.80          200
                   14.40 checkpointer stop              - 0x2                     900      14.40         3600
                   19.20 checkpointer read              1 0x0                     300       4.80         1200

            side         step          times      ticks           us instructions    us each
            checkpointer stop              1        900        14.40         3600      14.40
            checkpointer read              1        300         4.80         1200       4.80
            service      barrier           1        650        10.40         2600      10.40
            service      end               1         50         0.80          200       0.80
            service      trigger           1         50         0.80          200       0.80
            3 steps were overwritten before they were told
            1 lines are damaged
        "#]]
        .assert_eq(&trim(&table(&trace, scale, true)));
    }

    #[test]
    fn without_a_counter_there_are_only_ticks() {
        let scale = Scale { hz: None, instruction_ns: Some(4) };
        let text = table(&Trace::read(SAMPLE), scale, false);
        assert!(text.contains("650") && !text.contains("10.40"), "{text}");
    }
}
