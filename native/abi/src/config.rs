//! The `system` module: which PDs root starts, one per line.
//!
//! ```text
//! # a comment
//! pd name=blk file=blk quota=256 prio=180 devices provides=block
//! pd name=thaw file=thaw quota=65536 prio=170 manager checkpoint uses=block
//! ```
//!
//! Quotas are in pages. A PD that uses a service starts when the service was announced.

use core::fmt;

/// Name of the archive module that holds the configuration.
pub const SYSTEM_MODULE: &str = "system";
/// The service of the block driver, the only one there is a slot for.
pub const SERVICE_BLOCK: &str = "block";

/// One PD of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PdConfig<'a> {
    /// Name in the log, at most 16 bytes.
    pub name: &'a str,
    /// Archive module with the program.
    pub file: &'a str,
    /// Memory it may use, in pages.
    pub quota_pages: u32,
    /// Highest priority of its threads, and that of the first.
    pub priority: u32,
    /// It may attach device memory and take interrupts.
    pub devices: bool,
    /// It may create PDs.
    pub manager: bool,
    /// The checkpoint service is routed to it.
    pub checkpoint: bool,
    /// It is started again when it has ended.
    pub restart: bool,
    /// It may order failures of root and of the checkpoint service: for tests only.
    pub faults: bool,
    /// Service it announces.
    pub provides: Option<&'a str>,
    /// Service it waits for.
    pub uses: Option<&'a str>,
}

/// Why a line was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<'a> {
    /// The line does not begin with `pd`.
    Directive(&'a str),
    /// A word is none of the keys.
    Key(&'a str),
    /// A key is missing or empty.
    Missing(&'static str),
    /// A key is given twice.
    Twice(&'static str),
    /// The value is no decimal number in range.
    Number(&'a str),
    /// A name is longer than its field.
    Long(&'a str),
    /// A service that nobody knows.
    Service(&'a str),
    /// The module is not UTF-8 text.
    Text,
}

/// A refused line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError<'a> {
    /// Line number, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub fault: Fault<'a>,
}

impl fmt::Display for ConfigError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "module {SYSTEM_MODULE}, line {}: ", self.line)?;
        match self.fault {
            Fault::Directive(word) => write!(f, "`{word}` is no directive; begin the line with `pd`"),
            Fault::Key(word) => write!(
                f,
                "`{word}` is no key; use name, file, quota, prio, devices, manager, checkpoint, provides, uses"
            ),
            Fault::Missing(key) => write!(f, "`{key}` is missing; add {key}=.."),
            Fault::Twice(key) => write!(f, "`{key}` is given twice; remove one"),
            Fault::Number(word) => write!(f, "`{word}` is no number in range; write it in decimal"),
            Fault::Long(word) => write!(f, "`{word}` is too long; shorten it"),
            Fault::Service(word) => write!(f, "`{word}` is no service; the only one is `{SERVICE_BLOCK}`"),
            Fault::Text => write!(f, "not UTF-8 text; rebuild the archive"),
        }
    }
}

/// Reads the PDs of a `system` module in order; a refused line is an error of its own.
pub fn parse(module: &[u8]) -> impl Iterator<Item = Result<PdConfig<'_>, ConfigError<'_>>> {
    let (text, broken) = match core::str::from_utf8(module) {
        Ok(text) => (text, None),
        Err(_) => ("", Some(Err(ConfigError { line: 1, fault: Fault::Text }))),
    };
    let lines = text.lines().zip(1..).filter_map(|(text, line)| {
        let text = text.split('#').next().unwrap_or_default().trim();
        (!text.is_empty()).then(|| parse_line(text).map_err(|fault| ConfigError { line, fault }))
    });
    broken.into_iter().chain(lines)
}

fn parse_line(text: &str) -> Result<PdConfig<'_>, Fault<'_>> {
    let mut words = text.split_ascii_whitespace();
    match words.next() {
        Some("pd") => {}
        other => return Err(Fault::Directive(other.unwrap_or_default())),
    }
    let (mut name, mut file, mut quota, mut prio) = (None, None, None, None);
    let (mut devices, mut manager, mut checkpoint, mut faults) = (None, None, None, None);
    let mut restart = None;
    let (mut provides, mut uses) = (None, None);
    for word in words {
        match word.split_once('=').unwrap_or((word, "")) {
            ("name", v) => set(&mut name, "name", short(v, 16)?)?,
            ("file", v) => set(&mut file, "file", short(v, crate::boot::MODULE_NAME_BYTES)?)?,
            ("quota", v) => set(&mut quota, "quota", number(v, 1, 1 << 20)?)?,
            ("prio", v) => set(&mut prio, "prio", number(v, 1, 255)?)?,
            ("provides", v) => set(&mut provides, "provides", service(v)?)?,
            ("uses", v) => set(&mut uses, "uses", service(v)?)?,
            ("devices", "") => set(&mut devices, "devices", ())?,
            ("manager", "") => set(&mut manager, "manager", ())?,
            ("checkpoint", "") => set(&mut checkpoint, "checkpoint", ())?,
            ("restart", "") => set(&mut restart, "restart", ())?,
            ("faults", "") => set(&mut faults, "faults", ())?,
            _ => return Err(Fault::Key(word)),
        }
    }
    Ok(PdConfig {
        name: name.filter(|n| !n.is_empty()).ok_or(Fault::Missing("name"))?,
        file: file.filter(|n| !n.is_empty()).ok_or(Fault::Missing("file"))?,
        quota_pages: quota.ok_or(Fault::Missing("quota"))?,
        priority: prio.ok_or(Fault::Missing("prio"))?,
        devices: devices.is_some(),
        manager: manager.is_some(),
        checkpoint: checkpoint.is_some(),
        faults: faults.is_some(),
        restart: restart.is_some(),
        provides,
        uses,
    })
}

fn set<'a, T>(field: &mut Option<T>, key: &'static str, value: T) -> Result<(), Fault<'a>> {
    if field.replace(value).is_some() { Err(Fault::Twice(key)) } else { Ok(()) }
}

fn short(value: &str, most: usize) -> Result<&str, Fault<'_>> {
    if value.len() > most { Err(Fault::Long(value)) } else { Ok(value) }
}

fn number(value: &str, least: u32, most: u32) -> Result<u32, Fault<'_>> {
    value.parse().ok().filter(|n| (least..=most).contains(n)).ok_or(Fault::Number(value))
}

fn service(value: &str) -> Result<&str, Fault<'_>> {
    if value == SERVICE_BLOCK { Ok(value) } else { Err(Fault::Service(value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<PdConfig<'_>, Fault<'_>> {
        parse(text.as_bytes()).next().expect("one line").map_err(|e| e.fault)
    }

    #[test]
    fn the_documented_lines_parse() {
        let text = b"# comment\n\npd name=blk file=blk quota=256 prio=180 devices provides=block # tail\n\
            pd name=thaw file=thaw-bin quota=65536 prio=170 manager checkpoint uses=block\n";
        let mut pds = parse(text);
        let blk = pds.next().expect("first").expect("good");
        assert_eq!((blk.name, blk.file, blk.quota_pages, blk.priority), ("blk", "blk", 256, 180));
        assert!(blk.devices && !blk.manager && !blk.checkpoint);
        assert_eq!((blk.provides, blk.uses), (Some("block"), None));
        let thaw = pds.next().expect("second").expect("good");
        assert_eq!((thaw.file, thaw.uses, thaw.devices), ("thaw-bin", Some("block"), false));
        assert!(thaw.manager && thaw.checkpoint && !thaw.faults);
        assert!(pds.next().is_none());
    }

    #[test]
    fn each_mistake_has_its_name() {
        let good = "name=a file=a quota=1 prio=1";
        for (text, fault) in [
            ("task name=a", Fault::Directive("task")),
            ("pd name=a file=a quota=1 prio=1 root", Fault::Key("root")),
            ("pd name=a file=a quota=1 prio=1 devices=no", Fault::Key("devices=no")),
            ("pd name= file=a quota=1 prio=1", Fault::Missing("name")),
            ("pd name=a file=a prio=1", Fault::Missing("quota")),
            ("pd name=a name=b file=a quota=1 prio=1", Fault::Twice("name")),
            ("pd name=a file=a quota=0 prio=1", Fault::Number("0")),
            ("pd name=a file=a quota=1 prio=256", Fault::Number("256")),
            ("pd name=abcdefghijklmnopq file=a quota=1 prio=1", Fault::Long("abcdefghijklmnopq")),
            ("pd name=a file=a quota=1 prio=1 uses=net", Fault::Service("net")),
        ] {
            assert_eq!(one(text), Err(fault), "{text}");
        }
        assert!(one(&["pd ", good].concat()).is_ok());
        assert!(one(&["pd ", good, " faults"].concat()).is_ok_and(|pd| pd.faults));
        assert_eq!(parse(b"\xff").next().expect("an error").map_err(|e| e.fault), Err(Fault::Text));
    }

    #[test]
    fn an_error_tells_its_line() {
        let error = parse(b"\n# x\npd oops\n").next().expect("a line").expect_err("bad");
        assert_eq!(error.line, 3);
    }
}
