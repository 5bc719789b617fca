//! Programs stopped at many places, briefly: `run/soak` does the same at length.

use super::{Case, boots::kernels, many, one};
use crate::{
    paths,
    run::Abi,
    soak::{
        self, again,
        faults::{self, FaultArgs},
        forge,
    },
};

/// Damage to what is restored, and the scenario that has to notice it; docs/sceptic.md says why.
const MUTATIONS: [(&str, &str); 12] = [
    ("callee", "clients"),
    ("vfp", "vfp"),
    ("utcb", "clients"),
    ("rewind", "timeouts"),
    ("timeout", "timeouts"),
    ("link", "clients"),
    ("tag", "sends"),
    ("irq", "ping-pong"),
    ("irq", "semaphore"),
    ("rights", "items"),
    ("clock", "deadlines"),
    ("back", "deadlines"),
];

/// The cases.
pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        many("soak on G", |c| soak::verdicts(Abi::G, &c.out)),
        many("soak on M", |c| soak::verdicts(Abi::M, &c.out)),
    ];
    for abi in [Abi::G, Abi::M] {
        let name = format!("soak on {abi}: the same seed gives the same trace");
        cases.push(one(&name, move |c| soak::repeats(abi, &c.out)));
    }
    for kernel in kernels() {
        let name =
            format!("faults on {}: whatever fails, nothing is lost and nothing left behind", kernel.name);
        let path = kernel.path.clone();
        let authority =
            format!("authority on {}: what a checkpointer may not is refused by name", kernel.name);
        cases.push(one(&authority, move |c| faults::authority(&path, &c.out)));
        let path = kernel.path.clone();
        cases.push(one(&name, move |c| faults::faults(&FaultArgs::short(&path, false, &c.out))));
        // What follows when a checkpointer ends is root's doing, and what an image may not is hardly the kernel's: one
        // testkernel is enough for the time it takes.
        if kernel.path != paths::program(Abi::G.test_kernel()) {
            let name = format!(
                "lives on {}: the checkpointer ends at any request, its target does not",
                kernel.name
            );
            let path = kernel.path.clone();
            cases.push(one(&name, move |c| faults::faults(&FaultArgs::short(&path, true, &c.out))));
            let name = format!("forged on {}: an image that names too much is refused by name", kernel.name);
            cases.push(many(&name, move |c| forge::verdicts(&kernel.path, &c.out)));
        }
    }
    for kernel in kernels() {
        let name = format!(
            "again on {}: a checkpoint of a restored program is the one it was restored from",
            kernel.name
        );
        cases.push(many(&name, move |c| again::verdicts(&kernel.path, &c.out)));
    }
    cases.push(many("again on M: damage to what is restored is noticed", |c| {
        again::damages(&paths::program(Abi::M.test_kernel()), &c.out)
    }));
    for (mutation, scenario) in MUTATIONS {
        let name = format!("soak: {scenario} notices damage: {mutation}");
        cases.push(one(&name, move |c| soak::notices(Abi::M, scenario, mutation, &c.out)));
    }
    cases
}
