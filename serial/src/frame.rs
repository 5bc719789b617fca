//! Frames as bytes: a header, data, a checksum over both.

/// Bytes of a sector.
pub const SECTOR_BYTES: usize = 512;
/// Bytes of data in a frame at most: two sectors.
pub const DATA_MAX: usize = 2 * SECTOR_BYTES;
/// Bytes of a frame at most.
pub const FRAME_MAX: usize = HEADER_BYTES + DATA_MAX + CHECK_BYTES;
/// Bytes of a frame at least.
pub(crate) const FRAME_MIN: usize = HEADER_BYTES + CHECK_BYTES;

/// Version of the wire format.
const VERSION: u8 = 1;
const HEADER_BYTES: usize = 16;
const CHECK_BYTES: usize = 4;
/// Bit of a kind that makes it an answer.
const ANSWER: u8 = 0x80;

/// What a frame is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Who is there? `value`: a number that tells one start of the target from another.
    Hello,
    /// Asks for `value` sectors from `first` on.
    Read,
    /// Brings sectors for `first` and those after it.
    Write,
    /// Asks for everything written to be kept; where that makes a new image, for the image to be checked.
    Flush,
    /// Says that something arrived damaged: whoever waits for an answer asks again.
    Damaged,
}

impl Kind {
    const fn number(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::Read => 2,
            Self::Write => 3,
            Self::Flush => 4,
            Self::Damaged => 5,
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Hello,
            2 => Self::Read,
            3 => Self::Write,
            4 => Self::Flush,
            5 => Self::Damaged,
            _ => return None,
        })
    }
}

/// How a request went: `value` of an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Done.
    Done,
    /// The request is for another store than the one that is there.
    OtherStore,
    /// The store can only be read.
    ReadOnly,
    /// There are no such sectors.
    BeyondEnd,
    /// The image that was written is none: it did not verify.
    Refused,
    /// The host could not read or write its file.
    Failed,
    /// The request makes no sense.
    Bad,
}

impl Status {
    /// Its number on the line.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Done => 0,
            Self::OtherStore => 1,
            Self::ReadOnly => 2,
            Self::BeyondEnd => 3,
            Self::Refused => 4,
            Self::Failed => 5,
            Self::Bad => 6,
        }
    }

    /// What a number on the line means; an unknown one means no good.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Done,
            1 => Self::OtherStore,
            2 => Self::ReadOnly,
            3 => Self::BeyondEnd,
            4 => Self::Refused,
            5 => Self::Failed,
            _ => Self::Bad,
        }
    }
}

/// A frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// What it is about.
    pub kind: Kind,
    /// Whether it answers.
    pub is_answer: bool,
    /// Number of the request; its answer has the same.
    pub number: u16,
    /// The store that is meant.
    pub store: u32,
    /// First sector.
    pub first: u32,
    /// Depends on the kind; of an answer its [`Status`].
    pub value: u32,
    /// Contents of sectors, or of the answer to a greeting.
    pub data: &'a [u8],
}

impl<'a> Frame<'a> {
    /// A frame that says that something arrived damaged.
    pub const DAMAGED: Self =
        Self { kind: Kind::Damaged, is_answer: true, number: 0, store: 0, first: 0, value: 0, data: &[] };

    /// The answer to this request.
    #[must_use]
    pub const fn answer<'b>(&self, store: u32, status: Status, data: &'b [u8]) -> Frame<'b> {
        let Frame { kind, number, first, .. } = *self;
        Frame { kind, is_answer: true, number, store, first, value: status.number(), data }
    }

    /// Writes the frame to the start of `out`; data beyond [`DATA_MAX`] is left out. Returns its bytes.
    pub fn encode(&self, out: &mut [u8; FRAME_MAX]) -> usize {
        let data = &self.data[..self.data.len().min(DATA_MAX)];
        let answer = if self.is_answer { ANSWER } else { 0 };
        out[0] = VERSION;
        out[1] = self.kind.number() | answer;
        out[2..4].copy_from_slice(&self.number.to_le_bytes());
        for (field, value) in
            out[4..HEADER_BYTES].chunks_exact_mut(4).zip([self.store, self.first, self.value])
        {
            field.copy_from_slice(&value.to_le_bytes());
        }
        let end = HEADER_BYTES + data.len();
        out[HEADER_BYTES..end].copy_from_slice(data);
        let check = crc32fast::hash(&out[..end]);
        out[end..end + CHECK_BYTES].copy_from_slice(&check.to_le_bytes());
        end + CHECK_BYTES
    }

    /// Reads a frame; nothing if it is damaged or of another version.
    #[must_use]
    pub fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (body, check) = bytes.split_last_chunk::<CHECK_BYTES>()?;
        let (header, data) = body.split_at_checked(HEADER_BYTES)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*check)
            || header[0] != VERSION
            || data.len() > DATA_MAX
        {
            return None;
        }
        let word =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        Some(Self {
            kind: Kind::from_number(header[1] & !ANSWER)?,
            is_answer: header[1] & ANSWER != 0,
            number: u16::from_le_bytes([header[2], header[3]]),
            store: word(4),
            first: word(8),
            value: word(12),
            data,
        })
    }
}
