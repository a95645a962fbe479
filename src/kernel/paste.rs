//! Laying a cut-out on a picture: placed, scaled, turned.
//!
//! Colours are multiplied by their coverage before they are resampled, so that nothing of what was cut away shows at the edge.

use super::band;
use super::blend::{self, Mode};
use super::cpu::Level;
use super::resample::{self, Filter};
use super::sample::{self, Border, CHUNK, Path, Sampling};
use super::wide::wide;
use crate::frame::{Mask, Raster, Size};

/// Where a layer goes. Positions count from the left or upper edge of the first pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Placement {
    /// Where on the picture the anchor comes to lie, in its pixels.
    pub at: [f64; 2],
    /// The spot of the layer, in its pixels, that lies there and around which it turns and grows.
    pub anchor: [f64; 2],
    /// Growth; 1 keeps the size, below 0 turns it upside down.
    pub scale: f64,
    /// Degrees, counter-clockwise as seen.
    pub angle: f64,
}

/// A layer as it lies on the picture.
#[derive(Debug, Clone)]
pub struct Landed {
    left: usize,
    top: usize,
    /// Red, green, blue times coverage, and coverage.
    planes: Raster,
}

/// Below this scale a layer is first made smaller by averaging: reading it between its pixels would leave out some.
const SHRUNK: f64 = 0.75;
/// Nothing around the cut-out, as far as the widest filter reaches.
const MARGIN: usize = 4;

/// Places `layer` (with alpha or without) on a picture of `size`, where `mask` (of the layer's size) says. `None` where nothing of it
/// can be seen.
#[must_use]
pub fn land(layer: &Raster, mask: Option<&Mask>, size: Size, place: &Placement, sampling: Sampling) -> Option<Landed> {
    let mask = mask.filter(|mask| mask.size() == layer.size());
    if place.scale == 0.0 || !(place.scale.is_finite() && place.angle.is_finite()) {
        return None;
    }
    let (cut, corner) = cut_out(layer, mask)?;
    let (cut, shrink) = shrunk(cut, place.scale.abs());
    let view = View::new(place, corner, shrink);
    let window = view.window(cut.size(), size)?;
    let planes = sample::warp_along(&cut, &view.way_back(&window), window.size, (sampling, Border::Black), Level::best());
    Some(Landed { left: window.left, top: window.top, planes })
}

/// The part of the layer that is seen at all, premultiplied, with a margin of nothing around it; and where its corner lies in the
/// layer.
fn cut_out(layer: &Raster, mask: Option<&Mask>) -> Option<(Raster, [f64; 2])> {
    let width = layer.size().width;
    let [columns, rows] = bounds(layer, mask)?;
    let inner = Size::new(columns[1] - columns[0], rows[1] - rows[0]);
    let size = Size::new(inner.width + 2 * MARGIN, inner.height + 2 * MARGIN);
    let mut cut = Raster::zeroed(size, 4);
    band::each(&mut cut, |mut band| {
        let [red, green, blue, cover] = &mut band.planes[..] else { return };
        for row in 0..cover.len() / size.width {
            let Some(y) = (band.top + row).checked_sub(MARGIN).filter(|y| *y < inner.height) else { continue };
            let start = (rows[0] + y) * width + columns[0];
            let part = |plane: usize| &layer.plane(plane)[start..start + inner.width];
            let here = row * size.width + MARGIN..row * size.width + MARGIN + inner.width;
            let cover = &mut cover[here.clone()];
            covers(cover, mask.map(|mask| &mask.0.data()[start..]), (layer.planes() > 3).then(|| part(3)));
            for (index, plane) in [&mut *red, green, blue].into_iter().enumerate() {
                product(&mut plane[here.clone()], part(index), cover);
            }
        }
    });
    Some((cut, [columns[0] as f64 - MARGIN as f64, rows[0] as f64 - MARGIN as f64]))
}

/// The columns and rows that hold anything: first, and one past the last.
fn bounds(layer: &Raster, mask: Option<&Mask>) -> Option<[[usize; 2]; 2]> {
    let size = layer.size();
    if size.area() == 0 {
        return None;
    }
    let plane = match mask {
        Some(mask) => mask.0.data(),
        None if layer.planes() > 3 => layer.plane(3),
        None => return Some([[0, size.width], [0, size.height]]),
    };
    let (mut columns, mut rows) = ([size.width, 0], [size.height, 0]);
    for (y, row) in plane.chunks_exact(size.width).enumerate() {
        // What rounds to nothing in 16 bits is nothing: soft masks have long tails.
        let seen = |v: &f32| *v > 1e-5;
        let Some(first) = row.iter().position(seen) else { continue };
        let last = row.iter().rposition(seen).unwrap_or(first);
        columns = [columns[0].min(first), columns[1].max(last + 1)];
        rows = [rows[0].min(y), y + 1];
    }
    (columns[0] < columns[1]).then_some([columns, rows])
}

/// `cut` made smaller for small scales, and by how much in each direction.
fn shrunk(cut: Raster, scale: f64) -> (Raster, [f64; 2]) {
    if scale >= SHRUNK {
        return (cut, [1.0; 2]);
    }
    let side = |n: usize| ((n as f64 * scale).ceil() as usize).max(1);
    let (from, to) = (cut.size(), Size::new(side(cut.size().width), side(cut.size().height)));
    let shrink = [to.width as f64 / from.width as f64, to.height as f64 / from.height as f64];
    (resample::resize(&cut, to, Filter::Area), shrink)
}

/// How the cut-out is seen on the picture.
struct View {
    /// From the cut-out's pixels to the picture's: the linear part, and where the cut-out's origin goes.
    forward: [[f64; 2]; 2],
    origin: [f64; 2],
}

/// Some pixels of the picture.
struct Window {
    left: usize,
    top: usize,
    size: Size,
}

impl View {
    fn new(place: &Placement, corner: [f64; 2], shrink: [f64; 2]) -> Self {
        let (sin, cos) = place.angle.to_radians().sin_cos();
        let (a, b) = (place.scale * cos, place.scale * sin);
        let turn = [[a, b], [-b, a]];
        let rest = [corner[0] - place.anchor[0], corner[1] - place.anchor[1]];
        let origin = std::array::from_fn(|i| place.at[i] + turn[i][0] * rest[0] + turn[i][1] * rest[1]);
        Self { forward: turn.map(|row| [row[0] / shrink[0], row[1] / shrink[1]]), origin }
    }

    /// The pixels of a picture of `size` on which a cut-out of size `cut` lies.
    fn window(&self, cut: Size, size: Size) -> Option<Window> {
        let corners = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(x, y)| {
            let (x, y) = ((x * cut.width) as f64, (y * cut.height) as f64);
            self.forward.map(|row| row[0] * x + row[1] * y)
        });
        let reach = |axis: usize, length: usize| {
            let along = corners.map(|corner| corner[axis] + self.origin[axis]);
            let low = along.iter().copied().fold(f64::INFINITY, f64::min).floor().clamp(0.0, length as f64);
            let high = along.iter().copied().fold(f64::NEG_INFINITY, f64::max).ceil().clamp(0.0, length as f64);
            (low < high).then_some((low as usize, high as usize))
        };
        let ((left, right), (top, bottom)) = (reach(0, size.width)?, reach(1, size.height)?);
        Some(Window { left, top, size: Size::new(right - left, bottom - top) })
    }

    /// For each pixel of the window, where in the cut-out it reads.
    fn way_back(&self, window: &Window) -> WayBack {
        let [[a, b], [c, d]] = self.forward;
        let determinant = a * d - b * c;
        let inverse = [[d / determinant, -b / determinant], [-c / determinant, a / determinant]];
        let first = [window.left as f64 + 0.5 - self.origin[0], window.top as f64 + 0.5 - self.origin[1]];
        WayBack { inverse, first }
    }
}

/// From the pixels of a window to those of a cut-out.
struct WayBack {
    inverse: [[f64; 2]; 2],
    /// The window's first pixel, as seen from the cut-out's origin.
    first: [f64; 2],
}

impl Path for WayBack {
    #[inline(always)]
    fn fill(&self, (left, row): (usize, usize), _count: usize, steps: &mut [[f32; CHUNK]; 2]) {
        let y = row as f64 + self.first[1];
        for (axis, ([p, q], steps)) in self.inverse.into_iter().zip(steps).enumerate() {
            for (i, step) in steps.iter_mut().enumerate() {
                let column = f64::from(left as u32 + i as u32);
                let own = if axis == 0 { column } else { row as f64 };
                *step = (p * (column + self.first[0]) + q * y - 0.5 - own) as f32;
            }
        }
    }
}

impl Landed {
    /// `image` with the layer on it, to the share `amount`, acting as `mode` says.
    #[must_use]
    pub fn over(&self, image: Raster, amount: f32, mode: Mode) -> Raster {
        let (width, own) = (image.size().width, self.planes.size());
        let mut out = image;
        band::each(&mut out, |mut band| {
            if band.planes.len() < 3 {
                return;
            }
            let (mut color, mut weight) = (vec![0.0; own.width], vec![0.0; own.width]);
            for row in 0..band.planes.first().map_or(0, |plane| plane.len() / width) {
                let Some(y) = (band.top + row).checked_sub(self.top).filter(|y| *y < own.height) else { continue };
                let line = |plane: usize| &self.planes.plane(plane)[y * own.width..][..own.width];
                let here = row * width + self.left..row * width + self.left + own.width;
                let (colors, alpha) = band.planes.split_at_mut(3);
                // On a transparent picture the layer's colours count the more.
                weights(&mut weight, line(3), amount, alpha.first().map(|alpha| &alpha[here.clone()]));
                for (index, plane) in colors.iter_mut().enumerate() {
                    quotient(&mut color, line(index), line(3));
                    blend::lay_by(mode, &mut plane[here.clone()], &color, Some(&weight), 1.0);
                }
                if let Some(alpha) = alpha.first_mut() {
                    alpha[here].iter_mut().zip(line(3)).for_each(|(a, c)| *a += c * amount * (1.0 - *a));
                }
            }
        });
        out
    }

    /// How much of a picture of `size` the layer covers where.
    #[must_use]
    pub fn coverage(&self, size: Size) -> Mask {
        let own = self.planes.size();
        let mut raster = Raster::zeroed(size, 1);
        let out = raster.data_mut();
        for (row, line) in self.planes.plane(3).chunks_exact(own.width).enumerate() {
            let start = (self.top + row) * size.width + self.left;
            out[start..start + own.width].copy_from_slice(line);
        }
        Mask::new(raster)
    }
}

wide! {
    /// How much is covered: what mask and alpha say together, held to 0..1.
    fn covers(out: &mut [f32], mask: Option<&[f32]>, alpha: Option<&[f32]>) {
        out.fill(1.0);
        for factor in [mask, alpha].into_iter().flatten() {
            for (v, factor) in out.iter_mut().zip(factor) {
                *v *= factor;
            }
        }
        for v in out {
            *v = v.max(0.0).min(1.0);
        }
    }
}

wide! {
    fn product(out: &mut [f32], a: &[f32], b: &[f32]) {
        for (v, (a, b)) in out.iter_mut().zip(a.iter().zip(b)) {
            *v = a * b;
        }
    }
}

wide! {
    /// Colours without their coverage.
    fn quotient(out: &mut [f32], premultiplied: &[f32], cover: &[f32]) {
        for (v, (p, c)) in out.iter_mut().zip(premultiplied.iter().zip(cover)) {
            *v = if *c > 1e-6 { p / c } else { 0.0 };
        }
    }
}

wide! {
    /// The share of the layer in what is seen, over a picture with or without transparency.
    fn weights(out: &mut [f32], cover: &[f32], amount: f32, alpha: Option<&[f32]>) {
        match alpha {
            None => {
                for (v, c) in out.iter_mut().zip(cover) {
                    *v = c * amount;
                }
            }
            Some(alpha) => {
                for (v, (c, a)) in out.iter_mut().zip(cover.iter().zip(alpha)) {
                    let cover = c * amount;
                    let all = cover + a * (1.0 - cover);
                    *v = if cover > 0.0 { cover / all } else { 0.0 };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size::new(80, 60);

    fn flat(size: Size, rgb: [f32; 3]) -> Raster {
        Raster::from_vec(size, 3, rgb.iter().flat_map(|v| vec![*v; size.area()]).collect())
    }

    fn place(at: [f64; 2], scale: f64, angle: f64) -> Placement {
        Placement { at, anchor: [20.0, 15.0], scale, angle }
    }

    fn pasted(layer: &Raster, mask: Option<&Mask>, place: &Placement, sampling: Sampling) -> Raster {
        land(layer, mask, SIZE, place, sampling).unwrap().over(flat(SIZE, [0.2; 3]), 1.0, Mode::Normal)
    }

    fn noise(size: Size) -> Raster {
        let value = |i: usize| ((i as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / 16_777_216.0;
        Raster::from_vec(size, 3, (0..size.area() * 3).map(value).collect())
    }

    #[test]
    fn whole_pixels_are_copied_exactly() {
        let layer = noise(Size::new(40, 30));
        let out = pasted(&layer, None, &place([37.0, 20.0], 1.0, 0.0), Sampling::Lanczos);
        for (x, y) in [(0, 0), (39, 29), (12, 7)] {
            assert_eq!(out.plane(1)[(y + 5) * 80 + x + 17], layer.plane(1)[y * 40 + x], "{x} {y}");
        }
        assert_eq!((out.data()[5 * 80 + 16], out.data()[4 * 80 + 17], out.data()[5 * 80 + 57]), (0.2, 0.2, 0.2));
    }

    #[test]
    fn half_a_pixel_gives_half_an_edge_and_no_dark_fringe() {
        let layer = flat(Size::new(40, 30), [1.0; 3]);
        let landed = land(&layer, None, SIZE, &place([37.5, 20.0], 1.0, 0.0), Sampling::Bilinear).unwrap();
        let cover = landed.coverage(SIZE);
        assert_eq!([17, 18, 56, 57].map(|x| cover.0.data()[10 * 80 + x]), [0.5, 1.0, 1.0, 0.5]);
        let out = landed.over(flat(SIZE, [0.2; 3]), 1.0, Mode::Normal);
        assert!((out.data()[10 * 80 + 17] - 0.6).abs() < 1e-6);
    }

    #[test]
    fn what_was_cut_away_does_not_shine_through() {
        // A white disc cut from a red ground, at any scale and angle: never any red.
        let size = Size::new(40, 30);
        let inside = |i: usize| (i % 40).abs_diff(20).pow(2) + (i / 40).abs_diff(15).pow(2) < 90;
        let colors = (0..3).flat_map(|c| (0..size.area()).map(move |i| if inside(i) || c == 0 { 1.0 } else { 0.0 }));
        let layer = Raster::from_vec(size, 3, colors.collect());
        let mask = Mask::new(Raster::from_vec(size, 1, (0..size.area()).map(|i| if inside(i) { 1.0 } else { 0.0 }).collect()));
        for (scale, angle) in [(1.0, 0.0), (1.7, 33.0), (0.4, -70.0), (-1.3, 5.0)] {
            for sampling in [Sampling::Bilinear, Sampling::Lanczos, Sampling::Bicubic] {
                let out = pasted(&layer, Some(&mask), &place([40.3, 30.7], scale, angle), sampling);
                let redder = (0..SIZE.area()).map(|i| out.plane(0)[i] - out.plane(1)[i]).fold(0.0, f32::max);
                assert!(redder < 1e-5, "{scale} {angle} {sampling:?}: {redder}");
            }
        }
    }

    #[test]
    fn scaling_and_turning_keep_the_anchor_in_its_place() {
        let size = Size::new(40, 30);
        let dot = |i: usize| if (19..21).contains(&(i % 40)) && (14..16).contains(&(i / 40)) { 1.0 } else { 0.0 };
        let mask = Mask::new(Raster::from_vec(size, 1, (0..size.area()).map(dot).collect()));
        let layer = flat(size, [1.0; 3]);
        for (scale, angle) in [(1.0, 0.0), (3.0, 20.0), (0.5, 90.0), (0.2, 45.0)] {
            let landed = land(&layer, Some(&mask), SIZE, &place([50.25, 22.75], scale, angle), Sampling::Bilinear).unwrap();
            let extent = super::super::mask::extent(&landed.coverage(SIZE).0);
            let (x, y) = (extent.center[0] * 80.0, extent.center[1] * 60.0);
            assert!((x - 50.25).abs() < 0.05 && (y - 22.75).abs() < 0.05, "{scale} {angle}: {x} {y}");
            let area = extent.share * SIZE.area() as f64;
            assert!((area / (4.0 * scale * scale) - 1.0).abs() < 0.12, "{scale} {angle}: {area}");
        }
    }

    #[test]
    fn a_turn_is_counter_clockwise() {
        // A bar to the right of the anchor points up after a quarter turn.
        let size = Size::new(40, 30);
        let bar = |i: usize| if (20..36).contains(&(i % 40)) && (14..16).contains(&(i / 40)) { 1.0 } else { 0.0 };
        let mask = Mask::new(Raster::from_vec(size, 1, (0..size.area()).map(bar).collect()));
        let landed = land(&flat(size, [1.0; 3]), Some(&mask), SIZE, &place([40.0, 30.0], 1.0, 90.0), Sampling::Bilinear).unwrap();
        let extent = super::super::mask::extent(&landed.coverage(SIZE).0);
        assert!((extent.center[1] * 60.0 - 22.0).abs() < 0.1 && (extent.center[0] * 80.0 - 40.0).abs() < 0.1, "{extent:?}");
    }

    #[test]
    fn nothing_lands_outside_or_without_extent() {
        let layer = flat(Size::new(40, 30), [1.0; 3]);
        assert!(land(&layer, None, SIZE, &place([500.0, 20.0], 1.0, 0.0), Sampling::Lanczos).is_none());
        assert!(land(&layer, None, SIZE, &place([40.0, 20.0], 0.0, 0.0), Sampling::Lanczos).is_none());
        assert!(land(&layer, None, SIZE, &place([f64::NAN, 20.0], 1.0, 0.0), Sampling::Lanczos).is_none());
        let black = Mask::new(Raster::zeroed(layer.size(), 1));
        assert!(land(&layer, Some(&black), SIZE, &place([40.0, 20.0], 1.0, 0.0), Sampling::Lanczos).is_none());
    }

    #[test]
    fn a_transparent_picture_takes_the_layers_colour() {
        let layer = flat(Size::new(40, 30), [1.0; 3]);
        let landed = land(&layer, None, SIZE, &place([40.0, 30.0], 1.0, 0.0), Sampling::Bilinear).unwrap();
        let clear = Raster::zeroed(SIZE, 4);
        let out = landed.over(clear, 0.5, Mode::Normal);
        let at = 30 * 80 + 40;
        assert_eq!((out.plane(0)[at], out.plane(3)[at]), (1.0, 0.5));
    }
}
