//! Demos: what goes on where it stopped, and that damage to the restored state is noticed.

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
    cases.push(many("mutations of the restored state are noticed, G", |c| mutations(c, Abi::G)));
    cases.push(many("mutations of the restored state are noticed, M", |c| mutations(c, Abi::M)));
    cases
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
