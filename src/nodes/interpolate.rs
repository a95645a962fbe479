//! The kind `interpolate`.

use super::sampling::Sampling;
use crate::choice;
use crate::frame::Flow;
use crate::frame::{Frame, Size};
use crate::kernel::between::Pair;
use crate::kernel::blend;
use crate::kernel::flow::{Preset, dis};
use crate::kernel::resample::{Filter, resize, resize_vectors};
use crate::node::{Between, Fault, Halt, Node, Open, Outlook, Pace, Problem, Prospect, Tick};

choice! {
    /// How a frame between two others is made.
    pub enum Method {
        /// One fades into the other: quick, and double where things move.
        Blend = "blend",
        /// What moves is found in both frames and shown on its way: sharp, and wrong where nothing can be found.
        Flow = "flow",
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
    }
}

/// The kind `interpolate`.
pub struct Interpolate;

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
        let scratch = if params.method == Method::Flow { size.area() * 6 * size_of::<f32>() } else { 0 };
        Ok(Outlook { scratch, ..cx.all_outputs(size) })
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, Known), Fault> {
        Ok((Self, Known::default()))
    }

    fn fire(&self, known: &mut Known, cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let Between { before, after, age, period } = inputs.image;
        if age == 0 || before.size() != after.size() {
            return Ok(Outputs { image: before });
        }
        let part = age as f32 / period.max(1) as f32;
        let image = match now.method {
            Method::Blend => blended(before, &after, part),
            Method::Flow => known.moved(&before, &after, (cx.tick() - age, part), &now),
        };
        Ok(Outputs { image })
    }
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
