//! `faults --forged`: images that no checkpointer would have written are refused by a running system, each by what is
//! wrong with it, and nothing of them is left.

mod image;
mod list;

use std::path::Path;

use thaw_native_abi::forged::{FORGED_MODULE, HEADER_BYTES, LABEL_BYTES};

use self::{
    image::{Image, Sealed},
    list::{FORGERIES, Forgery},
};
use super::life::{FORGED, IMAGE_KIB, Life, Machine};
use crate::{
    failure::{Failure, Kind, Result, read, write},
    pack::File,
    suite::Verdict,
};

const SECTOR: usize = 512;
/// The program that is stopped, and goes on when all forgeries were refused.
const LIFE: Life<'static> =
    Life { scenarios: "clients", rounds: 12, stops: 6, reboots: 0, fresh_every: 0, seed: 1 };

/// Has an image made, forges it in all ways, and sees what becomes of each: one verdict for each.
pub fn verdicts(kernel: &Path, out: &Path) -> Result<Vec<Verdict>> {
    let machine = |settings: &[&str]| -> Result<Machine> {
        let kernel = File { name: kernel.display().to_string(), bytes: read(kernel)? };
        Machine::new(kernel, settings.iter().map(|s| (*s).into()).collect())
    };
    let plain = machine(&[])?;
    let control = plain.control(&LIFE, out)?;
    let (_, disk) = plain.image(&LIFE, false, out)?;
    let disk = disk.ok_or_else(|| check("the program ended before its last stop".into()))?;
    let good = Image::of_disk(&read(&disk)?)?;
    let modules = File { name: FORGED_MODULE.into(), bytes: module(&good)? };
    // The good image goes the same way as the forged ones.
    write(&disk, seal(good)?.disk)?;
    let trace = machine(&[FORGED])?.with_module(modules).restored(&LIFE, out)?;
    let mut verdicts: Vec<Verdict> = FORGERIES
        .iter()
        .enumerate()
        .map(|(n, forgery)| {
            Verdict::of(&format!("forged: {}", forgery.what), judge(forgery, n, &trace.lines))
        })
        .collect();
    verdicts.push(Verdict::of("forged: nothing is left of them", counted(&trace.lines)));
    let goes_on = trace.mismatch(&control).map_or(Ok(()), |mismatch| Err(check(mismatch)));
    verdicts.push(Verdict::of("forged: the image that they were made of goes on", goes_on));
    Ok(verdicts)
}

fn check(message: String) -> Failure {
    Failure::new(Kind::Check, message)
}

fn seal(image: Image) -> Result<Sealed> {
    image.seal(IMAGE_KIB as usize * 1024)
}

/// The module with all forgeries: see `thaw_native_abi::forged`.
fn module(good: &Image) -> Result<Vec<u8>> {
    let mut tables = Vec::new();
    let mut labels = Vec::new();
    let table_at = seal(good.clone())?.table_at;
    for forgery in FORGERIES {
        let mut image = good.clone();
        (forgery.edit)(&mut image)?;
        let Sealed { disk, table_at: at } = seal(image)?;
        assert_eq!(at, table_at, "the pages are the same");
        labels.push(disk[..LABEL_BYTES].to_vec());
        tables.push(disk[at..].to_vec());
    }
    let longest = tables.iter().map(Vec::len).max().unwrap_or(0);
    let mut bytes = vec![0; HEADER_BYTES];
    for (at, number) in [(0, FORGERIES.len()), (4, table_at / SECTOR), (8, longest)] {
        bytes[at..at + 4].copy_from_slice(&(number as u32).to_le_bytes());
    }
    for (label, mut table) in labels.into_iter().zip(tables) {
        table.resize(longest, 0);
        bytes.extend(label);
        bytes.extend(table);
    }
    Ok(bytes)
}

fn judge(forgery: &Forgery, n: usize, lines: &[String]) -> Result<()> {
    let begin = format!("forged: {n} ");
    let told = lines.iter().find_map(|line| line.split_once(&begin).map(|(_, told)| told));
    let told = told.ok_or_else(|| check("it was not tried".into()))?;
    let refused = told.strip_prefix(&format!("refused as {}: ", forgery.error));
    match refused.filter(|text| forgery.says.iter().all(|word| text.contains(word))) {
        Some(_) => Ok(()),
        None => Err(check(told.into())),
    }
}

fn counted(lines: &[String]) -> Result<()> {
    if let Some(leak) = lines.iter().find(|line| line.contains("counts: LEAK")) {
        return Err(check(leak.clone()));
    }
    let all = format!("forged: tried={} leaks=0", FORGERIES.len());
    if lines.iter().any(|line| line.ends_with(&all)) {
        Ok(())
    } else {
        Err(check(format!("not seen: {all}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgery_is_refused_by_its_own_words_only() {
        let forgery = &FORGERIES[0];
        let lines = |text: &str| vec![format!("[thaw] forged: 0 {text}")];
        let text = format!("refused as {}: image: session 0 has no place in this system", forgery.error);
        assert!(judge(forgery, 0, &lines(&text)).is_ok());
        assert!(judge(forgery, 1, &lines(&text)).is_err());
        assert!(judge(forgery, 0, &lines(&text.replace("session 0", "slot 0"))).is_err());
        assert!(judge(forgery, 0, &lines("refused as leak: session 0 has no place")).is_err());
        assert!(judge(forgery, 0, &lines("BROKEN, it was restored")).is_err());
    }

    #[test]
    fn what_is_left_or_was_not_tried_is_noticed() {
        let all = format!("[thaw] forged: tried={} leaks=0", FORGERIES.len());
        assert!(counted(std::slice::from_ref(&all)).is_ok());
        assert!(counted(&["[thaw] counts: LEAK before pds=1".into(), all]).is_err());
        assert!(counted(&["[thaw] forged: tried=1 leaks=0".into()]).is_err());
    }
}
