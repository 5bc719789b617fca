//! `thaw trace`.

mod log;
mod perfetto;
mod table;

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use log::Trace;
use table::Scale;

/// Logs of a demo's directory, in order.
const DEMO_LOGS: [&str; 2] = ["before.log", "after.log"];

/// What is wanted of a trace.
pub struct Wanted<'a> {
    /// Where the trace-event file goes.
    pub perfetto: Option<&'a Path>,
    /// Shift of QEMU's `-icount`.
    pub icount: Option<u32>,
    /// Leave the single steps out.
    pub totals_only: bool,
}

/// Prints the steps in the log at `path`, or in the logs of a demo's directory.
pub fn trace(path: &Path, wanted: &Wanted<'_>) -> Result<(), Failure> {
    let logs = logs(path);
    let mut found = false;
    for (n, log) in logs.iter().enumerate() {
        let trace = read(log)?;
        if trace.steps.is_empty() {
            continue;
        }
        found = true;
        let scale = Scale { hz: trace.hz, instruction_ns: wanted.icount.map(|shift| 1 << shift) };
        let heading = if logs.len() > 1 { format!("{}\n", log.display()) } else { String::new() };
        let text = table::table(&trace, scale, !wanted.totals_only);
        std::io::stdout().write_all(format!("{heading}{text}").as_bytes()).map_err(Failure::stdout)?;
        if let Some(out) = wanted.perfetto {
            write_perfetto(&numbered(out, n), &trace)?;
        }
    }
    if found { Ok(()) } else { Err(Failure::NoTrace(path.into())) }
}

fn logs(path: &Path) -> Vec<PathBuf> {
    if path.is_dir() {
        DEMO_LOGS.iter().map(|name| path.join(name)).filter(|log| log.is_file()).collect()
    } else {
        vec![path.into()]
    }
}

fn read(log: &Path) -> Result<Trace, Failure> {
    let bytes = std::fs::read(log).map_err(|error| Failure::Input(log.into(), error))?;
    // A console may have bytes that are no text; lines of a trace are not among them.
    Ok(Trace::read(&String::from_utf8_lossy(&bytes)))
}

/// The file for log number `n`: the counters of two boots have nothing to do with each other.
fn numbered(out: &Path, n: usize) -> PathBuf {
    if n == 0 {
        return out.into();
    }
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    let extension = out.extension().map_or_else(String::new, |e| format!(".{}", e.to_string_lossy()));
    out.with_file_name(format!("{stem}-{}{extension}", n + 1))
}

fn write_perfetto(out: &Path, trace: &Trace) -> Result<(), Failure> {
    let unwritable = |error| Failure::Output(out.into(), error);
    let text = serde_json::to_vec(&perfetto::file(trace)).map_err(|e| unwritable(e.into()))?;
    std::fs::write(out, text).map_err(unwritable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_boot_has_its_own_file() {
        assert_eq!(numbered(Path::new("d/t.json"), 0), Path::new("d/t.json"));
        assert_eq!(numbered(Path::new("d/t.json"), 1), Path::new("d/t-2.json"));
        assert_eq!(numbered(Path::new("t"), 1), Path::new("t-2"));
    }

    #[test]
    fn a_log_without_a_trace_is_refused_by_name() {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let wanted = Wanted { perfetto: None, icount: None, totals_only: true };
        let refused = trace(log.path(), &wanted).expect_err("no steps");
        assert_eq!(refused.code(), crate::codes::own::NO_TRACE);
        assert!(refused.to_string().contains("trace"), "{refused}");
    }
}
