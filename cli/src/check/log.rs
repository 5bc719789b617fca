//! Reading the result of a check out of a console log. docs/tracing.md has the lines.

/// Begins a line of a check, with the name of the program that printed it: any program may print such
/// text, only the checkpointer has its name.
const PREFIX: &str = "[thaw] thaw-check ";
/// Begins the line of a run that was refused as a whole.
const ERROR: &str = "[thaw] thaw-error code=";
/// Lines of the loader.
const KERNEL: &str = "loader: kernel ";
const FEATURES: &str = "loader: kernel features";

/// Why a target cannot be saved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    /// Its name.
    pub name: String,
    /// In words: object, reason, remedy.
    pub text: String,
    /// Regions that it is about.
    pub regions: Vec<(String, String)>,
}

/// What a log says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Check {
    /// Revision and version string, as the loader read them from the kernel.
    pub kernel: Option<String>,
    /// Options that the kernel was built with, as far as it tells.
    pub features: Vec<String>,
    /// Fields of the checkpointer's lines, in order.
    pub fields: Vec<(String, String)>,
    pub reasons: Vec<Reason>,
    /// Whether the check ended with a verdict.
    pub is_complete: bool,
}

impl Check {
    /// Reads a console log.
    pub fn read(text: &str) -> Self {
        let mut check = Self::default();
        for line in text.lines().map(str::trim) {
            if let Some(rest) = line.strip_prefix(PREFIX) {
                check.note(rest);
            } else if let Some(rest) = line.strip_prefix(ERROR) {
                check.note_error(rest);
            } else if let Some(features) = line.strip_prefix(FEATURES) {
                check.features = features.split_whitespace().map(String::from).collect();
            } else if let Some(kernel) = line.strip_prefix(KERNEL) {
                check.kernel = Some(kernel.into());
            }
        }
        check
    }

    fn note(&mut self, text: &str) {
        if let Some(text) = text.strip_prefix("text=") {
            if let Some(reason) = self.reasons.last_mut() {
                reason.text = text.into();
            }
            return;
        }
        let mut fields = text.split_whitespace().filter_map(|field| field.split_once('=')).peekable();
        match fields.peek().copied() {
            Some(("reason", name)) => {
                self.reasons.push(Reason { name: name.into(), text: String::new(), regions: Vec::new() });
            }
            Some(("region", address)) => {
                let bytes = fields.find(|(key, _)| *key == "bytes").map_or("?", |(_, bytes)| bytes);
                if let Some(reason) = self.reasons.last_mut() {
                    reason.regions.push((address.into(), bytes.into()));
                }
            }
            first => {
                self.is_complete |= first.is_some_and(|(key, _)| key == "saveable");
                self.fields.extend(fields.map(|(key, value)| (key.into(), value.into())));
            }
        }
    }

    /// The run ended before or instead of the check.
    fn note_error(&mut self, text: &str) {
        let mut words = text.splitn(3, ' ');
        let name = words.next().unwrap_or_default().to_owned();
        let text = words.nth(1).unwrap_or_default().to_owned();
        self.reasons.push(Reason { name, text, regions: Vec::new() });
        self.is_complete = true;
    }

    /// The last value of a field.
    pub fn field(&self, key: &str) -> Option<&str> {
        self.fields.iter().rev().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// All values of a field, in order.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// Whether the target can be saved.
    pub fn is_saveable(&self) -> bool {
        self.reasons.is_empty() && self.field("saveable") == Some("yes")
    }
}
