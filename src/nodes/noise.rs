//! The kind `noise`.

use crate::choice;
use crate::frame::{Frame, Grain, Mask};
use crate::kernel::noise::{self, Clouds};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::{Curve, Seed};

choice! {
    /// What the noise looks like.
    pub enum NoiseType {
        /// White noise, equally strong everywhere, blended over the picture as in Deforum: lowers contrast by `amount`.
        Uniform = "uniform",
        /// White noise added to the picture, with `amount` as its deviation: brightness and contrast stay.
        Gaussian = "gaussian",
        /// As `uniform`, but strong and weak in clouds.
        Perlin = "perlin",
    }
}

node! {
    /// Puts noise on the picture: food for a diffusion that follows.
    ///
    /// Every frame gets other noise, so that it cannot burn in; it depends only on the seed, the node's name and the frame.
    "noise" => Noise
    inputs {
        /// The picture.
        image: Frame,
        /// Where noise goes; what is black stays as it was. Everywhere if left out.
        mask: Option<Mask>,
        /// Which noise lies under each pixel, from a node of kind `grain`: the noise then sticks to what moves, and stays that of the first
        /// frame's seed. The clouds of `perlin` stand still.
        grain: Option<Grain>,
    }
    outputs {
        /// The picture with noise.
        image: Frame,
    }
    params {
        /// What the noise looks like.
        r#type: NoiseType = "perlin";
        /// How strong it is: 0 none, 1 nothing but noise.
        amount: Curve = 0.065, in 0.0..=1.0;
        /// For `perlin`: how many sizes of clouds lie over each other.
        octaves: i64 = 4, in 1.0..=12.0;
        /// For `perlin`: how strong each smaller size of clouds is, relative to the one before.
        persistence: f64 = 0.5, in 0.0..=1.0;
        /// For `perlin`: how many of the largest clouds lie along each side of the picture.
        scale: Curve = 8.0, in 0.1..=1024.0;
        /// For `perlin`: how many of them lie side by side, if it is not `scale`.
        scale_x: Option<f64>, in 0.1..=1024.0;
        /// For `perlin`: how many of them lie one above the other, if it is not `scale`. (Deforum's `perlin_w` is this one, and
        /// its `perlin_h` is `scale_x`.)
        scale_y: Option<f64>, in 0.1..=1024.0;
        /// Another number gives other noise. A number goes on by one with every frame; `fixed` keeps the noise still. Other ways: `iter 3`,
        /// `random`, `ladder`, `alternate`, or a curve, which is the seed itself at each frame.
        seed: Seed = "iter";
    }
}

/// The kind `noise`.
pub struct Noise;

impl Node for Noise {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        cx.one_size("image", &["mask", "grain"])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let mut image = inputs.image;
        if now.amount > 0.0 {
            let kind = match now.r#type {
                NoiseType::Uniform => noise::Noise::Uniform,
                NoiseType::Gaussian => noise::Noise::Gaussian,
                NoiseType::Perlin => {
                    let octaves = u32::try_from(now.octaves).unwrap_or(1);
                    let cells = [now.scale_y, now.scale_x].map(|own| own.unwrap_or(now.scale));
                    noise::Noise::Perlin(Clouds { cells, octaves, persistence: now.persistence })
                }
            };
            let (picture, mask, amount) = (&mut image.raster, inputs.mask.as_ref(), now.amount as f32);
            match inputs.grain.filter(|grain| grain.size() == picture.size()) {
                Some(grain) => noise::add_carried(picture, mask, kind, amount, (cx.random_key(now.seed.nth(0)), &grain)),
                None => noise::add(picture, mask, kind, amount, cx.random_key(now.seed.nth(cx.count))),
            }
        }
        Ok(Outputs { image })
    }
}
