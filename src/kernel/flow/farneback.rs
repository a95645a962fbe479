//! Optical flow by polynomial expansion (Farneback 2003): each neighbourhood of both pictures is a quadratic polynomial, and the
//! displacement is what turns one polynomial into the other, found jointly for all pixels of a window, coarse to fine.

use rayon::prelude::*;

use super::super::wide::wide;
use super::pyramid::{Guess, cut, doubled, gray, halves};
use crate::frame::{Flow, Raster, Size};

/// Pixels on either side of the middle to which a polynomial is fitted.
const REACH: usize = 3;
/// Deviation of the Gaussian by which these count.
const SIGMA: f64 = 1.2;
/// Pixels on either side of the middle whose displacement is taken to be one. (Deforum's window is 10 on either side; what that smears
/// costs more than it steadies.)
const WINDOW: usize = 7;
/// The share of one pixel in a window's mean.
const PART: f64 = 1.0 / ((2 * WINDOW + 1) * (2 * WINDOW + 1)) as f64;
/// Levels at most, each half the size of the one before; the smallest has at least [`LEAST`] pixels a side.
const LEVELS: usize = 5;
const LEAST: usize = 16;
/// How often the displacement is renewed at each level.
const ROUNDS: usize = 5;
/// Pulls towards the displacement before, which is all there is where the picture is flat.
const CAUTION: f32 = 1e-2;
/// Numbers per pixel, of the polynomial (x, y, xx, yy, xy) and of the equations (xx, xy, yy, x, y).
const TERMS: usize = 5;
/// Rows of one piece of work.
const BAND: usize = 32;

/// The flow from `from` to `to`, which have one size, in 5 levels of 5 rounds, with a window of 15 pixels and
/// polynomials over 7. Planes are R, G, B, or one of brightness; 0 black to 1 white.
///
/// `initial` is where the search begins, such as the flow a frame before.
#[must_use]
pub fn farneback(from: &Raster, to: &Raster, initial: Option<&Flow>) -> Flow {
    let size = from.size();
    debug_assert_eq!(size, to.size());
    if size.area() == 0 {
        return Flow::new(Raster::zeroed(size, 2));
    }
    let (from, to) = (gray(from, LEAST), gray(to, LEAST));
    let mut side = from.size().width.min(from.size().height);
    let mut count = 1;
    while count < LEVELS && side.div_ceil(2) >= LEAST {
        side = side.div_ceil(2);
        count += 1;
    }
    let (from, to) = (halves(from, count), halves(to, count));
    let coarsest = from[count - 1].size();
    let mut flow = match initial.filter(|flow| flow.size() == size) {
        Some(full) => Guess { field: &full.0, scale: 0.5_f32.powi(count as i32 - 1) }.spread(coarsest),
        None => Raster::zeroed(coarsest, 2),
    };
    for level in (0..count).rev() {
        let size = from[level].size();
        if flow.size() != size {
            flow = doubled(&flow, size);
        }
        let (first, second) = (expand(&from[level]), expand(&to[level]));
        let mut equations = Raster::uninit(first.size(), 1);
        for _ in 0..ROUNDS {
            compare(&first, &second, &flow, &mut equations);
            solve(&equations, &mut flow);
        }
    }
    Flow::new(cut(flow, size))
}

/// The length of a row of [`TERMS`] numbers per pixel, with room to read and write eight at the last.
const fn pitch(width: usize) -> usize {
    width * TERMS + 3
}

/// The weights of a neighbourhood along one axis: times 1, x and x², and what the fit divides by.
struct Basis {
    weights: [[f32; 2 * REACH + 1]; 3],
    /// Of the linear terms, the mixed term, and the squares.
    scale: [f32; 3],
    /// The mean of x².
    second: f32,
}

impl Basis {
    fn new() -> Self {
        let x: [f64; 2 * REACH + 1] = std::array::from_fn(|i| i as f64 - REACH as f64);
        let bell = x.map(|x| (-x * x / (2.0 * SIGMA * SIGMA)).exp());
        let sum: f64 = bell.iter().sum();
        let moment = |n: i32| -> f64 { x.iter().zip(bell).map(|(x, w)| x.powi(n) * w / sum).sum() };
        let (second, fourth) = (moment(2), moment(4));
        let weights = [0, 1, 2].map(|n| std::array::from_fn(|i| (x[i].powi(n) * bell[i] / sum) as f32));
        let scale = [1.0 / second, 1.0 / (second * second), 1.0 / (fourth - second * second)].map(|s| s as f32);
        Self { weights, scale, second: second as f32 }
    }
}

/// The polynomial around every pixel. Beyond its edge the picture goes on as at the edge.
fn expand(picture: &Raster) -> Raster {
    let Size { width, height } = picture.size();
    let basis = Basis::new();
    let mut out = Raster::uninit(Size::new(pitch(width), height), 1);
    out.data_mut().par_chunks_mut(8 * pitch(width)).enumerate().for_each(|(index, rows)| {
        let mut sums = [(); 3].map(|()| vec![0.0; width + 2 * REACH]);
        for (i, row) in rows.chunks_exact_mut(pitch(width)).enumerate() {
            let y = index * 8 + i;
            let lines = std::array::from_fn(|k| &picture.data()[(y + k).saturating_sub(REACH).min(height - 1) * width..][..width]);
            for (sum, weights) in sums.iter_mut().zip(&basis.weights) {
                combine(&mut sum[REACH..REACH + width], &lines, weights);
                let (first, last) = (sum[REACH], sum[REACH + width - 1]);
                sum[..REACH].fill(first);
                sum[REACH + width..].fill(last);
            }
            fit(row, [&sums[0], &sums[1], &sums[2]], &basis, width);
        }
    });
    out
}

wide! {
    /// The weighted sum of seven rows.
    fn combine(out: &mut [f32], lines: &[&[f32]; 2 * REACH + 1], weights: &[f32; 2 * REACH + 1]) {
        let n = out.len();
        let lines = lines.map(|line| &line[..n]);
        for (i, out) in out.iter_mut().enumerate() {
            let mut sum = 0.0;
            for (line, weight) in lines.iter().zip(weights) {
                sum += weight * line[i];
            }
            *out = sum;
        }
    }
}

wide! {
    /// Polynomials of one row from the sums of its columns, times 1, y and y².
    fn fit(out: &mut [f32], sums: [&[f32]; 3], basis: &Basis, width: usize) {
        const PIECE: usize = 16;
        let [one, linear, square] = &basis.weights;
        let padded = width + 2 * REACH;
        let [flat, tilt, bend] = sums.map(|s| &s[..padded]);
        let mut left = 0;
        while left < width {
            let count = PIECE.min(width - left);
            let mut terms = [[0.0_f32; PIECE]; 6];
            for k in 0..=2 * REACH {
                let at = left + k;
                let read = |sum: &[f32]| -> [f32; PIECE] {
                    let mut piece = [0.0; PIECE];
                    if count == PIECE { piece.copy_from_slice(&sum[at..at + PIECE]) } else { piece[..count].copy_from_slice(&sum[at..at + count]) }
                    piece
                };
                let (f, t, b) = (read(flat), read(tilt), read(bend));
                for i in 0..PIECE {
                    terms[0][i] += one[k] * f[i];
                    terms[1][i] += linear[k] * f[i];
                    terms[2][i] += square[k] * f[i];
                    terms[3][i] += one[k] * t[i];
                    terms[4][i] += linear[k] * t[i];
                    terms[5][i] += one[k] * b[i];
                }
            }
            let [mean, x, xx, y, xy, yy] = terms;
            for i in 0..count {
                let flat = basis.second * mean[i];
                let out = &mut out[(left + i) * TERMS..][..TERMS];
                out[0] = x[i] * basis.scale[0];
                out[1] = y[i] * basis.scale[0];
                out[2] = (xx[i] - flat) * basis.scale[2];
                out[3] = (yy[i] - flat) * basis.scale[2];
                out[4] = 0.5 * xy[i] * basis.scale[1];
            }
            left += count;
        }
    }
}

/// How much a pixel so near the edge counts: what lies beyond is made up.
fn trust(at: usize, length: usize) -> f32 {
    const NEAR: [f32; 4] = [0.1, 0.3, 0.6, 0.85];
    NEAR.get(at.min(length - 1 - at)).copied().unwrap_or(1.0)
}

/// The equations that each pixel contributes: where `first`, moved by `flow`, meets `second`.
fn compare(first: &Raster, second: &Raster, flow: &Raster, out: &mut Raster) {
    let Size { width, height } = flow.size();
    let across: Vec<f32> = (0..width).map(|x| trust(x, width)).collect();
    out.data_mut().par_chunks_mut(8 * pitch(width)).enumerate().for_each(|(index, rows)| {
        for (i, row) in rows.chunks_exact_mut(pitch(width)).enumerate() {
            let y = index * 8 + i;
            let own = &first.data()[y * pitch(width)..][..pitch(width)];
            let flow = [0, 1].map(|plane| &flow.plane(plane)[y * width..][..width]);
            compare_row(row, own, second.data(), flow, y, Size::new(width, height), &across, trust(y, height));
        }
    });
}

wide! {
    fn compare_row(out: &mut [f32], own: &[f32], other: &[f32], flow: [&[f32]; 2], y: usize, size: Size, across: &[f32], down: f32) {
        let pitch = pitch(size.width);
        let (right, bottom) = ((size.width - 1) as f32, (size.height - 1) as f32);
        let eight = |data: &[f32], at: usize| -> [f32; 8] {
            let mut v = [0.0; 8];
            v.copy_from_slice(&data[at..at + 8]);
            v
        };
        for x in 0..size.width {
            let (u, v) = (flow[0][x], flow[1][x]);
            let (px, py) = (x as f32 + u, y as f32 + v);
            let (hx, hy) = (px.max(0.0).min(right), py.max(0.0).min(bottom));
            let (ix, iy) = ((hx as usize).min(size.width - 2), (hy as usize).min(size.height - 2));
            let (fx, fy) = (hx - ix as f32, hy - iy as f32);
            let at = iy * pitch + ix * TERMS;
            let (a, b) = (eight(other, at), eight(other, at + TERMS));
            let (c, d) = (eight(other, at + pitch), eight(other, at + pitch + TERMS));
            let here = eight(own, x * TERMS);
            let mut there = [0.0; 8];
            for i in 0..8 {
                let (top, low) = (a[i] + fx * (b[i] - a[i]), c[i] + fx * (d[i] - c[i]));
                there[i] = top + fy * (low - top);
            }
            let inside = f32::from(u8::from((hx == px) & (hy == py)));
            let weight = inside * across[x] * down;
            let (xx, yy, xy) = (0.5 * (here[2] + there[2]), 0.5 * (here[3] + there[3]), 0.5 * (here[4] + there[4]));
            let bx = 0.5 * (here[0] - there[0]) + xx * u + xy * v;
            let by = 0.5 * (here[1] - there[1]) + xy * u + yy * v;
            let out = &mut out[x * TERMS..][..TERMS];
            out[0] = weight * (xx * xx + xy * xy);
            out[1] = weight * (xy * (xx + yy));
            out[2] = weight * (yy * yy + xy * xy);
            out[3] = weight * (xx * bx + xy * by);
            out[4] = weight * (xy * bx + yy * by);
        }
    }
}

/// Solves the equations of every pixel's window for its displacement.
fn solve(equations: &Raster, flow: &mut Raster) {
    let Size { width, height } = flow.size();
    let (us, vs) = flow.data_mut().split_at_mut(width * height);
    let bands = us.par_chunks_mut(BAND * width).zip(vs.par_chunks_mut(BAND * width));
    bands.enumerate().for_each(|(index, (u, v))| solve_band(equations.data(), u, v, index * BAND, Size::new(width, height)));
}

wide! {
    /// Some rows: sums of windows come from those before by adding what enters and subtracting what leaves, in double precision,
    /// lest a flat place keep the rounding of the bright one next to it.
    fn solve_band(equations: &[f32], us: &mut [f32], vs: &mut [f32], top: usize, size: Size) {
        let pitch = pitch(size.width);
        let row = |y: isize| -> Option<&[f32]> {
            usize::try_from(y).ok().filter(|y| *y < size.height).map(|y| &equations[y * pitch..][..pitch])
        };
        let mut columns = vec![0.0_f64; pitch];
        for y in top as isize - WINDOW as isize..top as isize + WINDOW as isize {
            for (sum, v) in columns.iter_mut().zip(row(y).unwrap_or_default()) {
                *sum += f64::from(*v);
            }
        }
        for (i, (us, vs)) in us.chunks_exact_mut(size.width).zip(vs.chunks_exact_mut(size.width)).enumerate() {
            let y = (top + i) as isize;
            for (sum, v) in columns.iter_mut().zip(row(y + WINDOW as isize).unwrap_or_default()) {
                *sum += f64::from(*v);
            }
            let mut sum = [0.0_f64; TERMS];
            let column = |x: usize| -> &[f64] { &columns[x * TERMS..][..TERMS] };
            for x in 0..WINDOW.min(size.width) {
                sum.iter_mut().zip(column(x)).for_each(|(s, v)| *s += v);
            }
            for x in 0..size.width {
                if x + WINDOW < size.width {
                    sum.iter_mut().zip(column(x + WINDOW)).for_each(|(s, v)| *s += v);
                }
                let [xx, xy, yy, bx, by] = sum.map(|s| (s * PART) as f32);
                let (xx, yy) = (xx + CAUTION, yy + CAUTION);
                let (bx, by) = (bx + CAUTION * us[x], by + CAUTION * vs[x]);
                let part = 1.0 / (xx * yy - xy * xy);
                us[x] = (yy * bx - xy * by) * part;
                vs[x] = (xx * by - xy * bx) * part;
                if x >= WINDOW {
                    sum.iter_mut().zip(column(x - WINDOW)).for_each(|(s, v)| *s -= v);
                }
            }
            for (sum, v) in columns.iter_mut().zip(row(y - WINDOW as isize).unwrap_or_default()) {
                *sum -= f64::from(*v);
            }
        }
    }
}
