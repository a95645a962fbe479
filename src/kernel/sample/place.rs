//! Positions: rounding them down, and bringing what lies outside into the picture.

use super::Border;

/// Positions are held to this many pixels around the origin, where [`floor`] works; also where NaN ends up.
pub(super) const FAR: f32 = 2_097_152.0;

/// The largest integer not above `v`, for |v| up to [`FAR`]. (`f32::floor` is a function call on plain x86-64, and `as` a
/// branch: adding 1.5·2²³ leaves the nearest integer in the lowest bits.)
#[inline(always)]
pub(super) fn floor(v: f32) -> i32 {
    const SHIFT: f32 = 12_582_912.0;
    let shifted = v + SHIFT;
    let nearest = shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as i32;
    nearest - i32::from(shifted - SHIFT > v)
}

/// The pixel that tap `i` of `n` reads, or nothing for black.
#[inline]
pub(in crate::kernel) fn place(i: i32, n: i32, border: Border) -> Option<usize> {
    let i = match border {
        Border::Replicate => i.clamp(0, n - 1),
        Border::Wrap => i.rem_euclid(n),
        Border::Mirror => {
            let i = i.rem_euclid(2 * n);
            if i < n { i } else { 2 * n - 1 - i }
        }
        Border::Reflect => {
            let period = (2 * n - 2).max(1);
            let i = i.rem_euclid(period);
            i.min(period - i)
        }
        Border::Black => Some(i).filter(|i| (0..n).contains(i))?,
    };
    Some(i as usize)
}

/// Brings positions into the picture: to its edge, or folded at it.
#[inline(always)]
pub(super) fn hold(positions: &mut [f32], length: usize, border: Border) {
    let last = (length - 1) as f32;
    if border == Border::Mirror {
        let period = 2.0 * length as f32;
        for p in positions.iter_mut().filter(|p| !(**p >= 0.0 && **p <= last)) {
            let folded = (p.max(-FAR).min(FAR) + 0.5).rem_euclid(period);
            *p = if folded < length as f32 { folded } else { period - folded } - 0.5;
        }
    }
    if border == Border::Reflect {
        let period = (2.0 * last).max(1.0);
        for p in positions.iter_mut().filter(|p| !(**p >= 0.0 && **p <= last)) {
            let folded = p.max(-FAR).min(FAR).rem_euclid(period);
            *p = folded.min(period - folded);
        }
    }
    for p in positions {
        *p = p.max(0.0).min(last);
    }
}

/// `v` held between the least and the greatest of its neighbours.
#[inline(always)]
pub(super) fn between(v: f32, [a, b, c, d]: [f32; 4]) -> f32 {
    let (low, high) = (least(least(a, b), least(c, d)), greatest(greatest(a, b), greatest(c, d)));
    least(greatest(v, low), high)
}

/// The smaller of both; one instruction, where `f32::min` takes five for the sake of NaN.
#[inline(always)]
pub(super) fn least(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The greater of both; `b` if `a` is not a number.
#[inline(always)]
pub(super) fn greatest(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}
