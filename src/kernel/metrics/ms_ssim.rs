//! Structural similarity at several scales: Wang, Simoncelli, Bovik, "Multi-scale structural similarity for image quality
//! assessment", 2003.

use super::ssim::{LEAST_SIDE, ssim};
use crate::frame::Size;

/// The exponents of the five scales, the finest first.
const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

/// MS-SSIM of two planes of `size`, values 0 to 1: the contrast terms of the finer scales and the whole index of the coarsest, each to the
/// power of its weight, with 2x2 means between the scales. Negative terms count as 0.
///
/// Five scales need 161 pixels on the shorter side; smaller pictures have as many as fit, whose weights are scaled to the same sum.
/// `None` where not even one fits.
#[must_use]
pub fn ms_ssim(a: &[f32], b: &[f32], size: Size) -> Option<f64> {
    let (mut a, mut b, mut size) = (a.to_vec(), b.to_vec(), size);
    let mut scales = Vec::with_capacity(WEIGHTS.len());
    while scales.len() < WEIGHTS.len() && size.width.min(size.height) >= LEAST_SIDE {
        scales.push(ssim(&a, &b, size)?);
        (a, b) = (halved(&a, size), halved(&b, size));
        size = Size::new(size.width.div_ceil(2), size.height.div_ceil(2));
    }
    let last = scales.len().checked_sub(1)?;
    let scale = WEIGHTS.iter().sum::<f64>() / WEIGHTS[..=last].iter().sum::<f64>();
    let term = |(index, (similarity, weight)): (usize, (&super::Similarity, f64))| {
        let value = if index == last { similarity.index } else { similarity.contrast };
        value.max(0.0).powf(weight * scale)
    };
    Some(scales.iter().zip(WEIGHTS).enumerate().map(term).product())
}

/// The means of 2x2 pixels; an odd last row or column counts twice.
pub(super) fn halved(plane: &[f32], size: Size) -> Vec<f32> {
    let (width, height) = (size.width.div_ceil(2), size.height.div_ceil(2));
    let mut out = Vec::with_capacity(width * height);
    for y in 0..height {
        let upper = &plane[2 * y * size.width..][..size.width];
        let lower = &plane[(2 * y + 1).min(size.height - 1) * size.width..][..size.width];
        let pair = |(upper, lower): (&[f32], &[f32])| (upper[0] + upper[1] + lower[0] + lower[1]) * 0.25;
        out.extend(upper.chunks_exact(2).zip(lower.chunks_exact(2)).map(pair));
        if size.width % 2 == 1 {
            out.push((upper[size.width - 1] + lower[size.width - 1]) * 0.5);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halving_keeps_the_mean_and_the_odd_edge() {
        let plane = [1.0, 3.0, 5.0, 3.0, 5.0, 9.0, 2.0, 4.0, 6.0];
        assert_eq!(halved(&plane, Size::new(3, 3)), [3.0, 7.0, 3.0, 6.0]);
    }

    #[test]
    fn the_same_is_one_at_any_size() {
        for size in [Size::new(11, 200), Size::new(176, 177), Size::new(40, 40)] {
            let plane: Vec<f32> = (0..size.area()).map(|i| (i * 7919 % 256) as f32 / 255.0).collect();
            assert_eq!(ms_ssim(&plane, &plane, size), Some(1.0));
        }
        assert_eq!(ms_ssim(&[0.0; 100], &[0.0; 100], Size::new(10, 10)), None);
    }
}
