//! A picture moved as a whole, by fractions of pixels: every pixel has the same weights, so nothing need be gathered.

use super::super::band;
use super::super::sample::{Border, place};
use super::super::wide::wide;
use crate::frame::Raster;

/// A displacement along one axis: whole pixels, and the weights of the two pixels there.
#[derive(Clone, Copy)]
struct Half {
    whole: i32,
    weights: [f32; 2],
}

impl Half {
    fn new(by: f32) -> Self {
        let whole = by.floor();
        Self { whole: whole as i32, weights: [1.0 - (by - whole), by - whole] }
    }

    /// The pixel that tap `tap` of pixel `at` reads, mirrored.
    fn tap(self, at: usize, tap: usize, length: usize) -> usize {
        place(at as i32 + self.whole + tap as i32, length as i32, Border::Mirror).unwrap_or(0)
    }
}

/// `(src(p + by) + src(p − by)) / 2`, bilinear and mirrored at the edges.
pub(super) fn two(src: &Raster, by: [f32; 2]) -> Raster {
    let size = src.size();
    let mut out = Raster::uninit(size, src.planes());
    let ways = [by, by.map(|d| -d)].map(|by| by.map(Half::new));
    band::each(&mut out, |mut band| {
        let mut padded = ways.map(|[x, _]| Padded::new(x, size.width));
        for (index, rows) in band.planes.iter_mut().enumerate() {
            let lines: Vec<&[f32]> = src.plane(index).chunks_exact(size.width).collect();
            for (row, out) in rows.chunks_exact_mut(size.width).enumerate() {
                for ([_, y], padded) in ways.iter().zip(&mut padded) {
                    let [a, b] = [0, 1].map(|tap| lines[y.tap(band.top + row, tap, size.height)]);
                    mix(padded.middle(), a, b, y.weights);
                    padded.extend();
                }
                let [a, b] = &padded;
                add(out, a.taps(), b.taps());
            }
        }
    });
    out
}

/// A line with as much of its mirror image on either side as a displacement needs.
struct Padded {
    values: Vec<f32>,
    by: Half,
    reach: usize,
    width: usize,
}

impl Padded {
    fn new(by: Half, width: usize) -> Self {
        let reach = by.whole.unsigned_abs() as usize + 1;
        Self { values: vec![0.0; width + 2 * reach], by, reach, width }
    }

    fn middle(&mut self) -> &mut [f32] {
        &mut self.values[self.reach..][..self.width]
    }

    /// Mirrors the middle, once it is written.
    fn extend(&mut self) {
        let mirrored = |i: i32| self.reach + place(i, self.width as i32, Border::Mirror).unwrap_or(0);
        for i in 1..=self.reach {
            self.values[self.reach - i] = self.values[mirrored(-(i as i32))];
            self.values[self.reach + self.width - 1 + i] = self.values[mirrored((self.width - 1 + i) as i32)];
        }
    }

    /// The line moved to its two taps, with half their weights.
    fn taps(&self) -> [(f32, &[f32]); 2] {
        let start = (self.reach as i32 + self.by.whole) as usize;
        [0, 1].map(|tap| (0.5 * self.by.weights[tap], &self.values[start + tap..][..self.width]))
    }
}

wide! {
    /// `out` = `a` and `b` by weights.
    fn mix(out: &mut [f32], a: &[f32], b: &[f32], weights: [f32; 2]) {
        for ((out, a), b) in out.iter_mut().zip(a).zip(b) {
            *out = weights[0] * a + weights[1] * b;
        }
    }
}

wide! {
    /// `out` = four lines by weights.
    fn add(out: &mut [f32], a: [(f32, &[f32]); 2], b: [(f32, &[f32]); 2]) {
        let n = out.len();
        let [(wa, a), (wb, b), (wc, c), (wd, d)] = [a[0], a[1], b[0], b[1]].map(|(w, line)| (w, &line[..n]));
        for i in 0..n {
            out[i] = (wa * a[i] + wb * b[i]) + (wc * c[i] + wd * d[i]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Motion, Size};
    use crate::kernel::sample::{self, Sampling};

    #[test]
    fn it_is_the_mean_of_two_warps() {
        let size = Size::new(37, 21);
        let src =
            Raster::from_vec(size, 2, (0..2 * 37 * 21_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0).collect());
        for by in [[0.0, 0.0], [3.25, -1.5], [-0.5, 60.75], [40.0, 2.0]] {
            let warped = [1.0, -1.0].map(|sign: f32| {
                let field = by.iter().flat_map(|d| vec![sign * d; size.area()]).collect();
                sample::warp(&src, &Motion::new(Raster::from_vec(size, 2, field)), Sampling::Bilinear, Border::Mirror)
            });
            let got = two(&src, by);
            for (i, v) in got.data().iter().enumerate() {
                let mean = 0.5 * (warped[0].data()[i] + warped[1].data()[i]);
                assert!((v - mean).abs() < 1e-5, "{by:?} {i}: {v} {mean}");
            }
        }
    }
}
