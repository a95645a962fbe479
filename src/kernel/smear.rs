//! Smearing: what a moving camera sees while its shutter is open. Beyond its edges a picture is mirrored (`cba|abc|cba`).

mod shift;

use super::blend;
use super::cpu::Level;
use super::sample::{self, Border, CHUNK, Path, Sampling};
use crate::frame::{Raster, Size};

/// How pixels are smeared by [`smear`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Smear {
    /// Along a line: (dx, dy) from one end to the other, in pixels.
    Line([f32; 2]),
    /// Towards and away from the point at these fractions of width and height: by this share of the distance to it.
    Zoom([f32; 2], f32),
    /// Around the point at these fractions of width and height: by this angle in radians.
    Turn([f32; 2], f32),
}

/// The mean along a path through each pixel, which stays in its middle.
///
/// Two copies apart by one step are averaged, then two of those apart by two steps, and so on, which makes 2ⁿ places in n rounds.
#[must_use]
pub fn smear(src: &Raster, path: Smear) -> Raster {
    let longest = path.longest(src.size());
    if longest <= 0.0 || !longest.is_finite() {
        return src.clone();
    }
    // Places lie at most a pixel and a half apart.
    let rounds = (longest / 1.5 + 1.0).log2().ceil().clamp(1.0, 12.0) as i32;
    let step = 1.0 / 2_f32.powi(rounds);
    let reach = |round: i32| step * 2_f32.powi(round) / 2.0;
    (1..rounds).fold(path.two(src, reach(0)), |out, round| path.two(&out, reach(round)))
}

impl Smear {
    /// The longest path of any pixel.
    fn longest(self, size: Size) -> f32 {
        let across = |[x, y]: [f32; 2]| {
            let far = |at: f32, length: usize| at.abs().max((1.0 - at).abs()) * length as f32;
            far(x, size.width).hypot(far(y, size.height))
        };
        match self {
            Self::Line([dx, dy]) => dx.hypot(dy),
            Self::Zoom(center, share) => across(center) * share.abs(),
            Self::Turn(center, angle) => across(center) * angle.abs(),
        }
    }

    /// The mean of the pixels at the shares `part` and `-part` of each path.
    fn two(self, src: &Raster, part: f32) -> Raster {
        if let Self::Line(along) = self {
            return shift::two(src, along.map(|d| d * part));
        }
        let how = (Sampling::Bilinear, Border::Mirror);
        let [a, b] = [part, -part].map(|part| sample::warp_along(src, &self.step(src.size(), part), src.size(), how, Level::best()));
        blend::mix(a, &b, 0.5)
    }

    /// Where each pixel comes from when it goes the share `part` of its path.
    fn step(self, size: Size, part: f32) -> Step {
        let place = |[x, y]: [f32; 2]| [x * (size.width as f32 - 1.0), y * (size.height as f32 - 1.0)];
        match self {
            Self::Line([dx, dy]) => Step { center: [0.0; 2], matrix: [0.0; 4], shift: [dx * part, dy * part] },
            Self::Zoom(center, share) => {
                let growth = (share * part).exp() - 1.0;
                Step { center: place(center), matrix: [growth, 0.0, 0.0, growth], shift: [0.0; 2] }
            }
            Self::Turn(center, angle) => {
                let (sin, cos) = (angle * part).sin_cos();
                Step { center: place(center), matrix: [cos - 1.0, -sin, sin, cos - 1.0], shift: [0.0; 2] }
            }
        }
    }
}

/// Displacements: `matrix` times the distance from `center`, plus `shift`.
struct Step {
    center: [f32; 2],
    matrix: [f32; 4],
    shift: [f32; 2],
}

impl Path for Step {
    #[inline(always)]
    fn fill(&self, (left, y): (usize, usize), _count: usize, [across, down]: &mut [[f32; CHUNK]; 2]) {
        let y = y as f32 - self.center[1];
        for (column, (dx, dy)) in across.iter_mut().zip(down).enumerate() {
            let x = (left as u32 + column as u32) as f32 - self.center[0];
            *dx = self.shift[0] + self.matrix[0] * x + self.matrix[1] * y;
            *dy = self.shift[1] + self.matrix[2] * x + self.matrix[3] * y;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(size: Size, x: usize, y: usize) -> Raster {
        let mut point = Raster::zeroed(size, 1);
        point.data_mut()[y * size.width + x] = 1.0;
        point
    }

    #[test]
    fn constants_stay_even_when_the_path_is_longer_than_the_picture() {
        let flat = Raster::from_vec(Size::new(3, 1), 2, vec![0.25; 6]);
        for path in [Smear::Line([9.0, 4.0]), Smear::Turn([0.2, 0.5], 2.0), Smear::Zoom([0.5; 2], 0.7)] {
            assert!(smear(&flat, path).data().iter().all(|v| (v - 0.25).abs() < 1e-6));
        }
    }

    #[test]
    fn a_smear_keeps_its_middle_and_has_its_length() {
        let out = smear(&point(Size::new(61, 41), 30, 20), Smear::Line([16.0, 0.0]));
        let row = &out.data()[20 * 61..21 * 61];
        let center: f32 = row.iter().enumerate().map(|(x, v)| x as f32 * v).sum::<f32>() / row.iter().sum::<f32>();
        assert!((center - 30.0).abs() < 0.05, "{center}");
        assert!(row[24] > 0.03 && row[36] > 0.03 && row[19] < 0.005 && row[41] < 0.005, "{row:?}");
    }
}
