//! A running product over 32 double registers, computed with integers: what the hardware must get.
//!
//! One iteration multiplies all registers by a factor, alternately a little more and a little less than
//! one, and passes each product to the register below. The rounding mode changes from batch to batch,
//! so that a lost FPSCR shows in the products as well as in itself.

/// Iterations of a batch, even so that each starts with the same factor.
pub const ITERATIONS: u32 = 16;
/// The factors as bits of a double: 1 + 2^-20 + 2^-51 and about its inverse.
pub const FACTORS: [u64; 2] = [0x3ff0_0001_0000_0002, 0x3fef_fffe_0000_1fff];

/// FPSCR bits: condition flags.
const FPSCR_CONDITIONS: u32 = 0xf000_0000;
/// FPSCR bit: an operation was inexact.
const FPSCR_INEXACT: u32 = 1 << 4;
/// FPSCR bits with a free choice that no product here depends on: saturation, half format, default
/// NaN, flush to zero, and the sticky flags of denormals, division by zero, overflow and invalid.
const FPSCR_FREE: u32 = 0x0f00_0087;

/// The registers and FPSCR as they must be after the last batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Product {
    /// d0 to d31.
    pub d: [u64; 32],
    /// FPSCR.
    pub fpscr: u32,
    batch: u32,
}

impl Product {
    /// The first values: sixteen positive and sixteen negative numbers between one and two.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        let mut d = [0; 32];
        for (value, i) in d.iter_mut().zip(0..) {
            let fraction = u64::from(crate::mix::mix(seed, i, 0)) << 20 | u64::from(i);
            *value = 0x3ff0_0000_0000_0000 | fraction | u64::from(i & 1) << 63;
        }
        Self { d, fpscr: 0, batch: 0 }
    }

    /// FPSCR to be loaded for the next batch.
    #[must_use]
    pub fn next_fpscr(&self) -> u32 {
        let rounding = self.batch & 3;
        rounding << 22 | (crate::mix::mix(self.batch, 1, 2) & FPSCR_FREE)
    }

    /// Computes the next batch, which ends by comparing d0 with d1.
    pub fn advance(&mut self) {
        self.fpscr = self.next_fpscr();
        let rounding = Rounding::of(self.fpscr);
        for iteration in 0..ITERATIONS {
            let factor = FACTORS[iteration as usize & 1];
            for value in &mut self.d {
                let (product, inexact) = multiply(*value, factor, rounding);
                *value = product;
                self.fpscr |= if inexact { FPSCR_INEXACT } else { 0 };
            }
            self.d.rotate_left(1);
        }
        self.fpscr = self.fpscr & !FPSCR_CONDITIONS | conditions(self.d[0], self.d[1]);
        self.batch += 1;
    }
}

/// The condition flags that comparing two finite numbers that are not both zero leaves.
fn conditions(a: u64, b: u64) -> u32 {
    // Numbers in order of their bits: negative ones count downwards.
    let order = |bits: u64| if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
    match order(a).cmp(&order(b)) {
        core::cmp::Ordering::Less => 0x8000_0000,
        core::cmp::Ordering::Equal => 0x6000_0000,
        core::cmp::Ordering::Greater => 0x2000_0000,
    }
}

/// Rounding modes in the order of FPSCR bits 22-23.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Rounding {
    Nearest,
    Up,
    Down,
    Zero,
}

impl Rounding {
    const fn of(fpscr: u32) -> Self {
        match fpscr >> 22 & 3 {
            0 => Self::Nearest,
            1 => Self::Up,
            2 => Self::Down,
            _ => Self::Zero,
        }
    }
}

/// The product of two normal doubles whose product is normal, and whether it had to be rounded.
fn multiply(a: u64, b: u64, rounding: Rounding) -> (u64, bool) {
    const FRACTION: u64 = (1 << 52) - 1;
    let sign = (a ^ b) & 1 << 63;
    let significand = |x: u64| u128::from(x & FRACTION | 1 << 52);
    let exponent = |x: u64| x >> 52 & 0x7ff;
    let exact = significand(a) * significand(b);
    // The exact product has 105 or 106 bits; 53 are kept.
    let carry = (exact >> 105) as u64;
    let cut = 52 + carry as u32;
    let mut kept = (exact >> cut) as u64;
    let rest = exact & ((1 << cut) - 1);
    let half = 1 << (cut - 1);
    let away = match rounding {
        Rounding::Nearest => rest > half || (rest == half && kept & 1 == 1),
        Rounding::Up => rest != 0 && sign == 0,
        Rounding::Down => rest != 0 && sign != 0,
        Rounding::Zero => false,
    };
    kept += u64::from(away);
    // A carry out of the fraction raises the exponent by itself: the addition below lets it through.
    let biased = exponent(a) + exponent(b) + carry - 1023;
    (sign | ((biased << 52) + (kept - (1 << 52))), rest != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::mix;

    fn sample(n: u32) -> u64 {
        let fraction = (u64::from(mix(n, 1, 0)) << 32 | u64::from(mix(n, 2, 0))) & ((1 << 52) - 1);
        (1023 - 8 + u64::from(n % 16)) << 52 | fraction | u64::from(n >> 4 & 1) << 63
    }

    #[test]
    fn nearest_is_what_the_host_computes() {
        for n in 0..20_000 {
            let (a, b) = (sample(n), sample(n + 7_777));
            let host = f64::from_bits(a) * f64::from_bits(b);
            assert_eq!(multiply(a, b, Rounding::Nearest).0, host.to_bits(), "{a:x} * {b:x}");
        }
    }

    #[test]
    fn directed_modes_enclose_the_exact_product() {
        for n in 0..20_000 {
            let (a, b) = (sample(n), sample(n + 7_777));
            let [up, down, zero] = [Rounding::Up, Rounding::Down, Rounding::Zero].map(|r| multiply(a, b, r));
            let [up_f, down_f] = [up, down].map(|p| f64::from_bits(p.0));
            let nearest = f64::from_bits(a) * f64::from_bits(b);
            assert!(down_f <= nearest && nearest <= up_f, "{a:x} * {b:x}");
            assert_eq!(up.0 != down.0, up.1, "neighbours differ exactly if the product was inexact");
            assert_eq!(zero.0, if nearest > 0.0 { down.0 } else { up.0 });
        }
    }

    #[test]
    fn comparison_flags() {
        let bits = |x: f64| x.to_bits();
        assert_eq!(conditions(bits(-2.0), bits(-1.0)), 0x8000_0000);
        assert_eq!(conditions(bits(-1.0), bits(1.0)), 0x8000_0000);
        assert_eq!(conditions(bits(1.5), bits(1.5)), 0x6000_0000);
        assert_eq!(conditions(bits(1.5), bits(1.25)), 0x2000_0000);
    }

    #[test]
    fn stays_near_one_and_uses_every_mode() {
        let mut product = Product::new(3);
        let mut modes = [false; 4];
        for _ in 0..5_000 {
            modes[product.next_fpscr() as usize >> 22 & 3] = true;
            product.advance();
            assert_eq!(product.fpscr & FPSCR_INEXACT, FPSCR_INEXACT);
        }
        assert_eq!(modes, [true; 4]);
        assert!(product.d.iter().all(|v| (0.5..4.0).contains(&f64::from_bits(*v).abs())));
    }
}
