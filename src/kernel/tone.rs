//! Tones: brightness, contrast and saturation, and the curves that a picture's own histogram suggests.
//!
//! What works on "planes" takes any plane of values around 0..1, for grey pictures, masks and depths alike. Nothing here holds
//! values to 0..1 unless it says so.

use rayon::prelude::*;

use super::wide::wide;
use super::{band, maths};
use crate::frame::{Mask, Raster};

/// How much red, green and blue count in a grey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grey {
    /// 0.299, 0.587, 0.114: BT.601, as `OpenCV` and PIL.
    #[default]
    Bt601,
    /// 0.2126, 0.7152, 0.0722: BT.709, as HD video.
    Bt709,
    /// A third each.
    Mean,
}

impl Grey {
    /// The weights of red, green and blue; they add up to 1.
    #[must_use]
    pub const fn weights(self) -> [f32; 3] {
        match self {
            Self::Bt601 => [0.299, 0.587, 0.114],
            Self::Bt709 => [0.2126, 0.7152, 0.0722],
            Self::Mean => [1.0 / 3.0; 3],
        }
    }
}

/// The greys of a picture's first three planes, as one plane.
#[must_use]
pub fn grey(picture: &Raster, weights: Grey) -> Raster {
    let mut out = Raster::uninit(picture.size(), 1);
    let [r, g, b] = weights.weights();
    let (red, green, blue) = (picture.plane(0), picture.plane(1), picture.plane(2));
    out.data_mut().par_chunks_mut(CHUNK).enumerate().for_each(|(index, out)| {
        let at = index * CHUNK;
        weigh(out, [&red[at..], &green[at..], &blue[at..]], [r, g, b]);
    });
    out
}

/// Takes the share `amount` (0..1) of the colour out of `picture`, which stays a colour picture; less where `mask` is dark.
pub fn desaturate(picture: &mut Raster, weights: Grey, amount: f32, mask: Option<&Mask>) {
    let [r, g, b] = weights.weights();
    each_color(picture, mask, move |[red, green, blue], share| {
        let grey = r * red + g * green + b * blue;
        let toward = |v: f32| v + amount * share * (grey - v);
        [toward(red), toward(green), toward(blue)]
    });
}

/// `pivot + gain · (v − pivot)` for the first three planes: a pivot of 0 is a plain gain, as in Deforum; 0.5 keeps mid-grey.
/// Less where `mask` is dark.
pub fn contrast(picture: &mut Raster, gain: f32, pivot: f32, mask: Option<&Mask>) {
    let offset = pivot - gain * pivot;
    each_value(picture, mask, move |v| gain * v + offset);
}

/// What [`levels`] does, in this order: the range `black..white` becomes 0..1, gamma bends it, brightness and saturation change
/// it, and 0..1 becomes `out_black..out_white`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// What becomes 0.
    pub black: f32,
    /// What becomes 1.
    pub white: f32,
    /// The power is one over this: above 1 brightens the middle.
    pub gamma: f32,
    /// Added to every value.
    pub brightness: f32,
    /// 0 grey, 1 as it was, above 1 more colourful.
    pub saturation: f32,
    /// What 0 becomes.
    pub out_black: f32,
    /// What 1 becomes.
    pub out_white: f32,
    /// Whether what lies outside `black..white` is held to its ends.
    pub clip: bool,
}

impl Default for Levels {
    fn default() -> Self {
        Self { black: 0.0, white: 1.0, gamma: 1.0, brightness: 0.0, saturation: 1.0, out_black: 0.0, out_white: 1.0, clip: false }
    }
}

/// [`Levels`] as a line, a power and another line.
#[derive(Clone, Copy)]
struct Bend {
    scale: f32,
    offset: f32,
    held: [f32; 2],
    power: f32,
    brightness: f32,
    saturation: f32,
    out: [f32; 2],
}

impl Bend {
    fn new(levels: &Levels) -> Self {
        let span = levels.white - levels.black;
        // A range of nothing is a threshold: a line so steep that the ends hold all values but `white` itself, which is 1.
        let threshold = span.abs() < 1e-9;
        let scale = if threshold { 1e30 } else { 1.0 / span };
        let offset = if threshold { 1.0 - levels.white * scale } else { -levels.black * scale };
        Self {
            scale,
            offset,
            held: if levels.clip || threshold { [0.0, 1.0] } else { [f32::NEG_INFINITY, f32::INFINITY] },
            power: 1.0 / levels.gamma,
            brightness: levels.brightness,
            saturation: levels.saturation,
            out: [levels.out_white - levels.out_black, levels.out_black],
        }
    }

    #[inline(always)]
    fn hold(&self, v: f32) -> f32 {
        let v = if v > self.held[0] { v } else { self.held[0] };
        if v < self.held[1] { v } else { self.held[1] }
    }

    /// The value that `v` becomes, saturation and the range of the output apart.
    #[inline(always)]
    fn bend<const GAMMA: bool>(&self, v: f32) -> f32 {
        let v = self.hold(v * self.scale + self.offset);
        let v = if GAMMA { maths::pow(v.abs(), self.power).copysign(v) } else { v };
        v + self.brightness
    }

    #[inline(always)]
    fn place(&self, v: f32) -> f32 {
        self.hold(v) * self.out[0] + self.out[1]
    }

    fn apply<const GAMMA: bool>(self, picture: &mut Raster, mask: Option<&Mask>) {
        if self.saturation == 1.0 {
            each_value(picture, mask, move |v| self.place(self.bend::<GAMMA>(v)));
            return;
        }
        let weights = Grey::Bt601.weights();
        each_color(picture, mask, move |color, share| {
            let [r, g, b] = color;
            let bent = [self.bend::<GAMMA>(r), self.bend::<GAMMA>(g), self.bend::<GAMMA>(b)];
            let grey = weights[0] * bent[0] + weights[1] * bent[1] + weights[2] * bent[2];
            let done = |i: usize| color[i] + share * (self.place(grey + self.saturation * (bent[i] - grey)) - color[i]);
            [done(0), done(1), done(2)]
        });
    }
}

/// Applies [`Levels`] to the first three planes; less where `mask` is dark.
pub fn levels(picture: &mut Raster, levels: Levels, mask: Option<&Mask>) {
    if levels == (Levels { clip: levels.clip, ..Levels::default() }) {
        return;
    }
    let bend = Bend::new(&levels);
    if levels.gamma == 1.0 { bend.apply::<false>(picture, mask) } else { bend.apply::<true>(picture, mask) }
}

/// Values of one piece of parallel work.
const CHUNK: usize = 1 << 15;

/// The mean of a plane; 0 of an empty one.
#[must_use]
pub fn mean(plane: &[f32]) -> f32 {
    let of = |chunk: &[f32]| {
        let (eights, rest) = chunk.as_chunks::<8>();
        let mut lanes = [0.0_f64; 8];
        for eight in eights {
            lanes.iter_mut().zip(eight).for_each(|(lane, v)| *lane += f64::from(*v));
        }
        lanes.iter().sum::<f64>() + rest.iter().map(|v| f64::from(*v)).sum::<f64>()
    };
    let sums: Vec<f64> = plane.par_chunks(CHUNK).map(of).collect();
    (sums.iter().sum::<f64>() / plane.len().max(1) as f64) as f32
}

/// The values below which the shares `low` and `high` (0..1) of a plane lie, linear between neighbours as `numpy.percentile`
/// has it.
#[must_use]
pub fn percentiles(plane: &[f32], [low, high]: [f64; 2]) -> [f32; 2] {
    let mut values = plane.to_vec();
    [low, high].map(|share| percentile(&mut values, share))
}

fn percentile(values: &mut [f32], share: f64) -> f32 {
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let position = share.clamp(0.0, 1.0) * last as f64;
    let (_, below, above) = values.select_nth_unstable_by(position as usize, f32::total_cmp);
    let below = *below;
    let above = above.iter().copied().min_by(f32::total_cmp).unwrap_or(below);
    below + position.fract() as f32 * (above - below)
}

/// Stretches a plane so that the values at the shares `low` and `high` (0..1) become 0 and 1, held to 0..1: auto-contrast
/// between percentiles. A plane without extent stays as it was.
pub fn stretch(plane: &mut [f32], [low, high]: [f64; 2]) {
    let [black, white] = percentiles(plane, [low, high]);
    if white > black {
        each(plane, |v| ((v - black) / (white - black)).max(0.0).min(1.0));
    }
}

/// Levels of the histogram behind [`equalize`].
const LEVELS: usize = 256;

/// Gives every brightness of a plane (held to 0..1) the same share of it: histogram equalisation by PIL's rule, that is with a
/// histogram of 256 levels, but without steps between them. A plane of one level stays as it was.
pub fn equalize(plane: &mut [f32]) {
    if let Some(table) = equalizer(plane) {
        each(plane, |v| look_up(&table, v));
    }
}

/// What each of 256 levels becomes, and one more for what lies behind the last.
fn equalizer(plane: &[f32]) -> Option<[f32; LEVELS + 1]> {
    let count = |chunk: &[f32]| {
        // Four tables in turn: one alone waits for itself wherever neighbours are alike.
        let mut counts = [[0_u32; LEVELS]; 4];
        let mut levels = [0; 256];
        for values in chunk.chunks(levels.len()) {
            levels_of(&mut levels, values);
            for (i, level) in levels[..values.len()].iter().enumerate() {
                counts[i % 4][usize::from(*level)] += 1;
            }
        }
        std::array::from_fn::<_, LEVELS, _>(|i| counts.iter().map(|table| table[i]).sum::<u32>())
    };
    let parts: Vec<_> = plane.par_chunks(CHUNK).map(count).collect();
    let counts: [u64; LEVELS] = std::array::from_fn(|i| parts.iter().map(|part| u64::from(part[i])).sum());
    let top = counts.iter().rposition(|n| *n > 0)?;
    // As in PIL, whole pixels per level of the output.
    let step = (counts.iter().sum::<u64>() - counts[top]) / (LEVELS as u64 - 1);
    if step == 0 {
        return None;
    }
    let mut below = 0;
    let mut table = [1.0; LEVELS + 1];
    for (value, count) in table.iter_mut().zip(counts) {
        *value = (below as f32 / (step * (LEVELS as u64 - 1)) as f32).min(1.0);
        below += count;
    }
    table[LEVELS] = table[LEVELS - 1];
    Some(table)
}

#[inline(always)]
fn look_up(table: &[f32; LEVELS + 1], v: f32) -> f32 {
    let v = if v > 0.0 { v } else { 0.0 };
    let position = if v < 1.0 { v } else { 1.0 } * (LEVELS - 1) as f32;
    // The mask changes nothing; it tells the compiler that the table is long enough.
    let index = position as i32 as usize & (LEVELS - 1);
    table[index] + (position - index as f32) * (table[index + 1] - table[index])
}

/// What [`automatic`] makes of a picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Auto {
    /// Stretches between these shares of the darkest and brightest (0..1).
    Stretch([f64; 2]),
    /// Equalises the histogram.
    Equalize,
}

/// Stretches or equalises a picture by its greys, so that hues stay: red, green and blue move by what their grey moves by.
/// With `per_channel` each plane is treated on its own, which also balances colours. Less where `mask` is dark.
pub fn automatic(picture: &mut Raster, auto: Auto, per_channel: bool, mask: Option<&Mask>) {
    let mut done = picture.clone();
    let treat = |plane: &mut [f32]| match auto {
        Auto::Stretch(shares) => stretch(plane, shares),
        Auto::Equalize => equalize(plane),
    };
    if per_channel {
        done.planes_mut().take(3).for_each(treat);
    } else if let Auto::Stretch(shares) = auto {
        let [black, white] = percentiles(grey(picture, Grey::Bt601).data(), shares);
        if white > black {
            each_value(&mut done, None, move |v| (v - black) / (white - black));
        }
    } else if let Some(table) = equalizer(grey(picture, Grey::Bt601).data()) {
        let [r, g, b] = Grey::Bt601.weights();
        each_color(&mut done, None, move |color, _| {
            let grey = r * color[0] + g * color[1] + b * color[2];
            color.map(|v| v + look_up(&table, grey) - grey)
        });
    }
    *picture = super::blend::protected(picture, done, mask);
}

/// Replaces every value of a plane by `f` of it.
fn each(plane: &mut [f32], f: impl Fn(f32) -> f32 + Sync + Send) {
    plane.par_chunks_mut(CHUNK).for_each(|chunk| edit_values(chunk, None, &f));
}

/// Replaces every value of the first three planes by `f` of it, to the share that `mask` (of the same size) allows.
fn each_value(picture: &mut Raster, mask: Option<&Mask>, f: impl Fn(f32) -> f32 + Sync + Send) {
    let size = picture.size();
    let mask = mask.filter(|m| m.size() == size).map(|m| m.0.plane(0));
    band::each(picture, |mut band| {
        let start = band.top * size.width;
        for rows in band.planes.iter_mut().take(3) {
            edit_values(rows, mask.map(|mask| &mask[start..]), &f);
        }
    });
}

/// Replaces every colour by `f` of it and of what `mask` says there (1 without).
fn each_color(picture: &mut Raster, mask: Option<&Mask>, f: impl Fn([f32; 3], f32) -> [f32; 3] + Sync + Send) {
    let size = picture.size();
    let mask = mask.filter(|m| m.size() == size).map(|m| m.0.plane(0));
    band::each(picture, |mut band| {
        let start = band.top * size.width;
        let [red, green, blue, ..] = &mut band.planes[..] else { return };
        edit_colors([red, green, blue], mask.map(|mask| &mask[start..]), &f);
    });
}

wide! {
    /// The nearest of 256 levels of each value.
    fn levels_of(levels: &mut [u8; 256], values: &[f32]) {
        for (level, v) in levels.iter_mut().zip(values) {
            let v = if *v > 0.0 { *v } else { 0.0 };
            *level = (if v < 1.0 { v } else { 1.0 } * 255.0 + 0.5) as i32 as u8;
        }
    }
}

wide! {
    fn weigh(out: &mut [f32], planes: [&[f32]; 3], weights: [f32; 3]) {
        let ([red, green, blue], [r, g, b]) = (planes, weights);
        let colors = red.iter().zip(green).zip(blue);
        for (v, ((red, green), blue)) in out.iter_mut().zip(colors) {
            *v = r * red + g * green + b * blue;
        }
    }
}

wide! {
    fn edit_values<F: Fn(f32) -> f32>(row: &mut [f32], mask: Option<&[f32]>, f: &F) {
        match mask {
            None => {
                for v in row {
                    *v = f(*v);
                }
            }
            Some(mask) => {
                for (v, m) in row.iter_mut().zip(mask) {
                    *v += m * (f(*v) - *v);
                }
            }
        }
    }
}

wide! {
    fn edit_colors<F: Fn([f32; 3], f32) -> [f32; 3]>(rows: [&mut [f32]; 3], mask: Option<&[f32]>, f: &F) {
        let [red, green, blue] = rows;
        let colors = red.iter_mut().zip(green).zip(blue);
        match mask {
            None => {
                for ((r, g), b) in colors {
                    [*r, *g, *b] = f([*r, *g, *b], 1.0);
                }
            }
            Some(mask) => {
                for (((r, g), b), m) in colors.zip(mask) {
                    [*r, *g, *b] = f([*r, *g, *b], *m);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
