//! Noise that follows a motion and stays white.
//!
//! A picture that is warped is resampled: interpolation makes noise soft, and repeating the nearest pixel makes streaks of it. So
//! what moves here are not numbers but *cells*. Each pixel holds a cell that no other pixel holds, and noise is a function of a key and
//! a cell ([`normals`]): whatever the motion, the noise of all pixels is independent and normal, without anything to be corrected.
//!
//! In a step each pixel asks for the cell of the pixel that it came from. Whole pixels alone can be asked for, so what rounding leaves
//! over is kept and added to the next step: slow motion counts, late but fully. Where two ask for one cell, the nearer has
//! it; the other, and what comes from outside the picture or cannot be trusted, begins with a cell of its own.
//!
//! What is left over would lose its order wherever a motion turns or stretches: neighbours would round at different times, ask for
//! the same cells, and the noise would boil. It is therefore kept smooth: it is an angle (one turn for a pixel), and angles have means.

use rayon::prelude::*;

use super::band;
use super::blur;
use super::random;
use crate::frame::{Grain, Mask, Motion, Raster, Size};

/// The deviation in pixels of the blur that keeps what rounding leaves over smooth: about the size of the blocks that move as one.
const BLOCK: f32 = 6.0;
/// No pixel.
const NOBODY: u32 = u32::MAX;

/// A grain on its way.
#[derive(Debug, Clone)]
pub struct Carried {
    grain: Grain,
    /// How far right and below of the middle of a pixel the place lies that its cell should be at.
    rest: Raster,
}

/// How a grain goes on at a step.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Where each pixel came from, of the grain's size.
    pub motion: &'a Motion,
    /// Where the motion can be trusted, 1, and where what it says is new, 0; grey is new in that share of its pixels. Of the grain's
    /// size.
    pub trust: Option<&'a Mask>,
    /// The share of pixels that are new in any case, 0 to 1.
    pub fresh: f32,
    /// The step's number: another one for each, from 1.
    pub number: u32,
}

impl Carried {
    /// A grain all of whose cells are new.
    #[must_use]
    pub fn new(size: Size) -> Self {
        let cells = (0..size.area() as u64).collect();
        Self { grain: Grain::new(size, cells), rest: Raster::zeroed(size, 2) }
    }

    /// What lies under the pixels now.
    #[must_use]
    pub fn grain(&self) -> &Grain {
        &self.grain
    }

    /// Goes on by one step.
    pub fn step(&mut self, step: &Step<'_>) {
        let size = self.grain.size();
        debug_assert_eq!(step.motion.size(), size);
        let mut way = ways(step.motion, &self.rest);
        smooth(&mut way);
        let asked = asked(&mut way, step);
        let mut holder = vec![NOBODY; size.area()];
        let far = |pixel: usize| way.plane(0)[pixel].powi(2) + way.plane(1)[pixel].powi(2);
        for (pixel, source) in asked.iter().enumerate().filter(|(_, source)| **source != NOBODY) {
            let holder = &mut holder[*source as usize];
            if *holder == NOBODY || far(pixel) < far(*holder as usize) {
                *holder = pixel as u32;
            }
        }
        let before = self.grain.cells();
        let cells = asked.par_iter().enumerate().map(|(pixel, source)| match holder.get(*source as usize) {
            Some(holder) if *holder as usize == pixel => before[*source as usize],
            _ => born(step.number, pixel),
        });
        self.grain = Grain::new(size, cells.collect());
        self.rest = way;
    }
}

/// The cell that begins at `pixel` in the step `number`.
fn born(number: u32, pixel: usize) -> u64 {
    (u64::from(number) << 32) | pixel as u64
}

/// From each pixel to the place of the cell that it should show: its motion, and what was left over where that leads. Beyond the
/// picture nothing is left over.
fn ways(motion: &Motion, rest: &Raster) -> Raster {
    let size = motion.size();
    let mut way = motion.0.clone();
    band::each(&mut way, |mut band| {
        let [xs, ys] = &mut band.planes[..] else { return };
        for (row, (dx, dy)) in xs.chunks_exact_mut(size.width).zip(ys.chunks_exact_mut(size.width)).enumerate() {
            for (x, (dx, dy)) in dx.iter_mut().zip(dy).enumerate() {
                if !(dx.is_finite() && dy.is_finite()) {
                    (*dx, *dy) = (0.0, 0.0);
                }
                if let Some(source) = at(size, (x, band.top + row), (*dx, *dy)) {
                    *dx += rest.plane(0)[source];
                    *dy += rest.plane(1)[source];
                }
            }
        }
    });
    way
}

/// The pixel nearest to `way` from the pixel at `x`, `y`, if it is within the picture.
fn at(size: Size, (x, y): (usize, usize), way: (f32, f32)) -> Option<usize> {
    let (x, y) = (x as i64 + way.0.round() as i64, y as i64 + way.1.round() as i64);
    let inside = (0..size.width as i64).contains(&x) && (0..size.height as i64).contains(&y);
    inside.then(|| y as usize * size.width + x as usize)
}

/// Brings each way to the mean of those around it, up to whole pixels.
fn smooth(way: &mut Raster) {
    let mut circle = Raster::uninit(way.size(), 4);
    for (plane, turned) in (0..2).zip([0, 2]) {
        let ways = way.plane(plane);
        let part = |v: &f32| (v - v.round()) * std::f32::consts::TAU;
        circle.plane_mut(turned).par_iter_mut().zip(ways).for_each(|(c, v)| *c = part(v).cos());
        circle.plane_mut(turned + 1).par_iter_mut().zip(ways).for_each(|(c, v)| *c = part(v).sin());
    }
    let circle = blur::gaussian(&circle, BLOCK);
    for (plane, turned) in (0..2).zip([0, 2]) {
        let means = circle.plane(turned).par_iter().zip(circle.plane(turned + 1));
        way.plane_mut(plane).par_iter_mut().zip(means).for_each(|(v, (cos, sin))| {
            let away = sin.atan2(*cos) / std::f32::consts::TAU - *v;
            *v += away - away.round();
        });
    }
}

/// The pixel whose cell each pixel asks for, or [`NOBODY`]. Leaves in `way` what rounding leaves over.
fn asked(way: &mut Raster, step: &Step<'_>) -> Vec<u32> {
    let size = way.size();
    let key = random::bits(0x6772_6169_6e00, u64::from(step.number));
    let (dx, rest) = way.data_mut().split_at_mut(size.area());
    let ways = dx.par_iter_mut().zip(rest).enumerate();
    let ask = |(pixel, (dx, dy)): (usize, (&mut f32, &mut f32))| {
        let source = at(size, (pixel % size.width, pixel / size.width), (*dx, *dy));
        *dx -= dx.round();
        *dy -= dy.round();
        let trust = step.trust.map_or(1.0, |trust| trust.0.plane(0)[pixel]) * (1.0 - step.fresh);
        let kept = trust >= 1.0 || random::unit(random::bits(key, pixel as u64) as u32) < trust;
        source.filter(|_| kept).map_or(NOBODY, |source| source as u32)
    };
    ways.map(ask).collect()
}

/// Cells that are worked on at a time.
const CHUNK: usize = 4096;

/// Fills `planes`, one after the other and each of as many numbers as there are `cells`, with independent normal noise of deviation 1:
/// that of the key and the cells.
pub fn normals(key: u64, cells: &[u64], planes: &mut [f32]) {
    if cells.is_empty() {
        return;
    }
    // Numbers come in pairs, for two planes each.
    for (pair, planes) in planes.chunks_mut(2 * cells.len()).enumerate() {
        let key = random::bits(key, pair as u64);
        if planes.len() == 2 * cells.len() {
            let (left, right) = planes.split_at_mut(cells.len());
            let planes = left.par_chunks_mut(CHUNK).zip(right.par_chunks_mut(CHUNK));
            planes.zip(cells.par_chunks(CHUNK)).for_each(|((left, right), cells)| random::normals_of(key, cells, left, right));
        } else {
            planes.par_chunks_mut(CHUNK).zip(cells.par_chunks(CHUNK)).for_each(|(left, cells)| {
                random::normals_of(key, cells, left, &mut [0.0; CHUNK]);
            });
        }
    }
}

#[cfg(test)]
mod tests;
