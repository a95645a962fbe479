//! Measuring frame after frame.

use super::{Look, Metric, MetricSet, Tiles, Values, edit, high_band, mean_distance, ms_ssim, psnr, ssim, warp_error};
use crate::frame::{Flow, Mask, Raster, Size};
use crate::kernel::color::{self, Space};
use crate::kernel::flow;

/// A picture as the metrics see it, with what several of them need made once.
#[derive(Debug, Clone)]
pub struct Picture {
    rgb: Raster,
    luma: Option<Vec<f32>>,
    oklab: Option<Raster>,
}

impl Picture {
    /// Prepares `rgb` for `wanted`.
    #[must_use]
    pub fn new(rgb: Raster, wanted: MetricSet) -> Self {
        let luma = wanted.any(&[Metric::Ssim, Metric::MsSsim]).then(|| luma(&rgb));
        let oklab = wanted.any(&[Metric::Edit, Metric::Drift, Metric::DriftStructure]).then(|| oklab(&rgb));
        Self { rgb, luma, oklab }
    }

    /// Red, green and blue.
    #[must_use]
    pub fn rgb(&self) -> &Raster {
        &self.rgb
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.rgb.size()
    }
}

fn luma(rgb: &Raster) -> Vec<f32> {
    let (r, g, b) = (rgb.plane(0), rgb.plane(1), rgb.plane(2));
    r.iter().zip(g).zip(b).map(|((r, g), b)| color::luma([*r, *g, *b])).collect()
}

fn oklab(rgb: &Raster) -> Raster {
    let mut out = rgb.clone();
    color::from_rgb(&mut out, Space::Oklab);
    out
}

/// What compares `a` with `b`: those of `wanted` among PSNR, the similarities and the edit strength. Both were prepared for them.
#[must_use]
pub fn pair(a: &Picture, b: &Picture, wanted: MetricSet) -> Values {
    let mut values = Values::default();
    let size = a.size();
    if wanted.contains(Metric::Psnr) {
        values[Metric::Psnr] = Some(psnr(&a.rgb, &b.rgb));
    }
    if let (Some(one), Some(other)) = (&a.luma, &b.luma) {
        if wanted.contains(Metric::Ssim) {
            values[Metric::Ssim] = ssim(one, other, size).map(|similarity| similarity.index);
        }
        if wanted.contains(Metric::MsSsim) {
            values[Metric::MsSsim] = ms_ssim(one, other, size);
        }
    }
    if wanted.contains(Metric::SsimRgb) {
        let planes = (0..3).map(|plane| ssim(a.rgb.plane(plane), b.rgb.plane(plane), size).map(|similarity| similarity.index));
        values[Metric::SsimRgb] = planes.sum::<Option<f64>>().map(|sum| sum / 3.0);
    }
    if let (true, Some(one), Some(other)) = (wanted.contains(Metric::Edit), &a.oklab, &b.oklab) {
        values[Metric::Edit] = Some(edit(one, other));
    }
    values
}

/// How the source moved from the frame before to this one.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The forward flow, over the pixels of the frame before.
    pub flow: Flow,
    /// Where the frame before is to be seen in this one.
    pub mask: Mask,
}

impl Seen {
    /// From the flow forwards and the flow back: what a round trip does not bring back, what leaves the picture and the edges of what
    /// moves are not seen (Sundaram, Brox, Keutzer 2010, with the bounds of Ruder 2016, as Lai 2018 has it).
    #[must_use]
    pub fn between(forward: Flow, backward: &Flow) -> Self {
        let masks = [flow::consistent(&forward, backward, flow::Form::Squared), flow::inside(&forward), flow::within_a_motion(&forward)];
        let [mut mask, inside, within] = masks;
        for ((v, inside), within) in mask.0.data_mut().iter_mut().zip(inside.0.data()).zip(within.0.data()) {
            *v *= inside * within;
        }
        Self { flow: forward, mask }
    }
}

/// Measures one clip on its own, frame after frame: warp error, flicker, drift.
#[derive(Debug, Clone)]
pub struct ClipMeter {
    wanted: MetricSet,
    before: Option<Raster>,
    tiles: Vec<Tiles>,
    first: Option<Look>,
}

impl ClipMeter {
    /// Ready for the first frame.
    #[must_use]
    pub fn new(wanted: MetricSet) -> Self {
        Self { wanted, before: None, tiles: Vec::new(), first: None }
    }

    /// Measures the next frame, which was prepared for the same metrics. What compares with the frame before counts for the later of
    /// the two, where the flaw shows; flicker for the last of its three.
    pub fn next(&mut self, picture: &Picture, seen: Option<&Seen>) -> Values {
        let mut values = Values::default();
        if let Some(before) = &self.before {
            if let (true, Some(seen)) = (self.wanted.contains(Metric::WarpError), seen) {
                values[Metric::WarpError] = warp_error(before, &picture.rgb, &seen.flow, &seen.mask);
            }
            if self.wanted.contains(Metric::Steadiness) {
                values[Metric::Steadiness] = Some(1.0 - mean_distance(before, &picture.rgb));
            }
        }
        if self.wanted.any(&[Metric::WarpError, Metric::Steadiness]) {
            self.before = Some(picture.rgb.clone());
        }
        if self.wanted.contains(Metric::Flicker) {
            values[Metric::Flicker] = self.flicker(Tiles::of(&picture.rgb));
        }
        if let Some(oklab) = &picture.oklab
            && self.wanted.any(&[Metric::Drift, Metric::DriftStructure])
        {
            self.drift(&Look::of(oklab), &mut values);
        }
        values
    }

    fn flicker(&mut self, tiles: Tiles) -> Option<f64> {
        self.tiles.push(tiles);
        let [a, b, c] = &self.tiles[..] else { return None };
        let flicker = high_band(a, b, c);
        self.tiles.remove(0);
        Some(flicker)
    }

    fn drift(&mut self, look: &Look, values: &mut Values) {
        let first = self.first.get_or_insert_with(|| look.clone());
        if self.wanted.contains(Metric::Drift) {
            values[Metric::Drift] = Some(look.color_distance(first));
        }
        if self.wanted.contains(Metric::DriftStructure) {
            values[Metric::DriftStructure] = Some(look.structure_distance(first));
        }
    }
}
