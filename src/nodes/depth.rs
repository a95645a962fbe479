//! Estimates how near things are.

use std::sync::Arc;

use super::with_model::{self, Values, colors_at, unfit, working_size};
use crate::frame::{Depth, Frame, Raster, Size};
use crate::kernel::resample::{Filter, inner_size, resize};
use crate::model::{Layout, PictureSlot, Range, Session, Tensor};
use crate::node::{Ending, Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::{Curve, PathParam};

node! {
    /// Estimates for every pixel how near it is: 0 the farthest, 1 the nearest.
    ///
    /// With an ONNX model for depth (the bundled `mini-depth`, `MiDaS`, Depth Anything, `TCMonoDepth`…), or without one: `plane` is level
    /// ground that recedes to a horizon, `luma` takes bright for near.
    ///
    /// A model's depth has no scale. It is stretched to 0..1 between a low and a high percentile, which `stabilise` lets follow the
    /// clip slowly, so that near and far do not pulse from frame to frame.
    "depth" => DepthNode
    inputs {
        /// The picture.
        image: Frame,
        /// Where this is 1, such as at a scene cut, the range starts afresh.
        cut: Option<f64>,
    }
    outputs {
        /// How near each pixel is, in the size of the picture.
        depth: Depth,
    }
    params {
        /// `plane`, `luma`, or an ONNX model: a file, or a name in a `models` folder.
        model: PathParam = "plane";
        /// How much of the range of the frames before is kept: 0 stretches each frame by itself, 1 keeps the first one's range.
        stabilise: Curve = 0.9, in 0.0..=1.0;
        /// For models that give distance instead of nearness: swaps near and far.
        invert: bool = false;
        /// The length in pixels of the picture's shorter side for the model.
        short_side: i64 = 256, in 32.0..=4096.0;
        /// Both sides are multiples of this for the model: 32 for most, 14 for Depth Anything.
        align: i64 = 32, in 1.0..=512.0;
        /// What the model's input numbers mean.
        values: Values = "0..1";
        /// For `plane`: where the horizon is, from 0 the top of the picture to 1 its bottom.
        horizon: f64 = 0.4, in 0.0..=1.0;
    }
}

/// The kind `depth`.
pub struct DepthNode {
    source: Source,
}

enum Source {
    Plane { horizon: f64 },
    Luma,
    Model(Box<DepthModel>),
}

struct DepthModel {
    session: Arc<Session>,
    image: PictureSlot,
    output: usize,
    values: Range,
    short_side: i64,
    align: usize,
    invert: bool,
}

/// The range of raw depth that is stretched to 0..1: follows the frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    low: f32,
    high: f32,
}

/// These parts of the pixels may lie beyond the range at either end.
const PERCENTILES: (f32, f32) = (0.02, 0.98);

/// Whether `model` names something that needs no model.
fn is_built_in(model: &PathParam) -> bool {
    matches!(model.text(), "plane" | "luma")
}

impl Node for DepthNode {
    type State = Option<Span>;

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let outlook = cx.all_outputs(cx.size_of("image"));
        if is_built_in(&params.model) {
            return Ok(outlook);
        }
        let model = with_model::locate(&params.model).map_err(|problem| vec![problem.help("or write `plane` or `luma`")])?;
        Ok(Outlook { lane: with_model::lane(cx.engine), models: vec![model], ..outlook })
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, Option<Span>), Fault> {
        let source = match params.model.text() {
            "plane" => Source::Plane { horizon: params.horizon },
            "luma" => Source::Luma,
            _ => Source::Model(Box::new(DepthModel::open(params, cx)?)),
        };
        Ok((Self { source }, None))
    }

    fn fire(&self, span: &mut Option<Span>, _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let picture = &inputs.image.raster;
        let mut raster = match &self.source {
            Source::Plane { horizon } => plane(picture.size(), *horizon as f32),
            Source::Luma => luma(picture),
            Source::Model(model) => {
                if inputs.cut.is_some_and(|cut| cut >= 0.5) {
                    *span = None;
                }
                let mut raw = model.estimate(picture)?;
                let range = follow(*span, percentiles(raw.data()), now.stabilise as f32);
                *span = Some(range);
                stretch(raw.data_mut(), range, model.invert);
                resize(&raw, picture.size(), Filter::Bicubic)
            }
        };
        // Bicubic enlargement overshoots at edges.
        if raster.data().iter().any(|v| !(0.0..=1.0).contains(v)) {
            raster.data_mut().iter_mut().for_each(|v| *v = v.clamp(0.0, 1.0));
        }
        Ok(Outputs { depth: Depth::new(raster) })
    }

    fn finish(&self, _span: &mut Option<Span>, _ending: Ending) -> Result<Vec<String>, Fault> {
        Ok(match &self.source {
            Source::Model(model) => with_model::notes(Some(&model.session)),
            Source::Plane { .. } | Source::Luma => Vec::new(),
        })
    }
}

impl DepthModel {
    fn open(params: &Params, cx: &Open<'_>) -> Result<Self, Fault> {
        let session = with_model::open(&params.model, cx.engine)?;
        let what = "a model for depth";
        let [input] = session.inputs() else {
            return Err(unfit(&session, what, "one input is expected, an RGB picture".to_owned()));
        };
        let image = PictureSlot::of(input, 3);
        let image = image.ok_or_else(|| unfit(&session, what, format!("an RGB picture is expected as input, `{input}` is there")))?;
        // [n, 1, h, w], [n, h, w, 1] or [n, h, w].
        let output = session.outputs().iter().position(|o| PictureSlot::of(o, 1).is_some() || (o.rank() == 3 && o.element.is_float()));
        let output = output.ok_or_else(|| unfit(&session, what, "one plane is expected as output".to_owned()))?;
        let (values, align) = (params.values.into(), params.align.max(1) as usize);
        Ok(Self { session, image, output, values, short_side: params.short_side, align, invert: params.invert })
    }

    /// What the model says, in its own size and scale.
    fn estimate(&self, picture: &Raster) -> Result<Raster, Fault> {
        let small = colors_at(picture, working_size(&self.image, picture.size(), Some(self.short_side), self.align));
        let packed = self.image.pack(&small, self.values, 1);
        let outputs = self.session.run(&[(&self.image.name, packed.view().into())])?;
        let mut array = outputs.into_iter().nth(self.output).map(Tensor::into_f32).unwrap_or_default();
        if array.ndim() == 3 {
            array.insert_axis_inplace(ndarray::Axis(1));
        }
        let last = array.ndim() == 4 && array.shape()[3] == 1 && array.shape()[1] != 1;
        let name = self.session.outputs()[self.output].name.clone();
        let slot = PictureSlot { name, layout: if last { Layout::Nhwc } else { Layout::Nchw }, fixed: None };
        Ok(slot.unpack(&self.session, Tensor::F32(array), Range::Unit)?)
    }
}

/// Level ground seen from above it. Its nearness (the inverse of its distance) grows evenly from the horizon down, which is why
/// no perspective needs to be computed.
fn plane(size: Size, horizon: f32) -> Raster {
    let mut raster = Raster::uninit(size, 1);
    let top = horizon * size.height as f32;
    let ground = (size.height as f32 - top).max(1.0);
    for (y, row) in raster.data_mut().chunks_exact_mut(size.width.max(1)).enumerate() {
        row.fill(((y as f32 + 0.5 - top) / ground).clamp(0.0, 1.0));
    }
    raster
}

/// Brightness (the luma of BT.709), with all detail finer than a thirty-second of the picture smoothed away.
fn luma(picture: &Raster) -> Raster {
    let mut bright = Raster::uninit(picture.size(), 1);
    let (r, g, b) = (picture.plane(0), picture.plane(1), picture.plane(2));
    for (((out, r), g), b) in bright.data_mut().iter_mut().zip(r).zip(g).zip(b) {
        *out = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    }
    let coarse = inner_size(picture.size(), Size::new(32, 32));
    resize(&resize(&bright, coarse, Filter::Bilinear), picture.size(), Filter::Bicubic)
}

fn percentiles(values: &[f32]) -> Span {
    let mut sorted = values.to_vec();
    let mut at = |part: f32| {
        let index = (part * sorted.len().saturating_sub(1) as f32).round() as usize;
        if sorted.is_empty() { 0.0 } else { *sorted.select_nth_unstable_by(index, f32::total_cmp).1 }
    };
    Span { low: at(PERCENTILES.0), high: at(PERCENTILES.1) }
}

/// The range after a frame whose own range is `new`.
fn follow(before: Option<Span>, new: Span, keep: f32) -> Span {
    before.map_or(new, |old| Span { low: new.low + (old.low - new.low) * keep, high: new.high + (old.high - new.high) * keep })
}

fn stretch(values: &mut [f32], Span { low, high }: Span, invert: bool) {
    // A flat depth is in the middle.
    let width = high - low;
    let scale = if width > 1e-9 { 1.0 / width } else { 0.0 };
    let offset = if width > 1e-9 { 0.0 } else { 0.5 };
    for value in values {
        let near = ((*value - low) * scale + offset).clamp(0.0, 1.0);
        *value = if invert { 1.0 - near } else { near };
    }
}

#[cfg(test)]
mod tests {
    use super::super::with_model::testing::{mean, opening, scene, tick, tiny, trained};
    use super::*;
    use crate::node::Declared;

    fn params(model: PathParam, align: i64) -> Params {
        let stabilise = Curve::from(0.9);
        Params { model, stabilise, invert: false, short_side: 32, align, values: Values::Unit, horizon: 0.5 }
    }

    fn estimate(params: &Params, pictures: &[Frame], stabilise: f64) -> Result<Vec<Depth>, Fault> {
        let (node, mut state) = opening(1, |cx| DepthNode::open(params, cx))?;
        let spec = DepthNode::spec();
        let mut fire = |image: &Frame| {
            let Params { model, invert, short_side, align, values, horizon, .. } = params;
            let (model, cut) = (model.clone(), None);
            let now = Now { model, stabilise, invert: *invert, short_side: *short_side, align: *align, values: *values, horizon: *horizon };
            match node.fire(&mut state, &tick(&spec), Inputs { image: image.clone(), cut }, now) {
                Ok(outputs) => Ok(outputs.depth),
                Err(Halt::Fault(fault)) => Err(fault),
                Err(Halt::End) => panic!("no source"),
            }
        };
        pictures.iter().map(&mut fire).collect()
    }

    #[test]
    fn ground_rises_from_the_horizon_to_the_viewer() {
        let depth = &estimate(&params("plane".into(), 32), &[scene(4, 10)], 0.9).unwrap()[0].0;
        let column: Vec<f32> = depth.data().chunks(4).map(|row| row[2]).collect();
        assert_eq!(column[..5], [0.0; 5]);
        assert!(column[5..].windows(2).all(|w| (w[1] - w[0] - 0.2).abs() < 1e-6) && (column[9] - 0.9).abs() < 1e-6, "{column:?}");
    }

    #[test]
    fn bright_is_near_without_fine_detail() {
        let mut picture = scene(128, 128);
        for (at, value) in picture.raster.data_mut().iter_mut().enumerate() {
            *value = if at % 128 < 64 { 0.2 } else { 0.8 } + if at % 2 == 0 { 0.1 } else { -0.1 };
        }
        let depth = &estimate(&params("luma".into(), 32), &[picture], 0.9).unwrap()[0].0;
        assert!((depth.data()[16] - 0.2).abs() < 1e-3 && (depth.data()[112] - 0.8).abs() < 1e-3);
    }

    #[test]
    fn a_models_depth_fills_the_range_and_can_be_swapped() {
        let picture = scene(48, 32);
        let depth = |invert| {
            let params = Params { invert, ..params(tiny("first_channel"), 1) };
            estimate(&params, std::slice::from_ref(&picture), 0.0).unwrap().remove(0).0
        };
        let (near, far) = (depth(false), depth(true));
        assert_eq!(near.size(), picture.size());
        let centre = 16 * 48 + 24;
        assert!(near.data()[centre] > 0.9 && near.data()[10] < 0.1, "the red disc is near, the top is far");
        assert!(near.data().iter().zip(far.data()).all(|(n, f)| (n + f - 1.0).abs() < 1e-5));
    }

    #[test]
    fn the_range_follows_slowly() {
        let picture = |value: f32| {
            let mut frame = scene(48, 32);
            frame.raster.data_mut().iter_mut().for_each(|v| *v *= value);
            frame
        };
        let pictures = [picture(1.0), picture(0.5), picture(0.5)];
        let brightest = |stabilise| -> Vec<f32> {
            let depths = estimate(&params(tiny("first_channel"), 1), &pictures, stabilise).unwrap();
            depths.iter().map(|d| d.0.data()[16 * 48 + 24]).collect()
        };
        let alone = brightest(0.0);
        assert!((alone[0] - alone[1]).abs() < 0.02, "each by itself: {alone:?}");
        let steady = brightest(0.9);
        assert!(steady[1] < 0.6 && steady[2] > steady[1], "the range comes down slowly: {steady:?}");
        let frozen = brightest(1.0);
        assert!((frozen[1] - frozen[2]).abs() < 1e-6);
    }

    #[test]
    fn models_for_something_else_are_refused() {
        let refused = |name| estimate(&params(tiny(name), 1), &[scene(8, 8)], 0.0).unwrap_err().message;
        assert!(refused("invert").contains("is not a model for depth: one plane is expected as output"), "{}", refused("invert"));
        assert!(refused("add_style").contains("one input is expected"));
        assert!(refused("count").contains("an RGB picture is expected as input, `ids: i32 [n]` is there"));
    }

    #[test]
    fn a_trained_model_sees_the_ground_nearer_than_the_sky() {
        let Some(model) = trained("tcmonodepth_small") else { return };
        let params = Params { short_side: 128, ..params(model, 32) };
        let depth = &estimate(&params, &[scene(192, 128)], 0.9).unwrap()[0].0;
        let (sky, ground) = depth.data().split_at(192 * 64);
        assert!(mean(ground) > mean(sky) + 0.1, "{} {}", mean(ground), mean(sky));
    }
}
