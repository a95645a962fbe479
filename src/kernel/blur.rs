//! Blurring. Beyond its edges a picture is mirrored around its outermost pixels (`dcb|abcd|cba`).

use super::band;
use super::wide::wide;
use crate::frame::Raster;

/// Gaussian blur of every plane, with deviation `sigma` in pixels (0 or less leaves the picture alone) and three deviations of
/// reach.
#[must_use]
pub fn gaussian(src: &Raster, sigma: f32) -> Raster {
    if sigma <= 0.0 || !sigma.is_finite() {
        return src.clone();
    }
    convolve(src, &kernel((3.0 * sigma).ceil().max(1.0) as usize, sigma))
}

/// Gaussian blur with an odd number of taps, as `cv2.GaussianBlur` counts them. With `sigma` 0 its kernels are `OpenCV`'s too: fixed
/// ones up to 9 taps, and beyond that a deviation derived from `taps`. An even number of taps counts as the next odd one.
#[must_use]
pub fn gaussian_taps(src: &Raster, taps: usize, sigma: f32) -> Raster {
    let reach = taps / 2;
    match FIXED.get(reach) {
        _ if sigma > 0.0 => convolve(src, &kernel(reach, sigma)),
        Some(fixed) => convolve(src, &fixed[..=reach].iter().map(|n| n / 256.0).collect::<Vec<_>>()),
        None => convolve(src, &kernel(reach, 0.3 * (reach as f32 - 1.0) + 0.8)),
    }
}

/// The right halves of `OpenCV`'s kernels for 1, 3, 5, 7 and 9 taps without a deviation, in 256ths.
const FIXED: [[f32; 5]; 5] = [
    [256.0, 0.0, 0.0, 0.0, 0.0],
    [128.0, 64.0, 0.0, 0.0, 0.0],
    [96.0, 64.0, 16.0, 0.0, 0.0],
    [72.0, 56.0, 28.0, 8.0, 0.0],
    [60.0, 51.0, 30.0, 13.0, 4.0],
];

/// The mean of the square around each pixel that reaches `radius` pixels beyond it (2·radius + 1 along each side); a fraction
/// counts the outermost pixels in part.
#[must_use]
pub fn mean(src: &Raster, radius: f32) -> Raster {
    if radius <= 0.0 || !radius.is_finite() {
        return src.clone();
    }
    let reach = radius.ceil() as usize;
    let weight = 1.0 / (2.0 * radius + 1.0);
    let mut half = vec![weight; reach + 1];
    half[reach] = weight * (radius - (reach as f32 - 1.0));
    convolve(src, &half)
}

/// The right half of a normalised kernel, from its middle.
fn kernel(reach: usize, sigma: f32) -> Vec<f32> {
    let weight = |i: usize| (-((i * i) as f64) / (2.0 * f64::from(sigma).powi(2))).exp();
    let sum = 1.0 + 2.0 * (1..=reach).map(weight).sum::<f64>();
    (0..=reach).map(|i| (weight(i) / sum) as f32).collect()
}

/// Index `i` of `length`, mirrored around the outermost pixels.
fn mirrored(i: isize, length: usize) -> usize {
    let period = 2 * (length as isize - 1).max(1);
    let i = i.rem_euclid(period);
    i.min(period - i).min(length as isize - 1) as usize
}

/// Weighs every plane with the symmetric kernel whose right half is `half`, down and then across: row by row, so that nothing
/// but the rows around is read.
fn convolve(src: &Raster, half: &[f32]) -> Raster {
    let size = src.size();
    let reach = half.len() - 1;
    let mut out = Raster::uninit(size, src.planes());
    band::each(&mut out, |mut band| {
        let mut padded = vec![0.0; size.width + 2 * reach];
        for (index, rows) in band.planes.iter_mut().enumerate() {
            let lines: Vec<&[f32]> = src.plane(index).chunks_exact(size.width).collect();
            for (row, out) in rows.chunks_exact_mut(size.width).enumerate() {
                let y = (band.top + row) as isize - reach as isize;
                let around: Vec<&[f32]> = (0..=2 * reach).map(|i| lines[mirrored(y + i as isize, size.height)]).collect();
                sum_taps(&mut padded[reach..][..size.width], half, &around);
                for i in 1..=reach {
                    padded[reach - i] = padded[reach + mirrored(-(i as isize), size.width)];
                    padded[reach + size.width - 1 + i] = padded[reach + mirrored((size.width - 1 + i) as isize, size.width)];
                }
                let around: Vec<&[f32]> = (0..=2 * reach).map(|i| &padded[i..][..size.width]).collect();
                sum_taps(out, half, &around);
            }
        }
    });
    out
}

wide! {
    /// `out` = the sum of `lines`, of which the middle one has the first weight of `half` and its neighbours on both sides have
    /// the next. Three pairs at a time, since a loop over more lines does not vectorise.
    fn sum_taps(out: &mut [f32], half: &[f32], lines: &[&[f32]]) {
        let middle = half.len() - 1;
        let pair = |i: usize| (half[i], lines[middle - i], lines[middle + i]);
        let first = (half[0], lines[middle]);
        match middle {
            0 => begin(out, first, []),
            1 => begin(out, first, [pair(1)]),
            2 => begin(out, first, [pair(1), pair(2)]),
            _ => begin(out, first, [pair(1), pair(2), pair(3)]),
        }
        let mut next = 4;
        while next + 2 <= middle {
            add_pairs(out, [pair(next), pair(next + 1), pair(next + 2)]);
            next += 3;
        }
        while next <= middle {
            add_pairs(out, [pair(next)]);
            next += 1;
        }
    }
}

/// `out` = a weighted line plus the weighted sums of pairs of lines.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "so that it vectorises")]
fn begin<const N: usize>(out: &mut [f32], (keep, middle): (f32, &[f32]), pairs: [(f32, &[f32], &[f32]); N]) {
    let n = out.len();
    let (middle, pairs) = (&middle[..n], pairs.map(|(weight, a, b)| (weight, &a[..n], &b[..n])));
    for i in 0..n {
        let mut sum = keep * middle[i];
        for (weight, a, b) in &pairs {
            sum += weight * (a[i] + b[i]);
        }
        out[i] = sum;
    }
}

/// Adds the weighted sums of pairs of lines.
#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "so that it vectorises")]
fn add_pairs<const N: usize>(out: &mut [f32], pairs: [(f32, &[f32], &[f32]); N]) {
    let n = out.len();
    let pairs = pairs.map(|(weight, a, b)| (weight, &a[..n], &b[..n]));
    for i in 0..n {
        let mut sum = out[i];
        for (weight, a, b) in &pairs {
            sum += weight * (a[i] + b[i]);
        }
        out[i] = sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn point(size: Size, x: usize, y: usize) -> Raster {
        let mut point = Raster::zeroed(size, 1);
        point.data_mut()[y * size.width + x] = 1.0;
        point
    }

    #[test]
    fn a_point_becomes_a_bell_and_nothing_is_lost() {
        let size = Size::new(41, 33);
        let out = gaussian(&point(size, 20, 16), 2.0);
        let at = |x: usize, y: usize| out.data()[y * 41 + x];
        assert!((out.data().iter().sum::<f32>() - 1.0).abs() < 1e-4);
        assert!((at(22, 16) / at(20, 16) - (-0.5_f32).exp()).abs() < 1e-3);
        assert!((at(20, 18) - at(22, 16)).abs() < 1e-7);
    }

    #[test]
    fn constants_stay_even_when_the_kernel_is_wider_than_the_picture() {
        let flat = Raster::from_vec(Size::new(3, 1), 2, vec![0.25; 6]);
        for out in [gaussian(&flat, 9.0), mean(&flat, 7.5)] {
            assert!(out.data().iter().all(|v| (v - 0.25).abs() < 1e-6));
        }
        assert_eq!(gaussian(&flat, 0.0).data(), flat.data());
    }

    #[test]
    fn taps_count_as_opencv_counts_them() {
        // cv2.getGaussianKernel(5, 1)
        let k = kernel(2, 1.0);
        assert!((k[0] - 0.402_62).abs() < 1e-4 && (k[1] - 0.244_201).abs() < 1e-4 && (k[2] - 0.054_488_7).abs() < 1e-4);
    }

    #[test]
    fn a_mean_has_the_width_asked_for() {
        let out = mean(&point(Size::new(21, 21), 10, 10), 1.5);
        let at = |x: usize| out.data()[10 * 21 + x];
        assert!((at(10) - 1.0 / 16.0).abs() < 1e-6 && (at(12) - 1.0 / 32.0).abs() < 1e-6 && at(13) == 0.0);
    }
}
