//! Hues, which go round: 0 and 1 are the same red.

use std::f64::consts::TAU;

use super::histogram::{Knot, Sweep};

/// The shortest way from one hue to another, −½ to ½.
pub(super) fn way(difference: f32) -> f32 {
    difference - difference.round()
}

/// Mean and deviation of hues, each counting by its chroma: greys have no hue.
pub(super) fn moments([hue, saturation, value]: [&[f32]; 3]) -> [f32; 2] {
    const BINS: usize = 720;
    let mut weights = [0.0_f64; BINS];
    for ((hue, saturation), value) in hue.iter().zip(saturation).zip(value) {
        weights[((hue * BINS as f32) as usize).min(BINS - 1)] += f64::from((saturation * value).max(0.0));
    }
    let center = |bin: usize| (bin as f64 + 0.5) / BINS as f64;
    let total = weights.iter().sum::<f64>().max(1e-12);
    let (mut x, mut y) = (0.0, 0.0);
    for (bin, weight) in weights.iter().enumerate() {
        let (sin, cos) = (center(bin) * TAU).sin_cos();
        (x, y) = (x + weight * cos, y + weight * sin);
    }
    let mean = y.atan2(x) / TAU;
    let apart = |bin: usize| f64::from(way((center(bin) - mean) as f32)).powi(2);
    let variance = weights.iter().enumerate().map(|(bin, weight)| weight * apart(bin)).sum::<f64>() / total;
    [mean.rem_euclid(1.0) as f32, variance.sqrt() as f32]
}

/// `target` on a circle, begun where hues distributed as `source` have the least way to go in all (Delon, Salomon and Sobolevski
/// 2010): matching from 0 to 1 instead would push reds through all other hues as soon as a few of them lie on the other side of 0.
pub(super) fn unrolled(source: &[Knot], target: &[Knot]) -> Vec<Knot> {
    const STEPS: usize = 256;
    let sample = |knots: &[Knot]| {
        let mut sweep = Sweep::over(knots);
        (0..STEPS).map(|i| sweep.at((i as f64 + 0.5) / STEPS as f64)).collect::<Vec<f32>>()
    };
    let (from, to) = (sample(source), sample(target));
    let total = |shift: isize| {
        let way = |i: usize| {
            let at = i as isize + shift;
            let turns = at.div_euclid(STEPS as isize) as f32;
            f64::from((to[at.rem_euclid(STEPS as isize) as usize] + turns - from[i]).abs())
        };
        (0..STEPS).map(way).sum::<f64>()
    };
    let half = STEPS as isize / 2;
    let straight = total(0);
    let best = (-half..half).map(|shift| (shift, total(shift))).min_by(|a, b| a.1.total_cmp(&b.1));
    let shift = best.filter(|(_, way)| *way < 0.98 * straight - 1e-6).map_or(0, |(shift, _)| shift);
    if shift == 0 {
        return target.to_vec();
    }
    let start = shift as f64 / STEPS as f64;
    let turn = |turn: i8| target.iter().map(move |k| Knot { share: k.share + f64::from(turn) - start, value: k.value + f32::from(turn) });
    [-1, 0, 1].into_iter().flat_map(turn).collect()
}
