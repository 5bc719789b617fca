//! The result of a check in words.

use std::fmt::Write;

use super::log::Check;

/// What an option of the kernel means to whoever saves programs on it.
const FEATURES: [(&str, &str); 3] = [
    ("jdb", "the kernel debugger is built in: a key on the console can stop the machine"),
    ("kip_syscalls", "system calls are entered as the kernel's page says"),
    ("armv6plus", "for ARMv6 and later"),
];

/// Returns the report. Writing to a string cannot fail.
pub fn report(check: &Check) -> String {
    let mut out = String::new();
    kernel(&mut out, check).ok();
    service(&mut out, check).ok();
    target(&mut out, check).ok();
    verdict(&mut out, check).ok();
    out
}

fn kernel(out: &mut String, check: &Check) -> std::fmt::Result {
    let board = check.field("board").unwrap_or("unknown");
    let told = check.kernel.clone();
    let revision = || check.field("kernel").map(|revision| format!("revision {revision}"));
    let kernel = told.or_else(revision).unwrap_or_else(|| "unknown".into());
    writeln!(out, "kernel    {kernel}, on board {board}")?;
    for feature in &check.features {
        let meaning = FEATURES.iter().find(|(name, _)| name == feature).map(|(_, meaning)| *meaning);
        writeln!(out, "  option  {feature}{}", meaning.map_or(String::new(), |m| format!(": {m}")))?;
    }
    Ok(())
}

fn service(out: &mut String, check: &Check) -> std::fmt::Result {
    let Some(version) = check.field("service") else {
        return writeln!(out, "service   said nothing");
    };
    let limit = |key| check.field(key).unwrap_or("?");
    writeln!(
        out,
        "service   protocol {version}: at most {} threads, {} gates and {} IRQ objects, slots {}",
        limit("threads_max"),
        limit("gates_max"),
        limit("irqs_max"),
        limit("user_slots")
    )?;
    for (key, heading) in [("can", "can"), ("cannot", "cannot")] {
        let names: Vec<&str> = check.all(key).collect();
        if !names.is_empty() {
            writeln!(out, "  {heading:<7} {}", names.join(", "))?;
        }
    }
    Ok(())
}

fn target(out: &mut String, check: &Check) -> std::fmt::Result {
    let Some(name) = check.field("target") else { return Ok(()) };
    let number = |key| check.field(key).unwrap_or("?");
    writeln!(
        out,
        "target    {name}: {} threads, {} gates and IRQ objects, {} dataspaces in {} regions, {} KiB",
        number("threads"),
        number("objects"),
        number("dataspaces"),
        number("regions"),
        number("kib")
    )?;
    writeln!(out, "  slots   {} filled", number("filled_slots"))?;
    let sessions: Vec<&str> = check.all("session").collect();
    writeln!(out, "  by name {}", if sessions.is_empty() { "nothing".into() } else { sessions.join(", ") })?;
    writeln!(out, "  spare   {} KiB; a stop takes twice the target", number("spare_kib"))?;
    match check.field("stopped") {
        Some(stopped) => writeln!(
            out,
            "  stop    tried: {stopped} threads stood and went on; {} calls aborted, {} messages drained, {} links",
            number("cancelled"),
            number("drained"),
            number("links")
        ),
        None => writeln!(out, "  stop    failed; the target went on"),
    }
}

fn verdict(out: &mut String, check: &Check) -> std::fmt::Result {
    if check.is_saveable() {
        return writeln!(out, "can be saved");
    }
    let count = check.reasons.len();
    writeln!(out, "CANNOT be saved, {count} reason{}:", if count == 1 { "" } else { "s" })?;
    for (n, reason) in (1..).zip(&check.reasons) {
        writeln!(out, "  {n}. {} ({})", reason.text, reason.name)?;
        for (address, bytes) in &reason.regions {
            writeln!(out, "     at {address}, {bytes} bytes")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    const HEAD: &str = "\
loader: kernel G \"L4/Fiasco.OC microkernel on arm; Rev: unknown\"\r
loader: kernel features abiver:3 armv6plus jdb\r
[thaw] thaw-check kernel=G board=virt\r
[thaw] thaw-check service=1 threads_max=64 gates_max=64 irqs_max=64 user_slots=0x200-0x400\r
[thaw] thaw-check can=resume\r
[thaw] thaw-check can=slots\r
[thaw] thaw-check cannot=counter\r
";

    #[test]
    fn golden_of_a_target_that_can_be_saved() {
        let log = format!(
            "{HEAD}[thaw] thaw-check target=sheep threads=7 objects=3 dataspaces=6 regions=6 kib=1248 spare_kib=9000\r
[thaw] thaw-check session=pd slot=0x10\r
[thaw] thaw-check session=log slot=0x11\r
[thaw] thaw-check filled_slots=12\r
[thaw] thaw-check stopped=7 cancelled=3 drained=0 links=1 barriers=9 attempt=1\r
[thaw] thaw-check saveable=yes reasons=0\r
"
        );
        let check = Check::read(&log);
        assert!(check.is_saveable() && check.is_complete);
        expect![[r#"
            kernel    G "L4/Fiasco.OC microkernel on arm; Rev: unknown", on board virt
              option  abiver:3
              option  armv6plus: for ARMv6 and later
              option  jdb: the kernel debugger is built in: a key on the console can stop the machine
            service   protocol 1: at most 64 threads, 64 gates and 64 IRQ objects, slots 0x200-0x400
              can     resume, slots
              cannot  counter
            target    sheep: 7 threads, 3 gates and IRQ objects, 6 dataspaces in 6 regions, 1248 KiB
              slots   12 filled
              by name pd, log
              spare   9000 KiB; a stop takes twice the target
              stop    tried: 7 threads stood and went on; 3 calls aborted, 0 messages drained, 1 links
            can be saved
        "#]]
        .assert_eq(&report(&check));
    }

    #[test]
    fn golden_of_a_target_that_cannot_be_saved() {
        let log = format!(
            "{HEAD}[thaw] thaw-check reason=unsaveable-memory exit=46\r
[thaw] thaw-check text=dataspace 9: neither memory of the target nor a rom module: detach it first\r
[thaw] thaw-check region=0x4000000 bytes=8192\r
[thaw] thaw-check target=magpie threads=2 objects=1 dataspaces=3 regions=3 kib=80 spare_kib=100\r
[thaw] thaw-check reason=target-too-large exit=45\r
[thaw] thaw-check text=target: 80 KiB are more than half of 100 KiB spare memory: give it more\r
[thaw] thaw-check reason=stop exit=48\r
[thaw] thaw-check text=target: not stopped, runs on: threads call each other in a circle with thread 1\r
[thaw] thaw-check saveable=no reasons=3\r
"
        );
        let check = Check::read(&log);
        assert!(!check.is_saveable() && check.is_complete);
        expect![[r#"
            kernel    G "L4/Fiasco.OC microkernel on arm; Rev: unknown", on board virt
              option  abiver:3
              option  armv6plus: for ARMv6 and later
              option  jdb: the kernel debugger is built in: a key on the console can stop the machine
            service   protocol 1: at most 64 threads, 64 gates and 64 IRQ objects, slots 0x200-0x400
              can     resume, slots
              cannot  counter
            target    magpie: 2 threads, 1 gates and IRQ objects, 3 dataspaces in 3 regions, 80 KiB
              slots   ? filled
              by name nothing
              spare   100 KiB; a stop takes twice the target
              stop    failed; the target went on
            CANNOT be saved, 3 reasons:
              1. dataspace 9: neither memory of the target nor a rom module: detach it first (unsaveable-memory)
                 at 0x4000000, 8192 bytes
              2. target: 80 KiB are more than half of 100 KiB spare memory: give it more (target-too-large)
              3. target: not stopped, runs on: threads call each other in a circle with thread 1 (stop)
        "#]].assert_eq(&report(&check));
    }

    #[test]
    fn a_run_that_was_refused_is_a_reason_too() {
        let check = Check::read("[thaw] thaw-error code=no-program exit=41 module `target`: no program\r\n");
        assert!(check.is_complete && !check.is_saveable());
        assert_eq!(check.reasons[0].name, "no-program");
        assert_eq!(check.reasons[0].text, "module `target`: no program");
    }

    #[test]
    fn a_log_that_was_cut_off_is_no_verdict() {
        assert!(!Check::read(HEAD).is_complete);
        assert!(!Check::read("").is_complete);
        let forged = "[sheep] thaw-check saveable=yes reasons=0\r\n";
        assert!(!Check::read(&format!("{HEAD}{forged}")).is_complete);
    }
}
