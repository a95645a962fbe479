//! The kind `contrast`.

use crate::choice;
use crate::frame::{Frame, Mask};
use crate::kernel::tone::{self, Grey};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

choice! {
    /// The brightness that stays as it is.
    pub enum Pivot {
        /// Black: a plain gain, as in Deforum. Above 1 everything gets brighter.
        Black = "black",
        /// Mid-grey: above 1 bright gets brighter and dark gets darker.
        Grey = "grey",
        /// The picture's own mean: its brightness stays.
        Mean = "mean",
    }
}

node! {
    /// Spreads the tones apart or draws them together.
    ///
    /// Nothing is cut off: what lies beyond white or black comes back with less contrast later.
    "contrast" => Contrast
    inputs {
        /// The picture.
        image: Frame,
        /// Where it acts; what is black stays as it was. Everywhere if left out.
        mask: Option<Mask>,
    }
    outputs {
        /// The picture with other contrast.
        image: Frame,
    }
    params {
        /// What distances from the pivot are multiplied by; 1 changes nothing.
        amount: Curve = 1.0, in -10.0..=100.0;
        /// The brightness that stays as it is.
        pivot: Pivot = "black";
    }
}

/// The kind `contrast`.
pub struct Contrast;

impl Node for Contrast {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        cx.one_size("image", &["mask"])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let mut image = inputs.image;
        if now.amount != 1.0 {
            let pivot = match now.pivot {
                Pivot::Black => 0.0,
                Pivot::Grey => 0.5,
                Pivot::Mean => tone::mean(tone::grey(&image.raster, Grey::Bt601).data()),
            };
            tone::contrast(&mut image.raster, now.amount as f32, pivot, inputs.mask.as_ref());
        }
        Ok(Outputs { image })
    }
}
