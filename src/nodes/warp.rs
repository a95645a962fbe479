//! The kind `warp`.

use super::sampling::{Border, Sampling};
use crate::frame::{Frame, Motion};
use crate::kernel::sample;
use crate::kernel::warp2d::{self, Flip, Move};
use crate::node::{Fault, Halt, Node, Open, Tick};
use crate::param::Curve;

node! {
    /// Turns, zooms, shifts and tilts the picture in its plane.
    ///
    /// All motion is per frame: feed the output back (`image: { from: moved@-1, initial: … }`) for a steady camera move.
    /// The shift comes first, then turning and zooming around the centre, then the tilt. Numbers mean what they mean in
    /// Deforum's 2D mode.
    "warp" => Warp
    inputs {
        /// The picture to move.
        image: Frame,
    }
    outputs {
        /// The moved picture.
        image: Frame,
        /// Where each pixel came from.
        motion: Option<Motion>,
    }
    params {
        /// Degrees to turn, counter-clockwise.
        angle: Curve = 0.0;
        /// Growth: 1 keeps the size, 1.02 grows by 2 %, below 0 also turns it upside down.
        zoom: Curve = 1.0, in -100.0..=100.0;
        /// Pixels to the right.
        translation_x: Curve = 0.0;
        /// Pixels down.
        translation_y: Curve = 0.0;
        /// The fixed point of turning and zooming: 0 the left edge, 1 the right.
        transform_center_x: Curve = 0.5;
        /// The fixed point of turning and zooming: 0 the top, 1 the bottom.
        transform_center_y: Curve = 0.5;
        /// Degrees to roll the picture, in perspective.
        perspective_flip_theta: Curve = 0.0;
        /// Degrees to tilt the picture around its horizontal axis, in perspective.
        perspective_flip_phi: Curve = 0.0;
        /// Degrees to pan the picture around its vertical axis, in perspective.
        perspective_flip_gamma: Curve = 0.0;
        /// The field of view of the perspective in degrees: the larger, the stronger.
        perspective_flip_fv: Curve = 53.0, in 1.0..=179.0;
        /// What lies beyond the edge.
        border: Border = "replicate";
        /// How a value between pixels is made. (Deforum's 2D mode is `bilinear`, which blurs in a loop.)
        sampling: Sampling = "lanczos";
    }
}

/// The kind `warp`.
pub struct Warp;

impl Now {
    fn step(&self) -> Move {
        let flip = Flip {
            theta: self.perspective_flip_theta,
            phi: self.perspective_flip_phi,
            gamma: self.perspective_flip_gamma,
            fv: self.perspective_flip_fv,
        };
        Move {
            angle: self.angle,
            zoom: self.zoom,
            translation: [self.translation_x, self.translation_y],
            center: [self.transform_center_x, self.transform_center_y],
            flip: flip.tilts().then_some(flip),
        }
    }
}

impl Node for Warp {
    type State = ();

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let size = inputs.image.size();
        let matrix = now.step().matrix(size);
        if warp2d::inverse(&matrix).is_none() {
            let fault = Fault::new(format!("with `zoom` {} and this tilt the picture has no extent", now.zoom));
            return Err(fault.help("keep `zoom` away from 0").into());
        }
        let (src, sampling, border) = (&inputs.image.raster, now.sampling.into(), now.border.into());
        let motion = cx.wants("motion").then(|| warp2d::motion(&matrix, size));
        let raster = match &motion {
            Some(motion) => sample::warp(src, motion, sampling, border),
            None => warp2d::warp(src, &matrix, sampling, border),
        };
        Ok(Outputs { image: Frame::new(raster, inputs.image.tags), motion })
    }
}
