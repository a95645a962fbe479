//! Box–Muller as PyTorch's vector kernels do it: uniform numbers in, normal numbers out, in blocks of 16.
//!
//! Each block's first eight values give radii and its last eight angles. Logarithm, sine and cosine are the Cephes
//! single-precision polynomials, with the fused multiply-adds where the x86-64 build of PyTorch has them.

#![allow(clippy::excessive_precision, reason = "the published digits; the compiler rounds them to the nearest single")]

use half::f16;
use rayon::prelude::*;

use crate::kernel::cpu::{Level, Simd, Work};

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

/// Natural logarithm of a positive normal number (Cephes `logf`).
#[inline(always)]
fn log<S: Simd>(simd: S, x: f32) -> f32 {
    let bits = x.to_bits();
    let exponent = ((bits >> 23) as i32 - 127) as f32 + 1.0;
    let mantissa = f32::from_bits((bits & 0x807f_ffff) | 0x3f00_0000);
    let low = mantissa < std::f32::consts::FRAC_1_SQRT_2;
    let m = mantissa - 1.0 + if low { mantissa } else { 0.0 };
    let e = exponent - if low { 1.0 } else { 0.0 };
    let z = m * m;
    let mut y = LOG[0];
    for c in &LOG[1..] {
        y = simd.fma(y, m, *c);
    }
    y *= m;
    y = simd.fma(y, z, e * -2.121_944_40e-4);
    y = simd.fma(-z, 0.5, y);
    simd.fma(e, 0.693_359_375, m + y)
}

/// Sine and cosine of `x` ≥ 0 (Cephes `sinf` and `cosf`).
#[inline(always)]
fn sin_cos<S: Simd>(simd: S, x: f32) -> (f32, f32) {
    let octant = ((x * 1.273_239_544_735_16) as i32 + 1) & !1;
    let turns = octant as f32;
    let mut x = x;
    for part in EIGHTH_TURN {
        x = simd.fma(turns, part, x);
    }
    let z = x * x;
    let mut cos = simd.fma(simd.fma(COS[0], z, COS[1]), z, COS[2]) * z;
    cos = simd.fma(cos, z, -(z * 0.5)) + 1.0;
    let mut sin = simd.fma(simd.fma(SIN[0], z, SIN[1]), z, SIN[2]) * z;
    sin = simd.fma(sin, x, x);
    let (s, c) = if octant & 2 == 0 { (sin, cos) } else { (cos, sin) };
    let flip = |value: f32, when: bool| f32::from_bits(value.to_bits() ^ (u32::from(when) << 31));
    (flip(s, octant & 4 != 0), flip(c, (octant - 2) & 4 == 0))
}

/// Pairs that are made together, to vectorise: those of eight blocks.
const PAIRS: usize = 64;

struct Blocks<'a>(&'a mut [f32]);

impl Work for Blocks<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let (mut radii, mut angles) = ([0.0; PAIRS], [0.0; PAIRS]);
        for blocks in self.0.chunks_mut(2 * PAIRS) {
            let lanes = radii.chunks_exact_mut(8).zip(angles.chunks_exact_mut(8));
            for (block, (radii, angles)) in blocks.chunks_exact(16).zip(lanes) {
                radii.copy_from_slice(&block[..8]);
                angles.copy_from_slice(&block[8..]);
            }
            for (a, b) in radii.iter_mut().zip(&mut angles) {
                let radius = (-2.0 * log(simd, 1.0 - *a)).sqrt();
                let (sin, cos) = sin_cos(simd, TAU * *b);
                (*a, *b) = (radius * cos, radius * sin);
            }
            for (block, (cos, sin)) in blocks.chunks_exact_mut(16).zip(radii.chunks_exact(8).zip(angles.chunks_exact(8))) {
                block[..8].copy_from_slice(cos);
                block[8..].copy_from_slice(sin);
            }
        }
    }
}

/// Turns uniform numbers of 24 bits in [0, 1) into normal ones. The length is a multiple of 16.
pub(super) fn box_muller_f32(data: &mut [f32]) {
    let level = Level::best();
    data.par_chunks_mut(CHUNK).for_each(|chunk| level.run(Blocks(chunk)));
}

/// The same with every intermediate result rounded to half precision, from uniform numbers of 11 bits.
pub(super) fn box_muller_f16(data: &mut [f32]) {
    let h = |x: f32| f16::from_f32(x).to_f32();
    let h64 = |x: f64| f16::from_f64(x).to_f32();
    data.par_chunks_exact_mut(16).with_min_len(CHUNK / 16).for_each(|block| {
        let (radii, angles) = block.split_at_mut(8);
        for (a, b) in radii.iter_mut().zip(angles) {
            let radius = h(h(-2.0 * h(h(1.0 - *a).ln())).sqrt());
            let angle = f64::from(h(TAU * *b));
            (*a, *b) = (h(radius * h64(angle.cos())), h(radius * h64(angle.sin())));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_levels_give_the_same_normal_numbers() {
        let uniform: Vec<f32> = (0..4096_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32).collect();
        let mut first: Option<Vec<f32>> = None;
        for level in Level::all() {
            let mut made = uniform.clone();
            level.run(Blocks(&mut made));
            assert!(first.get_or_insert_with(|| made.clone()) == &made, "{level:?}");
        }
        let made = first.unwrap();
        for (block, made) in uniform.chunks(16).zip(made.chunks(16)) {
            for i in 0..8 {
                let (radius, angle) = ((-2.0 * (1.0 - f64::from(block[i])).ln()).sqrt(), std::f64::consts::TAU * f64::from(block[i + 8]));
                let (cos, sin) = (f64::from(made[i]), f64::from(made[i + 8]));
                assert!((cos - radius * angle.cos()).abs() < 2e-6 && (sin - radius * angle.sin()).abs() < 2e-6, "{cos} {sin}");
            }
        }
    }
}
