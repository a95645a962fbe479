//! Variational refinement of a flow, as Brox, Bruhn, Papenberg and Weickert (2004) pose it: brightness and its gradient stay the same
//! along the flow, and the flow is smooth but for edges; each with the penalty √(x² + ε²), which forgives outliers.
//!
//! The unknowns are the flow itself. The terms are linearised once around the flow that is given, the penalties' weights are
//! renewed [`Terms::rounds`] times, and each time the sparse system is relaxed (SOR, red and black) a few times.

use rayon::prelude::*;

use super::super::wide::wide;
use super::piece::{PIECE, piece};
use super::relax::{Lines, relax};
use crate::frame::{Raster, Size};

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
    /// Over-relaxation, between 1 and 2. So few sweeps gain most from a bold one: it carries what is known into what is flat.
    pub omega: f32,
    /// Whether the second picture is read from 4×4 pixels instead of 2×2.
    pub sharp: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self { brightness: 5.0, gradient: 10.0, smoothness: 20.0, rounds: 5, sweeps: 5, omega: 1.92, sharp: true }
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

impl Planes {
    /// `count` planes for pictures of `width` × `height`. What the margins hold at first is of no consequence: whoever reads them
    /// writes them before ([`close`]), or nothing of a piece beyond the last pixel is kept ([`assemble`]).
    fn new((width, height): (usize, usize), count: usize) -> Self {
        let pitch = width.next_multiple_of(PIECE) + 2;
        Self { width, height, pitch, raster: Raster::uninit(Size::new(pitch, height), count) }
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
    let constants = linearise(from, to, &field, terms);
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

/// What the data terms need at each pixel: three linear constraints `a·u + b·v = c` on the flow, of brightness and of its gradient along
/// x and y, each as (a, b, c) and normalised by the length of (a, b). All zero where the flow leaves the picture, since nothing is
/// known there. Those of the gradient are left out where it weighs nothing.
fn linearise(from: &Raster, to: &Raster, field: &Planes, terms: &Terms) -> Planes {
    let size = from.size();
    let sides = (size.width, size.height);
    // Mean and difference of the first picture and the second one brought back, and whether it was there.
    let mut base = Planes::new(sides, 3);
    base.each_row::<3>(|y, [mean, difference, known]| {
        let own = &from.data()[y * size.width..][..size.width];
        bring_back(mean, difference, known, own, to, [field.row(0, y), field.row(1, y)], y, terms.sharp);
        close(mean, size.width);
        close(difference, size.width);
    });
    let mut first = Planes::new(sides, 4);
    first.each_row::<4>(|y, [ix, iy, dx, dy]| {
        let lines = |plane: usize| five(y, size.height).map(|y| base.row(plane, y));
        slope(ix, iy, lines(0), size.width);
        if terms.gradient > 0.0 {
            slope(dx, dy, lines(1), size.width);
            close(ix, size.width);
            close(iy, size.width);
        }
    });
    let mut out = Planes::new(sides, 9);
    out.each_row::<9>(|y, [a, b, c, ax, bx, cx, ay, by, cy]| {
        let lines = |plane: usize| five(y, size.height).map(|y| first.row(plane, y));
        let (field, known) = ([field.row(0, y), field.row(1, y)], base.row(2, y));
        a.copy_from_slice(first.row(0, y));
        b.copy_from_slice(first.row(1, y));
        constraint([a, b, c], base.row(1, y), known, field, size.width);
        if terms.gradient > 0.0 {
            slope(ax, bx, lines(0), size.width);
            slope(ay, by, lines(1), size.width);
            constraint([ax, bx, cx], first.row(2, y), known, field, size.width);
            constraint([ay, by, cy], first.row(3, y), known, field, size.width);
        }
    });
    out
}

wide! {
    /// One row of the second picture as the flow brings it back: its mean with the first, its difference, and whether it was there.
    fn bring_back(mean: &mut [f32], difference: &mut [f32], known: &mut [f32], own: &[f32], to: &Raster, field: [&[f32]; 2], y: usize, sharp: bool) {
        let size = to.size();
        let (right, bottom) = ((size.width - 1) as f32, (size.height - 1) as f32);
        for (x, own) in own.iter().enumerate() {
            let (px, py) = (x as f32 + field[0][x + 1], y as f32 + field[1][x + 1]);
            // What lies outside is not known; it is read at the nearest place inside.
            let (hx, hy) = (px.max(0.0).min(right), py.max(0.0).min(bottom));
            let value = if sharp { read_sharp(to, hx, hy) } else { read(to, hx, hy) };
            mean[x + 1] = 0.5 * (own + value);
            difference[x + 1] = value - own;
            known[x + 1] = if hx == px && hy == py { 1.0 } else { 0.0 };
        }
    }
}

/// The rows around `y` that a derivative of five taps reads, held to the picture.
fn five(y: usize, height: usize) -> [usize; 5] {
    std::array::from_fn(|i| (y + i).saturating_sub(2).min(height - 1))
}

/// The value at `(x, y)`, which lies inside, from 2×2 pixels.
#[inline(always)]
#[allow(clippy::inline_always, reason = "so that it is compiled with its caller's instructions")]
fn read(picture: &Raster, x: f32, y: f32) -> f32 {
    let Size { width, height } = picture.size();
    let (ix, iy) = ((x as usize).min(width - 2), (y as usize).min(height - 2));
    let (fx, fy) = (x - ix as f32, y - iy as f32);
    let pixels = &picture.data()[iy * width + ix..][..width + 2];
    let (top, low) = (pixels[0] + fx * (pixels[1] - pixels[0]), pixels[width] + fx * (pixels[width + 1] - pixels[width]));
    top + fy * (low - top)
}

/// The value at `(x, y)`, which lies inside, from 4×4 pixels (Catmull-Rom). Between two pixels alone it would be blurred by how far it
/// lies from either, which draws a flow towards whole pixels.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as above")]
fn read_sharp(picture: &Raster, x: f32, y: f32) -> f32 {
    let Size { width, height } = picture.size();
    let (ix, iy) = (x as usize, y as usize);
    let (wx, wy) = (cubic(x - ix as f32), cubic(y - iy as f32));
    let near_edge = ix < 1 || ix + 2 >= width;
    let mut columns = [0.0; 4];
    for (j, wy) in wy.into_iter().enumerate() {
        let row = &picture.data()[(iy + j).saturating_sub(1).min(height - 1) * width..][..width];
        let mut pixels = [0.0; 4];
        if near_edge {
            pixels = std::array::from_fn(|i| row[(ix + i).saturating_sub(1).min(width - 1)]);
        } else {
            pixels.copy_from_slice(&row[ix - 1..ix + 3]);
        }
        for i in 0..4 {
            columns[i] += wy * pixels[i];
        }
    }
    (wx[0] * columns[0] + wx[1] * columns[1]) + (wx[2] * columns[2] + wx[3] * columns[3])
}

/// Weights of four pixels for the fraction `f` between the middle two.
#[inline(always)]
#[allow(clippy::inline_always, reason = "as above")]
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
        let (far, near) = (1.0 / 12.0_f32, 8.0 / 12.0_f32);
        for i in 1..=width {
            dy[i] = near * (d[i] - b[i]) - far * (e[i] - a[i]);
        }
        for i in 2..width {
            dx[i] = near * (line[i + 1] - line[i - 1]) - far * (line[i + 2] - line[i - 2]);
        }
        for i in [1, width] {
            dx[i] = near * (line[i + 1] - line[i - 1]) - far * (line[(i + 2).min(n - 1)] - line[i.saturating_sub(2)]);
        }
    }
}

wide! {
    /// Turns a difference along the flow into what the constraint (a, b) demands of it, normalised; forgets it where nothing is known.
    fn constraint(out: [&mut [f32]; 3], difference: &[f32], known: &[f32], field: [&[f32]; 2], width: usize) {
        let [out_a, out_b, out_c] = out;
        for left in (1..=width).step_by(PIECE) {
            let (mut a, mut b, mut c) = (piece(out_a, left), piece(out_b, left), piece(difference, left));
            let (known, u, v) = (piece(known, left), piece(field[0], left), piece(field[1], left));
            for i in 0..PIECE {
                let scale = known[i] / (a[i] * a[i] + b[i] * b[i] + ZETA2).sqrt();
                c[i] = scale * (a[i] * u[i] + b[i] * v[i] - c[i]);
                a[i] *= scale;
                b[i] *= scale;
            }
            out_a[left..left + PIECE].copy_from_slice(&a);
            out_b[left..left + PIECE].copy_from_slice(&b);
            out_c[left..left + PIECE].copy_from_slice(&c);
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
    /// One row of the system: the weights to the pixels right and below, the mixed term, the inverse diagonals and the right sides.
    fn assemble(out: [&mut [f32]; 7], lines: [&[f32]; 9], field: [&[f32]; 2], smooth: [&[f32]; 3], present: [bool; 2], width: usize, terms: Terms) {
        let [right, below, mixed, inverse_u, inverse_v, rhs_u, rhs_v] = out;
        let (up, down) = (if present[0] { 0.5 } else { 0.0 }, if present[1] { 0.5 } else { 0.0 });
        for left in (1..=width).step_by(PIECE) {
            let (mut s, next) = (piece(smooth[1], left), piece(smooth[1], left + 1));
            for i in 0..PIECE {
                s[i] = 0.5 * (s[i] + next[i]);
            }
            right[left..left + PIECE].copy_from_slice(&s);
        }
        right[0] = 0.0;
        right[width..].fill(0.0);
        for left in (1..=width).step_by(PIECE) {
            let (s, above, under) = (piece(smooth[1], left), piece(smooth[0], left), piece(smooth[2], left));
            let (mut around, before) = (piece(right, left), piece(right, left - 1));
            let mut pull_down = [0.0; PIECE];
            for i in 0..PIECE {
                pull_down[i] = down * (s[i] + under[i]);
                around[i] = (around[i] + before[i]) + (pull_down[i] + up * (s[i] + above[i]));
            }
            let at = |index: usize| piece(lines[index], left);
            let (u, v) = (piece(field[0], left), piece(field[1], left));
            let (a, b, c) = (at(0), at(1), at(2));
            let (mut m, mut r1, mut r2) = ([0.0; PIECE], [0.0; PIECE], [0.0; PIECE]);
            let (mut d1, mut d2) = (around, around);
            for i in 0..PIECE {
                let gap = a[i] * u[i] + b[i] * v[i] - c[i];
                let w = terms.brightness / (gap * gap + EPSILON2).sqrt();
                m[i] = w * (a[i] * b[i]);
                r1[i] = w * (a[i] * c[i]);
                r2[i] = w * (b[i] * c[i]);
                d1[i] += w * (a[i] * a[i]);
                d2[i] += w * (b[i] * b[i]);
            }
            if terms.gradient > 0.0 {
                let ([ax, bx, cx], [ay, by, cy]) = ([at(3), at(4), at(5)], [at(6), at(7), at(8)]);
                for i in 0..PIECE {
                    let (gx, gy) = (ax[i] * u[i] + bx[i] * v[i] - cx[i], ay[i] * u[i] + by[i] * v[i] - cy[i]);
                    let w = terms.gradient / (gx * gx + gy * gy + EPSILON2).sqrt();
                    m[i] += w * (ax[i] * bx[i] + ay[i] * by[i]);
                    r1[i] += w * (ax[i] * cx[i] + ay[i] * cy[i]);
                    r2[i] += w * (bx[i] * cx[i] + by[i] * cy[i]);
                    d1[i] += w * (ax[i] * ax[i] + ay[i] * ay[i]);
                    d2[i] += w * (bx[i] * bx[i] + by[i] * by[i]);
                }
            }
            for i in 0..PIECE {
                d1[i] = 1.0 / d1[i];
                d2[i] = 1.0 / d2[i];
            }
            below[left..left + PIECE].copy_from_slice(&pull_down);
            mixed[left..left + PIECE].copy_from_slice(&m);
            inverse_u[left..left + PIECE].copy_from_slice(&d1);
            inverse_v[left..left + PIECE].copy_from_slice(&d2);
            rhs_u[left..left + PIECE].copy_from_slice(&r1);
            rhs_v[left..left + PIECE].copy_from_slice(&r2);
        }
        for row in [below, mixed, inverse_u, inverse_v, rhs_u, rhs_v] {
            row[width + 1..].fill(0.0);
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
