//! What the checkpointer is told to do: `key=value` pairs, checked as a whole before anything is made.

use core::fmt;

use thaw_image::{KernelName, Name};

use crate::mutate::Mutation;

/// Keys that are known, for the message that refuses another.
const KEYS: &str = "mode, name, quota, after_ms, run_ms, after, repeat, kernel, mutate, trace, stops, first_stop, seed, \
                    fresh_every, start, leave, image_kib, stride, at_once, twice, substitute";
const COUNT_MAX: u32 = 1_000_000;
/// A day: no run lasts longer, and no sum of times overflows.
const MS_MAX: u32 = 86_400_000;

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Start the target, checkpoint it, write the image.
    Checkpoint,
    /// Restore the target from the disk.
    Restore,
    /// Checkpoint and destroy the target, then restore it in the same run.
    Both,
    /// Start the target and tell whether it could be saved, and if not, why.
    Check,
    /// Many stops at times that follow from a seed.
    Soak,
    /// Checkpoints and restores of which one step after the other fails: for tests only.
    Faults,
    /// The same, and the checkpointer ends at one step after the other: for tests only.
    Lives,
    /// Requests that have to be refused: for tests only.
    Authority,
    /// Images that have to be refused: for tests only.
    Forged,
}

/// Where the target of a run of stops comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// From its module.
    Target,
    /// From an image.
    Image,
}

/// What becomes of the target after its last checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum After {
    /// It runs on when its memory is copied, while the image is written.
    Resume,
    /// It stands still until the image is on the disk, then it is destroyed. If the image cannot be
    /// written it runs on.
    Destroy,
}

/// All settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// What is done.
    pub mode: Mode,
    /// Name of the target's PD.
    pub name: Name,
    /// Quota of a target that is started, in pages.
    pub quota_pages: u32,
    /// How long the target runs before its first checkpoint, and between two.
    pub after_ms: u32,
    /// How long the target runs on at the end.
    pub run_ms: u32,
    /// What becomes of it after its last checkpoint.
    pub after: After,
    /// Checkpoints; the target runs on after all but the last.
    pub repeat: u32,
    /// Version string of the kernel, for the image.
    pub kernel: KernelName,
    /// Deliberate damage to the restored state, for tests.
    pub mutation: Option<Mutation>,
    /// Whether steps are traced and told.
    pub trace: bool,
    /// How many stops, for [`Mode::Soak`].
    pub stops: u32,
    /// Number of the first.
    pub first_stop: u32,
    /// From which their times follow.
    pub seed: u32,
    /// Every how many stops the target is destroyed and restored; 0: never.
    pub fresh_every: u32,
    /// Where the target comes from.
    pub start: Start,
    /// The last stop leaves the target as an image on the disk.
    pub leave: bool,
    /// Size of the disk in RAM to which images go meanwhile.
    pub image_kib: u32,
    /// For a restore: the ROM module of the second name stands in for that of the first, whatever it holds.
    /// Without it a module that is missing or differs is refused.
    pub substitute: Option<(Name, Name)>,
    /// For [`Mode::Soak`]: the target gets [`after_ms`](Self::after_ms) before the first stop, and no time
    /// before the others.
    pub at_once: bool,
    /// For [`Mode::Soak`]: an image is restored, stopped again before any of its threads runs, and left on the disk.
    pub twice: bool,
    /// Every how many steps one fails, for [`Mode::Faults`].
    pub stride: u32,
}

/// Why settings were refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigError<'a> {
    /// A key that nobody knows.
    Key(&'a str),
    /// A key without which nothing can be done.
    Missing(&'static str),
    /// A value that its key does not take.
    Value {
        /// The key.
        key: &'a str,
        /// The value.
        value: &'a str,
        /// What the key takes.
        takes: &'static str,
    },
}

impl fmt::Display for ConfigError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(f, "config: `{key}` is no key; use {KEYS}"),
            Self::Missing(key) => write!(f, "config: `{key}` is missing; add {key}=.."),
            Self::Value { key, value, takes } => {
                write!(f, "config: `{value}` is no value of `{key}`; use {takes}")
            }
        }
    }
}

impl Settings {
    const DEFAULT: Self = Self {
        mode: Mode::Checkpoint,
        name: Name::EMPTY,
        quota_pages: 4096,
        after_ms: 1000,
        run_ms: 1000,
        after: After::Destroy,
        repeat: 1,
        kernel: KernelName::EMPTY,
        mutation: None,
        trace: false,
        stops: 0,
        first_stop: 0,
        seed: 1,
        fresh_every: 0,
        start: Start::Target,
        leave: false,
        image_kib: 4096,
        substitute: None,
        at_once: false,
        twice: false,
        stride: 1,
    };

    /// Reads all pairs. `mode` is the only key that must be there; of a key given twice the last holds.
    pub fn from_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, ConfigError<'a>> {
        let mut settings = Self::DEFAULT;
        let mut mode = None;
        for (key, value) in pairs {
            match key {
                "mode" => {
                    mode = Some(word(
                        key,
                        value,
                        &MODES,
                        "checkpoint, restore, both, check, soak, faults, lives, authority or forged",
                    )?)
                }
                "after" => settings.after = word(key, value, &AFTERS, "destroy or resume")?,
                "trace" => settings.trace = number(key, value, 0, 1, "0 or 1")? == 1,
                "mutate" => settings.mutation = Some(mutation(key, value)?),
                "name" => settings.name = text(key, value, "1 to 16 printable characters", 16)?,
                "kernel" => settings.kernel = text(key, value, "1 to 64 printable characters", 64)?,
                "quota" => settings.quota_pages = number(key, value, 1, 1 << 20, "1 to 1048576 pages")?,
                "after_ms" => settings.after_ms = number(key, value, 0, MS_MAX, "0 to 86400000 ms")?,
                "run_ms" => settings.run_ms = number(key, value, 0, MS_MAX, "0 to 86400000 ms")?,
                "repeat" => settings.repeat = number(key, value, 1, 1000, "1 to 1000")?,
                "stops" => settings.stops = number(key, value, 0, COUNT_MAX, "0 to 1000000")?,
                "first_stop" => settings.first_stop = number(key, value, 0, COUNT_MAX, "0 to 1000000")?,
                "seed" => settings.seed = number(key, value, 0, u32::MAX, "0 to 4294967295")?,
                "fresh_every" => settings.fresh_every = number(key, value, 0, COUNT_MAX, "0 to 1000000")?,
                "start" => settings.start = word(key, value, &STARTS, "target or image")?,
                "leave" => settings.leave = word(key, value, &YES_NO, "yes or no")?,
                "image_kib" => settings.image_kib = number(key, value, 64, 1 << 20, "64 to 1048576")?,
                "substitute" => settings.substitute = Some(names(key, value)?),
                "at_once" => settings.at_once = word(key, value, &YES_NO, "yes or no")?,
                "twice" => settings.twice = word(key, value, &YES_NO, "yes or no")?,
                "stride" => settings.stride = number(key, value, 1, COUNT_MAX, "1 to 1000000")?,
                _ => return Err(ConfigError::Key(key)),
            }
        }
        settings.mode = mode.ok_or(ConfigError::Missing("mode"))?;
        if settings.name.is_empty() {
            settings.name = Name::new("target").unwrap_or(Name::EMPTY);
        }
        Ok(settings)
    }
}

const MODES: [(&str, Mode); 9] = [
    ("checkpoint", Mode::Checkpoint),
    ("restore", Mode::Restore),
    ("both", Mode::Both),
    ("check", Mode::Check),
    ("soak", Mode::Soak),
    ("faults", Mode::Faults),
    ("lives", Mode::Lives),
    ("authority", Mode::Authority),
    ("forged", Mode::Forged),
];
const STARTS: [(&str, Start); 2] = [("target", Start::Target), ("image", Start::Image)];
const YES_NO: [(&str, bool); 2] = [("yes", true), ("no", false)];
const AFTERS: [(&str, After); 2] = [("destroy", After::Destroy), ("resume", After::Resume)];

fn word<'a, T: Copy>(
    key: &'a str,
    value: &'a str,
    words: &[(&str, T)],
    takes: &'static str,
) -> Result<T, ConfigError<'a>> {
    let found = words.iter().find(|(word, _)| *word == value);
    found.map(|(_, meaning)| *meaning).ok_or(ConfigError::Value { key, value, takes })
}

fn names<'a>(key: &'a str, value: &'a str) -> Result<(Name, Name), ConfigError<'a>> {
    const TAKES: &str = "NAME:NAME, the name in the image and that of a rom module";
    let (from, to) = value.split_once(':').ok_or(ConfigError::Value { key, value, takes: TAKES })?;
    let name = |text: &'a str| Name::new(text).ok().filter(|name| !name.is_empty());
    name(from).zip(name(to)).ok_or(ConfigError::Value { key, value, takes: TAKES })
}

fn mutation<'a>(key: &'a str, value: &'a str) -> Result<Mutation, ConfigError<'a>> {
    Mutation::from_name(value).ok_or(ConfigError::Value { key, value, takes: Mutation::NAMES })
}

fn text<'a, const N: usize>(
    key: &'a str,
    value: &'a str,
    takes: &'static str,
    most: usize,
) -> Result<thaw_image::Text<N>, ConfigError<'a>> {
    let fits = !value.is_empty() && value.len() <= most;
    let text = thaw_image::Text::new(value).ok().filter(|_| fits);
    text.ok_or(ConfigError::Value { key, value, takes })
}

fn number<'a>(
    key: &'a str,
    value: &'a str,
    least: u32,
    most: u32,
    takes: &'static str,
) -> Result<u32, ConfigError<'a>> {
    let number = value.parse().ok().filter(|n| (least..=most).contains(n));
    number.ok_or(ConfigError::Value { key, value, takes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(pairs: &[(&'a str, &'a str)]) -> Result<Settings, ConfigError<'a>> {
        Settings::from_pairs(pairs.iter().copied())
    }

    #[test]
    fn one_key_suffices_and_the_last_value_holds() {
        let settings = parse(&[("mode", "both"), ("mode", "restore")]).expect("good");
        assert_eq!(settings.mode, Mode::Restore);
        assert_eq!((settings.name.as_str(), settings.repeat, settings.after), ("target", 1, After::Destroy));
    }

    #[test]
    fn all_keys_are_taken() {
        let settings = parse(&[
            ("mode", "checkpoint"),
            ("name", "sheep"),
            ("quota", "5000"),
            ("after_ms", "0"),
            ("run_ms", "7"),
            ("after", "resume"),
            ("repeat", "1000"),
            ("kernel", "Fiasco.OC"),
            ("mutate", "vfp"),
            ("trace", "1"),
            ("stops", "9"),
            ("first_stop", "8"),
            ("seed", "4294967295"),
            ("fresh_every", "5"),
            ("start", "image"),
            ("leave", "yes"),
            ("image_kib", "64"),
            ("stride", "3"),
            ("at_once", "yes"),
            ("twice", "yes"),
            ("substitute", "old.cfg:new.cfg"),
        ])
        .expect("good");
        assert_eq!((settings.quota_pages, settings.after_ms, settings.run_ms), (5000, 0, 7));
        assert_eq!((settings.after, settings.repeat), (After::Resume, 1000));
        assert_eq!(settings.kernel.as_str(), "Fiasco.OC");
        assert_eq!((settings.mutation, settings.trace), (Some(Mutation::Vfp), true));
        assert_eq!((settings.stops, settings.first_stop, settings.seed), (9, 8, u32::MAX));
        assert_eq!((settings.fresh_every, settings.start), (5, Start::Image));
        assert_eq!((settings.leave, settings.image_kib), (true, 64));
        assert_eq!((settings.stride, settings.at_once, settings.twice), (3, true, true));
        assert_eq!(settings.substitute.map(|(_, to)| to), Name::new("new.cfg").ok());
    }

    #[test]
    fn refuses_by_name() {
        assert_eq!(parse(&[]), Err(ConfigError::Missing("mode")));
        assert_eq!(parse(&[("mode", "both"), ("quota_mib", "4")]), Err(ConfigError::Key("quota_mib")));
        for (key, value) in [
            ("mode", "Restore"),
            ("quota", "0"),
            ("quota", "4294967296"),
            ("after_ms", "-1"),
            ("after_ms", "86400001"),
            ("run_ms", "1.5"),
            ("after", "kill"),
            ("repeat", "0"),
            ("name", ""),
            ("name", "seventeen-letters"),
            ("name", "b\u{e4}h"),
            ("mutate", "everything"),
            ("trace", "2"),
            ("substitute", "old.cfg"),
            ("substitute", ":new.cfg"),
        ] {
            let refused = parse(&[("mode", "both"), (key, value)]);
            assert!(matches!(refused, Err(ConfigError::Value { .. })), "{key}={value}: {refused:?}");
        }
    }
}
