//! Resampling row by row: down first, into a line that stays in the nearest cache, then across.

use super::axis::Axis;
use crate::frame::{Raster, Size};
use crate::kernel::band::{self, Band};
use crate::kernel::cpu::{GROUP, Level, Simd, Work};

/// `src` at the places of two axes.
pub(super) fn resample(src: &Raster, size: Size, [x, y]: [&Axis; 2]) -> Raster {
    let mut out = Raster::uninit(size, src.planes());
    let level = Level::best();
    band::each(&mut out, |band| level.run(Rows { src, width: size.width, x, y, band }));
    out
}

/// The rows of a band, as work for a level.
struct Rows<'a> {
    src: &'a Raster,
    width: usize,
    x: &'a Axis,
    y: &'a Axis,
    band: Band<'a>,
}

impl Work for Rows<'_> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let from = self.src.size().width;
        let mut line = vec![0.0; from];
        for (index, rows) in self.band.planes.into_iter().enumerate() {
            let plane = self.src.plane(index);
            for (row, out) in rows.chunks_exact_mut(self.width).enumerate() {
                let (first, weights) = self.y.pixel(self.band.top + row);
                if self.y.taps == 1 {
                    across(simd, &plane[first * from..][..from], self.x, out);
                } else {
                    down(&mut line, &plane[first * from..], weights);
                    across(simd, &line, self.x, out);
                }
            }
        }
    }
}

/// `out` = the sum of as many lines of `plane` as there are weights.
#[inline(always)]
fn down(out: &mut [f32], plane: &[f32], weights: impl Iterator<Item = f32>) {
    let width = out.len();
    let mut lines = plane.chunks_exact(width).zip(weights);
    if let Some((line, weight)) = lines.next() {
        for (out, v) in out.iter_mut().zip(line) {
            *out = weight * v;
        }
    }
    // Two at a time: fewer passes over `out`.
    while let Some((a, wa)) = lines.next() {
        if let Some((b, wb)) = lines.next() {
            for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
                *out += wa * a + wb * b;
            }
        } else {
            for (out, a) in out.iter_mut().zip(a) {
                *out += wa * a;
            }
        }
    }
}

/// `out` = a line at the places of an axis.
#[inline(always)]
fn across<S: Simd>(simd: S, line: &[f32], axis: &Axis, out: &mut [f32]) {
    let (groups, rest) = out.as_chunks_mut();
    let whole = groups.len();
    for (index, out) in groups.iter_mut().enumerate() {
        group(simd, line, axis, index, out);
    }
    if !rest.is_empty() {
        let mut last = [0.0; GROUP];
        group(simd, line, axis, whole, &mut last);
        rest.copy_from_slice(&last[..rest.len()]);
    }
}

#[inline(always)]
fn group<S: Simd>(simd: S, line: &[f32], axis: &Axis, index: usize, out: &mut [f32; GROUP]) {
    let (first, weights) = (&axis.first[index], axis.group(index));
    if simd.along(line, first, weights, out) {
        return;
    }
    for (i, out) in out.iter_mut().enumerate() {
        let taps = &line[first[i] as usize..][..weights.len()];
        *out = 0.0;
        for (weights, v) in weights.iter().zip(taps) {
            *out += weights[i] * v;
        }
    }
}
