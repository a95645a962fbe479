//! Blurring.

use super::band;
use crate::frame::Raster;

/// Gaussian blur of every plane, with deviation `sigma` in pixels (0 or less leaves the picture alone) and three deviations of
/// reach. The picture is mirrored around its outermost pixels (`dcb|abcd|cba`).
#[must_use]
pub fn gaussian(src: &Raster, sigma: f32) -> Raster {
    if sigma <= 0.0 || !sigma.is_finite() {
        return src.clone();
    }
    convolve(src, &kernel((3.0 * sigma).ceil().max(1.0) as usize, sigma))
}

/// Gaussian blur with an odd number of taps, as `cv2.GaussianBlur` counts them: `sigma` 0 derives it from `taps`. An even
/// number of taps counts as the next odd one.
#[must_use]
pub fn gaussian_taps(src: &Raster, taps: usize, sigma: f32) -> Raster {
    let reach = taps / 2;
    let usual = 0.3 * (reach as f32 - 1.0) + 0.8;
    convolve(src, &kernel(reach, if sigma > 0.0 { sigma } else { usual }))
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

fn convolve(src: &Raster, half: &[f32]) -> Raster {
    let size = src.size();
    let reach = half.len() - 1;
    let mut across = Raster::uninit(size, src.planes());
    band::each(&mut across, |mut band| {
        let mut padded = vec![0.0; size.width + 2 * reach];
        for (index, rows) in band.planes.iter_mut().enumerate() {
            let source = &src.plane(index)[band.top * size.width..];
            for (row, out) in source.chunks_exact(size.width).zip(rows.chunks_exact_mut(size.width)) {
                for (i, v) in padded.iter_mut().enumerate().filter(|(i, _)| *i < reach || *i >= size.width + reach) {
                    *v = row[mirrored(i as isize - reach as isize, size.width)];
                }
                padded[reach..reach + size.width].copy_from_slice(row);
                sum_taps(out, half, |offset| &padded[reach.wrapping_add_signed(offset)..]);
            }
        }
    });
    let mut out = Raster::uninit(size, src.planes());
    band::each(&mut out, |mut band| {
        for (index, rows) in band.planes.iter_mut().enumerate() {
            let source = across.plane(index);
            for (row, out) in rows.chunks_exact_mut(size.width).enumerate() {
                let y = (band.top + row) as isize;
                sum_taps(out, half, |offset| &source[mirrored(y + offset, size.height) * size.width..]);
            }
        }
    });
    out
}

/// `out` = the sum of lines at each offset, weighted. Whole lines at a time, so that it vectorises.
fn sum_taps<'a>(out: &mut [f32], half: &[f32], line: impl Fn(isize) -> &'a [f32]) {
    for (v, s) in out.iter_mut().zip(line(0)) {
        *v = half[0] * s;
    }
    for (i, weight) in half.iter().enumerate().skip(1) {
        let offset = i as isize;
        for ((v, a), b) in out.iter_mut().zip(line(-offset)).zip(line(offset)) {
            *v += weight * (a + b);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    #[test]
    fn a_point_becomes_a_bell_and_nothing_is_lost() {
        let size = Size::new(41, 33);
        let mut point = Raster::zeroed(size, 1);
        point.data_mut()[16 * 41 + 20] = 1.0;
        let out = gaussian(&point, 2.0);
        let at = |x: usize, y: usize| out.data()[y * 41 + x];
        assert!((out.data().iter().sum::<f32>() - 1.0).abs() < 1e-4);
        assert!((at(22, 16) / at(20, 16) - (-0.5_f32).exp()).abs() < 1e-3);
        assert!((at(20, 18) - at(22, 16)).abs() < 1e-7);
    }

    #[test]
    fn constants_stay_even_when_the_kernel_is_wider_than_the_picture() {
        let flat = Raster::from_vec(Size::new(3, 1), 2, vec![0.25; 6]);
        assert!(gaussian(&flat, 9.0).data().iter().all(|v| (v - 0.25).abs() < 1e-6));
        assert_eq!(gaussian(&flat, 0.0).data(), flat.data());
    }

    #[test]
    fn taps_count_as_opencv_counts_them() {
        // cv2.getGaussianKernel(5, 1)
        let k = kernel(2, 1.0);
        assert!((k[0] - 0.402_62).abs() < 1e-4 && (k[1] - 0.244_201).abs() < 1e-4 && (k[2] - 0.054_488_7).abs() < 1e-4);
    }
}
