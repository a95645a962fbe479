//! Reading pictures at positions between the pixels, and warping them by a field of such positions.

mod filter;
mod place;
mod spots;

use rayon::prelude::*;

use super::band::{self, Band};
use super::cpu::{Level, Simd, Work};
use super::wide::wide;
use crate::frame::{Motion, Raster, Size};
use filter::{Bicubic, Bilinear, Filter, Lanczos, Nearest};
pub(super) use place::place;
use place::{greatest, least};
pub(super) use spots::CHUNK;
use spots::{Source, Spots, spot};

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

/// Displacements row by row: out of a field, or made on the way.
pub(super) trait Path: Sync {
    /// Writes (dx, dy) for the pixels from `(left, y)` on; `count` of them lie in the picture, the rest do not matter.
    fn fill(&self, at: (usize, usize), count: usize, steps: &mut [[f32; CHUNK]; 2]);
}

/// A field of displacements.
struct Field<'a>([&'a [f32]; 2], usize);

impl Path for Field<'_> {
    #[inline(always)]
    fn fill(&self, (left, y): (usize, usize), count: usize, steps: &mut [[f32; CHUNK]; 2]) {
        let start = y * self.1 + left;
        for (steps, plane) in steps.iter_mut().zip(self.0) {
            steps[..count].copy_from_slice(&plane[start..start + count]);
            steps[count..].fill(0.0);
        }
    }
}

/// `out(p) = src(p + motion(p))` for every plane; `out` has the size of `motion`.
///
/// No result leaves the range of `src` together with 0..1: a picture that goes round a loop stays bounded.
#[must_use]
pub fn warp(src: &Raster, motion: &Motion, sampling: Sampling, border: Border) -> Raster {
    let field = Field([motion.0.plane(0), motion.0.plane(1)], motion.size().width);
    warp_along(src, &field, motion.size(), (sampling, border), Level::best())
}

/// [`warp`] by displacements that need not lie in memory.
pub(super) fn warp_along(src: &Raster, path: &impl Path, size: Size, (sampling, border): (Sampling, Border), level: Level) -> Raster {
    let mut out = Raster::uninit(size, src.planes());
    if src.size().area() == 0 {
        return Raster::zeroed(size, src.planes());
    }
    let planes: Vec<&[f32]> = (0..src.planes()).map(|index| src.plane(index)).collect();
    let limits = if sampling.overshoots() { range(src) } else { (0.0, 1.0) };
    let source = Source { planes: &planes, size: src.size(), border, limits };
    band::each(&mut out, |band| match sampling {
        Sampling::Nearest => level.run(Rows::<1, _, _>::new(source, path, size, Nearest, band)),
        Sampling::Bilinear => level.run(Rows::<2, _, _>::new(source, path, size, Bilinear, band)),
        Sampling::Bicubic => level.run(Rows::<4, _, _>::new(source, path, size, Bicubic, band)),
        Sampling::Lanczos => level.run(Rows::<6, _, _>::new(source, path, size, Lanczos, band)),
    });
    out
}

/// The value of one plane at `(x, y)`.
#[must_use]
pub fn at(plane: &[f32], size: Size, at: (f32, f32), sampling: Sampling, border: Border) -> f32 {
    match sampling {
        Sampling::Nearest => spot::<1, Nearest>(plane, size, at, border),
        Sampling::Bilinear => spot::<2, Bilinear>(plane, size, at, border),
        Sampling::Bicubic => spot::<4, Bicubic>(plane, size, at, border),
        Sampling::Lanczos => spot::<6, Lanczos>(plane, size, at, border),
    }
}

/// The least and the greatest value, and at least 0 to 1.
fn range(raster: &Raster) -> (f32, f32) {
    let parts = raster.data().par_chunks(1 << 16).map(extent);
    parts.reduce(|| (0.0, 1.0), |a, b| (least(a.0, b.0), greatest(a.1, b.1)))
}

wide! {
    /// [`range`] of some values, whole vectors side by side.
    fn extent(values: &[f32]) -> (f32, f32) {
        let (mut low, mut high) = ([0.0_f32; 32], [1.0_f32; 32]);
        let (chunks, rest) = values.as_chunks::<32>();
        for chunk in chunks {
            for i in 0..32 {
                low[i] = least(chunk[i], low[i]);
                high[i] = greatest(chunk[i], high[i]);
            }
        }
        let ends = low.iter().zip(&high).fold((0.0, 1.0), |ends: (f32, f32), (l, h)| (least(*l, ends.0), greatest(*h, ends.1)));
        rest.iter().fold(ends, |ends, v| (least(*v, ends.0), greatest(*v, ends.1)))
    }
}

/// The rows of a band, as work for a level.
struct Rows<'a, const N: usize, P, F> {
    source: Source<'a>,
    path: &'a P,
    width: usize,
    filter: std::marker::PhantomData<F>,
    band: Band<'a>,
}

impl<'a, const N: usize, P: Path, F: Filter<N>> Rows<'a, N, P, F> {
    fn new(source: Source<'a>, path: &'a P, size: Size, _filter: F, band: Band<'a>) -> Self {
        Self { source, path, width: size.width, filter: std::marker::PhantomData, band }
    }
}

impl<const N: usize, P: Path, F: Filter<N>> Work for Rows<'_, N, P, F> {
    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let mut spots = Spots::<N>::new();
        let mut steps = [[0.0; CHUNK]; 2];
        let rows = self.band.planes.first().map_or(0, |p| p.len() / self.width);
        // Tile by tile and not row by row: what the rows of a tile read lies close together, and so in the nearest cache.
        for left in (0..self.width).step_by(CHUNK) {
            let count = CHUNK.min(self.width - left);
            for row in 0..rows {
                let y = self.band.top + row;
                self.path.fill((left, y), count, &mut steps);
                spots.aim::<F, S>(simd, (left, y), &steps, &self.source);
                for (plane, out) in self.source.planes.iter().zip(&mut self.band.planes) {
                    let start = row * self.width + left;
                    spots.read::<F, S>(simd, plane, &self.source, &mut out[start..start + count]);
                }
            }
        }
    }
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

    fn wild(size: Size) -> Motion {
        motion(size, |x, y| ((x as f32 * 0.37).sin() * 30.0 + 0.21, (y as f32 * 0.71 + x as f32 * 0.1).cos() * 25.0))
    }

    /// A gentle warp, of which the last rows and columns reach outside.
    fn gentle(size: Size) -> Motion {
        motion(size, |x, y| (0.03 * x as f32 - 1.3, 0.04 * y as f32 + 0.05 * x as f32 - 2.6))
    }

    #[test]
    fn every_path_gives_the_value_of_the_tap_by_tap_path() {
        let src = noise(Size::new(150, 40), 2);
        for field in [wild(src.size()), gentle(src.size())] {
            for sampling in KERNELS {
                for border in BORDERS {
                    let out = warp(&src, &field, sampling, border);
                    for (i, got) in out.plane(1).iter().enumerate() {
                        let (x, y) = ((i % 150) as f32 + field.0.plane(0)[i], (i / 150) as f32 + field.0.plane(1)[i]);
                        let slow = at(src.plane(1), src.size(), (x, y), sampling, border).clamp(0.0, 1.0);
                        assert!((got - slow).abs() < 2e-5, "{sampling:?} {border:?} at {x} {y}: {got} {slow}");
                    }
                }
            }
        }
    }

    #[test]
    fn all_levels_give_the_same_bits() {
        let src = noise(Size::new(200, 70), 3);
        let bits = |raster: &Raster| raster.data().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        for motion in [wild(src.size()), gentle(src.size())] {
            let field = Field([motion.0.plane(0), motion.0.plane(1)], 200);
            for sampling in KERNELS {
                for border in BORDERS {
                    let at = |level| bits(&warp_along(&src, &field, src.size(), (sampling, border), level));
                    let mut levels = Level::all().map(at);
                    let plain = levels.next().unwrap();
                    assert!(levels.all(|other| other == plain), "{sampling:?} {border:?}");
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
