//! Giving one picture the colours of another.

use rayon::prelude::*;

use super::band;
use super::color::{self, Space};
use crate::frame::Raster;

/// What is taken over from the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// The whole distribution of each channel (exact mapping of cumulative histograms).
    #[default]
    Histogram,
    /// Mean and deviation of each channel (Reinhard 2001): gentler, keeps the picture's own distribution.
    MeanStd,
}

/// The colours of a picture, apart from where they are: what a match aims at.
#[derive(Debug, Clone)]
pub struct Palette {
    space: Space,
    channels: [Channel; 3],
}

#[derive(Debug, Clone)]
enum Channel {
    /// The values that occur, rising, each with the share of pixels up to and with it; linear in between.
    Quantiles(Vec<Knot>),
    Moments {
        mean: f32,
        deviation: f32,
    },
}

/// A point of a cumulative histogram.
#[derive(Debug, Clone, Copy)]
struct Knot {
    share: f64,
    value: f32,
}

/// Steps of histograms: 16 bits, so that nothing visible is quantised.
const LEVELS: usize = 65_535;

impl Palette {
    /// The palette of a picture's first three planes.
    #[must_use]
    pub fn of(picture: &Raster, space: Space, method: Method) -> Self {
        let mut raster = picture.clone();
        color::from_rgb(&mut raster, space);
        let channel = |index: usize| match method {
            Method::Histogram => Channel::Quantiles(Histogram::of(raster.plane(index)).quantiles()),
            Method::MeanStd => moments(raster.plane(index)),
        };
        let channels: Vec<_> = (0..3).into_par_iter().map(channel).collect();
        Self { space, channels: channels.try_into().unwrap_or_else(|_| std::array::from_fn(channel)) }
    }

    /// Moves this palette towards `newer`, keeping the share `keep` (0..1) of itself: a running mean over time. Quantiles are
    /// averaged, so brightness glides instead of one histogram dissolving into another.
    pub fn follow(&mut self, newer: &Self, keep: f32) {
        let mix = |old: f32, new: f32| new + keep * (old - new);
        for (old, new) in self.channels.iter_mut().zip(&newer.channels) {
            match (old, new) {
                (Channel::Quantiles(old), Channel::Quantiles(new)) => {
                    let mut before = Sweep::over(old);
                    // The knots are those of the newer picture, so their number does not grow.
                    *old = new.iter().map(|k| Knot { value: mix(before.at(k.share), k.value), ..*k }).collect();
                }
                (Channel::Moments { mean, deviation }, Channel::Moments { mean: m, deviation: d }) => {
                    (*mean, *deviation) = (mix(*mean, *m), mix(*deviation, *d));
                }
                (old, new) => old.clone_from(new),
            }
        }
    }

    /// `picture` with these colours, to the share `amount` (0 as it was, 1 all the way). Alpha stays.
    #[must_use]
    pub fn apply(&self, picture: &Raster, amount: f32) -> Raster {
        if amount == 0.0 {
            return picture.clone();
        }
        let mut out = picture.clone();
        color::from_rgb(&mut out, self.space);
        let maps: Vec<Map> = (0..3).into_par_iter().map(|i| self.channels[i].map_from(out.plane(i))).collect();
        band::each(&mut out, |mut band| {
            for (map, plane) in maps.iter().zip(&mut band.planes) {
                plane.iter_mut().for_each(|v| *v = map.at(*v));
            }
        });
        color::to_rgb(&mut out, self.space);
        if amount < 1.0 {
            let colors = 3 * out.size().area();
            let original = picture.data();
            out.data_mut()[..colors].par_iter_mut().zip(original).for_each(|(v, o)| *v = o + amount * (*v - o));
        }
        out
    }
}

impl Channel {
    fn map_from(&self, source: &[f32]) -> Map {
        match self {
            Self::Quantiles(quantiles) => Histogram::of(source).map_to(quantiles),
            Self::Moments { mean, deviation } => {
                let Self::Moments { mean: from, deviation: spread } = moments(source) else { return Map::Straight(1.0, 0.0) };
                let gain = if spread > 1e-6 { deviation / spread } else { 1.0 };
                Map::Straight(gain, mean - gain * from)
            }
        }
    }
}

/// A mapping of values.
enum Map {
    Straight(f32, f32),
    Table { low: f32, scale: f32, values: Vec<f32> },
}

impl Map {
    #[inline]
    fn at(&self, v: f32) -> f32 {
        match self {
            Self::Straight(gain, offset) => gain * v + offset,
            Self::Table { low, scale, values } => values[level(v, *low, *scale)],
        }
    }
}

/// How often each of 2¹⁶ levels between the least and the greatest value occurs.
struct Histogram {
    low: f32,
    scale: f32,
    counts: Vec<u32>,
}

#[inline]
fn level(v: f32, low: f32, scale: f32) -> usize {
    (((v - low) * scale + 0.5) as usize).min(LEVELS)
}

impl Histogram {
    fn of(values: &[f32]) -> Self {
        let finite = |v: &f32| if v.is_finite() { *v } else { 0.0 };
        let (low, high) = values.iter().map(finite).fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let scale = if high > low { LEVELS as f32 / (high - low) } else { 0.0 };
        let mut counts = vec![0; LEVELS + 1];
        for v in values {
            counts[level(*v, low, scale)] += 1;
        }
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

    fn quantiles(&self) -> Vec<Knot> {
        self.cumulative().map(|(level, share)| Knot { share, value: self.value(level) }).collect()
    }

    fn map_to(&self, quantiles: &[Knot]) -> Map {
        let mut target = Sweep::over(quantiles);
        let mut values = vec![0.0; LEVELS + 1];
        for (level, share) in self.cumulative() {
            values[level] = target.at(share);
        }
        Map::Table { low: self.low, scale: self.scale, values }
    }
}

/// Reads a cumulative histogram backwards, share to value, for rising shares.
struct Sweep<'a> {
    knots: &'a [Knot],
    next: usize,
}

impl<'a> Sweep<'a> {
    fn over(knots: &'a [Knot]) -> Self {
        Self { knots, next: 0 }
    }

    /// The value below which `share` of the pixels lies; the outermost values beyond both ends.
    fn at(&mut self, share: f64) -> f32 {
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

fn moments(values: &[f32]) -> Channel {
    let n = values.len().max(1) as f64;
    let mean = sum(values, f64::from) / n;
    let variance = sum(values, |v| (f64::from(v) - mean) * (f64::from(v) - mean)) / n;
    Channel::Moments { mean: mean as f32, deviation: variance.sqrt() as f32 }
}

/// The sum of `f` over `values`, in chunks and lanes of fixed size: the same on any number of threads.
fn sum(values: &[f32], f: impl Fn(f32) -> f64 + Sync) -> f64 {
    const CHUNK: usize = 1 << 15;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    const SIZE: Size = Size::new(120, 80);
    const SPACES: [Space; 4] = [Space::Rgb, Space::Hsv, Space::Lab, Space::Oklab];

    fn picture(seed: u32, gain: f32, offset: f32) -> Raster {
        let value = |i: usize| {
            let random = (i as u32 ^ seed).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
            offset + gain * (random as f32 / 4.294_967_3e9)
        };
        Raster::from_vec(SIZE, 3, (0..SIZE.area() * 3).map(value).collect())
    }

    fn worst(a: &Raster, b: &Raster) -> f32 {
        a.data().iter().zip(b.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn matching_a_picture_with_itself_changes_nothing_visible() {
        let source = picture(1, 0.9, 0.05);
        for space in SPACES {
            for method in [Method::Histogram, Method::MeanStd] {
                let out = Palette::of(&source, space, method).apply(&source, 1.0);
                assert!(worst(&out, &source) < 1e-3, "{space:?} {method:?}: {}", worst(&out, &source));
            }
        }
    }

    #[test]
    fn a_change_of_gain_and_offset_is_undone() {
        let reference = picture(1, 0.8, 0.1);
        let mut faded = reference.clone();
        faded.data_mut().iter_mut().for_each(|v| *v = *v * 0.4 + 0.3);
        for method in [Method::Histogram, Method::MeanStd] {
            let out = Palette::of(&reference, Space::Rgb, method).apply(&faded, 1.0);
            assert!(worst(&out, &reference) < 1e-3, "{method:?}: {}", worst(&out, &reference));
            let half = Palette::of(&reference, Space::Rgb, method).apply(&faded, 0.5);
            assert!((half.data()[7] - f32::midpoint(faded.data()[7], out.data()[7])).abs() < 1e-6);
        }
    }

    #[test]
    fn smoothing_glides_between_palettes() {
        let dark = Palette::of(&picture(1, 0.2, 0.0), Space::Rgb, Method::Histogram);
        let bright = Palette::of(&picture(1, 0.2, 0.6), Space::Rgb, Method::Histogram);
        let mut between = dark.clone();
        between.follow(&bright, 0.75);
        let out = between.apply(&picture(1, 0.2, 0.3), 1.0);
        let expected = picture(1, 0.2, 0.15);
        assert!(worst(&out, &expected) < 2e-3, "{}", worst(&out, &expected));
    }

    #[test]
    fn flat_pictures_do_no_harm() {
        let flat = Raster::from_vec(SIZE, 3, vec![0.5; SIZE.area() * 3]);
        for method in [Method::Histogram, Method::MeanStd] {
            let out = Palette::of(&flat, Space::Lab, method).apply(&picture(3, 1.0, 0.0), 1.0);
            assert!(out.data().iter().all(|v| v.is_finite()));
            let out = Palette::of(&picture(3, 1.0, 0.0), Space::Lab, method).apply(&flat, 1.0);
            assert!(out.data().iter().all(|v| v.is_finite()));
        }
    }
}
