//! The kind `fallback`.

use crate::frame::Frame;
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};

node! {
    /// Gives one picture where there is one, and another where there is not.
    ///
    /// A loop that begins with nothing (`image: { from: painted@-1, initial: none }`) gives no picture for the first frame:
    /// this puts one there.
    "fallback" => Fallback
    inputs {
        /// The picture, which may begin with nothing.
        image: Option<Frame>,
        /// What stands in while there is no picture; of the same size.
        otherwise: Frame,
    }
    outputs {
        /// The picture, or what stands in for it.
        image: Frame,
    }
}

/// The kind `fallback`.
pub struct Fallback;

impl Node for Fallback {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        cx.one_size("otherwise", &["image"])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, _now: Now) -> Result<Outputs, Halt> {
        Ok(Outputs { image: inputs.image.unwrap_or(inputs.otherwise) })
    }
}
