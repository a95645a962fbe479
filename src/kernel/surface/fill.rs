//! Filling the gaps of a drawn mesh.

use super::{Seen, each_pixel};
use crate::frame::Raster;

/// Where each pixel comes from, as displacements, and the mask of what is made up.
pub(super) fn fill(seen: &Seen) -> (Raster, Raster) {
    let size = seen.size();
    let motion = each_pixel(size, |x, y| {
        let index = y * size.width + x;
        let from = if seen.plane(2)[index] > 0.0 { Some(index) } else { neighbour(seen, x, y) };
        let [column, row] = from.map_or([x as f32, y as f32], |from| [seen.plane(0)[from], seen.plane(1)[from]]);
        [column - x as f32, row - y as f32]
    });
    let revealed = each_pixel(size, |x, y| {
        let index = y * size.width + x;
        let (column, row) = (seen.plane(0)[index], seen.plane(1)[index]);
        let within = |v: f32, length: usize| v >= -0.5 && v <= length as f32 - 0.5;
        let known = seen.plane(2)[index] > 0.0 && within(column, size.width) && within(row, size.height);
        [if known { 0.0 } else { 1.0 }]
    });
    (motion, revealed)
}

/// The drawn pixel that the gap at `(x, y)` takes its content from: its mirror image in the farther bank, the way that the gap is
/// narrower.
fn neighbour(seen: &Seen, x: usize, y: usize) -> Option<usize> {
    let size = seen.size();
    let lines = [(x, size.width, [1, 0]), (y, size.height, [0, 1])].map(|(at, length, step)| {
        let index = |i: usize| (y * (1 - step[1]) + i * step[1]) * size.width + x * (1 - step[0]) + i * step[0];
        bank(seen, at, length, index)
    });
    let found = lines.into_iter().flatten().min_by_key(|(width, _)| *width)?;
    Some(found.1)
}

/// The width of the gap at `at` along a line, and the pixel it takes its content from.
fn bank(seen: &Seen, at: usize, length: usize, index: impl Fn(usize) -> usize) -> Option<(usize, usize)> {
    let near = |i: usize| seen.plane(2)[index(i)];
    let before = (0..at).rev().find(|i| near(*i) > 0.0);
    let after = (at + 1..length).find(|i| near(*i) > 0.0);
    let from_before = |edge: usize| (2 * edge + 1).checked_sub(at).filter(|i| near(*i) > 0.0).unwrap_or(edge);
    let from_after = |edge: usize| Some(2 * edge - at - 1).filter(|i| *i < length && near(*i) > 0.0).unwrap_or(edge);
    match (before, after) {
        // Content that leads on from what is farther away: the near side hides it, and must not be repeated.
        (Some(a), Some(b)) => Some((b - a, index(if near(a) < near(b) { from_before(a) } else { from_after(b) }))),
        // Open at one end: only if nothing better is found.
        (Some(a), None) => Some((2 * length, index(from_before(a)))),
        (None, Some(b)) => Some((2 * length, index(from_after(b)))),
        (None, None) => None,
    }
}
