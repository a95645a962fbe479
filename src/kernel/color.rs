//! Colour spaces. All take and give display-referred values as sRGB has them; values outside 0..1 go through
//! and come back (except those below 0 in HSV).
//!
//! Three numbers are named one by one and not mapped: `array::map` stays a call, and a loop around it does not vectorise.

use super::band;
use super::maths::{cbrt, pow};
use super::wide::wide;
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
        Space::Hsv => each_pixel(raster, RgbToHsv),
        Space::Lab => each_pixel(raster, RgbToLab),
        Space::Oklab => each_pixel(raster, RgbToOklab),
    }
}

/// Turns the first three planes from `space` back into red, green and blue, in place.
pub fn to_rgb(raster: &mut Raster, space: Space) {
    match space {
        Space::Rgb => {}
        Space::Hsv => each_pixel(raster, HsvToRgb),
        Space::Lab => each_pixel(raster, LabToRgb),
        Space::Oklab => each_pixel(raster, OklabToRgb),
    }
}

/// A conversion of one pixel, as a type: a function that is passed on stays a call where it is long, and then nothing vectorises.
trait Convert: Copy + Sync + Send {
    /// Does it, with `#[inline(always)]`.
    fn convert(pixel: [f32; 3]) -> [f32; 3];
}

macro_rules! conversions {
    ($($name:ident = $function:ident),*) => {$(
        #[derive(Clone, Copy)]
        struct $name;

        impl Convert for $name {
            #[inline(always)]
            fn convert(pixel: [f32; 3]) -> [f32; 3] {
                $function(pixel)
            }
        }
    )*};
}

conversions! {
    RgbToHsv = rgb_to_hsv, RgbToLab = rgb_to_lab, RgbToOklab = rgb_to_oklab,
    HsvToRgb = hsv_to_rgb, LabToRgb = lab_to_rgb, OklabToRgb = oklab_to_rgb
}

fn each_pixel(raster: &mut Raster, convert: impl Convert) {
    band::each(raster, |mut band| {
        let [a, b, c, ..] = &mut band.planes[..] else { return };
        convert_all([a, b, c], convert);
    });
}

wide! {
    fn convert_all<C: Convert>(planes: [&mut [f32]; 3], _convert: C) {
        let [a, b, c] = planes;
        for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
            [*a, *b, *c] = C::convert([*a, *b, *c]);
        }
    }
}

/// Luma of display-referred red, green and blue with the weights of BT.709.
#[inline(always)]
#[must_use]
pub fn luma([r, g, b]: [f32; 3]) -> f32 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Hue, saturation, value. Parts below 0 count as 0, so that saturation stays within 0..1.
#[inline(always)]
#[must_use]
pub fn rgb_to_hsv([r, g, b]: [f32; 3]) -> [f32; 3] {
    let [r, g, b] = [r, g, b].map(|v| if v > 0.0 { v } else { 0.0 });
    let (more, less) = if g > b { (g, b) } else { (b, g) };
    let (high, low) = (if r > more { r } else { more }, if r < less { r } else { less });
    let chroma = high - low;
    // Which pair is compared, and the sixth of the circle that it counts from. No branches: this vectorises.
    let (difference, from) = if high == g { (b - r, 2.0) } else { (r - g, 4.0) };
    let (difference, from) = if high == r { (g - b, 0.0) } else { (difference, from) };
    let from = if difference < 0.0 && from == 0.0 { 6.0 } else { from };
    let grey = chroma <= 0.0;
    let hue = (from + difference / if grey { 1.0 } else { chroma }) / 6.0;
    [if grey { 0.0 } else { hue }, if grey { 0.0 } else { chroma / high }, high]
}

/// The inverse of [`rgb_to_hsv`].
#[inline(always)]
#[must_use]
pub fn hsv_to_rgb([h, s, v]: [f32; 3]) -> [f32; 3] {
    let channel = |n: f32| {
        let k = n + h * 6.0;
        let k = if k >= 6.0 { k - 6.0 } else { k };
        let down = if k < 4.0 - k { k } else { 4.0 - k };
        let down = if down < 1.0 { down } else { 1.0 };
        v - v * s * if down > 0.0 { down } else { 0.0 }
    };
    [channel(5.0), channel(3.0), channel(1.0)]
}

const WHITE: [f32; 3] = [0.950_456, 1.0, 1.088_754];
/// (6/29)³: below it the cube root of L*a*b* goes on as a straight line.
const KNEE: f32 = 216.0 / 24389.0;

/// CIE L*a*b* of an sRGB colour.
#[inline(always)]
#[must_use]
pub fn rgb_to_lab([r, g, b]: [f32; 3]) -> [f32; 3] {
    linear_to_lab([linear(r), linear(g), linear(b)])
}

#[inline(always)]
fn lab_curve(t: f32) -> f32 {
    let (root, line) = (cbrt(t), t * (841.0 / 108.0) + 4.0 / 29.0);
    if t > KNEE { root } else { line }
}

#[inline(always)]
fn linear_to_lab([r, g, b]: [f32; 3]) -> [f32; 3] {
    let x = lab_curve((0.412_453 * r + 0.357_580 * g + 0.180_423 * b) / WHITE[0]);
    let y = lab_curve(0.212_671 * r + 0.715_160 * g + 0.072_169 * b);
    let z = lab_curve((0.019_334 * r + 0.119_193 * g + 0.950_227 * b) / WHITE[2]);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The inverse of [`rgb_to_lab`].
#[inline(always)]
#[must_use]
pub fn lab_to_rgb(lab: [f32; 3]) -> [f32; 3] {
    let [r, g, b] = lab_to_linear(lab);
    [display(r), display(g), display(b)]
}

#[inline(always)]
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
#[inline(always)]
#[must_use]
pub fn rgb_to_oklab([r, g, b]: [f32; 3]) -> [f32; 3] {
    linear_to_oklab([linear(r), linear(g), linear(b)])
}

#[inline(always)]
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
#[inline(always)]
#[must_use]
pub fn oklab_to_rgb(oklab: [f32; 3]) -> [f32; 3] {
    let [r, g, b] = oklab_to_linear(oklab);
    [display(r), display(g), display(b)]
}

#[inline(always)]
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

/// Linear light of an sRGB value; odd-symmetric, so that values below black survive.
#[inline(always)]
#[must_use]
pub fn linear(v: f32) -> f32 {
    let size = v.abs();
    let (line, curve) = (size / 12.92, pow((size + 0.055) / 1.055, 2.4));
    (if size <= 0.040_45 { line } else { curve }).copysign(v)
}

/// The sRGB value of linear light; the inverse of [`linear`].
#[inline(always)]
#[must_use]
pub fn display(v: f32) -> f32 {
    let size = v.abs();
    let (line, curve) = (size * 12.92, 1.055 * pow(size, 1.0 / 2.4) - 0.055);
    (if size <= 0.003_130_8 { line } else { curve }).copysign(v)
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
