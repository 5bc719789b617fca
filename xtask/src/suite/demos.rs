//! Demos: what goes on where it stopped, and that damage to the restored state is noticed.

use std::collections::BTreeMap;

use super::{Case, Context, Verdict, ensure, many, one};
use crate::{
    build,
    demo::{
        self, DemoArgs, StoreKind,
        evidence::{self, Evidence},
        series::{Changes, Mode, Series},
    },
    failure::Result,
    run::Abi,
};

/// Deliberate damage (`thaw_component::mutate`), and what of it the target can notice.
const MUTATIONS: [&str; 6] = ["entry", "callee", "vfp", "utcb", "tls", "page"];

/// All demos.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for abi in [Abi::G, Abi::M] {
        cases.push(one(&format!("demo on {abi}"), move |c| demo::demo(&DemoArgs::quiet(abi, &c.out))));
        for program in ["counter", "counter_thumb"] {
            cases.push(one(&format!("demo on {abi} with the example {program}"), move |c| {
                build::build_examples(&c.out)?;
                let target = Some(c.out.join(program).with_extension("elf"));
                demo::demo(&DemoArgs { target, ..DemoArgs::quiet(abi, &c.out) })
            }));
        }
    }
    for (abi, faults) in [(Abi::G, None), (Abi::M, Some(0x1234))] {
        let line = if faults.is_some() { "a serial line with faults" } else { "the serial line" };
        cases.push(one(&format!("demo on {abi} over {line}"), move |c| {
            build::build_examples(&c.out)?;
            let target = Some(c.out.join("counter.elf"));
            let store = Some(StoreKind::Serial);
            demo::demo(&DemoArgs { target, store, faults, ..DemoArgs::quiet(abi, &c.out) })
        }));
    }
    for abi in [Abi::G, Abi::M] {
        let name = format!("demo on {abi}: stop and restore cost hardly more than a copy of what is added");
        cases.push(one(&name, move |c| costs(c, abi)));
    }
    cases.push(many("mutations of the restored state are noticed, G", |c| mutations(c, Abi::G)));
    cases.push(many("mutations of the restored state are noticed, M", |c| mutations(c, Abi::M)));
    cases
}

/// Memory of the smaller and the larger target, in MiB.
const SIZES: [u32; 2] = [1, 5];
/// What is measured of a stop and of a restore, and how many copies of further memory it may cost. Bringing the
/// threads to rest and letting them go is left out: it depends on what they are doing. So does giving them their
/// state (at some moments it took 0.7 copies more), but a further copy of the memory would show there.
const COPIES: [(&str, &[&str], f64); 3] = [
    ("stop", &["stop_copy_ticks", "stop_read_ticks"], 1.10),
    ("restore", &["restore_memory_ticks", "restore_objects_ticks"], 1.15),
    ("state of the threads", &["restore_stage_ticks"], 0.95),
];

/// What a run measured.
type Told = BTreeMap<String, String>;

/// Checkpoints and restores two targets, each in one boot.
fn costs(context: &Context, abi: Abi) -> Result<()> {
    let measured = |memory: u32| -> Result<Told> {
        let args = DemoArgs { memory, ..DemoArgs::quiet(abi, &context.out.join(memory.to_string())) };
        let series = Series::prepare(&args)?;
        let settings = ["mode=both", "after_ms=600", "run_ms=10"].map(String::from).to_vec();
        let finished = series.boot(Mode::Checkpoint, &Changes { settings, ..Changes::default() })?;
        Ok(Evidence::read(&finished.lines, &series.name).summary)
    };
    let [small, large] = SIZES.map(measured);
    let (small, large) = (small?, large?);
    COPIES.into_iter().try_for_each(|(what, parts, most)| {
        let copies = copies(&small, &large, parts);
        ensure(copies.is_some_and(|copies| copies <= most), || {
            format!("{what}: {copies:.3?} copies of the further memory, {most} at most")
        })
    })
}

/// What the parts of a larger target's stop or restore cost more, in copies of the memory that it has more.
fn copies(small: &Told, large: &Told, parts: &[&str]) -> Option<f64> {
    let number = |told: &Told, key: &str| told.get(key)?.parse::<f64>().ok();
    let sum = |told: &Told| parts.iter().try_fold(0.0, |sum, part| Some(sum + number(told, part)?));
    let copy = number(large, "copy_ticks")? - number(small, "copy_ticks")?;
    Some((sum(large)? - sum(small)?) / copy).filter(|_| copy > 0.0)
}

/// One checkpoint, restored once as it is and once with each damage.
fn mutations(context: &Context, abi: Abi) -> Result<Vec<Verdict>> {
    let args = DemoArgs::quiet(abi, &context.out);
    let series = Series::prepare(&args)?;
    let read = |mode, settings: Vec<String>| -> Result<Evidence> {
        let finished = series.boot(mode, &Changes { settings, ..Changes::default() })?;
        Ok(Evidence::read(&finished.lines, &series.name))
    };
    let before = read(Mode::Checkpoint, vec![])?;
    let broken = |settings| -> Result<Vec<&'static str>> {
        let findings = evidence::judge(&before, &read(Mode::Restore, settings)?);
        Ok(findings.iter().filter(|f| !f.holds).map(|f| f.question).collect())
    };
    let control = broken(vec![])?;
    let unharmed = ensure(control.is_empty(), || format!("without damage: {control:?}"));
    let mut verdicts = vec![Verdict::of("without damage it goes on", unharmed)];
    for name in MUTATIONS {
        let noticed = broken(vec![format!("mutate={name}")])
            .and_then(|b| ensure(!b.is_empty(), || "the demo holds in spite of it".into()));
        verdicts.push(Verdict::of(&format!("mutation {name}"), noticed));
    }
    Ok(verdicts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_those_of_the_further_memory() {
        let told = |copy: u32, a: u32, b: u32| -> Told {
            [("copy_ticks", copy), ("a", a), ("b", b)].map(|(k, v)| (k.into(), v.to_string())).into()
        };
        let small = told(100, 1000, 100);
        assert_eq!(copies(&small, &told(300, 1200, 150), &["a", "b"]), Some(1.25));
        assert_eq!(copies(&small, &told(300, 1200, 150), &["a", "c"]), None);
        assert_eq!(copies(&small, &small, &["a"]), None);
    }
}
