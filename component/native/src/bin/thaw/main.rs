//! The checkpointer of the native system: does what its module `config` says, then ends the run.
//!
//! Prints `thaw: ..` on its way, `thaw-summary key=value` for each measurement, and for a refusal one line
//! `thaw-error code=<name> exit=<number> <text>`; docs/errors.md lists them.
#![no_std]
#![no_main]

mod copy;
mod machine;

use machine::{FAULTS, RealPlatform};
use thaw_bootimage::program::Program;
use thaw_component::config::{ConfigError, Mode, Settings, Start};
use thaw_component::error::{Error, Request};
use thaw_component::faults::FaultyDisk;
use thaw_component::host::Host;
use thaw_component::memory_disk::{MemoryDisk, copy_disk};
use thaw_component::mutate::Mutation;
use thaw_component::restore::Damage;
use thaw_component::soak::Soaked;
use thaw_component::wire::Wire;
use thaw_component::{Checkpointer, Machine, Tables};
use thaw_image::store::BlockDevice;
use thaw_image::{Abi, KernelName, Name};
use thaw_l4::faults::Faulty;
use thaw_l4::{Cap, CapIndex, Kernel, Real, Revision, Timeouts, ipc};
use thaw_log::say;
use thaw_native::{NativeError, NativeHost, authority, board_name, disk::NativeDisk, forged::Forged, load};
use thaw_native_abi::layout::{SLOT_CHECKPOINT, USER_END};
use thaw_native_abi::{forged::FORGED_MODULE, settings};
use thaw_rt::{Once, info_page, kernel};

thaw_rt::entry!(main);

static TABLES: Once<Tables> = Once::new(Tables::new());
/// Module with the image that a run of stops begins with.
const IMAGE_MODULE: &str = "image";

type NativeResult<T> = Result<T, NativeError<'static>>;
type System = Faulty<'static, Real>;
type World<'k> = NativeHost<'k, System, RealPlatform>;

fn main() -> ! {
    let k = Faulty::new(kernel(), &FAULTS);
    let counter_hz = info_page().map_or(0, |info| info.counter_hz);
    thaw_log::start_from_rom("thaw");
    let board = board_name(info_page().map_or(0, |info| info.board));
    thaw_log::info!(
        "thaw: on revision {}, board {}, counter of {} Hz",
        k.revision().number(),
        board,
        counter_hz
    );
    let host = NativeHost::new(&k, RealPlatform::new(counter_hz));
    if let Err(error) = run(&k, &host) {
        say!("thaw-error code={} exit={} {error}", error.name(), error.exit());
    }
    host.power_off();
    loop {
        ipc::sleep(&k, Timeouts::NEVER);
    }
}

fn run(k: &System, host: &World<'_>) -> NativeResult<()> {
    let settings = read_settings(host)?;
    let service = Wire::new(k, Cap::new(CapIndex(SLOT_CHECKPOINT)));
    let mut disk = NativeDisk::new(k, host.platform());
    let tables = TABLES.take().ok_or(NativeError::NoModule("tables"))?;
    tables.substitute = settings.substitute;
    let machine = machine(k.revision(), &settings);
    let damage = damage(host, &settings)?;
    let start = || {
        let program = target(host)?;
        Ok(load::start(host, &program, settings.name, settings.quota_pages)?)
    };
    if matches!(settings.mode, Mode::Soak | Mode::Faults | Mode::Forged) {
        return soak(host, &settings, (&service, &mut disk, machine, tables), damage, start);
    }
    if settings.mode == Mode::Authority {
        let pd = start()?;
        host.sleep_ms(settings.after_ms);
        let held = || authority::held(host).map_err(|e| Error::Host(Request::Counts, e));
        let before = held()?;
        authority::attempt(k, host, pd).map_err(|e| Error::Host(Request::Fault, e))?;
        let after = held()?;
        say!(
            "authority: {}",
            if before == after { "nothing left behind" } else { "BROKEN, something is left" }
        );
        let checkpointer = Checkpointer {
            host,
            service: &service,
            disk: &mut disk,
            machine,
            tables,
            quiet: true,
            pause: None,
        };
        return Ok(checkpointer.wait_for_end(pd, settings.run_ms)?);
    }
    let quiet = settings.mode == Mode::Lives;
    let mut checkpointer =
        Checkpointer { host, service: &service, disk: &mut disk, machine, tables, quiet, pause: None };
    if settings.mode == Mode::Lives {
        return checkpointer.live(&settings, start);
    }
    checkpointer.run(&settings, damage, start)
}

type Parts<'a, 'k> =
    (&'a Wire<'k, System>, &'a mut NativeDisk<'k, System, RealPlatform>, Machine, &'a mut Tables);

/// Many stops, many failures, or many wrong images. Images go to a disk in RAM, because waiting for a device takes a time that differs from run
/// to run; it is filled from a module before the first stop and goes to the disk after the last.
fn soak<'k>(
    host: &World<'k>,
    settings: &Settings,
    (service, disk, machine, tables): Parts<'_, 'k>,
    damage: Damage,
    start: impl FnOnce() -> NativeResult<CapIndex>,
) -> NativeResult<()> {
    let mut memory = MemoryDisk::new(host, settings.image_kib * 1024)?;
    if settings.start == Start::Image || settings.mode == Mode::Forged {
        let image = module(host, IMAGE_MODULE)?;
        let whole = &image[..image.len().min(settings.image_kib as usize * 1024)];
        memory.write(0, whole).map_err(Error::Disk)?;
    }
    if settings.mode == Mode::Faults {
        let mut disk = FaultyDisk::new(memory, &FAULTS);
        let mut checkpointer =
            Checkpointer { host, service, disk: &mut disk, machine, tables, quiet: true, pause: None };
        return checkpointer.faults(settings, start);
    }
    if settings.mode == Mode::Forged {
        let forged = Forged::new(module(host, FORGED_MODULE)?);
        let mut checkpointer =
            Checkpointer { host, service, disk: &mut memory, machine, tables, quiet: true, pause: None };
        let good = module(host, IMAGE_MODULE)?;
        return checkpointer.forged(settings, |disk, n| match n {
            Some(n) => forged.put(n, disk),
            None => disk.write(0, good).map(|()| true),
        });
    }
    let mut checkpointer =
        Checkpointer { host, service, disk: &mut memory, machine, tables, quiet: true, pause: None };
    let soaked = checkpointer.soak(settings, damage, start)?;
    if soaked == Soaked::Left {
        copy_disk(&mut memory, disk, &mut tables.buffer).map_err(Error::Disk)?;
        say!("soak: image is on the disk");
    }
    Ok(())
}

fn read_settings(host: &World<'_>) -> NativeResult<Settings> {
    let text = core::str::from_utf8(module(host, settings::CONFIG_MODULE)?);
    let text: &'static str = text.map_err(|_| NativeError::NoText(settings::CONFIG_MODULE))?;
    Settings::from_pairs(settings::pairs(text)).map_err(|e: ConfigError<'static>| NativeError::Config(e))
}

/// Contents of a module, attached for as long as this program runs.
fn module(host: &World<'_>, name: &'static str) -> NativeResult<&'static [u8]> {
    let rom = Name::new(name).map_err(Error::Image)?;
    let found = host.rom(rom).map_err(|e| Error::Host(Request::Rom, e))?;
    let (id, _) = found.ok_or(NativeError::NoModule(name))?;
    let span = host.show(id, false).map_err(|e| Error::Host(Request::Show, e))?;
    Ok(machine::module(span))
}

fn target(host: &World<'_>) -> NativeResult<Program<'static>> {
    Program::parse(module(host, settings::TARGET_MODULE)?).map_err(NativeError::Program)
}

/// Deliberate damage that a test asked for, announced loudly.
fn damage(host: &World<'_>, settings: &Settings) -> NativeResult<Damage> {
    let Some(mutation) = settings.mutation else { return Ok(None) };
    say!("thaw: TEST ONLY, the restored state is damaged on purpose: {mutation}");
    let entry = match mutation {
        Mutation::Entry => target(host)?.entry(),
        _ => 0,
    };
    Ok(Some((mutation, (entry, USER_END))))
}

fn machine(revision: Revision, settings: &Settings) -> Machine {
    let (abi, name) = match revision {
        Revision::G => (Abi::G, "Fiasco.OC, revision G"),
        Revision::M => (Abi::M, "Fiasco.OC, revision M"),
    };
    let kernel = if settings.kernel.is_empty() {
        KernelName::new(name).unwrap_or(KernelName::EMPTY)
    } else {
        settings.kernel
    };
    let board_id = info_page().map_or(0, |info| info.board);
    let board = Name::new(board_name(board_id)).unwrap_or(Name::EMPTY);
    Machine { abi, board_id, board, kernel }
}
