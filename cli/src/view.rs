//! What is shown, as plain data: the text and the JSON are two forms of it.

use std::fmt;

use serde::{Serialize, Serializer};

/// A number shown in hexadecimal, at least `DIGITS` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hex<const DIGITS: usize>(pub u64);

/// A small number: a badge, a slot, a tag.
pub type Short = Hex<1>;
/// A register or address.
pub type Word = Hex<8>;
/// A double-precision register.
pub type Double = Hex<16>;

impl<const DIGITS: usize> fmt::Display for Hex<DIGITS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("0x{:0width$x}", self.0, width = DIGITS))
    }
}

impl<const DIGITS: usize> Serialize for Hex<DIGITS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<const DIGITS: usize> From<u32> for Hex<DIGITS> {
    fn from(value: u32) -> Self {
        Self(value.into())
    }
}

/// All that an image says, but for the content of its pages.
#[derive(Serialize)]
pub struct Report {
    pub disk: Option<Disk>,
    pub header: Header,
    pub targets: Vec<Target>,
    pub threads: Vec<Thread>,
    pub links: Vec<Link>,
    pub queued: Vec<Queued>,
    pub gates: Vec<Gate>,
    pub irqs: Vec<Irq>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<Object>,
    pub externals: Vec<External>,
    pub dataspaces: Vec<Dataspace>,
    pub regions: Vec<Region>,
    pub slots: Vec<Slot>,
    pub extents: Vec<Extent>,
}

#[derive(Serialize)]
pub struct Disk {
    pub commit: u64,
    pub area_bytes: u64,
}

#[derive(Serialize)]
pub struct Header {
    pub format: String,
    pub target: String,
    pub generation: u64,
    pub left_running: bool,
    pub kernel: String,
    pub abi: String,
    pub architecture: String,
    pub board: String,
    pub board_id: u32,
    pub clock_us: u64,
    pub bytes: u64,
    pub pages: u32,
    pub stored_pages: u32,
    pub stored_bytes: u64,
    pub records: u32,
    pub hash: String,
    pub parent: Option<String>,
}

#[derive(Serialize)]
pub struct Target {
    pub name: String,
    pub abi: String,
    pub quota_pages: u32,
    pub badge: Short,
    pub clock_us: u64,
    pub generation: u64,
    pub clones: u32,
}

#[derive(Serialize)]
pub struct Thread {
    pub index: u32,
    pub pd: u32,
    pub name: String,
    pub state: &'static str,
    /// What it was doing, in words.
    pub doing: String,
    pub activity: Option<Activity>,
    pub priority: u32,
    pub affinity_offset: u32,
    pub affinity_mask: Short,
    pub utcb_addr: Word,
    pub pager: String,
    pub handler: String,
    pub r: Vec<Word>,
    pub sp: Word,
    pub lr: Word,
    pub pc: Word,
    pub cpsr: Word,
    pub tpidruro: Word,
    pub d: Vec<Double>,
    pub fpscr: Word,
    pub utcb: Vec<Word>,
}

/// The operands of an activity, as far as its kind has them.
#[derive(Serialize, Default)]
pub struct Activity {
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot: Option<Short>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub badge: Option<Short>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub irq: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<Word>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Short>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr: Option<Word>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Word>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<Word>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Word>,
    /// At most; absent for one that waits for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_us: Option<u64>,
}

#[derive(Serialize)]
pub struct Link {
    pub client: u32,
    pub server: u32,
    pub tag: Word,
    pub shadow: u32,
}

#[derive(Serialize)]
pub struct Queued {
    pub receiver: u32,
    pub position: u32,
    pub sender: u32,
    pub tag: Word,
    pub label: Short,
}

#[derive(Serialize)]
pub struct Gate {
    pub index: u32,
    pub pd: u32,
    pub badge: Short,
    pub thread: Option<u32>,
}

#[derive(Serialize)]
pub struct Irq {
    pub index: u32,
    pub pd: u32,
    pub badge: Short,
    pub thread: Option<u32>,
    pub pending: u32,
}

/// An object of Genode with its badge.
#[derive(Serialize)]
pub struct Object {
    pub index: u32,
    pub pd: u32,
    pub badge: Short,
    pub role: String,
}

#[derive(Serialize)]
pub struct External {
    pub index: u32,
    pub service: String,
    pub session: String,
}

#[derive(Serialize)]
pub struct Dataspace {
    pub index: u32,
    pub bytes: u64,
    pub kind: &'static str,
    pub module: Option<String>,
    pub hash: Option<String>,
}

#[derive(Serialize)]
pub struct Region {
    pub pd: u32,
    pub start: Word,
    /// First address behind it.
    pub end: Word,
    pub bytes: u32,
    pub access: String,
    pub dataspace: u32,
    pub offset: Short,
}

#[derive(Serialize)]
pub struct Slot {
    pub pd: u32,
    pub slot: Short,
    pub object: String,
    pub badge: Short,
    pub rights: String,
}

#[derive(Serialize)]
pub struct Extent {
    pub dataspace: u32,
    pub first_page: u32,
    pub pages: u32,
    pub encoding: &'static str,
    pub offset: u64,
    pub stored_bytes: u32,
    pub hash: Option<String>,
}
