//! Colour spaces. All take and give display-referred values as sRGB has them; values outside 0..1 go through
//! and come back (except those below 0 in HSV).

use std::sync::LazyLock;

use super::band;
use super::maths::cbrt;
use crate::frame::Raster;

/// A way to write colours as three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Space {
    /// Red, green, blue.
    Rgb,
    /// Hue 0..1 (red 0, green ⅓), saturation and value 0..1.
    Hsv,
    /// CIE L*a*b*, white point D65: L 0..100, a and b about ±100.
    #[default]
    Lab,
    /// Oklab (Ottosson 2020): L 0..1, a and b about ±0.4. Even steps look even, also in blue.
    Oklab,
}

/// Turns the first three planes, red, green and blue, into `space`, in place.
pub fn from_rgb(raster: &mut Raster, space: Space) {
    match space {
        Space::Rgb => {}
        Space::Hsv => each_pixel(raster, None, rgb_to_hsv, None),
        Space::Lab => each_pixel(raster, Some(linear), linear_to_lab, None),
        Space::Oklab => each_pixel(raster, Some(linear), linear_to_oklab, None),
    }
}

/// Turns the first three planes from `space` back into red, green and blue, in place.
pub fn to_rgb(raster: &mut Raster, space: Space) {
    match space {
        Space::Rgb => {}
        Space::Hsv => each_pixel(raster, None, hsv_to_rgb, None),
        Space::Lab => each_pixel(raster, None, lab_to_linear, Some(display)),
        Space::Oklab => each_pixel(raster, None, oklab_to_linear, Some(display)),
    }
}

type Curve = fn(f32) -> f32;

/// Applies `before` to each value, `convert` to each pixel and `after` to each value. Apart, so that what can vectorise does.
fn each_pixel(raster: &mut Raster, before: Option<Curve>, convert: impl Fn([f32; 3]) -> [f32; 3] + Sync + Send, after: Option<Curve>) {
    const CHUNK: usize = 512;
    band::each(raster, |mut band| {
        let [a, b, c, ..] = &mut band.planes[..] else { return };
        for ((a, b), c) in a.chunks_mut(CHUNK).zip(b.chunks_mut(CHUNK)).zip(c.chunks_mut(CHUNK)) {
            bend([&mut *a, &mut *b, &mut *c], before);
            for ((a, b), c) in a.iter_mut().zip(b.iter_mut()).zip(c.iter_mut()) {
                [*a, *b, *c] = convert([*a, *b, *c]);
            }
            bend([a, b, c], after);
        }
    });
}

fn bend(lines: [&mut [f32]; 3], curve: Option<Curve>) {
    let Some(curve) = curve else { return };
    for line in lines {
        for v in line {
            *v = curve(*v);
        }
    }
}

/// Luma of display-referred red, green and blue with the weights of BT.709.
#[inline]
#[must_use]
pub fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Hue, saturation, value. Parts below 0 count as 0, so that saturation stays within 0..1.
#[inline]
#[must_use]
pub fn rgb_to_hsv([r, g, b]: [f32; 3]) -> [f32; 3] {
    let [r, g, b] = [r.max(0.0), g.max(0.0), b.max(0.0)];
    let (high, low) = (r.max(g).max(b), r.min(g).min(b));
    let chroma = high - low;
    if chroma <= 0.0 {
        return [0.0, 0.0, high];
    }
    let sixth = if high == r {
        (g - b) / chroma
    } else if high == g {
        (b - r) / chroma + 2.0
    } else {
        (r - g) / chroma + 4.0
    };
    let hue = if sixth < 0.0 { sixth + 6.0 } else { sixth };
    [hue / 6.0, chroma / high, high]
}

/// The inverse of [`rgb_to_hsv`].
#[inline]
#[must_use]
pub fn hsv_to_rgb([h, s, v]: [f32; 3]) -> [f32; 3] {
    let channel = |n: f32| {
        let k = n + h * 6.0;
        let k = if k >= 6.0 { k - 6.0 } else { k };
        v - v * s * k.min(4.0 - k).min(1.0).max(0.0)
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

const WHITE: [f32; 3] = [0.950_456, 1.0, 1.088_754];
/// (6/29)³: below it the cube root of L*a*b* goes on as a straight line.
const KNEE: f32 = 216.0 / 24389.0;

/// CIE L*a*b* of an sRGB colour.
#[inline]
#[must_use]
pub fn rgb_to_lab(rgb: [f32; 3]) -> [f32; 3] {
    linear_to_lab(rgb.map(linear))
}

#[inline]
fn linear_to_lab([r, g, b]: [f32; 3]) -> [f32; 3] {
    let f = |t: f32| {
        let (root, line) = (cbrt(t), t * (841.0 / 108.0) + 4.0 / 29.0);
        if t > KNEE { root } else { line }
    };
    let x = f((0.412_453 * r + 0.357_580 * g + 0.180_423 * b) / WHITE[0]);
    let y = f(0.212_671 * r + 0.715_160 * g + 0.072_169 * b);
    let z = f((0.019_334 * r + 0.119_193 * g + 0.950_227 * b) / WHITE[2]);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The inverse of [`rgb_to_lab`].
#[inline]
#[must_use]
pub fn lab_to_rgb(lab: [f32; 3]) -> [f32; 3] {
    lab_to_linear(lab).map(display)
}

#[inline]
fn lab_to_linear([l, a, b]: [f32; 3]) -> [f32; 3] {
    let f = |t: f32| if t > 6.0 / 29.0 { t * t * t } else { (t - 4.0 / 29.0) * (108.0 / 841.0) };
    let y = (l + 16.0) / 116.0;
    let (x, y, z) = (WHITE[0] * f(y + a / 500.0), f(y), WHITE[2] * f(y - b / 200.0));
    [
        3.240_481_3 * x - 1.537_151_5 * y - 0.498_536_33 * z,
        -0.969_254_95 * x + 1.875_99 * y + 0.041_555_926 * z,
        0.055_646_64 * x - 0.204_041_34 * y + 1.057_311_1 * z,
    ]
}

/// Oklab of an sRGB colour.
#[inline]
#[must_use]
pub fn rgb_to_oklab(rgb: [f32; 3]) -> [f32; 3] {
    linear_to_oklab(rgb.map(linear))
}

#[inline]
fn linear_to_oklab([r, g, b]: [f32; 3]) -> [f32; 3] {
    let l = cbrt(0.412_221_47 * r + 0.536_332_55 * g + 0.051_445_995 * b);
    let m = cbrt(0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b);
    let s = cbrt(0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b);
    [
        0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
        1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
        0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
    ]
}

/// The inverse of [`rgb_to_oklab`].
#[inline]
#[must_use]
pub fn oklab_to_rgb(oklab: [f32; 3]) -> [f32; 3] {
    oklab_to_linear(oklab).map(display)
}

#[inline]
fn oklab_to_linear([lightness, a, b]: [f32; 3]) -> [f32; 3] {
    let cube = |v: f32| v * v * v;
    let l = cube(lightness + 0.396_337_78 * a + 0.215_803_76 * b);
    let m = cube(lightness - 0.105_561_346 * a - 0.063_854_17 * b);
    let s = cube(lightness - 0.089_484_18 * a - 1.291_485_5 * b);
    [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
        -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ]
}

/// Steps of the tables of the sRGB curve.
const STEPS: usize = 16_384;

fn table(f: impl Fn(f64) -> f64) -> Vec<f32> {
    (0..=STEPS + 1).map(|i| f(i as f64 / STEPS as f64) as f32).collect()
}

static LINEAR: LazyLock<Vec<f32>> = LazyLock::new(|| table(exact_linear));
static DISPLAY: LazyLock<Vec<f32>> = LazyLock::new(|| table(exact_display));

fn exact_linear(v: f64) -> f64 {
    if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
}

fn exact_display(v: f64) -> f64 {
    if v <= 0.003_130_8 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 }
}

/// Linear light of an sRGB value; odd-symmetric, so that values below black survive.
#[inline]
#[must_use]
pub fn linear(v: f32) -> f32 {
    look_up(&LINEAR, v, exact_linear)
}

/// The sRGB value of linear light; the inverse of [`linear`].
#[inline]
#[must_use]
pub fn display(v: f32) -> f32 {
    look_up(&DISPLAY, v, exact_display)
}

#[inline]
fn look_up(table: &[f32], v: f32, exact: fn(f64) -> f64) -> f32 {
    let size = v.abs();
    let position = size * STEPS as f32;
    let index = position as u32 as usize;
    let value = match table.get(index..index + 2) {
        Some(pair) => pair[0] + (position - index as f32) * (pair[1] - pair[0]),
        None => exact(f64::from(size)) as f32,
    };
    value.copysign(v)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Size;

    fn close(a: [f32; 3], b: [f32; 3], tolerance: f32) {
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance), "{a:?} {b:?}");
    }

    #[test]
    fn every_space_comes_back() {
        for space in [Space::Rgb, Space::Hsv, Space::Lab, Space::Oklab] {
            let size = Size::new(1000, 1);
            let value = |i: usize| (i as u32).wrapping_mul(2_654_435_761) as f32 / 4.294_967_3e9 * 1.1 - 0.05;
            let least = if space == Space::Hsv { 0.0 } else { -0.05 };
            let start = Raster::from_vec(size, 3, (0..3000).map(|i| value(i).max(least)).collect());
            let mut there = start.clone();
            from_rgb(&mut there, space);
            to_rgb(&mut there, space);
            let worst = there.data().iter().zip(start.data()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst < 3e-5, "{space:?}: {worst}");
        }
    }

    #[test]
    fn known_colours() {
        close(rgb_to_lab([1.0, 1.0, 1.0]), [100.0, 0.0, 0.0], 0.01);
        close(rgb_to_lab([1.0, 0.0, 0.0]), [53.24, 80.09, 67.2], 0.05);
        close(rgb_to_lab([0.0, 0.0, 1.0]), [32.3, 79.19, -107.86], 0.05);
        close(rgb_to_oklab([1.0, 0.0, 0.0]), [0.627_96, 0.224_86, 0.125_85], 1e-4);
        close(rgb_to_hsv([0.0, 0.5, 0.25]), [150.0 / 360.0, 1.0, 0.5], 1e-6);
    }

    #[test]
    fn cube_roots_are_accurate() {
        for i in -100..100 {
            let v = i as f32 * 0.013;
            assert!((cbrt(v) - v.cbrt()).abs() < 1e-6, "{v}");
        }
    }
}
