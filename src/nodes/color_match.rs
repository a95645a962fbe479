//! The kind `color_match`.

use std::collections::VecDeque;

use crate::choice;
use crate::frame::{Frame, Mask, Raster};
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
    /// The reference may be of any size, and may be one picture or a video, whose flicker `smoothing` and `window` keep out. For a
    /// window around the present frame let the reference run ahead: `reference: clip@+12, window: 25`.
    "color_match" => ColorMatch
    inputs {
        /// The picture.
        image: Frame,
        /// Where the colours come from. Left out: the first picture that is given. While its link has nothing yet (`initial: none`)
        /// colours stay as they are.
        reference: Option<Frame>,
        /// Which part of the picture is matched: only there do its colours count and change. All of it if left out.
        mask: Option<Mask>,
        /// Which part of the reference counts. All of it if left out.
        reference_mask: Option<Mask>,
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
        /// How many references are averaged: the present one and those just before. (Each costs about 50 KB of memory.)
        window: i64 = 1, in 1.0..=10000.0;
    }
}

/// The kind `color_match`.
pub struct ColorMatch {
    /// Nothing is linked: the first picture is the reference.
    to_itself: bool,
}

/// The palette aimed at, and the references from which it came.
#[derive(Default)]
pub struct Memory {
    aim: Option<Palette>,
    last: Option<(Raster, Palette)>,
    window: VecDeque<Palette>,
}

impl Memory {
    /// The palette of `reference`; of one that is the same picture as last time, again the same. `None` when its mask shows
    /// nothing.
    fn palette_of(&mut self, reference: &Raster, mask: Option<&Mask>, space: color::Space, method: palette::Method) -> Option<Palette> {
        if mask.is_some() {
            return Palette::of_part(reference, mask, space, method);
        }
        if let Some((raster, palette)) = &self.last
            && std::ptr::eq(raster.data(), reference.data())
        {
            return Some(palette.clone());
        }
        let palette = Palette::of(reference, space, method);
        self.last = Some((reference.clone(), palette.clone()));
        Some(palette)
    }

    /// The mean of `newest` and the references before it, `window` in all.
    fn averaged(&mut self, newest: Palette, window: usize) -> Palette {
        if window < 2 {
            return newest;
        }
        self.window.push_back(newest.clone().compact());
        self.window.drain(..self.window.len().saturating_sub(window));
        Palette::mean(&self.window).unwrap_or(newest)
    }

    /// Moves the aim towards `newest`, keeping the share `smoothing` of what it was.
    fn follow(&mut self, newest: Palette, smoothing: f32) {
        match &mut self.aim {
            Some(aim) if smoothing > 0.0 => aim.follow(&newest, smoothing),
            aim => *aim = Some(newest),
        }
    }
}

impl Node for ColorMatch {
    type State = Memory;

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let mut problems = cx.differing_sizes(&["image", "mask"]);
        problems.extend(cx.differing_sizes(&["reference", "reference_mask"]));
        if problems.is_empty() { Ok(cx.all_outputs(cx.size_of("image"))) } else { Err(problems) }
    }

    fn open(_params: &Params, cx: &Open<'_>) -> Result<(Self, Memory), Fault> {
        // The second of the inputs is the reference.
        Ok((Self { to_itself: cx.inputs.get(1).copied().flatten().is_none() }, Memory::default()))
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
        let reference = match &inputs.reference {
            None if self.to_itself && state.aim.is_none() => Some(&inputs.image),
            given => given.as_ref(),
        };
        let mask = inputs.reference_mask.as_ref();
        if let Some(newest) = reference.and_then(|reference| state.palette_of(&reference.raster, mask, space, method)) {
            let newest = state.averaged(newest, usize::try_from(now.window).unwrap_or(1));
            state.follow(newest, now.smoothing as f32);
        }
        // Without a reference so far, or with one whose mask has shown nothing, nothing changes.
        let Some(aim) = &state.aim else { return Ok(Outputs { image: inputs.image }) };
        let raster = aim.apply_part(&inputs.image.raster, inputs.mask.as_ref(), now.amount as f32);
        Ok(Outputs { image: Frame::new(raster, inputs.image.tags) })
    }
}
