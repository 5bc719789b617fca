//! Just enough of a flattened device tree to find the RAM.
//!
//! Format: Devicetree Specification v0.4, chapter 5. All words are big-endian.

/// First word of a device tree, as a big-endian number.
pub const MAGIC: u32 = 0xd00d_feed;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;

fn be(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// Bytes of the tree that starts with these (at least 8) bytes, `None` if it is no device tree.
#[must_use]
pub fn total_bytes(start: &[u8]) -> Option<u32> {
    if be(start, 0)? != MAGIC {
        return None;
    }
    be(start, 4)
}

/// Text up to the next zero byte.
fn c_string(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let rest = bytes.get(at..)?;
    Some(&rest[..rest.iter().position(|b| *b == 0)?])
}

/// Start and bytes of the first bank of the first `memory` node. Banks above 4 GiB count as not found.
#[must_use]
pub fn memory(tree: &[u8]) -> Option<(u32, u32)> {
    total_bytes(tree)?;
    let (structure, strings) = (be(tree, 8)? as usize, be(tree, 12)? as usize);
    // Defaults of the specification for a root node that does not say.
    let (mut address_cells, mut size_cells) = (2, 1);
    let (mut depth, mut in_memory) = (0_u32, false);
    let mut at = structure;
    loop {
        let token = be(tree, at)?;
        at += 4;
        match token {
            BEGIN_NODE => {
                let name = c_string(tree, at)?;
                depth += 1;
                in_memory = depth == 2 && (name == b"memory" || name.starts_with(b"memory@"));
                at += (name.len() + 4) & !3;
            }
            END_NODE => {
                depth = depth.checked_sub(1)?;
                in_memory = false;
            }
            PROPERTY => {
                let (len, name) = (be(tree, at)? as usize, be(tree, at + 4)? as usize);
                let value = tree.get(at + 8..(at + 8).checked_add(len)?)?;
                match (depth, c_string(tree, strings.checked_add(name)?)?) {
                    (1, b"#address-cells") => address_cells = be(value, 0)?,
                    (1, b"#size-cells") => size_cells = be(value, 0)?,
                    (2, b"reg") if in_memory => return bank(value, address_cells, size_cells),
                    _ => {}
                }
                at += 8 + ((len + 3) & !3);
            }
            NOP => {}
            _ => return None,
        }
    }
}

/// The first pair of a `reg` property.
fn bank(reg: &[u8], address_cells: u32, size_cells: u32) -> Option<(u32, u32)> {
    let start = cells(reg, 0, address_cells)?;
    let bytes = cells(reg, address_cells, size_cells)?;
    (bytes != 0 && start.checked_add(bytes - 1).is_some()).then_some((start, bytes))
}

fn cells(reg: &[u8], first: u32, count: u32) -> Option<u32> {
    let at = |i: u32| be(reg, 4 * i as usize);
    match count {
        1 => at(first),
        2 if at(first)? == 0 => at(first + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::vec::Vec;

    /// A tree as QEMU's virt has it: cells of two words, a node before `memory`.
    fn tree(reg: &[u32]) -> Vec<u8> {
        let strings = b"#address-cells\0#size-cells\0reg\0";
        let mut words: Vec<u32> = Vec::new();
        words.extend([BEGIN_NODE, 0, PROPERTY, 4, 0, 2, PROPERTY, 4, 15, 2]);
        words.extend([BEGIN_NODE, u32::from_be_bytes(*b"uart"), 0, PROPERTY, 4, 27, 7, END_NODE, NOP]);
        words.extend([BEGIN_NODE, u32::from_be_bytes(*b"memo"), u32::from_be_bytes(*b"ry@4"), 0]);
        words.extend([PROPERTY, 4 * reg.len() as u32, 27]);
        words.extend(reg);
        words.extend([END_NODE, END_NODE, 9]);
        let structure_bytes = 4 * words.len() as u32;
        let total = 40 + structure_bytes + strings.len() as u32;
        let header = [MAGIC, total, 40, 40 + structure_bytes, 0, 17, 16, 0, 0, 0];
        let mut out: Vec<u8> = header.iter().chain(&words).flat_map(|w| w.to_be_bytes()).collect();
        out.extend(strings);
        out
    }

    #[test]
    fn finds_the_ram() {
        let good = tree(&[0, 0x4000_0000, 0, 0x2000_0000]);
        assert_eq!(total_bytes(&good), Some(good.len() as u32));
        assert_eq!(memory(&good), Some((0x4000_0000, 0x2000_0000)));
    }

    #[test]
    fn gives_up_without_panic() {
        assert_eq!(memory(&tree(&[1, 0, 0, 0x2000_0000])), None, "RAM above 4 GiB");
        assert_eq!(memory(&tree(&[0, 0x8000_0000, 0, 0x9000_0000])), None, "RAM across 4 GiB");
        assert_eq!(memory(&tree(&[0, 0x8000_0000, 0, 0])), None, "no RAM");
        let good = tree(&[0, 0x4000_0000, 0, 0x2000_0000]);
        // What matters ends with the name of the last property.
        for len in 0..good.len() - 1 {
            assert_eq!(memory(&good[..len]), None, "cut to {len} bytes");
        }
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            let _ = memory(&bad);
        }
    }
}
