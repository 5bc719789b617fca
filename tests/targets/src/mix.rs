//! Words that look random and can be derived again.

/// A word in which every bit depends on every bit of the three given ones.
#[must_use]
pub const fn mix(a: u32, b: u32, c: u32) -> u32 {
    let mut h = a ^ 0x9e37_79b9;
    h = scramble(h.wrapping_add(b.wrapping_mul(0x85eb_ca6b)));
    scramble(h ^ c.wrapping_mul(0xc2b2_ae35))
}

const fn scramble(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x7feb_352d);
    h ^= h >> 15;
    h = h.wrapping_mul(0x846c_a68b);
    h ^ (h >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_bit_changes_about_half_of_the_result() {
        for argument in 0..3 {
            for bit in 0..32 {
                let mut words = [0x0123_4567, 0x89ab_cdef, 0xdead_beef];
                let before = mix(words[0], words[1], words[2]);
                words[argument] ^= 1 << bit;
                let flipped = (before ^ mix(words[0], words[1], words[2])).count_ones();
                assert!((6..=26).contains(&flipped), "argument {argument} bit {bit} flips {flipped}");
            }
        }
    }
}
