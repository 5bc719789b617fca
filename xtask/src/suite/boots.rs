//! Boots: the loader and the first tasks, the target and the disk, on each kernel there is.
//!
//! `THAW_KERNEL_G` and `THAW_KERNEL_M` name real kernels; then every boot is made on them as well.

use std::{fs::File as DiskFile, path::PathBuf, time::Duration};

use super::{Case, Context, ensure, one};
use crate::{
    board::Board,
    failure::{Failure, Result, read, write},
    pack::{self, File, Parts},
    paths,
    qemu::{End, Finished, Run},
    run::{Abi, ICOUNT},
};

const TIMEOUT: Duration = Duration::from_secs(90);
const DISK_BYTES: u64 = 64 << 20;

/// A kernel with its name.
#[derive(Clone)]
pub(super) struct Kernel {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

pub(super) fn kernels() -> Vec<Kernel> {
    let own =
        [Abi::G, Abi::M].map(|abi| Kernel { name: abi.to_string(), path: paths::program(abi.test_kernel()) });
    let real = [("THAW_KERNEL_G", "real G"), ("THAW_KERNEL_M", "real M")].into_iter().filter_map(
        |(variable, name)| Some(Kernel { name: name.into(), path: std::env::var_os(variable)?.into() }),
    );
    own.into_iter().chain(real).collect()
}

/// All boots.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kernel in kernels() {
        for mib in [256, 512, 1024] {
            let k = kernel.clone();
            cases.push(one(&format!("boot on {}: first tasks with {mib} MiB", k.name), move |c| {
                hello(c, &k, mib)
            }));
        }
        let k = kernel.clone();
        cases.push(one(&format!("boot on {}: sheep counts", k.name), move |c| sheep(c, &k)));
        let k = kernel.clone();
        let rows = k.clone();
        cases
            .push(one(&format!("boot on {}: every row of docs/stop.md", k.name), move |c| rows_of(c, &rows)));
        cases.push(one(&format!("boot on {}: the engine stops and restores threads", k.name), move |c| {
            engine(c, &k)
        }));
        let k = kernel.clone();
        cases.push(one(&format!("boot on {}: root answers every request", k.name), move |c| probe(c, &k)));
        let k = kernel.clone();
        cases
            .push(one(&format!("boot on {}: the disk holds what was written", k.name), move |c| disk(c, &k)));
    }
    cases.push(one("boot: the loader refuses what is no kernel", refuses_kernel));
    cases
}

/// A boot to be made.
struct Boot<'a> {
    root: &'a str,
    modules: Vec<File>,
    disk: bool,
    mib: u32,
    until: Option<&'a str>,
}

impl Boot<'_> {
    fn parts(&self, kernel: File) -> Result<Parts> {
        Ok(Parts {
            loader: program("thaw-loader")?,
            kernel,
            sigma0: program("thaw-sigma0")?,
            root: program(self.root)?,
            modules: self.modules.clone(),
            board: Board::Virt.number(),
        })
    }

    fn run(&self, context: &Context, image: &[u8]) -> Result<Finished> {
        let path = context.out.join("boot.elf");
        write(&path, image)?;
        let disk = context.out.join("disk.img");
        if self.disk {
            write(&disk, b"")?;
            let file = DiskFile::options().write(true).open(&disk);
            file.and_then(|d| d.set_len(DISK_BYTES)).map_err(|e| Failure::file(&disk, &e))?;
        }
        let run = Run {
            image: path,
            board: Board::Virt,
            memory_mib: self.mib,
            disk: self.disk.then(|| disk.as_path().into()),
            log: context.out.join("console.log"),
            until: self.until.map(String::from),
            timeout: TIMEOUT,
            icount: ICOUNT.into(),
            echo: false,
            semihosting: false,
        };
        run.run()
    }

    fn on(&self, context: &Context, kernel: &Kernel) -> Result<Vec<String>> {
        let kernel = File { name: kernel.path.display().to_string(), bytes: read(&kernel.path)? };
        let image = pack::pack(&self.parts(kernel)?)?;
        Ok(self.run(context, &image)?.powered_off()?.lines)
    }
}

fn program(name: &str) -> Result<File> {
    Ok(File { name: name.into(), bytes: read(&paths::program(name))? })
}

fn system(text: &str) -> File {
    File { name: "system".into(), bytes: text.into() }
}

fn hello(context: &Context, kernel: &Kernel, mib: u32) -> Result<()> {
    let boot = Boot { root: "examples/hello_root", modules: vec![], disk: false, mib, until: None };
    let lines = boot.on(context, kernel)?;
    for expected in [format!(", {mib} MiB"), "device memory: 0x74726976".into(), "order 13: Object".into()] {
        ensure(lines.iter().any(|l| l.contains(&expected)), || format!("no line with \"{expected}\""))?;
    }
    Ok(())
}

fn sheep(context: &Context, kernel: &Kernel) -> Result<()> {
    let modules = vec![system("pd name=sheep file=sheep quota=4096 prio=60\n"), program("sheep")?];
    let boot = Boot { root: "thaw-root", modules, disk: false, mib: 512, until: Some("[sheep] checks:") };
    let lines = boot.on(context, kernel)?;
    for count in 1..=10 {
        let expected = format!("[sheep] count {count}");
        ensure(lines.iter().any(|l| l.trim() == expected), || format!("no line \"{expected}\""))?;
    }
    ensure(lines.iter().all(|l| !l.contains("FAIL")), || "a self-check failed".into())
}

fn engine(context: &Context, kernel: &Kernel) -> Result<()> {
    let boot = Boot { root: "engine-test", modules: vec![], disk: false, mib: 256, until: None };
    let lines = boot.on(context, kernel)?;
    let failed = lines.iter().find(|l| l.contains("engine: FAIL"));
    ensure(failed.is_none(), || failed.cloned().unwrap_or_default())?;
    ensure(lines.iter().any(|l| l.contains("engine: 4 passed, 0 failed")), || "no verdict".into())
}

/// Directed stops, each compared with a run without a stop.
fn rows_of(context: &Context, kernel: &Kernel) -> Result<()> {
    let boot = Boot { root: "rows-test", modules: vec![], disk: false, mib: 256, until: None };
    let lines = boot.on(context, kernel)?;
    let failed = lines.iter().find(|l| l.contains("rows: FAIL"));
    ensure(failed.is_none(), || failed.cloned().unwrap_or_default())?;
    ensure(lines.iter().any(|l| l.contains(" cases, 0 failed")), || "no verdict".into())
}

/// Programs that make each request to root, good and bad, and count what root holds before and after.
fn probe(context: &Context, kernel: &Kernel) -> Result<()> {
    let text = "pd name=manager file=probe-manager quota=65536 prio=170 manager\n";
    let modules = vec![system(text), program("probe-manager")?, program("probe-program")?];
    let boot = Boot { root: "thaw-root", modules, disk: false, mib: 512, until: None };
    let lines = boot.on(context, kernel)?;
    for who in ["[child] probe: program:", "[manager] probe: manager:"] {
        let passed = lines.iter().any(|l| l.starts_with(who) && l.contains("checks passed, 0 failed"));
        ensure(passed, || format!("no line \"{who} .. checks passed, 0 failed\""))?;
    }
    let faults =
        ["no region is attached there", "the region's rights forbid it", "the info page is read-only"];
    for reason in faults.into_iter().chain(["undefined instruction"]) {
        ensure(lines.iter().any(|l| l.contains(reason)), || {
            format!("no fault was reported as \"{reason}\"")
        })?;
    }
    Ok(())
}

fn disk(context: &Context, kernel: &Kernel) -> Result<()> {
    let text = "pd name=blk file=blk quota=256 prio=180 devices provides=block\n\
                pd name=check file=blk-check quota=512 prio=170 uses=block\n";
    let modules = vec![system(text), program("blk")?, program("blk-check")?];
    let boot = Boot { root: "thaw-root", modules, disk: true, mib: 512, until: Some("exited with code") };
    let lines = boot.on(context, kernel)?;
    ensure(lines.iter().any(|l| l.contains("blk-check passed")), || "blk-check did not pass".into())?;
    ensure(lines.iter().any(|l| l.contains("exited with code 0")), || "blk-check did not exit with 0".into())
}

/// The loader must not rely on whoever packed.
fn refuses_kernel(context: &Context) -> Result<()> {
    let boot = Boot { root: "examples/hello_root", modules: vec![], disk: false, mib: 256, until: None };
    let image = pack::pack_unchecked(&boot.parts(program("thaw-sigma0")?)?)?;
    let finished = boot.run(context, &image)?;
    let expected = "loader: refused: kernel: an executable, but no Fiasco.OC kernel";
    let seen = finished.end;
    ensure(matches!(&seen, End::Fatal(line) if line.starts_with(expected)), || format!("ended by {seen:?}"))
}
