//! Flows as colours.

use rayon::prelude::*;

use crate::frame::Raster;

/// A field of displacements as a picture: the direction as a hue (right is red, down is yellow-green, left is cyan, up is violet),
/// the length as its saturation. White stands still; `longest` pixels and more are fully coloured.
#[must_use]
pub fn wheel(field: &Raster, longest: f32) -> Raster {
    let size = field.size();
    let mut out = Raster::uninit(size, 3);
    let area = size.area();
    let (r, rest) = out.data_mut().split_at_mut(area);
    let (g, b) = rest.split_at_mut(area);
    let colors = r.par_iter_mut().zip(g).zip(b).with_min_len(1 << 13);
    colors.zip(field.plane(0).par_iter().zip(field.plane(1))).for_each(|(((r, g), b), (u, v))| {
        [*r, *g, *b] = color(*u, *v, longest);
    });
    out
}

fn color(u: f32, v: f32, longest: f32) -> [f32; 3] {
    let length = u.hypot(v);
    if !(length > 0.0 && longest > 0.0) {
        return [1.0; 3];
    }
    let strength = (length / longest).min(1.0);
    let sixth = (v.atan2(u) / std::f32::consts::TAU).rem_euclid(1.0) * 6.0;
    // The saturated hue, faded towards white.
    [0.0, 4.0, 2.0].map(|shift: f32| {
        let pure = (((sixth + shift) % 6.0 - 3.0).abs() - 1.0).clamp(0.0, 1.0);
        1.0 - strength * (1.0 - pure)
    })
}

/// The length that no more than 1 in 100 displacements exceed, and at least one pixel.
#[must_use]
pub fn usual_longest(field: &Raster) -> f32 {
    let mut lengths: Vec<f32> = field.plane(0).iter().zip(field.plane(1)).map(|(u, v)| u.hypot(*v)).collect();
    if lengths.is_empty() {
        return 1.0;
    }
    let at = (lengths.len() - 1) * 99 / 100;
    lengths.select_nth_unstable_by(at, f32::total_cmp).1.max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_hues_and_rest_is_white() {
        assert_eq!(color(0.0, 0.0, 5.0), [1.0; 3]);
        assert_eq!(color(5.0, 0.0, 5.0), [1.0, 0.0, 0.0]);
        let left = color(-9.0, 0.0, 5.0);
        assert!(left[0] < 1e-6 && left[1] > 0.99 && left[2] > 0.99, "{left:?}");
        let half = color(2.5, 0.0, 5.0);
        assert_eq!(half, [1.0, 0.5, 0.5]);
        let down = color(0.0, 5.0, 5.0);
        assert!(down[1] > 0.99 && (down[0] - 0.5).abs() < 1e-5 && down[2] < 1e-6, "{down:?}");
    }

    #[test]
    fn the_usual_length_leaves_out_the_odd_outlier() {
        let mut field = Raster::zeroed(crate::frame::Size::new(20, 10), 2);
        field.plane_mut(0).fill(4.0);
        field.plane_mut(1)[7] = 900.0;
        assert_eq!(usual_longest(&field), 4.0);
    }
}
