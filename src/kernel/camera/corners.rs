//! Spots that can be followed.

use super::super::mask::box_mean;
use super::track::Level;
use crate::frame::Raster;

/// Half the side of the window over which gradients are gathered.
const WINDOW: usize = 3;
/// About so many corners are looked for, spread evenly.
const WANTED: f64 = 600.0;
/// Corners weaker than this part of the median of the cells' best are not taken.
const WEAK: f32 = 0.05;
/// Corners keep so far from the edge.
const EDGE: usize = 4;

/// The best corner of each cell of a grid.
pub fn find(level: &Level) -> Vec<[f64; 2]> {
    let size = level.value.size();
    let product = |a: &Raster, b: &Raster| {
        let values = a.data().iter().zip(b.data()).map(|(a, b)| a * b).collect();
        box_mean(&Raster::from_vec(size, 1, values), WINDOW)
    };
    let (xx, xy, yy) = (product(&level.dx, &level.dx), product(&level.dx, &level.dy), product(&level.dy, &level.dy));
    // The lesser eigenvalue of the gradients' matrix: large only where there are edges in two directions.
    let strength = |i: usize| {
        let (a, b, c) = (xx.data()[i], xy.data()[i], yy.data()[i]);
        f32::midpoint(a, c) - (((a - c) / 2.0).powi(2) + b * b).sqrt()
    };
    let cell = ((size.area() as f64 / WANTED).sqrt() as usize).max(6);
    let (inner_right, inner_bottom) = (size.width.saturating_sub(EDGE), size.height.saturating_sub(EDGE));
    let mut best = Vec::new();
    for top in (EDGE..inner_bottom).step_by(cell) {
        for left in (EDGE..inner_right).step_by(cell) {
            let mut found = (f32::MIN, 0, 0);
            for y in top..(top + cell).min(inner_bottom) {
                for x in left..(left + cell).min(inner_right) {
                    let strength = strength(y * size.width + x);
                    if strength > found.0 {
                        found = (strength, x, y);
                    }
                }
            }
            best.push(found);
        }
    }
    let mut strengths: Vec<f32> = best.iter().map(|found| found.0).collect();
    strengths.sort_unstable_by(f32::total_cmp);
    let weak = WEAK * strengths.get(strengths.len() / 2).copied().unwrap_or(0.0);
    best.into_iter().filter(|(strength, ..)| *strength > weak.max(1e-5)).map(|(_, x, y)| [x as f64, y as f64]).collect()
}
