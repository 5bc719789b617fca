//! One life of the target: boots, and what is packed for them.

use std::{
    fs::File as DiskFile,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{again, trace::Trace};
use crate::{
    board::Board,
    failure::{Failure, Kind, Result, read, write},
    pack::{self, File, Parts},
    paths,
    qemu::{End, Run},
    run::{Abi, ICOUNT},
};

/// Pages of the target's quota.
const TARGET_PAGES: u32 = 1024;
/// The disk in RAM, and that of the machine.
pub const IMAGE_KIB: u32 = 3072;
const MEMORY_MIB: u32 = 256;
/// Virtual milliseconds after its last stop in which the target has to end.
const RUN_MS: u32 = 120_000;
/// Seconds that a boot may take at least, and for each stop.
const BOOT_SECONDS: u64 = 120;

/// The setting with which the checkpointer orders failures.
pub const FAULTS: &str = "mode=faults";

/// The setting with which it tries to restore images that were forged.
pub const FORGED: &str = "mode=forged";

/// The setting with which it ends at one of its requests after the other.
pub const LIVES: &str = "mode=lives";

/// What a life is like.
#[derive(Clone, Copy)]
pub struct Life<'a> {
    /// Scenarios with commas between.
    pub scenarios: &'a str,
    /// How long they work.
    pub rounds: u32,
    /// Stops at most.
    pub stops: u32,
    /// Boots after the first at most.
    pub reboots: u32,
    /// Every how many stops there is a restore in the same boot.
    pub fresh_every: u32,
    /// Of the times of the stops.
    pub seed: u32,
}

/// The kernel and the programs, read once.
pub struct Machine {
    kernel: File,
    programs: Vec<File>,
    target: &'static str,
    settings: Vec<String>,
    twice: bool,
    modules: Vec<File>,
}

impl Machine {
    /// With the test kernel of a revision.
    pub fn on(abi: Abi, settings: &[String]) -> Result<Self> {
        let path = paths::program(abi.test_kernel());
        let kernel = File { name: path.display().to_string(), bytes: read(&path)? };
        Self::new(kernel, settings.to_vec())
    }

    /// With the programs as they are built, and settings of the checkpointer that come last.
    pub fn new(kernel: File, settings: Vec<String>) -> Result<Self> {
        let names =
            ["thaw-loader", "thaw-sigma0", "thaw-root", "blk", "thaw-native-component", "scenarios", "still"];
        let program = |name: &&str| Ok(File { name: (*name).into(), bytes: read(&paths::program(name))? });
        let programs = names.iter().map(program).collect::<Result<_>>()?;
        Ok(Self { kernel, programs, target: "scenarios", settings, twice: false, modules: Vec::new() })
    }

    /// The same machine with another target.
    pub fn with_target(mut self, target: &'static str) -> Self {
        self.target = target;
        self
    }

    /// The same machine, on which every image that leads over to the next boot is compared with the one that is made of
    /// it again.
    pub fn with_twice(mut self, twice: bool) -> Self {
        self.twice = twice;
        self
    }

    /// The same machine with a further module.
    pub fn with_module(mut self, module: File) -> Self {
        self.modules.push(module);
        self
    }

    /// One boot in which the target goes on from the disk that is there, to its end.
    pub fn restored(&self, life: &Life<'_>, out: &Path) -> Result<Trace> {
        let boot = Boot { number: 1, first_stop: 0, stops: 0, from_image: true, leave: false, twice: false };
        self.boot(life, &boot, out)
    }

    /// One boot with a disk, in which the target lives to its end.
    pub fn boot_with_disk(&self, life: &Life<'_>, out: &Path) -> Result<Trace> {
        let boot = Boot {
            number: 0,
            first_stop: 0,
            stops: life.stops,
            from_image: false,
            leave: true,
            twice: false,
        };
        self.boot(life, &boot, out)
    }

    /// Lets the target run from its start, or go on from the disk that is there, and leaves it on the disk at
    /// its last stop; the disk, or none if the target ended before.
    pub fn image(&self, life: &Life<'_>, from_image: bool, out: &Path) -> Result<(Trace, Option<PathBuf>)> {
        let number = u32::from(from_image);
        let boot = Boot { number, first_stop: 0, stops: life.stops, from_image, leave: true, twice: false };
        let trace = self.boot(life, &boot, out)?;
        let disk = trace.left.then(|| out.join("disk.img"));
        Ok((trace, disk))
    }

    /// What the checkpointer may do in a test, by its mode.
    fn words(&self) -> &'static str {
        match self.settings.iter().find_map(|s| s.strip_prefix("mode=")) {
            Some("faults" | "authority" | "forged") => " faults",
            Some("lives") => " faults restart",
            _ => "",
        }
    }

    fn program(&self, name: &str, module: &str) -> File {
        let found = self.programs.iter().find(|p| p.name == name);
        File { name: module.into(), bytes: found.map(|p| p.bytes.clone()).unwrap_or_default() }
    }

    /// What the target declares when nobody stops it.
    pub fn control(&self, life: &Life<'_>, out: &Path) -> Result<Trace> {
        let boot = Boot { number: 0, first_stop: 0, stops: 0, from_image: false, leave: false, twice: false };
        let trace = self.boot(&Life { stops: 0, ..*life }, &boot, &out.join("control"))?;
        match trace.failure() {
            None => Ok(trace),
            Some(failure) => {
                Err(Failure::new(Kind::Check, format!("{} without a stop: {failure}", life.scenarios)))
            }
        }
    }

    /// The whole life with its stops.
    pub fn live(&self, life: &Life<'_>, out: &Path) -> Result<Trace> {
        let boots = life.reboots + 1;
        let mut trace = Trace::default();
        for number in 0..boots {
            // The last stop of all boots but the last is the one that leads over to the next.
            let [first_stop, end] = [number, number + 1].map(|n| life.stops.max(life.reboots) * n / boots);
            let leave = number + 1 < boots;
            let stops = end - first_stop;
            let boot = Boot { number, first_stop, stops, from_image: number > 0, leave, twice: false };
            let part = self.boot(life, &boot, out)?;
            let goes_on = part.left;
            trace.append(part);
            if !goes_on {
                break;
            }
            if self.twice
                && let Some(difference) = self.again(life, number, out)?
            {
                trace.broken.push(difference);
            }
        }
        Ok(trace)
    }

    /// Restores what is on the disk of a life, stops it again before any of its threads runs, and says how the two
    /// images differ.
    pub fn again(&self, life: &Life<'_>, number: u32, out: &Path) -> Result<Option<String>> {
        let here = out.join(format!("twice-{number}"));
        let [first, disk, second] = ["a.img", "disk.img", "b.img"].map(|name| here.join(name));
        let image = read(&out.join("disk.img"))?;
        write(&first, &image)?;
        write(&disk, image)?;
        let boot = Boot { number: 1, first_stop: 0, stops: 1, from_image: true, leave: true, twice: true };
        let trace = self.boot(life, &boot, &here)?;
        if !trace.left {
            let last = trace.lines.last().map_or("", String::as_str);
            return Ok(Some(format!("not restored and stopped again; last line: {last}")));
        }
        write(&second, read(&disk)?)?;
        let text = again::compare(&first, &second)?;
        write(&here.join("diff.txt"), &text)?;
        let told = || text.lines().find(|line| !line.ends_with("(a continuation may)")).unwrap_or("").into();
        Ok((!text.contains(" are equal")).then(told))
    }

    fn boot(&self, life: &Life<'_>, boot: &Boot, out: &Path) -> Result<Trace> {
        let disk = out.join("disk.img");
        let text = |name: &str, text: String| File { name: name.into(), bytes: text.into_bytes() };
        let mut modules = vec![
            text("system", boot.system(self.words())),
            text("config", boot.config(life, &self.settings)),
            text("target.cfg", format!("scenarios={}\nrounds={}\n", life.scenarios, life.rounds)),
            self.program("thaw-native-component", "thaw"),
            self.program(self.target, "target"),
        ];
        if boot.from_image {
            modules.push(File { name: "image".into(), bytes: read(&disk)? });
        }
        if boot.leave {
            modules.push(self.program("blk", "blk"));
        }
        modules.extend(self.modules.iter().cloned());
        let image = pack::pack(&Parts {
            loader: self.program("thaw-loader", "loader"),
            kernel: self.kernel.clone(),
            sigma0: self.program("thaw-sigma0", "sigma0"),
            root: self.program("thaw-root", "root"),
            modules,
            board: Board::Virt.number(),
        })?;
        let path = out.join(format!("boot-{}.elf", boot.number));
        write(&path, image)?;
        if boot.leave {
            write(&disk, b"")?;
            let file = DiskFile::options().write(true).open(&disk);
            let made = file.and_then(|d| d.set_len(u64::from(IMAGE_KIB) * 1024));
            made.map_err(|e| Failure::file(&disk, &e))?;
        }
        let run = Run {
            image: path.clone(),
            board: Board::Virt,
            memory_mib: MEMORY_MIB,
            disk: boot.leave.then(|| disk.as_path().into()),
            log: out.join(format!("boot-{}.log", boot.number)),
            until: None,
            timeout: Duration::from_secs(BOOT_SECONDS + u64::from(boot.stops)),
            icount: ICOUNT.into(),
            echo: false,
            semihosting: false,
        };
        let finished = run.run()?;
        std::fs::remove_file(&path).map_err(|e| Failure::file(&path, &e))?;
        let trouble = match finished.end {
            End::PowerOff => None,
            End::Fatal(line) => Some(format!("the machine cannot go on: {line}")),
            End::Timeout(line) => Some(format!("no end; last line: {line}")),
            End::Exited(status) => Some(format!("qemu ended by itself: {status}")),
        };
        Ok(Trace::read(&finished.lines, trouble))
    }
}

/// One boot of a life.
struct Boot {
    number: u32,
    first_stop: u32,
    stops: u32,
    from_image: bool,
    leave: bool,
    /// The image is restored, stopped again at once, and left.
    twice: bool,
}

impl Boot {
    fn system(&self, words: &str) -> String {
        // Twice the target in spare RAM, the target, the disk in RAM, the checkpointer itself.
        let quota = 3 * TARGET_PAGES + IMAGE_KIB / 4 + 2048;
        let thaw = format!("pd name=thaw file=thaw quota={quota} prio=170 manager checkpoint{words}");
        if self.leave {
            format!("pd name=blk file=blk quota=1024 prio=180 devices provides=block\n{thaw} uses=block\n")
        } else {
            thaw + "\n"
        }
    }

    fn config(&self, life: &Life<'_>, settings: &[String]) -> String {
        let start = if self.from_image { "image" } else { "target" };
        let leave = if self.leave { "yes" } else { "no" };
        let mut text = format!(
            "mode=soak\nname=target\nquota={TARGET_PAGES}\nstops={}\nfirst_stop={}\nseed={}\nfresh_every={}\n\
             start={start}\nleave={leave}\nimage_kib={IMAGE_KIB}\nrun_ms={RUN_MS}\n",
            self.stops, self.first_stop, life.seed, life.fresh_every
        );
        text += if self.twice { "twice=yes\n" } else { "" };
        settings.iter().for_each(|setting| text += &format!("{setting}\n"));
        text
    }
}
