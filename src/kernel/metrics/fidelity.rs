//! How far one picture lies from another, pixel by pixel.

use super::sum;
use crate::frame::Raster;

/// Squared errors below this count as this: the same picture has 100 dB and not infinitely many.
const LEAST: f64 = 1e-10;

/// The mean squared difference of the colours of two pictures of one size.
#[must_use]
pub fn mse(a: &Raster, b: &Raster) -> f64 {
    mean(a, b, |a, b| (a - b) * (a - b))
}

/// The mean absolute difference of the colours of two pictures of one size.
#[must_use]
pub fn mean_distance(a: &Raster, b: &Raster) -> f64 {
    mean(a, b, |a, b| (a - b).abs())
}

/// The peak signal-to-noise ratio in decibels, −10·log10 of the mean squared error with a peak of 1: 100 for the same picture.
#[must_use]
pub fn psnr(a: &Raster, b: &Raster) -> f64 {
    -10.0 * mse(a, b).max(LEAST).log10()
}

/// How far `a` has been edited from its source `b`: the mean distance of their colours in Oklab, both given in Oklab. 0 for the
/// source itself, 1 from black to white.
#[must_use]
pub fn edit(a: &Raster, b: &Raster) -> f64 {
    let (size, width) = (a.size(), a.size().width);
    let [sum] = sum::over_rows(size.height, |rows| {
        let line = |raster, plane| line_of(raster, plane, rows.start * width..rows.end * width);
        let mut squares = vec![0.0_f32; rows.len() * width];
        for plane in 0..3 {
            for ((sum, a), b) in squares.iter_mut().zip(line(a, plane)).zip(line(b, plane)) {
                *sum += (a - b) * (a - b);
            }
        }
        for v in &mut squares {
            *v = v.sqrt();
        }
        [sum::of(&squares)]
    });
    sum / size.area().max(1) as f64
}

fn line_of(raster: &Raster, plane: usize, range: std::ops::Range<usize>) -> &[f32] {
    &raster.plane(plane)[range]
}

fn mean(a: &Raster, b: &Raster, value: impl Fn(f32, f32) -> f32 + Sync + Copy) -> f64 {
    let (size, planes) = (a.size(), a.planes().min(b.planes()).min(3));
    debug_assert_eq!(size, b.size());
    let [sum] = sum::over_rows(size.height, |rows| {
        let range = rows.start * size.width..rows.end * size.width;
        [(0..planes).map(|plane| sum::of_pairs(&a.plane(plane)[range.clone()], &b.plane(plane)[range.clone()], value)).sum()]
    });
    sum / (size.area() * planes).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn flat(value: f32) -> Raster {
        Raster::from_vec(Size::new(13, 37), 3, vec![value; 3 * 13 * 37])
    }

    #[test]
    fn known_answers() {
        assert!((mse(&flat(0.5), &flat(0.75)) - 0.0625).abs() < 1e-12);
        assert!((mean_distance(&flat(0.5), &flat(0.75)) - 0.25).abs() < 1e-12);
        assert!((psnr(&flat(0.0), &flat(0.1)) - 20.0).abs() < 1e-5);
        assert_eq!(psnr(&flat(0.3), &flat(0.3)), 100.0);
        assert!((edit(&flat(0.0), &flat(0.1)) - 0.1 * 3_f64.sqrt()).abs() < 1e-6);
    }

    #[test]
    fn alpha_does_not_count() {
        let mut with_alpha = Raster::zeroed(Size::new(13, 37), 4);
        with_alpha.data_mut()[..3 * 13 * 37].fill(0.5);
        assert_eq!(mse(&with_alpha, &flat(0.5)), 0.0);
        assert_eq!(mse(&flat(0.5), &with_alpha), 0.0);
    }
}
