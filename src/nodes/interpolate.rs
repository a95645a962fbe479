//! The kind `interpolate`.

use crate::choice;
use crate::frame::Frame;
use crate::kernel::blend;
use crate::node::{Between, Fault, Halt, Node, Open, Outlook, Pace, Problem, Prospect, Tick};

choice! {
    /// How a frame between two others is made.
    pub enum Method {
        /// One fades into the other: quick, and double where things move.
        Blend = "blend",
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
        method: Method = "blend";
    }
}

/// The kind `interpolate`.
pub struct Interpolate;

impl Node for Interpolate {
    type State = ();

    fn pace(params: &Params) -> Pace {
        Pace { factor: params.factor.clamp(1, 64).unsigned_abs(), slow_motion: params.slow_motion }
    }

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        Ok(cx.all_outputs(cx.size_of("image")))
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let Between { before, after, age, period } = inputs.image;
        if age == 0 || before.size() != after.size() {
            return Ok(Outputs { image: before });
        }
        let part = age as f32 / period.max(1) as f32;
        Ok(Outputs {
            image: match now.method {
                Method::Blend => blended(before, &after, part),
            },
        })
    }
}

/// `part` of the way from one frame to the other, by fading.
fn blended(before: Frame, after: &Frame, part: f32) -> Frame {
    Frame::new(blend::mix(before.raster, &after.raster, part), before.tags)
}
