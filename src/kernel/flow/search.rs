//! Dense inverse search (Kroeger, Timofte, Dai, Van Gool 2016): the displacement of square patches by inverse compositional descent.

use rayon::prelude::*;

use super::super::wide::wide;
use crate::frame::{Raster, Size};

/// Pixels along a patch.
pub(super) const PATCH: usize = 8;
/// Pixels of a patch.
const AREA: f32 = (PATCH * PATCH) as f32;
/// Pixels that a patch may go beyond the edge of the second picture.
const MARGIN: usize = 16;
/// Rows of patches that pass what they found to each other; parallel work, so of fixed height.
const STRIPE: usize = 8;
/// A neighbour's displacement nearer than this (squared, in pixels) is not tried.
const ALIKE: f32 = 0.01;

/// How thoroughly to search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    /// Pixels from one patch to the next.
    pub stride: usize,
    /// Steps of descent for each patch, at most.
    pub steps: usize,
    /// A step shorter than this, in pixels, is the last.
    pub enough: f32,
}

/// The second picture with its outermost pixels repeated [`MARGIN`] times around it.
pub(super) struct Target {
    pixels: Raster,
    inner: Size,
}

impl Target {
    pub(super) fn new(picture: &Raster) -> Self {
        let inner = picture.size();
        let mut pixels = Raster::uninit(Size::new(inner.width + 2 * MARGIN, inner.height + 2 * MARGIN), 1);
        let width = pixels.size().width;
        pixels.data_mut().par_chunks_exact_mut(width).enumerate().for_each(|(y, row)| {
            let from = y.saturating_sub(MARGIN).min(inner.height - 1);
            let line = &picture.data()[from * inner.width..][..inner.width];
            row[..MARGIN].fill(line[0]);
            row[MARGIN..MARGIN + inner.width].copy_from_slice(line);
            row[MARGIN + inner.width..].fill(line[inner.width - 1]);
        });
        Self { pixels, inner }
    }

    /// Where the patch at `at`, moved by `by`, begins: the index of its first pixel, the weights of 2×2 pixels.
    #[inline]
    fn aim(&self, at: [usize; 2], by: [f32; 2]) -> (usize, [f32; 4]) {
        let width = self.pixels.size().width;
        let place = |at: usize, by: f32, length: usize| {
            let last = (length + 2 * MARGIN - PATCH - 2) as f32;
            ((at + MARGIN) as f32 + by).max(0.0).min(last)
        };
        let (x, y) = (place(at[0], by[0], self.inner.width), place(at[1], by[1], self.inner.height));
        let (ix, iy) = (x as usize, y as usize);
        let (fx, fy) = (x - ix as f32, y - iy as f32);
        (iy * width + ix, [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy])
    }
}

/// Where patches lie: every `stride` pixels, the last at the very edge.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lattice {
    size: Size,
    stride: usize,
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Lattice {
    pub(super) fn new(size: Size, stride: usize) -> Self {
        let count = |length: usize| (length - PATCH).div_ceil(stride) + 1;
        Self { size, stride, columns: count(size.width), rows: count(size.height) }
    }

    /// The first pixel of a patch.
    #[inline]
    pub(super) fn place(&self, column: usize, row: usize) -> [usize; 2] {
        [(column * self.stride).min(self.size.width - PATCH), (row * self.stride).min(self.size.height - PATCH)]
    }
}

/// A patch of the first picture and what its descent needs.
struct Patch {
    value: [[f32; PATCH]; PATCH],
    dx: [[f32; PATCH]; PATCH],
    dy: [[f32; PATCH]; PATCH],
    /// The means of `dx` and `dy`.
    mean: [f32; 2],
    /// The inverse of the Gauss-Newton matrix: xx, xy, yy. Zeros where nothing can be told.
    inverse: [f32; 3],
}

/// How well a patch fits somewhere: the squared differences, less their mean, and the descent's right side.
#[derive(Clone, Copy)]
struct Fit {
    error: f32,
    slope: [f32; 2],
}

#[inline(always)]
#[allow(clippy::inline_always, reason = "so that it is compiled with its caller's instructions")]
fn sum8(v: [f32; 8]) -> f32 {
    ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]))
}

impl Patch {
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as above")]
    fn cut(picture: &Raster, [left, top]: [usize; 2]) -> Self {
        let Size { width, height } = picture.size();
        let mut patch =
            Self { value: [[0.0; PATCH]; PATCH], dx: [[0.0; PATCH]; PATCH], dy: [[0.0; PATCH]; PATCH], mean: [0.0; 2], inverse: [0.0; 3] };
        let data = picture.data();
        let (mut sx, mut sy, mut xx, mut xy, mut yy) = ([0.0; 8], [0.0; 8], [0.0; 8], [0.0; 8], [0.0; 8]);
        for j in 0..PATCH {
            let y = top + j;
            let line = &data[y * width..][..width];
            let above = &data[y.saturating_sub(1) * width + left..][..PATCH];
            let below = &data[(y + 1).min(height - 1) * width + left..][..PATCH];
            patch.value[j].copy_from_slice(&line[left..left + PATCH]);
            let mut before = [line[left.saturating_sub(1)]; PATCH];
            before[1..].copy_from_slice(&line[left..left + PATCH - 1]);
            let mut after = [line[(left + PATCH).min(width - 1)]; PATCH];
            after[..PATCH - 1].copy_from_slice(&line[left + 1..left + PATCH]);
            for i in 0..PATCH {
                let (dx, dy) = (0.5 * (after[i] - before[i]), 0.5 * (below[i] - above[i]));
                (patch.dx[j][i], patch.dy[j][i]) = (dx, dy);
                sx[i] += dx;
                sy[i] += dy;
                xx[i] += dx * dx;
                xy[i] += dx * dy;
                yy[i] += dy * dy;
            }
        }
        let (sx, sy) = (sum8(sx), sum8(sy));
        // A little is added to the diagonal: what is nearly flat moves little.
        let (xx, xy, yy) = (sum8(xx) - sx * sx / AREA + 1.0, sum8(xy) - sx * sy / AREA, sum8(yy) - sy * sy / AREA + 1.0);
        let determinant = xx * yy - xy * xy;
        patch.mean = [sx / AREA, sy / AREA];
        if determinant > 1e-3 {
            patch.inverse = [yy / determinant, -xy / determinant, xx / determinant];
        }
        patch
    }

    /// How the patch, which lies at `at`, fits when it is moved by `by`.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as above")]
    fn fit(&self, target: &Target, at: [usize; 2], by: [f32; 2]) -> Fit {
        let (first, w) = target.aim(at, by);
        let (pixels, width) = (target.pixels.data(), target.pixels.size().width);
        let (mut sum, mut square, mut px, mut py) = ([0.0; 8], [0.0; 8], [0.0; 8], [0.0; 8]);
        for j in 0..PATCH {
            let a = &pixels[first + j * width..][..=PATCH];
            let b = &pixels[first + (j + 1) * width..][..=PATCH];
            for i in 0..PATCH {
                let value = (w[0] * a[i] + w[1] * a[i + 1]) + (w[2] * b[i] + w[3] * b[i + 1]);
                let d = value - self.value[j][i];
                sum[i] += d;
                square[i] += d * d;
                px[i] += d * self.dx[j][i];
                py[i] += d * self.dy[j][i];
            }
        }
        let sum = sum8(sum);
        Fit { error: sum8(square) - sum * sum / AREA, slope: [sum8(px) - sum * self.mean[0], sum8(py) - sum * self.mean[1]] }
    }

    /// Moves `by` downhill for at most `steps` steps; returns where it ended and how that fits, and whether it is the bottom.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "as above")]
    fn descend(&self, target: &Target, at: [usize; 2], start: [f32; 2], fit: Fit, steps: usize, enough: f32) -> ([f32; 2], Fit, bool) {
        let (mut by, mut fit) = (start, fit);
        let [xx, xy, yy] = self.inverse;
        for _ in 0..steps {
            let [px, py] = fit.slope;
            let step = [xx * px + xy * py, xy * px + yy * py];
            let next = [by[0] - step[0], by[1] - step[1]];
            let strayed = (next[0] - start[0]).abs().max((next[1] - start[1]).abs()) > PATCH as f32;
            let next_fit = self.fit(target, at, next);
            let better = next_fit.error < fit.error;
            if strayed || !better {
                return (by, fit, true);
            }
            (by, fit) = (next, next_fit);
            if step[0] * step[0] + step[1] * step[1] < enough * enough {
                return (by, fit, true);
            }
        }
        (by, fit, false)
    }
}

/// The displacement of every patch of `picture` on `lattice`, row by row, beginning at those in `found`.
pub(super) fn search(picture: &Raster, target: &Target, lattice: Lattice, effort: Effort, found: &mut [[f32; 2]]) {
    let stripe = STRIPE * lattice.columns;
    found.par_chunks_mut(stripe).enumerate().for_each(|(index, found)| {
        search_stripe(picture, target, lattice, effort, index * STRIPE, found);
    });
}

wide! {
    /// The rows of patches from `top` on, each of which first tries what its neighbours found: from the top left, then back.
    fn search_stripe(picture: &Raster, target: &Target, lattice: Lattice, effort: Effort, top: usize, found: &mut [[f32; 2]]) {
        let columns = lattice.columns;
        let rows = found.len() / columns;
        let mut state: Vec<(Fit, bool)> = Vec::with_capacity(found.len());
        for row in 0..rows {
            for column in 0..columns {
                let at = lattice.place(column, top + row);
                let patch = Patch::cut(picture, at);
                let here = row * columns + column;
                let mut best = (found[here], patch.fit(target, at, found[here]));
                let neighbours = [(column > 0).then(|| here - 1), (row > 0).then(|| here - columns)];
                better(&patch, target, at, &mut best, neighbours.map(|n| n.map(|n| found[n])));
                let (by, fit, done) = patch.descend(target, at, best.0, best.1, effort.steps.div_ceil(2), effort.enough);
                found[here] = by;
                state.push((fit, done));
            }
        }
        for row in (0..rows).rev() {
            for column in (0..columns).rev() {
                let at = lattice.place(column, top + row);
                let here = row * columns + column;
                let (fit, done) = state[here];
                let neighbours = [(column + 1 < columns).then(|| here + 1), (row + 1 < rows).then(|| here + columns)];
                let neighbours = neighbours.map(|n| n.map(|n| found[n]));
                if done && neighbours.iter().flatten().all(|n| alike(*n, found[here])) {
                    continue;
                }
                let patch = Patch::cut(picture, at);
                let mut best = (found[here], fit);
                let replaced = better(&patch, target, at, &mut best, neighbours);
                if replaced || !done {
                    found[here] = patch.descend(target, at, best.0, best.1, effort.steps / 2, effort.enough).0;
                }
            }
        }
    }
}

#[inline]
fn alike(a: [f32; 2], b: [f32; 2]) -> bool {
    let (dx, dy) = (a[0] - b[0], a[1] - b[1]);
    dx * dx + dy * dy < ALIKE
}

/// Takes over a neighbour's displacement that fits better; says whether it did.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as above")]
fn better(patch: &Patch, target: &Target, at: [usize; 2], best: &mut ([f32; 2], Fit), others: [Option<[f32; 2]>; 2]) -> bool {
    let mut replaced = false;
    for other in others.into_iter().flatten() {
        if alike(other, best.0) {
            continue;
        }
        let fit = patch.fit(target, at, other);
        if fit.error < best.1.error {
            *best = (other, fit);
            replaced = true;
        }
    }
    replaced
}

/// A displacement for every pixel: the mean of those of all patches over it, each weighted by how well it predicts the pixel.
pub(super) fn densify(picture: &Raster, target: &Target, lattice: Lattice, found: &[[f32; 2]]) -> Raster {
    /// Rows of one piece of work.
    const BAND: usize = 16;
    let size = picture.size();
    let mut out = Raster::uninit(size, 2);
    let (us, vs) = out.data_mut().split_at_mut(size.area());
    let bands = us.par_chunks_mut(BAND * size.width).zip(vs.par_chunks_mut(BAND * size.width));
    bands.enumerate().for_each(|(index, (u, v))| spread(picture, target, lattice, found, index * BAND, u, v));
    out
}

wide! {
    fn spread(picture: &Raster, target: &Target, lattice: Lattice, found: &[[f32; 2]], top: usize, us: &mut [f32], vs: &mut [f32]) {
        let width = picture.size().width;
        let bottom = top + us.len() / width;
        let (pixels, pitch) = (target.pixels.data(), target.pixels.size().width);
        let mut weights = vec![0.0; us.len()];
        us.fill(0.0);
        vs.fill(0.0);
        for row in 0..lattice.rows {
            let y = lattice.place(0, row)[1];
            if y + PATCH <= top || y >= bottom {
                continue;
            }
            for column in 0..lattice.columns {
                let at = lattice.place(column, row);
                let [u, v] = found[row * lattice.columns + column];
                let (first, w) = target.aim(at, [u, v]);
                for y in at[1].max(top)..(at[1] + PATCH).min(bottom) {
                    let a = &pixels[first + (y - at[1]) * pitch..][..=PATCH];
                    let b = &pixels[first + (y - at[1] + 1) * pitch..][..=PATCH];
                    let own = &picture.data()[y * width + at[0]..][..PATCH];
                    let here = (y - top) * width + at[0];
                    let mut weight = [0.0; PATCH];
                    for i in 0..PATCH {
                        let value = (w[0] * a[i] + w[1] * a[i + 1]) + (w[2] * b[i] + w[3] * b[i + 1]);
                        weight[i] = 1.0 / (value - own[i]).abs().max(1.0);
                    }
                    let (sum, us, vs) = (&mut weights[here..][..PATCH], &mut us[here..][..PATCH], &mut vs[here..][..PATCH]);
                    for i in 0..PATCH {
                        sum[i] += weight[i];
                        us[i] += weight[i] * u;
                        vs[i] += weight[i] * v;
                    }
                }
            }
        }
        for ((u, v), weight) in us.iter_mut().zip(vs).zip(weights) {
            let part = 1.0 / weight;
            *u *= part;
            *v *= part;
        }
    }
}
