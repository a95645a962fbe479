//! The kind `sharpen`.

use crate::frame::{Frame, Mask};
use crate::kernel::sharpen::{self, Sharpen as How};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::{Curve, IntCurve};

node! {
    /// Makes details clearer: what a blur takes away is added once more.
    ///
    /// In a loop, a little of it makes up for the softness of warps and diffusion (Deforum's anti-blur). Nothing grows beyond
    /// black and white.
    "sharpen" => Sharpen
    inputs {
        /// The picture.
        image: Frame,
        /// Where it acts; what is black stays as it was. Everywhere if left out.
        mask: Option<Mask>,
    }
    outputs {
        /// The sharper picture.
        image: Frame,
    }
    params {
        /// How much of what the blur took away is added: 0 nothing.
        amount: Curve = 0.1, in -1.0..=100.0;
        /// Pixels along each side of the blur. An even number counts as the next odd one.
        kernel: IntCurve = 5, in 1.0..=511.0;
        /// Deviation of the blur in pixels; 0 derives it from `kernel`.
        sigma: Curve = 1.0, in 0.0..=1000.0;
        /// Differences smaller than this, in steps of 255, stay as they were: keeps noise from growing.
        threshold: Curve = 0.0, in 0.0..=255.0;
    }
}

/// The kind `sharpen`.
pub struct Sharpen;

impl Node for Sharpen {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        cx.one_size("image", &["mask"])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let mut image = inputs.image;
        let how = How {
            amount: now.amount as f32,
            taps: usize::try_from(now.kernel).unwrap_or(1),
            sigma: now.sigma as f32,
            threshold: (now.threshold / 255.0) as f32,
        };
        image.raster = sharpen::sharpen(&image.raster, how, inputs.mask.as_ref());
        Ok(Outputs { image })
    }
}
