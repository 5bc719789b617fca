//! The words of a refusal: the object, the reason, the remedy.

use core::fmt;

use crate::{Bound, Kind, MAJOR, MINOR, Refusal};

const REMEDY_DAMAGED: &str = "take another copy of it or an older checkpoint";
const REMEDY_WRITER: &str = "this is a defect of the program that wrote it; make a new checkpoint";
const REMEDY_NEWER: &str = "use a thaw that is as new as the one that made it";

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records(kind) => write!(f, "{kind} records"),
            Self::TableBytes => f.write_str("bytes of the record table"),
            Self::Pages => f.write_str("pages of memory"),
            Self::ExtentTable => f.write_str("entries of the extent table"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotAnImage { .. }
            | Self::Major { .. }
            | Self::Minor { .. }
            | Self::HeaderDamaged
            | Self::HeaderField { .. } => header(self, f),
            Self::Architecture { .. }
            | Self::Abi { .. }
            | Self::Board { .. }
            | Self::Parent { .. }
            | Self::Generation { .. } => place(self, f),
            Self::Truncated { .. }
            | Self::Leftover { .. }
            | Self::TableDamaged
            | Self::ExtentDamaged { .. }
            | Self::Padding { .. } => bytes(self, f),
            Self::DiskEmpty
            | Self::DiskHeaders
            | Self::DiskSize { .. }
            | Self::DiskFull { .. }
            | Self::DiskVersion { .. } => disk(self, f),
            Self::Limit { .. } | Self::Buffer { .. } | Self::NameTooLong { .. } | Self::NameByte { .. } => {
                amount(self, f)
            }
            Self::Encoding { .. } | Self::ExtentPlace { .. } | Self::PageCount { .. } => extents(self, f),
            _ => record(self, f),
        }
    }
}

fn header(refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match *refusal {
        Refusal::NotAnImage { found } => {
            f.write_str("not a checkpoint image or disk: it starts with ")?;
            found.iter().try_for_each(|b| write!(f, "{b:02x}"))?;
            f.write_str("; name a file that a checkpoint wrote")
        }
        Refusal::Major { found } => {
            write!(f, "image format {found}.x is not known, this build reads {MAJOR}.{MINOR}; {REMEDY_NEWER}")
        }
        Refusal::Minor { found } => write!(
            f,
            "image format {MAJOR}.{found} is not known, this build reads {MAJOR}.{MINOR}; {REMEDY_NEWER}"
        ),
        Refusal::HeaderDamaged => {
            write!(f, "image header is damaged: its hash does not match; {REMEDY_DAMAGED}")
        }
        Refusal::HeaderField { field, value } => {
            write!(f, "image header: field {field} has the impossible value {value:#x}; {REMEDY_WRITER}")
        }
        _ => Ok(()),
    }
}

fn place(refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match *refusal {
        Refusal::Architecture { found } => {
            write!(
                f,
                "image is for architecture {found}, not for 32-bit ARM (1); restore it where it was made"
            )
        }
        Refusal::Abi { found, here: 0 } => {
            write!(f, "image is for kernel ABI revision {found}, known are 1 (G) and 2 (M); {REMEDY_NEWER}")
        }
        Refusal::Abi { found, here } => write!(
            f,
            "image is for kernel ABI revision {}, this kernel is revision {}; boot a kernel of the image's revision",
            AbiName(found),
            AbiName(here)
        ),
        Refusal::Board { found, here } => {
            write!(f, "image is for board {found}, this is board {here}; restore it on a {found}")
        }
        Refusal::Parent { found, given } if given.is_none() => {
            write!(f, "image builds on parent {found} and none is given; give the parent image, too")
        }
        Refusal::Parent { found, given } if found.is_none() => {
            write!(f, "image builds on no parent, given is {given}; leave the parent out")
        }
        Refusal::Parent { found, given } => {
            write!(f, "image builds on parent {found}, given is {given}; give the right parent image")
        }
        Refusal::Generation { found, wanted } => {
            write!(
                f,
                "image is checkpoint {found} of the target, wanted is {wanted}; take the image of that one"
            )
        }
        _ => Ok(()),
    }
}

struct AbiName(u16);

impl fmt::Display for AbiName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("G"),
            2 => f.write_str("M"),
            other => other.fmt(f),
        }
    }
}

fn bytes(refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match *refusal {
        Refusal::Truncated { needed, available } => {
            write!(f, "image is cut off: it needs {needed} bytes and there are {available}; {REMEDY_DAMAGED}")
        }
        Refusal::Leftover { end, available } => write!(
            f,
            "image ends at byte {end} and there are {available} bytes; cut the file there if the rest is foreign"
        ),
        Refusal::TableDamaged => {
            write!(f, "record table is damaged: its hash does not match; {REMEDY_DAMAGED}")
        }
        Refusal::ExtentDamaged { dataspace, first_page, page_count } => write!(
            f,
            "memory is damaged: {page_count} pages from page {first_page} of dataspace {dataspace} do not \
             match their hash; {REMEDY_DAMAGED}"
        ),
        Refusal::Padding { offset } => {
            write!(f, "padding byte at offset {offset} is not zero; {REMEDY_DAMAGED}")
        }
        _ => Ok(()),
    }
}

fn record(refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match *refusal {
        Refusal::UnknownKind { kind, offset } => {
            write!(f, "record of unknown kind {kind} at offset {offset} of the table; {REMEDY_NEWER}")
        }
        Refusal::RecordVersion { kind, index, found } => {
            write!(f, "{kind} record {index} has the unknown version {found}; {REMEDY_NEWER}")
        }
        Refusal::RecordLength { kind, index, found, expected } => {
            write!(f, "{kind} record {index} has {found} bytes instead of {expected}; {REMEDY_WRITER}")
        }
        Refusal::RecordCount { found, expected } => write!(
            f,
            "record table holds {found} whole records, the header states {expected}; {REMEDY_WRITER}"
        ),
        Refusal::Field { kind, index, field, value } => write!(
            f,
            "{kind} record {index}: field {field} has the impossible value {value:#x}; {REMEDY_WRITER}"
        ),
        Refusal::ReservedBytes { kind, index, offset } => {
            write!(f, "{kind} record {index}: unused byte {offset} is set; {REMEDY_WRITER}")
        }
        _ => relation(refusal, f),
    }
}

fn relation(refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match *refusal {
        Refusal::Duplicate { kind, index } => {
            write!(f, "{kind} record {index} is there twice; {REMEDY_WRITER}")
        }
        Refusal::Order { kind, index } => {
            write!(f, "{kind} record {index} stands in the wrong place of the table; {REMEDY_WRITER}")
        }
        Refusal::Missing { kind: Kind::Target, .. } => {
            write!(f, "image has no target record; {REMEDY_WRITER}")
        }
        Refusal::Missing { kind, index } => {
            write!(f, "{kind} record that belongs to object {index} is missing; {REMEDY_WRITER}")
        }
        Refusal::Reference { kind, index, to, target } => {
            write!(f, "{kind} record {index} names {to} {target}, which is not in the image; {REMEDY_WRITER}")
        }
        Refusal::Contradiction { kind, index, rule } => {
            write!(f, "{kind} record {index} contradicts the others (rule {rule}); {REMEDY_WRITER}")
        }
        _ => Ok(()),
    }
}

fn amount(refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match *refusal {
        Refusal::Limit { bound, found, limit } => {
            write!(f, "{found} {bound} are more than the limit of {limit}; make the target smaller")
        }
        Refusal::Buffer { needed, available } => {
            write!(f, "buffer has {available} bytes and needs {needed}; hand in a larger one")
        }
        Refusal::NameTooLong { length, limit } => {
            write!(f, "name has {length} bytes, the limit is {limit}; shorten it")
        }
        Refusal::NameByte { byte, position } => {
            write!(f, "name has byte {byte:#04x} at position {position}; use printable ASCII")
        }
        _ => Ok(()),
    }
}

fn extents(refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match *refusal {
        Refusal::Encoding { index, found } => {
            write!(f, "extent record {index} has the page encoding {found}, not known here; {REMEDY_NEWER}")
        }
        Refusal::ExtentPlace { index, dataspace, first_page, expected_page } => write!(
            f,
            "extent record {index} starts at page {first_page} of dataspace {dataspace} instead of page \
             {expected_page} or not where the bytes before end; {REMEDY_WRITER}"
        ),
        Refusal::PageCount { dataspace, found, expected } => {
            write!(f, "dataspace {dataspace} comes with {found} pages instead of {expected}; {REMEDY_WRITER}")
        }
        _ => Ok(()),
    }
}

fn disk(refusal: &Refusal, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match *refusal {
        Refusal::DiskEmpty => f.write_str("disk holds no checkpoint; make one first or name another disk"),
        Refusal::DiskHeaders => f.write_str(
            "disk headers A and B are both damaged; take a copy of the disk or start over with a zeroed one",
        ),
        Refusal::DiskSize { needed, available } => {
            write!(f, "disk is too small: it has {available} bytes and needs {needed}; use a larger one")
        }
        Refusal::DiskFull { needed, available } => write!(
            f,
            "disk is full: the image needs {needed} bytes and a data area has {available}; use a larger disk"
        ),
        Refusal::DiskVersion { major, minor } => {
            write!(f, "disk layout {major}.{minor} is not known, this build reads 1.0; {REMEDY_NEWER}")
        }
        _ => Ok(()),
    }
}

impl core::error::Error for Refusal {}
