//! Temporal stability: Lai, Huang, Wang, Shechtman, Yumer, Yang, "Learning blind video temporal consistency", 2018.

use super::sum;
use crate::frame::{Flow, Mask, Motion, Raster};
use crate::kernel::sample::{self, Border, Sampling};

/// How far `next`, brought back by the motion of the source, lies from `frame`: Σ n·(W(next, flow) − frame)² / Σ n over the pixels of
/// `frame` and its colours, with W(next, flow)(p) = next(p + flow(p)) read bilinearly.
///
/// `flow` is the forward flow of the *source* from this frame to the next, and `seen` the weight n, 1 for pixels of this frame that are
/// to be seen in the next. `None` where nothing is. The figure of a clip is the mean over its frames.
///
/// Known answers: 0 for a still clip and for a shift with known flow, 2σ² for a still clip with noise of deviation σ.
#[must_use]
pub fn warp_error(frame: &Raster, next: &Raster, flow: &Flow, seen: &Mask) -> Option<f64> {
    let size = frame.size();
    let planes = frame.planes().min(next.planes()).min(3);
    let back = sample::warp(next, &Motion::new(flow.0.clone()), Sampling::Bilinear, Border::Replicate);
    let [error, weight] = sum::over_rows(size.height, |rows| {
        let range = rows.start * size.width..rows.end * size.width;
        let seen = &seen.0.plane(0)[range.clone()];
        let mut squares = vec![0.0_f32; seen.len()];
        for plane in 0..planes {
            let (a, b) = (&frame.plane(plane)[range.clone()], &back.plane(plane)[range.clone()]);
            for ((square, a), b) in squares.iter_mut().zip(a).zip(b) {
                *square += (b - a) * (b - a);
            }
        }
        [sum::of_pairs(seen, &squares, |n, square| n * square), sum::of(seen)]
    });
    (weight > 0.0).then(|| error / (weight * planes as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;
    use crate::kernel::noise::{self, Noise};
    use crate::kernel::pattern::{self, Pattern};

    const SIZE: Size = Size::new(320, 180);

    fn scene() -> Raster {
        pattern::draw(Pattern::ZoomPlate, SIZE, 0, 2.0, 1)
    }

    fn moving(dx: f32, dy: f32) -> Flow {
        let mut raster = Raster::zeroed(SIZE, 2);
        raster.plane_mut(0).fill(dx);
        raster.plane_mut(1).fill(dy);
        Flow::new(raster)
    }

    fn everywhere() -> Mask {
        Mask::new(Raster::from_vec(SIZE, 1, vec![1.0; SIZE.area()]))
    }

    /// The scene shifted by whole pixels to the right and down, and where it is to be seen before the shift.
    fn shifted(dx: usize, dy: usize) -> (Raster, Mask) {
        let scene = scene();
        let (mut out, mut seen) = (scene.clone(), Raster::zeroed(SIZE, 1));
        for y in 0..SIZE.height - dy {
            for x in 0..SIZE.width - dx {
                for plane in 0..3 {
                    out.plane_mut(plane)[(y + dy) * SIZE.width + x + dx] = scene.plane(plane)[y * SIZE.width + x];
                }
                seen.data_mut()[y * SIZE.width + x] = 1.0;
            }
        }
        (out, Mask::new(seen))
    }

    #[test]
    fn a_still_clip_and_a_known_shift_have_none() {
        assert_eq!(warp_error(&scene(), &scene(), &moving(0.0, 0.0), &everywhere()), Some(0.0));
        let (next, seen) = shifted(7, 3);
        assert!(warp_error(&scene(), &next, &moving(7.0, 3.0), &seen).unwrap() < 1e-12);
        assert!(warp_error(&scene(), &next, &moving(-7.0, -3.0), &seen).unwrap() > 0.01, "the flow of the wrong side");
    }

    #[test]
    fn noise_counts_twice_its_variance() {
        let flat = Raster::from_vec(SIZE, 3, vec![0.5; 3 * SIZE.area()]);
        let noisy = |seed| {
            let mut frame = flat.clone();
            noise::add(&mut frame, None, Noise::Gaussian, 0.5, seed);
            frame
        };
        let deviation = |frame: &Raster| frame.data().iter().map(|v| f64::from(v - 0.5).powi(2)).sum::<f64>() / frame.data().len() as f64;
        let (a, b) = (noisy(1), noisy(2));
        let expected = deviation(&a) + deviation(&b);
        let error = warp_error(&a, &b, &moving(0.0, 0.0), &everywhere()).unwrap();
        assert!((error / expected - 1.0).abs() < 0.01, "{error} against {expected}");
    }

    #[test]
    fn what_is_hidden_does_not_count() {
        let (next, seen) = shifted(7, 3);
        let flow = moving(7.0, 3.0);
        assert!(warp_error(&scene(), &next, &flow, &everywhere()).unwrap() > 1e-4);
        assert!(warp_error(&scene(), &next, &flow, &seen).unwrap() < 1e-12);
        assert_eq!(warp_error(&scene(), &next, &flow, &Mask::new(Raster::zeroed(SIZE, 1))), None);
    }

    #[test]
    fn differences_of_eight_bits_do_not_wrap_around() {
        let (black, white) = (Raster::zeroed(SIZE, 3), Raster::from_vec(SIZE, 3, vec![1.0; 3 * SIZE.area()]));
        assert_eq!(warp_error(&white, &black, &moving(0.0, 0.0), &everywhere()), Some(1.0));
    }
}
