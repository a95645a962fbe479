//! What a picture looks like as a whole, so that wandering away from the first frame can be told from mere movement.

use super::ms_ssim::halved;
use super::sum;
use crate::frame::{Raster, Size};

/// Octaves of detail that are told apart: differences between neighbours, between 2x2 means, and so on.
const BANDS: usize = 5;
/// Less detail than this (a thousandth of black to white, squared) counts as this, so that flat pictures compare.
const LEAST: f64 = 1e-6;

/// A picture's colours and how much detail it has of each size; where things stand in it does not count.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    mean: [f64; 3],
    deviation: [f64; 3],
    /// The mean energy of each octave of lightness, the finest first.
    bands: Vec<f64>,
}

impl Look {
    /// The look of a picture given in Oklab.
    #[must_use]
    pub fn of(oklab: &Raster) -> Self {
        let size = oklab.size();
        let count = size.area().max(1) as f64;
        let moments: [[f64; 2]; 3] = std::array::from_fn(|plane| {
            let plane = oklab.plane(plane);
            sum::over_rows(size.height, |rows| sum::moments(&plane[rows.start * size.width..rows.end * size.width]))
        });
        let mean = moments.map(|[sum, _]| sum / count);
        let deviation = std::array::from_fn(|i| (moments[i][1] / count - mean[i] * mean[i]).max(0.0).sqrt());
        Self { mean, deviation, bands: energies(oklab.plane(0), size) }
    }

    /// How far the colours lie apart: the Fréchet distance of two normal distributions with the means and deviations of lightness and of
    /// both colour axes in Oklab, where 1 is black to white.
    #[must_use]
    pub fn color_distance(&self, other: &Self) -> f64 {
        let square = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        (square(self.mean, other.mean) + square(self.deviation, other.deviation)).sqrt()
    }

    /// How differently detail is spread over sizes: the root mean square, over the octaves, of the logarithm to base 2 of the ratio of
    /// amplitudes. 1 says that detail has halved or doubled throughout, as it does when a loop blurs or sharpens.
    #[must_use]
    pub fn structure_distance(&self, other: &Self) -> f64 {
        let octaves = |(a, b): (&f64, &f64)| (0.5 * ((a + LEAST) / (b + LEAST)).log2()).powi(2);
        let count = self.bands.len().min(other.bands.len()).max(1) as f64;
        (self.bands.iter().zip(&other.bands).map(octaves).sum::<f64>() / count).sqrt()
    }
}

/// The energy of each octave: how far the pixels of 2x2 blocks lie from the block's mean, then the same of the means.
fn energies(plane: &[f32], size: Size) -> Vec<f64> {
    let mut bands = Vec::with_capacity(BANDS);
    let mut current = (plane.to_vec(), size);
    while bands.len() < BANDS && current.1.width.min(current.1.height) >= 2 {
        let (plane, size) = &current;
        bands.push(energy(plane, *size));
        current = (halved(plane, *size), Size::new(size.width.div_ceil(2), size.height.div_ceil(2)));
    }
    bands
}

fn energy(plane: &[f32], size: Size) -> f64 {
    let (across, down) = (size.width / 2, size.height / 2);
    let [sum] = sum::over_rows(down, |rows| {
        let mut line = vec![0.0_f32; across];
        let mut total = 0.0;
        for y in rows {
            let pair = &plane[2 * y * size.width..][..2 * size.width];
            let (upper, lower) = pair.split_at(size.width);
            for ((out, u), l) in line.iter_mut().zip(upper.chunks_exact(2)).zip(lower.chunks_exact(2)) {
                let mean = (u[0] + u[1] + l[0] + l[1]) * 0.25;
                let square = |v: f32| (v - mean) * (v - mean);
                *out = (square(u[0]) + square(u[1]) + square(l[0]) + square(l[1])) * 0.25;
            }
            total += sum::of(&line);
        }
        [total]
    });
    sum / (across * down).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::blur;
    use crate::kernel::pattern::{self, Pattern};

    fn scene() -> Raster {
        pattern::draw(Pattern::ZoomPlate, Size::new(160, 90), 0, 2.0, 1)
    }

    #[test]
    fn the_same_look_has_no_distance() {
        let look = Look::of(&scene());
        assert_eq!((look.color_distance(&look), look.structure_distance(&look)), (0.0, 0.0));
    }

    #[test]
    fn brightening_is_colour_and_blurring_is_structure() {
        let (scene, look) = (scene(), Look::of(&scene()));
        let mut brighter = scene.clone();
        brighter.plane_mut(0).iter_mut().for_each(|v| *v += 0.1);
        let brighter = Look::of(&brighter);
        assert!((look.color_distance(&brighter) - 0.1).abs() < 1e-5 && look.structure_distance(&brighter) < 1e-3);
        let blurred = Look::of(&blur::gaussian(&scene, 1.5));
        assert!(look.structure_distance(&blurred) > 0.4, "{}", look.structure_distance(&blurred));
        let mut halved = scene.clone();
        halved.data_mut().iter_mut().for_each(|v| *v *= 0.5);
        assert!((look.structure_distance(&Look::of(&halved)) - 1.0).abs() < 0.01);
    }

    #[test]
    fn moving_does_not_count() {
        let scene = scene();
        let mut turned = scene.clone();
        turned.planes_mut().for_each(<[f32]>::reverse);
        let (a, b) = (Look::of(&scene), Look::of(&turned));
        assert!(a.color_distance(&b) < 1e-6 && a.structure_distance(&b) < 0.05, "{}", a.structure_distance(&b));
    }
}
