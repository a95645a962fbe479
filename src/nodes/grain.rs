//! The kind `grain`.

use crate::frame::{Grain as Cells, Mask, Motion};
use crate::kernel::grain::{Carried, Step};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

node! {
    /// Carries the noise of other nodes along a motion: noise that sticks to what moves, and stays white.
    ///
    /// Link it to the input `grain` of `diffusion` and `noise`. Where noise follows the clip, strokes and texture that a model makes of it
    /// follow, too. With `moves: { kind: flow, from: clip@-1, to: clip }` it is `{ kind: grain, motion: moves.motion }`.
    ///
    /// It says which noise lies under each pixel; the noise itself comes from the seeds of the nodes that read it. It steps at every
    /// frame, also where those nodes paint every third one only.
    "grain" => Grain
    inputs {
        /// Where pixels came from since the frame before.
        motion: Motion,
        /// Where that can be trusted, as `flow_consistency` tells: elsewhere noise is new, under grey in that share of the pixels.
        /// Everywhere if left out.
        mask: Option<Mask>,
    }
    outputs {
        /// Which noise lies under each pixel.
        grain: Cells,
    }
    params {
        /// The share of pixels that get new noise at each frame: 0 none but those that come into view, 1 all.
        fresh: Curve = 0.0, in 0.0..=1.0;
    }
}

/// The kind `grain`.
pub struct Grain;

impl Node for Grain {
    // The state lies in a node of its own, and not in those that use it: they stay without state, so that firings may overlap, and begin at
    // frame 100 when only that is asked for; a `diffusion` on every third frame still gets the motion of all three; and several
    // nodes share one grain.
    type State = Option<Carried>;

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        cx.one_size("motion", &["mask"])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, Self::State), Fault> {
        Ok((Self, None))
    }

    fn fire(&self, state: &mut Self::State, cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let size = inputs.motion.size();
        let carried = match state {
            Some(carried) if carried.grain().size() == size => {
                let number = u32::try_from(cx.tick()).unwrap_or(u32::MAX);
                let trust = inputs.mask.as_ref().filter(|mask| mask.size() == size);
                carried.step(&Step { motion: &inputs.motion, trust, fresh: now.fresh as f32, number });
                carried
            }
            _ => state.insert(Carried::new(size)),
        };
        Ok(Outputs { grain: carried.grain().clone() })
    }
}
