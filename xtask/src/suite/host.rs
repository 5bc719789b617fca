//! The tests that cargo runs on the host, each counted by itself.

use std::process::Command;

use super::{Context, Verdict};
use crate::{
    check,
    failure::{Failure, Kind, Result, write},
};

/// Runs `cargo test` for everything that runs on the host.
pub fn tests(context: &Context) -> Result<Vec<Verdict>> {
    let mut command: Command = check::cargo();
    command.args(["test", "--no-fail-fast"]);
    let output = command.output().map_err(|e| Failure::new(Kind::Tool, format!("cargo: {e}")))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let log = context.out.join("cargo-test.log");
    write(&log, format!("{text}\n{errors}"))?;
    let mut verdicts = read(&text);
    // A crate that does not build runs no test and prints no verdict.
    if !output.status.success() && verdicts.iter().all(|v| v.failure.is_none()) {
        let failure = Some(format!("cargo test ended with {}, see {}", output.status, log.display()));
        verdicts.push(Verdict { name: "host tests".into(), failure });
    }
    Ok(verdicts)
}

/// Reads the lines `test NAME ... ok` and `test NAME ... FAILED`; ignored tests do not count.
fn read(text: &str) -> Vec<Verdict> {
    let lines = text.lines().filter_map(|l| l.strip_prefix("test ")?.rsplit_once(" ... "));
    let verdicts = lines.filter_map(|(name, result)| match result.trim() {
        "ok" => Some(Verdict { name: name.into(), failure: None }),
        "FAILED" => Some(Verdict { name: name.into(), failure: Some("see cargo-test.log".into()) }),
        _ => None,
    });
    verdicts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_cargo_prints() {
        let text = "running 3 tests\ntest a::b ... ok\ntest c ... FAILED\ntest d ... ignored\n\
                    test src/lib.rs - x (line 4) ... ok\ntest result: FAILED. 2 passed";
        let verdicts = read(text);
        let names: Vec<_> = verdicts.iter().map(|v| (v.name.as_str(), v.failure.is_some())).collect();
        assert_eq!(names, [("a::b", false), ("c", true), ("src/lib.rs - x (line 4)", false)]);
    }
}
