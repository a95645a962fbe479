//! Giving one picture the colours of another.

mod histogram;
mod hue;

use std::borrow::Cow;

use rayon::prelude::*;

use super::color::{self, Space};
use super::{band, blend};
use crate::frame::{Mask, Raster};
use histogram::{Histogram, Knot, Sweep, level, moments};

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
    /// Mean and deviation.
    Moments([f32; 2]),
}

/// Steps of a palette's distributions after [`Palette::compact`].
const STEPS: u16 = 1024;

impl Palette {
    /// The palette of a picture's first three planes.
    #[must_use]
    pub fn of(picture: &Raster, space: Space, method: Method) -> Self {
        let mut raster = picture.clone();
        color::from_rgb(&mut raster, space);
        Self { space, channels: channels(&raster, None, space, method) }
    }

    /// The palette of where `mask` (of the same size) is above one half; `None` when that is nowhere.
    #[must_use]
    pub fn of_part(picture: &Raster, mask: Option<&Mask>, space: Space, method: Method) -> Option<Self> {
        let Some(mask) = mask.filter(|m| m.size() == picture.size()) else { return Some(Self::of(picture, space, method)) };
        if !mask.0.data().iter().any(|m| *m > 0.5) {
            return None;
        }
        let mut raster = picture.clone();
        color::from_rgb(&mut raster, space);
        Some(Self { space, channels: channels(&raster, Some(mask), space, method) })
    }

    /// Moves this palette towards `newer`, keeping the share `keep` (0..1) of itself: a running mean over time. Quantiles are
    /// averaged, so brightness glides instead of one histogram dissolving into another.
    pub fn follow(&mut self, newer: &Self, keep: f32) {
        for (index, (old, new)) in self.channels.iter_mut().zip(&newer.channels).enumerate() {
            let round = is_hue(self.space, index);
            let mix = |old: f32, new: f32| new + keep * if round { hue::way(old - new) } else { old - new };
            match (old, new) {
                (Channel::Quantiles(old), Channel::Quantiles(new)) => {
                    let mut before = Sweep::over(old);
                    // The knots are those of the newer picture, so their number does not grow.
                    *old = new.iter().map(|k| Knot { value: mix(before.at(k.share), k.value), ..*k }).collect();
                }
                (Channel::Moments(old), Channel::Moments(new)) => *old = std::array::from_fn(|i| mix(old[i], new[i])),
                (old, new) => old.clone_from(new),
            }
        }
    }

    /// The same palette in about 50 KB: distributions in 1024 steps, all at the same shares, as [`mean`](Self::mean) needs them.
    #[must_use]
    pub fn compact(mut self) -> Self {
        for channel in &mut self.channels {
            if let Channel::Quantiles(knots) = channel {
                let mut sweep = Sweep::over(knots);
                let share = |step: u16| f64::from(step) / f64::from(STEPS);
                *knots = (0..=STEPS).map(|step| Knot { share: share(step), value: sweep.at(share(step)) }).collect();
            }
        }
        self
    }

    /// The mean of palettes that are [`compact`](Self::compact) and of one space and method; `None` of none.
    #[must_use]
    pub fn mean<'a>(palettes: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let mut palettes = palettes.into_iter();
        let mut mean = palettes.next()?.clone();
        for (index, palette) in palettes.enumerate() {
            let before = index as f32 + 1.0;
            mean.follow(palette, before / (before + 1.0));
        }
        Some(mean)
    }

    /// `picture` with these colours, to the share `amount` (0 as it was, 1 all the way). Alpha stays.
    #[must_use]
    pub fn apply(&self, picture: &Raster, amount: f32) -> Raster {
        self.apply_part(picture, None, amount)
    }

    /// The same for what `mask` (of the same size) shows: only where it is above one half do the picture's own colours count, and
    /// they change to the share that it says.
    #[must_use]
    pub fn apply_part(&self, picture: &Raster, mask: Option<&Mask>, amount: f32) -> Raster {
        let mask = mask.filter(|m| m.size() == picture.size());
        if amount == 0.0 || mask.is_some_and(|mask| !mask.0.data().iter().any(|m| *m > 0.5)) {
            return picture.clone();
        }
        let mut out = picture.clone();
        color::from_rgb(&mut out, self.space);
        let maps: Vec<Map> = (0..3).into_par_iter().map(|index| self.map(&out, mask, index)).collect();
        band::each(&mut out, |mut band| {
            for (map, plane) in maps.iter().zip(&mut band.planes) {
                map.replace(plane);
            }
        });
        color::to_rgb(&mut out, self.space);
        let out = if amount < 1.0 { blend::mix(picture.clone(), &out, amount) } else { out };
        blend::protected(picture, out, mask)
    }

    /// How one channel of `source` becomes like this palette's.
    fn map(&self, source: &Raster, mask: Option<&Mask>, index: usize) -> Map {
        let round = is_hue(self.space, index);
        match &self.channels[index] {
            Channel::Quantiles(quantiles) => {
                let histogram = Histogram::of(&part(source.plane(index), mask));
                let target = if round { Cow::Owned(hue::unrolled(&histogram.quantiles(), quantiles)) } else { Cow::Borrowed(quantiles) };
                let (low, scale, values) = histogram.map_to(&target);
                let values = if round { values.into_iter().map(|v| v.rem_euclid(1.0)).collect() } else { values };
                Map::Table { low, scale, values }
            }
            Channel::Moments([to, deviation]) => {
                let [from, spread] = moments_of(source, mask, self.space, index);
                let gain = if spread > 1e-6 { deviation / spread } else { 1.0 };
                if round { Map::Turn { gain, from, to: *to } } else { Map::Straight { gain, from, to: *to } }
            }
        }
    }
}

/// Whether channel `index` of `space` goes round.
fn is_hue(space: Space, index: usize) -> bool {
    space == Space::Hsv && index == 0
}

/// The values that `mask` shows.
fn part<'a>(plane: &'a [f32], mask: Option<&Mask>) -> Cow<'a, [f32]> {
    match mask {
        None => Cow::Borrowed(plane),
        Some(mask) => plane.iter().zip(mask.0.data()).filter(|(_, m)| **m > 0.5).map(|(v, _)| *v).collect(),
    }
}

fn moments_of(raster: &Raster, mask: Option<&Mask>, space: Space, index: usize) -> [f32; 2] {
    if is_hue(space, index) {
        let [hue, saturation, value] = [0, 1, 2].map(|plane| part(raster.plane(plane), mask));
        return hue::moments([&hue, &saturation, &value]);
    }
    moments(&part(raster.plane(index), mask))
}

fn channels(raster: &Raster, mask: Option<&Mask>, space: Space, method: Method) -> [Channel; 3] {
    let channel = |index: usize| match method {
        Method::Histogram => Channel::Quantiles(Histogram::of(&part(raster.plane(index), mask)).quantiles()),
        Method::MeanStd => Channel::Moments(moments_of(raster, mask, space, index)),
    };
    let (a, (b, c)) = rayon::join(|| channel(0), || rayon::join(|| channel(1), || channel(2)));
    [a, b, c]
}

/// A mapping of values.
enum Map {
    Straight { gain: f32, from: f32, to: f32 },
    Turn { gain: f32, from: f32, to: f32 },
    Table { low: f32, scale: f32, values: Vec<f32> },
}

impl Map {
    fn replace(&self, row: &mut [f32]) {
        match self {
            Self::Straight { gain, from, to } => row.iter_mut().for_each(|v| *v = to + gain * (*v - from)),
            Self::Turn { gain, from, to } => row.iter_mut().for_each(|v| *v = (to + gain * hue::way(*v - from)).rem_euclid(1.0)),
            Self::Table { low, scale, values } => row.iter_mut().for_each(|v| *v = values[level(*v, *low, *scale)]),
        }
    }
}

#[cfg(test)]
mod tests;
