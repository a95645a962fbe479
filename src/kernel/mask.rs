//! Masks: made from pictures, combined, changed. All take and give rasters of one plane.
//!
//! Masks are combined as fuzzy sets (Zadeh 1965): *and* is the lesser, *or* the greater, *not* `1 − m`. So a mask with itself is
//! itself, soft edges do not thin when the same mask comes in twice, and De Morgan's laws hold; on 0 and 1 all is boolean.

mod edge;
mod grow;

pub(super) use edge::box_mean;
pub use edge::{decontaminate, refine};
pub use grow::grow;

use rayon::prelude::*;

use super::band;
use super::color::{self, Space};
use super::wide::wide;
use crate::frame::{Raster, Size};

/// How two masks are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Join {
    /// The lesser.
    And,
    /// The greater.
    Or,
    /// In one and not the other.
    Xor,
    /// In the first and not the second.
    Minus,
    /// How far they lie apart.
    Apart,
}

/// A plane of `of(rgb)` for each pixel.
#[must_use]
pub fn measure(picture: &Raster, of: impl Fn([f32; 3]) -> f32 + Sync + Send) -> Raster {
    let width = picture.size().width;
    let (r, g, b) = (picture.plane(0), picture.plane(1), picture.plane(2));
    let mut out = Raster::uninit(picture.size(), 1);
    band::each(&mut out, |mut band| {
        let start = band.top * width;
        let [rows] = &mut band.planes[..] else { return };
        measure_row(rows, [&r[start..], &g[start..], &b[start..]], &of);
    });
    out
}

wide! {
    fn measure_row<F: Fn([f32; 3]) -> f32>(out: &mut [f32], rgb: [&[f32]; 3], of: &F) {
        for (((v, r), g), b) in out.iter_mut().zip(rgb[0]).zip(rgb[1]).zip(rgb[2]) {
            *v = of([*r, *g, *b]);
        }
    }
}

wide! {
    fn pair_row<F: Fn(f32, f32) -> f32>(row: &mut [f32], other: &[f32], f: &F) {
        for (v, b) in row.iter_mut().zip(other) {
            *v = f(*v, *b);
        }
    }
}

/// How far two pictures of the same size lie apart: the greatest difference of red, green and blue.
#[must_use]
pub fn difference(a: &Raster, b: &Raster) -> Raster {
    debug_assert_eq!(a.size(), b.size());
    let width = a.size().width;
    let mut out = Raster::zeroed(a.size(), 1);
    band::each(&mut out, |mut band| {
        let start = band.top * width;
        let [rows] = &mut band.planes[..] else { return };
        for plane in 0..a.planes().min(b.planes()).min(3) {
            let values = a.plane(plane)[start..].iter().zip(&b.plane(plane)[start..]);
            rows.iter_mut().zip(values).for_each(|(v, (a, b))| *v = v.max((a - b).abs()));
        }
    });
    out
}

/// Where `picture` has the colour `rgb`: 1 up to `tolerance` from it, fading to 0 over `soft`. Distances are those of Oklab, in which
/// lightness counts a third, so that shadows on a coloured screen still belong to it. Black and white are about 0.33 apart, pure
/// colours 0.2 to 0.6.
#[must_use]
pub fn color_key(picture: &Raster, rgb: [f32; 3], tolerance: f32, soft: f32) -> Raster {
    let key = color::rgb_to_oklab(rgb);
    let mut lab = Raster::uninit(picture.size(), 3);
    lab.data_mut().copy_from_slice(&picture.data()[..3 * picture.size().area()]);
    color::from_rgb(&mut lab, Space::Oklab);
    let distance = |lab: [f32; 3]| ((lab[0] - key[0]).powi(2) / 9.0 + (lab[1] - key[1]).powi(2) + (lab[2] - key[2]).powi(2)).sqrt();
    measure(&lab, |lab| fading(distance(lab) - tolerance, soft))
}

/// Where `low ≤ m ≤ high`: 1, fading to 0 over `soft` beyond either end.
#[must_use]
pub fn within(mask: Raster, low: f32, high: f32, soft: f32) -> Raster {
    change(mask, move |v| fading(low - v, soft).min(fading(v - high, soft)))
}

/// 1 up to 0, falling to 0 over `soft`; a step without it.
#[inline]
fn fading(beyond: f32, soft: f32) -> f32 {
    if beyond <= 0.0 {
        1.0
    } else if soft > 0.0 {
        (1.0 - beyond / soft).max(0.0)
    } else {
        0.0
    }
}

/// A rectangle, or an ellipse if `round`, with its centre and size given as fractions of the picture. It fades to 0 over `soft` (a
/// fraction of the height) beyond its edge; a hard edge is smoothed over one pixel.
#[must_use]
pub fn area(size: Size, round: bool, [x, y, width, height, soft]: [f32; 5]) -> Raster {
    let (w, h) = (size.width as f32, size.height as f32);
    let (cx, cy) = (x * w - 0.5, y * h - 0.5);
    let (rx, ry) = ((width * w / 2.0).max(0.0), (height * h / 2.0).max(0.0));
    let fade = (soft * h).max(1.0);
    // Hard edges have their middle on the outline, soft ones begin there.
    let inset = if soft * h <= 1.0 { 0.5 } else { 0.0 };
    let mut out = Raster::uninit(size, 1);
    band::each(&mut out, |mut band| {
        let [rows] = &mut band.planes[..] else { return };
        for (row, line) in rows.chunks_exact_mut(size.width).enumerate() {
            let dy = ((band.top + row) as f32 - cy).abs();
            for (column, v) in line.iter_mut().enumerate() {
                let dx = (column as f32 - cx).abs();
                let beyond = if round { beyond_ellipse([dx, dy], [rx, ry]) } else { beyond_rectangle([dx - rx, dy - ry]) };
                *v = (1.0 - (beyond + inset) / fade).max(0.0).min(1.0);
            }
        }
    });
    out
}

fn beyond_rectangle([dx, dy]: [f32; 2]) -> f32 {
    if dx.max(dy) <= 0.0 { dx.max(dy) } else { dx.max(0.0).hypot(dy.max(0.0)) }
}

/// About the distance from an ellipse: what it is along the line from the centre.
fn beyond_ellipse([dx, dy]: [f32; 2], [rx, ry]: [f32; 2]) -> f32 {
    if rx <= 0.0 || ry <= 0.0 {
        return f32::MAX;
    }
    let (k, k2) = ((dx / rx).hypot(dy / ry), (dx / (rx * rx)).hypot(dy / (ry * ry)));
    if k2 > 0.0 { k * (k - 1.0) / k2 } else { -rx.min(ry) }
}

/// Each value changed by `f`, in place when nobody else holds the mask.
#[must_use]
pub fn change(mask: Raster, f: impl Fn(f32) -> f32 + Sync + Send) -> Raster {
    let mut out = mask;
    band::each(&mut out, |mut band| band.planes.iter_mut().for_each(|rows| rows.iter_mut().for_each(|v| *v = f(*v))));
    out
}

/// `1 − m`.
#[must_use]
pub fn not(mask: Raster) -> Raster {
    change(mask, |v| 1.0 - v)
}

/// Two masks of the same size joined.
#[must_use]
pub fn join(a: Raster, b: &Raster, how: Join) -> Raster {
    match how {
        Join::And => pair(a, b, f32::min),
        Join::Or => pair(a, b, f32::max),
        Join::Xor => pair(a, b, |a, b| a.min(1.0 - b).max(b.min(1.0 - a))),
        Join::Minus => pair(a, b, |a, b| a.min(1.0 - b)),
        Join::Apart => pair(a, b, |a, b| (a - b).abs()),
    }
}

/// `a` and the share `share` of `b`.
#[must_use]
pub fn mix(a: Raster, b: &Raster, share: f32) -> Raster {
    pair(a, b, move |a, b| a + share * (b - a))
}

fn pair(a: Raster, b: &Raster, f: impl Fn(f32, f32) -> f32 + Sync + Send) -> Raster {
    debug_assert_eq!(a.size(), b.size());
    let width = a.size().width;
    let mut out = a;
    band::each(&mut out, |mut band| {
        let start = band.top * width;
        let [rows] = &mut band.planes[..] else { return };
        pair_row(rows, &b.data()[start..], &f);
    });
    out
}

/// Where a mask lies as a whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extent {
    /// Its centre of gravity, as fractions of width and height; the middle for a black mask.
    pub center: [f64; 2],
    /// The share of the picture that it covers.
    pub share: f64,
}

/// Where `mask` lies as a whole.
#[must_use]
pub fn extent(mask: &Raster) -> Extent {
    let size = mask.size();
    let row = |(y, row): (usize, &[f32])| {
        let (mut sum, mut across) = (0.0, 0.0);
        for (x, v) in row.iter().enumerate() {
            sum += f64::from(*v);
            across += f64::from(*v) * (x as f64 + 0.5);
        }
        [sum, across, sum * (y as f64 + 0.5)]
    };
    let rows: Vec<[f64; 3]> = mask.data().par_chunks(size.width.max(1)).enumerate().map(row).collect();
    let [sum, x, y] = rows.iter().fold([0.0; 3], |total, row| std::array::from_fn(|i| total[i] + row[i]));
    if sum <= 1e-9 {
        return Extent { center: [0.5; 2], share: 0.0 };
    }
    Extent { center: [x / sum / size.width as f64, y / sum / size.height as f64], share: sum / size.area() as f64 }
}

#[cfg(test)]
mod tests;
