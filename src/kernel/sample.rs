//! Reading pictures at positions between the pixels, and warping them by a field of such positions.

use std::sync::LazyLock;

use rayon::prelude::*;

use super::band;
use crate::frame::{Motion, Raster, Size};

/// How a value between pixels is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sampling {
    /// The nearest pixel.
    Nearest,
    /// From 2×2 pixels.
    Bilinear,
    /// From 4×4 pixels, with a = −0.75 as `OpenCV` and `PyTorch` have it: sharp, with bright and dark fringes at edges that grow
    /// when a picture is warped again and again.
    Bicubic,
    /// From 6×6 pixels, held between the least and the greatest of the nearest 2×2: sharp without fringes, however often.
    #[default]
    Lanczos,
}

/// What lies outside the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Border {
    /// The outermost pixel goes on: `aaa|abc|ccc`.
    #[default]
    Replicate,
    /// The picture repeats: `abc|abc|abc`.
    Wrap,
    /// The picture is mirrored at its edge: `cba|abc|cba`.
    Mirror,
    /// The picture is mirrored around its outermost pixels, which do not repeat: `dcb|abcd|cba`.
    Reflect,
    /// Zeros: black, and transparent if there is an alpha plane.
    Black,
}

/// Pixels that are prepared together: enough to vectorise, few enough to stay in the first cache.
const CHUNK: usize = 128;
/// Marks a pixel whose taps do not all lie inside the picture.
const OUTSIDE: u32 = u32::MAX;
/// Positions are held to this many pixels around the origin, where [`floor`] works; also where NaN ends up.
const FAR: f32 = 2_097_152.0;

/// `out(p) = src(p + motion(p))` for every plane; `out` has the size of `motion`.
///
/// No result leaves the range of `src` together with 0..1: a picture that goes round a loop stays bounded.
#[must_use]
pub fn warp(src: &Raster, motion: &Motion, sampling: Sampling, border: Border) -> Raster {
    let mut out = Raster::uninit(motion.size(), src.planes());
    if src.size().area() == 0 {
        return Raster::zeroed(motion.size(), src.planes());
    }
    match sampling {
        Sampling::Nearest => warp_with::<1, Nearest>(src, &motion.0, border, &mut out),
        Sampling::Bilinear => warp_with::<2, Bilinear>(src, &motion.0, border, &mut out),
        Sampling::Bicubic => warp_with::<4, Bicubic>(src, &motion.0, border, &mut out),
        Sampling::Lanczos => warp_with::<6, Lanczos>(src, &motion.0, border, &mut out),
    }
    out
}

/// The value of one plane at `(x, y)`.
#[must_use]
pub fn at(plane: &[f32], size: Size, (x, y): (f32, f32), sampling: Sampling, border: Border) -> f32 {
    match sampling {
        Sampling::Nearest => spot::<1, Nearest>(plane, size, x, y, border),
        Sampling::Bilinear => spot::<2, Bilinear>(plane, size, x, y, border),
        Sampling::Bicubic => spot::<4, Bicubic>(plane, size, x, y, border),
        Sampling::Lanczos => spot::<6, Lanczos>(plane, size, x, y, border),
    }
}

/// The largest integer not above `v`, for |v| up to [`FAR`]. (`f32::floor` is a function call on plain x86-64, and `as` a
/// branch: adding 1.5·2²³ leaves the nearest integer in the lowest bits.)
#[inline]
fn floor(v: f32) -> i32 {
    const SHIFT: f32 = 12_582_912.0;
    let shifted = v + SHIFT;
    let nearest = shifted.to_bits().wrapping_sub(SHIFT.to_bits()) as i32;
    nearest - i32::from(shifted - SHIFT > v)
}

/// A filter of `N` taps in each direction.
trait Kernel<const N: usize> {
    /// Shift before rounding down: half a pixel for the nearest pixel.
    const SHIFT: f32 = 0.0;
    /// Taps left of the pixel that the position rounds down to.
    const BEFORE: i32 = N as i32 / 2 - 1;
    /// Whether results are held to the range of the nearest 2×2 pixels.
    const HELD: bool = false;
    /// Weights for the fraction `f` in 0..1.
    fn weights(f: f32) -> [f32; N];
}

struct Nearest;
struct Bilinear;
struct Bicubic;
struct Lanczos;

impl Kernel<1> for Nearest {
    const SHIFT: f32 = 0.5;
    const BEFORE: i32 = 0;
    #[inline]
    fn weights(_: f32) -> [f32; 1] {
        [1.0]
    }
}

impl Kernel<2> for Bilinear {
    #[inline]
    fn weights(f: f32) -> [f32; 2] {
        [1.0 - f, f]
    }
}

impl Kernel<4> for Bicubic {
    /// Keys' cubic convolution with a = −0.75.
    #[inline]
    fn weights(f: f32) -> [f32; 4] {
        const A: f32 = -0.75;
        let near = |x: f32| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
        let far = |x: f32| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
        [far(f + 1.0), near(f), near(1.0 - f), far(2.0 - f)]
    }
}

impl Kernel<6> for Lanczos {
    const HELD: bool = true;
    #[inline]
    fn weights(f: f32) -> [f32; 6] {
        let at = f * PHASES as f32;
        let index = (at as usize).min(PHASES - 1);
        let rest = at - index as f32;
        let (a, b) = (&LANCZOS[index], &LANCZOS[index + 1]);
        std::array::from_fn(|k| a[k] + rest * (b[k] - a[k]))
    }
}

const PHASES: usize = 512;

/// Lanczos weights at each phase, normalised to sum 1.
static LANCZOS: LazyLock<Vec<[f32; 6]>> = LazyLock::new(|| {
    let sinc = |x: f64| if x.abs() < 1e-9 { 1.0 } else { (std::f64::consts::PI * x).sin() / (std::f64::consts::PI * x) };
    let phase = |i: usize| {
        let f = i as f64 / PHASES as f64;
        let raw: [f64; 6] = std::array::from_fn(|k| {
            let x = f + 2.0 - k as f64;
            if x.abs() < 3.0 && (x.abs() < 1e-9 || x.fract() != 0.0) { sinc(x) * sinc(x / 3.0) } else { 0.0 }
        });
        let sum: f64 = raw.iter().sum();
        raw.map(|w| (w / sum) as f32)
    };
    (0..=PHASES).map(phase).collect()
});

/// The pixel that tap `i` of `n` reads, or nothing for black.
#[inline]
fn place(i: i32, n: i32, border: Border) -> Option<usize> {
    let i = match border {
        Border::Replicate => i.clamp(0, n - 1),
        Border::Wrap => i.rem_euclid(n),
        Border::Mirror => {
            let i = i.rem_euclid(2 * n);
            if i < n { i } else { 2 * n - 1 - i }
        }
        Border::Reflect => {
            let period = (2 * n - 2).max(1);
            let i = i.rem_euclid(period);
            i.min(period - i)
        }
        Border::Black => Some(i).filter(|i| (0..n).contains(i))?,
    };
    Some(i as usize)
}

/// A position split into the pixel it rounds down to and the fraction.
#[inline]
fn split<const N: usize, K: Kernel<N>>(position: f32) -> (i32, f32) {
    let position = (position + K::SHIFT).max(-FAR).min(FAR);
    let whole = floor(position);
    (whole, position - whole as f32)
}

/// One value, with every tap placed on its own.
fn spot<const N: usize, K: Kernel<N>>(plane: &[f32], size: Size, x: f32, y: f32, border: Border) -> f32 {
    let ((ix, fx), (iy, fy)) = (split::<N, K>(x), split::<N, K>(y));
    let (wx, wy) = (K::weights(fx), K::weights(fy));
    let xs: [Option<usize>; N] = std::array::from_fn(|k| place(ix - K::BEFORE + k as i32, size.width as i32, border));
    let mut sum = 0.0;
    for (j, wy) in wy.into_iter().enumerate() {
        let Some(row) = place(iy - K::BEFORE + j as i32, size.height as i32, border) else { continue };
        let row = &plane[row * size.width..][..size.width];
        let line: f32 = xs.iter().zip(wx).map(|(x, w)| x.map_or(0.0, |x| w * row[x])).sum();
        sum += wy * line;
    }
    if K::HELD {
        let near = |dx, dy| {
            let (x, y) = (place(ix + dx, size.width as i32, border), place(iy + dy, size.height as i32, border));
            x.zip(y).map_or(0.0, |(x, y)| plane[y * size.width + x])
        };
        return between(sum, [near(0, 0), near(1, 0), near(0, 1), near(1, 1)]);
    }
    sum
}

/// `v` held between the least and the greatest of its neighbours.
#[inline]
fn between(v: f32, [a, b, c, d]: [f32; 4]) -> f32 {
    let (low, high) = (least(least(a, b), least(c, d)), greatest(greatest(a, b), greatest(c, d)));
    least(greatest(v, low), high)
}

/// The smaller of both; one instruction, where `f32::min` takes five for the sake of NaN.
#[inline]
fn least(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// The greater of both; `b` if `a` is not a number.
#[inline]
fn greatest(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Where some consecutive pixels read from. Arrays apart, so that preparing them vectorises.
struct Spots<const N: usize> {
    /// Index of the first tap in the plane, or [`OUTSIDE`].
    first: [u32; CHUNK],
    x: [f32; CHUNK],
    y: [f32; CHUNK],
    wx: [[f32; CHUNK]; N],
    wy: [[f32; CHUNK]; N],
}

impl<const N: usize> Spots<N> {
    fn new() -> Self {
        Self { first: [0; CHUNK], x: [0.0; CHUNK], y: [0.0; CHUNK], wx: [[0.0; CHUNK]; N], wy: [[0.0; CHUNK]; N] }
    }

    /// Prepares the pixels from `(left, y)` on, as many as `dx` has.
    fn aim<K: Kernel<N>>(&mut self, (left, y): (usize, usize), dx: &[f32], dy: &[f32], size: Size, border: Border) {
        for (i, (x, dx)) in self.x.iter_mut().zip(dx).enumerate() {
            *x = (left as u32 + i as u32) as f32 + dx;
        }
        for (py, dy) in self.y.iter_mut().zip(dy) {
            *py = y as f32 + dy;
        }
        if N == 2 && matches!(border, Border::Replicate | Border::Mirror | Border::Reflect) {
            // Between two pixels, holding or folding the position is the same as placing each tap, and never leaves the picture.
            hold(&mut self.x, size.width, border);
            hold(&mut self.y, size.height, border);
        }
        let (mut ix, mut iy) = ([0; CHUNK], [0; CHUNK]);
        let (last_x, last_y) = (size.width as i32 - N as i32, size.height as i32 - N as i32);
        aim_axis::<N, K>(&self.x, last_x, &mut ix, &mut self.wx);
        aim_axis::<N, K>(&self.y, last_y, &mut iy, &mut self.wy);
        let width = size.width as u32;
        for (first, (x, y)) in self.first.iter_mut().zip(ix.into_iter().zip(iy)) {
            let inside = (x >= 0) & (x <= last_x) & (y >= 0) & (y <= last_y);
            *first = if inside { (y as u32).wrapping_mul(width).wrapping_add(x as u32) } else { OUTSIDE };
        }
    }

    fn read<K: Kernel<N>>(&self, plane: &[f32], size: Size, border: Border, (low, high): (f32, f32), out: &mut [f32]) {
        let reach = (N - 1) * size.width + wide(N);
        let count = out.len().min(CHUNK);
        for (i, out) in out[..count].iter_mut().enumerate() {
            let first = self.first[i] as usize;
            let value = match plane.get(first..first.wrapping_add(reach)) {
                Some(pixels) => {
                    let (wx, wy) = (std::array::from_fn(|k| self.wx[k][i]), std::array::from_fn(|k| self.wy[k][i]));
                    inside::<N, K>(pixels, size.width, &wx, &wy)
                }
                // Only marked pixels get here: the index OUTSIDE lies beyond any plane.
                None => spot::<N, K>(plane, size, self.x[i], self.y[i], border),
            };
            *out = if N > 2 { least(greatest(value, low), high) } else { value };
        }
    }
}

/// Splits positions along one axis into the first tap's index and the weights.
fn aim_axis<const N: usize, K: Kernel<N>>(at: &[f32; CHUNK], last: i32, first: &mut [i32; CHUNK], weights: &mut [[f32; CHUNK]; N]) {
    let mut fractions = [0.0; CHUNK];
    for ((at, first), fraction) in at.iter().zip(&mut *first).zip(&mut fractions) {
        let (whole, rest) = split::<N, K>(*at);
        // Two taps on the last pixel itself: read (last − 1, last) with weights (0, 1).
        let edge = N == 2 && whole == last + 1 && rest == 0.0;
        *first = if edge { last } else { whole - K::BEFORE };
        *fraction = if edge { 1.0 } else { rest };
    }
    for (i, fraction) in fractions.into_iter().enumerate() {
        for (weights, w) in weights.iter_mut().zip(K::weights(fraction)) {
            weights[i] = w;
        }
    }
}

/// Pixels of a row that are read for `n` taps: whole vectors, though the last few may not count.
const fn wide(n: usize) -> usize {
    if n > 4 { 8 } else { n }
}

/// The weighted sum of `N`×`N` pixels, the first at the start of `pixels`.
#[inline]
fn inside<const N: usize, K: Kernel<N>>(pixels: &[f32], width: usize, wx: &[f32; N], wy: &[f32; N]) -> f32 {
    if N == 2 {
        let (top, bottom) = (&pixels[..2], &pixels[width..width + 2]);
        return wy[0] * (wx[0] * top[0] + wx[1] * top[1]) + wy[1] * (wx[0] * bottom[0] + wx[1] * bottom[1]);
    }
    let mut columns = [0.0; 8];
    let columns = &mut columns[..wide(N)];
    for (j, wy) in wy.iter().enumerate() {
        let row = &pixels[j * width..][..wide(N)];
        for (sum, v) in columns.iter_mut().zip(row) {
            *sum += wy * v;
        }
    }
    let sum = columns.iter().zip(wx).map(|(v, w)| v * w).sum();
    if K::HELD {
        let middle = K::BEFORE as usize * (width + 1);
        let (top, bottom) = (&pixels[middle..middle + 2], &pixels[middle + width..middle + width + 2]);
        return between(sum, [top[0], top[1], bottom[0], bottom[1]]);
    }
    sum
}

/// The least and the greatest value, and at least 0 to 1.
fn range(raster: &Raster) -> (f32, f32) {
    let wider = |(l, h): (f32, f32), v: f32| (l.min(v), h.max(v));
    let parts = raster.data().par_chunks(1 << 16).map(|c| c.iter().copied().fold((0.0, 1.0), wider));
    parts.reduce(|| (0.0, 1.0), |a, b| (a.0.min(b.0), a.1.max(b.1)))
}

/// Brings positions into the picture: to its edge, or folded at it.
fn hold(positions: &mut [f32], length: usize, border: Border) {
    let last = (length - 1) as f32;
    if border == Border::Mirror {
        let period = 2.0 * length as f32;
        for p in positions.iter_mut().filter(|p| !(**p >= 0.0 && **p <= last)) {
            let folded = (p.max(-FAR).min(FAR) + 0.5).rem_euclid(period);
            *p = if folded < length as f32 { folded } else { period - folded } - 0.5;
        }
    }
    if border == Border::Reflect {
        let period = (2.0 * last).max(1.0);
        for p in positions.iter_mut().filter(|p| !(**p >= 0.0 && **p <= last)) {
            let folded = p.max(-FAR).min(FAR).rem_euclid(period);
            *p = folded.min(period - folded);
        }
    }
    for p in positions {
        *p = p.max(0.0).min(last);
    }
}

fn warp_with<const N: usize, K: Kernel<N>>(src: &Raster, motion: &Raster, border: Border, out: &mut Raster) {
    let (from, to) = (src.size(), motion.size());
    let (dx, dy) = (motion.plane(0), motion.plane(1));
    let limits = if N > 2 { range(src) } else { (0.0, 1.0) };
    band::each(out, |mut band| {
        let mut spots = Spots::<N>::new();
        let rows = band.planes.first().map_or(0, |p| p.len() / to.width);
        // Tile by tile and not row by row: what the rows of a tile read lies close together, and so in the nearest cache.
        for left in (0..to.width).step_by(CHUNK) {
            for row in 0..rows {
                let y = band.top + row;
                let right = (left + CHUNK).min(to.width);
                let range = y * to.width + left..y * to.width + right;
                spots.aim::<K>((left, y), &dx[range.clone()], &dy[range], from, border);
                for (index, plane) in band.planes.iter_mut().enumerate() {
                    let out = &mut plane[row * to.width + left..row * to.width + right];
                    spots.read::<K>(src.plane(index), from, border, limits, out);
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const KERNELS: [Sampling; 4] = [Sampling::Nearest, Sampling::Bilinear, Sampling::Bicubic, Sampling::Lanczos];
    const BORDERS: [Border; 5] = [Border::Replicate, Border::Wrap, Border::Mirror, Border::Reflect, Border::Black];

    fn noise(size: Size, planes: usize) -> Raster {
        let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0;
        Raster::from_vec(size, planes, (0..size.area() * planes).map(value).collect())
    }

    fn motion(size: Size, d: impl Fn(usize, usize) -> (f32, f32)) -> Motion {
        let mut raster = Raster::uninit(size, 2);
        for y in 0..size.height {
            for x in 0..size.width {
                let (dx, dy) = d(x, y);
                raster.plane_mut(0)[y * size.width + x] = dx;
                raster.plane_mut(1)[y * size.width + x] = dy;
            }
        }
        Motion::new(raster)
    }

    #[test]
    fn standing_still_changes_no_bit() {
        let src = noise(Size::new(300, 37), 3);
        for sampling in KERNELS {
            for border in BORDERS {
                let out = warp(&src, &motion(src.size(), |_, _| (0.0, 0.0)), sampling, border);
                assert_eq!(out.data(), src.data(), "{sampling:?} {border:?}");
            }
        }
    }

    #[test]
    fn whole_pixels_and_borders_are_exact() {
        let line = Raster::from_vec(Size::new(4, 1), 1, vec![1.0, 2.0, 3.0, 4.0]);
        let cases = [
            (Border::Replicate, [1.0, 1.0, 1.0, 1.0]),
            (Border::Wrap, [2.0, 3.0, 4.0, 1.0]),
            (Border::Mirror, [3.0, 2.0, 1.0, 1.0]),
            (Border::Reflect, [4.0, 3.0, 2.0, 1.0]),
            (Border::Black, [0.0, 0.0, 0.0, 1.0]),
        ];
        for (border, expected) in cases {
            for sampling in KERNELS {
                let out = warp(&line, &motion(line.size(), |_, _| (-3.0, 0.0)), sampling, border);
                assert_eq!(out.data(), expected, "{sampling:?} {border:?}");
            }
        }
    }

    #[test]
    fn the_fast_path_equals_the_tap_by_tap_path() {
        let src = noise(Size::new(150, 40), 2);
        let field = motion(src.size(), |x, y| ((x as f32 * 0.37).sin() * 30.0 + 0.21, (y as f32 * 0.71 + x as f32 * 0.1).cos() * 25.0));
        for sampling in KERNELS {
            for border in BORDERS {
                let out = warp(&src, &field, sampling, border);
                for y in 0..40 {
                    for x in 0..150 {
                        let i = y * 150 + x;
                        let at_xy = (x as f32 + field.0.plane(0)[i], y as f32 + field.0.plane(1)[i]);
                        let slow = at(src.plane(1), src.size(), at_xy, sampling, border);
                        let slow = slow.clamp(0.0, 1.0);
                        assert!((out.plane(1)[i] - slow).abs() < 2e-5, "{sampling:?} {border:?} at {at_xy:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn smooth_kernels_reproduce_a_ramp_between_pixels() {
        let ramp = Raster::from_vec(Size::new(16, 16), 1, (0..256).map(|i| (i % 16) as f32 + 2.0 * (i / 16) as f32).collect());
        for (sampling, tolerance) in [(Sampling::Bilinear, 1e-5), (Sampling::Bicubic, 0.2), (Sampling::Lanczos, 0.05)] {
            let v = at(ramp.plane(0), ramp.size(), (7.3, 8.6), sampling, Border::Replicate);
            assert!((v - (7.3 + 17.2)).abs() < tolerance, "{sampling:?} {v}");
        }
    }

    #[test]
    fn a_loop_stays_bounded() {
        let mut picture = noise(Size::new(60, 60), 1);
        let step = motion(picture.size(), |x, y| (0.37 - 0.01 * y as f32, 0.01 * x as f32 - 0.21));
        for sampling in KERNELS {
            for _ in 0..100 {
                picture = warp(&picture, &step, sampling, Border::Replicate);
            }
            assert!(picture.data().iter().all(|v| (0.0..=1.0).contains(v)), "{sampling:?}");
        }
    }

    #[test]
    fn absurd_positions_do_no_harm() {
        let src = noise(Size::new(1, 3), 1);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30] {
            for sampling in KERNELS {
                for border in BORDERS {
                    let out = warp(&src, &motion(Size::new(4, 4), |_, _| (bad, -bad)), sampling, border);
                    assert!(out.data().iter().all(|v| v.is_finite()), "{sampling:?} {border:?} {bad}");
                }
            }
        }
    }
}
