//! The kind `flow_warp`.

use super::sampling::{Border, Sampling};
use crate::frame::{Flow, Frame, Mask, Motion, Size};
use crate::kernel::resample::{self, Filter};
use crate::kernel::{flow, sample};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

node! {
    /// Moves a picture along a motion: that of another clip, of a warp, or an estimated one.
    ///
    /// Link `motion` where there is one (`flow.motion`, `warp.motion`): every pixel is fetched from exactly where it came from. `flow` is for
    /// forward flows and does what Deforum does with them; it is exact only where neighbours move alike.
    "flow_warp" => FlowWarp
    inputs {
        /// The picture to move.
        image: Frame,
        /// Where pixels go: `out(p) = image(p - factor*flow(p))`. Another size is stretched.
        flow: Option<Flow>,
        /// Where pixels come from: `out(p) = image(p + factor*motion(p))`. Another size is stretched.
        motion: Option<Motion>,
        /// How much of the motion acts at each pixel of the result: 0 leaves it where it is. Everywhere all of it if left out.
        mask: Option<Mask>,
    }
    outputs {
        /// The moved picture.
        image: Frame,
        /// The motion that was applied, factor and mask included.
        motion: Option<Motion>,
    }
    params {
        /// How far along: 0.5 goes half the way, -1 the whole way back.
        factor: Curve = 1.0, in -100.0..=100.0;
        /// What lies beyond the edge. (Deforum: `reflect`.)
        border: Border = "replicate";
        /// How a value between pixels is made. (Deforum: `bilinear`.)
        sampling: Sampling = "lanczos";
    }
}

/// The kind `flow_warp`.
pub struct FlowWarp;

impl Node for FlowWarp {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let problem = match (cx.input("flow"), cx.input("motion")) {
            (None, None) => {
                Problem::error("", "`flow_warp` needs `motion` or `flow`").help("add `motion: NODE.motion`, with a node of kind `flow`")
            }
            (Some(_), Some(_)) => Problem::error("flow", "`flow_warp` takes `motion` or `flow`, not both").help("remove one of them"),
            _ => return Ok(cx.all_outputs(cx.size_of("image"))),
        };
        Err(vec![problem])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let (image, size) = (&inputs.image.raster, inputs.image.size());
        let factor = now.factor as f32;
        let mut motion = match (inputs.motion, inputs.flow) {
            (Some(motion), _) => flow::part(&fit_motion(&motion, size), factor),
            (None, Some(field)) => flow::follow(&Flow::new(resample::resize_vectors(&field.0, size, Filter::Bilinear)), factor),
            (None, None) => return Err(Fault::new("there is neither `motion` nor `flow`").into()),
        };
        if let Some(mask) = inputs.mask {
            motion = flow::masked(motion, &Mask::new(resample::resize(&mask.0, size, Filter::Bilinear)));
        }
        let raster = sample::warp(image, &motion, now.sampling.into(), now.border.into());
        Ok(Outputs { image: Frame::new(raster, inputs.image.tags), motion: cx.wants("motion").then_some(motion) })
    }
}

fn fit_motion(motion: &Motion, size: Size) -> Motion {
    Motion::new(resample::resize_vectors(&motion.0, size, Filter::Bilinear))
}
