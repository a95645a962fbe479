//! The kind `depth_warp`.

use super::sampling::{Padding, Sampling};
use crate::choice;
use crate::frame::{Depth, Frame, Mask, Motion, Size};
use crate::kernel::resample::{self, Filter};
use crate::kernel::warp2d::{self, Flip, Matrix};
use crate::kernel::warp3d::{self, Camera};
use crate::kernel::{sample, surface};
use crate::node::{Fault, Halt, Node, Open, Tick};
use crate::param::Curve;

choice! {
    /// How depth becomes distance.
    pub enum DepthMapping {
        /// Depth as it is: steady over time.
        Linear = "linear",
        /// After histogram equalisation, as Deforum does: layers move apart more, but distances change with what else is in view.
        Equalized = "equalized",
        /// Equalised, for depth that is larger the farther: as Deforum does for `AdaBins`, `LeReS` and `ZoeDepth`.
        EqualizedFar = "equalized_far",
        /// The depth is the distance itself, in units of 200 of translation: as in Deforum's old modes.
        Raw = "raw",
    }
}

choice! {
    /// How the picture follows the camera.
    pub enum Method {
        /// Each pixel is taken back by its own step, with Deforum's numbers and look: stretched behind what moves, and on wide
        /// pictures a roll turns and shears too much.
        Deforum = "deforum",
        /// A surface seen by a true camera: near things hide far ones, gaps are found and filled from behind, angles are angles.
        Exact = "exact",
    }
}

node! {
    /// Moves a camera through the picture, given how near each pixel is.
    ///
    /// All motion is per frame: feed the output back (`image: { from: painted@-1, initial: … }`) for a steady flight. Numbers
    /// mean what they mean in Deforum's 3D mode. The nearest things are 200 units of translation away, the farthest 400. A tilt of
    /// the picture (`perspective_flip_…`) comes first, and all is one resampling. docs/motion.md tells more.
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
        /// The field of view in degrees: the smaller, the stronger every motion. Below 0 all motion is reversed.
        fov: Curve = 70.0, in -179.0..=179.0;
        /// What comes nearer to the camera than this is not drawn (with `method: deforum` it is held there). In units of translation.
        near: Curve = 4.0, in 0.2..=100_000.0;
        /// What is farther from the camera than this is not drawn (with `method: deforum` it is held there). In units of translation.
        far: Curve = 10000.0, in 0.2..=100_000.0;
        /// Divides horizontal motion.
        aspect_ratio: Curve = 1.0, in 0.01..=100.0;
        /// Degrees to roll the picture in its plane, in perspective, before the camera moves.
        perspective_flip_theta: Curve = 0.0;
        /// Degrees to tilt the picture around its horizontal axis before the camera moves.
        perspective_flip_phi: Curve = 0.0;
        /// Degrees to pan the picture around its vertical axis before the camera moves.
        perspective_flip_gamma: Curve = 0.0;
        /// The field of view of that perspective in degrees: the larger, the stronger.
        perspective_flip_fv: Curve = 53.0, in 1.0..=179.0;
        /// How the picture follows the camera.
        method: Method = "deforum";
        /// What lies beyond the edge.
        padding: Padding = "border";
        /// How a value between pixels is made. (Deforum's 3D mode is `bicubic`.)
        sampling: Sampling = "lanczos";
        /// How depth becomes distance.
        depth_mapping: DepthMapping = "linear";
    }
}

impl From<DepthMapping> for warp3d::DepthMapping {
    fn from(mapping: DepthMapping) -> Self {
        match mapping {
            DepthMapping::Linear => Self::Linear,
            DepthMapping::Equalized => Self::Equalized,
            DepthMapping::EqualizedFar => Self::EqualizedFar,
            DepthMapping::Raw => Self::Raw,
        }
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
            near: self.near,
            far: self.far,
        }
    }

    /// The tilt of the picture before the camera moves, as a matrix.
    fn tilt(&self, size: Size) -> Option<Matrix> {
        let flip = Flip {
            theta: self.perspective_flip_theta,
            phi: self.perspective_flip_phi,
            gamma: self.perspective_flip_gamma,
            fv: self.perspective_flip_fv,
        };
        flip.tilts().then(|| flip.matrix(size))
    }

    /// The motion of all pixels, and what is revealed if that is wanted.
    fn view(&self, depth: &Depth, mask: bool) -> (Motion, Option<Mask>) {
        let (distance, camera) = (warp3d::distance(depth, self.depth_mapping.into()), self.camera());
        let tilt = self.tilt(depth.size());
        let before = |motion: Motion| match &tilt {
            Some(tilt) => warp2d::before(tilt, &motion),
            None => motion,
        };
        match self.method {
            Method::Deforum => {
                let motion = before(warp3d::motion(&distance, &camera));
                let mask = mask.then(|| warp3d::revealed(&motion));
                (motion, mask)
            }
            Method::Exact => {
                // A surface tilts as a whole, depth and all.
                let distance = match &tilt {
                    Some(tilt) => warp2d::warp(&distance, tilt, sample::Sampling::Bilinear, sample::Border::Replicate),
                    None => distance,
                };
                let view = surface::view(&distance, &camera);
                (before(view.motion), Some(view.revealed))
            }
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
        let (motion, mask) = now.view(&depth, cx.wants("mask"));
        let raster = sample::warp(&inputs.image.raster, &motion, now.sampling.into(), now.padding.into());
        Ok(Outputs {
            image: Frame::new(raster, inputs.image.tags),
            mask: mask.filter(|_| cx.wants("mask")),
            motion: cx.wants("motion").then_some(motion),
        })
    }

    fn outlook(_params: &Params, cx: &crate::node::Prospect<'_>) -> Result<crate::node::Outlook, Vec<crate::node::Problem>> {
        Ok(cx.all_outputs(cx.size_of("image")))
    }
}
