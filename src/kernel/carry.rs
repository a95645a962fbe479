//! Carrying a picture along several steps of motion without resampling it at every step.

use super::band;
use super::sample::{self, Border, Sampling};
use crate::frame::{Motion, Raster, Size};

/// A motion that stands still.
#[must_use]
pub fn still(size: Size) -> Motion {
    Motion::new(Raster::zeroed(size, 2))
}

/// One motion that does `first` and then `then`: `out(p) = q + first(q) − p` with `q = p + then(p)` held to the picture, so that
/// warping once by the result shows what warping twice with a replicated border would, but sharper.
#[must_use]
pub fn compose(first: &Motion, then: &Motion) -> Motion {
    let size = then.size();
    debug_assert_eq!(first.size(), size);
    let mut held = then.0.clone();
    let (right, bottom) = (size.width.saturating_sub(1) as f32, size.height.saturating_sub(1) as f32);
    band::each(&mut held, |mut band| {
        let [xs, ys] = &mut band.planes[..] else { return };
        for (row, (dx, dy)) in xs.chunks_exact_mut(size.width).zip(ys.chunks_exact_mut(size.width)).enumerate() {
            let y = (band.top + row) as f32;
            for (x, (dx, dy)) in dx.iter_mut().zip(dy).enumerate() {
                let x = x as f32;
                *dx = (x + *dx).max(0.0).min(right) - x;
                *dy = (y + *dy).max(0.0).min(bottom) - y;
            }
        }
    });
    let held = Motion::new(held);
    let mut out = sample::warp(&first.0, &held, Sampling::Bilinear, Border::Replicate);
    band::each(&mut out, |mut band| {
        for (index, rows) in band.planes.iter_mut().enumerate() {
            let step = &held.0.plane(index)[band.top * size.width..];
            rows.iter_mut().zip(step).for_each(|(v, s)| *v += s);
        }
    });
    Motion::new(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::warp2d::{self, Move};

    #[test]
    fn two_steps_become_one() {
        let size = Size::new(64, 48);
        let step = |angle, zoom| warp2d::motion(&Move { angle, zoom, ..Move::default() }.matrix(size), size);
        let (a, b) = (step(3.0, 1.1), step(-2.0, 1.05));
        let both = compose(&a, &b);
        let expected = step(1.0, 1.1 * 1.05);
        for plane in 0..2 {
            let worst = both.0.plane(plane).iter().zip(expected.0.plane(plane)).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-3, "{worst}");
        }
    }

    #[test]
    fn standing_still_adds_nothing() {
        let size = Size::new(20, 20);
        let step = warp2d::motion(&Move { translation: [3.0, -2.0], ..Move::default() }.matrix(size), size);
        assert_eq!(compose(&step, &still(size)).0.data(), step.0.data());
    }
}
