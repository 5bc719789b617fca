//! Every reason for which an image, a record or a disk is refused.

use crate::{Digest, Kind, Name};

/// A bound of the format or of a caller's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Records of one kind.
    Records(Kind),
    /// Bytes of the record table.
    TableBytes,
    /// Pages of all RAM dataspaces.
    Pages,
    /// Entries of the extent table that the caller of the writer supplied.
    ExtentTable,
}

/// Why content is refused. [`code`](Refusal::code) groups the reasons into exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The first eight bytes are neither those of an image nor those of a disk.
    NotAnImage {
        /// The bytes found.
        found: [u8; 8],
    },
    /// Another major version: nothing behind it can be relied on.
    Major {
        /// Version found.
        found: u16,
    },
    /// A newer minor version of the known major one.
    Minor {
        /// Minor version found.
        found: u16,
    },
    /// The header does not have the hash that it states.
    HeaderDamaged,
    /// A field of the header is out of its range although the header hash is right.
    HeaderField {
        /// Name of the field in docs/image-format.md.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// The image was made on another architecture.
    Architecture {
        /// Number found.
        found: u16,
    },
    /// The image was made under another ABI revision of the kernel.
    Abi {
        /// Number found (1 = G, 2 = M).
        found: u16,
        /// Number of the running kernel, or 0 where the number found is unknown.
        here: u16,
    },
    /// The image was made on another board.
    Board {
        /// Board of the image.
        found: Name,
        /// Board of the restorer.
        here: Name,
    },
    /// The image builds on another parent than the one given.
    Parent {
        /// Header hash that the image names as its parent.
        found: Digest,
        /// Header hash of the parent given; [`Digest::NONE`] for no parent.
        given: Digest,
    },
    /// The image is another checkpoint of the target than the one wanted.
    Generation {
        /// Number of the checkpoint in the image.
        found: u64,
        /// Number wanted.
        wanted: u64,
    },
    /// There are fewer bytes than the image needs.
    Truncated {
        /// Bytes needed.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// There are bytes after the end of the image.
    Leftover {
        /// Where the image ends.
        end: u64,
        /// Bytes there are.
        available: u64,
    },
    /// The record table does not have the hash that the header states.
    TableDamaged,
    /// A stored extent does not have the hash that its record states.
    ExtentDamaged {
        /// Dataspace of the extent.
        dataspace: u32,
        /// Its first page.
        first_page: u32,
        /// Its pages.
        page_count: u32,
    },
    /// A byte that only aligns is not zero.
    Padding {
        /// Where it stands.
        offset: u64,
    },
    /// A kind of record that this version does not know.
    UnknownKind {
        /// Number found.
        kind: u16,
        /// Offset in the table.
        offset: u64,
    },
    /// A record of a known kind in an unknown version.
    RecordVersion {
        /// Kind of the record.
        kind: Kind,
        /// Its index.
        index: u32,
        /// Version found.
        found: u16,
    },
    /// A record of another length than its kind and version have.
    RecordLength {
        /// Kind of the record.
        kind: Kind,
        /// Its index.
        index: u32,
        /// Payload length found.
        found: u32,
        /// Payload length of this kind.
        expected: u32,
    },
    /// A record that the end of the table cuts, or fewer or more records than the header states.
    RecordCount {
        /// Whole records found.
        found: u32,
        /// Records the header states.
        expected: u32,
    },
    /// A field of a record is out of its range.
    Field {
        /// Kind of the record.
        kind: Kind,
        /// Its index.
        index: u32,
        /// Name of the field in docs/image-format.md.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// Reserved or unused bytes of a record are set.
    ReservedBytes {
        /// Kind of the record.
        kind: Kind,
        /// Its index.
        index: u32,
        /// First such byte of the payload.
        offset: u32,
    },
    /// Two records of the same kind and index.
    Duplicate {
        /// Kind of the records.
        kind: Kind,
        /// Their index.
        index: u32,
    },
    /// A record stands behind one that has to come later.
    Order {
        /// Kind of the record.
        kind: Kind,
        /// Its index.
        index: u32,
    },
    /// A record that has to be there is not.
    Missing {
        /// Kind of the record.
        kind: Kind,
        /// The object that needs it.
        index: u32,
    },
    /// A record names an object that does not exist.
    Reference {
        /// Kind of the record.
        kind: Kind,
        /// Its index.
        index: u32,
        /// Kind of object named.
        to: Kind,
        /// Index named.
        target: u32,
    },
    /// Two records contradict each other.
    Contradiction {
        /// Kind of the record found to be in the wrong.
        kind: Kind,
        /// Its index.
        index: u32,
        /// Name of the rule in docs/image-format.md.
        rule: &'static str,
    },
    /// More of something than the format or a table admits.
    Limit {
        /// What there is too much of.
        bound: Bound,
        /// How much there is, at least.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
    /// An extent does not start where the one before ended, in its dataspace or in the image.
    ExtentPlace {
        /// Index of the extent.
        index: u32,
        /// Dataspace of the extent.
        dataspace: u32,
        /// First page found.
        first_page: u32,
        /// First page that would follow.
        expected_page: u32,
    },
    /// The pages of a dataspace are not the number that its size demands.
    PageCount {
        /// The dataspace.
        dataspace: u32,
        /// Pages found.
        found: u32,
        /// Pages demanded.
        expected: u32,
    },
    /// A page encoding that is reserved, or that needs a parent which this version cannot take.
    Encoding {
        /// Index of the extent.
        index: u32,
        /// Number of the encoding.
        found: u32,
    },
    /// A name beyond its limit.
    NameTooLong {
        /// Bytes of the name.
        length: u32,
        /// Bytes it may have.
        limit: u32,
    },
    /// A name with a byte that is not printable ASCII.
    NameByte {
        /// The byte.
        byte: u8,
        /// Where it stands.
        position: u32,
    },
    /// A buffer handed in is shorter than needed.
    Buffer {
        /// Bytes needed.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// The disk holds no checkpoint yet.
    DiskEmpty,
    /// Neither header sector of the disk can be read.
    DiskHeaders,
    /// The disk is too small to be a store at all, or smaller than it was.
    DiskSize {
        /// Bytes needed.
        needed: u64,
        /// Bytes there are.
        available: u64,
    },
    /// An image is larger than a data area of the disk.
    DiskFull {
        /// Bytes needed, at least.
        needed: u64,
        /// Bytes of an area.
        available: u64,
    },
    /// The disk was laid out by another version.
    DiskVersion {
        /// Major version found.
        major: u16,
        /// Minor version found.
        minor: u16,
    },
}

impl Refusal {
    /// Returns the exit code of the reason, the same in every tool; the table is in
    /// docs/image-format.md. Codes below 10 belong to the tools themselves.
    pub const fn code(&self) -> u8 {
        match self {
            Self::NotAnImage { .. } => 10,
            Self::Major { .. } | Self::Minor { .. } => 11,
            Self::Architecture { .. } => 12,
            Self::Abi { .. } => 13,
            Self::Board { .. } => 14,
            Self::Parent { .. } => 15,
            Self::HeaderDamaged | Self::HeaderField { .. } => 16,
            Self::Truncated { .. } => 17,
            Self::Leftover { .. } => 18,
            Self::TableDamaged => 19,
            Self::ExtentDamaged { .. } => 20,
            Self::Padding { .. } => 21,
            Self::UnknownKind { .. } | Self::RecordVersion { .. } => 22,
            Self::RecordLength { .. }
            | Self::RecordCount { .. }
            | Self::Field { .. }
            | Self::ReservedBytes { .. }
            | Self::NameTooLong { .. }
            | Self::NameByte { .. } => 23,
            Self::Duplicate { .. } => 24,
            Self::Order { .. } | Self::Missing { .. } => 25,
            Self::Reference { .. } | Self::Contradiction { .. } => 26,
            Self::Limit { .. } | Self::Buffer { .. } => 27,
            Self::ExtentPlace { .. } | Self::PageCount { .. } => 28,
            Self::Encoding { .. } => 29,
            Self::DiskEmpty => 30,
            Self::DiskHeaders => 31,
            Self::DiskSize { .. } => 32,
            Self::DiskFull { .. } => 33,
            Self::DiskVersion { .. } => 34,
            Self::Generation { .. } => 35,
        }
    }
}
