//! The kind `depth_warp`.

use super::sampling::{Padding, Sampling};
use crate::choice;
use crate::frame::{Depth, Frame, Mask, Motion};
use crate::kernel::resample::{self, Filter};
use crate::kernel::sample;
use crate::kernel::warp3d::{self, Camera};
use crate::node::{Fault, Halt, Node, Open, Tick};
use crate::param::Curve;

choice! {
    /// How depth becomes distance.
    pub enum DepthMapping {
        /// Depth as it is: steady over time.
        Linear = "linear",
        /// After histogram equalisation, as Deforum does: layers move apart more, but distances change with what else is in view.
        Equalized = "equalized",
    }
}

node! {
    /// Moves a camera through the picture, given how near each pixel is.
    ///
    /// All motion is per frame: feed the output back (`image: { from: painted@-1, initial: … }`) for a steady flight. Numbers
    /// mean what they mean in Deforum's 3D mode. The nearest things are 200 units of translation away, the farthest 400.
    "depth_warp" => DepthWarp
    inputs {
        /// The picture to move.
        image: Frame,
        /// How near each of its pixels is. Another size is stretched.
        depth: Depth,
    }
    outputs {
        /// The moved picture.
        image: Frame,
        /// What comes into view for the first time and so is only guessed: beyond the edge, and where near things uncover far ones.
        mask: Option<Mask>,
        /// Where each pixel came from.
        motion: Option<Motion>,
    }
    params {
        /// Moves the camera right: the picture moves left. (The opposite of `warp`, as in Deforum.)
        translation_x: Curve = 0.0;
        /// Moves the camera up: the picture moves down.
        translation_y: Curve = 0.0;
        /// Moves the camera forwards.
        translation_z: Curve = 0.0;
        /// Degrees to tilt the camera up.
        rotation_3d_x: Curve = 0.0;
        /// Degrees to pan the camera right.
        rotation_3d_y: Curve = 0.0;
        /// Degrees to roll the camera, so that the picture turns counter-clockwise.
        rotation_3d_z: Curve = 0.0;
        /// The field of view in degrees: the smaller, the stronger every motion.
        fov: Curve = 70.0, in 1.0..=179.0;
        /// Divides horizontal motion.
        aspect_ratio: Curve = 1.0, in 0.01..=100.0;
        /// What lies beyond the edge.
        padding: Padding = "border";
        /// How a value between pixels is made. (Deforum's 3D mode is `bicubic`.)
        sampling: Sampling = "lanczos";
        /// How depth becomes distance.
        depth_mapping: DepthMapping = "linear";
    }
}

/// The kind `depth_warp`.
pub struct DepthWarp;

impl Now {
    fn camera(&self) -> Camera {
        Camera {
            translation: [self.translation_x, self.translation_y, self.translation_z],
            rotation: [self.rotation_3d_x, self.rotation_3d_y, self.rotation_3d_z],
            fov: self.fov,
            aspect_ratio: self.aspect_ratio,
        }
    }
}

impl Node for DepthWarp {
    type State = ();

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let depth = Depth::new(resample::resize(&inputs.depth.0, inputs.image.size(), Filter::Bilinear));
        let mapping = match now.depth_mapping {
            DepthMapping::Linear => warp3d::DepthMapping::Linear,
            DepthMapping::Equalized => warp3d::DepthMapping::Equalized,
        };
        let motion = warp3d::motion(&warp3d::distance(&depth, mapping), &now.camera());
        let raster = sample::warp(&inputs.image.raster, &motion, now.sampling.into(), now.padding.into());
        Ok(Outputs {
            image: Frame::new(raster, inputs.image.tags),
            mask: cx.wants("mask").then(|| warp3d::revealed(&motion)),
            motion: cx.wants("motion").then_some(motion),
        })
    }

    fn outlook(_params: &Params, cx: &crate::node::Prospect<'_>) -> Result<crate::node::Outlook, Vec<crate::node::Problem>> {
        Ok(cx.all_outputs(cx.size_of("image")))
    }
}
