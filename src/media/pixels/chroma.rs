//! Chroma at half size and back, so that down after up is the identity.
//!
//! In a direction where chroma lies *on* every second sample: up by linear interpolation, down by the 5/3 low-pass of Le Gall,
//! [-1 2 6 2 -1]/8, with mirrored edges. Where it lies *between* two samples: up by a straight line through each chroma
//! sample with the slope of its neighbours (c ∓ (c₊₁ - c₋₁)/8), down by the mean of the two. An odd last row or column has a chroma
//! sample of its own, which goes up and down unchanged. A quarter is a half of a half.

use ffmpeg_next::chroma::Location;

use super::layout::Layout;

/// Where chroma lies in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Siting {
    /// On every second luma sample.
    On,
    /// Halfway between two.
    Between,
}

/// Horizontal and vertical siting of a picture. Unspecified is left (MPEG-2 and later), but centred for the JPEG formats. The
/// bottom sitings, which nobody is known to use, count as vertically centred.
pub(super) fn siting(location: Location, layout: &Layout) -> [Siting; 2] {
    use Siting::{Between, On};
    match location {
        Location::Unspecified if layout.full_by_name => [Between, Between],
        Location::TopLeft => [On, On],
        Location::Top => [Between, On],
        Location::Center | Location::Bottom => [Between, Between],
        Location::Unspecified | Location::Left | Location::BottomLeft => [On, Between],
    }
}

/// Weighted samples that make up another one.
pub(super) type Taps = Vec<(usize, f32)>;

fn half(len: usize) -> usize {
    len.div_ceil(2)
}

/// Mirrors about the first and the last sample.
fn mirror(i: isize, len: usize) -> usize {
    let last = len as isize - 1;
    let i = i.abs();
    (if i > last { 2 * last - i } else { i }).clamp(0, last) as usize
}

/// How full-size sample `i` of `len` is made from samples `halvings` sizes down.
pub(super) fn up_taps(i: usize, len: usize, halvings: u32, siting: Siting) -> Taps {
    if halvings == 0 {
        return vec![(i, 1.0)];
    }
    let (k, n) = (i / 2, half(len));
    let (before, after) = (k.saturating_sub(1), (k + 1).min(n - 1));
    let lone = len % 2 == 1 && i == len - 1;
    let taps: &[(usize, f32)] = match siting {
        _ if lone => &[(k, 1.0)],
        Siting::On if i.is_multiple_of(2) => &[(k, 1.0)],
        Siting::On => &[(k, 0.5), (after, 0.5)],
        Siting::Between if i.is_multiple_of(2) => &[(before, 0.125), (k, 1.0), (after, -0.125)],
        Siting::Between => &[(before, -0.125), (k, 1.0), (after, 0.125)],
    };
    expand(taps, |j| up_taps(j, n, halvings - 1, siting))
}

/// How sample `j`, `halvings` sizes down from `len`, is made from full-size samples.
pub(super) fn down_taps(j: usize, len: usize, halvings: u32, siting: Siting) -> Taps {
    if halvings == 0 {
        return vec![(j, 1.0)];
    }
    let above = (1..halvings).fold(len, |len, _| half(len));
    let i = 2 * j as isize;
    let at = |offset: isize| mirror(i + offset, above);
    let taps: &[(usize, f32)] = match siting {
        Siting::On => &[(at(-2), -0.125), (at(-1), 0.25), (at(0), 0.75), (at(1), 0.25), (at(2), -0.125)],
        Siting::Between if 2 * j + 1 < above => &[(2 * j, 0.5), (2 * j + 1, 0.5)],
        Siting::Between => &[(2 * j, 1.0)],
    };
    expand(taps, |i| down_taps(i, len, halvings - 1, siting))
}

fn expand(taps: &[(usize, f32)], inner: impl Fn(usize) -> Taps) -> Taps {
    taps.iter().flat_map(|&(i, w)| inner(i).into_iter().map(move |(k, v)| (k, w * v))).collect()
}

/// `sum += weight * row`.
pub(super) fn add_scaled(sum: &mut [f32], row: &[f32], weight: f32) {
    sum.iter_mut().zip(row).for_each(|(s, &v)| *s += weight * v);
}

/// Doubles a row: `low` has half (rounded up) the length of `high`.
pub(super) fn up_row(low: &[f32], high: &mut [f32], siting: Siting) {
    let n = low.len();
    let next = |i: usize| low[(i + 1).min(n - 1)];
    let mut pairs = high.chunks_exact_mut(2);
    for (i, pair) in pairs.by_ref().enumerate() {
        let c = low[i];
        match siting {
            Siting::On => (pair[0], pair[1]) = (c, 0.5 * (c + next(i))),
            Siting::Between => {
                let slope = (next(i) - low[i.saturating_sub(1)]) * 0.125;
                (pair[0], pair[1]) = (c - slope, c + slope);
            }
        }
    }
    if let [lone] = pairs.into_remainder() {
        *lone = low[n - 1];
    }
}

/// Halves a row: the left inverse of [`up_row`].
pub(super) fn down_row(high: &[f32], low: &mut [f32], siting: Siting) {
    let len = high.len();
    match siting {
        Siting::Between => {
            for (c, pair) in low.iter_mut().zip(high.chunks(2)) {
                *c = if let [a, b] = pair { 0.5 * (a + b) } else { pair[0] };
            }
        }
        Siting::On => {
            for (j, c) in low.iter_mut().enumerate() {
                let at = |offset: isize| high[mirror(2 * j as isize + offset, len)];
                *c = 0.75 * at(0) + 0.25 * (at(-1) + at(1)) - 0.125 * (at(-2) + at(2));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(len: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * i * 37 + i * 11) % 101) as f32).collect()
    }

    #[test]
    fn down_after_up_is_the_identity() {
        for len in 1..40 {
            for siting in [Siting::On, Siting::Between] {
                let low = noise(half(len));
                let (mut high, mut back) = (vec![0.0; len], vec![0.0; low.len()]);
                up_row(&low, &mut high, siting);
                down_row(&high, &mut back, siting);
                assert!(low.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-4), "{len} {siting:?}: {low:?} {back:?}");
            }
        }
    }

    #[test]
    fn rows_and_taps_say_the_same() {
        for (len, siting) in (1..24).flat_map(|len| [(len, Siting::On), (len, Siting::Between)]) {
            let low = noise(half(len));
            let sum = |taps: Taps, from: &[f32]| taps.iter().map(|&(i, w)| w * from[i]).sum::<f32>();
            let (mut high, mut back) = (vec![0.0; len], vec![0.0; low.len()]);
            up_row(&low, &mut high, siting);
            down_row(&high, &mut back, siting);
            for (i, &v) in high.iter().enumerate() {
                assert!((sum(up_taps(i, len, 1, siting), &low) - v).abs() < 1e-4);
            }
            for (j, &v) in back.iter().enumerate() {
                assert!((sum(down_taps(j, len, 1, siting), &high) - v).abs() < 1e-4);
            }
        }
    }

    #[test]
    fn a_quarter_goes_there_and_back() {
        for (len, siting) in (1_usize..30).flat_map(|len| [(len, Siting::On), (len, Siting::Between)]) {
            let low = noise(len.div_ceil(4));
            let sum = |taps: Taps, from: &[f32]| taps.iter().map(|&(i, w)| w * from[i]).sum::<f32>();
            let high: Vec<_> = (0..len).map(|i| sum(up_taps(i, len, 2, siting), &low)).collect();
            let back: Vec<_> = (0..low.len()).map(|j| sum(down_taps(j, len, 2, siting), &high)).collect();
            assert!(low.iter().zip(&back).all(|(a, b)| (a - b).abs() < 1e-3), "{len} {siting:?}");
        }
    }
}
