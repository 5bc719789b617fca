//! Scenarios of Genode, in a build directory of the user's.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use thaw_image::{HEADER_BLOCK, Header, KernelName};

use crate::build::run;
use crate::failure::{Failure, Kind, Result, read, write};
use crate::paths;

/// Our repositories, in the order in which they stand before Genode's.
const REPOSITORIES: [&str; 2] = ["component/genode", "core-patch/genode"];

/// Run scripts in order; controls, which stop nothing, come before what they control.
const SCENARIOS: [&str; 24] = [
    "thaw_core",
    "thaw_plain",
    "thaw_sheep",
    "thaw_save",
    "thaw_again",
    "thaw_other_board",
    "thaw_other_config",
    "thaw_other_version",
    "thaw_flock_plain",
    "thaw_flock",
    "thaw_rollback",
    "thaw_flock_on",
    "thaw_store",
    "thaw_config",
    "thaw_other_lib",
    "thaw_small",
    "thaw_taken",
    "thaw_refused",
    "thaw_reopen_plain",
    "thaw_reopen",
    "thaw_cycles",
    "thaw_maps",
    "thaw_heap",
    "thaw_programs",
];
/// Prints an image.
const SAVES: &str = "thaw_save";
/// Boot with it.
const RESTORE: [&str; 7] = [
    AGAIN,
    "thaw_other_board",
    "thaw_other_config",
    OTHER_VERSION,
    "thaw_other_lib",
    "thaw_small",
    "thaw_taken",
];
/// Of these, the one that prints an image, too: of a target that was restored once.
const AGAIN: &str = "thaw_again";
/// And the one whose image says that another Genode made it.
const OTHER_VERSION: &str = "thaw_other_version";

#[derive(Args)]
pub struct GenodeArgs {
    /// Build directory of Genode 26.02, made for a board with ARM.
    #[arg(long, value_name = "DIR")]
    build_dir: PathBuf,
    /// Board, as Genode names it.
    #[arg(long, value_name = "NAME", default_value = "pbxa9")]
    board: String,
    /// Only scenarios whose name contains one of these.
    filters: Vec<String>,
}

/// Runs the scenarios; each leaves its log in target/genode.
pub fn genode(args: &GenodeArgs) -> Result<()> {
    check_repositories(&args.build_dir)?;
    let out = paths::target_dir().join("genode");
    fs::create_dir_all(&out).map_err(|e| Failure::file(&out, &e))?;
    let wanted =
        |name: &str| args.filters.is_empty() || args.filters.iter().any(|f| name.contains(f.as_str()));
    let (mut passed, mut failed) = (0, 0);
    for name in SCENARIOS.into_iter().filter(|name| wanted(name)) {
        let log = out.join(format!("{name}-{}.log", args.board));
        let image = out.join(format!("sheep-{}.thaw", args.board));
        let ok = scenario(args, name, &log, &image)?;
        println!("{} {name}: {}", if ok { "pass" } else { "FAIL" }, log.display());
        if ok { passed += 1 } else { failed += 1 }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 {
        return Ok(());
    }
    Err(Failure::new(Kind::Check, format!("{failed} scenarios of Genode failed; their logs are named above")))
}

fn check_repositories(build_dir: &Path) -> Result<()> {
    let path = build_dir.join("etc/build.conf");
    let text = fs::read_to_string(&path).map_err(|e| Failure::file(&path, &e))?;
    let lines: Vec<&str> =
        text.lines().filter(|line| line.trim_start().starts_with("REPOSITORIES")).collect();
    let missing = |repository: &Path| !lines.iter().any(|line| line.contains(&*repository.to_string_lossy()));
    let ours = REPOSITORIES.map(|repository| paths::root().join(repository));
    if ours.iter().any(|repository| missing(repository)) {
        let [first, second] = ours.map(|path| path.display().to_string());
        return Err(Failure::new(
            Kind::Config,
            format!(
                "{}: our repositories are not there; add as the last line\n\
                 REPOSITORIES := {first} {second} $(REPOSITORIES)",
                path.display()
            ),
        ));
    }
    Ok(())
}

fn scenario(args: &GenodeArgs, name: &str, log: &Path, image: &Path) -> Result<bool> {
    if RESTORE.contains(&name) && !image.is_file() {
        let why = format!("{name} needs the image of {SAVES}; run that one first");
        return Err(Failure::new(Kind::Config, why));
    }
    let file = File::create(log).map_err(|e| Failure::file(log, &e))?;
    let errors = file.try_clone().map_err(|e| Failure::file(log, &e))?;
    let mut make = Command::new("make");
    make.current_dir(&args.build_dir).arg(format!("run/{name}"));
    make.args(["KERNEL=foc", &format!("BOARD={}", args.board)]).stdout(file).stderr(errors);
    // What cargo tells its children is not meant for Genode's build system.
    make.env_remove("MAKEFLAGS").env_remove("THAW_IMAGE").stdin(std::process::Stdio::null());
    if name == OTHER_VERSION {
        make.env("THAW_IMAGE", of_another_version(image)?);
    } else if RESTORE.contains(&name) {
        make.env("THAW_IMAGE", image);
    }
    let status = make.status().map_err(|e| Failure::new(Kind::Tool, format!("make: {e}")))?;
    if name == SAVES && status.success() {
        return Ok(take_image(log, image).is_ok_and(|shown| shown.contains(", restores 0\n")));
    }
    if name == AGAIN && status.success() {
        let shown = take_image(log, &image.with_extension("again.thaw"));
        return Ok(shown.is_ok_and(|shown| shown.contains(", restores 1\n")));
    }
    Ok(status.success())
}

/// Writes the same image, as another Genode would have made it, beside it.
fn of_another_version(image: &Path) -> Result<PathBuf> {
    let mut bytes = read(image)?;
    let start = bytes.get_mut(..HEADER_BLOCK).ok_or(Failure::new(Kind::File, "the image is too short"))?;
    let mut header = Header::parse(start)
        .map_err(|refusal| Failure::new(Kind::File, format!("{}: {refusal}", image.display())))?;
    let name = format!("{} of another time", header.identity.kernel);
    header.identity.kernel = KernelName::new(&name).map_err(|_| Failure::new(Kind::Check, name))?;
    start.copy_from_slice(&header.to_block());
    let path = image.with_extension("other.thaw");
    write(&path, bytes)?;
    Ok(path)
}

/// Puts the printed image together, checks it, and returns what there is in it.
fn take_image(log: &Path, image: &Path) -> Result<String> {
    let mut build = Command::new(env!("CARGO"));
    build.current_dir(paths::root()).args(["build", "--quiet", "--package", "thaw-cli"]);
    run(&mut build, Kind::Build, "building the host tool")?;
    let tool = paths::host_tool();
    let mut from_log = Command::new(&tool);
    run(from_log.arg("from-log").arg(log).arg("-o").arg(image), Kind::Check, "reading the image")?;
    run(Command::new(&tool).arg("verify").arg(image), Kind::Check, "checking the image")?;
    let shown = Command::new(&tool).arg("show").arg(image).output();
    let shown = shown.map_err(|e| Failure::new(Kind::Tool, format!("{}: {e}", tool.display())))?;
    Ok(String::from_utf8_lossy(&shown.stdout).into_owned())
}
