//! Powers and logarithms that vectorise and give the same bits on every machine.
#![allow(clippy::inline_always, reason = "a loop that calls one of these vectorises only when it is inlined")]

/// Natural logarithm of a normal positive number, to about 1e-7.
#[inline(always)]
#[must_use]
pub fn ln(v: f32) -> f32 {
    const ROOT_HALF: u32 = 0x3f35_04f3;
    let shifted = v.to_bits().wrapping_add(0x3f80_0000 - ROOT_HALF);
    let exponent = (shifted >> 23) as i32 - 127;
    let mantissa = f32::from_bits((shifted & 0x007f_ffff) + ROOT_HALF);
    let t = (mantissa - 1.0) / (mantissa + 1.0);
    let t2 = t * t;
    let series = 2.0 * t * (1.0 + t2 * (1.0 / 3.0 + t2 * (0.2 + t2 * (1.0 / 7.0 + t2 * (1.0 / 9.0)))));
    exponent as f32 * std::f32::consts::LN_2 + series
}

/// e to the power of `v`, relatively to about 2e-7 where the result is a normal number; beyond that the nearest normal one.
#[inline(always)]
#[must_use]
pub fn exp(v: f32) -> f32 {
    /// Adding this leaves a whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let v = v.max(-87.0).min(88.0);
    let rounded = v * std::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    // ln 2 in two parts, so that the remainder keeps its digits.
    let r = (v - whole * 0.693_359_4) + whole * 2.121_944_4e-4;
    let series = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0))))));
    f32::from_bits(rounded.to_bits().wrapping_add(127) << 23) * series
}

/// `v` to the power of `power`, for `v` from 0 on.
#[inline(always)]
#[must_use]
pub fn pow(v: f32, power: f32) -> f32 {
    let result = exp(power * ln(v.max(1e-37)));
    if v > 0.0 { result } else { 0.0 }
}

/// Cube root: a guess from the exponent, then two steps of Halley's method.
#[inline(always)]
#[must_use]
pub fn cbrt(v: f32) -> f32 {
    let size = v.abs().max(1e-36);
    let mut root = f32::from_bits(size.to_bits() / 3 + 0x2a51_4067);
    for _ in 0..2 {
        let cube = root * root * root;
        root *= (cube + 2.0 * size) / (2.0 * cube + size);
    }
    root.copysign(v)
}

/// `a * b + c` rounded once, and unlike `mul_add` fast on machines without that instruction: the product of two singles is exact in
/// double precision, and the sum is rounded to odd there, so that rounding it again to single precision errs as little as once.
#[inline(always)]
#[must_use]
pub fn fma(a: f32, b: f32, c: f32) -> f32 {
    let (product, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = product + c;
    // What the sum lost, exactly (Knuth's two-sum).
    let part = sum - product;
    let lost = (product - (sum - part)) + (c - part);
    let bits = sum.to_bits();
    // The neighbour towards the exact sum has an odd last bit. (Without branches, to vectorise.)
    let towards = if (lost > 0.0) == (sum > 0.0) { 1 } else { u64::MAX };
    let step = if (lost == 0.0) | (bits & 1 == 1) { 0 } else { towards };
    f64::from_bits(bits.wrapping_add(step)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_as_accurate_as_they_say() {
        for i in 1..4000 {
            let v = i as f32 * 0.0011;
            assert!((f64::from(ln(v)) - f64::from(v).ln()).abs() < 4e-7, "ln {v}");
            let exact = f64::from(-v * 3.0).exp();
            assert!((f64::from(exp(-v * 3.0)) / exact - 1.0).abs() < 3e-7, "exp {v}");
            assert!((f64::from(pow(v, 2.4)) / f64::from(v).powf(2.4) - 1.0).abs() < 2e-6, "pow {v}");
            assert!((cbrt(v - 2.0) - (v - 2.0).cbrt()).abs() < 1e-6, "cbrt {v}");
        }
        assert_eq!((pow(0.0, 0.01), exp(0.0), pow(1.0, 0.45)), (0.0, 1.0, 1.0));
        assert!(exp(-1e9) < 1e-37 && exp(1e9) > 1e38);
    }

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
}
