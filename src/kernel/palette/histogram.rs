//! Distributions of values: cumulative histograms, read both ways.

use rayon::prelude::*;

/// A point of a cumulative histogram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Knot {
    pub share: f64,
    pub value: f32,
}

/// Steps of histograms: 16 bits, so that nothing visible is quantised.
const LEVELS: usize = 65_535;
/// Values of one piece of parallel work.
const CHUNK: usize = 1 << 16;

/// How often each of 2¹⁶ levels between the least and the greatest value occurs.
pub(super) struct Histogram {
    low: f32,
    scale: f32,
    counts: Vec<u32>,
}

#[inline]
pub(super) fn level(v: f32, low: f32, scale: f32) -> usize {
    (((v - low) * scale + 0.5) as usize).min(LEVELS)
}

impl Histogram {
    pub fn of(values: &[f32]) -> Self {
        let finite = |v: &f32| if v.is_finite() { *v } else { 0.0 };
        let ends = |chunk: &[f32]| chunk.iter().map(finite).fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let wider = |a: (f32, f32), b: (f32, f32)| (a.0.min(b.0), a.1.max(b.1));
        let (low, high) = values.par_chunks(CHUNK).map(ends).reduce(|| (f32::INFINITY, f32::NEG_INFINITY), wider);
        let scale = if high > low { LEVELS as f32 / (high - low) } else { 0.0 };
        // Whole numbers: the same in whatever order they are added.
        let none = || vec![0_u32; LEVELS + 1];
        let count = |mut counts: Vec<u32>, chunk: &[f32]| {
            for v in chunk {
                counts[level(*v, low, scale)] += 1;
            }
            counts
        };
        let sum = |mut a: Vec<u32>, b: Vec<u32>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        let counts = values.par_chunks(CHUNK).fold(none, count).reduce_with(sum).unwrap_or_else(none);
        Self { low, scale, counts }
    }

    fn value(&self, level: usize) -> f32 {
        self.low + if self.scale > 0.0 { level as f32 / self.scale } else { 0.0 }
    }

    /// The levels that occur, each with the share of pixels up to and with it.
    fn cumulative(&self) -> impl Iterator<Item = (usize, f64)> {
        let total = self.counts.iter().map(|n| f64::from(*n)).sum::<f64>().max(1.0);
        let running = self.counts.iter().enumerate().scan(0.0, |sum, (level, count)| {
            *sum += f64::from(*count);
            Some((level, *count, *sum))
        });
        running.filter(|(_, count, _)| *count > 0).map(move |(level, _, sum)| (level, sum / total))
    }

    pub fn quantiles(&self) -> Vec<Knot> {
        self.cumulative().map(|(level, share)| Knot { share, value: self.value(level) }).collect()
    }

    /// What each level becomes when the values are to be distributed as `quantiles` says: (least value, levels per unit, table).
    pub fn map_to(&self, quantiles: &[Knot]) -> (f32, f32, Vec<f32>) {
        let mut target = Sweep::over(quantiles);
        let mut values = vec![0.0; LEVELS + 1];
        for (level, share) in self.cumulative() {
            values[level] = target.at(share);
        }
        (self.low, self.scale, values)
    }
}

/// Reads a cumulative histogram backwards, share to value, for rising shares.
pub(super) struct Sweep<'a> {
    knots: &'a [Knot],
    next: usize,
}

impl<'a> Sweep<'a> {
    pub fn over(knots: &'a [Knot]) -> Self {
        Self { knots, next: 0 }
    }

    /// The value below which `share` of the pixels lies; the outermost values beyond both ends.
    pub fn at(&mut self, share: f64) -> f32 {
        while self.knots.get(self.next).is_some_and(|knot| knot.share < share) {
            self.next += 1;
        }
        let before = self.next.checked_sub(1).map(|i| self.knots[i]);
        match (before, self.knots.get(self.next)) {
            (Some(a), Some(b)) => a.value + ((share - a.share) / (b.share - a.share)) as f32 * (b.value - a.value),
            (None, Some(only)) => only.value,
            (Some(last), None) => last.value,
            (None, None) => 0.0,
        }
    }
}

/// Mean and deviation.
pub(super) fn moments(values: &[f32]) -> [f32; 2] {
    let n = values.len().max(1) as f64;
    let mean = sum(values, f64::from) / n;
    let variance = sum(values, |v| (f64::from(v) - mean) * (f64::from(v) - mean)) / n;
    [mean as f32, variance.sqrt() as f32]
}

/// The sum of `f` over `values`, in chunks and lanes of fixed size: the same on any number of threads.
fn sum(values: &[f32], f: impl Fn(f32) -> f64 + Sync) -> f64 {
    let of_chunk = |chunk: &[f32]| {
        let (eights, rest) = chunk.as_chunks::<8>();
        let mut lanes = [0.0; 8];
        for eight in eights {
            lanes.iter_mut().zip(eight).for_each(|(lane, v)| *lane += f(*v));
        }
        lanes.iter().sum::<f64>() + rest.iter().map(|v| f(*v)).sum::<f64>()
    };
    let parts: Vec<f64> = values.par_chunks(CHUNK).map(of_chunk).collect();
    parts.iter().sum()
}
