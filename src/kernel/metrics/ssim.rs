//! Structural similarity: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural
//! similarity", 2004.

use super::sum;
use crate::frame::Size;
use crate::kernel::wide::wide;

/// Taps on either side of the window's middle: 11x11 in all.
const REACH: usize = 5;
/// The least width and height that hold one window.
pub const LEAST_SIDE: usize = 2 * REACH + 1;
const SIGMA: f64 = 1.5;
/// (K1·L)² and (K2·L)², with K1 = 0.01, K2 = 0.03 and values from 0 to 1.
const C1: f32 = 1e-4;
const C2: f32 = 9e-4;
/// Rows of one piece of work: enough that the ten rows of overlap count little.
const ROWS: usize = 64;
/// The window's sums at each place: of a, of b, of a² + b², and of (a − b)².
const SUMS: usize = 4;

/// How alike two planes are in structure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Similarity {
    /// The mean of the index over all places where the window fits: 1 for the same picture.
    pub index: f64,
    /// The same without the term that compares brightness: what the coarser scales of MS-SSIM need.
    pub contrast: f64,
}

/// The similarity of two planes of `size`, values 0 to 1: an 11x11 Gaussian window of deviation 1.5, means over the places where it lies
/// within the picture. `None` where it fits nowhere.
///
/// These are the numbers of scikit-image's `structural_similarity` with `gaussian_weights=True`, `sigma=1.5`,
/// `use_sample_covariance=False`, `data_range=1`.
#[must_use]
pub fn ssim(a: &[f32], b: &[f32], size: Size) -> Option<Similarity> {
    let (width, height) = (size.width, size.height);
    if width < LEAST_SIDE || height < LEAST_SIDE {
        return None;
    }
    let (across, down) = (width - 2 * REACH, height - 2 * REACH);
    let half = window();
    let [index, contrast] = sum::over_bands(down, ROWS, |rows| {
        let mut ring = vec![0.0; LEAST_SIDE * SUMS * across];
        let mut lines = vec![0.0; SUMS * width];
        let mut means = vec![0.0; SUMS * across];
        let mut total = [0.0; 2];
        for y in rows.start..rows.end + 2 * REACH {
            let row = y * width..(y + 1) * width;
            products(&a[row.clone()], &b[row], &mut lines);
            let slot = y % LEAST_SIDE * SUMS * across;
            for (line, out) in lines.chunks_exact(width).zip(ring[slot..].chunks_exact_mut(across)) {
                weigh(out, &half, std::array::from_fn(|tap| &line[tap..]));
            }
            if y >= rows.start + 2 * REACH {
                let first = y - 2 * REACH;
                weigh(&mut means, &half, std::array::from_fn(|tap| &ring[(first + tap) % LEAST_SIDE * SUMS * across..]));
                compare(&mut means, across);
                total[0] += sum::of(&means[..across]);
                total[1] += sum::of(&means[across..2 * across]);
            }
        }
        total
    });
    let count = (across * down) as f64;
    Some(Similarity { index: index / count, contrast: contrast / count })
}

/// The right half of the normalised window, from its middle.
fn window() -> [f32; REACH + 1] {
    let weight = |i: usize| (-((i * i) as f64) / (2.0 * SIGMA * SIGMA)).exp();
    let sum = 1.0 + 2.0 * (1..=REACH).map(weight).sum::<f64>();
    std::array::from_fn(|i| (weight(i) / sum) as f32)
}

wide! {
    /// What the window sums up, for one row. Values are counted from middle grey, which halves the digits lost when the square of a mean
    /// is taken from the mean of squares.
    fn products(a: &[f32], b: &[f32], out: &mut [f32]) {
        let width = a.len();
        let (x, rest) = out.split_at_mut(width);
        let (y, rest) = rest.split_at_mut(width);
        let (squares, differences) = rest.split_at_mut(width);
        for (((((a, b), x), y), s), d) in a.iter().zip(b).zip(x).zip(y).zip(squares).zip(differences) {
            (*x, *y) = (a - 0.5, b - 0.5);
            *s = *x * *x + *y * *y;
            *d = (a - b) * (a - b);
        }
    }
}

wide! {
    /// `out` = eleven lines, weighted.
    fn weigh(out: &mut [f32], half: &[f32; REACH + 1], lines: [&[f32]; LEAST_SIDE]) {
        let length = out.len();
        let [l0, l1, l2, l3, l4, l5, l6, l7, l8, l9, l10] = lines.map(|line| &line[..length]);
        for (i, v) in out.iter_mut().enumerate() {
            let near = half[0] * l5[i] + half[1] * (l4[i] + l6[i]) + half[2] * (l3[i] + l7[i]);
            *v = near + half[3] * (l2[i] + l8[i]) + half[4] * (l1[i] + l9[i]) + half[5] * (l0[i] + l10[i]);
        }
    }
}

wide! {
    /// Turns the window's means over one row of places into the index, in place of a, and its contrast term, in place of b. With
    /// s = σa² + σb² and d = the variance of a − b, which is s − 2σab, both terms are one minus a quotient, exact where the pictures are
    /// the same.
    fn compare(means: &mut [f32], across: usize) {
        let (a, rest) = means.split_at_mut(across);
        let (b, rest) = rest.split_at_mut(across);
        let (squares, differences) = rest.split_at(across);
        for (((a, b), s), d) in a.iter_mut().zip(b).zip(squares).zip(differences) {
            let apart = (*a - *b) * (*a - *b);
            let (s, d) = ((s - *a * *a - *b * *b).max(0.0), (d - apart).max(0.0));
            let bright = (*a + 0.5) * (*a + 0.5) + (*b + 0.5) * (*b + 0.5);
            *b = 1.0 - d / (s + C2);
            *a = *b * (1.0 - apart / (bright + C1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ms_ssim;
    use super::*;

    /// A slope that wraps around, as it is, noisy, or with half the contrast.
    fn plane(size: Size, kind: usize) -> Vec<f32> {
        let value = |i: usize| {
            let (x, y) = (i % size.width, i / size.width);
            let base = (x * 3 + y * 2) % 256;
            match kind {
                0 => base,
                1 => (base + (x * 7919 + y * 104_729) % 41).saturating_sub(20).min(255),
                _ => base / 2 + 64,
            }
        };
        (0..size.area()).map(|i| value(i) as f32 / 255.0).collect()
    }

    /// Numbers of scikit-image 0.24 in double precision; the contrast term and MS-SSIM by the same filter in `SciPy`.
    #[test]
    fn the_numbers_are_those_of_scikit_image() {
        for (size, kind, index, contrast, scales) in [
            (Size::new(61, 47), 1, 0.457_532_844_4, 0.457_538_077_8, 0.915_806_084_2),
            (Size::new(61, 47), 2, 0.899_887_951_1, 0.922_061_030_4, 0.841_369_803_8),
            (Size::new(333, 190), 1, 0.519_508_825_3, 0.519_614_313_4, 0.955_876_923_2),
            (Size::new(333, 190), 2, 0.834_546_000_1, 0.907_585_289_3, 0.822_197_853_4),
            (Size::new(1280, 720), 1, 0.519_994_762_8, 0.520_101_729_9, 0.955_940_215_0),
            (Size::new(1280, 720), 2, 0.833_146_347_5, 0.907_472_176_7, 0.822_160_290_2),
        ] {
            let (a, b) = (plane(size, 0), plane(size, kind));
            let found = ssim(&a, &b, size).unwrap();
            assert!((found.index - index).abs() < 1e-5, "{size} {kind}: {found:?}");
            assert!((found.contrast - contrast).abs() < 1e-5, "{size} {kind}: {found:?}");
            assert!((ms_ssim(&a, &b, size).unwrap() - scales).abs() < 1e-5, "{size} {kind}: {:?}", ms_ssim(&a, &b, size));
        }
    }

    #[test]
    fn the_same_picture_is_one_and_a_small_one_has_none() {
        let size = Size::new(64, 130);
        let a = plane(size, 1);
        assert_eq!(ssim(&a, &a, size), Some(Similarity { index: 1.0, contrast: 1.0 }));
        assert_eq!(ssim(&a[..100], &a[..100], Size::new(10, 10)), None);
    }
}
