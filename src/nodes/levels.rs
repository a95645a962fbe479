//! The kind `levels`.

use crate::choice;
use crate::frame::{Frame, Mask};
use crate::kernel::tone::{self, Auto};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

choice! {
    /// What the picture's own histogram decides.
    pub enum Automatic {
        /// Nothing.
        Off = "off",
        /// The darkest becomes black and the brightest white, but for the shares in `cutoff_low` and `cutoff_high`.
        Stretch = "stretch",
        /// Every brightness gets the same share of the picture.
        Equalize = "equalize",
    }
}

node! {
    /// Sets black, white, the middle, brightness and saturation.
    ///
    /// In this order: `auto`, then `black` to `white` becomes 0 to 1, bent by `gamma`; then `brightness` and `saturation`; then 0 to 1
    /// becomes `out_black` to `out_white`.
    "levels" => Levels
    inputs {
        /// The picture.
        image: Frame,
        /// Where it acts; what is black stays as it was. Everywhere if left out.
        mask: Option<Mask>,
    }
    outputs {
        /// The picture with other tones.
        image: Frame,
    }
    params {
        /// What becomes black.
        black: Curve = 0.0, in -1.0..=2.0;
        /// What becomes white.
        white: Curve = 1.0, in -1.0..=2.0;
        /// Above 1 brightens what lies between, below 1 darkens it.
        gamma: Curve = 1.0, in 0.01..=100.0;
        /// Added to every value.
        brightness: Curve = 0.0, in -1.0..=1.0;
        /// 0 is grey, 1 as it was, 2 twice as colourful.
        saturation: Curve = 1.0, in 0.0..=10.0;
        /// What black becomes.
        out_black: Curve = 0.0, in -1.0..=2.0;
        /// What white becomes.
        out_white: Curve = 1.0, in -1.0..=2.0;
        /// Whether what lies beyond black and white is cut off; otherwise it stays, and comes back when a later node darkens it.
        clip: bool = true;
        /// What the picture's own histogram decides. It flickers where the picture changes quickly: lower `amount`, or set the
        /// levels by hand.
        auto: Automatic = "off";
        /// For `stretch`: the percentage of pixels below which all is black.
        cutoff_low: Curve = 0.0, in 0.0..=100.0;
        /// For `stretch`: the percentage of pixels above which all is white.
        cutoff_high: Curve = 100.0, in 0.0..=100.0;
        /// For `auto`: whether red, green and blue are treated each on its own, which also balances the colours.
        per_channel: bool = false;
        /// How far to go: 0 not at all, 1 all the way.
        amount: Curve = 1.0, in 0.0..=1.0;
    }
}

/// The kind `levels`.
pub struct Levels;

impl Now {
    fn levels(&self) -> tone::Levels {
        tone::Levels {
            black: self.black as f32,
            white: self.white as f32,
            gamma: self.gamma as f32,
            brightness: self.brightness as f32,
            saturation: self.saturation as f32,
            out_black: self.out_black as f32,
            out_white: self.out_white as f32,
            clip: self.clip,
        }
    }

    fn automatic(&self) -> Option<Auto> {
        match self.auto {
            Automatic::Off => None,
            Automatic::Stretch => Some(Auto::Stretch([self.cutoff_low / 100.0, self.cutoff_high / 100.0])),
            Automatic::Equalize => Some(Auto::Equalize),
        }
    }
}

impl Node for Levels {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        cx.one_size("image", &["mask"])
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let mut image = inputs.image;
        let original = (now.amount < 1.0).then(|| image.raster.clone());
        if let Some(auto) = now.automatic() {
            tone::automatic(&mut image.raster, auto, now.per_channel, inputs.mask.as_ref());
        }
        tone::levels(&mut image.raster, now.levels(), inputs.mask.as_ref());
        if let Some(original) = original {
            image.raster = crate::kernel::blend::mix(original, &image.raster, now.amount as f32);
        }
        Ok(Outputs { image })
    }
}
