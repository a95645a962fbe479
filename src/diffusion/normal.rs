//! Box–Muller as PyTorch's vector kernels do it: uniform numbers in, normal numbers out, in blocks of 16.
//!
//! Each block's first eight values give radii and its last eight angles. Logarithm, sine and cosine are the Cephes
//! single-precision polynomials, with the fused multiply-adds where the x86-64 build of PyTorch has them.

#![allow(clippy::excessive_precision, reason = "the published digits; the compiler rounds them to the nearest single")]

use half::f16;
use rayon::prelude::*;

const TAU: f32 = std::f32::consts::TAU;
/// Values a task works on: a multiple of 16, large enough to be worth a task.
const CHUNK: usize = 16 * 512;

/// Cephes' coefficients, highest power first, with the digits of their source.
const LOG: [f32; 9] = [
    7.037_683_629_2e-2,
    -1.151_461_031_0e-1,
    1.167_699_874_0e-1,
    -1.242_014_084_6e-1,
    1.424_932_278_7e-1,
    -1.666_805_766_5e-1,
    2.000_071_476_5e-1,
    -2.499_999_399_3e-1,
    3.333_333_117_4e-1,
];
const COS: [f32; 3] = [2.443_315_711_809_948e-5, -1.388_731_625_493_765e-3, 4.166_664_568_298_827e-2];
const SIN: [f32; 3] = [-1.951_529_589_1e-4, 8.332_160_873_6e-3, -1.666_665_461_1e-1];
/// -π/4 in three parts, so that whole multiples can be taken off without losing digits.
const EIGHTH_TURN: [f32; 3] = [-0.785_156_25, -2.418_756_484_985_351_562_5e-4, -3.774_894_977_445_941_08e-8];

/// `a * b + c` rounded once, and unlike `mul_add` fast on machines without that instruction: the product of two singles is exact in
/// double precision, and the sum is rounded to odd there, so that rounding it again to single precision errs as little as once.
#[inline(always)]
fn fma(a: f32, b: f32, c: f32) -> f32 {
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    // What the sum lost, exactly (Knuth's two-sum).
    let part = sum - product;
    let lost = (product - (sum - part)) + (c - part);
    let bits = sum.to_bits();
    if lost == 0.0 || bits & 1 == 1 {
        return sum as f32;
    }
    // The neighbour towards the exact sum has an odd last bit.
    let outwards = (lost > 0.0) == (sum > 0.0);
    f64::from_bits(if outwards { bits + 1 } else { bits - 1 }) as f32
}

/// Natural logarithm of a positive normal number (Cephes `logf`).
fn log(x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = ((bits >> 23) as i32 - 127) as f32 + 1.0;
    let mantissa = f32::from_bits((bits & 0x807f_ffff) | 0x3f00_0000);
    let low = mantissa < std::f32::consts::FRAC_1_SQRT_2;
    let m = mantissa - 1.0 + if low { mantissa } else { 0.0 };
    let e = exponent - if low { 1.0 } else { 0.0 };
    let z = m * m;
    let mut y = LOG[0];
    for c in &LOG[1..] {
        y = fma(y, m, *c);
    }
    y *= m;
    y = fma(y, z, e * -2.121_944_40e-4);
    y = fma(-z, 0.5, y);
    fma(e, 0.693_359_375, m + y)
}

/// Sine and cosine of `x` ≥ 0 (Cephes `sinf` and `cosf`).
fn sin_cos(x: f32) -> (f32, f32) {
    let octant = ((x * 1.273_239_544_735_16) as i32 + 1) & !1;
    let turns = octant as f32;
    let mut x = x;
    for part in EIGHTH_TURN {
        x = fma(turns, part, x);
    }
    let z = x * x;
    let mut cos = fma(fma(COS[0], z, COS[1]), z, COS[2]) * z;
    cos = fma(cos, z, -(z * 0.5)) + 1.0;
    let mut sin = fma(fma(SIN[0], z, SIN[1]), z, SIN[2]) * z;
    sin = fma(sin, x, x);
    let (s, c) = if octant & 2 == 0 { (sin, cos) } else { (cos, sin) };
    let flip = |value: f32, when: bool| f32::from_bits(value.to_bits() ^ (u32::from(when) << 31));
    (flip(s, octant & 4 != 0), flip(c, (octant - 2) & 4 == 0))
}

fn in_blocks(data: &mut [f32], pair: impl Fn(f32, f32) -> (f32, f32) + Sync) {
    data.par_chunks_mut(CHUNK).for_each(|chunk| {
        for block in chunk.chunks_exact_mut(16) {
            let (radii, angles) = block.split_at_mut(8);
            for (a, b) in radii.iter_mut().zip(angles) {
                (*a, *b) = pair(*a, *b);
            }
        }
    });
}

/// Turns uniform numbers of 24 bits in [0, 1) into normal ones. The length is a multiple of 16.
pub(super) fn box_muller_f32(data: &mut [f32]) {
    in_blocks(data, |u1, u2| {
        let radius = (-2.0 * log(1.0 - u1)).sqrt();
        let (sin, cos) = sin_cos(TAU * u2);
        (radius * cos, radius * sin)
    });
}

/// The same with every intermediate result rounded to half precision, from uniform numbers of 11 bits.
pub(super) fn box_muller_f16(data: &mut [f32]) {
    let h = |x: f32| f16::from_f32(x).to_f32();
    let h64 = |x: f64| f16::from_f64(x).to_f32();
    in_blocks(data, |u1, u2| {
        let radius = h(h(-2.0 * h(h(1.0 - u1).ln())).sqrt());
        let angle = f64::from(h(TAU * u2));
        (h(radius * h64(angle.cos())), h(radius * h64(angle.sin())))
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_and_sums_are_rounded_once() {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f32::from_bits(0x3f80_0000 | state >> 9) - 1.5) * f32::from_bits((120 + (state >> 5) % 14) << 23)
        };
        for _ in 0..200_000 {
            let (a, b, c) = (next(), next(), next());
            assert_eq!(fma(a, b, c), a.mul_add(b, c), "{a} {b} {c}");
        }
        // Here the sum in double precision lies half way between two singles, and the exact one does not.
        let (a, b, c) = (1.0 + f32::EPSILON, f32::EPSILON / 2.0, 1.0);
        let tie = (2.0_f32.powi(-30) + 2.0_f32.powi(-40), 2.0_f32.powi(-30), 1.0 + f32::EPSILON);
        for (a, b, c) in [(a, b, c), tie, (-a, b, c), (a, -b, -c)] {
            assert_eq!(fma(a, b, c), a.mul_add(b, c));
        }
    }

    #[test]
    fn polynomials_are_close_to_the_functions() {
        for i in 1..=1000_u16 {
            let u = f32::from(i) / 1000.0;
            assert!((log(u) - u.ln()).abs() <= 1e-6 * (1.0 + u.ln().abs()), "log {u}");
            let (sin, cos) = sin_cos(TAU * u);
            assert!((sin - (TAU * u).sin()).abs() < 3e-7 && (cos - (TAU * u).cos()).abs() < 3e-7, "angle {u}");
        }
    }
}
