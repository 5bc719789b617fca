//! checkpoint(restore(x)) = x: a checkpoint is restored and checkpointed again before anything of it ran, and
//! `thaw diff` compares the two. The program is one of which no instruction changes anything any more, because
//! threads in user code run a little before the second stop finds them.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::life::{Life, Machine};
use crate::{
    failure::{Failure, Kind, Result, read, write},
    pack::File,
    paths,
    suite::Verdict,
};

/// Kinds of activity that `still` shows, as `thaw show` names them.
const KINDS: [&str; 6] = ["user", "asleep", "open-wait", "irq-wait", "call", "send"];

/// Damage to what is restored, and what of the comparison tells it.
const DAMAGES: [(&str, &str); 12] = [
    ("entry", "thread 0 main utcb["),
    ("callee", " r7: "),
    ("vfp", " d8: "),
    ("utcb", " utcb["),
    ("tls", " tpidruro: "),
    ("page", " page "),
    ("rewind", " open r12: "),
    ("timeout", " page "),
    ("twice", " page "),
    ("link", " delivered "),
    ("tag", " queued "),
    ("irq", "irq "),
];

/// The program that is at rest, restored and checkpointed again on a kernel.
pub fn verdicts(kernel: &Path, out: &Path) -> Result<Vec<Verdict>> {
    let again = Again { kernel: kernel.into(), out: out.into() };
    let first = again.first()?;
    let same = again.compare(&first, &[]).and_then(|text| {
        let equal = text.contains(" are equal");
        if equal { Ok(()) } else { Err(Failure::new(Kind::Check, text)) }
    });
    Ok(vec![Verdict::of("every kind of thread", same)])
}

/// The same with each damage: the comparison has to tell it.
pub fn damages(kernel: &Path, out: &Path) -> Result<Vec<Verdict>> {
    let again = Again { kernel: kernel.into(), out: out.into() };
    let first = again.first()?;
    let noticed = |(name, told): (&str, &str)| {
        let noticed = again.compare(&first, &[&format!("mutate={name}")]).and_then(|text| {
            write(&again.out.join(format!("{name}.txt")), &text)?;
            let noticed = text.contains(" are different") && text.contains(told);
            if noticed { Ok(()) } else { Err(Failure::new(Kind::Check, format!("no \"{told}\" in: {text}"))) }
        });
        Verdict::of(&format!("damage: {name}"), noticed)
    };
    Ok(DAMAGES.into_iter().map(noticed).collect())
}

struct Again {
    kernel: PathBuf,
    out: PathBuf,
}

impl Again {
    fn machine(&self, settings: &[&str]) -> Result<Machine> {
        let kernel = File { name: self.kernel.display().to_string(), bytes: read(&self.kernel)? };
        let settings = settings.iter().map(|s| (*s).into()).collect();
        Ok(Machine::new(kernel, settings)?.with_target("still"))
    }

    /// A checkpoint of the program when it has come to rest.
    fn first(&self) -> Result<PathBuf> {
        let (trace, disk) = self.machine(&["at_once=yes", "after_ms=60"])?.image(&LIFE, false, &self.out)?;
        let rests = trace.lines.iter().any(|l| l.ends_with("comes to rest"));
        let disk = disk.filter(|_| rests && trace.broken.is_empty());
        let first = keep(&disk.ok_or(failure("the program does not come to rest", &trace.lines))?, "a.img")?;
        let kinds = kinds(&first)?;
        match KINDS.iter().find(|kind| !kinds.iter().any(|k| k == *kind)) {
            Some(missing) => Err(Failure::new(Kind::Check, format!("nobody is in \"{missing}\": {kinds:?}"))),
            None => Ok(first),
        }
    }

    /// Restores `first`, checkpoints it at once, and says how that differs.
    fn compare(&self, first: &Path, settings: &[&str]) -> Result<String> {
        write(&self.out.join("disk.img"), read(first)?)?;
        let machine = self.machine(&[&["at_once=yes", "after_ms=0"], settings].concat())?;
        let (trace, disk) = machine.image(&Life { stops: 1, ..LIFE }, true, &self.out)?;
        let second = keep(&disk.ok_or(failure("not restored and left again", &trace.lines))?, "b.img")?;
        let text = compare(first, &second)?;
        write(&self.out.join("diff.txt"), &text)?;
        Ok(text)
    }
}

/// What `thaw diff` tells of a checkpoint and the one that is made of it again.
pub fn compare(first: &Path, second: &Path) -> Result<String> {
    let arguments = ["diff".as_ref(), "--continued".as_ref(), first.as_os_str(), second.as_os_str()];
    thaw(&arguments).map(|(text, _)| text)
}

/// One stop: a second one finds no more what a first one rewrote.
const LIFE: Life<'static> =
    Life { scenarios: "all", rounds: 1, stops: 1, reboots: 0, fresh_every: 0, seed: 1 };

fn failure(what: &str, lines: &[String]) -> Failure {
    let last = lines.last().map_or("", String::as_str);
    Failure::new(Kind::Check, format!("{what}; last line: {last}"))
}

/// A copy of the disk, which the next boot writes.
fn keep(disk: &Path, name: &str) -> Result<PathBuf> {
    let path = disk.with_file_name(name);
    write(&path, read(disk)?)?;
    Ok(path)
}

/// What the live threads of an image are doing.
fn kinds(image: &Path) -> Result<Vec<String>> {
    let (text, _) = thaw(&["show".as_ref(), "--json".as_ref(), image.as_os_str()])?;
    let shown: Value = serde_json::from_str(&text)
        .map_err(|e| Failure::new(Kind::Check, format!("{}: {e}", image.display())))?;
    let threads = shown["threads"].as_array().into_iter().flatten();
    let kinds = threads.filter_map(|t| t["activity"]["kind"].as_str());
    Ok(kinds.map(String::from).collect())
}

fn thaw(arguments: &[&std::ffi::OsStr]) -> Result<(String, Option<i32>)> {
    let output = Command::new(paths::host_tool()).args(arguments).output();
    let output = output.map_err(|e| Failure::new(Kind::Tool, format!("thaw: {e}; build it")))?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Ok((text, output.status.code()))
}
