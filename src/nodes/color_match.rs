//! The kind `color_match`.

use crate::choice;
use crate::frame::{Frame, Raster};
use crate::kernel::color;
use crate::kernel::palette::{self, Palette};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

choice! {
    /// The numbers in which colours are compared.
    pub enum Space {
        /// Red, green and blue.
        Rgb = "rgb",
        /// Hue, saturation and value.
        Hsv = "hsv",
        /// CIE Lab: lightness apart from colour.
        Lab = "lab",
        /// Oklab: as Lab, with truer blues.
        Oklab = "oklab",
    }
}

choice! {
    /// What is taken over from the reference.
    pub enum Method {
        /// The whole distribution of each channel.
        Histogram = "histogram",
        /// The mean and the deviation of each channel: gentler.
        MeanStd = "mean_std",
    }
}

node! {
    /// Gives the picture the colours of a reference: keeps a loop from drifting.
    ///
    /// The reference may be of any size, and may be one picture or a video; `smoothing` keeps its flicker out.
    "color_match" => ColorMatch
    inputs {
        /// The picture.
        image: Frame,
        /// Where the colours come from.
        reference: Frame,
    }
    outputs {
        /// The picture with the reference's colours.
        image: Frame,
    }
    params {
        /// The numbers in which colours are compared.
        space: Space = "lab";
        /// What is taken over from the reference.
        method: Method = "histogram";
        /// How far to go: 0 not at all, 1 all the way.
        amount: Curve = 1.0, in 0.0..=1.0;
        /// How much of the earlier references is kept from frame to frame: 0 none, 0.9 follows in about ten frames.
        smoothing: f64 = 0.0, in 0.0..=0.9999;
    }
}

/// The kind `color_match`.
pub struct ColorMatch;

/// The palette aimed at, and the reference from which the newest part of it came.
#[derive(Default)]
pub struct Memory {
    aim: Option<Palette>,
    last: Option<(Raster, Palette)>,
}

impl Memory {
    /// The palette of `reference`; of one that is the same picture as last time, again the same.
    fn palette_of(&mut self, reference: &Raster, space: color::Space, method: palette::Method) -> Palette {
        match &self.last {
            Some((raster, palette)) if std::ptr::eq(raster.data(), reference.data()) => palette.clone(),
            _ => {
                let palette = Palette::of(reference, space, method);
                self.last = Some((reference.clone(), palette.clone()));
                palette
            }
        }
    }
}

impl Node for ColorMatch {
    type State = Memory;

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        Ok(cx.all_outputs(cx.size_of("image")))
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, Memory), Fault> {
        Ok((Self, Memory::default()))
    }

    fn fire(&self, state: &mut Memory, _cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let space = match now.space {
            Space::Rgb => color::Space::Rgb,
            Space::Hsv => color::Space::Hsv,
            Space::Lab => color::Space::Lab,
            Space::Oklab => color::Space::Oklab,
        };
        let method = match now.method {
            Method::Histogram => palette::Method::Histogram,
            Method::MeanStd => palette::Method::MeanStd,
        };
        let newest = state.palette_of(&inputs.reference.raster, space, method);
        let aim = match state.aim.take() {
            Some(mut aim) if now.smoothing > 0.0 => {
                aim.follow(&newest, now.smoothing as f32);
                aim
            }
            _ => newest,
        };
        let raster = aim.apply(&inputs.image.raster, now.amount as f32);
        state.aim = Some(aim);
        Ok(Outputs { image: Frame::new(raster, inputs.image.tags) })
    }
}
