//! Reading many positions: prepared in arrays, which vectorises, and read for each plane.

use super::filter::Filter;
use super::place::{FAR, between, floor, greatest, hold, least, place};
use super::{Border, Sampling};
use crate::frame::Size;
use crate::kernel::cpu::{GROUP, Group, Plane, Simd, Window};

/// Pixels that are prepared together: enough to vectorise, few enough to stay in the first cache.
pub(in crate::kernel) const CHUNK: usize = 128;
/// Columns of a patch of `N`×`N` pixels: whole vectors, of which the last few do not count.
const WIDE: usize = 8;

/// What is read, and how.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// All planes.
    pub planes: &'a [&'a [f32]],
    /// Their size.
    pub size: Size,
    /// What lies outside.
    pub border: Border,
    /// Between what results are held, with filters that overshoot.
    pub limits: (f32, f32),
}

/// Where some consecutive pixels read from. Arrays apart, so that preparing them vectorises.
pub(super) struct Spots<const N: usize> {
    x: [f32; CHUNK],
    y: [f32; CHUNK],
    /// Column and row of the first tap.
    column: [i32; CHUNK],
    row: [i32; CHUNK],
    /// Weights by tap.
    across: [[f32; CHUNK]; N],
    down: [[f32; CHUNK]; N],
    /// Weights by pixel, for filters of more than two taps, of groups without a window.
    by_pixel: [[f32; WIDE]; CHUNK],
    /// Groups that can be read together.
    windows: [Option<Window>; CHUNK / GROUP],
    /// Whether all taps of all pixels lie inside.
    inside: bool,
}

impl<const N: usize> Spots<N> {
    pub fn new() -> Self {
        Self {
            x: [0.0; CHUNK],
            y: [0.0; CHUNK],
            column: [0; CHUNK],
            row: [0; CHUNK],
            across: [[0.0; CHUNK]; N],
            down: [[0.0; CHUNK]; N],
            by_pixel: [[0.0; WIDE]; CHUNK],
            windows: [None; CHUNK / GROUP],
            inside: true,
        }
    }

    /// Prepares the pixels from `(left, y)` on, each moved by (dx, dy).
    #[inline(always)]
    pub fn aim<F: Filter<N>, S: Simd>(&mut self, simd: S, (left, y): (usize, usize), [dx, dy]: &[[f32; CHUNK]; 2], source: &Source<'_>) {
        for (i, (x, dx)) in self.x.iter_mut().zip(dx).enumerate() {
            *x = (left as u32 + i as u32) as f32 + dx;
        }
        for (py, dy) in self.y.iter_mut().zip(dy) {
            *py = y as f32 + dy;
        }
        let folds = N == 2 && matches!(source.border, Border::Mirror | Border::Reflect);
        if folds || (N <= 2 && source.border == Border::Replicate) {
            // Between two pixels, holding or folding the position is the same as placing each tap, and never leaves the picture.
            hold(&mut self.x, source.size.width, source.border);
            hold(&mut self.y, source.size.height, source.border);
        }
        let last = [source.size.width, source.size.height].map(|length| length as i32 - N as i32);
        aim_axis::<N, F>(&self.x, last[0], &mut self.column, &mut self.across);
        aim_axis::<N, F>(&self.y, last[1], &mut self.row, &mut self.down);
        let mut all = true;
        for (column, row) in self.column.iter_mut().zip(&mut self.row) {
            let inside = (*column >= 0) & (*column <= last[0]) & (*row >= 0) & (*row <= last[1]);
            *column = if inside { *column } else { -1 };
            *row = if inside { *row } else { -1 };
            all &= inside;
        }
        self.inside = all;
        let (columns, rows) = (self.column.as_chunks().0, self.row.as_chunks().0);
        for (index, window) in self.windows.iter_mut().enumerate() {
            *window = simd.window::<N>(source.size.width, &columns[index], &rows[index]);
            if N > 2 && window.is_none() {
                for i in index * GROUP..(index + 1) * GROUP {
                    for (weight, across) in self.by_pixel[i].iter_mut().zip(&self.across) {
                        *weight = across[i];
                    }
                }
            }
        }
    }

    /// Reads the prepared pixels of one plane into `out`, which has [`CHUNK`] or fewer.
    #[inline(always)]
    pub fn read<F: Filter<N>, S: Simd>(&self, simd: S, plane: &[f32], source: &Source<'_>, out: &mut [f32]) {
        let plane = Plane { pixels: plane, width: source.size.width };
        if N <= 2 {
            self.read_few(simd, plane, out);
        } else {
            self.read_many::<F, S>(simd, plane, out);
        }
        if !self.inside {
            for (i, out) in out.iter_mut().enumerate().filter(|(i, _)| self.column[*i] < 0) {
                *out = spot::<N, F>(plane.pixels, source.size, (self.x[i], self.y[i]), source.border);
            }
        }
        if N > 2 {
            let (low, high) = source.limits;
            for v in out.iter_mut() {
                *v = least(greatest(*v, low), high);
            }
        }
    }

    /// One or four taps, group by group.
    #[inline(always)]
    fn read_few<S: Simd>(&self, simd: S, plane: Plane<'_>, out: &mut [f32]) {
        let (groups, rest) = out.as_chunks_mut::<GROUP>();
        let whole = groups.len();
        for (index, out) in groups.iter_mut().enumerate() {
            *out = self.group(simd, plane, index);
        }
        if !rest.is_empty() {
            rest.copy_from_slice(&self.group(simd, plane, whole)[..rest.len()]);
        }
    }

    /// The values of a group: their taps are collected, then added up.
    #[inline(always)]
    fn group<S: Simd>(&self, simd: S, plane: Plane<'_>, index: usize) -> [f32; GROUP] {
        let mut taps = [[0.0; GROUP]; 4];
        let (x, y) = (&self.column.as_chunks().0[index], &self.row.as_chunks().0[index]);
        let quick = self.windows[index].is_some_and(|window| simd.collect::<N>(&Group { plane, window, y, x }, &mut taps));
        if !quick {
            collect::<N>(plane, x, y, &mut taps);
        }
        if N == 1 {
            return taps[0];
        }
        let [left, right, above, below] =
            [&self.across[0], &self.across[N - 1], &self.down[0], &self.down[N - 1]].map(|w| &w.as_chunks::<GROUP>().0[index]);
        std::array::from_fn(|i| {
            let top = left[i] * taps[0][i] + right[i] * taps[1][i];
            let bottom = left[i] * taps[2][i] + right[i] * taps[3][i];
            above[i] * top + below[i] * bottom
        })
    }

    /// More taps, group by group where they lie close together.
    #[inline(always)]
    fn read_many<F: Filter<N>, S: Simd>(&self, simd: S, plane: Plane<'_>, out: &mut [f32]) {
        let (groups, rest) = out.as_chunks_mut();
        let whole = groups.len();
        for (index, out) in groups.iter_mut().enumerate() {
            *out = self.many::<F, S>(simd, plane, index);
        }
        if !rest.is_empty() {
            rest.copy_from_slice(&self.many::<F, S>(simd, plane, whole)[..rest.len()]);
        }
    }

    #[inline(always)]
    fn many<F: Filter<N>, S: Simd>(&self, simd: S, plane: Plane<'_>, index: usize) -> [f32; GROUP] {
        let together = self.windows[index].and_then(|window| self.weighed::<F, S>(simd, plane, window, index));
        together.unwrap_or_else(|| self.each::<F>(plane, index * GROUP))
    }

    /// The values of a group that is read together: the sums of [`patch`], for all pixels at once.
    #[inline(always)]
    fn weighed<F: Filter<N>, S: Simd>(&self, simd: S, plane: Plane<'_>, window: Window, index: usize) -> Option<[f32; GROUP]> {
        let (x, y) = (&self.column.as_chunks().0[index], &self.row.as_chunks().0[index]);
        let down = self.down.each_ref().map(|w| &w.as_chunks().0[index]);
        let (mut sums, mut middle) = ([[0.0; GROUP]; N], [[0.0; GROUP]; 4]);
        if !simd.weigh::<N>(&Group { plane, window, y, x }, &down, &mut sums, &mut middle) {
            return None;
        }
        let across: [&[f32; GROUP]; N] = self.across.each_ref().map(|w| &w.as_chunks().0[index]);
        let mut out = [0.0; GROUP];
        for i in 0..GROUP {
            let mut columns = [0.0; WIDE];
            for k in 0..N {
                columns[k] = sums[k][i] * across[k][i];
            }
            let sum = total::<N>(columns);
            out[i] = if F::HELD { between(sum, [middle[0][i], middle[1][i], middle[2][i], middle[3][i]]) } else { sum };
        }
        Some(out)
    }

    /// The values of a group, one pixel after the other from `start` on.
    #[inline(always)]
    fn each<F: Filter<N>>(&self, plane: Plane<'_>, start: usize) -> [f32; GROUP] {
        let reach = (N - 1) * plane.width + wide(N);
        let mut out = [0.0; GROUP];
        for (i, out) in (start..).zip(&mut out) {
            let first = (self.row[i] as usize).wrapping_mul(plane.width).wrapping_add(self.column[i] as usize);
            let down = std::array::from_fn(|k| self.down[k][i]);
            *out = match plane.pixels.get(first..first.wrapping_add(reach)) {
                Some(pixels) if self.column[i] >= 0 => patch::<N, F>(pixels, plane.width, &self.by_pixel[i], &down),
                // In the last row the end of a vector may lie beyond the plane.
                _ if self.column[i] >= 0 => patch_at_end::<N, F>(&plane.pixels[first..], plane.width, &self.by_pixel[i], &down),
                _ => 0.0,
            };
        }
        out
    }
}

/// Splits positions along one axis into the first tap's index and the weights.
#[inline(always)]
fn aim_axis<const N: usize, F: Filter<N>>(at: &[f32; CHUNK], last: i32, first: &mut [i32; CHUNK], weights: &mut [[f32; CHUNK]; N]) {
    let mut fractions = [0.0; CHUNK];
    for ((at, first), fraction) in at.iter().zip(&mut *first).zip(&mut fractions) {
        let (whole, rest) = split::<N, F>(*at);
        // Two taps on the last pixel itself: read (last − 1, last) with weights (0, 1).
        let edge = (N == 2) & (whole == last + 1) & (rest == 0.0);
        *first = if edge { last } else { whole - F::BEFORE };
        *fraction = if edge { 1.0 } else { rest };
    }
    for (i, fraction) in fractions.into_iter().enumerate() {
        for (weights, w) in weights.iter_mut().zip(F::weights(fraction)) {
            weights[i] = w;
        }
    }
}

/// A position split into the pixel it rounds down to and the fraction.
#[inline(always)]
fn split<const N: usize, F: Filter<N>>(position: f32) -> (i32, f32) {
    let position = (position + F::SHIFT).max(-FAR).min(FAR);
    let whole = floor(position);
    (whole, position - whole as f32)
}

/// The taps of a group, one after the other; zeros for pixels that read from outside.
#[inline(always)]
fn collect<const N: usize>(plane: Plane<'_>, x: &[i32; GROUP], y: &[i32; GROUP], taps: &mut [[f32; GROUP]; 4]) {
    for (i, (x, y)) in x.iter().zip(y).enumerate() {
        if *x < 0 {
            continue;
        }
        let first = *y as usize * plane.width + *x as usize;
        let Some(pixels) = plane.pixels.get(first..first + (N - 1) * plane.width + N) else { continue };
        for tap in 0..N * N {
            taps[tap][i] = pixels[tap / N * plane.width + tap % N];
        }
    }
}

/// Pixels of a row that are read for `n` taps: whole vectors, though the last few may not count.
const fn wide(n: usize) -> usize {
    if n > 4 { WIDE } else { n }
}

/// The weighted sum of `N`×`N` pixels, the first at the start of `pixels`; weights beyond `N` are not used.
#[inline(always)]
fn patch<const N: usize, F: Filter<N>>(pixels: &[f32], width: usize, across: &[f32; WIDE], down: &[f32; N]) -> f32 {
    let mut columns = [0.0; WIDE];
    for (j, down) in down.iter().enumerate() {
        let row = &pixels[j * width..][..wide(N)];
        for (sum, v) in columns.iter_mut().zip(row) {
            *sum += down * v;
        }
    }
    for (i, (sum, across)) in columns.iter_mut().zip(across).enumerate() {
        *sum = if i < N { *sum * across } else { 0.0 };
    }
    let sum = total::<N>(columns);
    if F::HELD {
        let middle = F::BEFORE as usize * (width + 1);
        let (top, bottom) = (&pixels[middle..middle + 2], &pixels[middle + width..middle + width + 2]);
        return between(sum, [top[0], top[1], bottom[0], bottom[1]]);
    }
    sum
}

/// The sum of the first `N` columns, in the order in which halves of a vector are added.
#[inline(always)]
fn total<const N: usize>([a, b, c, d, e, f, g, h]: [f32; WIDE]) -> f32 {
    if N > 4 { ((a + e) + (c + g)) + ((b + f) + (d + h)) } else { (a + c) + (b + d) }
}

/// [`patch`] where the picture ends before the last vector does.
#[cold]
fn patch_at_end<const N: usize, F: Filter<N>>(pixels: &[f32], width: usize, across: &[f32; WIDE], down: &[f32; N]) -> f32 {
    let mut copy = [0.0; WIDE * WIDE];
    for (j, row) in copy.chunks_exact_mut(WIDE).take(N).enumerate() {
        row[..N].copy_from_slice(&pixels[j * width..][..N]);
    }
    patch::<N, F>(&copy, WIDE, across, down)
}

/// One value, with every tap placed on its own.
#[inline(never)]
pub(super) fn spot<const N: usize, F: Filter<N>>(plane: &[f32], size: Size, (x, y): (f32, f32), border: Border) -> f32 {
    let ((column, fx), (row, fy)) = (split::<N, F>(x), split::<N, F>(y));
    let columns: [Option<usize>; N] = std::array::from_fn(|k| place(column - F::BEFORE + k as i32, size.width as i32, border));
    let mut copy = [0.0; WIDE * WIDE];
    for (j, line) in copy.chunks_exact_mut(WIDE).take(N).enumerate() {
        let Some(row) = place(row - F::BEFORE + j as i32, size.height as i32, border) else { continue };
        let row = &plane[row * size.width..][..size.width];
        for (v, column) in line.iter_mut().zip(columns) {
            *v = column.map_or(0.0, |column| row[column]);
        }
    }
    let (across, down) = (F::weights(fx), F::weights(fy));
    if N == 1 {
        return copy[0];
    }
    if N == 2 {
        let [left, right, above, below] = [across[0], across[N - 1], down[0], down[N - 1]];
        return above * (left * copy[0] + right * copy[1]) + below * (left * copy[WIDE] + right * copy[WIDE + 1]);
    }
    let mut weights = [0.0; WIDE];
    weights[..N].copy_from_slice(&across);
    patch::<N, F>(&copy, WIDE, &weights, &down)
}

impl Sampling {
    /// Whether results may leave the range of the pixels around them.
    pub(super) fn overshoots(self) -> bool {
        matches!(self, Self::Bicubic | Self::Lanczos)
    }
}
