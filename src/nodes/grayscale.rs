//! The kind `grayscale`.

use crate::choice;
use crate::frame::{Frame, Mask};
use crate::kernel::tone::{self, Grey};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

choice! {
    /// How much red, green and blue count.
    pub enum Weights {
        /// 0.299, 0.587 and 0.114, as in Deforum.
        Bt601 = "bt601",
        /// 0.2126, 0.7152 and 0.0722, as HD video has it.
        Bt709 = "bt709",
        /// A third each.
        Mean = "mean",
    }
}

node! {
    /// Takes the colour out of the picture.
    ///
    /// It stays a colour picture, in which red, green and blue are alike.
    "grayscale" => Grayscale
    inputs {
        /// The picture.
        image: Frame,
        /// Where it acts; what is black keeps its colour. Everywhere if left out.
        mask: Option<Mask>,
    }
    outputs {
        /// The picture without colour.
        image: Frame,
    }
    params {
        /// How much of the colour goes: 0 none, 1 all.
        amount: Curve = 1.0, in 0.0..=1.0;
        /// How much red, green and blue count.
        weights: Weights = "bt601";
    }
}

/// The kind `grayscale`.
pub struct Grayscale;

impl Node for Grayscale {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        cx.one_size("image", &["mask"])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let mut image = inputs.image;
        if now.amount > 0.0 {
            let weights = match now.weights {
                Weights::Bt601 => Grey::Bt601,
                Weights::Bt709 => Grey::Bt709,
                Weights::Mean => Grey::Mean,
            };
            tone::desaturate(&mut image.raster, weights, now.amount as f32, inputs.mask.as_ref());
        }
        Ok(Outputs { image })
    }
}
