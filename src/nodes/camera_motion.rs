//! The kind `camera_motion`.

use crate::choice;
use crate::frame::{Flow, Frame, Motion};
use crate::kernel::camera::{self, Model, Told};
use crate::kernel::warp2d;
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};

choice! {
    /// What a camera may do to the picture.
    pub enum Freedom {
        /// Shift it.
        Shift = "shift",
        /// Shift, turn and zoom it. Deforum calls this affine.
        Similarity = "similarity",
        /// Shift, turn, zoom, stretch and slant it.
        Affine = "affine",
        /// Anything that keeps lines straight: a flat scene seen from elsewhere.
        Perspective = "perspective",
    }
}

node! {
    /// Estimates how the camera moved between two pictures, so that something else can move along.
    ///
    /// For the motion of a clip write `from: clip@-1, to: clip`; `motion` then moves what fits the frame before onto this one, with
    /// `flow_warp` or `cadence`. The scalars speak the language of `warp`: `warp` with `translation_x: moves.x, translation_y: moves.y,
    /// angle: moves.angle, zoom: moves.zoom` makes the same move, and `translation_x: -moves.x` steadies the clip.
    ///
    /// `from` may also be what was painted (`painted@-1`) and `to` the clip: pictures are compared by structure, not by colour. Most
    /// of the picture decides; what moves by itself is not followed. Where too little can be followed, as on a blank wall or at a cut,
    /// the camera stands still.
    "camera_motion" => CameraMotion
    inputs {
        /// The picture in which motion starts.
        from: Frame,
        /// The picture in which it ends, of the same size.
        to: Frame,
    }
    outputs {
        /// Where each pixel of `to` came from: it moves what fits `from` onto `to`.
        motion: Option<Motion>,
        /// Where each pixel of `from` goes.
        flow: Option<Flow>,
        /// Pixels to the right.
        x: Option<f64>,
        /// Pixels down.
        y: Option<f64>,
        /// Growth around the middle: 1 none.
        zoom: Option<f64>,
        /// Degrees turned around the middle, counter-clockwise.
        angle: Option<f64>,
        /// The share of what could be followed that moves with the camera, 0 to 1; 0 where it is taken to stand still for want of any.
        trust: Option<f64>,
    }
    params {
        /// What the camera may do to the picture: the less, the steadier the estimate.
        freedom: Freedom = "similarity";
        /// Pixels by which a spot may be off and still count as moving with the camera.
        tolerance: f64 = 3.0, in 0.05..=200.0;
    }
}

/// The kind `camera_motion`.
pub struct CameraMotion;

impl From<Freedom> for Model {
    fn from(freedom: Freedom) -> Self {
        match freedom {
            Freedom::Shift => Self::Shift,
            Freedom::Similarity => Self::Similarity,
            Freedom::Affine => Self::Affine,
            Freedom::Perspective => Self::Perspective,
        }
    }
}

impl Node for CameraMotion {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        cx.one_size("to", &["from"])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let size = inputs.to.size();
        if inputs.from.size() != size {
            let fault = Fault::new(format!("`to` is {size} but `from` is {}", inputs.from.size()));
            return Err(fault.help("put a `resize` node before one of them").into());
        }
        let found = camera::estimate(&inputs.from.raster, &inputs.to.raster, now.freedom.into(), now.tolerance);
        let told = Told::of(&found.matrix, size);
        let trust = if found.tracked == 0 { 0.0 } else { found.agreeing as f64 / found.tracked as f64 };
        Ok(Outputs {
            motion: cx.wants("motion").then(|| warp2d::motion(&found.matrix, size)),
            flow: cx.wants("flow").then(|| Flow::new(camera::forward(&found.matrix, size).0)),
            x: Some(told.translation[0]),
            y: Some(told.translation[1]),
            zoom: Some(told.zoom),
            angle: Some(told.angle),
            trust: Some(trust),
        })
    }
}
