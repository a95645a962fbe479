//! The camera's motion between two pictures: corners, where each went, and the one motion that most of them agree on.
//!
//! Corners (Shi and Tomasi 1994) are tracked from coarse to fine (Lucas and Kanade 1981, in pyramids after Bouguet 2000) on pictures
//! whose local brightness and contrast are evened out, so that a painted picture can be compared with the clip it was painted
//! from. A motion is fitted by random sampling (MSAC, Torr and Zisserman 2000) with a fixed seed and then by reweighted least squares.
//! Then the second picture is brought back by that motion and what is left is tracked and fitted again, which takes away the errors that
//! turns and zooms cause inside the windows of the tracker.

mod corners;
mod fit;
mod track;

pub use fit::{Model, Pair, fit};

use rayon::prelude::*;

use super::sample::{self, Border, Sampling};
use super::warp2d::{self, IDENTITY, Matrix};
use crate::frame::{Motion, Raster, Size};
use track::{Level, Pyramid};

/// With fewer tracks that agree nothing is believed: the camera stands still.
const LEAST: usize = 9;
/// Times that the second picture is brought back and what is left is tracked.
const REFINEMENTS: usize = 2;

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Where pixels of the first picture go in the second.
    pub matrix: Matrix,
    /// Corners that could be followed.
    pub tracked: usize,
    /// How many of them move as `matrix` says.
    pub agreeing: usize,
}

impl Estimate {
    const STILL: Self = Self { matrix: IDENTITY, tracked: 0, agreeing: 0 };
}

/// Estimates how `from` moves to become `to` (of the same size). A corner agrees when the motion explains where it went up to
/// `tolerance` pixels.
#[must_use]
pub fn estimate(from: &Raster, to: &Raster, model: Model, tolerance: f64) -> Estimate {
    let size = from.size();
    if size.width.min(size.height) < 16 || to.size() != size {
        return Estimate::STILL;
    }
    let (from, to) = (track::grey(from), track::grey(to));
    let (first, second) = (Pyramid::new(&from), Pyramid::new(&to));
    let corners = corners::find(&first.levels[0]);
    let follow = |corner: &[f64; 2]| first.follow(&second, *corner).map(|to| Pair { from: *corner, to });
    let mut found = robust(&corners.par_iter().filter_map(follow).collect::<Vec<_>>(), model, size, tolerance);
    for _ in 0..REFINEMENTS {
        if found.agreeing < LEAST {
            break;
        }
        let left = second_pass(&first.levels[0], &to, &corners, &found.matrix);
        let refined = robust(&left, model, size, tolerance);
        if refined.agreeing >= LEAST {
            found = refined;
        }
    }
    if found.agreeing < LEAST { Estimate { matrix: IDENTITY, ..found } } else { found }
}

fn robust(pairs: &[Pair], model: Model, size: Size, tolerance: f64) -> Estimate {
    let tracked = pairs.len();
    match fit(pairs, model, size, tolerance) {
        Some((matrix, agreeing)) => Estimate { matrix, tracked, agreeing },
        None => Estimate { tracked, ..Estimate::STILL },
    }
}

/// Where the corners really went, given that they go about where `matrix` says.
fn second_pass(first: &Level, to: &Raster, corners: &[[f64; 2]], matrix: &Matrix) -> Vec<Pair> {
    let back = sample::warp(to, &forward(matrix, to.size()), Sampling::Bicubic, Border::Replicate);
    let back = Level::new(&back);
    let (right, bottom) = ((to.size().width - 1) as f64, (to.size().height - 1) as f64);
    let pair = |corner: &[f64; 2]| {
        let [x, y] = apply(matrix, *corner);
        if !(0.0..=right).contains(&x) || !(0.0..=bottom).contains(&y) {
            return None;
        }
        let rest = first.follow(&back, *corner, [0.0; 2])?;
        Some(Pair { from: *corner, to: apply(matrix, [corner[0] + rest[0], corner[1] + rest[1]]) })
    };
    corners.par_iter().filter_map(pair).collect()
}

/// Where each pixel goes by `matrix`, as displacement: the flow, and the motion that takes the second picture back to the first.
#[must_use]
pub fn forward(matrix: &Matrix, size: Size) -> Motion {
    warp2d::inverse(matrix).map_or_else(|| super::carry::still(size), |inverse| warp2d::motion(&inverse, size))
}

/// Where `matrix` takes a point.
#[must_use]
pub fn apply(matrix: &Matrix, [x, y]: [f64; 2]) -> [f64; 2] {
    let [u, v, w] = matrix.map(|row| row[0] * x + row[1] * y + row[2]);
    [u / w, v / w]
}

/// A matrix told in the words of the 2D warp: shift first, then turn and zoom around the middle. What it does besides (shear, tilt) is
/// left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Told {
    /// Pixels to the right and down.
    pub translation: [f64; 2],
    /// Growth.
    pub zoom: f64,
    /// Degrees, counter-clockwise.
    pub angle: f64,
}

impl Told {
    /// What `matrix` does to pictures of `size`, at their middle.
    #[must_use]
    pub fn of(matrix: &Matrix, size: Size) -> Self {
        let center = [size.width as f64 / 2.0, size.height as f64 / 2.0];
        let goes = apply(matrix, center);
        // The linear part of the motion at the middle.
        let w = matrix[2][0] * center[0] + matrix[2][1] * center[1] + matrix[2][2];
        let slope = |i: usize, j: usize| (matrix[i][j] - goes[i] * matrix[2][j]) / w;
        let (cos, sin) = (f64::midpoint(slope(0, 0), slope(1, 1)), (slope(0, 1) - slope(1, 0)) / 2.0);
        let squared = cos * cos + sin * sin;
        let (dx, dy) = (goes[0] - center[0], goes[1] - center[1]);
        // The shift comes before turn and zoom: undo those.
        let translation = [(cos * dx - sin * dy) / squared, (sin * dx + cos * dy) / squared];
        Self { translation, zoom: squared.sqrt(), angle: sin.atan2(cos).to_degrees() }
    }
}

#[cfg(test)]
mod tests;
