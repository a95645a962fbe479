//! The kind `blend`.

use crate::choice;
use crate::frame::{Frame, Mask};
use crate::kernel::blend;
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

choice! {
    /// How the upper picture acts on the lower one.
    pub enum Mode {
        /// It covers.
        Normal = "normal",
        /// It brightens: the sum.
        Add = "add",
        /// It darkens: the product.
        Multiply = "multiply",
        /// It brightens like a second projector.
        Screen = "screen",
        /// It darkens what is dark and brightens what is bright.
        Overlay = "overlay",
        /// The brighter of both.
        Lighten = "lighten",
        /// The darker of both.
        Darken = "darken",
        /// How far both lie apart.
        Difference = "difference",
        /// A gentle overlay.
        SoftLight = "soft_light",
    }
}

node! {
    /// Lays the picture `b` over the picture `a`.
    "blend" => Blend
    inputs {
        /// The lower picture.
        a: Frame,
        /// The upper picture.
        b: Frame,
        /// Where the upper picture acts. Everywhere if left out.
        mask: Option<Mask>,
    }
    outputs {
        /// The two, one over the other.
        image: Frame,
    }
    params {
        /// How much the upper picture acts: 0 not at all, 1 fully.
        amount: Curve = 0.5, in 0.0..=1.0;
        /// How the upper picture acts on the lower one.
        mode: Mode = "normal";
    }
}

/// The kind `blend`.
pub struct Blend;

impl From<Mode> for blend::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Normal => Self::Normal,
            Mode::Add => Self::Add,
            Mode::Multiply => Self::Multiply,
            Mode::Screen => Self::Screen,
            Mode::Overlay => Self::Overlay,
            Mode::Lighten => Self::Lighten,
            Mode::Darken => Self::Darken,
            Mode::Difference => Self::Difference,
            Mode::SoftLight => Self::SoftLight,
        }
    }
}

impl Node for Blend {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        cx.one_size("a", &["b", "mask"])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let (a, b) = (inputs.a, inputs.b);
        if a.size() != b.size() {
            let fault = Fault::new(format!("`b` is {} but `a` is {}", b.size(), a.size()));
            return Err(fault.help("put a `resize` node before `b`").into());
        }
        let raster = blend::blend(&a.raster, &b.raster, inputs.mask.as_ref(), now.amount as f32, now.mode.into());
        Ok(Outputs { image: Frame::new(raster, a.tags) })
    }
}
