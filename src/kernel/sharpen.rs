//! Sharpening by what a blur takes away.

use super::wide::wide;
use super::{band, blend, blur};
use crate::frame::{Mask, Raster};

/// How to sharpen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sharpen {
    /// How much of what the blur took away is added once more.
    pub amount: f32,
    /// Taps of the blur along each side; an even number counts as the next odd one.
    pub taps: usize,
    /// Deviation of the blur in pixels; 0 derives it from `taps`.
    pub sigma: f32,
    /// Values that the blur changes by less than this stay as they were.
    pub threshold: f32,
}

/// Unsharp masking: `v + amount · (v − blurred)` where the difference reaches the threshold on either side; less where `mask` is
/// dark. What lies within 0..1 stays within, so that nothing grows in a loop. Alpha stays.
///
/// (Deforum's threshold works on the brighter side of edges only, since its difference wraps around below 0.)
#[must_use]
pub fn sharpen(picture: &Raster, how: Sharpen, mask: Option<&Mask>) -> Raster {
    if how.amount == 0.0 {
        return picture.clone();
    }
    let mut out = blur::gaussian_taps(picture, how.taps, how.sigma);
    let width = picture.size().width;
    let Sharpen { amount, threshold, .. } = how;
    band::each(&mut out, |mut band| {
        let at = band.top * width;
        for (index, rows) in band.planes.iter_mut().enumerate() {
            let source = &picture.plane(index)[at..];
            if index >= 3 {
                rows.copy_from_slice(&source[..rows.len()]);
                continue;
            }
            push_apart(rows, source, amount, threshold);
        }
    });
    blend::protected(picture, out, mask)
}

wide! {
    /// Turns a row of blurred values into the originals, pushed away from them.
    fn push_apart(row: &mut [f32], originals: &[f32], amount: f32, threshold: f32) {
        for (v, original) in row.iter_mut().zip(originals) {
            let difference = original - *v;
            let gain = if difference.abs() < threshold { 0.0 } else { amount };
            *v = (original + gain * difference).max(original.min(0.0)).min(original.max(1.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    /// An edge between two greys, and the values left and right of it once sharpened.
    fn edge(threshold: f32) -> (f32, f32) {
        let size = Size::new(32, 4);
        let row: Vec<f32> = (0..32).map(|x| if x < 16 { 0.4 } else { 0.6 }).collect();
        let picture = Raster::from_vec(size, 3, row.repeat(12));
        let out = sharpen(&picture, Sharpen { amount: 1.0, taps: 5, sigma: 1.0, threshold }, None);
        (out.data()[15], out.data()[16])
    }

    #[test]
    fn both_sides_of_an_edge_are_pushed_apart_alike() {
        let (dark, bright) = edge(0.0);
        assert!(dark < 0.36 && bright > 0.64 && (dark + bright - 1.0).abs() < 1e-5, "{dark} {bright}");
        assert_eq!(edge(0.15), (0.4, 0.6));
    }

    #[test]
    fn a_loop_of_sharpening_stays_in_range() {
        let mut picture = super::super::pattern::draw(super::super::pattern::Pattern::ZoomPlate, Size::new(64, 48), 0, 1.0, 1);
        for _ in 0..100 {
            picture = sharpen(&picture, Sharpen { amount: 1.0, taps: 5, sigma: 1.0, threshold: 0.0 }, None);
        }
        assert!(picture.data().iter().all(|v| (0.0..=1.0).contains(v)));
    }
}
