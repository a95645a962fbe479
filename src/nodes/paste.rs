//! The kind `paste`.

use super::blend::Mode;
use super::sampling::Sampling;
use crate::choice;
use crate::frame::{Frame, Mask};
use crate::kernel::mask;
use crate::kernel::paste::{self, Placement};
use crate::node::{Fault, Halt, Node, Open, Outlook, Problem, Prospect, Tick};
use crate::param::Curve;

choice! {
    /// What `x` and `y` count in.
    pub enum Units {
        /// Parts of the picture's width and height: 0.5 is the middle, whatever the size.
        Fraction = "fraction",
        /// Pixels from the left and the top.
        Pixels = "pixels",
    }
}

node! {
    /// Lays a cut-out over a picture: an object on a motion path of its own.
    ///
    /// The layer's anchor comes to lie at `x`, `y`, and the layer grows and turns around it. Without any parameter a layer of the
    /// picture's size lies where it was. To move an object and not the whole frame it was cut from, put the anchor in its middle:
    /// with `cut: { kind: mask, … }` write `anchor_x: cut.x, anchor_y: cut.y`, and the object follows `x` and `y` whatever it did in its
    /// clip.
    ///
    /// What can be seen of the layer is what `mask` and its own alpha let through. `clean` takes the old background out of soft edges.
    "paste" => Paste
    inputs {
        /// The picture below.
        image: Frame,
        /// What is laid on it, of any size.
        layer: Frame,
        /// Which part of the layer is seen, in its size. All of it if left out.
        mask: Option<Mask>,
    }
    outputs {
        /// The picture with the layer on it.
        image: Frame,
        /// Where the layer came to lie, in the size of the picture.
        mask: Option<Mask>,
    }
    params {
        /// Where the anchor lies, across. The middle if left out.
        x: Option<Curve>;
        /// Where the anchor lies, down. The middle if left out.
        y: Option<Curve>;
        /// What `x` and `y` count in.
        units: Units = "fraction";
        /// Growth around the anchor: 1 shows the layer pixel for pixel, below 0 it stands on its head.
        scale: Curve = 1.0, in -100.0..=100.0;
        /// Degrees to turn it around the anchor, counter-clockwise.
        angle: Curve = 0.0;
        /// The anchor in the layer: 0 its left edge, 1 its right.
        anchor_x: Curve = 0.5;
        /// The anchor in the layer: 0 its top, 1 its bottom.
        anchor_y: Curve = 0.5;
        /// How much of the layer shows: 0 nothing, 1 fully.
        amount: Curve = 1.0, in 0.0..=1.0;
        /// How the layer acts on the picture.
        mode: Mode = "normal";
        /// Pixels at the edge of the mask over which the layer takes its colours from further in.
        clean: Curve = 0.0, in 0.0..=100.0;
        /// How a value between pixels is made.
        sampling: Sampling = "lanczos";
    }
}

/// The kind `paste`.
pub struct Paste;

impl Now {
    fn placement(&self, image: &Frame, layer: &Frame) -> Placement {
        let (size, own) = (image.size(), layer.size());
        let along = |given: Option<f64>, length: usize| match (given, self.units) {
            (None, _) => length as f64 / 2.0,
            (Some(v), Units::Fraction) => v * length as f64,
            (Some(v), Units::Pixels) => v,
        };
        Placement {
            at: [along(self.x, size.width), along(self.y, size.height)],
            anchor: [self.anchor_x * own.width as f64, self.anchor_y * own.height as f64],
            scale: self.scale,
            angle: self.angle,
        }
    }
}

impl Node for Paste {
    type State = ();

    fn outlook(_params: &Params, cx: &Prospect<'_>) -> Result<Outlook, Vec<Problem>> {
        let problems = cx.differing_sizes(&["layer", "mask"]);
        if problems.is_empty() { Ok(cx.all_outputs(cx.size_of("image"))) } else { Err(problems) }
    }

    fn open(_params: &Params, _cx: &Open<'_>) -> Result<(Self, ()), Fault> {
        Ok((Self, ()))
    }

    fn fire(&self, _state: &mut (), cx: &Tick<'_>, inputs: Inputs, now: Now) -> Result<Outputs, Halt> {
        let Inputs { image, layer, mask: shown } = inputs;
        if let Some(mask) = shown.as_ref().filter(|mask| mask.size() != layer.size()) {
            let fault = Fault::new(format!("`mask` is {} but `layer` is {}", mask.size(), layer.size()));
            return Err(fault.help("make the mask from the layer, or put a `resize` node before the layer").into());
        }
        let size = image.size();
        let place = now.placement(&image, &layer);
        let colors = match &shown {
            Some(shown) if now.clean > 0.0 => mask::decontaminate(&layer.raster, &shown.0, now.clean as f32),
            _ => layer.raster,
        };
        let landed = paste::land(&colors, shown.as_ref(), size, &place, now.sampling.into());
        let amount = now.amount as f32;
        let lies = cx.wants("mask").then(|| match &landed {
            Some(landed) => Mask::new(mask::change(landed.coverage(size).0, |v| v * amount)),
            None => Mask::new(crate::frame::Raster::zeroed(size, 1)),
        });
        let raster = match &landed {
            Some(landed) => landed.over(image.raster, amount, now.mode.into()),
            None => image.raster,
        };
        Ok(Outputs { image: Frame::new(raster, image.tags), mask: lies })
    }
}
