//! Variational refinement of a flow, as Brox, Bruhn, Papenberg and Weickert (2004) pose it: brightness and its gradient stay the same
//! along the flow, and the flow is smooth but for edges; each with the penalty √(x² + ε²), which forgives outliers.
//!
//! The unknowns are the flow itself. The terms are linearised once around the flow that is given, the penalties' weights are
//! renewed [`Terms::rounds`] times, and each time the sparse system is relaxed (SOR, red and black) a few times.

use rayon::prelude::*;

use super::relax::{Lines, relax};
use super::wide::wide;
use crate::frame::Raster;

/// What weighs how much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// That brightness stays the same.
    pub brightness: f32,
    /// That its gradient stays the same.
    pub gradient: f32,
    /// That the flow is smooth.
    pub smoothness: f32,
    /// How often the weights are renewed.
    pub rounds: usize,
    /// Relaxations of the system each time.
    pub sweeps: usize,
    /// Over-relaxation, between 1 and 2.
    pub omega: f32,
}

impl Default for Terms {
    fn default() -> Self {
        Self { brightness: 5.0, gradient: 10.0, smoothness: 20.0, rounds: 5, sweeps: 5, omega: 1.6 }
    }
}

/// ε² of the penalties.
const EPSILON2: f32 = 1e-6;
/// ζ², which keeps the normalisation of the data terms by the gradient finite.
const ZETA2: f32 = 1e-2;

/// Planes whose rows are `pitch` long, with one value before the first pixel and at least one after the last.
pub(super) struct Planes {
    pub width: usize,
    pub height: usize,
    pub pitch: usize,
    raster: Raster,
}

/// Rows are relaxed in pieces of this many pixels.
pub(super) const PIECE: usize = 16;

impl Planes {
    /// `count` planes of zeros for pictures of `width` × `height`.
    fn new((width, height): (usize, usize), count: usize) -> Self {
        let pitch = width.next_multiple_of(PIECE) + 2;
        Self { width, height, pitch, raster: Raster::zeroed(crate::frame::Size::new(pitch, height), count) }
    }

    /// Row `y` of plane `index`, beginning before the first pixel.
    #[inline]
    pub(super) fn row(&self, index: usize, y: usize) -> &[f32] {
        &self.raster.plane(index)[y * self.pitch..][..self.pitch]
    }

    /// All planes for writing.
    pub(super) fn split<const N: usize>(&mut self) -> [&mut [f32]; N] {
        let mut planes = self.raster.planes_mut();
        std::array::from_fn(|_| planes.next().unwrap_or_default())
    }

    /// Hands every row of all planes at once to `work`, in parallel.
    fn each_row<const N: usize>(&mut self, work: impl Fn(usize, [&mut [f32]; N]) + Sync + Send) {
        let pitch = self.pitch;
        let mut rows: Vec<[&mut [f32]; N]> = (0..self.height).map(|_| std::array::from_fn(|_| Default::default())).collect();
        for (index, plane) in self.raster.planes_mut().enumerate() {
            for (row, slice) in rows.iter_mut().zip(plane.chunks_exact_mut(pitch)) {
                row[index] = slice;
            }
        }
        rows.into_par_iter().with_min_len(8).enumerate().for_each(|(y, row)| work(y, row));
    }
}

/// Repeats the outermost pixels of a row into its margins.
fn close(row: &mut [f32], width: usize) {
    row[0] = row[1];
    let last = row[width];
    row[width + 1..].fill(last);
}

/// `flow` from `from` to `to`, refined.
pub(super) fn refine(from: &Raster, to: &Raster, mut flow: Raster, terms: &Terms) -> Raster {
    let size = from.size();
    let sides = (size.width, size.height);
    let mut field = Planes::new(sides, 2);
    field.each_row::<2>(|y, [u, v]| {
        for (plane, row) in [u, v].into_iter().enumerate() {
            row[1..=size.width].copy_from_slice(&flow.plane(plane)[y * size.width..][..size.width]);
            close(row, size.width);
        }
    });
    let constants = linearise(from, to, &field);
    let mut smooth = Planes::new(sides, 1);
    let mut system = Planes::new(sides, 7);
    for round in 0..terms.rounds {
        smooth.each_row::<1>(|y, [out]| {
            let (above, below) = (y.saturating_sub(1), (y + 1).min(size.height - 1));
            let rows = |plane: usize| [field.row(plane, above), field.row(plane, y), field.row(plane, below)];
            roughness(out, rows(0), rows(1), terms.smoothness);
        });
        system.each_row::<7>(|y, out| {
            let lines = std::array::from_fn(|i| constants.row(i, y));
            let smooth = [smooth.row(0, y.saturating_sub(1)), smooth.row(0, y), smooth.row(0, (y + 1).min(size.height - 1))];
            let present = [y > 0, y + 1 < size.height];
            assemble(out, lines, [field.row(0, y), field.row(1, y)], smooth, present, size.width, *terms);
        });
        relax(&mut field, &system, terms.sweeps, terms.omega, round);
        field.each_row::<2>(|_, rows| rows.into_iter().for_each(|row| close(row, size.width)));
    }
    for (plane, out) in flow.planes_mut().enumerate() {
        out.par_chunks_exact_mut(size.width).enumerate().for_each(|(y, row)| row.copy_from_slice(&field.row(plane, y)[1..=size.width]));
    }
    flow
}

/// What the data terms need at each pixel: the gradient of brightness, its own gradients, and what each constraint says the flow
/// along these is: Ix, Iy, Ixx, Ixy, Iyy, c, cx, cy. All zero where the flow leaves the picture, since nothing is known there.
fn linearise(from: &Raster, to: &Raster, field: &Planes) -> Planes {
    let size = from.size();
    let sides = (size.width, size.height);
    // Mean and difference of the first picture and the second one brought back, and whether it was there.
    let mut base = Planes::new(sides, 3);
    base.each_row::<3>(|y, [mean, difference, known]| {
        let own = &from.data()[y * size.width..][..size.width];
        let (u, v) = (&field.row(0, y)[1..], &field.row(1, y)[1..]);
        for x in 0..size.width {
            let (value, inside) = read(to, x as f32 + u[x], y as f32 + v[x]);
            mean[x + 1] = 0.5 * (own[x] + value);
            difference[x + 1] = value - own[x];
            known[x + 1] = f32::from(u8::from(inside));
        }
        close(mean, size.width);
        close(difference, size.width);
    });
    let mut first = Planes::new(sides, 4);
    first.each_row::<4>(|y, [ix, iy, dx, dy]| {
        let lines = |plane: usize| five(y, size.height).map(|y| base.row(plane, y));
        slope(ix, iy, lines(0), size.width);
        slope(dx, dy, lines(1), size.width);
        close(ix, size.width);
        close(iy, size.width);
    });
    let mut out = Planes::new(sides, 8);
    out.each_row::<8>(|y, [ix, iy, ixx, ixy, iyy, c, cx, cy]| {
        let lines = |plane: usize| five(y, size.height).map(|y| first.row(plane, y));
        slope(ixx, ixy, lines(0), size.width);
        // The mixed derivative is taken once, by columns of rows.
        slope(cx, iyy, lines(1), size.width);
        ix.copy_from_slice(first.row(0, y));
        iy.copy_from_slice(first.row(1, y));
        constraints(
            [ix, iy, ixx, ixy, iyy, c, cx, cy],
            base.row(1, y),
            [first.row(2, y), first.row(3, y)],
            base.row(2, y),
            [field.row(0, y), field.row(1, y)],
        );
    });
    out
}

/// The rows around `y` that a derivative of five taps reads, held to the picture.
fn five(y: usize, height: usize) -> [usize; 5] {
    std::array::from_fn(|i| (y + i).saturating_sub(2).min(height - 1))
}

/// The value at `(x, y)` from 4×4 pixels (Catmull-Rom), and whether that is inside; else at the nearest place inside. Between two pixels
/// alone it would be blurred by how far it lies from either, which draws a flow towards whole pixels.
#[inline]
fn read(picture: &Raster, x: f32, y: f32) -> (f32, bool) {
    let size = picture.size();
    let (right, bottom) = ((size.width - 1) as f32, (size.height - 1) as f32);
    let (hx, hy) = (x.max(0.0).min(right), y.max(0.0).min(bottom));
    let (ix, iy) = (hx as usize, hy as usize);
    let (wx, wy) = (cubic(hx - ix as f32), cubic(hy - iy as f32));
    let mut sum = 0.0;
    for (j, wy) in wy.into_iter().enumerate() {
        let row = &picture.data()[(iy + j).saturating_sub(1).min(size.height - 1) * size.width..][..size.width];
        let pixel = |i: usize| row[(ix + i).saturating_sub(1).min(size.width - 1)];
        let line: f32 = match ix.checked_sub(1).and_then(|first| row.get(first..first + 4)) {
            Some(near) => wx.iter().zip(near).map(|(w, v)| w * v).sum(),
            None => wx.iter().enumerate().map(|(i, w)| w * pixel(i)).sum(),
        };
        sum += wy * line;
    }
    (sum, hx == x && hy == y)
}

/// Weights of four pixels for the fraction `f` between the middle two.
#[inline]
fn cubic(f: f32) -> [f32; 4] {
    let (f2, f3) = (f * f, f * f * f);
    [0.5 * (2.0 * f2 - f3 - f), 0.5 * (3.0 * f3 - 5.0 * f2 + 2.0), 0.5 * (4.0 * f2 - 3.0 * f3 + f), 0.5 * (f3 - f2)]
}

wide! {
    /// The derivatives of `lines[2]` along x and y, by (1, −8, 0, 8, −1) / 12.
    fn slope(dx: &mut [f32], dy: &mut [f32], lines: [&[f32]; 5], width: usize) {
        let n = width + 2;
        let [a, b, line, d, e] = lines.map(|l| &l[..n]);
        let (dx, dy) = (&mut dx[..n], &mut dy[..n]);
        const FAR: f32 = 1.0 / 12.0;
        const NEAR: f32 = 8.0 / 12.0;
        for i in 1..=width {
            dy[i] = NEAR * (d[i] - b[i]) - FAR * (e[i] - a[i]);
        }
        for i in 2..width {
            dx[i] = NEAR * (line[i + 1] - line[i - 1]) - FAR * (line[i + 2] - line[i - 2]);
        }
        for i in [1, width] {
            dx[i] = NEAR * (line[i + 1] - line[i - 1]) - FAR * (line[(i + 2).min(n - 1)] - line[i.saturating_sub(2)]);
        }
    }
}

wide! {
    /// Turns differences along the flow into what the constraints demand of it, and forgets all where nothing is known.
    fn constraints(out: [&mut [f32]; 8], difference: &[f32], slopes: [&[f32]; 2], known: &[f32], field: [&[f32]; 2]) {
        let n = difference.len();
        let [ix, iy, ixx, ixy, iyy, c, cx, cy] = out.map(|o| &mut o[..n]);
        let ([dx, dy], [u, v], known) = (slopes.map(|s| &s[..n]), field.map(|f| &f[..n]), &known[..n]);
        for i in 0..n {
            c[i] = known[i] * (ix[i] * u[i] + iy[i] * v[i] - difference[i]);
            cx[i] = known[i] * (ixx[i] * u[i] + ixy[i] * v[i] - dx[i]);
            cy[i] = known[i] * (ixy[i] * u[i] + iyy[i] * v[i] - dy[i]);
            ix[i] *= known[i];
            iy[i] *= known[i];
            ixx[i] *= known[i];
            ixy[i] *= known[i];
            iyy[i] *= known[i];
        }
    }
}

wide! {
    /// The weight of smoothness: less where the flow changes fast.
    fn roughness(out: &mut [f32], u: [&[f32]; 3], v: [&[f32]; 3], weight: f32) {
        let n = out.len();
        let ([ua, u, ub], [va, v, vb]) = (u.map(|l| &l[..n]), v.map(|l| &l[..n]));
        for i in 1..n - 1 {
            let (ux, uy) = (0.5 * (u[i + 1] - u[i - 1]), 0.5 * (ub[i] - ua[i]));
            let (vx, vy) = (0.5 * (v[i + 1] - v[i - 1]), 0.5 * (vb[i] - va[i]));
            out[i] = weight / ((ux * ux + uy * uy) + (vx * vx + vy * vy) + EPSILON2).sqrt();
        }
    }
}

wide! {
    /// One row of the system: the weights to the pixels right, above and below, the mixed term, the inverse diagonals' inputs and the right sides.
    fn assemble(out: [&mut [f32]; 7], lines: [&[f32]; 8], field: [&[f32]; 2], smooth: [&[f32]; 3], present: [bool; 2], width: usize, terms: Terms) {
        let n = width + 2;
        let [right, below, a12, inv_u, inv_v, b1, b2] = out.map(|o| &mut o[..n]);
        let [ix, iy, ixx, ixy, iyy, c, cx, cy] = lines.map(|l| &l[..n]);
        let ([u, v], [sa, s, sb]) = (field.map(|f| &f[..n]), smooth.map(|l| &l[..n]));
        let (up, down) = (f32::from(u8::from(present[0])), f32::from(u8::from(present[1])));
        for i in 1..=width {
            right[i] = 0.5 * (s[i] + s[i + 1]);
            below[i] = down * 0.5 * (s[i] + sb[i]);
        }
        right[0] = 0.0;
        right[width] = 0.0;
        for i in 1..=width {
            let (u, v) = (u[i], v[i]);
            let n0 = 1.0 / (ix[i] * ix[i] + iy[i] * iy[i] + ZETA2);
            let r = ix[i] * u + iy[i] * v - c[i];
            let w0 = terms.brightness * n0 / (n0 * r * r + EPSILON2).sqrt();
            let n1 = 1.0 / (ixx[i] * ixx[i] + ixy[i] * ixy[i] + ZETA2);
            let n2 = 1.0 / (ixy[i] * ixy[i] + iyy[i] * iyy[i] + ZETA2);
            let (rx, ry) = (ixx[i] * u + ixy[i] * v - cx[i], ixy[i] * u + iyy[i] * v - cy[i]);
            let w = terms.gradient / ((n1 * rx) * rx + (n2 * ry) * ry + EPSILON2).sqrt();
            let (w1, w2) = (w * n1, w * n2);
            let around = right[i] + right[i - 1] + below[i] + up * 0.5 * (s[i] + sa[i]);
            a12[i] = w0 * ix[i] * iy[i] + w1 * ixx[i] * ixy[i] + w2 * ixy[i] * iyy[i];
            inv_u[i] = 1.0 / (w0 * ix[i] * ix[i] + w1 * ixx[i] * ixx[i] + w2 * ixy[i] * ixy[i] + around);
            inv_v[i] = 1.0 / (w0 * iy[i] * iy[i] + w1 * ixy[i] * ixy[i] + w2 * iyy[i] * iyy[i] + around);
            b1[i] = w0 * ix[i] * c[i] + w1 * ixx[i] * cx[i] + w2 * ixy[i] * cy[i];
            b2[i] = w0 * iy[i] * c[i] + w1 * ixy[i] * cx[i] + w2 * iyy[i] * cy[i];
        }
    }
}

/// Row `y` of the system as relaxation reads it.
pub(super) fn lines(system: &Planes, y: usize) -> Lines<'_> {
    Lines {
        right: system.row(0, y),
        below: system.row(1, y),
        mixed: system.row(2, y),
        inverse: [system.row(3, y), system.row(4, y)],
        rhs: [system.row(5, y), system.row(6, y)],
    }
}
