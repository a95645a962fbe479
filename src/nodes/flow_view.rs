//! The kind `flow_view`.

use crate::frame::{ColorTags, Flow, Frame, Motion, Raster};
use crate::kernel::flow;
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

node! {
    /// Shows a flow or a motion as colours, to see what it does.
    ///
    /// Each direction has its hue: right is red, down is yellow-green, left is cyan, up is violet. White stands still, and the farther, the stronger the
    /// colour. Of a `motion` it shows where things go, not where they come from, so that both look alike.
    "flow_view" => FlowView
    inputs {
        /// The flow to show.
        flow: Option<Flow>,
        /// Or the motion to show.
        motion: Option<Motion>,
    }
    outputs {
        /// The colours.
        image: Frame,
    }
    params {
        /// Pixels that have the full colour; 0 takes what nearly all of the frame stay below, which changes from frame to frame.
        longest: Curve = 0.0, in 0.0..=10000.0;
    }
}

/// The kind `flow_view`.
pub struct FlowView;

impl Node for FlowView {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let (problem, help) = match (cx.input("flow"), cx.input("motion")) {
            (None, None) => ("`flow_view` needs `flow` or `motion`", "add `flow: NODE.flow`, or `motion: NODE.motion`"),
            (Some(_), Some(_)) => ("`flow_view` takes `flow` or `motion`, not both", "remove one of them"),
            (Some(field), None) | (None, Some(field)) => return Ok(cx.all_outputs(field.size)),
        };
        Err(vec![Problem::error("", problem).help(help)])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let field: Raster = match (inputs.flow, inputs.motion) {
            (Some(flow), _) => flow.0,
            (None, Some(motion)) => flow::part(&motion, -1.0).0,
            (None, None) => return Err(Fault::new("there is neither `flow` nor `motion`").into()),
        };
        let longest = if now.longest > 0.0 { now.longest as f32 } else { flow::usual_longest(&field) };
        Ok(Outputs { image: Frame::new(flow::wheel(&field, longest), ColorTags::SRGB) })
    }
}
