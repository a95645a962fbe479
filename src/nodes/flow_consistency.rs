//! The kind `flow_consistency`.

use crate::choice;
use crate::frame::{Flow, Mask, Raster};
use crate::kernel::blur;
use crate::kernel::flow;
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

choice! {
    /// How a round trip is judged.
    pub enum Form {
        /// By squares: |f + b|² < 0.01·(|f|² + |b|²) + 0.5, as Ruder, Lai and Deforum do.
        Squared = "squared",
        /// By lengths: |f + b| < 0.01·(|f| + |b|) + 0.5, as `GMFlow` does; stricter with small motion.
        Norm = "norm",
    }
}

node! {
    /// Tells where a flow can be trusted: 1 where going along `flow` and then back along `backward` ends where it began.
    ///
    /// It does not where something is hidden in the other picture, nor where the estimate is wrong. The mask belongs to the picture
    /// that `flow` starts in. With `moves: { kind: flow, from: clip@-1, to: clip }`, the mask for the present frame takes
    /// `flow: moves.backward, backward: moves.flow`.
    "flow_consistency" => FlowConsistency
    inputs {
        /// The flow to judge.
        flow: Flow,
        /// The flow the other way.
        backward: Flow,
    }
    outputs {
        /// 1 where the flow can be trusted, 0 where not.
        mask: Mask,
    }
    params {
        /// How the round trip is judged.
        form: Form = "squared";
        /// How much to distrust where the flow leads out of the picture: 0 not at all, 1 fully.
        out_of_frame: Curve = 1.0, in 0.0..=1.0;
        /// How much to distrust the edges of moving things: 0 not at all, 1 fully.
        motion_edges: Curve = 0.0, in 0.0..=1.0;
        /// Pixels by which what is not trusted grows.
        grow: Curve = 0.0, in 0.0..=64.0;
        /// Deviation in pixels of a final blur.
        blur: Curve = 0.0, in 0.0..=64.0;
        /// The mask is at least this everywhere.
        floor: Curve = 0.0, in 0.0..=1.0;
    }
}

/// The kind `flow_consistency`.
pub struct FlowConsistency;

impl Node for FlowConsistency {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        cx.one_size("flow", &["backward"])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let (field, backward) = (inputs.flow, inputs.backward);
        if field.size() != backward.size() {
            return Err(Fault::new(format!("`backward` is {} but `flow` is {}", backward.size(), field.size())).into());
        }
        let form = match now.form {
            Form::Squared => flow::Form::Squared,
            Form::Norm => flow::Form::Norm,
        };
        let grow = now.grow.round() as usize;
        let mut mask = flow::shrink(&flow::consistent(&field, &backward, form), grow);
        if now.out_of_frame > 0.0 {
            weigh(&mut mask, &flow::inside(&field), now.out_of_frame as f32);
        }
        if now.motion_edges > 0.0 {
            weigh(&mut mask, &flow::shrink(&flow::within_a_motion(&field), grow), now.motion_edges as f32);
        }
        let mut raster = blur::gaussian(&mask.0, now.blur as f32);
        raise(&mut raster, now.floor as f32);
        Ok(Outputs { mask: Mask::new(raster) })
    }
}

/// Multiplies `mask` by `other`, whose zeros count only by `weight`.
fn weigh(mask: &mut Mask, other: &Mask, weight: f32) {
    for (v, other) in mask.0.data_mut().iter_mut().zip(other.0.data()) {
        *v *= 1.0 - weight * (1.0 - other);
    }
}

fn raise(raster: &mut Raster, floor: f32) {
    if floor > 0.0 {
        raster.data_mut().iter_mut().for_each(|v| *v = v.max(floor));
    }
}
