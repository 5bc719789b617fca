//! Starting the PDs of the `system` module from the archive.

use thaw_bootimage::program::Program;
use thaw_l4::raw;
use thaw_native_abi::config::{PdConfig, SYSTEM_MODULE, parse};
use thaw_native_abi::{layout, name_words};

use crate::archive::{Archive, Module};
use crate::books::{Root, say};
use crate::dataspaces::{Dataspace, Kind as SpaceKind};
use crate::error::{Error, Result};
use crate::label::{Kind, PdId};
use crate::machine::Machine;
use crate::memory::AttachSpec;
use crate::pd::{Name, PdSpec};
use crate::threads::ThreadSpec;

/// A PD that waits for a service. Archive and configuration live as long as root.
#[derive(Clone, Copy, Debug)]
pub struct Waiting {
    /// Its line of the `system` module.
    pub config: PdConfig<'static>,
    /// Its program.
    pub module: Module<'static>,
}

impl Root {
    /// Makes a dataspace of each module.
    pub fn add_modules(&mut self, archive: &Archive<'static>, archive_phys: u32) -> Result<()> {
        for module in archive.modules() {
            self.dataspaces.add(Dataspace {
                id: 0,
                kind: SpaceKind::Rom,
                owner: None,
                phys: archive_phys + module.offset,
                bytes: module.bytes.len() as u32,
                filled: 0,
                name: name_words(module.name),
            })?;
        }
        Ok(())
    }

    /// Starts all PDs of the `system` module, or has them wait for their service. What cannot be
    /// started is named in the log; the others start all the same.
    pub fn start_all(&mut self, m: &impl Machine, archive: &Archive<'static>) {
        let Some(system) = archive.find(SYSTEM_MODULE) else {
            say(m, format_args!("no module `{SYSTEM_MODULE}` in the archive: nothing to start; pack one"));
            return;
        };
        for line in parse(system.bytes) {
            match line {
                Ok(config) => self.start_or_wait(m, archive, config),
                Err(e) => say(m, format_args!("{e}")),
            }
        }
    }

    fn start_or_wait(&mut self, m: &impl Machine, archive: &Archive<'static>, config: PdConfig<'static>) {
        let Some(module) = archive.find(config.file) else {
            say(
                m,
                format_args!(
                    "pd `{}` not started: no module `{}` in the archive; pack it",
                    config.name, config.file
                ),
            );
            return;
        };
        let waiting = Waiting { config, module };
        if config.uses.is_some() && self.block.is_none() {
            if self.waiting.push(waiting).is_err() {
                say(m, format_args!("pd `{}` not started: too many PDs; use fewer", config.name));
            }
        } else {
            self.start_pd(m, &waiting);
        }
    }

    /// Starts the PDs that waited for the block service.
    pub fn start_waiting(&mut self, m: &impl Machine) {
        let waiting = core::mem::take(&mut self.waiting);
        for pd in &waiting {
            self.start_pd(m, pd);
        }
    }

    /// Starts a PD; what prevents it is named in the log.
    pub fn start_pd(&mut self, m: &impl Machine, waiting: &Waiting) {
        let (config, file) = (&waiting.config, waiting.module.bytes);
        if let Err(e) = self.try_start(m, config, file, Some(*waiting)) {
            say(m, format_args!("pd `{}` not started from module `{}`: {e}", config.name, config.file));
        }
    }

    fn try_start(
        &mut self,
        m: &impl Machine,
        config: &PdConfig<'_>,
        file: &[u8],
        waiting: Option<Waiting>,
    ) -> Result<PdId> {
        let program = Program::parse(file).map_err(Error::Program)?;
        let spec = PdSpec {
            name: Name::new(config.name),
            parent: None,
            quota_pages: config.quota_pages,
            priority: config.priority,
        };
        let id = self.pd_create(m, &spec)?;
        self.pds.get_mut(id)?.restart = waiting.filter(|_| config.restart);
        let started = self
            .configure(m, id, config)
            .and_then(|()| self.load(m, id, &program))
            .and_then(|()| self.start_first_thread(m, id, program.entry(), config.priority));
        if let Err(e) = started {
            self.pd_destroy(m, id)?;
            return Err(e);
        }
        Ok(id)
    }

    fn configure(&mut self, m: &impl Machine, id: PdId, config: &PdConfig<'_>) -> Result<()> {
        let pd = self.pds.get_mut(id)?;
        pd.devices = config.devices;
        pd.faults = config.faults;
        pd.provides_block = config.provides.is_some();
        if config.manager {
            self.session(m, id, layout::SLOT_MANAGER, Kind::Manager)?;
        }
        if config.checkpoint {
            self.checkpoint_session(m, id)?;
        }
        if config.uses.is_some() {
            self.block_session(m, id)?;
        }
        Ok(())
    }

    fn load(&mut self, m: &impl Machine, id: PdId, program: &Program<'_>) -> Result<()> {
        for piece in program.pieces() {
            let dataspace = self.ram_create(m, id, piece.bytes)?;
            let spec =
                AttachSpec { dataspace, addr: piece.addr, offset: 0, bytes: None, rights: piece.rights };
            self.attach(id, spec)?;
            let phys = self.dataspaces.get(dataspace).ok_or(Error::NoSuchObject)?.phys;
            for (offset, bytes) in program.contents(*piece) {
                m.copy_in(phys + offset, bytes);
            }
        }
        Ok(())
    }

    fn start_first_thread(&mut self, m: &impl Machine, id: PdId, entry: u32, priority: u32) -> Result<()> {
        let stack = layout::USER_END - layout::STACK_BYTES;
        self.allocate(m, id, layout::STACK_BYTES, stack, raw::L4_FPAGE_RW)?;
        let spec = ThreadSpec {
            index: Some(0),
            ip: entry,
            sp: layout::USER_END,
            priority,
            tpidruro: 0,
            start: true,
            name: Name::new("main"),
        };
        self.thread_create(m, id, &spec).map(|_| ())
    }
}
