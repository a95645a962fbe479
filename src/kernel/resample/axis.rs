//! Which old pixels make each new one along one axis, and how much they count.

use super::{Filter, Resampling};
use crate::kernel::cpu::GROUP;

/// The taps of all new pixels along one axis. All have the same number of them, all inside; some weigh nothing.
pub(super) struct Axis {
    /// Taps of each.
    pub taps: usize,
    /// The first old pixel, group by group.
    pub first: Vec<[i32; GROUP]>,
    /// Weights: for each group its first taps, its second taps, and so on.
    weights: Vec<[f32; GROUP]>,
}

impl Axis {
    /// For `to` new pixels that evenly cover `span` old ones from `start` on, out of `from` (at least one).
    pub fn new(from: usize, to: usize, (start, span): (f64, f64), how: Resampling) -> Self {
        let scale = span / to as f64;
        let shape = Shape::new(how, scale);
        let all: Vec<(usize, Vec<f64>)> = (0..to).map(|i| shape.taps(start + (i as f64 + 0.5) * scale, from)).collect();
        let taps = all.iter().map(|(_, weights)| weights.len()).max().unwrap_or(1);
        let groups = to.div_ceil(GROUP);
        let mut axis = Self { taps, first: vec![[0; GROUP]; groups], weights: vec![[0.0; GROUP]; groups * taps] };
        for i in 0..groups * GROUP {
            let Some((first, weights)) = all.get(i.min(to - 1)) else { continue };
            // Those with fewer taps than others read further to the left rather than outside.
            let held = (*first).min(from - taps);
            axis.first[i / GROUP][i % GROUP] = held as i32;
            for (k, weight) in weights.iter().enumerate() {
                axis.weights[i / GROUP * taps + k + first - held][i % GROUP] = *weight as f32;
            }
        }
        axis
    }

    /// The weights of a group, tap by tap.
    pub fn group(&self, index: usize) -> &[[f32; GROUP]] {
        &self.weights[index * self.taps..][..self.taps]
    }

    /// The first old pixel of new pixel `i`, and the weights of that and the following ones.
    pub fn pixel(&self, i: usize) -> (usize, impl Iterator<Item = f32>) {
        (self.first[i / GROUP][i % GROUP] as usize, self.group(i / GROUP).iter().map(move |weights| weights[i % GROUP]))
    }
}

/// A filter along one axis.
#[derive(Clone, Copy)]
struct Shape {
    filter: Filter,
    /// Half of the old pixels that a new one covers.
    half: f64,
    /// By how much the filter is widened.
    widened: f64,
}

impl Shape {
    fn new(how: Resampling, scale: f64) -> Self {
        let filter = if how.filter == Filter::Area && scale <= 1.0 { Filter::Bilinear } else { how.filter };
        Self { filter, half: 0.5 * scale, widened: if how.antialias { scale.max(1.0) } else { 1.0 } }
    }

    /// The first of `from` old pixels that makes the new one around `center`, and the weights from there on, which add up to 1.
    fn taps(self, center: f64, from: usize) -> (usize, Vec<f64>) {
        let last = from as f64 - 1.0;
        if self.filter == Filter::Nearest {
            return (center.floor().clamp(0.0, last) as usize, vec![1.0]);
        }
        let reach = if self.filter == Filter::Area { self.half } else { self.radius() * self.widened };
        let [low, high] = [(center - reach).floor(), (center + reach).ceil() - 1.0].map(|p| p.clamp(0.0, last) as usize);
        let mut weights: Vec<f64> = (low..=high).map(|p| self.weight(p as f64 + 0.5 - center)).collect();
        make_whole(&mut weights);
        while weights.len() > 1 && weights.last().is_some_and(|w| *w == 0.0) {
            weights.pop();
        }
        (low, weights)
    }

    fn radius(self) -> f64 {
        match self.filter {
            Filter::Nearest | Filter::Area => 0.5,
            Filter::Bilinear => 1.0,
            Filter::Bicubic => 2.0,
            Filter::Lanczos => 3.0,
        }
    }

    /// How much an old pixel counts whose middle lies at `distance`.
    fn weight(self, distance: f64) -> f64 {
        let x = (distance / self.widened).abs();
        match self.filter {
            // The part of it that is covered.
            Filter::Nearest | Filter::Area => (self.half + 0.5 - distance.abs()).clamp(0.0, 1.0),
            Filter::Bilinear => (1.0 - x).max(0.0),
            // Catmull-Rom.
            Filter::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
            Filter::Bicubic if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            Filter::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
            Filter::Bicubic | Filter::Lanczos => 0.0,
        }
    }
}

/// Makes weights add up to exactly 1, in steps so coarse that `f32` adds them without rounding: then white stays white.
fn make_whole(weights: &mut [f64]) {
    const STEPS: f64 = 4_194_304.0;
    let sum: f64 = weights.iter().sum();
    for w in weights.iter_mut() {
        *w = (*w / sum * STEPS).round() / STEPS;
    }
    let rest = 1.0 - weights.iter().sum::<f64>();
    if let Some(largest) = weights.iter_mut().max_by(|a, b| a.total_cmp(b)) {
        *largest += rest;
    }
}

fn sinc(x: f64) -> f64 {
    let x = std::f64::consts::PI * x;
    if x.abs() < 1e-9 { 1.0 } else { x.sin() / x }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taps(from: usize, to: usize, how: Resampling) -> Vec<(usize, Vec<f32>)> {
        let axis = Axis::new(from, to, (0.0, from as f64), how);
        (0..to).map(|i| (axis.pixel(i).0, axis.pixel(i).1.collect())).collect()
    }

    #[test]
    fn areas_count_by_what_is_covered() {
        let all = taps(5, 3, Filter::Area.into());
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(all[0].0 == 0 && near(&all[0].1, &[0.6, 0.4, 0.0]), "{all:?}");
        assert!(all[1].0 == 1 && near(&all[1].1, &[0.2, 0.6, 0.2]), "{all:?}");
        assert!(all[2].0 == 2 && near(&all[2].1, &[0.0, 0.4, 0.6]), "{all:?}");
    }

    #[test]
    fn every_filter_adds_up_to_one_and_stays_inside() {
        for filter in [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos, Filter::Area] {
            for (from, to) in [(1, 7), (2, 1), (37, 11), (11, 37), (100, 3)] {
                for antialias in [false, true] {
                    for (first, weights) in taps(from, to, Resampling { filter, antialias }) {
                        assert!(first + weights.len() <= from, "{filter:?} {from} {to}");
                        assert_eq!(weights.iter().sum::<f32>(), 1.0, "{filter:?} {from} {to}");
                    }
                }
            }
        }
    }
}
