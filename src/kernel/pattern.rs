//! Test pictures whose motion is known.

use std::f32::consts::TAU;

use super::band;
use super::color::hsv_to_rgb;
use super::noise::{self, Clouds};
use super::random;
use super::warp2d::{self, IDENTITY, Matrix};
use crate::frame::{Motion, Raster, Size};

/// What is to be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// Colour bars over a grey ramp.
    Bars,
    /// A chess board of 16 rows.
    Checker,
    /// Hue across, brightness down.
    Gradient,
    /// Coloured noise of two sizes, other on every frame.
    Noise,
    /// Coloured bars with ripples that glide to the right, and come in again at the left.
    MovingBars,
    /// Rings and spokes that grow out of the middle for ever.
    ZoomPlate,
}

/// Values of [`Pattern::MovingBars`] per picture height.
const RIPPLES: f32 = 7.0;
/// Rings of [`Pattern::ZoomPlate`] while the radius doubles, and spokes around.
const RINGS: f32 = 3.0;
const SPOKES: f32 = 12.0;

/// Three planes of `pattern` at frame `frame`, moving by `speed` (see [`step`]). `key` chooses the noise.
#[must_use]
pub fn draw(pattern: Pattern, size: Size, frame: u64, speed: f64, key: u64) -> Raster {
    let (w, h) = (size.width as f32, size.height as f32);
    match pattern {
        Pattern::Bars => paint(size, |x, y| bars((x + 0.5) / w, (y + 0.5) / h)),
        Pattern::Checker => {
            let cell = (h / 16.0).max(1.0);
            paint(size, |x, y| [if ((x / cell) as i32 + (y / cell) as i32) % 2 == 0 { 0.9 } else { 0.1 }; 3])
        }
        Pattern::Gradient => paint(size, |x, y| hsv_to_rgb([x / w, 0.8, 1.0 - y / h])),
        Pattern::Noise => grain(size, random::bits(key, frame)),
        Pattern::MovingBars => {
            let shift = (frame as f64 * speed).rem_euclid(size.width.max(1) as f64) as f32;
            paint(size, |x, y| {
                let across = (x - shift).rem_euclid(w) / w;
                let ripple = 0.5 + 0.5 * (TAU * (RIPPLES * y / h + 2.0 * across)).sin();
                let edge = 0.5 + 0.45 * (TAU * 8.0 * across).sin();
                hsv_to_rgb([across, 0.3 + 0.6 * ripple, edge])
            })
        }
        Pattern::ZoomPlate => {
            let grown = frame as f64 * growth(size, speed).log2();
            let phase = (grown * f64::from(RINGS)).fract() as f32;
            let (cx, cy) = (w / 2.0, h / 2.0);
            paint(size, |x, y| plate(x - cx, y - cy, phase))
        }
    }
}

/// Where each pixel of one frame of `pattern` lay in the frame before. `speed` is in pixels per frame: of the bars to the right,
/// or of the plate's rings outwards at half the shorter side.
#[must_use]
pub fn step(pattern: Pattern, size: Size, speed: f64) -> Motion {
    let matrix: Matrix = match pattern {
        Pattern::MovingBars => [[1.0, 0.0, speed], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        Pattern::ZoomPlate => warp2d::Move { zoom: growth(size, speed), ..warp2d::Move::default() }.matrix(size),
        _ => IDENTITY,
    };
    warp2d::motion(&matrix, size)
}

/// How much the plate grows per frame.
fn growth(size: Size, speed: f64) -> f64 {
    (1.0 + speed / (size.width.min(size.height).max(2) as f64 / 2.0)).max(0.01)
}

fn paint(size: Size, color: impl Fn(f32, f32) -> [f32; 3] + Sync + Send) -> Raster {
    let mut out = Raster::uninit(size, 3);
    band::each(&mut out, |mut band| {
        let [r, g, b] = &mut band.planes[..] else { return };
        for (i, ((r, g), b)) in r.iter_mut().zip(g.iter_mut()).zip(b.iter_mut()).enumerate() {
            [*r, *g, *b] = color((i % size.width) as f32, (band.top + i / size.width) as f32);
        }
    });
    out
}

fn bars(x: f32, y: f32) -> [f32; 3] {
    if y > 0.8 {
        return [x; 3];
    }
    // White, yellow, cyan, green, magenta, red, blue at 75 %.
    let code = 7 - ((x * 7.0) as u32).min(6);
    let part = |bit: u32| if code & bit == 0 { 0.0 } else { 0.75 };
    [part(2), part(4), part(1)]
}

fn plate(x: f32, y: f32, phase: f32) -> [f32; 3] {
    let radius = x.hypot(y).max(1e-3);
    // Near the middle rings and spokes would be finer than pixels: they fade into grey.
    let visible = ((radius - 6.0) / 12.0).clamp(0.0, 1.0);
    let rings = (TAU * (radius.log2() * RINGS - phase)).sin();
    let angle = y.atan2(x);
    let spokes = (SPOKES * angle).sin();
    let hue = (angle / TAU).rem_euclid(1.0);
    let value = 0.5 + visible * (0.27 * rings + 0.18 * spokes);
    hsv_to_rgb([hue, 0.5 * visible, value])
}

fn grain(size: Size, key: u64) -> Raster {
    let mut out = Raster::from_vec(size, 3, vec![0.5; size.area() * 3]);
    noise::add(&mut out, None, noise::Noise::Gaussian, 0.12, key);
    for (index, plane) in out.planes_mut().enumerate() {
        let field = noise::perlin(size, Clouds { cells: [6.0; 2], octaves: 2, persistence: 0.6 }, random::bits(key, index as u64));
        plane.iter_mut().zip(field.data()).for_each(|(v, c)| *v = (*v + 0.4 * c).clamp(0.0, 1.0));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::sample::{self, Border, Sampling};

    #[test]
    fn the_motion_told_is_the_motion_drawn() {
        let size = Size::new(160, 120);
        for (pattern, border) in [(Pattern::MovingBars, Border::Wrap), (Pattern::ZoomPlate, Border::Replicate)] {
            let (before, after) = (draw(pattern, size, 40, 2.5, 0), draw(pattern, size, 41, 2.5, 0));
            let carried = sample::warp(&before, &step(pattern, size, 2.5), Sampling::Bicubic, border);
            let mut off = 0.0;
            for y in 5..115 {
                for x in 5..155 {
                    let far = (x as f32 - 80.0).hypot(y as f32 - 60.0) > 24.0;
                    if far || pattern == Pattern::MovingBars {
                        let i = y * 160 + x;
                        off = f32::max(off, (carried.plane(1)[i] - after.plane(1)[i]).abs());
                    }
                }
            }
            assert!(off < 0.02, "{pattern:?}: {off}");
        }
    }

    #[test]
    fn noise_differs_from_frame_to_frame() {
        let size = Size::new(40, 30);
        let at = |frame| draw(Pattern::Noise, size, frame, 0.0, 5);
        assert_ne!(at(0).data(), at(1).data());
        assert_eq!(at(1).data(), at(1).data());
    }
}
