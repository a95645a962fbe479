//! Changing the size of pictures and fields.

mod axis;
mod rows;

use rayon::prelude::*;

use crate::frame::{Frame, Raster, Size};
use axis::Axis;

/// How a new pixel is made of old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// The old pixel under the centre of the new one.
    Nearest,
    /// Triangle filter.
    Bilinear,
    /// Catmull-Rom.
    Bicubic,
    /// Lanczos with three lobes: the sharpest.
    #[default]
    Lanczos,
    /// The mean of the pixels covered when shrinking; bilinear when growing.
    Area,
}

/// A filter, and whether it widens with the reduction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resampling {
    /// The filter.
    pub filter: Filter,
    /// Whether shrinking counts all old pixels. Otherwise it skips those that lie between, as `OpenCV`'s `INTER_LINEAR` and `INTER_CUBIC`
    /// do: quicker and sharper, with stairs at edges and flicker in fine texture. For `Nearest` and `Area` it makes no difference.
    pub antialias: bool,
}

impl From<Filter> for Resampling {
    fn from(filter: Filter) -> Self {
        Self { filter, antialias: true }
    }
}

/// What to do when the proportions differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fit {
    /// Change the proportions.
    #[default]
    Stretch,
    /// Fill the new size and cut off what sticks out, equally on both sides.
    Cover,
    /// Show all of the picture, centred, and fill the rest with the [`Pad`].
    Contain,
}

/// What surrounds the picture under [`Fit::Contain`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pad {
    /// A constant for each plane; planes beyond the fourth take the last.
    Color([f32; 4]),
    /// The picture's outermost pixels, repeated.
    Edge,
}

impl Pad {
    /// Opaque black.
    pub const BLACK: Self = Self::Color([0.0, 0.0, 0.0, 1.0]);
}

/// `src` stretched to `size`, each plane on its own. A raster that already has the size is shared, not copied.
#[must_use]
pub fn resize(src: &Raster, size: Size, filter: impl Into<Resampling>) -> Raster {
    if src.size() == size { src.clone() } else { resample(src, size, filter.into(), false) }
}

/// `src` brought to `size`. For planes without alpha; see [`resize_frame`] for pictures.
#[must_use]
pub fn fit(src: &Raster, size: Size, filter: impl Into<Resampling>, fit: Fit, pad: Pad) -> Raster {
    let filter = filter.into();
    if src.size() == size {
        return src.clone();
    }
    match fit {
        Fit::Stretch => resample(src, size, filter, false),
        Fit::Cover => resample(src, size, filter, true),
        Fit::Contain => surround(&resize(src, inner_size(src.size(), size), filter), size, pad),
    }
}

/// A picture brought to `size`. Straight alpha is multiplied in while resampling, so that hidden colours do not bleed.
#[must_use]
pub fn resize_frame(frame: &Frame, size: Size, filter: impl Into<Resampling>, how: Fit, pad: Pad) -> Frame {
    let filter = filter.into();
    if frame.size() == size || !frame.has_alpha() || filter.filter == Filter::Nearest {
        return Frame::new(fit(&frame.raster, size, filter, how, pad), frame.tags);
    }
    let mut premultiplied = frame.raster.clone();
    scale_by_alpha(&mut premultiplied, |value, alpha| value * alpha);
    let mut raster = fit(&premultiplied, size, filter, how, pad);
    scale_by_alpha(&mut raster, |value, alpha| if alpha > 1e-6 { value / alpha } else { 0.0 });
    Frame::new(raster, frame.tags)
}

/// A field of displacements (dx, dy) in pixels, stretched to `size`: the vectors grow or shrink with the picture.
#[must_use]
pub fn resize_vectors(field: &Raster, size: Size, filter: Filter) -> Raster {
    let from = field.size();
    if from == size {
        return field.clone();
    }
    let mut out = resample(field, size, filter.into(), false);
    let scales = [size.width as f32 / from.width.max(1) as f32, size.height as f32 / from.height.max(1) as f32];
    for (plane, scale) in out.planes_mut().zip(scales) {
        plane.par_iter_mut().for_each(|v| *v *= scale);
    }
    out
}

/// The largest size with the proportions of `from` that fits into `into`; at least one pixel.
#[must_use]
pub fn inner_size(from: Size, into: Size) -> Size {
    let scale = (into.width as f64 / from.width.max(1) as f64).min(into.height as f64 / from.height.max(1) as f64);
    let side = |length: usize, limit: usize| ((length as f64 * scale).round() as usize).clamp(1, limit.max(1));
    Size::new(side(from.width, into.width), side(from.height, into.height))
}

/// The multiple of `step` nearest to each side, at least one step.
#[must_use]
pub fn align(size: Size, step: usize) -> Size {
    let step = step.max(1);
    let side = |length: usize| ((length + step / 2) / step).max(1) * step;
    Size::new(side(size.width), side(size.height))
}

fn resample(src: &Raster, size: Size, how: Resampling, cover: bool) -> Raster {
    let from = src.size();
    if from.area() == 0 || size.area() == 0 {
        return Raster::zeroed(size, src.planes());
    }
    let (width, height) = (from.width as f64, from.height as f64);
    // How many old pixels a new one covers, across and down; of what is cut off, half lies on either side.
    let scales = [width / size.width as f64, height / size.height as f64];
    let scales = if cover { [scales[0].min(scales[1]); 2] } else { scales };
    let span = |length: f64, to: usize, scale: f64| ((length - scale * to as f64) / 2.0, scale * to as f64);
    let x = Axis::new(from.width, size.width, span(width, size.width, scales[0]), how);
    let y = Axis::new(from.height, size.height, span(height, size.height, scales[1]), how);
    rows::resample(src, size, [&x, &y])
}

/// `inner` in the middle of a larger raster.
fn surround(inner: &Raster, size: Size, pad: Pad) -> Raster {
    let from = inner.size();
    if from == size {
        return inner.clone();
    }
    let (left, top) = ((size.width - from.width) / 2, (size.height - from.height) / 2);
    let mut out = Raster::uninit(size, inner.planes());
    for (index, plane) in out.planes_mut().enumerate() {
        let source = inner.plane(index);
        plane.par_chunks_exact_mut(size.width.max(1)).enumerate().for_each(|(y, row)| {
            let from_y = y.saturating_sub(top).min(from.height - 1);
            let line = &source[from_y * from.width..][..from.width];
            let (before, after) = match pad {
                Pad::Color(color) => (color[index.min(3)], color[index.min(3)]),
                Pad::Edge => (line[0], line[from.width - 1]),
            };
            row[..left].fill(before);
            row[left + from.width..].fill(after);
            match pad {
                Pad::Color(color) if !(top..top + from.height).contains(&y) => row.fill(color[index.min(3)]),
                _ => row[left..left + from.width].copy_from_slice(line),
            }
        });
    }
    out
}

fn scale_by_alpha(raster: &mut Raster, scale: impl Fn(f32, f32) -> f32 + Sync) {
    let area = raster.size().area();
    let (colors, alpha) = raster.data_mut().split_at_mut(3 * area);
    for plane in colors.chunks_exact_mut(area.max(1)) {
        plane.par_iter_mut().zip(&*alpha).for_each(|(value, alpha)| *value = scale(*value, *alpha));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Filter; 5] = [Filter::Nearest, Filter::Bilinear, Filter::Bicubic, Filter::Lanczos, Filter::Area];

    fn ramp(width: usize, height: usize) -> Raster {
        let data = (0..width * height).map(|i| (i % width) as f32 + 0.5).collect();
        Raster::from_vec(Size::new(width, height), 1, data)
    }

    #[test]
    fn a_constant_stays_constant_under_every_filter() {
        let src = Raster::from_vec(Size::new(37, 23), 1, vec![0.75; 37 * 23]);
        for filter in ALL {
            for size in [Size::new(64, 48), Size::new(11, 7), Size::new(1, 90)] {
                let out = resize(&src, size, filter);
                assert!(out.data().iter().all(|v| (v - 0.75).abs() < 1e-6), "{filter:?} {size}");
            }
        }
    }

    #[test]
    fn pixel_centres_keep_their_place() {
        // A ramp that counts pixel centres must count them in the new scale, away from the edges.
        for filter in ALL {
            let out = resize(&ramp(64, 4), Size::new(32, 4), filter);
            for x in 4..28 {
                let shift = if filter == Filter::Nearest { 0.5 } else { 0.0 };
                assert!((out.data()[x] - shift - (x as f32 + 0.5) * 2.0).abs() < 1e-3, "{filter:?} at {x}: {}", out.data()[x]);
            }
        }
    }

    #[test]
    fn without_antialiasing_pixels_between_are_skipped() {
        // Every fifth pixel is white: a third of the size, bilinear, reads one pixel of three, as cv2.resize does.
        let src = Raster::from_vec(Size::new(30, 3), 1, (0..90).map(|i| f32::from(u8::from(i % 5 == 0))).collect());
        let out = |antialias| resize(&src, Size::new(10, 1), Resampling { filter: Filter::Bilinear, antialias });
        assert_eq!(
            out(false).data(),
            [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
                .map(|_: f32| 0.0_f32)
                .iter()
                .enumerate()
                .map(|(i, _)| f32::from(u8::from((3 * i + 1) % 5 == 0)))
                .collect::<Vec<_>>()
        );
        assert!(out(true).data()[2..8].iter().all(|v| (v - 0.2).abs() < 0.15));
    }

    #[test]
    fn cover_cuts_and_contain_pads_symmetrically() {
        let cover = fit(&ramp(64, 16), Size::new(16, 16), Filter::Bilinear, Fit::Cover, Pad::Edge);
        assert!((cover.data()[0] - 24.5).abs() < 1e-4 && (cover.data()[15] - 39.5).abs() < 1e-4);
        let contain = |pad| fit(&ramp(8, 8), Size::new(16, 8), Filter::Bilinear, Fit::Contain, pad);
        let row = |r: Raster| r.data()[..16].to_vec();
        let black = row(contain(Pad::Color([-1.0; 4])));
        assert_eq!((black[3], black[4], black[11], black[12]), (-1.0, 0.5, 7.5, -1.0));
        let edge = row(contain(Pad::Edge));
        assert_eq!((edge[0], edge[4], edge[15]), (0.5, 0.5, 7.5));
        let tall = fit(&ramp(8, 2), Size::new(8, 6), Filter::Bilinear, Fit::Contain, Pad::Color([9.0; 4]));
        assert_eq!((tall.data()[0], tall.data()[16], tall.data()[47]), (9.0, 0.5, 9.0));
    }

    #[test]
    fn hidden_colours_do_not_bleed() {
        let size = Size::new(4, 1);
        let mut raster = Raster::zeroed(size, 4);
        raster.plane_mut(0).copy_from_slice(&[1.0, 1.0, 0.0, 0.0]);
        raster.plane_mut(3).copy_from_slice(&[0.0, 0.0, 1.0, 1.0]);
        let frame = Frame::new(raster, crate::frame::ColorTags::SRGB);
        let out = resize_frame(&frame, Size::new(8, 1), Filter::Bilinear, Fit::Stretch, Pad::BLACK);
        assert!(out.raster.plane(0).iter().all(|v| v.abs() < 1e-6));
    }

    #[test]
    fn vectors_scale_with_the_picture() {
        let field = Raster::from_vec(Size::new(4, 4), 2, vec![2.0; 32]);
        let out = resize_vectors(&field, Size::new(8, 2), Filter::Bilinear);
        assert_eq!((out.plane(0)[3], out.plane(1)[3]), (4.0, 1.0));
    }

    #[test]
    fn sizes_align_to_the_nearest_multiple() {
        assert_eq!(align(Size::new(1283, 3), 8), Size::new(1280, 8));
        assert_eq!(inner_size(Size::new(1920, 1080), Size::new(512, 512)), Size::new(512, 288));
    }
}
