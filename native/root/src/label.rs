//! Labels of root's own gates: which session of which PD a message came through.
//!
//! Bit 31 is set, so that no badge of a program (below 2^31) looks like one. Bits 28-30 kind, 14-27
//! generation of the PD's entry, 8-13 the entry, 2-7 a thread index. The low two bits carry the
//! sender's rights. The generation makes a capability of a dead PD worthless when its entry is used again.

use bit_field::BitField;

/// Labels of root start here; badges of programs lie below.
pub const ROOT_LABELS: u32 = 1 << 31;
/// PDs at most.
pub const PDS_MAX: usize = 16;
/// Generations before they start again at 1.
pub const GENERATIONS: u16 = (1 << 14) - 1;

/// What a gate of root is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A PD's own session: [`thaw_native_abi::target`].
    Program,
    /// A PD's log session.
    Log,
    /// A manager's session: [`thaw_native_abi::manager`].
    Manager,
    /// The PD's capability, held by its parent: [`thaw_native_abi::pd`].
    Parent,
    /// Page faults and exceptions of one thread.
    Pager,
    /// Root's own threads: [`crate::internal`].
    Internal,
    /// A client's capability of the checkpoint service; not bound to root's main thread.
    Checkpoint,
}

impl Kind {
    const ALL: [Self; 7] = [
        Self::Program,
        Self::Log,
        Self::Manager,
        Self::Parent,
        Self::Pager,
        Self::Internal,
        Self::Checkpoint,
    ];
}

/// A PD's entry and generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PdId {
    /// Entry in the table.
    pub index: u8,
    /// How often the entry was used, from 1.
    pub generation: u16,
}

/// A decoded label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Which session.
    pub kind: Kind,
    /// Whose.
    pub pd: PdId,
    /// Thread index, for [`Kind::Pager`].
    pub thread: u8,
}

impl Label {
    /// A session of a PD.
    #[must_use]
    pub const fn session(kind: Kind, pd: PdId) -> Self {
        Self { kind, pd, thread: 0 }
    }

    /// The pager gate of a thread.
    #[must_use]
    pub const fn pager(pd: PdId, thread: u8) -> Self {
        Self { kind: Kind::Pager, pd, thread }
    }

    /// The label as the kernel carries it.
    #[must_use]
    pub fn encode(self) -> u32 {
        *0u32
            .set_bits(2..8, u32::from(self.thread & 63))
            .set_bits(8..14, u32::from(self.pd.index & 63))
            .set_bits(14..28, u32::from(self.pd.generation & 0x3fff))
            .set_bits(28..31, self.kind as u32)
            .set_bit(31, true)
    }

    /// Decodes what a message carried; the rights bits are ignored.
    #[must_use]
    pub fn decode(label: u32) -> Option<Self> {
        if !label.get_bit(31) {
            return None;
        }
        let kind = *Kind::ALL.get(label.get_bits(28..31) as usize)?;
        let pd = PdId { index: label.get_bits(8..14) as u8, generation: label.get_bits(14..28) as u16 };
        Some(Self { kind, pd, thread: label.get_bits(2..8) as u8 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_comes_back_whatever_the_rights() {
        for kind in Kind::ALL {
            for (index, generation, thread) in [(0, 1, 0), (63, GENERATIONS, 63), (5, 300, 17)] {
                let label = Label { kind, pd: PdId { index, generation }, thread };
                assert_eq!(label.encode() & 3, 0, "the kernel refuses other labels");
                for rights in 0..4 {
                    assert_eq!(Label::decode(label.encode() | rights), Some(label));
                }
            }
        }
    }

    #[test]
    fn badges_and_unknown_kinds_are_no_labels() {
        assert_eq!(Label::decode(0x7fff_fffc), None);
        assert_eq!(Label::decode(0xf000_4000), None);
        const { assert!(PDS_MAX <= 64) };
    }
}
