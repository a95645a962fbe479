//! The kind `interpolate`.

use super::between_model::BetweenModel;
use super::sampling::Sampling;
use super::with_model::{self, Values};
use crate::choice;
use crate::frame::{Flow, Frame, Size};
use crate::kernel::between::Pair;
use crate::kernel::blend;
use crate::kernel::flow::{Preset, dis};
use crate::kernel::resample::{Filter, resize, resize_vectors};
use crate::node::{Between, Ending, Fault, Halt, Node, Open, Outlook, Pace, Problem, Prospect, Tick};
use crate::param::PathParam;

choice! {
    /// How a frame between two others is made.
    pub enum Method {
        /// One fades into the other: quick, and double where things move.
        Blend = "blend",
        /// What moves is found in both frames and shown on its way: sharp, and wrong where nothing can be found.
        Flow = "flow",
        /// A trained network moves what moves.
        Model = "model",
    }
}

node! {
    /// Makes frames between those that it reads: a smoother video, or slow motion.
    ///
    /// With `factor: 2` a clip of 30 frames a second becomes one of 60 and lasts as long as before; with `slow_motion: true` it stays
    /// at 30 and lasts twice as long. What is written at the nodes before it keeps its meaning: they go on counting their own frames,
    /// and so does `timeline`. The frames read are passed on as they are; those after the last one show it again.
    ///
    /// Behind a slower stream (`every: 3`) it fills the gaps, each `factor` times as finely as the frames of that stream's node.
    "interpolate" => Interpolate
    inputs {
        /// The frames.
        image: Between<Frame>,
    }
    outputs {
        /// The frames and those between them.
        image: Frame,
    }
    params {
        /// How many frames come out for each one. 1 only fills the gaps of a slower stream.
        factor: i64 = 2, in 1.0..=64.0;
        /// Whether all frames are shown as long as before, so that everything takes `factor` times as long.
        slow_motion: bool = false;
        /// How a frame between two others is made.
        method: Method = "flow";
        /// For `flow`: the frames are looked at in this part of their size; less is quicker, and bolder with large motion.
        scale: f64 = 0.5, in 0.05..=1.0;
        /// For `flow`: how a value between pixels is made.
        sampling: Sampling = "lanczos";
        /// For `method: model`: an ONNX model that takes two pictures and a time from 0 to 1, such as RIFE; a file, or a name in a `models`
        /// folder.
        model: Option<PathParam>;
        /// For models: both sides are enlarged to multiples of this, by repeating the edge, and cut again afterwards.
        align: i64 = 32, in 1.0..=512.0;
        /// For models: what the numbers of its pictures mean.
        values: Values = "0..1";
    }
}

/// The kind `interpolate`.
pub struct Interpolate {
    model: Option<BetweenModel>,
}

/// What moves between the frames last read, and the tick of the first of them: all frames between two share it.
#[derive(Default)]
pub struct Known(Option<(u64, Pair)>);

impl Node for Interpolate {
    type State = Known;

    fn pace(params: &Params) -> Pace {
        Pace { factor: params.factor.clamp(1, 64).unsigned_abs(), slow_motion: params.slow_motion }
    }

    fn outlook(params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let size = cx.size_of("image");
        let outlook = cx.all_outputs(size);
        match (params.method, &params.model) {
            (Method::Model, Some(model)) => {
                let file = with_model::locate(model).map_err(|problem| vec![problem])?;
                Ok(Outlook { lane: with_model::lane(cx.engine), models: vec![file], ..outlook })
            }
            (Method::Model, None) => {
                Err(vec![Problem::error("method", "`method: model` needs a model").help("add `model: FILE.onnx`, such as one of RIFE")])
            }
            (_, Some(_)) => {
                let problem = Problem::error("model", "`model` is set, but `method` is not `model`");
                Err(vec![problem.help("add `method: model`, or remove `model`")])
            }
            (Method::Flow, None) => Ok(Outlook { scratch: size.area() * 6 * size_of::<f32>(), ..outlook }),
            (Method::Blend, None) => Ok(outlook),
        }
    }

    fn open(params: &Params, cx: &Open<'_>) -> Result<(Self, Known), Fault> {
        let wanted = params.model.as_ref().filter(|_| params.method == Method::Model);
        let open = |model| BetweenModel::open(model, params.values.into(), params.align.max(1) as usize, cx.engine);
        Ok((Self { model: wanted.map(open).transpose()? }, Known::default()))
    }

    fn fire(&self, known: &mut Known, cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let Between { before, after, age, period } = inputs.image;
        if age == 0 || before.size() != after.size() {
            return Ok(Outputs { image: before });
        }
        let part = age as f32 / period.max(1) as f32;
        let image = match (now.method, &self.model) {
            (Method::Model, Some(model)) => modelled(model, before, &after, part)?,
            (Method::Flow, _) => known.moved(&before, &after, (cx.tick() - age, part), &now),
            (Method::Blend | Method::Model, _) => blended(before, &after, part),
        };
        Ok(Outputs { image })
    }

    fn finish(&self, _known: &mut Known, _ending: Ending) -> Result<Vec<String>, Fault> {
        Ok(with_model::notes(self.model.as_ref().map(BetweenModel::session)))
    }
}

/// `part` of the way from one frame to the other, by a network; alpha fades.
fn modelled(model: &BetweenModel, before: Frame, after: &Frame, part: f32) -> Result<Frame, Fault> {
    let colors = model.between(&before.raster, &after.raster, part)?;
    if !before.has_alpha() {
        return Ok(Frame::new(colors, before.tags));
    }
    let mut out = blended(before, after, part);
    let area = 3 * out.size().area();
    out.raster.data_mut()[..area].copy_from_slice(&colors.data()[..area]);
    Ok(out)
}

/// `part` of the way from one frame to the other, by fading.
fn blended(before: Frame, after: &Frame, part: f32) -> Frame {
    Frame::new(blend::mix(before.raster, &after.raster, part), before.tags)
}

impl Known {
    /// `part` of the way from one frame, made at tick `at`, to the other, by moving both.
    fn moved(&mut self, before: &Frame, after: &Frame, (at, part): (u64, f32), now: &Now) -> Frame {
        let pair = match self.0.take().filter(|(tick, _)| *tick == at) {
            Some((_, pair)) => pair,
            None => pair(before, after, now.scale),
        };
        let raster = pair.picture(&before.raster, &after.raster, part, now.sampling.into());
        self.0 = Some((at, pair));
        Frame::new(raster, before.tags)
    }
}

/// Finds what moves between two frames, looking at them in `scale` of their size.
fn pair(before: &Frame, after: &Frame, scale: f64) -> Pair {
    let size = before.size();
    let side = |n: usize| ((n as f64 * scale).round() as usize).max(1);
    let small = Size::new(side(size.width), side(size.height));
    let [from, to] = [before, after].map(|frame| resize(&frame.raster, small, Filter::Area));
    let full = |flow: Flow| Flow::new(resize_vectors(&flow.0, size, Filter::Bilinear));
    Pair::new(full(dis(&from, &to, Preset::Medium, None)), full(dis(&to, &from, Preset::Medium, None)))
}

#[cfg(test)]
mod tests {
    use super::super::with_model::testing::{opening, tick, tiny};
    use super::*;
    use crate::frame::{ColorTags, Raster};
    use crate::node::Declared;

    /// The frame `age` quarters of the way from transparent black to opaque white.
    fn made(method: Method, model: Option<PathParam>, age: u64) -> Frame {
        let params = Params {
            factor: 4,
            slow_motion: false,
            method,
            scale: 1.0,
            sampling: Sampling::Bilinear,
            model,
            align: 8,
            values: Values::Unit,
        };
        let (node, mut known) = opening(1, |cx| Interpolate::open(&params, cx)).unwrap();
        let spec = Interpolate::spec();
        let now = Interpolate::now(&params, &tick(&spec).moment);
        let frame = |value: f32| Frame::new(Raster::from_vec(Size::new(10, 6), 4, vec![value; 240]), ColorTags::default());
        let image = Between { before: frame(0.0), after: frame(1.0), age, period: 4 };
        node.fire(&mut known, &tick(&spec), Inputs { image }, now).unwrap().image
    }

    #[test]
    fn a_network_makes_any_time_between_and_alpha_fades() {
        for age in 0..4 {
            for (method, model) in [(Method::Blend, None), (Method::Model, Some(tiny("between")))] {
                let image = made(method, model, age);
                assert_eq!(image.raster.planes(), 4);
                assert!(image.raster.data().iter().all(|v| (v - age as f32 / 4.0).abs() < 1e-6), "{age}");
            }
        }
    }
}
