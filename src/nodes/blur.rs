//! The kind `blur`.

use crate::choice;
use crate::frame::{Frame, Mask, Raster};
use crate::kernel::blend;
use crate::kernel::blur;
use crate::kernel::smear::{self, Smear};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

choice! {
    /// The shape of the blur.
    pub enum BlurType {
        /// Soft in all directions, as far as `sigma` says.
        Gaussian = "gaussian",
        /// The mean of a square of `radius`.
        Box = "box",
        /// Along a line of `length` at `angle`, as from a camera that moves.
        Line = "line",
        /// Towards the centre, as from a camera that zooms: `zoom` says by how much.
        Zoom = "zoom",
        /// Around the centre, as from a camera that rolls: by `angle`.
        Turn = "turn",
    }
}

node! {
    /// Makes the picture soft.
    "blur" => Blur
    inputs {
        /// The picture.
        image: Frame,
        /// Where it acts; what is black stays as it was. Everywhere if left out.
        mask: Option<Mask>,
    }
    outputs {
        /// The softer picture.
        image: Frame,
    }
    params {
        /// The shape of the blur.
        r#type: BlurType = "gaussian";
        /// For `gaussian`: the deviation in pixels.
        sigma: Curve = 2.0, in 0.0..=1000.0;
        /// For `box`: how many pixels the square reaches to each side; fractions count.
        radius: Curve = 2.0, in 0.0..=1000.0;
        /// For `line`: its length in pixels.
        length: Curve = 10.0, in 0.0..=4096.0;
        /// For `line`: its direction, for `turn`: how far it turns; in degrees, counter-clockwise.
        angle: Curve = 0.0;
        /// For `zoom`: growth while the shutter is open; 1.1 is a tenth.
        zoom: Curve = 1.05, in 0.01..=100.0;
        /// For `zoom` and `turn`: 0 the left edge, 1 the right.
        center_x: Curve = 0.5;
        /// For `zoom` and `turn`: 0 the top, 1 the bottom.
        center_y: Curve = 0.5;
    }
}

/// The kind `blur`.
pub struct Blur;

impl Now {
    fn apply(&self, picture: &Raster) -> Raster {
        let center = [self.center_x as f32, self.center_y as f32];
        let turn = self.angle.to_radians();
        match self.r#type {
            BlurType::Gaussian => blur::gaussian(picture, self.sigma as f32),
            BlurType::Box => blur::mean(picture, self.radius as f32),
            BlurType::Line => smear::smear(picture, Smear::Line([turn.cos(), -turn.sin()].map(|v| (v * self.length) as f32))),
            BlurType::Zoom => smear::smear(picture, Smear::Zoom(center, self.zoom.ln() as f32)),
            BlurType::Turn => smear::smear(picture, Smear::Turn(center, turn as f32)),
        }
    }
}

impl Node for Blur {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        cx.one_size("image", &["mask"])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let mut image = inputs.image;
        let done = now.apply(&image.raster);
        image.raster = blend::protected(&image.raster, done, inputs.mask.as_ref());
        Ok(Outputs { image })
    }
}
